"""What a sender does with a chunk in the database, a transaction a step. Nothing here knows of the network.

    batch = steps.decide(held, 100)           reads, decides, renders and encodes the next rows
    ready = steps.mark(held, batch.prepared)  writes the verdicts: these rows are now `sending`
    ...                                       the network
    steps.write(held, answered)               writes what came of them

All of them run in threads, several at once for different chunks; those of one chunk follow one another
except `write`, which may overlap the others.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backend.bootstrap import Core
from backend.db import Work
from backend.dispatch.leases import WORKER, ChunkQueue, hold
from backend.domain.retry import Waits
from backend.domain.vocabulary import DeliveryState, HeldKind, RunState
from backend.providers import sentence
from backend.providers.base import Outcome, OutcomeKind
from backend.queries import chunks, dead_letters, deliveries, receipts, results
from backend.queries.chunks import ClaimedChunk
from backend.queries.results import Result
from backend.services import capping, guard, holds, runs
from backend.services.finishing import finish
from backend.services.outcomes import Fate, fate
from backend.services.runs import Deferred, Encode, NotSent, Prepared, Ready, RunContext

log = logging.getLogger("tocsin.sender")

Answered = tuple[Ready, Outcome]


@dataclass(frozen=True, slots=True)
class Held:
    """A claimed chunk with what deciding and encoding its rows needs."""

    claim: ClaimedChunk
    context: RunContext
    encode: Encode


@dataclass(frozen=True, slots=True)
class Batch:
    """The next rows of a chunk; `last` when no planned row is left behind them."""

    prepared: Sequence[Prepared]
    last: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What results made of the chunk: whether it is settled, and the instants for which rows wait elsewhere."""

    settled: bool
    instants: Sequence[datetime]


class Stopped(Exception):
    """The run or its lane stands still; nothing more of the chunk is sent."""


