"""The part of a report that only campaigns which repeat have: their runs, and who has entered them."""

import reflex as rx

from console.components.feedback import empty
from console.components.layout import link, panel
from console.components.poll import every
from console.components.tables import Column, pager, table
from console.rows.report import EntryShare
from console.rows.runs import EntryLine, RunLine
from console.states.report import ReportState
from console.states.runs import RunsState

RUNS = (
    Column("Date", "fit"),
    Column("State", "grow"),
    Column("Audience", "num hide-phone"),
    Column("Accepted", "num"),
    Column("Failed", "num hide-phone"),
    Column("Skipped", "num hide-phone"),
    Column("Opened", "num"),
)
ENTRIES = (Column("Person", "grow"), Column("State", "fit"), Column("Event", "fit hide-phone"), Column("Due", "fit"))


def runs() -> rx.Component:
    """Shown of what recurs or answers an event."""
    shown = ReportState.shown
    both = rx.fragment(
        rx.cond(ReportState.live | ReportState.settling, _poll(), rx.fragment()),
        rx.cond(shown.firings.length() > 0, _entries(), rx.fragment()),
        _runs(),
    )
    return rx.cond(shown.line.repeats, both, rx.fragment())


def _poll() -> rx.Component:
    return every(5000, RunsState.refresh)


def _runs() -> rx.Component:
    nothing = empty("repeat", "No runs yet", "Each time that it goes out, a line with its numbers appears here.")
    paged = (RunsState.page > 1) | RunsState.more
    foot = pager(RunsState.page > 1, RunsState.more, RunsState.newer, RunsState.older, f"Page {RunsState.page}")
    return panel(
        rx.cond(
            RunsState.runs.length() > 0,
            rx.fragment(table(RUNS, RunsState.runs, _run), rx.cond(paged, foot, rx.fragment())),
            nothing,
        ),
        title="Runs",
        flush=True,
        id="runs",
    )


def _run(row: rx.Var[RunLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(row.when.short, title=row.when.exact), class_name="fit"),
        rx.el.td(
            rx.el.div(row.state),
            rx.cond(row.note != "", rx.el.div(row.note, class_name="care small"), rx.fragment()),
            class_name="grow",
        ),
        rx.el.td(row.audience, class_name="num hide-phone"),
        rx.el.td(row.accepted, class_name="num"),
        rx.el.td(row.failed, class_name="num hide-phone"),
        rx.el.td(row.skipped, class_name="num hide-phone"),
        rx.el.td(rx.el.span(row.opened, title=row.opened_hint), class_name="num"),
        key=row.id,
    )


def _entries() -> rx.Component:
    """How many firings are in each state; a state shows the people in it."""
    return panel(
        rx.el.div(rx.foreach(ReportState.shown.firings, _state)),
        rx.cond(
            RunsState.entries.length() > 0,
            rx.fragment(
                table(ENTRIES, RunsState.entries, _entry),
                rx.el.div("The newest ones; a state shows its own.", class_name="panel-foot muted small"),
            ),
            empty("user-search", "Nobody", "Nobody is in this state."),
        ),
        title="Entries",
        flush=True,
        id="entries",
    )


def _state(row: rx.Var[EntryShare]) -> rx.Component:
    return rx.el.button(
        rx.el.span(rx.el.span(row.label), rx.el.span(row.note, class_name="muted small"), class_name="stack-xs"),
        rx.el.span(row.count, class_name="share-num"),
        type="button",
        aria_pressed=RunsState.only == row.state,
        class_name="entry-state",
        on_click=RunsState.look_at(row.state),
        key=row.state,
    )


def _entry(row: rx.Var[EntryLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(link(row.person, to=row.href, class_name="cell cell-title truncate"), class_name="grow"),
        rx.el.td(row.state, class_name="fit"),
        rx.el.td(rx.el.span(row.happened.short, title=row.happened.exact), class_name="fit hide-phone"),
        rx.el.td(rx.el.span(row.due.short, title=row.due.exact), class_name="fit"),
    )
