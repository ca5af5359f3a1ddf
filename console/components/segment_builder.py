"""The builder of rules: react-querybuilder with our own editors, compiled by Reflex from `assets/segment_builder.jsx`."""

from typing import Any

import reflex as rx
from reflex.components.component import NoSSRComponent

from console.rows.segment_fields import LIMITS, OPERATORS, FieldGroup, Mark, Suggestions
from console.states.segment_rules import RulesState

VERSION = "8.22.4"
"""`@react-querybuilder/dnd` wants exactly the `react-querybuilder` of its own version."""


class SegmentBuilder(NoSSRComponent):
    """A tree of rules. It keeps the tree, its undo and its draft in the browser and tells when typing pauses.

    Another `key` puts other `rules` into it. With a `draft_key` what is not saved waits there
    for the next visit, with what stands in the field of `name_id`.
    """

    library = "$/public/segment_builder.jsx"
    tag = "SegmentBuilder"
    lib_dependencies: list[str] = [  # noqa: RUF012 - Reflex reads it so
        f"react-querybuilder@{VERSION}",
        f"@react-querybuilder/dnd@{VERSION}",
        "react-dnd@16.0.1",
        "react-dnd-html5-backend@16.0.1",
    ]

    rules: rx.Var[dict[str, Any]]
    groups: rx.Var[tuple[FieldGroup, ...]]
    operators: rx.Var[dict[str, Any]]
    marks: rx.Var[tuple[Mark, ...]]
    suggestions: rx.Var[Suggestions]
    limits: rx.Var[dict[str, int]]
    draft_key: rx.Var[str]
    name_id: rx.Var[str]
    dirty: rx.Var[bool]
    read_only: rx.Var[bool]
    on_change: rx.EventHandler[rx.event.passthrough_event_spec(dict)]
    on_ask: rx.EventHandler[rx.event.passthrough_event_spec(dict)]


def segment_builder(on_change: list[Any], **props: Any) -> rx.Component:
    """The builder over the rules that `RulesState` has opened; `on_change` are further events on what is changed."""
    builder = SegmentBuilder.create(
        rules=RulesState.rules,
        groups=RulesState.groups,
        operators={kind: [{"value": one.value, "label": one.label} for one in has] for kind, has in OPERATORS.items()},
        marks=RulesState.marks,
        suggestions=RulesState.suggestions,
        limits=LIMITS,
        on_change=[RulesState.change, *on_change],
        on_ask=RulesState.suggest,
        key=RulesState.revision.to_string(),
        **props,
    )
    return rx.el.div(builder, class_name="sb-place")


def rules_now() -> rx.Var[dict]:
    """The builder's rules at the moment of an event, for a handler."""
    return rx.Var("(globalThis.tocsinRules?.() ?? {})", _var_type=dict)
