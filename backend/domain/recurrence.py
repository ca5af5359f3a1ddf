"""Recurring schedules: RFC 5545 rules over wall clocks.

A rule is worked out on naive wall times; only then does a zone say which instant each of them is (`zones.instant`),
so a rule at 09:00 stays at 09:00 through both changes of the clock.
"""

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from dateutil.rrule import rrule, rrulestr

from backend.domain import zones

OWN_ZONE = "user"
"""The zone of a rule that runs on each person's own clock."""
LAST = datetime(2199, 12, 31, 23, 59)  # noqa: DTZ001 - a wall time
"""No rule goes on for longer; the dates of the year 9999 have no tomorrow."""
_FIRST, _EVERY_DATE = date(2000, 1, 1), 28 * 365 + 7
"""Twenty-eight years have every date on every weekday."""
_CANDIDATES = 5_000
"""So many times are looked at for a place among them."""
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PERIODS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
_FREQUENCIES = (*_PERIODS, "MONTHLY", "YEARLY")
_NUMBER = {
    "INTERVAL": (1, 366),
    "COUNT": (1, 10_000),
    "BYSETPOS": (1, 366),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
}
"""The parts that are numbers, with the least and the greatest."""
_FROM_THE_END = ("BYSETPOS", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO")
_SINGLE = ("INTERVAL", "COUNT", "BYMINUTE")
_PARTS = ("FREQ", "UNTIL", "WKST", "BYDAY", *_NUMBER)
_DAY = f"({'|'.join(WEEKDAYS)})"
_SHAPES = {
    "FREQ": "|".join(_FREQUENCIES),
    "UNTIL": "[0-9]{8}(T[0-9]{6})?",
    "WKST": _DAY,
    "BYDAY": f"([+-]?[1-5])?{_DAY}",
}


class ScheduleError(ValueError):
    """A schedule that cannot be followed: the field of it that is wrong, and why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}")
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule as it was read; `until` is its last wall time, `count` how often it fires (either or none)."""

    parts: tuple[tuple[str, str], ...]
    start: datetime
    zone: str
    until: datetime | None
    count: int | None
    exclude: frozenset[date]

    @property
    def own_zone(self) -> bool:
        return self.zone == OWN_ZONE

    def part(self, name: str, otherwise: str = "") -> str:
        return dict(self.parts).get(name, otherwise)

    def walls(self, after: datetime) -> Iterator[datetime]:
        """Its wall times later than this one, in their order."""
        found = islice(_rule(self, after), self.count)
        return (wall for wall in found if wall > after and wall.date() not in self.exclude)

    def instants(self, after: datetime) -> Iterator[tuple[datetime, datetime]]:
        """(wall, instant) of each later than `after` (aware). On each person's own clock: the first on earth.

        Wall times that fall into the same gap of the clock are one instant, and come once.
        """
        where = None if self.own_zone else zones.zone(self.zone)
        local = after.astimezone(where) if where else after.astimezone(UTC) + zones.EARLIEST
        last = after
        for wall in self.walls(local.replace(tzinfo=None)):
            at = zones.instant(wall, where) if where else zones.earliest(wall)
            if at > last:
                yield wall, at
                last = at


@lru_cache(maxsize=256)
def _built(text: str, start: datetime) -> rrule:
    made = rrulestr(text, dtstart=start)
    assert isinstance(made, rrule)
    return made


def _rule(of: Recurrence, after: datetime) -> Iterator[datetime]:
    """The rule from its start, or from a later start in the same step: years of hours need not be walked through."""
    frequency, interval = of.part("FREQ"), int(of.part("INTERVAL", "1"))
    start = of.start
    if of.count is None and frequency in _PERIODS and after > start:
        start += (after - start) // (_PERIODS[frequency] * interval) * _PERIODS[frequency] * interval
    return iter(_built(_text(of.parts), start).replace(until=min(of.until or LAST, LAST)))


def _text(parts: Iterable[tuple[str, str]]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts)


def parse(schedule: Mapping[str, Any]) -> Recurrence:
    """Reads a recurring schedule. Raises `ScheduleError` for a rule that is no rule, or fires never or too often."""
    parts = _parts(str(schedule["rrule"]))
    until = _until(parts.pop("UNTIL", None), schedule.get("until"))
    count = parts.pop("COUNT", None)
    if count and until:
        raise ScheduleError("rrule", "has both a COUNT and an end; give one of them")
    found = Recurrence(
        parts=tuple(parts.items()),
        start=datetime.fromisoformat(schedule["start"]),
        zone=schedule.get("zone") or OWN_ZONE,
        until=until,
        count=int(count) if count else None,
        exclude=frozenset(date.fromisoformat(day) for day in schedule.get("exclude") or ()),
    )
    if not _possible(found):
        raise ScheduleError("rrule", "never comes up: no date fits it")
    return found


def _possible(rule: Recurrence) -> bool:
    """Dates are looked for by hand first: dateutil would search to the year 9999 for a 30th of February."""
    if not any(_fits(rule, _FIRST + timedelta(days=number)) for number in range(_EVERY_DATE)):
        return False
    if rule.part("BYSETPOS") and not _has_place(rule):
        return False
    try:
        return next(rule.walls(rule.start - timedelta(minutes=1)), None) is not None
    except ValueError:  # what dateutil says of steps that never meet the hours
        return False


def _has_place(rule: Recurrence) -> bool:
    """Whether any week, month or year has as many times as the nearest of its BYSETPOS asks for: a fifth of the one
    Monday in a week dateutil would look for as long as for a 30th of February."""
    wanted = min(abs(int(place)) for place in rule.part("BYSETPOS").split(","))
    all_of = _text((name, value) for name, value in rule.parts if name != "BYSETPOS")
    found: Counter[date] = Counter()
    for wall in islice(_built(all_of, rule.start), _CANDIDATES):
        period = _period(rule, wall.date())
        found[period] += 1
        if found[period] >= wanted:
            return True
    return False


def _period(rule: Recurrence, day: date) -> date:
    """The first day of the week, month or year of the rule in which a day lies."""
    if rule.part("FREQ") == "WEEKLY":
        return day - timedelta(days=(day.weekday() - WEEKDAYS.index(rule.part("WKST", "MO"))) % 7)
    return day.replace(day=1) if rule.part("FREQ") == "MONTHLY" else day.replace(month=1, day=1)


def _fits(rule: Recurrence, day: date) -> bool:
    """Whether the parts of the rule that name a day or a month leave this day, its place in a month aside."""
    days, month_days = date(day.year, 12, 31).timetuple().tm_yday, monthrange(day.year, day.month)[1]
    weekdays = [one[-2:] for one in rule.part("BYDAY").split(",") if one]
    return (
        (not weekdays or WEEKDAYS[day.weekday()] in weekdays)
        and (not rule.part("BYMONTH") or str(day.month) in rule.part("BYMONTH").split(","))
        and _among(rule.part("BYMONTHDAY"), day.day, month_days)
        and _among(rule.part("BYYEARDAY"), day.timetuple().tm_yday, days)
    )


def _among(numbers: str, number: int, last: int) -> bool:
    """Whether it is one of them, counted from the beginning or (below nought) from the end."""
    return not numbers or any(int(one) in (number, number - last - 1) for one in numbers.split(","))


def _parts(text: str) -> dict[str, str]:
    """The rule's parts by name, each checked alone."""
    parts: dict[str, str] = {}
    for piece in text.upper().removeprefix("RRULE:").strip("; ").split(";"):
        name, _, value = piece.partition("=")
        if name not in _PARTS:
            raise ScheduleError("rrule", f"does not know {piece[:40]!r}; its parts are {', '.join(_PARTS)}")
        if name in parts:
            raise ScheduleError("rrule", f"names {name} twice")
        _check(name, value)
        parts[name] = value
    if "FREQ" not in parts:
        raise ScheduleError("rrule", f"needs a FREQ: {', '.join(_FREQUENCIES)}")
    if re.search(r"\d", parts.get("BYDAY", "")) and parts["FREQ"] not in ("MONTHLY", "YEARLY"):
        raise ScheduleError("rrule", "may say which Monday it means in a month or a year only")
    if "BYWEEKNO" in parts and parts["FREQ"] != "YEARLY":  # RFC 5545; and looking for one day by day took seconds
        raise ScheduleError("rrule", "may have a BYWEEKNO in years only")
    if "BYSETPOS" in parts and parts["FREQ"] in ("HOURLY", "DAILY"):
        raise ScheduleError("rrule", "may have a BYSETPOS in weeks, months or years only")
    return parts


def _check(name: str, value: str) -> None:
    if name == "FREQ" and value in ("MINUTELY", "SECONDLY"):
        raise ScheduleError("rrule", "would fire more than once an hour")
    each = value.split(",")
    if name == "BYMINUTE" and len(each) > 1:
        raise ScheduleError("rrule", "would fire more than once an hour; give one BYMINUTE")
    single = name in _SINGLE or name in ("FREQ", "UNTIL", "WKST")
    if (single and len(each) > 1) or not all(_readable(name, one) for one in each):
        raise ScheduleError("rrule", f"cannot be read at {name}={value[:40]}{_range(name)}")


def _readable(name: str, value: str) -> bool:
    if name in _SHAPES:
        return re.fullmatch(_SHAPES[name], value) is not None
    least, greatest = _NUMBER[name]
    sign = "[+-]?" if name in _FROM_THE_END else ""
    return re.fullmatch(rf"{sign}(0|[1-9][0-9]{{0,4}})", value) is not None and least <= abs(int(value)) <= greatest


def _range(name: str) -> str:
    if name == "UNTIL":
        return "; it is a local date such as 20270331, without a Z"
    return f"; it goes from {_NUMBER[name][0]} to {_NUMBER[name][1]}" if name in _NUMBER else ""


def _until(in_rule: str | None, beside: str | None) -> datetime | None:
    if in_rule and beside:
        raise ScheduleError("until", "is in the rule as well; say it once")
    text = in_rule or beside
    if not text:
        return None
    try:
        until = datetime.fromisoformat(text)
    except ValueError as error:
        raise ScheduleError("rrule" if in_rule else "until", "needs a date such as 2027-03-31 as its end") from error
    return until if "T" in text else datetime.combine(until.date(), time.max)
