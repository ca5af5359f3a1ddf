"""The lease table as a queue."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from backend.bootstrap import Core
from backend.db import Actor, Work
from backend.domain.vocabulary import OnUnknown, RunState
from backend.errors import FencedOut
from backend.queries import campaigns, chunks, deliveries
from backend.queries.chunks import ClaimedChunk

WORKER = Actor("worker")
ADOPTED_AT_ONCE = 100


class ChunkQueue(Protocol):
    """What a sender asks of a queue. All verbs but `settle` open and commit a transaction of their own."""

    def claim(self, worker: str, limit: int, busy: Collection[int]) -> list[ClaimedChunk]:
        """Up to `limit` due chunks, none of the lanes in `busy`, held for one lease."""

    def extend(self, claims: Iterable[ClaimedChunk]) -> set[int]:
        """Renews the leases; the ids of chunks that are still ours."""

    def settle(self, work: Work, claim: ClaimedChunk) -> None:
        """Done, or ready again when rows are open. Raises `FencedOut`."""

    def release(self, claim: ClaimedChunk, delay: timedelta) -> None:
        """Gives a chunk back unfinished; nothing happens when it is no longer ours."""

    def adopt(self) -> int:
        """Takes over what dead workers held; how many chunks."""


class LeaseQueue:
    """`ChunkQueue` on the chunk table of the product's own database."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lease = timedelta(seconds=core.settings.lease_seconds)

    def claim(self, worker: str, limit: int, busy: Collection[int]) -> list[ClaimedChunk]:
        if not self._anything_due():
            return []
        with self._core.work(WORKER) as work:
            return chunks.claim(work.session, worker=worker, now=work.now, lease=self._lease, limit=limit, busy=busy)

    def _anything_due(self) -> bool:
        """An idle worker only reads: it never takes SQLite's one write lock to find nothing."""
        with self._core.reading(WORKER) as work:
            return chunks.backlog(work.session, work.now)[0] > 0

    def extend(self, claims: Iterable[ClaimedChunk]) -> set[int]:
        with self._core.work(WORKER) as work:
            until = work.now + self._lease
            return {claim.id for claim in claims if chunks.hold(work.session, claim, until)}

    def settle(self, work: Work, claim: ClaimedChunk) -> None:
        if not chunks.settle(work.session, claim):
            raise FencedOut

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


def hold(work: Work, claim: ClaimedChunk) -> datetime:
    """Renews the lease inside the caller's transaction, so that what it writes is ours to write.

    Raises `FencedOut` when another worker has taken the chunk over.
    """
    until = work.now + timedelta(seconds=work.core.settings.lease_seconds)
    if not chunks.hold(work.session, claim, until):
        raise FencedOut
    return until


def _take_over(work: Work, chunk: ClaimedChunk) -> None:
    facts = campaigns.run_facts(work.session, chunk.run_id)
    wanted = facts.run.state not in {RunState.CANCELLED, RunState.FINISHED}
    retry = wanted and facts.revision.definition["on_unknown"] == OnUnknown.RETRY
    deliveries.accept_received(work.session, chunk.run_id, chunk.number, work.now)
    deliveries.orphans(work.session, chunk.run_id, chunk.number, retry=retry, now=work.now)
    deliveries.touch_run(work.session, chunk.run_id, work.now)
