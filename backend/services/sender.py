"""The sender: claims chunks, decides, sends, writes down what came of it.

No transaction is open while a push is on the network. A group is marked `sending` before its first
byte leaves and written in one statement after its last answer, and at most `window` rows of a worker
are marked at any time: that is what may be repeated when the worker is killed, and never more.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.exc import OperationalError

from backend.bootstrap import Core
from backend.db import Work
from backend.dispatch.leases import WORKER, ChunkQueue, hold
from backend.domain.retry import Waits
from backend.domain.vocabulary import DeliveryState, PauseReason, RunState
from backend.errors import FencedOut
from backend.providers.base import Outcome, OutcomeKind, Provider
from backend.queries import campaigns, chunks, deliveries, receipts
from backend.queries.chunks import ClaimedChunk
from backend.queries.deliveries import Result
from backend.services import credentials, processes, runs
from backend.services.lanes import Lanes
from backend.services.outcomes import Fate, fate
from backend.services.runs import NotSent, Ready, RunContext

log = logging.getLogger("tocsin.sender")

GROUPS = 2
CHUNKS = 6
CHUNKS_A_LANE = 3
IDLE = 0.25
POISON = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Held:
    """A claimed chunk with what it needs: its run's context and its lane."""

    claim: ClaimedChunk
    context: RunContext
    lane: Provider


class Stopped(Exception):
    """The run is no longer running; nothing more of it is sent."""


