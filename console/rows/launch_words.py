"""What a launch begins, in words: when, and by which button."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from backend.domain import schedule as rules
from backend.services.timing import SchedulePreview
from console.rows.event_form import EVENT
from console.rows.once_form import AT, BEST, LOCAL, NOW
from console.rows.read_back import date_line
from console.rows.recurring_form import OWN, RECURRING

ACTION: Final = {NOW: "Launch", RECURRING: "Activate", EVENT: "Activate"}
PAST: Final = {
    "send_now": "whose clock is past it gets it at once",
    "next_day": "whose clock is past it gets it the next day",
    "skip": "whose clock is past it is left out",
}
EACH_TIME: Final = {
    RECURRING: "Each time it goes to whoever is in the audience then.",
    EVENT: "It goes to people of this audience when they do it; nobody gets it now.",
}


def action(kind: str) -> str:
    """The word on the button."""
    return ACTION.get(kind, "Schedule")


def when(schedule: Mapping[str, Any], found: SchedulePreview, zone: str, now: datetime) -> str:
    """One sentence on when it goes out; `found` is the service's reading of the same schedule."""
    kind = schedule["kind"]
    if kind == NOW:
        return "At once"
    if kind == AT:
        local = datetime.fromisoformat(schedule["at"]).astimezone(ZoneInfo(zone))
        return f"{local.day} {local:%B %Y, %H:%M} {zone}"
    if found.problem or kind == EVENT:
        return found.problem or f"{found.words}."
    if kind == LOCAL:
        return f"Starts {_wall(schedule['wall'])} in each person's own time zone, {_first(schedule, now)}; {PAST[schedule['past']]}."
    if kind == BEST:
        return f"{found.words}, {_first(schedule, now)}."
    own = schedule["zone"] == OWN
    first = _first(schedule, now) if own else f"first on {date_line(found.dates[0], found.zone)}"
    return f"{found.words}; {first}."


def _first(schedule: Mapping[str, Any], now: datetime) -> str:
    begins = rules.due(schedule, now)
    if begins is None or begins <= now:
        return "begun already on the first clocks"
    return f"first clocks at {begins.day} {begins:%b %H:%M} UTC"


def _wall(text: str) -> str:
    wall = datetime.fromisoformat(text)
    return f"{wall.day} {wall:%b %H:%M}"
