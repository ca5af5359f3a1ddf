"""Lists of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import reflex as rx

from console.components.feedback import skeleton_rows
from console.components.layout import panel


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading and the classes of its cells."""

    label: str | rx.Component
    class_name: str = ""


def table(
    columns: Sequence[Column], rows: rx.Var, render, *, class_name: str | rx.Var[str] = "table", name: str = ""
) -> rx.Component:
    """A table over typed rows; `render` makes the `tr` of one.

    One whose rows hold nothing to go to needs a `name`: by it the keyboard reaches what has to be scrolled.
    """
    reached = {"tab_index": 0, "role": "region", "aria_label": name} if name else {}
    heads = [
        rx.el.th(
            column.label or rx.el.span("Actions", class_name="visually-hidden"),
            class_name=column.class_name,
            scope="col",
        )
        for column in columns
    ]
    return rx.el.div(
        rx.el.table(rx.el.thead(rx.el.tr(*heads)), rx.el.tbody(rx.foreach(rows, render)), class_name=class_name),
        class_name="table-scroll",
        **reached,
    )


def list_panel(
    ready: rx.Var[bool], has_rows: rx.Var[bool], rows: rx.Component, nothing: rx.Component, foot=None, title: str = ""
) -> rx.Component:
    """A list in its three states: on its way, with rows, without any."""
    content = rx.fragment(rows, foot or rx.fragment())
    return panel(rx.cond(ready, rx.cond(has_rows, content, nothing), skeleton_rows()), title=title or None, flush=True)


def pager(has_previous: rx.Var[bool], has_next: rx.Var[bool], previous, following, caption) -> rx.Component:
    """Where one is in a long list, and the way on."""
    return rx.el.div(
        rx.el.span(caption, class_name="muted small tnum"),
        rx.el.div(
            rx.button(
                "Previous", variant="soft", color_scheme="gray", size="1", disabled=~has_previous, on_click=previous
            ),
            rx.button("Next", variant="soft", color_scheme="gray", size="1", disabled=~has_next, on_click=following),
            class_name="row push-right",
        ),
        class_name="panel-foot",
    )
