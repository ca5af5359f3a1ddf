"""Telling the provider who is in which topic: what `topics` has noted, told by every sender process.

A change is claimed for a minute and told within seconds; what nobody could settle falls due again. A repeat
is harmless, and of two wishes for one device the later one is told after the earlier.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar, cast

from cryptography.exceptions import InvalidTag
from sqlalchemy.exc import OperationalError

from backend.bootstrap import Core
from backend.db import Work
from backend.dispatch.leases import WORKER
from backend.domain import pace
from backend.domain.message import Address
from backend.domain.retry import MAX_TRIES, Waits
from backend.domain.vocabulary import HeldKind, ProviderName, TopicState
from backend.errors import NotFound
from backend.providers import sentence
from backend.providers.base import Outcome, OutcomeKind, Pause, TopicProvider
from backend.queries import pace as paces
from backend.queries import results
from backend.queries import topics as queries
from backend.queries.topics import Claimed
from backend.services import addresses, credentials, guard, holds
from backend.services.lanes import Lane, Lanes

log = logging.getLogger("tocsin.topics")

AT_ONCE: Final = 100
"""Changes that a process has on the network at any time."""
PER_SECOND: Final = 1_000.0
"""Of the 3 000 that Google allows a project."""
ANSWER_SECONDS: Final = 8.0
REST_SECONDS: Final = 300.0
IDLE: Final = 2.0
BUSY: Final = 0.1
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes to be told before `until`; `wait` is how long to rest after them, in seconds."""

    rows: Sequence[Claimed]
    until: datetime
    wait: float


@dataclass(frozen=True, slots=True)
class Told:
    """A change and what came of it."""

    row: Claimed
    outcome: Outcome


