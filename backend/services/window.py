"""The window: how many pushes of this process may be marked as being sent, and whose turn it is."""

import asyncio
from collections import Counter
from dataclasses import dataclass

ALONE = 0.8
"""A lane that nobody shares the window with takes so much of it: the next one finds room at once."""
SHARED = 0.5
KEPT_FREE = 0.1
"""So much is left to lanes that have nothing on the network, even when two others hold all they may."""
CONTENT = ((0.0, 2.5), (0.1, 10), (1.0, 1_000))
"""After so many seconds a waiter is content with that part of the window: two fifths, a tenth, anything.

A few rows cost nearly as much as a hundred, and a few permits that wait for others cost nothing.
"""


@dataclass(slots=True, eq=False)
class _Waiter:
    lane: int
    wanted: int
    least: int
    urgent: bool
    granted: asyncio.Future[int]


class Window:
    """`size` permits, one a row from its mark to its result. Use it in one event loop.

    A lane holds at most half of them while others have work: a provider that no longer answers keeps what
    it has, and the others go on. What is urgent may take all that is left.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._held: Counter[int] = Counter()
        self._waiting: list[_Waiter] = []
        self._closed = False

    def held(self, lane: int) -> int:
        """How many rows of the lane are between mark and result."""
        return self._held[lane]

    async def take(self, lane: int, wanted: int, *, urgent: bool = False) -> int:
        """Waits for up to `wanted` permits; 0 when the window is closed.

        Few are given only when there are no more for a while, and at once to who is urgent.
        """
        if self._closed:
            return 0
        loop = asyncio.get_running_loop()
        waiter = _Waiter(lane, wanted, wanted, urgent, loop.create_future())
        self._waiting.append(waiter)
        timers = [loop.call_later(after, self._content_with, waiter, part) for after, part in CONTENT[1:]]
        self._content_with(waiter, self._size if urgent else CONTENT[0][1])
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self.give_back(lane, waiter.granted.result())
            raise
        finally:
            for timer in timers:
                timer.cancel()
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def give_back(self, lane: int, count: int) -> None:
        """These rows have their results, or were not marked after all."""
        self._free += count
        self._held[lane] -= count
        if not self._held[lane]:
            del self._held[lane]
        self._hand_out()

    def close(self) -> None:
        """Nobody gets any more."""
        self._closed = True
        self._hand_out()

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for permits."""
        return bool(self._waiting)

    def _content_with(self, waiter: _Waiter, part: float) -> None:
        waiter.least = min(waiter.wanted, max(1, int(self._size / part)))
        self._hand_out()

    def _hand_out(self) -> None:
        """What is urgent first, else as they came."""
        for waiter in sorted(self._waiting, key=lambda waiter: not waiter.urgent):
            count = 0 if self._closed else min(waiter.wanted, self._room(waiter.lane, urgent=waiter.urgent))
            if waiter.granted.done() or not (self._closed or count >= waiter.least):
                continue
            self._waiting.remove(waiter)
            self._free -= count
            self._held[waiter.lane] += count
            waiter.granted.set_result(count)

    def _room(self, lane: int, *, urgent: bool) -> int:
        if urgent:
            return self._free
        others = {*self._held, *(waiter.lane for waiter in self._waiting)} - {lane}
        most = max(1, int(self._size * (SHARED if others else ALONE)))
        kept = int(self._size * KEPT_FREE) if self._held[lane] else 0
        return max(0, min(most - self._held[lane], self._free - kept))
