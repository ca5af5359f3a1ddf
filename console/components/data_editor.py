"""What a template needs as `data`, compiled by Reflex from `assets/data_editor.jsx`."""

from typing import Any

import reflex as rx
from reflex.components.component import NoSSRComponent

from console.components import draft
from console.rows.template_draft import SchemaProblem


class DataEditor(NoSSRComponent):
    """It writes the schema into the draft and fires `on_edited` at each change. `reads` are the names that the texts
    read of the data."""

    library = "$/public/data_editor.jsx"
    tag = "DataEditor"

    draft: rx.Var[dict[str, Any]]
    hold: rx.Var[Any]
    tell: rx.Var[Any]
    problems: rx.Var[tuple[SchemaProblem, ...]]
    reads: rx.Var[tuple[str, ...]]
    on_edited: rx.EventHandler[rx.event.no_args_event_spec]


def data_editor(
    edited: list[Any], problems: rx.Var[tuple[SchemaProblem, ...]], reads: rx.Var[tuple[str, ...]]
) -> rx.Component:
    """The editor over the draft that the page holds."""
    return DataEditor.create(
        draft=draft.draft_var.value,
        hold=draft.reader(),
        tell=draft.writer(),
        problems=problems,
        reads=reads,
        on_edited=edited,
    )
