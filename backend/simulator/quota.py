"""How much a project or a device may get in a minute."""

from collections import Counter


class Quota:
    """A bucket for each name, all refilled at once a minute after the first use: not aligned to the clock."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._used: Counter[str] = Counter()
        self._since = 0.0

    def take(self, name: str, now: float) -> bool:
        """False where the bucket of `name` is empty. `now` is in epoch seconds."""
        if not self._per_minute:
            return True
        if now - self._since >= 60:
            self._since = now
            self._used.clear()
        if self._used[name] >= self._per_minute:
            return False
        self._used[name] += 1
        return True
