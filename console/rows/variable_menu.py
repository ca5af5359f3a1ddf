"""What can be put into a text: the menu of variables, and the filters with what each takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.services.variables import Variable, Variables

TITLES: Final = {
    "profile": "Profile",
    "attributes": "Attributes",
    "event": "The event",
    "device": "Device",
    "app": "App",
    "blocks": "Content blocks",
}


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A variable by its name in a template, with a value that somebody has."""

    name: str
    label: str
    kind: str
    example: str


@dataclass(frozen=True, slots=True)
class VariableGroup:
    """Variables of one origin."""

    title: str
    variables: tuple[VariableRow, ...]


@dataclass(frozen=True, slots=True)
class Takes:
    """What a filter is told: a number or a text, and what stands there first."""

    label: str
    kind: str
    preset: str


@dataclass(frozen=True, slots=True)
class FilterRow:
    """A filter, and in a few words what it does."""

    name: str
    says: str
    takes: tuple[Takes, ...] = ()


@dataclass(frozen=True, slots=True)
class VariableMenu:
    """Everything that the menu offers."""

    groups: tuple[VariableGroup, ...] = ()
    filters: tuple[FilterRow, ...] = ()


_OTHERS: Final = ("default", "length")
_TAKES: Final = {
    "truncate": (Takes("length", "number", "40"),),
    "round": (Takes("digits", "number", "0"),),
    "currency": (Takes("currency", "text", "EUR"),),
    "date": (Takes("form", "text", "%e %B"),),
    "plural": (Takes("one", "text", "item"), Takes("several", "text", "items")),
}


def menu_of(found: Variables) -> VariableMenu:
    """The menu of what an app's texts may read. A fallback has a field of its own, so `default` is no filter here."""
    groups = [VariableGroup(title, _rows(getattr(found, name))) for name, title in TITLES.items()]
    filters = [
        FilterRow(one.name, one.sentence, _TAKES.get(one.name, ())) for one in found.filters if one.name not in _OTHERS
    ]
    return VariableMenu(tuple(group for group in groups if group.variables), tuple(filters))


def with_data(menu: VariableMenu, schema: Mapping[str, Any]) -> VariableMenu:
    """The menu with what a template's schema names, first."""
    named = schema.get("properties")
    known = (
        [(name, one) for name, one in named.items() if isinstance(one, Mapping)] if isinstance(named, Mapping) else []
    )
    if not known:
        return menu
    rows = tuple(VariableRow(f"data.{name}", name, str(one.get("type", "")), _example(one)) for name, one in known)
    return VariableMenu((VariableGroup("Data", rows), *menu.groups), menu.filters)


def _example(schema: Mapping[str, Any]) -> str:
    examples = schema.get("examples")
    return str(examples[0]) if isinstance(examples, list) and examples else ""


def _rows(variables: Sequence[Variable]) -> tuple[VariableRow, ...]:
    return tuple(VariableRow(one.name, one.label, one.kind, one.example) for one in variables)
