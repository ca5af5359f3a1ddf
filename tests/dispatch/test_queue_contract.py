"""What every engine behind `ChunkQueue` must do, on both databases."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from backend.bootstrap import Core, build
from backend.db import OPERATOR
from backend.dispatch import ChunkQueue
from backend.dispatch.leases import WORKER, hold
from backend.errors import FencedOut
from backend.queries.chunks import ClaimedChunk
from tests.conftest import settings_for
from tests.dispatch.board import LEASE, Board, claimed, only, pass_lease, settle

# --- holding ----------------------------------------------------------------------------------------


def test_the_fence_grows_with_every_lease(board: Board, queue: ChunkQueue):
    board.chunk(board.run(), board.lane())
    fences = []
    for _ in range(3):
        claim = only(queue)
        fences.append(claim.fence)
        queue.release(claim, timedelta(0))
    pass_lease(board)
    claim = only(queue)
    pass_lease(board)
    queue.adopt()
    fences += [claim.fence, only(queue).fence]
    assert fences == sorted(set(fences))


def test_a_renewed_lease_is_kept(board: Board, queue: ChunkQueue):
    board.chunk(board.run(), board.lane())
    claim = only(queue)
    for _ in range(3):
        board.clock.forward(LEASE * 0.9)
        assert queue.extend([claim]) == {claim}
        assert queue.adopt() == 0
    pass_lease(board)
    assert queue.adopt() == 1
    assert queue.extend([claim]) == set()


def test_a_late_worker_may_renew_as_long_as_nobody_took_over(board: Board, queue: ChunkQueue):
    """Expiry alone takes nothing away: only a takeover does, and it grows the fence."""
    board.chunk(board.run(), board.lane())
    claim = only(queue)
    pass_lease(board)
    assert queue.extend([claim]) == {claim}
    assert queue.adopt() == 0


def test_extending_tells_what_is_lost_from_what_is_kept(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    board.chunk(run, lane)
    lost = only(queue, "one")
    pass_lease(board)
    queue.adopt()
    board.chunk(run, lane)
    taken = queue.claim("two", 10)
    assert lost.id in {claim.id for claim in taken}, "the same chunk, under two leases"
    assert queue.extend([lost, *taken]) == set(taken)


def test_whoever_writes_hears_how_run_and_lane_stand(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    board.chunk(run, lane)
    claim, until = only(queue), board.clock.now + timedelta(hours=1)
    board.set_run(run, "paused")
    board.hold_lane(lane, until)
    with board.core.work(WORKER) as work:
        standing = hold(work, claim)
    assert (standing.run_state, standing.held_until) == ("paused", until)


def test_a_write_renews_the_lease(board: Board, queue: ChunkQueue):
    board.chunk(board.run(), board.lane())
    claim = only(queue)
    board.clock.forward(LEASE * 0.9)
    with board.core.work(WORKER) as work:
        hold(work, claim)
    board.clock.forward(LEASE * 0.9)
    assert queue.adopt() == 0


# --- after a takeover ------------------------------------------------------------------------------


def takeover(board: Board, queue: ChunkQueue) -> tuple[ClaimedChunk, ClaimedChunk]:
    """(what the frozen worker believes to hold, what its heir holds)."""
    board.chunk(board.run(), board.lane())
    frozen = only(queue, "frozen")
    pass_lease(board)
    assert queue.adopt() == 1
    return frozen, only(queue, "heir")


def test_a_fenced_out_worker_may_not_write(board: Board, queue: ChunkQueue):
    frozen, heir = takeover(board, queue)
    with pytest.raises(FencedOut), board.core.work(WORKER) as work:
        hold(work, frozen)
    with board.core.work(WORKER) as work:
        hold(work, heir)


def test_a_fenced_out_worker_may_not_settle(board: Board, queue: ChunkQueue):
    frozen, heir = takeover(board, queue)
    board.set_rows(heir.id, "accepted")
    with pytest.raises(FencedOut):
        settle(board, queue, frozen)
    assert board.chunk_row(heir.id).state == "leased"
    settle(board, queue, heir)
    assert board.chunk_row(heir.id).state == "done"


def test_a_fenced_out_worker_may_not_release(board: Board, queue: ChunkQueue):
    frozen, heir = takeover(board, queue)
    before = board.chunk_row(heir.id)
    queue.release(frozen, timedelta(hours=1))
    after = board.chunk_row(heir.id)
    assert (after.state, after.owner, after.fence) == ("leased", "heir", heir.fence)
    assert after.not_before == before.not_before
    assert queue.extend([heir]) == {heir}


def test_between_takeover_and_the_next_claim_nobody_holds_the_chunk(board: Board, queue: ChunkQueue):
    board.chunk(board.run(), board.lane())
    frozen = only(queue, "frozen")
    pass_lease(board)
    queue.adopt()
    with pytest.raises(FencedOut), board.core.work(WORKER) as work:
        hold(work, frozen)
    with pytest.raises(FencedOut):
        settle(board, queue, frozen)
    assert queue.extend([frozen]) == set()


@pytest.mark.parametrize(("on_unknown", "then"), [("retry", "planned"), ("never_twice", "unknown")])
def test_what_a_dead_worker_was_sending_follows_the_campaigns_choice(
    board: Board, queue: ChunkQueue, on_unknown: str, then: str
):
    chunk = board.chunk(board.run(on_unknown=on_unknown), board.lane(), rows=5)
    only(queue)
    board.set_rows(chunk, "sending", 3)
    pass_lease(board)
    assert queue.adopt() == 1
    rows = board.rows(chunk)
    assert [row.state for row in rows] == [then] * 3 + ["planned"] * 2
    assert [row.maybe_sent for row in rows] == [True] * 3 + [False] * 2
    assert [row.reason for row in rows] == ["worker_lost"] * 3 + [None] * 2


@pytest.mark.parametrize("on_unknown", ["retry", "never_twice"])
def test_a_receipt_settles_what_a_dead_worker_was_sending(board: Board, queue: ChunkQueue, on_unknown: str):
    chunk = board.chunk(board.run(on_unknown=on_unknown), board.lane(), rows=3)
    only(queue)
    arrived = board.set_rows(chunk, "sending")[1]
    board.receipt(arrived)
    pass_lease(board)
    queue.adopt()
    assert [row.id for row in board.rows(chunk) if row.state == "accepted"] == [arrived]


def test_nothing_of_a_cancelled_run_is_sent_again(board: Board, queue: ChunkQueue):
    run = board.run()
    chunk = board.chunk(run, board.lane(), rows=4)
    only(queue)
    board.set_rows(chunk, "sending", 2)
    board.set_run(run, "cancelled")
    pass_lease(board)
    assert queue.adopt() == 1
    assert board.states(chunk) == {"unknown": 2, "planned": 2}


def test_a_paused_run_keeps_what_a_dead_worker_was_sending(board: Board, queue: ChunkQueue):
    run = board.run()
    chunk = board.chunk(run, board.lane(), rows=4)
    only(queue)
    board.set_rows(chunk, "sending", 2)
    board.set_run(run, "paused")
    pass_lease(board)
    assert queue.adopt() == 1
    assert board.states(chunk) == {"planned": 4}
    assert claimed(queue) == []


def test_final_rows_stay_as_they_are_when_a_chunk_changes_hands(board: Board, queue: ChunkQueue):
    chunk = board.chunk(board.run(), board.lane(), rows=6)
    only(queue)
    board.set_rows(chunk, "accepted", 6)
    board.set_rows(chunk, "sending", 1)
    pass_lease(board)
    queue.adopt()
    assert board.states(chunk) == {"planned": 1, "accepted": 5}


def test_a_living_workers_chunk_is_left_alone(board: Board, queue: ChunkQueue):
    chunk = board.chunk(board.run(), board.lane())
    claim = only(queue)
    board.set_rows(chunk, "sending")
    board.clock.forward(LEASE * 0.99)
    assert queue.adopt() == 0
    assert board.states(chunk) == {"sending": 2}
    assert queue.extend([claim]) == {claim}


def test_each_dead_chunk_is_adopted_by_one_of_many_threads(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    made = [board.chunk(run, lane, rows=2) for _ in range(12)]
    assert len(claimed(queue)) == len(made)
    for chunk in made:
        board.set_rows(chunk, "sending", 1)
    fences = {chunk: board.chunk_row(chunk).fence for chunk in made}
    pass_lease(board)
    taken: list[int] = []
    ready = threading.Barrier(4)

    def adopt() -> None:
        ready.wait()
        taken.append(queue.adopt())

    threads = [threading.Thread(target=adopt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    taken.append(queue.adopt())  # rows that others had locked at that moment
    assert sum(taken) == len(made)
    assert {chunk: board.chunk_row(chunk).fence for chunk in made} == {c: f + 1 for c, f in fences.items()}
    assert all([row.attempts for row in board.rows(chunk)] == [1, 0] for chunk in made)


# --- giving back -----------------------------------------------------------------------------------


def test_a_settled_chunk_is_done_when_no_row_is_open(board: Board, queue: ChunkQueue):
    chunk = board.chunk(board.run(), board.lane(), rows=3)
    claim = only(queue)
    board.set_rows(chunk, "accepted")
    assert settle(board, queue, claim)
    row = board.chunk_row(chunk)
    assert (row.state, row.owner, row.lease_until) == ("done", None, None)
    pass_lease(board)
    assert queue.adopt() == 0
    assert claimed(queue) == []


@pytest.mark.parametrize("state", ["planned", "sending"])
def test_a_chunk_with_an_open_row_is_never_done(board: Board, queue: ChunkQueue, state: str):
    chunk = board.chunk(board.run(), board.lane(), rows=3)
    claim = only(queue)
    board.set_rows(chunk, "accepted")
    board.set_rows(chunk, state, 1)
    assert not settle(board, queue, claim)
    assert board.chunk_row(chunk).state != "done"


def test_settling_twice_is_refused(board: Board, queue: ChunkQueue):
    chunk = board.chunk(board.run(), board.lane())
    claim = only(queue)
    board.set_rows(chunk, "accepted")
    settle(board, queue, claim)
    with pytest.raises(FencedOut):
        settle(board, queue, claim)


def test_what_the_caller_rolls_back_is_not_settled(board: Board, queue: ChunkQueue):
    """`settle` belongs to the caller's transaction: results and chunk change together or not at all."""
    chunk = board.chunk(board.run(), board.lane())
    claim = only(queue)
    board.set_rows(chunk, "accepted")

    def fails() -> None:
        with board.core.work(WORKER) as work:
            queue.settle(work, claim)
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert board.chunk_row(chunk).state == "leased"
    assert queue.extend([claim]) == {claim}


