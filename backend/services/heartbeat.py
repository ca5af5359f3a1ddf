"""The heartbeat of a sender: its leases renewed, dead workers' chunks taken over, a word on how its lanes fare."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import DBAPIError

from backend.bootstrap import Core
from backend.dispatch import ChunkQueue
from backend.dispatch.leases import WORKER
from backend.queries.chunks import ClaimedChunk
from backend.services import lane_reports, processes
from backend.services.chunk_work import ChunkWork
from backend.services.lanes import Lanes
from backend.services.lifeline import Lifeline
from backend.services.threads import Threads

log = logging.getLogger("tocsin.sender")

BEATS_A_LEASE = 5
SAY = 3.0
"""Seconds between two reports."""


class Heartbeat:
    """Beats in a thread of its own: the others may all be waiting for SQLite's one write lock."""

    def __init__(self, core: Core, queue: ChunkQueue, name: str, lifeline: Lifeline, lanes: Lanes) -> None:
        self._core, self._queue, self._name, self._lifeline, self._lanes = core, queue, name, lifeline, lanes
        self._thread = Threads(1, "heartbeat")
        self._said = -SAY

    async def beat(self, works: Mapping[ClaimedChunk, ChunkWork | None], news: asyncio.Event) -> None:
        """Beats five times a lease, until cancelled. `news` is set when there may be new work."""
        try:
            while True:
                try:
                    await self._once(works, news)
                except DBAPIError as error:
                    log.warning("a heartbeat is missed: %s", error.orig)
                await self._lanes.tidy()
                await asyncio.sleep(self._core.settings.lease_seconds / BEATS_A_LEASE)
        finally:
            self._thread.close()

    async def _once(self, works: Mapping[ClaimedChunk, ChunkWork | None], news: asyncio.Event) -> None:
        await self._renew(works)
        if taken := await self._thread.do(self._queue.adopt):
            log.warning("took over %d chunks of a worker that stopped answering", taken)
            news.set()
        if time.monotonic() - self._said >= SAY:
            self._said = time.monotonic()
            await self._thread.do(self._say, self._lanes.reports())

    async def _renew(self, works: Mapping[ClaimedChunk, ChunkWork | None]) -> None:
        """Renews our leases first of all: who is late himself must not take over from others."""
        held, begun = list(works), Lifeline.mark()
        kept = await self._thread.do(self._queue.extend, held) if held else set()
        self._lifeline.renewed(begun)
        for claim in set(held) - kept:
            work = works.get(claim)
            if work is not None:
                work.lose()

    def _say(self, reports: Mapping[int, Mapping[str, Any]]) -> None:
        with self._core.work(WORKER) as work:
            processes.beat(work, "sender", self._name)
            lane_reports.write(work, self._name, reports)
