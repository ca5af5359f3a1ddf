"""When a campaign is due, and what happens to one that is late.

A schedule is the canonical JSON of the public contract. `{"kind": "now"}` and `at` have one instant for everybody;
`local_time`, `best_hour` and what recurs on each person's own clock begin where the day begins first, and go once
around the world; an event campaign has no time of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain import recurrence, zones
from backend.domain.recurrence import ScheduleError

REPEATING = ("recurring", "event")
ONCE = "once"
_TICK = timedelta(microseconds=1)


class Lateness(StrEnum):
    """What to do with an occasion whose time has passed by more than the campaign allows."""

    SEND = "send"
    SKIP = "skip"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time at which a campaign is sent. Its `name` is its own for ever: no two runs of a campaign share one.

    `begins` is when the first person is due and `ends` when the last one is, aware UTC; `timing` is what the due
    times of its rows are made from (`services/due_times.py`).
    """

    name: str
    begins: datetime
    ends: datetime
    timing: Mapping[str, Any] = field(default_factory=dict)


def repeats(*kinds: str) -> bool:
    """Whether one of these kinds of schedule has more than one occasion."""
    return any(kind in REPEATING for kind in kinds)


def following(schedule: Mapping[str, Any], after: datetime) -> Iterator[Occasion]:
    """The occasions that begin later than this, of a schedule that recurs."""
    rule = recurrence.parse(schedule)
    for wall, at in rule.instants(after):
        if rule.own_zone:
            yield Occasion(_minute(wall), at, _last_clock(wall), {"wall": _minute(wall)})
        else:
            yield Occasion(at.isoformat(), at, at)


def first(schedule: Mapping[str, Any], launched: datetime) -> Occasion | None:
    """The first occasion of what is launched now; None for an event campaign, and for a rule that has ended."""
    kind = schedule["kind"]
    if kind == "recurring":
        return next(following(schedule, launched), None)
    if kind == "event":
        return None
    if kind == "local_time":
        wall = datetime.fromisoformat(schedule["wall"])
        timing = {"wall": schedule["wall"], "past": schedule["past"], "from": launched.isoformat()}
        return _around_the_world(wall, _last_clock(wall), launched, timing)
    if kind == "best_hour":
        day = datetime.combine(date.fromisoformat(schedule["date"]), time())
        timing = {"date": schedule["date"], "from": launched.isoformat()}
        return _around_the_world(day, _last_clock(day + timedelta(days=1)), launched, timing)
    at = launched if kind == "now" else instant_of(schedule)
    return Occasion(ONCE, at, at)


def instant_of(schedule: Mapping[str, Any]) -> datetime:
    """The instant of an `at` schedule. Raises `ScheduleError` for a time without an offset."""
    at = datetime.fromisoformat(str(schedule["at"]))
    if at.tzinfo is None:
        raise ScheduleError("at", "needs an offset, such as 2026-12-01T09:00:00+01:00")
    return at.astimezone(UTC)


def due(schedule: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the next occasion of a schedule begins; None when it has none, or waits for events."""
    occasion = first(schedule, now)
    return occasion.begins if occasion else None


def has_passed(schedule: Mapping[str, Any], now: datetime) -> bool:
    """Whether it is too late to launch this: nobody's clock will show the time any more."""
    if schedule["kind"] in ("now", "event"):
        return False
    occasion = first(schedule, now)
    return occasion is None or occasion.ends < now


def overdue(schedule: Mapping[str, Any], due_at: datetime, now: datetime) -> list[Occasion]:
    """The occasions that began from `due_at` (included) until now, oldest first."""
    return list(takewhile(lambda occasion: occasion.begins <= now, following(schedule, due_at - _TICK)))


def after(schedule: Mapping[str, Any], begun: datetime) -> datetime | None:
    """When the next occasion begins after the one that began then; None when that was the last."""
    occasion = next(following(schedule, begun), None)
    return occasion.begins if occasion else None


def lateness(due_at: datetime, now: datetime, late: Mapping[str, Any] | None) -> Lateness:
    """Whether to send an occasion that was due at `due_at`; `late` is the campaign's own policy."""
    if now - due_at <= grace(late):
        return Lateness.SEND
    return Lateness((late or {}).get("then", Lateness.SKIP))


def grace(late: Mapping[str, Any] | None) -> timedelta:
    """How late is not yet too late: a minute at least, or nothing would be in time, for clocks look and then act."""
    return timedelta(minutes=max(float((late or {}).get("minutes", 60)), 1))


def dates(schedule: Mapping[str, Any], now: datetime, home: ZoneInfo, count: int = 5) -> tuple[datetime, ...]:
    """The next times as a clock at home would show them; what runs on people's own clocks is given for home's."""
    kind = schedule["kind"]
    if kind == "recurring":
        rule = recurrence.parse(schedule)
        upcoming = islice(rule.instants(now), count)
        return tuple(zones.instant(wall, home) if rule.own_zone else at for wall, at in upcoming)
    if kind == "local_time":
        return (zones.instant(datetime.fromisoformat(schedule["wall"]), home),)
    return (instant_of(schedule),) if kind == "at" else ()


def _around_the_world(wall: datetime, ends: datetime, launched: datetime, timing: Mapping[str, Any]) -> Occasion:
    return Occasion(ONCE, max(zones.earliest(wall), launched), ends, timing)


def _last_clock(wall: datetime) -> datetime:
    """When the last clock on earth shows this wall time."""
    return wall.replace(tzinfo=UTC) + zones.LATEST


def _minute(wall: datetime) -> str:
    return wall.isoformat(timespec="minutes")
