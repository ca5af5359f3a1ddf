"""Lists: who is in them was chosen, not found by rules."""

import reflex as rx

from console import routes, theme
from console.components.confirm import confirm
from console.components.feedback import empty
from console.components.forms import field, text_input
from console.components.layout import icon, icon_button, link, page_head
from console.components.tables import Column, list_panel, table
from console.pages.lists import members
from console.rows.lists import ListLine
from console.shell import page
from console.states.lists import ListsState
from console.states.session import RANK, SessionState

WAYS_IN = "People are put in by hand, from a file or from a segment."
EDITOR = SessionState.me.rank >= RANK["editor"]
COLUMNS = (
    Column("List", "grow"),
    Column("People", "num"),
    Column("From", "fit hide-narrow"),
    Column("Used in", "fit hide-phone"),
    Column("Created", "fit hide-narrow"),
    Column("", "actions"),
)


@page(routes.LISTS, "Lists", on_load=[ListsState.load])
def lists() -> rx.Component:
    """The app's lists with their search."""
    return rx.fragment(
        page_head("Lists", _new()),
        rx.el.div(
            rx.el.div(
                rx.el.input(
                    id="search",
                    type="search",
                    placeholder="Search lists",
                    aria_label="Search lists",
                    class_name="input",
                    default_value=ListsState.search,
                    key=rx.cond(ListsState.ready, "ready", "loading"),
                    on_change=ListsState.look_for.debounce(250),
                ),
                class_name="grow",
            ),
            class_name="toolbar",
        ),
        list_panel(
            ListsState.ready,
            ListsState.rows.length() > 0,
            table(COLUMNS, ListsState.rows, _row),
            rx.cond(ListsState.search != "", _no_match(), _first()),
            foot=_more(),
        ),
        _dialog(
            "New list",
            ListsState.adding,
            ListsState.show_form,
            ListsState.create,
            "list_name",
            "Create list",
            "",
            WAYS_IN,
        ),
        _dialog(
            "Rename list",
            ListsState.editing.id != "",
            lambda _open: ListsState.edit(""),
            ListsState.rename,
            "new_name",
            "Rename",
            ListsState.editing.name,
            members.KEPT,
        ),
    )


def _new() -> rx.Component:
    return rx.cond(EDITOR, rx.button(icon("plus"), "New list", on_click=ListsState.show_form(True)), rx.fragment())


def _row(row: rx.Var[ListLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            link(rx.el.div(row.name, class_name="cell-title truncate", title=row.name), to=row.href, class_name="cell"),
            class_name="grow",
        ),
        rx.el.td(row.members, class_name="num"),
        rx.el.td(row.source, class_name="fit hide-narrow"),
        rx.el.td(
            rx.cond(row.used != "", row.used, rx.el.span("Nowhere yet", class_name="muted")),
            class_name="fit hide-phone",
        ),
        rx.el.td(rx.el.span(row.created.short, title=row.created.exact), class_name="fit hide-narrow"),
        rx.el.td(rx.cond(EDITOR, _actions(row), rx.fragment()), class_name="actions"),
        key=row.id,
    )


def _actions(row: rx.Var[ListLine]) -> rx.Component:
    return rx.el.div(
        icon_button("pencil", "Rename", on_click=ListsState.edit(row.id)),
        confirm(
            icon_button("archive", "Archive"),
            "Archive this list?",
            rx.fragment("“", row.name, "” with ", row.size, " can no longer be chosen. The people stay."),
            "Archive list",
            ListsState.archive(row.id),
        ),
        class_name="row-actions",
    )


def _dialog(title: str, is_open, on_open, on_submit, name: str, action: str, value, text: str) -> rx.Component:
    form = rx.form(
        rx.el.div(
            field(
                "Name",
                text_input(name, default_value=value, max_length=200, auto_complete="off", auto_focus=True),
                name=name,
                error=ListsState.name_error,
            ),
            rx.el.div(
                rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme=theme.QUIET, type="button")),
                rx.button(action, type="submit"),
                class_name="dialog-actions",
            ),
            class_name="stack",
        ),
        on_submit=on_submit,
    )
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, size="5"),
            rx.dialog.description(text, class_name="dialog-text"),
            rx.el.div(form, class_name="after-l"),
            max_width=theme.DIALOG,
        ),
        open=is_open,
        on_open_change=on_open,
    )


def _first() -> rx.Component:
    return empty(
        "list",
        "No lists yet",
        "A list is a fixed set of people: guests of an event, testers, everybody of a file.",
        _new(),
    )


def _no_match() -> rx.Component:
    show_all = link(rx.button("Show all", variant="soft"), to=routes.LISTS, class_name="")
    return empty("search-x", "No list matches", "Try a part of another name.", show_all)


def _more() -> rx.Component:
    return rx.cond(
        ListsState.following != "",
        rx.el.div(link("Older lists", to=ListsState.following), class_name="panel-foot"),
        rx.fragment(),
    )


__all__ = ["lists", "members"]
