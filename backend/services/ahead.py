"""Rows of a chunk that are decided and rendered already: read many at once, marked as the window allows."""

import time
from collections import deque
from collections.abc import Callable

from backend.services.runs import Prepared
from backend.services.steps import Batch

FIRST, MOST = 250, 500
"""Rows of the first reading, and of any. What a reading costs beside its rows is as much as fifty of them."""
FRESH = 1.0
"""Seconds for which a verdict is good: who says no in the meantime is heard by the next reading."""


class Ahead:
    """The next rows of one chunk. `read` takes how many are wanted at most. One thread at a time.

    It reads twice as many the next time when all were taken while they were fresh, else half as many.
    """

    def __init__(self, read: Callable[[int], Batch]) -> None:
        self._read = read
        self._rows: deque[Prepared] = deque()
        self._size, self._last, self._until = FIRST, False, 0.0

    def take(self, count: int) -> Batch:
        """Up to `count` rows, in their order."""
        stale = time.monotonic() >= self._until
        if stale or not self._rows:
            self._fill(count, stale=stale)
        taken = [self._rows.popleft() for _ in range(min(count, len(self._rows)))]
        return Batch(taken, self._last and not self._rows)

    def forget(self) -> None:
        """What has been taken was not marked after all, or nobody knows: the next rows are read anew."""
        self._rows.clear()

    def _fill(self, count: int, *, stale: bool) -> None:
        if not stale:
            self._size *= 2
        elif self._rows:
            self._size //= 2
        self._size = min(max(self._size, count), MOST)
        self._until = time.monotonic() + FRESH
        batch = self._read(self._size)
        self._rows, self._last = deque(batch.prepared), batch.last