class Steps:
    """The steps of one sender process."""

    def __init__(self, core: Core, queue: ChunkQueue) -> None:
        self._core, self._queue = core, queue
        self._waits = Waits(core.settings.retry_scale)
        self._quarantine = guard.Quarantine()

    def decide(self, held: Held, most: int) -> Batch:
        """The next rows, each with its verdict. Writes nothing."""
        context = held.context
        with self._core.reading(WORKER, context.app_id) as work:
            rows = deliveries.planned_in(
                work.session, held.claim.run_id, held.claim.number, context.category_id, most + 1
            )
            more, rows = len(rows) > most, rows[:most]
            twins = deliveries.twins(work.session, context.app_id, held.claim.run_id, rows)
            unsure = [row.id for row in rows if row.maybe_sent]
            taken = receipts.received(work.session, unsure) if unsure else set()
            now = work.now
            sent = capping.recent(work, context, [row.user_id for row in rows], now)
        keyring = self._core.keyring
        prepared = [
            NotSent(row.id, DeliveryState.ACCEPTED, "")  # its device has told us since: the last try arrived
            if row.id in taken
            else runs.prepare(
                row, context, keyring, held.encode, now, twin=row.id in twins, sent=sent.get(row.user_id or 0, ())
            )
            for row in rows
        ]
        return Batch(prepared, last=not more)

    def mark(
        self, held: Held, prepared: Sequence[Prepared], later: Mapping[int, datetime] | None = None
    ) -> list[Ready]:
        """In one transaction: the chunk is ours, its run still runs, and these rows are now being sent.

        `later` names rows for which there is no room now, and when they are looked at again. Locks are taken in the
        order of chunk, people, chunks, run, rows, as everywhere. Raises `FencedOut` and `Stopped`.
        """
        later = later or {}
        with self._core.work(WORKER, held.context.app_id) as work:
            standing = hold(work, held.claim)
            if standing.run_state != RunState.RUNNING or _later_than(standing.held_until, work.now):
                raise Stopped
            prepared = capping.look_again(work, held.context, prepared)
            deferred = {p.id: p.until for p in prepared if isinstance(p, Deferred)}
            places = _places(work, held.claim, {**later, **deferred})
            if places or not any(isinstance(p, Ready) for p in prepared):  # else the answers will say so
                results.touch_run(work.session, held.claim.run_id, work.now)
            verdicts = [_verdict(p, places) for p in prepared if not isinstance(p, Deferred)]
            ours = deliveries.write_verdicts(work.session, verdicts, work.now)
            deliveries.put_off(work.session, {row: (places[row], at) for row, at in deferred.items()})
            results.write_attempts(work.session, [_explained(p, work.now) for p in prepared if _speaks(p, ours)])
        return [p for p in prepared if isinstance(p, Ready) and p.id in ours and p.id not in later]

    def put_back(self, held: Held, known: Iterable[int]) -> int:
        """Plans again what is marked and was not handed to the provider (`known` was). Raises `FencedOut`."""
        with self._core.work(WORKER, held.context.app_id) as work:
            hold(work, held.claim)
            return results.put_back(work.session, held.claim.run_id, held.claim.number, known)

    def write(self, held: Held, answered: Sequence[Answered], *, last: bool = False) -> Written:
        """Writes the answers down; the `last` ones of a chunk settle it as well. Raises `FencedOut`."""
        context = held.context
        with self._core.work(WORKER, context.app_id) as work:
            hold(work, held.claim)
            fates = [fate(ready, outcome, context, self._waits, work.now) for ready, outcome in answered]
            fates = _move(work, held.claim, _settled_by_receipts(work, fates))
            self._prune(work, held.claim, answered, fates)
            dead_letters.keep(work.session, _dead_letters(held, answered, fates, work.now))
            told = sum(f.result.state != DeliveryState.PLANNED for f in fates)
            errors = sum(f.error for f in fates)
            counts = results.count_answers(work.session, held.claim.run_id, told, errors, work.now)
            if last:
                self._queue.settle(work, held.claim)
                if context.kind != "send":
                    finish(work, held.claim.run_id)
        self._draw_conclusions(held, answered, counts, errors)
        if last and context.kind == "send":
            self._finish(held.claim.run_id)
        return Written(last, sorted({f.retry_at for f in fates if f.retry_at is not None}))

    def settle(self, held: Held) -> None:
        """Done, or ready again when rows of it are open. Raises `FencedOut`."""
        with self._core.work(WORKER) as work:
            self._queue.settle(work, held.claim)
        self._finish(held.claim.run_id)

    def _finish(self, run_id: int) -> None:
        with self._core.reading(WORKER) as work:
            if chunks.any_undone(work.session, run_id):
                return
        with self._core.work(WORKER) as work:
            finish(work, run_id)

    def _prune(self, work: Work, claim: ClaimedChunk, answered: Sequence[Answered], fates: Sequence[Fate]) -> None:
        """Removes devices that are gone, unless suddenly too many are said to be."""
        gone = [f.prune for f in fates if f.prune is not None]
        spoke = sum(outcome.kind in {OutcomeKind.ACCEPTED, OutcomeKind.FAILED} for _, outcome in answered)
        warning = self._quarantine.sentence(claim.credential_id, spoke, len(gone))
        if warning:
            guard.quarantine(work, claim.credential_id, warning)
        if gone and not guard.quarantined(work, claim.credential_id):
            results.prune(work.session, gone, work.now)

    def _draw_conclusions(self, held: Held, answered: Sequence[Answered], counts: tuple[int, int], errors: int) -> None:
        """What the answers say of the lane and of the run, in transactions of their own."""
        blocked = next(((r, o) for r, o in answered if o.kind is OutcomeKind.BLOCKED), None)
        if blocked is not None:
            self._hold_lane(held, *blocked)
        why = guard.guardrail(*counts, held.context.error_limit_percent)
        if errors and why is None:
            with self._core.reading(WORKER) as work:
                why = guard.lately(work, held.claim.run_id, held.context.error_limit_percent)
        if why is not None:
            with self._core.work(WORKER, held.context.app_id) as work:
                guard.stop(work, held.claim.run_id, why)

    def _hold_lane(self, held: Held, ready: Ready, outcome: Outcome) -> None:
        """Our own configuration is wrong: the lane stops before it burns its audience, and says why."""
        why = sentence(ready.address.provider, outcome.reason, outcome.status, outcome.clock_ahead)
        with self._core.work(WORKER, held.context.app_id) as work:
            news = holds.hold(work, held.claim.credential_id, HeldKind.PROVIDER, why)
        if news:
            log.warning("credential %d stands still: %s", held.claim.credential_id, why)
            with self._core.work(WORKER) as work:
                holds.stop_starved(work)


