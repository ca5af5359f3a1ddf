"""The lease table as a queue."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from backend.bootstrap import Core
from backend.db import Actor, Work
from backend.domain.vocabulary import ChunkState, OnUnknown, RunState
from backend.errors import FencedOut
from backend.queries import campaigns, chunks, results
from backend.queries.chunks import ORDINARY, URGENT, ClaimedChunk, Standing, Wish

WORKER = Actor("worker")
ADOPTED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Room:
    """How many chunks a worker has room for, none of the lanes in `busy`, no more of the (run, lane) in `full`."""

    limit: int
    busy: Collection[int] = ()
    full: Collection[tuple[int, int]] = ()


class ChunkQueue(Protocol):
    """What a sender asks of a queue. All verbs but `settle` open and commit a transaction of their own."""

    def claim(
        self,
        worker: str,
        limit: int,
        busy: Collection[int] = (),
        *,
        full: Collection[tuple[int, int]] = (),
        urgent: Room | None = None,
    ) -> list[ClaimedChunk]:
        """Due chunks, held for one lease; urgent ones first, for which there may be room beside the other.

        Of the ordinary ones small runs and old chunks have their turn by turns.
        """

    def extend(self, claims: Collection[ClaimedChunk]) -> set[ClaimedChunk]:
        """Renews the leases; those that are still ours."""

    def settle(self, work: Work, claim: ClaimedChunk) -> bool:
        """Done, or ready again when rows are open; whether it is done. Raises `FencedOut`."""

    def release(self, claim: ClaimedChunk, delay: timedelta) -> None:
        """Gives a chunk back unfinished; nothing happens when it is no longer ours."""

    def adopt(self) -> int:
        """Takes over what dead workers held; how many chunks."""


class LeaseQueue:
    """`ChunkQueue` on the chunk table of the product's own database."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lease = timedelta(seconds=core.settings.lease_seconds)
        self._small_first = False

    def claim(
        self,
        worker: str,
        limit: int,
        busy: Collection[int] = (),
        *,
        full: Collection[tuple[int, int]] = (),
        urgent: Room | None = None,
    ) -> list[ClaimedChunk]:
        own = urgent or Room(limit, busy, full)
        wishes = [Wish(URGENT, own.busy, own.full), Wish(ORDINARY, busy, full, self._small_first)]
        wanted = self._due([wish for wish, most in zip(wishes, (own.limit, limit), strict=True) if most > 0])
        if not wanted:
            return []
        with self._core.work(WORKER) as work:
            taken: list[ClaimedChunk] = []
            for wish in wanted:
                room = own.limit if wish.priority == URGENT else limit - (0 if urgent else len(taken))
                until = work.now + self._lease
                taken += chunks.claim(work.session, wish, worker=worker, now=work.now, until=until, limit=room)
        self._small_first ^= wanted[-1].priority == ORDINARY
        return taken

    def _due(self, wishes: list[Wish]) -> list[Wish]:
        """An idle worker only reads: it never takes SQLite's one write lock to find nothing."""
        if not wishes:
            return []
        with self._core.reading(WORKER) as work:
            return chunks.anything_due(work.session, wishes, work.now)

    def extend(self, claims: Collection[ClaimedChunk]) -> set[ClaimedChunk]:
        with self._core.work(WORKER) as work:
            return chunks.extend(work.session, claims, work.now + self._lease)

    def settle(self, work: Work, claim: ClaimedChunk) -> bool:
        state = chunks.settle(work.session, claim)
        if state is None:
            raise FencedOut
        return state == ChunkState.DONE

    def release(self, claim: ClaimedChunk, delay: timedelta) -> None:
        with self._core.work(WORKER) as work:
            chunks.let_go(work.session, claim, work.now + delay)

    def adopt(self) -> int:
        if not self._anybody_late():
            return 0
        with self._core.work(WORKER) as work:
            taken = chunks.expired(work.session, work.now, ADOPTED_AT_ONCE)
            for chunk in taken:
                _take_over(work, chunk)
            return len(taken)

    def _anybody_late(self) -> bool:
        with self._core.reading(WORKER) as work:
            return chunks.anybody_late(work.session, work.now)


def hold(work: Work, claim: ClaimedChunk) -> Standing:
    """Renews the lease inside the caller's transaction, so that what it writes is ours to write.

    Raises `FencedOut` when another worker has taken the chunk over.
    """
    standing = chunks.hold(work.session, claim, work.now + timedelta(seconds=work.core.settings.lease_seconds))
    if standing is None:
        raise FencedOut
    return standing


def _take_over(work: Work, chunk: ClaimedChunk) -> None:
    facts = campaigns.run_facts(work.session, chunk.run_id)
    wanted = facts.run.state not in {RunState.CANCELLED, RunState.FINISHED}
    retry = wanted and facts.revision.definition["on_unknown"] == OnUnknown.RETRY
    results.accept_received(work.session, chunk.run_id, chunk.number, work.now)
    results.orphans(work.session, chunk.run_id, chunk.number, retry=retry, now=work.now)
    results.touch_run(work.session, chunk.run_id, work.now)
