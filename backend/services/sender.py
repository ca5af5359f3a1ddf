"""The sender: claims chunks, works them off side by side, and drains when it is told to stop.

No transaction is open while a push is on the network. Rows are marked `sending` before their first byte
leaves, and at most `window` rows of a worker are marked at any time: that is what may be repeated when
the worker is killed, and never more.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import OperationalError

from backend.bootstrap import Core
from backend.dispatch import ChunkQueue, Room
from backend.queries.chunks import ORDINARY, ClaimedChunk
from backend.services.chunk_work import ChunkWork, Desk
from backend.services.contexts import Contexts
from backend.services.heartbeat import Heartbeat
from backend.services.lanes import Lanes
from backend.services.lifeline import Lifeline
from backend.services.pace import Pacer
from backend.services.steps import Held, Steps
from backend.services.threads import Threads
from backend.services.window import Window

log = logging.getLogger("tocsin.sender")

THREADS = 4
CHUNKS = 24
CHUNKS_A_LANE = 4
CHUNKS_A_RUN = 2
"""Of one run in one lane, so that another run finds room in it."""
URGENT_CHUNKS = 16
URGENT_A_LANE = 8
CLAIMED_AT_ONCE = 2
IDLE = 0.4
LONGEST_IDLE = 1.0
IDLE_SHARE = 100
"""Looking for work takes at most a hundredth of the time."""
POISON = timedelta(seconds=30)
PATIENCE = 11.0
"""How long a drain waits for answers; who has not answered then is hung up on."""
LAST_WORDS = 4.0
"""How long results may take to be written after that."""


class Sender:
    """One sender process. `run` returns when `stop` is set and everything in flight has been written."""

    def __init__(self, core: Core, queue: ChunkQueue, name: str) -> None:
        self._core, self._queue, self._name = core, queue, name
        self._contexts = Contexts(core)
        self._works: dict[ClaimedChunk, ChunkWork | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lifeline = Lifeline(core.settings.lease_seconds)
        self._news, self._stop = asyncio.Event(), asyncio.Event()
        self._desk = Desk(
            queue,
            Steps(core, queue),
            Window(core.settings.window),
            Pacer(core),
            self._lifeline,
            Threads(THREADS, "sender"),
            self._news,
        )
        self._next_due = time.time()
        self.lanes = Lanes(core.settings, self._lifeline.intact)
        """The open lanes; whoever else speaks to providers in this process shares them."""

    async def run(self, stop: asyncio.Event) -> None:
        """Works until told to stop, then drains. Raises what stops its heartbeat: without one it must not send."""
        self._stop = stop
        heart = Heartbeat(self._core, self._queue, self._name, self._lifeline, self.lanes)
        beating = asyncio.create_task(heart.beat(self._works, self._news))
        waking = asyncio.create_task(self._wake_at_stop())
        try:
            while not (stop.is_set() or beating.done()):
                await self._turn()
        finally:
            await self._drain()
            waking.cancel()
            beating.cancel()
            ends = await asyncio.gather(beating, waking, return_exceptions=True)
            await self.lanes.close()
            self._desk.threads.close()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _wake_at_stop(self) -> None:
        await self._stop.wait()
        self._news.set()

    # Claiming

    async def _turn(self) -> None:
        """Claims what there is room for, or rests until there may be something."""
        self._news.clear()
        begun = time.monotonic()
        claims = await self._claim()
        for claim in claims:
            self._works[claim] = None
            task = asyncio.create_task(self._work_off(claim))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not claims:
            await self._rest(time.monotonic() - begun)

    async def _claim(self) -> list[ClaimedChunk]:
        room, urgent = self._room(), self._urgent_room()
        if room.limit <= 0 and urgent.limit <= 0:
            return []
        try:
            return await self._desk.threads.do(
                partial(self._queue.claim, self._name, room.limit, room.busy, full=room.full, urgent=urgent)
            )
        except OperationalError as error:
            log.warning("the database does not answer: %s", error.orig)
            return []

    async def _rest(self, looked: float) -> None:
        """A moment, longer where looking is dear, and not past the next instant that we know of."""
        idle = min(max(IDLE, looked * IDLE_SHARE), LONGEST_IDLE)
        known = self._next_due - time.time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), min(idle, known) if known > 0 else idle)

    def _room(self) -> Room:
        """Room for what a team has planned."""
        ordinary = [claim for claim in self._active() if claim.priority == ORDINARY]
        lanes = Counter(claim.credential_id for claim in ordinary)
        runs = Counter((claim.run_id, claim.credential_id) for claim in ordinary)
        return Room(
            min(CHUNKS - len(ordinary), CLAIMED_AT_ONCE),
            {*self.lanes.resting(), *(lane for lane, count in lanes.items() if count >= CHUNKS_A_LANE)},
            {run for run, count in runs.items() if count >= CHUNKS_A_RUN},
        )

    def _urgent_room(self) -> Room:
        """What a person waits for has room of its own."""
        lanes = Counter(claim.credential_id for claim in self._active() if claim.priority != ORDINARY)
        return Room(
            min(URGENT_CHUNKS - lanes.total(), CLAIMED_AT_ONCE),
            {*self.lanes.resting(), *(lane for lane, count in lanes.items() if count >= URGENT_A_LANE)},
        )

    def _active(self) -> list[ClaimedChunk]:
        """A chunk that only waits for its last answers needs no room."""
        return [claim for claim, work in self._works.items() if work is None or work.active]

    # Working off

    async def _work_off(self, claim: ClaimedChunk) -> None:
        """Whatever goes wrong, the chunk is not lost: it is given back, or its lease runs out."""
        try:
            await self._work(claim)
        except OperationalError as error:
            log.warning("chunk %d waits for its lease to end: %s", claim.id, error.orig)
        except Exception:
            log.exception("chunk %d failed and rests", claim.id)
            work = self._works[claim]
            if work is None or work.clean:
                with contextlib.suppress(OperationalError):
                    await self._desk.threads.do(self._queue.release, claim, POISON)
        finally:
            self._forget(claim)

    async def _work(self, claim: ClaimedChunk) -> None:
        known = await self._desk.threads.do(self._contexts.load, claim)
        lane = self.lanes.get(*known.credential)
        work = ChunkWork(self._desk, Held(claim, known.context, lane.provider.encode), known, lane)
        self._works[claim] = work
        if self._stop.is_set():
            work.stop()
        await work.run()

    def _forget(self, claim: ClaimedChunk) -> None:
        work = self._works.pop(claim)
        if work is not None and work.next_due is not None:
            due = work.next_due.timestamp()
            self._next_due = due if self._next_due <= time.time() else min(due, self._next_due)
        self._news.set()

    # Draining

    async def _drain(self) -> None:
        """Marks nothing more, waits for answers as long as a supervisor has patience, then hangs up."""
        self._desk.window.close()
        for work in self._works.values():
            if work is not None:
                work.stop()
        await self._ended(PATIENCE)
        if self._tasks:
            log.warning("%d chunks have not heard from their provider; their connections are closed", len(self._tasks))
            await self.lanes.close()
            await self._ended(LAST_WORDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ended(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
