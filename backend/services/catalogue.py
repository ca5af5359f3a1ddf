"""The catalogue: by which attributes, events and properties an app's people are known, learnt from what is written.

Whoever writes attributes or events calls `learn_*`, last in its transaction. A process remembers what it has
learnt (`catalogue_memory`), so that writing the same again asks the database nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import event

from backend.db import Work
from backend.errors import Invalid
from backend.models import AttributeKey, EventKey
from backend.queries import catalogue as queries
from backend.services import catalogue_memory as memory
from backend.services.catalogue_memory import Facts, Known, KnownAttribute, KnownEvent

SEEN_EVERY: Final = timedelta(hours=1)
"""How stale `last_seen` may be."""
ENOUGH: Final = 50
"""Values of a name that are looked at when it is learnt."""
MOST_VALUES: Final = 100
ATTRIBUTE: Final = "attr."
SUBJECTS: Final = frozenset({"user", "device", "attr", "event", "push", "category", "segment", "list", "sample"})


@dataclass(frozen=True, slots=True)
class AttributeRow:
    """An attribute that users have. `kinds` are text, number, boolean, list, date; the likeliest first."""

    name: str
    kinds: tuple[str, ...]
    examples: tuple[str, ...]
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """A property that events of one name have."""

    name: str
    kinds: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventNameRow:
    """A kind of event; `has_value` when some have told a value, which can be summed."""

    name: str
    properties: tuple[PropertyRow, ...]
    has_value: bool
    last_seen: datetime


def attributes(work: Work) -> tuple[AttributeRow, ...]:
    """The attributes that the app's users have been seen with, by name."""
    found = queries.keys(work.session, AttributeKey, work.app_id)
    return tuple(AttributeRow(one.name, tuple(one.kinds), tuple(one.examples), one.last_seen) for one in found)


def events(work: Work) -> tuple[EventNameRow, ...]:
    """The kinds of events that the app has told, by name."""
    found = queries.keys(work.session, EventKey, work.app_id)
    return tuple(EventNameRow(one.name, _properties(one), one.has_value, one.last_seen) for one in found)


def _properties(key: EventKey) -> tuple[PropertyRow, ...]:
    held = sorted(key.properties.items())
    return tuple(PropertyRow(name, tuple(one["kinds"]), tuple(one["examples"])) for name, one in held)


def values(work: Work, field: str, start: str = "", limit: int = 20) -> tuple[str, ...]:
    """Values that the field of a rule really has and that begin like `start`, the commonest first.

    They are those of the people and devices last heard of. Empty for what is counted, dated or somebody's own.
    Raises `Invalid` for what is no field.
    """
    subject, _, name = field.partition(".")
    if subject not in SUBJECTS:
        raise Invalid("field", "must be the field of a rule, such as user.country or attr.plan")
    start, limit = start.replace("\0", "")[: memory.LONGEST_EXAMPLE], max(1, min(limit, MOST_VALUES))
    if field in queries.COLUMNS:
        return tuple(queries.values(work.session, work.app_id, field, start, limit))
    if not field.startswith(ATTRIBUTE) or not name or memory.is_personal(name):
        return ()
    return _attribute_values(queries.attribute_values(work.session, work.app_id, name[:128]), start.lower(), limit)


def _attribute_values(found: Iterable[Any], start: str, limit: int) -> tuple[str, ...]:
    items = (item for value in found for item in (value if isinstance(value, list) else (value,)))
    texts = Counter(text for item in items if (text := memory.shown(item)) is not None)
    alike = ((-count, text) for text, count in texts.items() if text.lower().startswith(start))
    return tuple(text for _, text in sorted(alike)[:limit])


def learn_attributes(work: Work, seen: Iterable[Mapping[str, Any]]) -> None:
    """Learns what there is to learn from the attributes just written of some users."""
    known, old = _known(work), work.now - SEEN_EVERY
    news: dict[str, list[Any]] = {}
    for given in seen:
        for name, value in given.items():
            held = known.attributes.get(name)
            if held is None:
                fresh = len(known.attributes) < memory.MOST_NAMES and memory.kind_of(value) is not None
            else:
                fresh = held.last_seen < old or not held.facts.knows(value)
            if fresh:
                _note(news, name, value)
    if news:
        _write_attributes(work, known, _fitting(news, known.attributes))


