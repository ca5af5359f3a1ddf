"""What a rule may look at, how it may compare, and what is wrong with the rules so far: as the builder shows it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.domain.segment_parse import MAX_DEPTH, MAX_RULES
from backend.domain.vocabulary import DeviceState, Environment, Permission, Platform, ProviderName
from backend.errors import FieldError
from backend.services.catalogue import AttributeRow, EventNameRow
from backend.services.categories import CategoryRow
from console.rows.compose import Option
from console.rows.deliveries import PLATFORM_WORD

EMPTY: Final[dict[str, Any]] = {"combinator": "and", "not": False, "rules": []}
LIMITS: Final = {"depth": MAX_DEPTH, "rules": MAX_RULES}
UNFINISHED, WRONG, REMARK = "unfinished", "red", "amber"
_PLACE = re.compile(r"rules\[\d+\](?:\.rules\[\d+\])*")


@dataclass(frozen=True, slots=True)
class Property:
    """A property that an event has been seen with."""

    name: str
    kinds: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """Something a rule may look at. `kinds` say how it compares; of an `attribute` they are those of its values so far."""

    name: str
    label: str
    kinds: tuple[str, ...]
    attribute: bool = False
    suggest: bool = False
    hint: str = ""
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields under one heading."""

    label: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A remark at a rule or group, found again by its `id` wherever it is moved meanwhile."""

    id: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Real values of a field, for the one that is being typed into."""

    field: str = ""
    values: tuple[str, ...] = ()


NO_SUGGESTIONS: Final = Suggestions()
KNOWN: Final = (Option("notNull", "is known"), Option("null", "is not known"))
TEXT: Final = (
    Option("=", "is"), Option("!=", "is not"), Option("in", "is one of"), Option("notIn", "is none of"),
    Option("contains", "contains"), Option("beginsWith", "begins with"), Option("endsWith", "ends with"), *KNOWN,
)  # fmt: skip
NUMBER: Final = (
    Option("=", "is"), Option("!=", "is not"), Option(">=", "is at least"), Option("<=", "is at most"),
    Option(">", "is above"), Option("<", "is below"), Option("between", "is between"),
)  # fmt: skip
DATE: Final = (
    Option("withinDays", "is within the last"), Option("notWithinDays", "is longer ago than"),
    Option("after", "is after"), Option("before", "is before"), Option("between", "is between"),
)  # fmt: skip
OPERATORS: Final[dict[str, tuple[Option, ...]]] = {
    "known": KNOWN,
    "text": TEXT,
    "number": NUMBER,
    "boolean": (Option("=", "is"),),
    "list": (Option("includes", "includes"), Option("notIncludes", "does not include")),
    "date": DATE,
    "version": (*NUMBER[2:], *TEXT),
    "event": (
        Option("countAtLeast", "done at least"), Option("countAtMost", "done at most"),
        Option("countExactly", "done exactly"), Option("notDone", "not done"), Option("sumAtLeast", "sum is at least"),
    ),
    "push": (Option("=", "from"), Option("!=", "not from")),
    "category": (Option("=", "is"),),
    "segment": (Option("in", "is in"), Option("notIn", "is not in")),
    "members": (Option("in", "is in"), Option("notIn", "is not in")),
    "sample": (Option("<", "of"),),
    "place": (Option("withinKm", "is within"),),
}  # fmt: skip

PROFILE: Final = (
    Field("user.country", "Country", ("text",), suggest=True),
    Field("user.language", "Language", ("text",), suggest=True),
    Field("user.timezone", "Time zone", ("text",), suggest=True),
    Field("user.last_active", "Last active", ("date",)),
    Field("user.first_seen", "First seen", ("date",)),
    Field("user.sessions", "Sessions", ("number",)),
    Field("user.location", "Location", ("place",)),
    Field("user.id", "User id", ("text",), suggest=True),
)


def _closed(name: str, label: str, options: Iterable[Option]) -> Field:
    return Field(name, label, ("text",), options=tuple(options))


def _words(values: Iterable[str]) -> Iterable[Option]:
    return (Option(str(value), str(value).replace("_", " ")) for value in values)


DEVICES: Final = (
    _closed("device.platform", "Platform", (Option(str(one), PLATFORM_WORD[one]) for one in Platform)),
    Field("device.app_version", "App version", ("version",), suggest=True),
    Field("device.os_version", "System version", ("version",), suggest=True),
    Field("device.model", "Model", ("text",), suggest=True),
    Field("device.last_seen", "Device last seen", ("date",)),
    _closed("device.permission", "Permission", _words(Permission)),
    _closed("device.state", "Device state", _words(DeviceState)),
    Field("device.locale", "Device language", ("text",), suggest=True),
    Field("device.timezone", "Device time zone", ("text",), suggest=True),
    _closed("device.provider", "Provider", _words(ProviderName)),
    _closed("device.environment", "Environment", _words(Environment)),
)
KIND_WORD: Final = {"text": "text", "number": "number", "boolean": "true or false", "list": "list", "date": "date"}


