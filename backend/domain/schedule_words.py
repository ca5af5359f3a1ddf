"""A schedule read back as a sentence: what a person sees before they launch it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from backend.domain import recurrence
from backend.domain.recurrence import Recurrence

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAYS = {
    "MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday",
    "SU": "Sunday",
}  # fmt: skip
_UNITS = {"HOURLY": "hour", "DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
_WORKDAYS = ["MO", "TU", "WE", "TH", "FR"]
_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def in_words(schedule: Mapping[str, Any]) -> str:
    """The schedule as a sentence without its full stop. Raises `ScheduleError` for a rule that is no rule."""
    kind = schedule["kind"]
    if kind == "recurring":
        return _recurring(recurrence.parse(schedule))
    if kind == "event":
        return _event(schedule)
    if kind == "local_time":
        return f"On {moment(datetime.fromisoformat(schedule['wall']))}, on each person's own clock"
    if kind == "best_hour":
        return f"On {day(date.fromisoformat(schedule['date']))}, at the hour at which each person opens most"
    if kind == "now":
        return "At once"
    return f"On {moment(datetime.fromisoformat(schedule['at']))}"


def day(of: date) -> str:
    return f"{of.day} {MONTHS[of.month - 1]} {of.year}"


def moment(at: datetime) -> str:
    """A date and a time; the offset is told of what has one."""
    offset = f" (UTC{at.isoformat()[-6:]})".replace("+00:00", "") if at.tzinfo else ""
    return f"{day(at.date())} at {at:%H:%M}{offset}"


def duration(seconds: int) -> str:
    """`1 hour 30 minutes`."""
    told = []
    for size, unit in _STEPS:
        count, seconds = divmod(seconds, size)
        told += [_counted(count, unit)] if count else []
    return " ".join(told)


def _recurring(rule: Recurrence) -> str:
    parts = [_every(rule) + _months(rule) + _time(rule)]
    parts.append("in each person's own time zone" if rule.own_zone else f"in the time zone {rule.zone}")
    if rule.until is not None:
        parts.append(f"until {day(rule.until.date())}")
    if rule.count is not None:
        parts.append(_counted(rule.count, "time"))
    if rule.exclude:
        parts.append(f"not on {_listed([day(one) for one in sorted(rule.exclude)])}")
    return ", ".join(parts)


def _every(rule: Recurrence) -> str:
    frequency, interval = rule.part("FREQ"), int(rule.part("INTERVAL", "1"))
    days = _weekdays(rule)
    if frequency in ("WEEKLY", "DAILY") and interval == 1 and days and not rule.part("BYSETPOS"):
        return f"Every {_listed(days)}{_days_of_month(rule)}"
    unit = "day" if frequency == "HOURLY" and interval == 1 and rule.part("BYHOUR") else _UNITS[frequency]
    every = f"Every {unit}" if interval == 1 else f"Every {interval} {unit}s"
    return every + (_which(rule, days) or _by_start(rule))


def _which(rule: Recurrence, weekdays: Sequence[str]) -> str:
    """On which days of its month, year or weeks, beside the name of the unit."""
    told = f" on {_listed(weekdays)}{'s' if weekdays == ['weekday'] else ''}" if weekdays else ""
    if positions := _numbers(rule.part("BYSETPOS")):
        told = f" on the {_listed([_place(at) for at in positions])} {_listed(weekdays, 'or') or 'of its days'}"
    elif weekdays and rule.part("FREQ") in ("MONTHLY", "YEARLY") and not any(map(str.isdigit, rule.part("BYDAY"))):
        told = f" on every {_listed(weekdays)}"
    told += _days_of_month(rule)
    if days := _numbers(rule.part("BYYEARDAY")):
        told += f" on the {_listed([_count_of(one) for one in days])} day of the year"
    if weeks := _numbers(rule.part("BYWEEKNO")):
        told += f" in the {_listed([_count_of(one) for one in weeks])} week of the year"
    return told


def _by_start(rule: Recurrence) -> str:
    """What the rule leaves open is as in its start."""
    frequency, start = rule.part("FREQ"), rule.start
    if frequency == "WEEKLY":
        return f" on {list(DAYS.values())[start.weekday()]}"
    if frequency == "MONTHLY" or (frequency == "YEARLY" and rule.part("BYMONTH")):
        return f" on the {_nth(start.day)}"
    return f" on {start.day} {MONTHS[start.month - 1]}" if frequency == "YEARLY" else ""


def _weekdays(rule: Recurrence) -> list[str]:
    """The weekdays, with their place in the month or year where they have one."""
    given = [one for one in rule.part("BYDAY").split(",") if one]
    if sorted(given) == sorted(_WORKDAYS):
        return ["weekday"]
    order = list(DAYS)
    return [_weekday(one) for one in sorted(given, key=lambda one: (order.index(one[-2:]), one))]


def _weekday(code: str) -> str:
    place, name = code[:-2], DAYS[code[-2:]]
    return f"the {_place(int(place))} {name}" if place else name


def _days_of_month(rule: Recurrence) -> str:
    days = _numbers(rule.part("BYMONTHDAY"))
    told = [_nth(one) if one > 0 else f"{_place(one)} day" for one in days]
    return f" on the {_listed(told)}" if told else ""


def _months(rule: Recurrence) -> str:
    months = [MONTHS[one - 1] for one in _numbers(rule.part("BYMONTH"))]
    if rule.part("FREQ") == "YEARLY" and not _which(rule, _weekdays(rule)):
        return f" of {_listed(months)}" if months else ""
    return f" {'of' if rule.part('BYMONTHDAY') else 'in'} {_listed(months)}" if months else ""


def _time(rule: Recurrence) -> str:
    minute = int(rule.part("BYMINUTE", str(rule.start.minute)).split(",")[0])
    hours = _numbers(rule.part("BYHOUR"))
    if rule.part("FREQ") == "HOURLY" and not hours:
        counted = "" if rule.part("INTERVAL", "1") == "1" else f", counted from {moment(rule.start)}"
        return f" at {minute} minutes past{counted}" if minute else f" on the hour{counted}"
    return f" at {_listed([f'{hour:02}:{minute:02}' for hour in hours or [rule.start.hour]])}"


def _event(schedule: Mapping[str, Any]) -> str:
    told = f"When {schedule['event']} happens"
    if schedule.get("where"):
        told += f" with {_conditions(schedule['where'])}"
    if delay := schedule.get("delay_seconds"):
        told += f", {duration(delay)} later"
    if wall := schedule.get("wall"):
        told += f", at the next {wall} on the person's own clock"
    if cancel := schedule.get("cancel_event"):
        also = f" with {_conditions(schedule['cancel_where'])}" if schedule.get("cancel_where") else ""
        told += f", unless {cancel}{also} happens first"
    return told + _again(schedule.get("reentry", "always"))


def _again(reentry: Any) -> str:
    if reentry == "always":
        return ""
    if reentry == "once":
        return ", once for each person"
    days = int(reentry["days"])
    return f", at most once {'a day' if days == 1 else f'in {days} days'}"


def _conditions(where: Mapping[str, Any]) -> str:
    return _listed([f"{name} = {_value(value)}" for name, value in where.items()])


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(number: int) -> str:
    return _ORDINALS.get(number) or _count_of(number)


def _count_of(number: int) -> str:
    return _nth(number) if number > 0 else "last" if number == -1 else f"{_nth(-number)} from the end"


def _nth(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if one]


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _listed(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
