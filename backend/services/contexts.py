"""What a chunk's run and lane are, remembered for a few seconds: a run of thousands of chunks reads it once each time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.bootstrap import Core
from backend.db import Work
from backend.dispatch.leases import WORKER
from backend.queries.chunks import ClaimedChunk
from backend.services import credentials, pace, runs
from backend.services.pace import LaneRate, RunRate
from backend.services.runs import RunContext

FRESH = 3.0
"""Seconds for which a run's and a credential's facts are good."""
KEPT = 128
Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Known:
    """A run's context, its lane's credential, and what limits both."""

    context: RunContext
    credential: credentials.Loaded
    lane_rate: LaneRate
    run_rate: RunRate | None


class Contexts:
    """The facts of the chunks in hand. May be asked from any thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._runs: _Memory[RunContext] = _Memory()
        self._lanes: _Memory[tuple[credentials.Loaded, LaneRate]] = _Memory()

    def load(self, claim: ClaimedChunk) -> Known:
        """Raises `NotFound` and what `credentials.load` raises for a secret that no key opens."""
        context = self._runs.get(claim.run_id, lambda: self._read(lambda work: runs.load(work, claim.run_id)))
        lane = self._lanes.get(claim.credential_id, lambda: self._read(lambda work: _lane(work, claim.credential_id)))
        return Known(context, *lane, pace.run_rate(claim.run_id, context.throttle_per_minute))

    def _read(self, read: Callable[[Work], Fact]) -> Fact:
        with self._core.reading(WORKER) as work:
            return read(work)


def _lane(work: Work, number: int) -> tuple[credentials.Loaded, LaneRate]:
    return credentials.load(work, number), pace.lane_rate(work, number)


class _Memory(Generic[Fact]):
    """The latest facts, by number."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[float, Fact]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, number: int, read: Callable[[], Fact]) -> Fact:
        now = time.monotonic()
        with self._lock:
            known = self._kept.get(number)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        fact = read()
        with self._lock:
            self._kept[number] = now, fact
            self._kept.move_to_end(number)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return fact
