"""What every engine behind `ChunkQueue` gives to whom, on both databases."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from backend.dispatch import ChunkQueue, Room
from tests.dispatch.board import Board, claimed, only


def test_each_chunk_goes_to_one_of_many_threads(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    made = {board.chunk(run, lane, rows=1) for _ in range(24)}
    taken: dict[str, list[int]] = {f"worker {n}": [] for n in range(6)}
    ready = threading.Barrier(len(taken))

    def work(name: str) -> None:
        ready.wait()
        dry = 0
        while dry < 3:  # on PostgreSQL a claim may come back empty while others hold the rows it looked at
            got = claimed(queue, 2, name)
            taken[name] += got
            dry = 0 if got else dry + 1

    threads = [threading.Thread(target=work, args=(name,)) for name in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert Counter(chunk for chunks in taken.values() for chunk in chunks) == Counter(made)


def test_an_empty_queue_gives_nothing(board: Board, queue: ChunkQueue):
    assert claimed(queue) == []


def test_no_more_than_asked_for(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    for _ in range(5):
        board.chunk(run, lane)
    assert len(claimed(queue, 3)) == 3
    assert len(claimed(queue, 3)) == 2
    assert claimed(queue, 3) == []


def test_a_claim_tells_run_number_lane_and_fence(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    board.chunk(run, lane)
    second = board.chunk(run, lane)
    claims = {claim.id: claim for claim in queue.claim("one", 10)}
    told = claims[second]
    assert (told.run_id, told.number, told.credential_id, told.fence, told.priority) == (run, 1, lane, 1, 0)


def test_what_is_urgent_goes_first(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    for _ in range(4):
        board.chunk(run, lane)
    board.clock.forward(5)
    urgent = board.chunk(board.run(), lane, priority=10)
    assert claimed(queue, 1) == [urgent]


def test_what_is_urgent_has_room_of_its_own(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    ordinary = [board.chunk(run, lane) for _ in range(3)]
    urgent = [board.chunk(run, lane, priority=10) for _ in range(3)]
    assert [c.id for c in queue.claim("one", 0, urgent=Room(1))] == urgent[:1]
    both = [claim.id for claim in queue.claim("one", 1, urgent=Room(5))]
    assert sorted(both) == sorted([ordinary[0], *urgent[1:]])
    assert [c.id for c in queue.claim("one", 5, urgent=Room(0))] == ordinary[1:]


def test_a_lane_may_be_busy_for_ordinary_work_alone(board: Board, queue: ChunkQueue):
    run, lane = board.run(), board.lane()
    board.chunk(run, lane)
    urgent = board.chunk(run, lane, priority=10)
    assert [claim.id for claim in queue.claim("one", 5, [lane], urgent=Room(5))] == [urgent]


def test_a_run_that_has_enough_in_a_lane_is_passed_over_there(board: Board, queue: ChunkQueue):
    big, small, lane, other = board.run(), board.run(), board.lane(), board.lane()
    full = [board.chunk(big, lane) for _ in range(2)]
    elsewhere, behind = board.chunk(big, other), board.chunk(small, lane)
    assert sorted(claim.id for claim in queue.claim("one", 9, full=[(big, lane)])) == [elsewhere, behind]
    assert claimed(queue) == full


def test_a_small_run_is_not_starved_by_a_big_one(board: Board, queue: ChunkQueue):
    big, lane = board.run(), board.lane()
    for _ in range(12):
        board.chunk(big, lane)
    board.clock.forward(5)
    small = board.chunk(board.run(), lane)
    first = [chunk for _ in range(4) for chunk in claimed(queue, 1)]
    assert small in first


def test_a_big_run_is_not_starved_by_small_ones(board: Board, queue: ChunkQueue):
    big, lane = board.run(), board.lane()
    waiting = {board.chunk(big, lane) for _ in range(4)}
    board.clock.forward(5)
    for _ in range(20):
        board.chunk(board.run(), lane)
        board.chunk(board.run(), lane)
        waiting -= set(claimed(queue, 1))
    assert waiting == set()


def test_nothing_is_claimed_before_its_time(board: Board, queue: ChunkQueue):
    later = board.clock.now + timedelta(seconds=60)
    chunk = board.chunk(board.run(), board.lane(), not_before=later)
    board.clock.forward(59)
    assert claimed(queue) == []
    board.clock.forward(1)
    assert claimed(queue) == [chunk]


def test_busy_lanes_are_passed_over(board: Board, queue: ChunkQueue):
    run, slow, quick = board.run(), board.lane(), board.lane()
    board.chunk(run, slow)
    other = board.chunk(run, quick)
    assert claimed(queue, busy=[slow]) == [other]
    assert claimed(queue, busy=[slow, quick]) == []


def test_held_lanes_are_passed_over_until_they_are_free(board: Board, queue: ChunkQueue):
    run, free = board.run(), board.lane()
    held = board.lane(held_until=board.clock.now + timedelta(seconds=30))
    waiting, chunk = board.chunk(run, held), board.chunk(run, free)
    assert claimed(queue) == [chunk]
    board.clock.forward(31)
    assert claimed(queue) == [waiting]


def test_a_lane_held_while_its_chunk_is_out_is_not_given_again(board: Board, queue: ChunkQueue):
    lane = board.lane()
    chunk = board.chunk(board.run(), lane)
    claim = only(queue)
    board.hold_lane(lane, board.clock.now + timedelta(hours=1))
    queue.release(claim, timedelta(0))
    assert claimed(queue) == []
    board.hold_lane(lane, None)
    assert claimed(queue) == [chunk]


@pytest.mark.parametrize("state", ["planning", "paused", "cancelled", "finished"])
def test_only_running_runs_are_claimed(board: Board, queue: ChunkQueue, state: str):
    run = board.run(state)
    chunk = board.chunk(run, board.lane())
    assert claimed(queue) == []
    board.set_run(run, "running")
    assert claimed(queue) == [chunk]
