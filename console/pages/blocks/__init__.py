"""Content blocks: texts that campaigns and templates share."""

import reflex as rx

from console import routes
from console.components.feedback import empty
from console.components.layout import icon, link, page_head
from console.components.tables import Column, list_panel, table
from console.pages.blocks import editor
from console.rows.blocks import BlockLine
from console.shell import page
from console.states.blocks import BlocksState

COLUMNS = (
    Column("Block", "grow"),
    Column("Other languages", "fit hide-narrow"),
    Column("Used in", "fit hide-phone"),
    Column("Saved", "fit hide-phone"),
)


@page(routes.BLOCKS, "Blocks", on_load=[BlocksState.load])
def blocks() -> rx.Component:
    """The app's blocks with their search."""
    return rx.fragment(
        page_head("Blocks", _new()),
        rx.el.div(
            rx.el.div(
                rx.el.input(
                    id="search",
                    type="search",
                    placeholder="Search blocks",
                    aria_label="Search blocks",
                    class_name="input",
                    default_value=BlocksState.search,
                    key=rx.cond(BlocksState.ready, "ready", "loading"),
                    on_change=BlocksState.look_for.debounce(250),
                ),
                class_name="grow",
            ),
            class_name="toolbar",
        ),
        list_panel(
            BlocksState.ready,
            BlocksState.rows.length() > 0,
            table(COLUMNS, BlocksState.rows, _row),
            rx.cond(BlocksState.search != "", _no_match(), _first()),
            foot=_more(),
        ),
    )


def _new() -> rx.Component:
    return link(rx.button(icon("plus"), "New block"), to=routes.NEW_BLOCK, class_name="")


def _row(row: rx.Var[BlockLine]) -> rx.Component:
    nowhere = rx.el.span("Nowhere yet", class_name="muted")
    return rx.el.tr(
        rx.el.td(
            link(
                rx.el.div(row.call, class_name="cell-title mono truncate", title=row.call),
                rx.el.div(row.text, class_name="muted small truncate", title=row.text, dir="auto"),
                to=row.href,
                class_name="cell",
            ),
            class_name="grow",
        ),
        rx.el.td(row.languages, class_name="fit hide-narrow"),
        rx.el.td(rx.cond(row.used != "", row.used, nowhere), class_name="fit hide-phone"),
        rx.el.td(
            rx.el.div(row.saved.short, title=row.saved.exact),
            rx.el.div(row.by, class_name="muted small truncate clip", title=row.by),
            class_name="fit hide-phone",
        ),
        key=row.id,
    )


def _first() -> rx.Component:
    return empty(
        "blocks",
        "No blocks yet",
        "A text that many messages say, such as opening hours or a farewell: written once, in every language.",
        _new(),
    )


def _no_match() -> rx.Component:
    show_all = link(rx.button("Show all", variant="soft"), to=routes.BLOCKS, class_name="")
    return empty("search-x", "No block matches", "Try a part of another name.", show_all)


def _more() -> rx.Component:
    older = rx.el.div(link("Older blocks", to=BlocksState.following), class_name="panel-foot")
    return rx.cond(BlocksState.following != "", older, rx.fragment())


__all__ = ["blocks", "editor"]
