"""Segments: found, opened, copied, put away."""

import reflex as rx

from console import routes
from console.components.feedback import empty
from console.components.layout import icon, icon_button, link, page_head
from console.components.tables import Column, list_panel, pager, table
from console.pages.segments import editor
from console.rows.segments import PAGE, SegmentLine
from console.shell import page
from console.states.segments import SegmentsState
from console.states.session import RANK, SessionState

EDITOR = SessionState.me.rank >= RANK["editor"]
COLUMNS = (
    Column("Segment", "grow"),
    Column("People", "num"),
    Column("Reachable devices", "num hide-narrow"),
    Column("Used in", "fit hide-narrow"),
    Column("Changed", "fit hide-phone"),
    Column("", "actions"),
)
SORTS = (
    ("-updated_at", "Last changed"),
    ("updated_at", "First changed"),
    ("name", "Name, A to Z"),
    ("-name", "Name, Z to A"),
)


@page(routes.SEGMENTS, "Segments", on_load=[SegmentsState.load])
def segments() -> rx.Component:
    """The list with its search and order; people are counted once it is there."""
    return rx.fragment(
        page_head("Segments", _new()),
        _toolbar(),
        list_panel(
            SegmentsState.ready,
            SegmentsState.rows.length() > 0,
            table(COLUMNS, SegmentsState.rows, _row),
            _nothing(),
            foot=_pages(),
        ),
    )


def _new() -> rx.Component:
    button = link(rx.button(icon("plus"), "New segment"), to=routes.NEW_SEGMENT, class_name="")
    return rx.cond(EDITOR, button, rx.fragment())


def _toolbar() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.input(
                id="search",
                type="search",
                placeholder="Search segments",
                aria_label="Search segments",
                class_name="input",
                default_value=SegmentsState.search,
                key=rx.cond(SegmentsState.ready, "ready", "loading"),
                on_change=SegmentsState.look_for.debounce(250),
            ),
            class_name="grow",
        ),
        rx.el.nav(
            _chip("In use", routes.SEGMENTS, ~SegmentsState.archived),
            _chip("Archived", f"{routes.SEGMENTS}?archived=1", SegmentsState.archived),
            class_name="chips",
            aria_label="State",
        ),
        rx.el.div(
            rx.el.select(
                *[rx.el.option(label, value=value) for value, label in SORTS],
                class_name="input",
                aria_label="Order",
                value=SegmentsState.sort,
                on_change=SegmentsState.order_by,
            ),
            class_name="select-fit push-right",
        ),
        class_name="toolbar",
    )


def _chip(label: str, to: str, pressed: rx.Var[bool]) -> rx.Component:
    return link(label, to=to, class_name="chip", aria_pressed=pressed, role="button")


def _row(row: rx.Var[SegmentLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            link(
                rx.el.div(row.name, class_name="cell-title truncate", title=row.name),
                rx.el.div(row.sentence, class_name="muted small truncate", title=row.sentence),
                to=row.href,
                class_name="cell",
            ),
            class_name="grow",
        ),
        rx.el.td(row.people, class_name="num"),
        rx.el.td(row.reachable, class_name="num hide-narrow"),
        rx.el.td(rx.el.span(row.used, title=row.used_by), class_name="fit hide-narrow"),
        rx.el.td(rx.el.span(row.changed.short, title=row.changed.exact), class_name="fit hide-phone"),
        rx.el.td(rx.cond(EDITOR, _actions(row), rx.fragment()), class_name="actions"),
        key=row.id,
    )


def _actions(row: rx.Var[SegmentLine]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            SegmentsState.archived,
            icon_button("archive-restore", "Bring back", on_click=SegmentsState.restore(row.id)),
            rx.fragment(
                icon_button(
                    "copy-plus",
                    "Duplicate",
                    on_click=SegmentsState.duplicate(row.id),
                    class_name="icon-button hide-phone",
                ),
                icon_button("archive", "Archive", on_click=SegmentsState.archive(row.id)),
            ),
        ),
        class_name="row-actions",
    )


def _nothing() -> rx.Component:
    return rx.cond(
        SegmentsState.search != "",
        empty(
            "search-x",
            "No segment matches",
            "Try another name, or look at all of them.",
            link(rx.button("Show all", variant="soft"), to=routes.SEGMENTS, class_name=""),
        ),
        rx.cond(
            SegmentsState.archived,
            empty("archive", "Nothing is archived", "Segments that you archive can be brought back from here."),
            empty("filter", "No segments yet", "Say who you want to reach, and see at once how many they are.", _new()),
        ),
    )


def _pages() -> rx.Component:
    state = SegmentsState
    last = (state.number + 1) * PAGE >= state.total
    return rx.cond(
        state.total > PAGE,
        pager(state.number > 0, ~last, state.turn(-1), state.turn(1), rx.fragment(state.total, " segments")),
        rx.fragment(),
    )


__all__ = ["editor", "segments"]
