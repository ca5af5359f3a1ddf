"""Who may call the API for this app."""

import reflex as rx

from console import theme
from console.components.confirm import confirm
from console.components.feedback import empty, note, skeleton_rows
from console.components.forms import choose, field, text_input
from console.components.layout import copyable, icon, icon_button, panel
from console.components.tables import Column, table
from console.rows.apps import SCOPE, KeyLine
from console.states.keys import KeysState

COLUMNS = (
    Column("Key", "grow"),
    Column("Scope", "fit"),
    Column("Created", "fit hide-phone"),
    Column("Last used", "fit hide-phone"),
    Column("", "actions"),
)


def keys() -> rx.Component:
    nothing = empty(
        "key-square",
        "No API keys yet",
        "Your apps and back ends present a key when they call Tocsin.",
        rx.button("New key", on_click=KeysState.show_form(True)),
    )
    rows = rx.cond(KeysState.rows.length() > 0, table(COLUMNS, KeysState.rows, _row), nothing)
    return rx.fragment(
        panel(
            rx.cond(KeysState.ready, rows, skeleton_rows(2)),
            title="API keys",
            flush=True,
            aside=rx.button(
                icon("plus", theme.ICON_SMALL), "New key", variant="soft", size="1", on_click=KeysState.show_form(True)
            ),
        ),
        _dialog(),
    )


def _row(row: rx.Var[KeyLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.div(row.name, class_name="cell-title truncate"),
            rx.el.div(row.prefix, class_name="muted mono truncate"),
            class_name="grow",
        ),
        rx.el.td(rx.badge(row.scope, color_scheme=theme.QUIET, variant="soft"), class_name="fit"),
        rx.el.td(rx.el.span(row.created.short, title=row.created.exact), class_name="fit hide-phone"),
        rx.el.td(rx.el.span(row.used.short, title=row.used.exact), class_name="fit hide-phone"),
        rx.el.td(
            confirm(
                icon_button("trash-2", "Revoke"),
                "Revoke this key?",
                rx.fragment("Whoever presents “", row.name, "” is refused at once. This cannot be undone."),
                "Revoke key",
                KeysState.revoke(row.id),
            ),
            class_name="actions",
        ),
        key=row.id,
    )


def _dialog() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(rx.cond(KeysState.made != "", "Copy your key", "New API key"), size="5"),
            rx.dialog.description(
                rx.cond(KeysState.made != "", "It is shown this once.", "It speaks for this app only."),
                class_name="dialog-text",
            ),
            rx.el.div(rx.cond(KeysState.made != "", _made(), _form()), class_name="after-l"),
            max_width=theme.DIALOG,
        ),
        open=KeysState.adding,
        on_open_change=KeysState.show_form,
    )


def _made() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(KeysState.made, id="new-key"),
            rx.el.span(copyable(KeysState.made, "Copy key"), class_name="push-right"),
            class_name="secret",
        ),
        note("Only a hash is kept: nobody can show it again.", tone=theme.CARE),
        rx.el.div(rx.dialog.close(rx.button("Done")), class_name="dialog-actions"),
        class_name="stack",
    )


def _form() -> rx.Component:
    return rx.form(
        rx.el.div(
            field(
                "Name",
                text_input("key_name", placeholder="Checkout service", auto_complete="off", max_length=200),
                name="key_name",
            ),
            field(
                "Scope",
                choose("scope", tuple(SCOPE.items())),
                name="scope",
                help_text="A client key may be public; it registers a device and speaks for that device only.",
            ),
            rx.el.div(
                rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme=theme.QUIET, type="button")),
                rx.button("Create key", type="submit"),
                class_name="dialog-actions",
            ),
            class_name="stack",
        ),
        on_submit=KeysState.create,
    )
