"""A pre-flight in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.services.apps import AppRow
from backend.services.preflight import Preflight
from backend.services.timing import SchedulePreview
from backend.services.words import REASONS
from console import words
from console.rows import launch_words
from console.rows.deliveries import PLATFORM_WORD
from console.rows.once_form import NOW
from console.rows.report import unreachable

NAME_SHOWN = 30


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A part of the audience and what becomes of it."""

    label: str
    count: str


@dataclass(frozen=True, slots=True)
class Check:
    """What a launch now would do. `count` is what a person types to confirm: the devices it is known to reach."""

    audience: int = 0
    count: int = 0
    shown: str = ""
    whom: str = ""
    notes: tuple[str, ...] = ()
    sent: str = "Will be sent"
    send: str = ""
    deferred: str = ""
    skipped: tuple[CheckLine, ...] = ()
    sizes: tuple[CheckLine, ...] = ()
    unreachable: str = ""
    problems: tuple[str, ...] = ()
    possible: bool = False
    must_type: bool = False
    when: str = ""
    action: str = "Launch"
    toward: str = "to"


def check_of(
    found: Preflight, shown: SchedulePreview, definition: Mapping[str, Any], app: AppRow, now: datetime
) -> Check:
    """The dialog's contents. A launch is possible when something would be sent and nothing is wrong in the draft.

    What repeats may find nobody today: its audience is looked at anew each time.
    """
    schedule = definition["schedule"]
    kind, repeats = schedule["kind"], schedule["kind"] in launch_words.EACH_TIME
    problems = [one for one in found.problems if not (repeats and one.field == "audience")]
    blocking = [one for one in problems if one.field not in REASONS]
    topics = definition["audience"].get("topics")
    count = max(found.audience, found.members)
    devices = words.plural(found.audience, "message" if topics else "device")
    return Check(
        audience=found.audience,
        count=count,
        shown=devices,
        whom="" if repeats else _whom(topics) if topics else devices,
        notes=(*_each_time(kind), *found.notes, *_pace(definition, found.send)),
        sent="Could get it now" if repeats else "Will be sent",
        send=words.number(found.send),
        deferred=_deferred(found),
        skipped=tuple(
            CheckLine(REASONS.get(reason, reason), words.number(count)) for reason, count in found.skipped.items()
        ),
        sizes=tuple(
            CheckLine(PLATFORM_WORD.get(name, name), words.compact(size))
            for name, size in found.largest_payload.items()
        ),
        unreachable=unreachable(found.people_unreachable),
        problems=tuple(_problem(one.field, one.message) for one in problems),
        possible=(repeats or found.audience > 0) and not blocking,
        must_type=count > app.launch_threshold,
        when=launch_words.when(schedule, shown, app.default_timezone, now),
        action=launch_words.action(kind),
        toward="to" if kind == NOW else "for",
    )


def _each_time(kind: str) -> tuple[str, ...]:
    return (launch_words.EACH_TIME[kind],) if kind in launch_words.EACH_TIME else ()


def _pace(definition: Mapping[str, Any], send: int) -> tuple[str, ...]:
    """How long a throttled or spread send takes, when that is worth saying."""
    told = []
    if throttle := definition.get("throttle_per_minute"):
        told.append(f"Held to {words.number(throttle)} a minute: about {words.duration(send * 60 / throttle)}.")
    if minutes := definition.get("spread_minutes"):
        told.append(f"Spread over {words.plural(minutes, 'minute')}.")
    return tuple(told)


def _whom(topics: Sequence[str]) -> str:
    """What a button has room for."""
    if len(topics) > 1:
        return f"{len(topics)} topics"
    return f"topic {topics[0]}" if len(topics[0]) <= NAME_SHOWN else "the topic"


def _problem(field: str, message: str) -> str:
    said = f"{REASONS[field]} {message}" if field in REASONS else message
    return said[:1].upper() + said[1:]


def _deferred(found: Preflight) -> str:
    """Who gets it later than the rest."""
    return f"{words.number(found.deferred)}, when their quiet hours are over" if found.deferred else ""
