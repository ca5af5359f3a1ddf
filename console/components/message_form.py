"""The form of a message, compiled by Reflex from `assets/message_form.jsx`: every field, platform and language."""

from typing import Any

import reflex as rx
from reflex.components.component import NoSSRComponent

from console.components import draft
from console.rows.content_fields import table
from console.rows.content_form import Coverage, FieldProblem
from console.rows.variable_menu import VariableMenu


class MessageForm(NoSSRComponent):
    """It changes the draft at each keystroke and fires `on_edited` when typing pauses or a field is left; `on_ask` when
    it wants to know of languages and variables. Its children stand below the picture's address."""

    library = "$/public/message_form.jsx"
    tag = "MessageForm"
    lib_dependencies: list[str] = ["emoji-picker-react@5.1.4"]  # noqa: RUF012 - Reflex reads it so

    draft: rx.Var[dict[str, Any]]
    hold: rx.Var[Any]
    tell: rx.Var[Any]
    table: rx.Var[dict[str, Any]]
    problems: rx.Var[tuple[FieldProblem, ...]]
    coverage: rx.Var[Coverage]
    variables: rx.Var[VariableMenu]
    on_edited: rx.EventHandler[rx.event.no_args_event_spec]
    on_ask: rx.EventHandler[rx.event.no_args_event_spec]


def message_form(
    edited: list[Any],
    problems: rx.Var[tuple[FieldProblem, ...]],
    languages: rx.Var[Coverage],
    variables: rx.Var[VariableMenu],
    *picture: rx.Component,
    ask: Any = None,
) -> rx.Component:
    """The form over the draft that the page holds. `edited` are the events on what was typed, `ask` the one that reads
    languages and variables; `picture` says what is known of the image."""
    return MessageForm.create(
        *picture,
        draft=draft.draft_var.value,
        hold=draft.reader(),
        tell=draft.writer(),
        table=table(),
        problems=problems,
        coverage=languages,
        variables=variables,
        on_edited=edited,
        **({} if ask is None else {"on_ask": ask}),
    )