class TopicChanges:
    """One process's share of the telling; it speaks through the lanes that it is given."""

    def __init__(self, core: Core, lanes: Lanes) -> None:
        self._core, self._lanes = core, lanes
        self._waits = Waits(core.settings.retry_scale)
        self._quarantine = guard.Quarantine()
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until told to stop; what is on the network then is waited for and written down."""
        self._stop = stop
        while not stop.is_set():
            wait = IDLE
            try:
                wait = await self.step()
            except OperationalError as error:
                log.warning("the database does not answer: %s", error.orig)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)

    async def step(self) -> float:
        """Tells the changes that are due, a batch at most; the seconds until looking again makes sense."""
        batch = await asyncio.to_thread(self._claim)
        told: list[Told] = []
        for wanted in (False, True):  # a device that left and came back has two rows: first the leaving
            told += await self._tell([row for row in batch.rows if row.told is wanted])
        if told:
            await asyncio.to_thread(self._write, batch, told)
        return batch.wait

    def _claim(self) -> Batch:
        with self._core.reading(WORKER) as work:
            if not queries.anything_due(work.session, work.now):
                return Batch((), work.now, IDLE)
        with self._core.work(WORKER) as work:
            rows, until = queries.claim(work.session, work.now, AT_ONCE), work.now + queries.CLAIM
            lost = [row for row in rows if row.dead or row.credential_id is None]
            for reason, gone in _grouped(((queries.DEAD if row.dead else "no_credential"), row) for row in lost):
                queries.settle(work.session, _ids(gone), until, TopicState.FAILED, reason, work.now)
            ready: list[Claimed] = []
            for lane, mine in _grouped((row.credential_id, row) for row in rows if row not in lost):
                ready += self._admitted(work, lane or 0, mine, until)
        return Batch(ready, until, 0.0 if ready or lost else BUSY)

    def _admitted(self, work: Work, lane: int, mine: Sequence[Claimed], until: datetime) -> Sequence[Claimed]:
        """Those that may be told now; a lane that stands still rests, one that is fast enough waits a little."""
        held = mine[0].held_until
        if held is not None and held > work.now:
            self._rest(work, lane, _ids(mine), until, "lane_held")
            return ()
        name = f"topics:{lane}"
        bucket = paces.locked(work.session, name, pace.full(PER_SECOND, work.now))
        bucket, count = pace.take(pace.filled(bucket, PER_SECOND, work.now), PER_SECOND, len(mine), len(mine))
        paces.write(work.session, name, bucket)
        later = work.now + timedelta(seconds=pace.wait(bucket, PER_SECOND, len(mine) - count))
        queries.retry(work.session, _ids(mine[count:]), until, later, None, tries=0)
        return mine[:count]

    def _rest(self, work: Work, lane: int, numbers: Sequence[int], until: datetime, reason: str) -> None:
        """The lane's changes are not looked at for some minutes."""
        later = work.now + timedelta(seconds=REST_SECONDS * self._core.settings.retry_scale)
        queries.retry(work.session, numbers, until, later, reason, tries=0)
        queries.put_off(work.session, lane, work.now, later)

    async def _tell(self, rows: Sequence[Claimed]) -> list[Told]:
        """Tells each its change; of a lane that cannot be opened nothing, until the claim runs out."""
        told: list[Told] = []
        for number, mine in _grouped((row.credential_id, row) for row in rows):
            try:
                credential = await asyncio.to_thread(self._credential, number or 0, mine[0].app_id)
                named = [(addresses.unseal(self._core.keyring, row.app_id, row), row) for row in mine]
            except (NotFound, KeyError, InvalidTag):
                log.warning("credential %d cannot be opened; %d changes of topics wait", number, len(mine))
                continue
            if not self._stop.is_set():
                told += await self._ask_all(self._lanes.get(*credential), named)
        return told

    def _credential(self, number: int, app_id: int) -> credentials.Loaded:
        with self._core.reading(WORKER, app_id) as work:
            return credentials.load(work, number)

    async def _ask_all(self, lane: Lane, named: Sequence[tuple[Address, Claimed]]) -> list[Told]:
        provider = cast("TopicProvider", lane.provider)
        lane.users += 1
        try:
            outcomes = await asyncio.gather(*(self._ask(provider, address, row) for address, row in named))
        finally:
            lane.users -= 1
        return [Told(row, outcome) for (_, row), outcome in zip(named, outcomes, strict=True)]

    async def _ask(self, provider: TopicProvider, address: Address, row: Claimed) -> Outcome:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await provider.subscribe(address, row.topic, row.told)
        except TimeoutError:
            return Outcome(OutcomeKind.UNKNOWN, reason="timeout")

    def _write(self, batch: Batch, told: Sequence[Told]) -> None:
        with self._core.work(WORKER) as work:
            for lane, mine in _grouped((one.row.credential_id or 0, one) for one in told):
                self._answered(work.within(mine[0].row.app_id), lane, mine, batch.until)
            for (state, reason), rows in _grouped((_end(one), one.row) for one in told if _is_over(one)):
                queries.settle(work.session, _ids(rows), batch.until, state, reason, work.now)
            again = [one for one in told if not _is_over(one) and one.outcome.kind is not OutcomeKind.BLOCKED]
            for (at, reason), rows in _grouped((self._next(one, work.now), one.row) for one in again):
                queries.retry(work.session, _ids(rows), batch.until, at, reason, tries=1)

    def _next(self, one: Told, now: datetime) -> tuple[datetime, str]:
        outcome = one.outcome
        seconds = self._waits.seconds(ProviderName.FCM, outcome.status, one.row.attempts, outcome.retry_after)
        return self._waits.moment(now, seconds), _reason(outcome)

    def _answered(self, work: Work, lane: int, told: Sequence[Told], until: datetime) -> None:
        """What the answers say of the lane itself, and of devices that are gone: these before their topics, as
        everybody locks them."""
        blocked = [one for one in told if one.outcome.kind is OutcomeKind.BLOCKED]
        if blocked:
            self._rest(work, lane, [one.row.id for one in blocked], until, _reason(blocked[0].outcome))
            _hold(work, lane, blocked[0].outcome)
        full = [one for one in told if one.outcome.kind is OutcomeKind.RETRY and one.outcome.pause is Pause.LANE]
        if full:
            queries.put_off(work.session, lane, work.now, max(self._next(one, work.now)[0] for one in full))
        gone = [(one.row.device_id, _reason(one.outcome), _since(one.outcome)) for one in told if one.outcome.prune]
        warning = self._quarantine.sentence(lane, len(told), len(gone))
        shut = guard.quarantine(work, lane, warning) if warning else guard.quarantined(work, lane)
        if gone and not shut:
            results.prune(work.session, gone, work.now)


def _hold(work: Work, lane: int, outcome: Outcome) -> None:
    """Who is not believed cannot send either. That the account may not change topics says nothing of pushes."""
    said = sentence(ProviderName.FCM, outcome.reason, outcome.status, outcome.clock_ahead)
    log.warning("topics of credential %d rest: %s", lane, said)
    if outcome.status in {0, 401}:
        holds.hold(work, lane, HeldKind.PROVIDER, said)


def _is_over(one: Told) -> bool:
    if one.outcome.kind in {OutcomeKind.RETRY, OutcomeKind.UNKNOWN}:
        return one.row.attempts + 1 >= MAX_TRIES
    return one.outcome.kind is not OutcomeKind.BLOCKED


def _end(one: Told) -> tuple[TopicState, str | None]:
    if one.outcome.kind is OutcomeKind.ACCEPTED:
        return (TopicState.SUBSCRIBED if one.row.told else TopicState.UNSUBSCRIBED), None
    return TopicState.FAILED, _reason(one.outcome)


def _reason(outcome: Outcome) -> str:
    return outcome.reason or str(outcome.status)


def _since(outcome: Outcome) -> datetime | None:
    return datetime.fromtimestamp(outcome.gone_at, UTC) if outcome.gone_at is not None else None


def _ids(rows: Iterable[Claimed]) -> list[int]:
    return [row.id for row in rows]


Item = TypeVar("Item")


def _grouped(pairs: Iterable[tuple[Key, Item]]) -> Iterable[tuple[Key, list[Item]]]:
    groups: defaultdict[Key, list[Item]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    return groups.items()
