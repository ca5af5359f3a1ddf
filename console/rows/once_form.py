"""Schedules that send once, as the composer's form has them: at an instant, on each person's clock, at the best hour."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend.domain import zones

NOW, AT, LOCAL, BEST = "now", "at", "local_time", "best_hour"
PAST: Final = ("send_now", "next_day", "skip")
LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class OnceForm:
    """`at` is on a clock in `zone`, `wall` on each person's own; `past` is for those whose clock is past it."""

    at: str = ""
    zone: str = "UTC"
    wall: str = ""
    past: str = PAST[0]
    date: str = ""


def once_of(schedule: Mapping[str, Any], zone: str, now: datetime) -> OnceForm:
    """The form of a schedule; what it says nothing of is nine in the morning of the next day."""
    tomorrow = f"{now.astimezone(ZoneInfo(zone)) + timedelta(days=1):%Y-%m-%d}"
    morning = f"{tomorrow}T09:00"
    return OnceForm(
        at=local_text(schedule.get("at"), zone) or morning,
        zone=zone,
        wall=schedule["wall"] if schedule["kind"] == LOCAL else morning,
        past=schedule.get("past", PAST[0]),
        date=schedule.get("date", tomorrow),
    )


def once_json(kind: str, form: OnceForm) -> dict[str, Any]:
    """The schedule that the form says. What cannot be read stands in it as typed: the service refuses it."""
    if kind == AT:
        return {"kind": AT, "at": instant(form.at, form.zone)}
    if kind == LOCAL:
        return {"kind": LOCAL, "wall": form.wall, "past": form.past}
    if kind == BEST:
        return {"kind": BEST, "date": form.date}
    return {"kind": NOW}


def put(form: OnceForm, name: str, value: Any) -> OnceForm:
    """The form after an edit; a field or a choice that there is not changes nothing."""
    text = str(value)[:LONGEST].strip()
    if name not in ("at", "zone", "wall", "past", "date") or (name == "past" and text not in PAST):
        return form
    return replace(form, **{name: text})


def local_text(at: str | None, zone: str) -> str:
    """An instant as a `datetime-local` field wants it, in that zone."""
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}" if at else ""


def instant(wall: str, zone: str) -> str:
    """The instant of a wall time in a zone, with its offset; the text itself when it is no time or no zone."""
    try:
        where = ZoneInfo(zone)
        read = datetime.fromisoformat(wall).replace(tzinfo=None, second=0, microsecond=0)
        return zones.instant(read, where).astimezone(where).isoformat()
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return f"{wall} {zone}"
