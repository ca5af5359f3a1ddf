"""The form of a content block, compiled by Reflex from `assets/block_form.jsx`."""

from typing import Any

import reflex as rx
from reflex.components.component import NoSSRComponent

from console.rows.blocks import BlockProblem, BlockText
from console.rows.variable_menu import VariableMenu


class BlockForm(NoSSRComponent):
    """It fires `on_edited` with what it holds, `{id, name, text, locales}`, when typing pauses or a field is left."""

    library = "$/public/block_form.jsx"
    tag = "BlockForm"
    lib_dependencies: list[str] = ["emoji-picker-react@5.1.4"]  # noqa: RUF012 - Reflex reads it so

    given: rx.Var[BlockText]
    problems: rx.Var[tuple[BlockProblem, ...]]
    variables: rx.Var[VariableMenu]
    on_edited: rx.EventHandler[rx.event.passthrough_event_spec(dict)]


def block_form(
    edited: list[Any],
    given: rx.Var[BlockText],
    problems: rx.Var[tuple[BlockProblem, ...]],
    variables: rx.Var[VariableMenu],
) -> rx.Component:
    return BlockForm.create(given=given, problems=problems, variables=variables, on_edited=edited)


def block_now() -> rx.Var[dict]:
    """What the form holds at the moment of an event."""
    return rx.Var("(globalThis.tocsin?.block ?? null)", _var_type=dict)