def groups(
    attributes: Sequence[AttributeRow],
    events: Sequence[EventNameRow],
    categories: Sequence[CategoryRow],
    named: Mapping[str, Sequence[Option]],
) -> tuple[FieldGroup, ...]:
    """Everything that can be chosen. `named` has the campaigns, segments and lists there are."""
    pushes = (("push.received", "Received a push"), ("push.opened", "Opened a push"))
    found = (
        FieldGroup("Profile", PROFILE),
        FieldGroup("Attributes", tuple(map(_attribute, attributes))),
        FieldGroup("Devices", DEVICES),
        FieldGroup("Events", tuple(map(_event, events))),
        FieldGroup("Pushes", tuple(Field(*one, ("push",), options=tuple(named["campaigns"])) for one in pushes)),
        FieldGroup("Categories", tuple(Field(f"category.{one.slug}", one.name, ("category",)) for one in categories)),
        FieldGroup(
            "Segments and lists",
            (
                Field("segment", "Segment", ("segment",), options=tuple(named["segments"])),
                Field("list", "List", ("members",), options=tuple(named["lists"])),
            ),
        ),
        FieldGroup("Sample", (Field("sample", "Random sample", ("sample",)),)),
    )
    return tuple(group for group in found if group.fields)


def _attribute(row: AttributeRow) -> Field:
    kinds = tuple(kind for kind in row.kinds if kind in KIND_WORD)
    hint = ", ".join(KIND_WORD[kind] for kind in kinds)
    return Field(f"attr.{row.name}", row.name, kinds, attribute=True, suggest=True, hint=hint, examples=row.examples)


def _event(row: EventNameRow) -> Field:
    properties = tuple(Property(one.name, one.kinds, one.examples) for one in row.properties)
    return Field(f"event.{row.name}", row.name, ("event",), properties=properties)


def problems(rules: Mapping[str, Any], errors: Iterable[FieldError]) -> tuple[Mark, ...]:
    """What is wrong, at the rule where it is; what is only not filled in yet is said gently."""
    return tuple(_problem(rules, error) for error in errors)


def _problem(rules: Mapping[str, Any], error: FieldError) -> Mark:
    found = _PLACE.match(error.field)
    node = node_at(rules, found.group()) if found else rules
    place = str(node.get("id", ""))
    if node.get("field") == "":
        return Mark(place, "Choose what this rule looks at.", UNFINISHED)
    value = _at(node, error.field[found.end() :] if found else "")
    if value in (None, [], "") or (isinstance(value, Mapping) and "" in value):
        return Mark(place, "Fill this in.", UNFINISHED)
    return Mark(place, f"{error.message[:1].upper()}{error.message[1:].rstrip('.')}.", WRONG)


def remarks(rules: Mapping[str, Any], marks: Mapping[str, str]) -> tuple[Mark, ...]:
    """Rules that do nothing by themselves; of an empty list it is said what is missing."""
    return tuple(_remark(node_at(rules, path), mark) for path, mark in marks.items())


def _remark(node: Mapping[str, Any], mark: str) -> Mark:
    place = str(node.get("id", ""))
    if node.get("value") == []:
        return Mark(place, "Add at least one value.", UNFINISHED)
    said = {"nobody": "Nobody fits this rule.", "everybody": "Everybody fits this rule."}
    return Mark(place, said[mark], REMARK)


def node_at(rules: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The rule or group at a path such as `rules[1].rules[0]`; the tree itself when it has none there."""
    node: Any = rules
    for index in re.findall(r"\[(\d+)\]", path):
        inner = node.get("rules") if isinstance(node, Mapping) else None
        if not isinstance(inner, list) or int(index) >= len(inner):
            return rules
        node = inner[int(index)]
    return node if isinstance(node, Mapping) else rules


def _at(node: Mapping[str, Any], rest: str) -> Any:
    """What stands at `.value.km` or `.value[1]` of a rule; something when nothing can be said of it."""
    found: Any = node
    for key, index in re.findall(r"\.([^.\[]*)|\[(\d+)\]", rest):
        if index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        elif not index and isinstance(found, Mapping) and (key in found or key == "value"):
            found = found.get(key)
        else:
            return None if isinstance(found, Mapping) and not index else rest
    return found


def bare(rules: Any) -> Any:
    """Rules as they are kept, of whatever a browser has sent: what only the editor needs is gone."""
    if not isinstance(rules, Mapping):
        return rules
    inner = rules.get("rules")
    if not isinstance(inner, list):
        return {key: value for key, value in rules.items() if key in ("field", "operator", "value")}
    kept = {"combinator": rules.get("combinator"), "not": bool(rules.get("not"))}
    any_device = {"any_device": True} if rules.get("any_device") else {}
    return {**kept, **any_device, "rules": [bare(one) for one in inner]}