def learn_events(work: Work, rows: Iterable[Mapping[str, Any]]) -> None:
    """Learns likewise from events just written, each with `name`, `properties` and `value`."""
    known, old = _known(work), work.now - SEEN_EVERY
    news: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        held = known.events.get(row["name"])
        if held is None:
            fresh = len(known.events) < memory.MOST_NAMES
        else:
            fresh = held.last_seen < old or not held.knows(row["properties"], row["value"])
        if fresh:
            _note(news, row["name"], row)
    if news:
        _write_events(work, known, _fitting(news, known.events))


def _note(news: dict[str, list[Any]], name: str, value: Any) -> None:
    noted = news.setdefault(name, [])
    if len(noted) < ENOUGH:
        noted.append(value)


def _fitting(news: Mapping[str, list[Any]], known: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What there is room for: a name more than 500 is not learnt."""
    fresh = [name for name in sorted(news) if name not in known and len(name) <= memory.LONGEST_NAME]
    room = memory.MOST_NAMES - len(known)
    return {name: news[name] for name in (*fresh[:room], *(name for name in news if name in known))}


def _known(work: Work) -> Known:
    """What this process knows of the app; read once."""
    engine = work.core.engine
    known = memory.of(engine, work.app_id)
    if known is None:
        told = queries.keys(work.session, AttributeKey, work.app_id), queries.keys(work.session, EventKey, work.app_id)
        known = Known({one.name: _attribute(one) for one in told[0]}, {one.name: _event(one) for one in told[1]})
        memory.remember(engine, work.app_id, known)
    return known


def _attribute(key: AttributeKey) -> KnownAttribute:
    return KnownAttribute(memory.after(key.name, key.kinds, key.examples, ()), key.last_seen)


def _event(key: EventKey) -> KnownEvent:
    held = {name: memory.after(name, one["kinds"], one["examples"], ()) for name, one in key.properties.items()}
    return KnownEvent(held, key.has_value, key.last_seen)


def _write_attributes(work: Work, known: Known, news: Mapping[str, list[Any]]) -> None:
    learnt = {}
    for key in queries.locked(work.session, AttributeKey, work.app_id, news, work.now):
        facts = memory.after(key.name, key.kinds, key.examples, news[key.name])
        key.kinds, key.examples = list(facts.kinds), list(facts.examples)
        key.last_seen = max(key.last_seen, work.now)
        learnt[key.name] = KnownAttribute(facts, key.last_seen)
    work.session.flush()
    _when_committed(work, lambda: known.attributes.update(learnt))


def _write_events(work: Work, known: Known, news: Mapping[str, list[Mapping[str, Any]]]) -> None:
    learnt = {}
    for key in queries.locked(work.session, EventKey, work.app_id, news, work.now):
        properties = _learnt_properties(_event(key), news[key.name])
        key.properties = {name: _as_json(one) for name, one in properties.items()}
        key.has_value = key.has_value or any(row["value"] is not None for row in news[key.name])
        key.last_seen = max(key.last_seen, work.now)
        learnt[key.name] = KnownEvent(properties, key.has_value, key.last_seen)
    work.session.flush()
    _when_committed(work, lambda: known.events.update(learnt))


def _learnt_properties(held: KnownEvent, rows: Iterable[Mapping[str, Any]]) -> dict[str, Facts]:
    said: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row["properties"].items():
            if name in held.properties or held.may_learn(name, value):
                said.setdefault(name, []).append(value)
    fresh = [name for name in said if name not in held.properties][: memory.MOST_PROPERTIES - len(held.properties)]
    learnt = dict(held.properties)
    for name in (*fresh, *(name for name in said if name in learnt)):
        before = learnt.get(name, Facts())
        learnt[name] = memory.after(name, before.kinds, before.examples, said[name])
    return learnt


def _as_json(facts: Facts) -> dict[str, list[str]]:
    return {"kinds": list(facts.kinds), "examples": list(facts.examples)}


def _when_committed(work: Work, act: Callable[[], None]) -> None:
    """What is rolled back has not been learnt."""
    event.listen(work.session, "after_commit", lambda _session: act(), once=True)
