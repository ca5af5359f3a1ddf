"""Wall clocks: which instant a time on somebody's clock is, by one written rule.

A wall time that a zone skips (clocks go forward) is the first instant after the gap; one that a zone has
twice (clocks go back) is the first of the two. So each wall time is exactly one instant in each zone.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EARLIEST, LATEST = timedelta(hours=14), timedelta(hours=12)
"""How far clocks are ahead of UTC at most, and behind it."""


@lru_cache(maxsize=1024)
def zone(*names: str | None) -> ZoneInfo:
    """The first of these zones that is named and known; UTC when none is."""
    for name in names:
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):  # a name that a newer tz database had
                continue
    return ZoneInfo("UTC")


def instant(wall: datetime, where: ZoneInfo) -> datetime:
    """The instant (aware UTC) of a naive wall time in a zone."""
    at = wall.replace(tzinfo=where, fold=0).astimezone(UTC)
    if at.astimezone(where).replace(tzinfo=None) == wall:
        return at
    return change(wall.replace(tzinfo=where, fold=1).astimezone(UTC), at, where)


def change(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The instant (to the second) at which the clock changes, which lies after `before` and not after `after`."""
    old = before.astimezone(where).utcoffset()
    low, high = int(before.timestamp()), -int(-after.timestamp() // 1)
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, where).utcoffset() == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


@lru_cache(maxsize=4096)
def midnight(day: date, where: ZoneInfo) -> datetime:
    """When a calendar day begins there."""
    return instant(datetime.combine(day, time()), where)


def today(now: datetime, where: ZoneInfo) -> date:
    return now.astimezone(where).date()


def earliest(wall: datetime) -> datetime:
    """When the first clock on earth shows this wall time."""
    return wall.replace(tzinfo=UTC) - EARLIEST
