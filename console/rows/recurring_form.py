"""A rule that recurs, as fields: every so many weeks on these days, at these times, from then until then.

Only what the fields say exactly is shown as fields; every other rule of RFC 5545 is shown as its text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

RECURRING = "recurring"
OWN: Final = "user"
UNITS: Final = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PLACES: Final = ("1", "2", "3", "4", "-1")
CHOICES: Final = {
    "unit": tuple(UNITS),
    "month_by": ("day", "place"),
    "place": PLACES,
    "place_day": DAYS,
    "month": tuple(str(number) for number in range(1, 13)),
    "clock": (OWN, "zone"),
    "ends": ("never", "on", "after"),
}
MOST_TIMES: Final = 24
LONGEST: Final = 500
_UNREADABLE: Final = "?"


@dataclass(frozen=True, slots=True)
class RecurringForm:
    """`month_by` is a day of the month (`-1` the last) or a place such as the second Tuesday.

    With `custom` the rule is `rule` as it was typed, and the first of `times` only says when it starts.
    """

    every: str = "1"
    unit: str = "week"
    days: tuple[str, ...] = ()
    month_by: str = "day"
    month_day: str = "1"
    place: str = "1"
    place_day: str = "MO"
    month: str = "1"
    times: tuple[str, ...] = ("09:00",)
    starts: str = ""
    ends: str = "never"
    until: str = ""
    count: str = "10"
    exclude: tuple[str, ...] = ()
    clock: str = OWN
    zone: str = "UTC"
    custom: bool = False
    rule: str = ""


def fresh(zone: str, now: datetime) -> RecurringForm:
    """What is offered first: every week, from the day after tomorrow on. Tomorrow has begun somewhere already."""
    begins = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=2)
    return RecurringForm(
        days=(DAYS[begins.weekday()],),
        month_day=str(min(begins.day, 28)),
        place_day=DAYS[begins.weekday()],
        month=str(begins.month),
        starts=begins.isoformat(),
        until=(begins + timedelta(days=90)).isoformat(),
        zone=zone,
    )


def recurring_of(schedule: Mapping[str, Any], zone: str, now: datetime) -> RecurringForm:
    """The form of a schedule, in fields where they say exactly the same."""
    if schedule["kind"] != RECURRING:
        return fresh(zone, now)
    base = _around(fresh(zone, now), schedule)
    return in_fields(base) or base


def _around(base: RecurringForm, schedule: Mapping[str, Any]) -> RecurringForm:
    """What stands beside the rule, and the rule as text."""
    day, _, time = schedule["start"].partition("T")
    own = schedule["zone"] == OWN
    until = schedule.get("until")
    return replace(
        base,
        starts=day,
        times=(time,),
        clock=OWN if own else "zone",
        zone=base.zone if own else schedule["zone"],
        ends="on" if until else "never",
        until=until or base.until,
        exclude=tuple(schedule.get("exclude") or ()),
        custom=True,
        rule=schedule["rrule"],
    )


def in_fields(form: RecurringForm) -> RecurringForm | None:
    """A form with a custom rule as one without; None when the fields cannot say the same. No rule is none to keep."""
    if not form.rule:
        return replace(form, custom=False)
    parts = _parts(form.rule)
    hours = [hour for hour in parts.get("BYHOUR", "").split(",") if hour.isdecimal()]
    minute = parts.get("BYMINUTE", form.times[0][3:] if form.times else "")
    times = tuple(f"{int(hour):02}:{minute.zfill(2)}" for hour in hours) or form.times
    day = parts.get("BYDAY", "")
    found = replace(
        form,
        custom=False,
        rule="",
        every=parts.get("INTERVAL", "1"),
        unit=next((unit for unit, name in UNITS.items() if name == parts.get("FREQ")), "week"),
        days=tuple(one for one in day.split(",") if one in DAYS) if parts.get("FREQ") == "WEEKLY" else form.days,
        month_by="place" if day[:-2] else "day",
        month_day=parts.get("BYMONTHDAY", form.month_day),
        place=day[:-2] if day[:-2] in PLACES else form.place,
        place_day=day[-2:] if day[:-2] in PLACES and day[-2:] in DAYS else form.place_day,
        month=parts.get("BYMONTH", form.month),
        times=times,
        ends="after" if "COUNT" in parts else form.ends,
        count=parts.get("COUNT", form.count),
    )
    same = _alike(rule_of(found)) == _alike(form.rule) and start_of(found) == start_of(form)
    return found if same and not ("COUNT" in parts and form.ends == "on") else None


def in_text(form: RecurringForm) -> RecurringForm:
    """A form with fields as one with the same rule as text."""
    return replace(form, custom=True, rule=rule_of(form), ends="never" if form.ends == "after" else form.ends)


def recurring_json(form: RecurringForm) -> dict[str, Any]:
    """The schedule that the form says. What cannot be read stands in it as typed: the service refuses it."""
    return {
        "kind": RECURRING,
        "rrule": form.rule if form.custom else rule_of(form),
        "start": start_of(form),
        "zone": OWN if form.clock == OWN else form.zone,
        "until": form.until if form.ends == "on" else None,
        "exclude": list(form.exclude),
    }


def start_of(form: RecurringForm) -> str:
    return f"{form.starts}T{min(form.times, default='')}"


def rule_of(form: RecurringForm) -> str:
    """The rule that the fields say."""
    parts = [f"FREQ={UNITS[form.unit]}"]
    if form.every != "1":
        parts.append(f"INTERVAL={_number(form.every)}")
    if form.unit == "week" and form.days:
        parts.append(f"BYDAY={','.join(day for day in DAYS if day in form.days)}")
    if form.unit == "year":
        parts.append(f"BYMONTH={form.month}")
    if form.unit in ("month", "year"):
        by_day = form.month_by == "day"
        parts.append(f"BYMONTHDAY={_number(form.month_day)}" if by_day else f"BYDAY={form.place}{form.place_day}")
    parts += _times(form.times)
    if form.ends == "after":
        parts.append(f"COUNT={_number(form.count)}")
    return ";".join(parts)


def _times(times: tuple[str, ...]) -> list[str]:
    """One time of the day is that of the start; several have their hours, and their minute in common."""
    if len(set(times)) < 2:
        return []
    hours = sorted({_number(time[:2]) for time in times}, key=lambda hour: (len(hour), hour))
    minutes = sorted({_number(time[3:]) for time in times})
    return [f"BYHOUR={','.join(hours)}", f"BYMINUTE={','.join(minutes)}"]


def _number(text: str) -> str:
    """Digits and a sign only: what is typed into a field must not add parts to the rule."""
    text = text.strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        return _UNREADABLE
    return str(int(digits[:9])) if digits == text else f"-{int(digits[:9])}"


def _parts(rule: str) -> dict[str, str]:
    pieces = (piece.partition("=") for piece in rule.upper().removeprefix("RRULE:").strip().strip(";").split(";"))
    return {name: value for name, _, value in pieces}


def _alike(rule: str) -> list[tuple[str, list[str]]]:
    """The rule so that two texts of the same parts are equal."""
    pieces = (piece.partition("=") for piece in rule.upper().removeprefix("RRULE:").strip().strip(";").split(";"))
    return sorted((name, sorted(value.split(","))) for name, _, value in pieces if (name, value) != ("INTERVAL", "1"))


def put(form: RecurringForm, name: str, value: Any) -> RecurringForm:
    """The form after an edit; a field or a choice that there is not changes nothing."""
    text = str(value)[:LONGEST].strip()
    if name in CHOICES:
        return replace(form, **{name: text}) if text in CHOICES[name] else form
    known = name in ("every", "month_day", "starts", "until", "count", "zone", "rule")
    return replace(form, **{name: text}) if known else form


def put_time(form: RecurringForm, index: Any, value: Any) -> RecurringForm:
    """Another time of the day in this place; the place after the last adds one."""
    if not isinstance(index, int) or not 0 <= index <= len(form.times):
        return form
    before, behind = form.times[:index], form.times[index + 1 :]
    return replace(form, times=(*before, str(value)[:8].strip(), *behind)[:MOST_TIMES])


def add_time(form: RecurringForm) -> RecurringForm:
    """One more, four hours after the last one where the day is long enough; they share their minutes."""
    last = max(form.times, default="")
    begin = int(last[:2]) + 4 if last[:2].isdecimal() else 9
    taken = {time[:2] for time in form.times}
    free = next((hour for hour in (f"{n:02}" for n in (*range(begin, 24), *range(24))) if hour not in taken), None)
    return put_time(form, len(form.times), f"{free}:{last[3:] or '00'}") if free else form


def drop_time(form: RecurringForm, index: Any) -> RecurringForm:
    """Without this time; the last one stays."""
    left = tuple(time for place, time in enumerate(form.times) if place != index)
    return replace(form, times=left or form.times)


def toggle_day(form: RecurringForm, day: str) -> RecurringForm:
    """A weekday more or less."""
    if day not in DAYS:
        return form
    days = {*form.days} ^ {day}
    return replace(form, days=tuple(one for one in DAYS if one in days))


def leave_out(form: RecurringForm, day: Any) -> RecurringForm:
    """One date more on which nothing is sent."""
    text = str(day)[:16].strip()
    return replace(form, exclude=tuple(sorted({*form.exclude, text}))) if text else form


def take_back(form: RecurringForm, day: str) -> RecurringForm:
    return replace(form, exclude=tuple(one for one in form.exclude if one != day))
