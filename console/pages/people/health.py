"""Token health: how many of the addresses that we hold still take pushes."""

import reflex as rx

from console import routes, theme
from console.components.badges import platform
from console.components.feedback import empty, note, skeleton_rows
from console.components.layout import link, panel
from console.components.tables import Column, table
from console.rows.people import Doubt, HealthLine
from console.states.people import TokenHealthState

COLUMNS = (
    Column("Platform", ""),
    Column("Reachable", "num"),
    Column("Active", "num hide-phone"),
    Column("Stale", "num"),
    Column("Unsubscribed", "num hide-phone"),
    Column("Invalid", "num"),
)
EXPLAINED = (
    "Reachable devices are active and allow pushes. Stale ones are active but have not been seen for 30 days: providers "
    "report a dead address late, or never. Invalid ones were called dead by their provider and are sent nothing."
)


def token_health() -> rx.Component:
    return rx.el.div(
        rx.foreach(TokenHealthState.doubts, _doubt),
        panel(
            rx.cond(
                TokenHealthState.ready,
                rx.cond(
                    TokenHealthState.lines.length() > 0,
                    rx.fragment(
                        table(COLUMNS, TokenHealthState.lines, _row),
                        rx.el.div(EXPLAINED, class_name="panel-foot muted small"),
                    ),
                    empty(
                        "unplug",
                        "No devices yet",
                        "A device comes here when your app registers it.",
                        link(rx.button("See how to connect an app"), to=routes.CHANNELS, class_name=""),
                    ),
                ),
                skeleton_rows(3),
            ),
            title="Devices by platform",
            flush=True,
        ),
        class_name="stack",
    )


def _doubt(doubt: rx.Var[Doubt]) -> rx.Component:
    return note(
        rx.el.span(doubt.title, ". ", class_name="strong"),
        doubt.reason,
        " ",
        link("Look into it", to=doubt.href),
        tone=theme.CARE,
    )


def _row(row: rx.Var[HealthLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(link(platform(row.platform, row.word), to=row.href, class_name="cell")),
        rx.el.td(
            row.reachable,
            rx.el.span(" ", row.reachable_share, class_name="muted small"),
            class_name="num",
            title="Of all devices of this platform",
        ),
        rx.el.td(row.active, class_name="num hide-phone"),
        rx.el.td(
            row.stale,
            rx.el.span(" ", row.stale_share, class_name="muted small"),
            class_name="num",
            title="Of the active",
        ),
        rx.el.td(row.unsubscribed, class_name="num hide-phone"),
        rx.el.td(row.invalid, class_name="num"),
        key=row.platform,
    )
