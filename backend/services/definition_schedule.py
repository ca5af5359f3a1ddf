"""The six kinds of schedule as documents, each with its own fields and no others."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PlainSerializer

from backend.domain import content, recurrence
from backend.domain.recurrence import ScheduleError
from backend.errors import FieldError
from backend.services.fields import MAX_WHOLE
from backend.services.strict import Strict, refused

_DATE, _WALL, _CLOCK = r"\d{4}-\d\d-\d\d", r"\d{4}-\d\d-\d\dT\d\d:\d\d", r"([01]\d|2[0-3]):[0-5]\d"
_YEARS = range(2000, 2200)


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise refused("must be a time in RFC 3339, such as 2026-12-01T09:00:00+01:00")
    try:
        instant = datetime.fromisoformat(value)
        usable = instant.utcoffset() is not None and instant.year in _YEARS
    except (ValueError, OverflowError) as error:
        raise refused("must be a time in RFC 3339, such as 2026-12-01T09:00:00+01:00") from error
    if not usable:
        raise refused("needs an offset, such as Z or +01:00, and a year from 2000 to 2199")
    return instant


def _local(pattern: str, said: str) -> Callable[[str], str]:
    """Checks a date or time on somebody's own clock, which has no offset."""

    def check(text: str) -> str:
        try:
            usable = re.fullmatch(pattern, text, re.ASCII) and datetime.fromisoformat(text).year in _YEARS
        except ValueError as error:
            raise refused(f"must be {said}") from error
        if not usable:
            raise refused(f"must be {said}")
        return text

    return check


def _name(text: str) -> str:
    text = content.clean(text).strip()
    if not text:
        raise refused("must not be empty")
    return text


def _zone(name: str) -> str:
    if name != recurrence.OWN_ZONE and name not in available_timezones():
        raise refused("is neither user nor a time zone such as Europe/Warsaw")
    return name


def _scalar(value: Any) -> Any:
    """No event has a whole number of more than 64 bits, and SQLite cannot ask for one; PostgreSQL writes 1e30 as one."""
    if isinstance(value, int | float) and abs(value) > MAX_WHOLE:
        raise refused("must be a number of at most 64 bits")
    finite = not isinstance(value, float) or math.isfinite(value)
    if not isinstance(value, bool | int | float | str) or not finite or len(str(value)) > 1000:
        raise refused("must be a text of at most 1000 characters, a number, true or false")
    return value


Instant = Annotated[datetime, BeforeValidator(_instant), PlainSerializer(datetime.isoformat)]
Wall = Annotated[str, AfterValidator(_local(_WALL, "a local time such as 2026-12-01T09:00"))]
Day = Annotated[str, AfterValidator(_local(_DATE, "a local date such as 2026-12-01"))]
End = Annotated[
    str, AfterValidator(_local(f"{_DATE}|{_WALL}", "a local date or time such as 2027-03-31 or 2027-03-31T18:00"))
]
Clock = Annotated[str, Field(pattern=f"^{_CLOCK}$")]
EventName = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_name)]
Scalar = Annotated[bool | int | float | str, BeforeValidator(_scalar)]
Where = Annotated[dict[Annotated[str, Field(min_length=1, max_length=120)], Scalar], Field(max_length=20)]


class NowSchedule(Strict):
    """At once."""

    kind: Literal["now"] = "now"


class AtSchedule(Strict):
    """At one instant for everybody."""

    kind: Literal["at"]
    at: Instant


class LocalTimeSchedule(Strict):
    """When each person's own clock shows this time; `past` says what becomes of those whose clock is past it."""

    kind: Literal["local_time"]
    wall: Wall
    past: Literal["send_now", "next_day", "skip"] = "send_now"


class BestHourSchedule(Strict):
    """On this day, at the hour at which each person has opened most in the last 90 days."""

    kind: Literal["best_hour"]
    date: Day


class RecurringSchedule(Strict):
    """By a rule of RFC 5545 from `start` on, in one time zone or (`user`) on each person's own clock."""

    kind: Literal["recurring"]
    rrule: Annotated[str, Field(min_length=1, max_length=500)]
    start: Wall
    zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = recurrence.OWN_ZONE
    until: End | None = None
    exclude: Annotated[list[Day], Field(max_length=366)] = Field(default_factory=list)


class Again(Strict):
    """Not before so many days have passed."""

    days: Annotated[int, Field(ge=1, le=3650)]


def _again(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Again.model_validate(value)
    if value not in ("always", "once"):
        raise refused('must be always, once or {"days": 7}')
    return value


Reentry = Annotated[Literal["always", "once"] | Again, BeforeValidator(_again)]


class EventSchedule(Strict):
    """When a person does something, at once or later, unless they do something else meanwhile."""

    kind: Literal["event"]
    event: EventName
    where: Where = Field(default_factory=dict)
    delay_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = 0
    wall: Clock | None = None
    cancel_event: EventName | None = None
    cancel_where: Where = Field(default_factory=dict)
    reentry: Reentry = "always"


KINDS: dict[str, type[Strict]] = {
    "now": NowSchedule,
    "at": AtSchedule,
    "local_time": LocalTimeSchedule,
    "best_hour": BestHourSchedule,
    "recurring": RecurringSchedule,
    "event": EventSchedule,
}


class _Kind(BaseModel):
    kind: Literal["now", "at", "local_time", "best_hour", "recurring", "event"] = "now"


def _of_its_kind(value: Any) -> Any:
    """Read as the kind that it says it is, so that what is wrong is told of that kind only."""
    return KINDS[_Kind.model_validate(value).kind].model_validate(value) if isinstance(value, Mapping) else value


Schedule = Annotated[
    NowSchedule | AtSchedule | LocalTimeSchedule | BestHourSchedule | RecurringSchedule | EventSchedule,
    BeforeValidator(_of_its_kind),
]


def mismatches(schedule: Strict) -> list[FieldError]:
    """What is right alone and wrong together: a rule that never fires, a condition on no event."""
    if isinstance(schedule, RecurringSchedule):
        try:
            recurrence.parse(schedule.model_dump(mode="json"))
        except ScheduleError as error:
            return [FieldError(f"schedule.{error.field}", error.message)]
    if isinstance(schedule, EventSchedule) and schedule.cancel_where and schedule.cancel_event is None:
        return [FieldError("schedule.cancel_where", "needs a cancel_event")]
    return []


def by_person(schedule: Strict) -> bool:
    """Whether each person has a time of their own."""
    own = isinstance(schedule, RecurringSchedule) and schedule.zone == recurrence.OWN_ZONE
    return own or isinstance(schedule, LocalTimeSchedule | BestHourSchedule | EventSchedule)