def _later_than(instant: datetime | None, now: datetime) -> bool:
    return instant is not None and instant > now


def _places(work: Work, claim: ClaimedChunk, later: Mapping[int, datetime]) -> dict[int, int]:
    """For each row that waits until an instant the number of the chunk that it waits in."""
    numbers = chunks.later(work.session, claim, Counter(later.values()))
    return {row: numbers[at] for row, at in later.items()}


def _verdict(prepared: Ready | NotSent, places: Mapping[int, int]) -> deliveries.Verdict:
    if prepared.id in places:
        return deliveries.Verdict(prepared.id, DeliveryState.PLANNED, chunk=places[prepared.id])
    if isinstance(prepared, NotSent):
        return deliveries.Verdict(prepared.id, prepared.state, reason=prepared.reason or None)
    return deliveries.Verdict(prepared.id, DeliveryState.SENDING, locale=prepared.locale, body_hash=prepared.body_hash)


def _speaks(prepared: Prepared, ours: set[int]) -> bool:
    return isinstance(prepared, NotSent) and bool(prepared.detail) and prepared.id in ours


def _explained(prepared: Prepared, now: datetime) -> dict[str, object]:
    assert isinstance(prepared, NotSent)
    said = {"outcome": prepared.state, "reason": prepared.reason, "raw": prepared.detail[:2000]}
    return {"delivery_id": prepared.id, "at": now, **said}


def _settled_by_receipts(work: Work, fates: Sequence[Fate]) -> list[Fate]:
    """A push whose answer never came, but whose device has answered already, was taken."""
    unsure = [f.result.id for f in fates if f.result.maybe_sent]
    taken = receipts.received(work.session, unsure) if unsure else set()
    return [
        Fate(Result(f.result.id, DeliveryState.ACCEPTED), attempt=f.attempt) if f.result.id in taken else f
        for f in fates
    ]


def _move(work: Work, claim: ClaimedChunk, fates: Sequence[Fate]) -> list[Fate]:
    """Writes the results; rows that wait go to later chunks of the same lane. The fates that were news."""
    numbers = chunks.later(work.session, claim, Counter(f.retry_at for f in fates if f.retry_at is not None))
    moved = [f.result if f.retry_at is None else replace(f.result, chunk=numbers[f.retry_at]) for f in fates]
    news = results.write_results(work.session, moved, work.now)
    fates = [f for f in fates if f.result.id in news]
    results.write_attempts(work.session, [f.attempt for f in fates if f.attempt is not None])
    return fates


def _dead_letters(
    held: Held, answered: Sequence[Answered], fates: Sequence[Fate], now: datetime
) -> list[dict[str, object]]:
    """A row of `dead_letters.keep` for each delivery that failed though its device was not at fault."""
    lane = {"app_id": held.context.app_id, "run_id": held.claim.run_id, "credential_id": held.claim.credential_id}
    failed = {f.result.id for f in fates if f.dead_letter}
    return [
        {**lane, "delivery_id": ready.id, "at": now, "status": said.status, "reason": said.reason, "raw": said.raw}
        for ready, said in answered
        if ready.id in failed
    ]
