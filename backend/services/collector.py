"""The answers of one chunk on their way into the database, many in one write."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sqlalchemy.exc import OperationalError

from backend.errors import FencedOut
from backend.providers.base import Outcome, OutcomeKind
from backend.services.lanes import Lane
from backend.services.runs import Ready
from backend.services.steps import Answered, Written

log = logging.getLogger("tocsin.sender")

FULL = 100
LINGER = 0.1
"""Seconds for which an answer waits for others, while some are to come."""
AGAIN = (0.2, 0.5, 1.0, 2.0)

Write = Callable[[Sequence[Answered], bool], Awaitable[Written]]


class Collector:
    """Hands rows to the provider, gathers their answers and writes them by `write`.

    `on_written` is told how many rows have their results (None: they were refused). While the database is away the answers are kept
    and written again and again, until they are in or refused. `on_answer` hears each one as it comes.
    """

    def __init__(
        self,
        lane: Lane,
        write: Write,
        *,
        on_answer: Callable[[Ready, Outcome, float], None],
        on_written: Callable[[int, Written | None], None],
    ) -> None:
        self._lane, self._write, self._on_answer, self._on_written = lane, write, on_answer, on_written
        self._loop = asyncio.get_running_loop()
        self._flying: dict[int, asyncio.Task[Outcome]] = {}
        self._answers: list[Answered] = []
        self._under_pen: list[Answered] = []
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._error: Exception | None = None
        self.closing = False
        """Set when no more rows will come: the last answers then settle the chunk too."""
        self.fenced_out = False
        """Set when the chunk is another worker's: nothing is written any more."""

    def known(self) -> list[int]:
        """The rows that were handed over and have no result yet."""
        return [*self._flying, *(ready.id for ready, _ in (*self._answers, *self._under_pen))]

    def send(self, ready: Ready) -> None:
        """Hands one row to its provider."""
        self._quiet.clear()
        task = self._loop.create_task(self._lane.provider.send(ready.body, ready.message, ready.address))
        self._flying[ready.id] = task
        self._lane.in_flight += 1
        task.add_done_callback(partial(self._arrived, ready, self._loop.time()))

    def drop(self) -> None:
        """The chunk is another worker's: what has not left us yet must not, and nobody waits for the rest."""
        self.fenced_out = True
        for task in self._flying.values():
            task.cancel()

    async def drained(self) -> None:
        """Waits until every row that was handed over has its result. Raises what `write` could not cope with."""
        await self._quiet.wait()
        if self._error is not None:
            raise self._error

    async def abandon(self) -> None:
        """Stops waiting for answers and results: they are somebody else's to find out."""
        self.drop()
        tasks = [task for task in (*self._flying.values(), self._writing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._quiet.wait()

    def _arrived(self, ready: Ready, begun: float, task: "asyncio.Task[Outcome]") -> None:
        now = self._loop.time()
        outcome = _outcome(task)
        del self._flying[ready.id]
        self._lane.in_flight -= 1
        self._lane.meter.record(outcome, now - begun, now)
        self._answers.append((ready, outcome))
        self._on_answer(ready, outcome, now - begun)
        self._consider()

    def _consider(self) -> None:
        """Writes now, a little later, or when the write under way is done."""
        if self._writing is not None:
            return
        if self._answers and (len(self._answers) >= FULL or not self._flying):
            self._begin()
        elif self._answers and self._timer is None:
            self._timer = self._loop.call_later(LINGER, self._begin)
        elif not self._answers and not self._flying:
            self._quiet.set()

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is None:
            self._writing = self._loop.create_task(self._flush())
            self._writing.add_done_callback(self._flushed)

    async def _flush(self) -> None:
        answers, self._answers = self._answers, []
        self._under_pen = answers
        last = self.closing and not self._flying
        done: Written | None = None
        try:
            done = None if self.fenced_out else await self._persist(answers, last)
        except FencedOut:
            self.fenced_out = True
        finally:
            self._under_pen = []
            self._on_written(len(answers), done)

    async def _persist(self, answers: Sequence[Answered], last: bool) -> Written:
        tries = 0
        while True:
            try:
                return await self._write(answers, last)
            except OperationalError as error:
                log.warning("results wait for the database: %s", error.orig)
            await asyncio.sleep(AGAIN[min(tries, len(AGAIN) - 1)])
            tries += 1

    def _flushed(self, task: "asyncio.Task[None]") -> None:
        self._writing = None
        if not task.cancelled() and (error := task.exception()) is not None:
            assert isinstance(error, Exception)
            self._error, self.fenced_out = error, True
        self._consider()


def _outcome(task: "asyncio.Task[Outcome]") -> Outcome:
    """What a provider said, or that nobody knows, where it broke its promise not to raise."""
    if task.cancelled():
        return Outcome(OutcomeKind.UNKNOWN, reason="cancelled")
    if (error := task.exception()) is not None:
        log.error("a provider raised", exc_info=error)
        return Outcome(OutcomeKind.UNKNOWN, reason="error", raw=repr(error))
    return task.result()
