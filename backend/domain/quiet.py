"""Quiet hours: windows on somebody's wall clock, by weekday, in which only what is mandatory passes.

A window belongs to the day on which it begins and may reach into the next one. It holds from the instant of
its start to the instant of its end (`zones.instant`), so that a night on which the clocks change has neither a
hole nor an echo. A window that ends when it starts is empty: who names one is never quiet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from backend.domain import zones

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY: Final = frozenset(range(7))
ENDLESS: Final = timedelta(days=8)
"""What is quiet for longer than this is quiet for ever: windows repeat by the week."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end` (minutes of the day) on nights that begin on one of `days` (0 is Monday)."""

    start: int
    end: int
    days: frozenset[int] = EVERY_DAY


Windows = tuple[Window, ...]


def windows(rows: Iterable[Mapping[str, Any]]) -> Windows:
    """Reads `{"start": "22:00", "end": "08:00", "days": ["mon", …]}`; no days means every day."""
    return tuple(Window(minutes(row["start"]), minutes(row["end"]), _days(row.get("days"))) for row in rows)


def minutes(clock: str) -> int:
    """Minutes since midnight of `HH:MM`."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _days(names: Iterable[str] | None) -> frozenset[int]:
    return frozenset(WEEKDAYS.index(name) for name in names) if names else EVERY_DAY


def until(quiet: Windows, where: ZoneInfo, now: datetime) -> datetime | None:
    """When the quiet time that holds now is over, windows that touch taken as one; None when it is not quiet.

    By the minute, in which windows begin and end, and remembered: a sender pays once for each zone.
    """
    return _remembered(quiet, where, now.replace(second=0, microsecond=0))


@lru_cache(maxsize=8192)
def _remembered(quiet: Windows, where: ZoneInfo, now: datetime) -> datetime | None:
    return _until(quiet, where, now)


def _until(quiet: Windows, where: ZoneInfo, now: datetime) -> datetime | None:
    end = _end(quiet, where, now)
    if end is None:
        return None
    while end <= now + ENDLESS + _MINUTE and (later := _end(quiet, where, end)) is not None:
        end = later
    return end


def _end(quiet: Windows, where: ZoneInfo, now: datetime) -> datetime | None:
    """The latest end of the windows that hold now."""
    today = zones.today(now, where)
    ends = [
        end
        for window in quiet
        for day in (today - timedelta(days=1), today)
        if day.weekday() in window.days and window.start != window.end
        for end in [_at(day + timedelta(days=window.end <= window.start), window.end, where)]
        if _at(day, window.start, where) <= now < end
    ]
    return max(ends, default=None)


def _at(day: date, minute: int, where: ZoneInfo) -> datetime:
    return zones.instant(datetime.combine(day, time(minute // 60, minute % 60)), where)
