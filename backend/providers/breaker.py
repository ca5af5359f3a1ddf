"""When to leave a host alone: a circuit breaker for one origin. Pure; times are seconds of the caller's clock."""

from collections import deque
from enum import StrEnum

_IN_A_ROW = 3
"""So many failed connections in a row open it."""
_WINDOW = 10
_ENOUGH = 10
"""So many ends of requests within `_WINDOW` seconds, half of them failures, open it, once that has
lasted for a second: the hiccup of one server of many is over by then."""
_REMEMBERED = 60


class BreakerState(StrEnum):
    """What the next request meets."""

    CLOSED = "closed"
    """The host works: requests go."""
    OPEN = "open"
    """The host rests: no request goes."""
    HALF_OPEN = "half_open"
    """The rest is over: one request goes, and its end decides."""


class Breaker:
    """Counts how requests and connections to one origin end.

    `enter` gives each request the era it began in. An end is counted only in the era of its beginning,
    so that what was under way when the breaker opened cannot speak for the host's health after it.
    It opens for `rest` seconds, twice as long after each try that failed, at most for `longest`.
    """

    __slots__ = ("_closed_at", "_era", "_in_a_row", "_longest", "_next_rest", "_probing", "_rest", "_seconds", "_until")

    def __init__(self, rest: float = 5.0, longest: float = 30.0) -> None:
        self._era = self._in_a_row = 0
        self._rest, self._next_rest, self._longest = rest, rest, longest
        self._until: float | None = None
        self._probing = False
        self._closed_at = -1
        self._seconds: deque[_Second] = deque()

    def state(self, now: float) -> BreakerState:
        if self._until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._until else BreakerState.HALF_OPEN

    def rests_for(self, now: float) -> float:
        """Seconds until a request may try the host; 0 unless it rests."""
        return max(self._until - now, 0.0) if self._until is not None else 0.0

    @property
    def probing(self) -> bool:
        """Whether the one request that may try the host is under way."""
        return self._probing

    def failures(self, now: float) -> int:
        """Of the last 60 seconds."""
        return sum(second.failed for second in self._seconds if second.at > now - _REMEMBERED)

    def enter(self, now: float) -> int | None:
        """The era that the request belongs to; None when it must not go."""
        if self._until is None:
            return self._era
        if now < self._until or self._probing:
            return None
        self._probing = True
        return self._era

    def succeeded(self, era: int, now: float) -> None:
        """The host answered, and with no error of its own."""
        if era != self._era:
            return
        self._in_a_row = 0
        self._second(now).ended += 1
        if self._until is not None:
            self._until, self._probing, self._next_rest = None, False, self._rest
            self._era += 1
            self._closed_at = int(now)

    def failed(self, era: int, now: float) -> None:
        """The host answered with an error of its own, or not at all."""
        if era != self._era:
            return
        self._note_failure(now)
        if self._until is not None or self._mostly_fails(now):
            self._open(now)

    def cut(self, now: float) -> None:
        """A connection that had answered died under its requests: one failure, however many they were."""
        self._note_failure(now)
        if self._until is None and self._mostly_fails(now):
            self._open(now)

    def not_connected(self, now: float) -> None:
        """A connection could not be made, or ended before its first answer."""
        self._note_failure(now)
        self._in_a_row += 1
        if self._until is None and (self._in_a_row >= _IN_A_ROW or self._mostly_fails(now)):
            self._open(now)

    def withdrawn(self, era: int) -> None:
        """The request ended without a word on the host: another one may try it."""
        if era == self._era:
            self._probing = False

    def unanswered(self, era: int, now: float) -> None:
        """The request never left, or shared the fate of its connection. Nothing new, except where it was the try."""
        if era == self._era and self._until is not None:
            self._open(now)

    def _open(self, now: float) -> None:
        self._until = now + self._next_rest
        self._next_rest = min(self._next_rest * 2, self._longest)
        self._probing = False
        self._era += 1

    def _note_failure(self, now: float) -> None:
        second = self._second(now)
        second.ended += 1
        second.failed += 1

    def _second(self, now: float) -> "_Second":
        at = int(now)
        if not self._seconds or self._seconds[-1].at != at:
            self._seconds.append(_Second(at))
            while self._seconds[0].at <= at - _REMEMBERED:
                self._seconds.popleft()
        return self._seconds[-1]

    def _mostly_fails(self, now: float) -> bool:
        begin = max(now - _WINDOW, self._closed_at)
        recent = [second for second in self._seconds if second.at > begin]
        ended, failed = sum(s.ended for s in recent), sum(s.failed for s in recent)
        lasting = any(second.failed and second.at <= now - 2 for second in recent)
        return lasting and ended >= _ENOUGH and failed * 2 >= ended


class _Second:
    """How requests ended within one second."""

    __slots__ = ("at", "ended", "failed")

    def __init__(self, at: int) -> None:
        self.at, self.ended, self.failed = at, 0, 0
