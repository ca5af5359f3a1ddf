"""The ends of the time that requests were given, many to a timer."""

import asyncio
from collections.abc import Callable

from backend.providers.exchange import Call

STEP = 0.05
"""Seconds by which an end may be noticed late."""


class Deadlines:
    """Calls `expire` for each request that is still here when its time is over.

    A timer of the event loop for each request costs more than its frames do; here those that end in the
    same twentieth of a second share one.
    """

    def __init__(self, expire: Callable[[Call], None]) -> None:
        self._expire = expire
        self._loop = asyncio.get_running_loop()
        self._slots: dict[int, set[Call]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def add(self, call: Call, timeout: float) -> None:
        slot = call.slot = int((self._loop.time() + timeout) / STEP) + 1
        calls = self._slots.get(slot)
        if calls is None:
            calls = self._slots[slot] = set()
            self._timers[slot] = self._loop.call_at(slot * STEP, self._end, slot)
        calls.add(call)

    def remove(self, call: Call) -> None:
        calls = self._slots.get(call.slot)
        if calls is not None:
            calls.discard(call)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _end(self, slot: int) -> None:
        del self._timers[slot]
        for call in self._slots.pop(slot):
            self._expire(call)
