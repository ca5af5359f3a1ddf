"""A pre-flight in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backend.services.apps import AppRow
from backend.services.preflight import Preflight
from backend.services.words import REASONS
from console import words
from console.rows.deliveries import PLATFORM_WORD
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
    send: str = ""
    skipped: tuple[CheckLine, ...] = ()
    sizes: tuple[CheckLine, ...] = ()
    unreachable: str = ""
    problems: tuple[str, ...] = ()
    possible: bool = False
    must_type: bool = False
    when: str = ""
    action: str = "Launch"


def check_of(found: Preflight, definition: Mapping[str, Any], app: AppRow) -> Check:
    """The dialog's contents. A launch is possible when something would be sent and nothing is wrong in the draft."""
    schedule = definition["schedule"]
    blocking = [one for one in found.problems if one.field not in REASONS]
    later = schedule["kind"] == "at"
    topics = definition["audience"].get("topics")
    count = max(found.audience, found.members)
    shown = words.plural(found.audience, "message" if topics else "device")
    return Check(
        audience=found.audience,
        count=count,
        shown=shown,
        whom=_whom(topics) if topics else shown,
        notes=(*found.notes, *_pace(definition.get("throttle_per_minute"), found.send)),
        send=words.number(found.send),
        skipped=tuple(
            CheckLine(REASONS.get(reason, reason), words.number(count)) for reason, count in found.skipped.items()
        ),
        sizes=tuple(
            CheckLine(PLATFORM_WORD.get(name, name), words.compact(size))
            for name, size in found.largest_payload.items()
        ),
        unreachable=unreachable(found.people_unreachable),
        problems=tuple(_problem(one.field, one.message) for one in found.problems),
        possible=found.audience > 0 and not blocking,
        must_type=count > app.launch_threshold,
        when=_when(schedule.get("at"), app.default_timezone) if later else "At once",
        action="Schedule" if later else "Launch",
    )


def _pace(throttle: int | None, send: int) -> tuple[str, ...]:
    """How long a throttled send takes, when that is worth saying."""
    if not throttle:
        return ()
    return (f"Held to {words.number(throttle)} a minute: about {words.duration(send * 60 / throttle)}.",)


def _whom(topics: Sequence[str]) -> str:
    """What a button has room for."""
    if len(topics) > 1:
        return f"{len(topics)} topics"
    return f"topic {topics[0]}" if len(topics[0]) <= NAME_SHOWN else "the topic"


def _problem(field: str, message: str) -> str:
    said = f"{REASONS[field]} {message}" if field in REASONS else message
    return said[:1].upper() + said[1:]


def _when(at: str | None, zone: str) -> str:
    if not at:
        return ""
    local = datetime.fromisoformat(at).astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M} {zone}"