class Sender:
    """One sender process. `run` returns when `stop` is set and everything in flight has been written."""

    def __init__(self, core: Core, queue: ChunkQueue, name: str) -> None:
        self._core, self._queue, self._name = core, queue, name
        self._lanes = Lanes(core.settings)
        self._waits = Waits(core.settings.retry_scale)
        self._slots = asyncio.Semaphore(GROUPS)
        self._group = max(1, core.settings.window // GROUPS)
        self._tasks: dict[asyncio.Task[None], ClaimedChunk] = {}
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until told to stop, then drains."""
        self._stop = stop
        beating = asyncio.create_task(self._beat())
        try:
            while not stop.is_set():
                await self._claim()
        finally:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating
            await self._lanes.close()

    async def _claim(self) -> None:
        claims: list[ClaimedChunk] = []
        room = CHUNKS - len(self._tasks)
        if room > 0:
            try:
                claims = await asyncio.to_thread(self._queue.claim, self._name, min(room, 2), self._busy())
            except OperationalError as error:
                log.warning("the database does not answer: %s", error.orig)
        for claim in claims:
            task = asyncio.create_task(self._work_off(claim))
            self._tasks[task] = claim
            task.add_done_callback(lambda done: self._tasks.pop(done, None))
        if not claims:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), IDLE)

    def _busy(self) -> list[int]:
        """Lanes that have enough chunks here already, so that a slow one leaves room for the others."""
        lanes = Counter(claim.credential_id for claim in self._tasks.values())
        return [lane for lane, count in lanes.items() if count >= CHUNKS_A_LANE]

    async def _beat(self) -> None:
        """Renews leases, takes over from the dead and says that we live, three times a lease."""
        while True:
            try:
                await asyncio.to_thread(self._pulse, list(self._tasks.values()))
            except OperationalError as error:
                log.warning("the database does not answer: %s", error.orig)
            await asyncio.sleep(self._core.settings.lease_seconds / 3)

    def _pulse(self, claims: Sequence[ClaimedChunk]) -> None:
        if claims:
            self._queue.extend(claims)
        if taken := self._queue.adopt():
            log.warning("took over %d chunks of a worker that stopped answering", taken)
        with self._core.work(WORKER) as work:
            processes.beat(work, "sender", self._name)

    async def _work_off(self, claim: ClaimedChunk) -> None:
        """Sends one chunk group by group; whatever goes wrong, the chunk is not lost."""
        try:
            await self._groups(claim)
        except (Stopped, FencedOut) as reason:
            log.info("chunk %d is left: %s", claim.id, type(reason).__name__)
            await self._release(claim, timedelta(0))
        except OperationalError as error:
            log.warning("chunk %d waits for its lease to end: %s", claim.id, error.orig)
        except Exception:
            log.exception("chunk %d failed and rests", claim.id)
            await self._release(claim, POISON)

    async def _release(self, claim: ClaimedChunk, delay: timedelta) -> None:
        with contextlib.suppress(OperationalError):
            await asyncio.to_thread(self._queue.release, claim, delay)

    async def _groups(self, claim: ClaimedChunk) -> None:
        held = await self._hold(claim)
        while True:
            async with self._slots:
                if self._stop.is_set():
                    raise Stopped
                group = await asyncio.to_thread(self._mark, held)
                if group is None:
                    await asyncio.to_thread(self._settle, claim)
                    return
                if group:
                    outcomes = await asyncio.gather(*(self._send(held.lane, ready) for ready in group))
                    await self._record(held, group, outcomes)

    async def _hold(self, claim: ClaimedChunk) -> Held:
        def load() -> tuple[RunContext, credentials.Loaded]:
            with self._core.reading(WORKER) as work:
                context = runs.load(work, claim.run_id)
                return context, credentials.load(work.within(context.app_id), claim.credential_id)

        context, (name, credential) = await asyncio.to_thread(load)
        return Held(claim, context, await self._lanes.get(name, credential))

    async def _send(self, lane: Provider, ready: Ready) -> Outcome:
        return await lane.send(ready.body, ready.message, ready.address)

    def _mark(self, held: Held) -> list[Ready] | None:
        """Decides the next rows and marks those to send; None when the chunk has no planned row left."""
        with self._core.reading(WORKER, held.context.app_id) as work:
            rows = deliveries.planned_in(
                work.session, held.claim.run_id, held.claim.number, held.context.category_id, self._group
            )
            twins = deliveries.twins(work.session, held.context.app_id, held.claim.run_id, rows)
            now = work.now
        if not rows:
            return None
        keyring, encode = self._core.keyring, held.lane.encode
        prepared = [runs.prepare(row, held.context, keyring, encode, now, twin=row.id in twins) for row in rows]
        with self._core.work(WORKER, held.context.app_id) as work:
            return _write_verdicts(work, held.claim, prepared)

    async def _record(self, held: Held, group: Sequence[Ready], outcomes: Sequence[Outcome]) -> None:
        """Writes the answers down; while the database is away it waits for as long as the lease may last."""
        patience = self._core.settings.lease_seconds
        for wait in (0.2, 0.5, 1.0, 2.0, 4.0, 8.0):
            try:
                return await asyncio.to_thread(self._write, held, group, outcomes)
            except OperationalError as error:
                log.warning("results wait for the database: %s", error.orig)
                if (patience := patience - wait) <= 0:
                    raise
            await asyncio.sleep(wait)
        return await asyncio.to_thread(self._write, held, group, outcomes)

    def _write(self, held: Held, group: Sequence[Ready], outcomes: Sequence[Outcome]) -> None:
        with self._core.work(WORKER, held.context.app_id) as work:
            hold(work, held.claim)
            fates = [
                fate(ready, outcome, held.context, self._waits, work.now)
                for ready, outcome in zip(group, outcomes, strict=True)
            ]
            write_fates(work, held.claim, _settled_by_receipts(work, fates))
            blocked = next((o for o in outcomes if o.kind is OutcomeKind.BLOCKED), None)
            if blocked is not None:
                _pause(work, held, blocked)

    def _settle(self, claim: ClaimedChunk) -> None:
        with self._core.work(WORKER) as work:
            self._queue.settle(work, claim)
            finish(work, claim.run_id)


def _write_verdicts(work: Work, claim: ClaimedChunk, prepared: Sequence[Ready | NotSent]) -> list[Ready]:
    """In one transaction: the chunk is ours, the run still runs, and these rows are now being sent."""
    hold(work, claim)
    if deliveries.run_state(work.session, claim.run_id) != RunState.RUNNING:
        raise Stopped
    ours = deliveries.write_verdicts(work.session, [_verdict(p) for p in prepared], work.now)
    explained = [p for p in prepared if isinstance(p, NotSent) and p.detail and p.id in ours]
    deliveries.write_attempts(
        work.session,
        [
            {"delivery_id": p.id, "at": work.now, "outcome": p.state, "reason": p.reason, "raw": p.detail[:2000]}
            for p in explained
        ],
    )
    deliveries.touch_run(work.session, claim.run_id, work.now)
    return [p for p in prepared if isinstance(p, Ready) and p.id in ours]


def _verdict(prepared: Ready | NotSent) -> deliveries.Verdict:
    if isinstance(prepared, NotSent):
        return deliveries.Verdict(prepared.id, prepared.state, reason=prepared.reason)
    return deliveries.Verdict(prepared.id, "sending", locale=prepared.locale, body_hash=prepared.body_hash)


def write_fates(work: Work, claim: ClaimedChunk, fates: Sequence[Fate]) -> None:
    """Writes a group's results, moving those that wait into later chunks of the same lane."""
    instants = sorted({f.retry_at for f in fates if f.retry_at is not None})
    numbers = {at: chunks.later(work.session, claim, at) for at in instants}
    results = [f.result if f.retry_at is None else replace(f.result, chunk=numbers[f.retry_at]) for f in fates]
    deliveries.write_results(work.session, results, work.now)
    deliveries.write_attempts(work.session, [f.attempt for f in fates if f.attempt is not None])
    deliveries.prune(work.session, [f.prune for f in fates if f.prune is not None], work.now)
    deliveries.touch_run(work.session, claim.run_id, work.now)


def _settled_by_receipts(work: Work, fates: Sequence[Fate]) -> list[Fate]:
    """A push whose answer never came, but whose device has answered already, was taken."""
    unsure = [f.result.id for f in fates if f.result.maybe_sent]
    taken = receipts.received(work.session, unsure) if unsure else set()
    return [
        replace(f, result=Result(f.result.id, DeliveryState.ACCEPTED), retry_at=None) if f.result.id in taken else f
        for f in fates
    ]


def _pause(work: Work, held: Held, outcome: Outcome) -> None:
    """Our own configuration is wrong: the run stops before it burns its audience, and says why.

    The lane keeps the reason but is not shut: another run finds out by itself and says so too, where
    a shut lane would leave it waiting without a word.
    """
    sentence = f"The provider refuses our credential: {outcome.reason or outcome.status}."
    credentials.hold(work, held.claim.credential_id, sentence, until=work.now)
    campaigns.set_run(
        work.session,
        held.claim.run_id,
        [RunState.RUNNING],
        state=RunState.PAUSED,
        pause_reason=PauseReason.CREDENTIAL,
        pause_detail=sentence,
    )
    campaigns.pause_campaign_of(work.session, held.claim.run_id, work.now)


def finish(work: Work, run_id: int) -> bool:
    """Ends a run that has no open delivery; whether it did."""
    if deliveries.any_open(work.session, run_id):
        return False
    ended = campaigns.set_run(
        work.session, run_id, [RunState.RUNNING], state=RunState.FINISHED, finished_at=work.now, activity_at=work.now
    )
    if ended:
        campaigns.finish_campaign_of(work.session, run_id, work.now)
    return ended
