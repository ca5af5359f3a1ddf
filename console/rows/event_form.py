"""A campaign that answers an event, as the composer's form has it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from backend.services.catalogue import EventNameRow

EVENT = "event"
STEPS: Final = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
WAITS: Final = ("none", "delay", "clock", "both")
AGAIN: Final = ("always", "once", "days")
KINDS: Final = ("text", "number", "flag")
ALWAYS_THERE: Final = ("name", "at", "value", "currency")
LONGEST: Final = 1000
MOST: Final = 20
NOTHING: Final = ("", ())
_NUMBER: Final = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """A property that must have this value; `kind` is the JSON type of the value. `id` is its own in the form."""

    id: int = 0
    name: str = ""
    kind: str = KINDS[0]
    value: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventForm:
    """`where` is of the event that starts it, `unless` of the one that calls it off."""

    event: str = ""
    where: tuple[Condition, ...] = ()
    wait: str = WAITS[0]
    delay: str = "1"
    step: str = "hours"
    wall: str = "09:00"
    cancel: str = ""
    unless: tuple[Condition, ...] = ()
    again: str = AGAIN[0]
    days: str = "7"


EXAMPLE: Final = EventForm(
    event="cart_abandoned", wait="delay", delay="1", step="hours", cancel="purchase", again="days", days="1"
)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What the app's events are called, the properties that the two chosen ones have, and what a template reads."""

    events: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    cancel_properties: tuple[str, ...] = ()
    variables: tuple[str, ...] = field(default=tuple(f"event.{name}" for name in ALWAYS_THERE))


def event_of(schedule: Mapping[str, Any]) -> EventForm:
    """The form of a schedule; an empty one of any other kind."""
    if schedule["kind"] != EVENT:
        return EventForm()
    seconds, again = schedule["delay_seconds"], schedule["reentry"]
    step = next(name for name, size in STEPS.items() if seconds and seconds % size == 0) if seconds else "hours"
    days = again["days"] if isinstance(again, Mapping) else None
    return EventForm(
        event=schedule["event"],
        where=_conditions(schedule["where"]),
        wait=_wait(seconds, schedule["wall"]),
        delay=str(seconds // STEPS[step] or 1),
        step=step,
        wall=schedule["wall"] or "09:00",
        cancel=schedule["cancel_event"] or "",
        unless=_conditions(schedule["cancel_where"]),
        again="days" if days else again,
        days=str(days or 7),
    )


def _wait(seconds: int, wall: str | None) -> str:
    return WAITS[(1 if seconds else 0) + (2 if wall else 0)]


def _conditions(where: Mapping[str, Any]) -> tuple[Condition, ...]:
    return tuple(Condition(number, name, *_told(value)) for number, (name, value) in enumerate(where.items(), 1))


def _told(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return "flag", "yes" if value else "no"
    return ("text", value) if isinstance(value, str) else ("number", repr(value))


def event_json(form: EventForm) -> dict[str, Any]:
    """The schedule that the form says. What cannot be read stands in it as typed: the service refuses it."""
    waits = form.wait in ("delay", "both")
    return {
        "kind": EVENT,
        "event": form.event,
        "where": _where(form.where),
        "delay_seconds": _seconds(form) if waits else 0,
        "wall": form.wall if form.wait in ("clock", "both") else None,
        "cancel_event": form.cancel or None,
        "cancel_where": _where(form.unless),
        "reentry": {"days": _whole(form.days)} if form.again == "days" else form.again,
    }


def _seconds(form: EventForm) -> Any:
    amount = _whole(form.delay)
    return amount * STEPS[form.step] if isinstance(amount, int) else amount


def _whole(text: str) -> Any:
    """The number; the text itself when it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def _where(conditions: Sequence[Condition]) -> dict[str, Any]:
    """Property → value. What is no value of its kind, or names a property again, has none, and is refused."""
    found: dict[str, Any] = {}
    for one in conditions:
        found[one.name] = None if one.name in found else _value(one)
    return found


def _value(condition: Condition) -> Any:
    if condition.kind == "flag":
        return condition.value == "yes"
    if condition.kind == "text":
        return condition.value
    text = condition.value.strip()
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.removeprefix("-").isdecimal() else float(text)


def put(form: EventForm, name: str, value: Any) -> EventForm:
    """The form after an edit; a field or a choice that there is not changes nothing."""
    text = str(value)[:LONGEST]
    choices = {"wait": WAITS, "step": tuple(STEPS), "again": AGAIN}
    if name in choices:
        return replace(form, **{name: text}) if text in choices[name] else form
    return replace(form, **{name: text.strip()}) if name in ("event", "delay", "wall", "cancel", "days") else form


def rows_of(form: EventForm, which: str) -> tuple[Condition, ...]:
    return form.unless if which == "unless" else form.where


def with_rows(form: EventForm, which: str, rows: Sequence[Condition]) -> EventForm:
    name = "unless" if which == "unless" else "where"
    return replace(form, **{name: tuple(rows)[:MOST]})


def add(form: EventForm, which: str) -> EventForm:
    """One more condition, to be filled in."""
    rows = rows_of(form, which)
    return with_rows(form, which, (*rows, Condition(max((row.id for row in rows), default=0) + 1)))


def drop(form: EventForm, which: str, number: Any) -> EventForm:
    return with_rows(form, which, [row for row in rows_of(form, which) if row.id != number])


def put_condition(form: EventForm, which: str, number: Any, name: str, value: Any) -> EventForm:
    """One field of a condition; another kind of value starts with one of its kind."""
    if name not in ("name", "kind", "value") or (name == "kind" and value not in KINDS):
        return form
    changed = {name: str(value)[:LONGEST]}
    if name == "kind" and value == "flag":
        changed["value"] = "yes"
    return with_rows(
        form, which, [replace(row, **changed) if row.id == number else row for row in rows_of(form, which)]
    )


def suggestions(form: EventForm, known: Sequence[EventNameRow]) -> Suggestions:
    """What the catalogue knows of the events that the form names."""
    own, other = _properties(form.event, known), _properties(form.cancel, known)
    names = (*ALWAYS_THERE, *(name for name in own if name.isidentifier() and name not in ALWAYS_THERE))
    return Suggestions(
        events=tuple(row.name for row in known),
        properties=tuple(own),
        cancel_properties=tuple(other),
        variables=tuple(f"event.{name}" for name in names),
    )


def informed(form: EventForm, known: Sequence[EventNameRow]) -> EventForm:
    """With examples beside each condition, of what the catalogue knows."""
    own, other = _properties(form.event, known), _properties(form.cancel, known)
    where = [replace(row, examples=own.get(row.name, NOTHING)[1]) for row in form.where]
    unless = [replace(row, examples=other.get(row.name, NOTHING)[1]) for row in form.unless]
    return replace(form, where=tuple(where), unless=tuple(unless))


def guessed(form: EventForm, which: str, number: Any, known: Sequence[EventNameRow]) -> EventForm:
    """A condition that has just got its property, and has no value yet, with the kind that the property is known by."""
    properties = _properties(form.cancel if which == "unless" else form.event, known)
    row = next((row for row in rows_of(form, which) if row.id == number and not row.value), None)
    kind = properties[row.name][0] if row and row.name in properties else ""
    return put_condition(form, which, number, "kind", kind)


def _properties(event: str, known: Sequence[EventNameRow]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each property of the event with its likeliest kind and some values of it."""
    kinds = {"number": "number", "boolean": "flag"}
    rows = next((row.properties for row in known if row.name == event), ())
    return {row.name: (kinds.get(next(iter(row.kinds), ""), "text"), row.examples[:8]) for row in rows}
