"""What a text may read, for whoever writes it: the app's own names, its blocks, and the filters."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.db import Work
from backend.domain.segment import Kind
from backend.services import blocks, catalogue
from backend.services import template_engine as engine
from backend.services.catalogue import EventNameRow

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PROFILE: Final = (
    ("user.id", "User id", Kind.TEXT, "u-1001"),
    ("user.language", "Language", Kind.TEXT, "pl"),
    ("user.country", "Country", Kind.TEXT, "PL"),
    ("user.timezone", "Time zone", Kind.TEXT, "Europe/Warsaw"),
    ("user.first_seen", "First seen", Kind.DATE, "2026-03-09T22:30:00+00:00"),
    ("user.last_active", "Last active", Kind.DATE, "2026-11-20T08:15:00+00:00"),
    ("user.sessions", "Sessions", Kind.NUMBER, "12"),
)
_DEVICE: Final = (
    ("device.platform", "Platform", Kind.TEXT, "ios"),
    ("device.locale", "Locale", Kind.TEXT, "pl-PL"),
    ("device.timezone", "Time zone", Kind.TEXT, "Europe/Warsaw"),
    ("device.country", "Country", Kind.TEXT, "PL"),
    ("device.app_version", "App version", Kind.TEXT, "4.2.0"),
    ("device.os_version", "OS version", Kind.TEXT, "19.1"),
    ("device.model", "Model", Kind.TEXT, "iPhone 17"),
)
_APP: Final = (("app.name", "App name", Kind.TEXT, ""), ("app.slug", "App slug", Kind.TEXT, ""))
_EVERY_EVENT: Final = (
    ("event.name", "Event name", Kind.TEXT, ""),
    ("event.at", "When it happened", Kind.DATE, "2026-11-20T08:15:00+00:00"),
)
_VALUED: Final = (
    ("event.value", "Value", Kind.NUMBER, "49.9"),
    ("event.currency", "Currency", Kind.TEXT, "EUR"),
)
FILTERS: Final = (
    ("default", "What to say where there is no value.", "{{ user.nickname | default('friend') }}"),
    ("upper", "In capitals.", "{{ 'sale' | upper }}"),
    ("lower", "In small letters.", "{{ 'SALE' | lower }}"),
    ("title", "Each Word With a Capital.", "{{ 'anna o\\'neill' | title }}"),
    ("capitalize", "A capital at the beginning, all else small.", "{{ 'big SALE' | capitalize }}"),
    ("trim", "Without white space at both ends.", "{{ '  Anna ' | trim }}"),
    (
        "truncate",
        "At most so many characters, with an ellipsis where it was cut.",
        "{{ 'A very long story' | truncate(10) }}",
    ),
    ("round", "To a whole number, or so many decimals; halves go up.", "{{ 2.345 | round(2) }}"),
    ("currency", "An amount as the reader's language writes it.", "{{ 1234.5 | currency('EUR') }}"),
    (
        "date",
        "A day or time (%d %m %Y %H %M, %e without a zero, %A %B names in the reader's language), in a time zone.",
        "{{ '2026-03-09T22:30:00Z' | date('%e %B, %H:%M', 'Europe/Warsaw') }}",
    ),
    (
        "plural",
        "The form that goes with a number: two, or three for Slavic languages.",
        "{{ 3 | plural('item', 'items') }}",
    ),
    ("length", "How many characters or entries.", "{{ 'abc' | length }}"),
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that a text may read: `name` as it is written between the braces, `source` where it comes from."""

    name: str
    label: str
    kind: str
    example: str
    source: str


@dataclass(frozen=True, slots=True)
class FilterRow:
    """A filter: what it does, and an example with what comes of it in English."""

    name: str
    sentence: str
    example: str
    gives: str


@dataclass(frozen=True, slots=True)
class Variables:
    """All that texts of an app may read, by group. `event` is empty for what no event begins."""

    profile: tuple[Variable, ...]
    attributes: tuple[Variable, ...]
    device: tuple[Variable, ...]
    event: tuple[Variable, ...]
    app: tuple[Variable, ...]
    blocks: tuple[Variable, ...]
    filters: tuple[FilterRow, ...]


def listing(work: Work, schedule: Mapping[str, Any] | None = None) -> Variables:
    """What the texts of a campaign with this schedule may read; of a template, which has none, every event counts."""
    return Variables(
        profile=_fixed(_PROFILE, "profile"),
        attributes=tuple(_attributes(work)),
        device=_fixed(_DEVICE, "device"),
        event=tuple(_of_events(_heard(work, schedule))),
        app=_fixed(_APP, "app"),
        blocks=tuple(
            Variable(f"block.{one.name}", _label(one.name), Kind.TEXT, one.text, one.id) for one in blocks.every(work)
        ),
        filters=tuple(_filter(*one) for one in FILTERS),
    )


def _fixed(known: Sequence[tuple[str, str, Kind, str]], source: str) -> tuple[Variable, ...]:
    return tuple(Variable(name, label, str(kind), example, source) for name, label, kind, example in known)


def _attributes(work: Work) -> Iterator[Variable]:
    profile = {name for name, *_ in _PROFILE}
    for one in catalogue.attributes(work):
        name = _name("user", one.name)
        if name and name not in profile:
            yield Variable(name, _label(one.name), _kind(one.kinds), _first(one.examples), "attribute")


def _heard(work: Work, schedule: Mapping[str, Any] | None) -> list[EventNameRow]:
    known = catalogue.events(work)
    if schedule is None:
        return list(known)
    return [one for one in known if schedule.get("kind") == "event" and one.name == schedule["event"]]


def _of_events(heard: Sequence[EventNameRow]) -> Iterator[Variable]:
    """What every event says, then the properties of each."""
    if heard:
        yield from _fixed(_EVERY_EVENT, "every event")
    if any(one.has_value for one in heard):
        yield from _fixed(_VALUED, "events with a value")
    for event in heard:
        for one in event.properties:
            if name := _name("event", one.name):
                yield Variable(name, _label(one.name), _kind(one.kinds), _first(one.examples), event.name)


def _name(group: str, name: str) -> str | None:
    """`user.plan`, `user['first-name']`; None for what the language cannot name."""
    if name.startswith("_"):
        return None
    if _PLAIN.fullmatch(name):
        return f"{group}.{name}"
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"{group}['{quoted}']"


def _label(name: str) -> str:
    """`First name` of `first_name`."""
    words = re.sub(r"[_\-.]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def _kind(kinds: Sequence[str]) -> str:
    return next(iter(kinds), str(Kind.TEXT))


def _first(examples: Sequence[str]) -> str:
    return next(iter(examples), "")


def _filter(name: str, sentence: str, example: str) -> FilterRow:
    return FilterRow(name, sentence, example, engine.fill(example, engine.context({}, "en")))
