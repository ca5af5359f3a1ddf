"""One chunk in the hands of a sender: marked batch by batch, sent, written down, settled or given back."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import OperationalError

from backend.dispatch.leases import ChunkQueue
from backend.errors import FencedOut
from backend.providers.base import Outcome, OutcomeKind, Pause
from backend.queries.chunks import ORDINARY
from backend.services.ahead import Ahead
from backend.services.collector import Collector
from backend.services.contexts import Known
from backend.services.lanes import Lane
from backend.services.lifeline import Lifeline
from backend.services.pace import Grant, Pacer
from backend.services.runs import Ready
from backend.services.steps import Answered, Batch, Held, Steps, Stopped, Written
from backend.services.threads import Threads
from backend.services.window import Window

log = logging.getLogger("tocsin.sender")

BATCH = 100
FIRST = 20
"""So many rows at a time go to a provider that has not answered yet."""
LOOK_AGAIN = 0.05
SLICE = 5.0
"""Seconds after which a chunk that has to wait for its pace makes room for another one."""
REST = 1.0
LEAST_DELAY = 0.1
AGAIN = 0.5


@dataclass(frozen=True, slots=True)
class Desk:
    """What all chunks of a sender share. `news` is set when one of them needs less room."""

    queue: ChunkQueue
    steps: Steps
    window: Window
    pacer: Pacer
    lifeline: Lifeline
    threads: Threads
    news: asyncio.Event


class ChunkWork:
    """Works off one chunk. `active` while there may be rows to mark: only then it takes a sender's room."""

    def __init__(self, desk: Desk, held: Held, known: Known, lane: Lane) -> None:
        self._desk, self._held, self._known, self._lane = desk, held, known, lane
        self._begun = time.monotonic()
        self._over = asyncio.Event()
        self._delay: float | None = None
        self._settled = self._in_doubt = False
        self._ahead = Ahead(partial(desk.steps.decide, held))
        self._collector = Collector(lane, self._written, on_answer=self._on_answer, on_written=self._on_written)
        self.active = True
        self.next_due: datetime | None = None
        """The earliest instant for which rows of this chunk wait elsewhere."""

    @property
    def clean(self) -> bool:
        """Whether it is sure that none of its rows is marked as being sent."""
        return not (self._collector.known() or self._in_doubt or self._collector.fenced_out)

    def stop(self) -> None:
        """No more rows are marked; what is on the network is waited for."""
        self._end(0.0)

    def lose(self) -> None:
        """Another worker has the chunk: nothing more of it is sent or written."""
        self._collector.drop()
        self._over.set()

    async def run(self) -> None:
        """Returns when the chunk is settled, given back or lost. Raises what it did not expect."""
        self._lane.users += 1
        try:
            await self._mark_all()
            self._rest_inactive()
            await self._collector.drained()
            await self._leave()
        except FencedOut:
            log.info("chunk %d is another worker's now", self._held.claim.id)
        finally:
            self._lane.users -= 1
            self._lane.used_at = time.monotonic()
            self._rest_inactive()
            await self._collector.abandon()

    def _rest_inactive(self) -> None:
        self.active = False
        self._desk.news.set()

    async def _leave(self) -> None:
        """Settles the chunk or gives it back. Without a database its lease runs out by itself."""
        if self._settled or self._collector.fenced_out:
            return
        desk, claim = self._desk, self._held.claim
        try:
            if self._in_doubt:
                await self._desk.threads.do(desk.steps.put_back, self._held, ())
            if self._delay is None:
                await self._desk.threads.do(desk.steps.settle, self._held)
            else:
                await self._desk.threads.do(desk.queue.release, claim, timedelta(seconds=self._delay))
        except OperationalError as error:
            log.warning("chunk %d waits for its lease to end: %s", claim.id, error.orig)

    # Marking and sending

    async def _mark_all(self) -> None:
        """Batch after batch, as the provider, the window and the pace allow."""
        while not self._over.is_set():
            wanted = self._admitted(BATCH)
            rest = await self._round(wanted) if wanted else LOOK_AGAIN
            if rest:
                await self._wait(rest)

    def _admitted(self, wanted: int) -> int:
        """How many rows the lane takes now. A provider that is left alone ends the work on this chunk for a while."""
        lane = self._lane
        if self._over.is_set() or not self._desk.lifeline.intact():
            return 0
        room = lane.provider.admit(None, wanted)
        if not room.count:
            self._end(max(room.wait, LEAST_DELAY))
        return room.count if lane.known else min(room.count, max(FIRST - lane.in_flight, 0))

    async def _round(self, wanted: int) -> float:
        """One batch; how long to rest after it."""
        urgent = self._held.claim.priority > ORDINARY
        permits = await self._desk.window.take(self._lane.id, wanted, urgent=urgent)
        if not permits:
            self._end(0.0)
            return 0.0
        sent, rest = 0, 0.0
        try:
            sent, rest = await self._batch(permits)
        except Stopped:
            self._end(0.0)
        except OperationalError as error:
            log.warning("the database does not answer: %s", error.orig)
            await self._recover()
        finally:
            self._desk.window.give_back(self._lane.id, permits - sent)
        return rest

    async def _batch(self, permits: int) -> tuple[int, float]:
        """Marks the next rows and hands them over: how many, and how long to rest when the pace allows none."""
        async with self._lane.turn:
            wanted = self._admitted(permits)
            if not wanted:
                return 0, 0.0
            grant, batch = await self._desk.threads.do(self._decide, wanted)
            if batch is None:
                return 0, grant.wait
            later = self._lane.hosts.later(self._lane.provider, batch.prepared, time.time())
            begun = Lifeline.mark()
            ready = await self._desk.threads.do(self._mark, grant, batch, later)
            if not self._desk.lifeline.holds(begun) or self._collector.fenced_out:
                self._in_doubt = True
                self._end(0.0)
                return 0, 0.0
            for row in ready:
                self._collector.send(row)
        if batch.last:
            self._collector.closing = True
            self._over.set()
        return len(ready), 0.0

    def _decide(self, wanted: int) -> tuple[Grant, Batch | None]:
        urgent = self._held.claim.priority > ORDINARY
        grant = self._desk.pacer.grant(self._known.lane_rate, self._known.run_rate, wanted, urgent=urgent)
        return grant, self._ahead.take(grant.count) if grant.count else None

    def _mark(self, grant: Grant, batch: Batch, later: Mapping[int, datetime]) -> list[Ready]:
        ready: list[Ready] = []
        try:
            ready = self._desk.steps.mark(self._held, batch.prepared, later)
        finally:
            if grant.count > len(ready):
                self._desk.pacer.give_back(grant, grant.count - len(ready))
        return ready

    async def _recover(self) -> None:
        """Nobody can know whether the last rows were marked: before any other they are planned again."""
        self._ahead.forget()
        self._in_doubt = True
        while self._in_doubt and not self._over.is_set():
            await self._wait(AGAIN)
            with contextlib.suppress(OperationalError):
                await self._desk.threads.do(self._desk.steps.put_back, self._held, self._collector.known())
                self._in_doubt = False

    async def _wait(self, seconds: float) -> None:
        """Rests, but never so long that a stop would not be heard, and not for ever on one chunk."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), min(seconds, REST))
        if time.monotonic() - self._begun > SLICE and not self._in_doubt:
            self._end(0.0)

    def _end(self, delay: float) -> None:
        """Nothing more is marked; the chunk is given back for that long, unless it is through."""
        if not self._over.is_set():
            self._delay = delay
            self._over.set()

    # Answers

    def _on_answer(self, ready: Ready, outcome: Outcome, seconds: float) -> None:
        if outcome.status:
            self._lane.known = True
            self._lane.hosts.answered(ready.address, seconds)
        if outcome.kind is OutcomeKind.BLOCKED:
            self._end(0.0)

    async def _written(self, answers: Sequence[Answered], last: bool) -> Written:
        return await self._desk.threads.do(self._write, answers, last)

    def _write(self, answers: Sequence[Answered], last: bool) -> Written:
        if any(said.kind is OutcomeKind.RETRY and said.pause is Pause.LANE for _, said in answers):
            self._desk.pacer.slow_down(self._lane.id)
        return self._desk.steps.write(self._held, answers, last=last)

    def _on_written(self, count: int, written: Written | None) -> None:
        self._desk.window.give_back(self._lane.id, count)
        if written is None:
            self._over.set()
            return
        self._settled |= written.settled
        waiting = [at for at in (self.next_due, *written.instants) if at is not None]
        self.next_due = min(waiting, default=None)
