"""Numbers and times as people read them. Pure: the time zone and `now` are handed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class When:
    """A time: short beside other words, exact with its zone on hover."""

    short: str = NOTHING
    exact: str = ""


NEVER: Final = When()


def number(value: int | None) -> str:
    """Thousands are separated by a thin space, which reads the same in every language."""
    return NOTHING if value is None else f"{value:,}".replace(",", "\u202f")


def plural(count: int, one: str, many: str = "") -> str:
    """`1 device`, `2 devices`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def percent(part: int, whole: int) -> str:
    """One decimal; a dash of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else NOTHING


def share(part: int, whole: int, of: str) -> str:
    """A percentage's denominator, for the hover."""
    return f"{number(part)} of {number(whole)} {of}" if whole else ""


def when(at: datetime | None, zone: str, now: datetime) -> When:
    """`3 min ago` or `21 Nov, 09:00`, with `21 November 2026, 09:00:12 CET` on hover."""
    if at is None:
        return NEVER
    local = at.astimezone(ZoneInfo(zone))
    exact = f"{local.day} {local:%B %Y, %H:%M:%S} {_zone_name(local)}"
    return When(_short(local, now.astimezone(ZoneInfo(zone))), exact)


def _short(local: datetime, now: datetime) -> str:
    gone = now - local
    if timedelta(0) <= gone < timedelta(minutes=1):
        return "just now"
    if timedelta(0) <= gone < timedelta(hours=1):
        return f"{gone // timedelta(minutes=1)} min ago"
    if timedelta(0) <= gone < timedelta(hours=12):
        return f"{gone // timedelta(hours=1)} h ago"
    if timedelta(0) < -gone < timedelta(hours=1):
        return f"in {-gone // timedelta(minutes=1) + 1} min"
    return day_and_time(local, now)


def day_and_time(local: datetime, now: datetime) -> str:
    """The day, with its year only when that is not this one, and the time."""
    days = (local.date() - now.date()).days
    named = {0: "Today", -1: "Yesterday", 1: "Tomorrow"}.get(days)
    day = named or f"{local.day} {local:%b}" + ("" if local.year == now.year else f" {local.year}")
    return f"{day}, {local:%H:%M}"


def clock(at: datetime | None, zone: str) -> str:
    """The time of day to the second, for steps that follow each other closely."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M:%S}" if at else ""


def _zone_name(local: datetime) -> str:
    name = local.tzname() or ""
    return name if name[:1].isalpha() else f"UTC{name}"


def duration(seconds: float | None) -> str:
    """`8 s`, `3 min`, `2 h 5 min`: as exact as one needs while waiting."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def per_second(rate: float) -> str:
    return f"{rate:.1f}/s" if rate < 10 else f"{number(round(rate))}/s"


def compact(value: float) -> str:
    """A size in bytes."""
    return f"{value / 1024:.1f} KiB" if value >= 1024 else f"{value:.0f} B"


def initials(name: str, email: str) -> str:
    """Up to two letters that stand for a person or an app."""
    words = (name or email.split("@", maxsplit=1)[0]).replace(".", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"