def test_a_released_chunk_waits_as_long_as_asked(board: Board, queue: ChunkQueue):
    chunk = board.chunk(board.run(), board.lane())
    queue.release(only(queue), timedelta(seconds=30))
    row = board.chunk_row(chunk)
    assert (row.state, row.owner, row.lease_until) == ("ready", None, None)
    board.clock.forward(29)
    assert claimed(queue) == []
    board.clock.forward(1)
    assert claimed(queue) == [chunk]


def test_a_released_chunk_is_at_once_anybodys(board: Board, queue: ChunkQueue):
    chunk = board.chunk(board.run(), board.lane())
    first = only(queue, "one")
    queue.release(first, timedelta(0))
    second = only(queue, "two")
    assert second.id == chunk
    assert board.chunk_row(chunk).owner == "two"
    assert queue.extend([first]) == set()


# --- restart ---------------------------------------------------------------------------------------


def test_a_restart_forgets_nothing(board: Board, queue: ChunkQueue, engine: Callable[[Core], ChunkQueue]):
    run, lane = board.run(), board.lane()
    held, free = board.chunk(run, lane), board.chunk(run, lane)
    later = board.chunk(run, lane, not_before=board.clock.now + timedelta(seconds=1))
    claim = only(queue, "worker")
    assert claim.id == held
    fresh = build(settings_for(board.core.settings.database_url, board.core.settings.data_dir), board.clock)
    try:
        again = engine(fresh)
        assert claimed(again, worker="worker") == [free]
        board.clock.forward(1)
        assert claimed(again, worker="worker") == [later]
        board.clock.forward(LEASE)
        assert again.adopt() >= 1
        (heir,) = [claim for claim in again.claim("worker", 10) if claim.id == held]
        assert heir.fence > claim.fence
        assert queue.extend([claim]) == set()
    finally:
        fresh.close()


def test_an_idle_queue_takes_no_write_lock(board: Board, queue: ChunkQueue):
    """A worker that finds nothing must not disturb the ones that write."""
    board.chunk(board.run(), board.lane(), not_before=board.clock.now + timedelta(hours=1))
    with board.core.work(OPERATOR) as work:
        work.session.connection()
        done: list[object] = []
        thread = threading.Thread(target=lambda: done.extend([claimed(queue), queue.adopt()]), daemon=True)
        thread.start()
        thread.join(5)
        assert done == [[], 0]
