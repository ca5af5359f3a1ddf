"""Campaigns as rows, with live progress and what can be done to each."""

import reflex as rx

from console import routes, theme
from console.components.badges import draft_badge
from console.components.figures import progress_bar
from console.components.layout import link
from console.components.tables import Column, table
from console.rows.campaigns import CampaignLine

COLUMNS = (
    Column("Campaign", "grow"),
    Column("State", "fit"),
    Column("Progress", "progress-cell hide-phone"),
    Column("Accepted", "num hide-phone"),
    Column("Opened", "num hide-phone"),
    Column("When", "fit hide-narrow"),
)


def campaign_table(rows: rx.Var, live: rx.Var[bool], actions=None) -> rx.Component:
    """The list; `actions(row)` makes the buttons at the end of a row. Progress has a column while something runs."""
    columns = (*COLUMNS, Column("", "actions")) if actions else COLUMNS
    return table(columns, rows, lambda row: _row(row, actions), class_name=rx.cond(live, "table table-live", "table"))


def _row(row: rx.Var[CampaignLine], actions) -> rx.Component:
    end = [rx.el.td(actions(row), class_name="actions")] if actions else []
    return rx.el.tr(
        rx.el.td(_title(row), class_name="grow"),
        rx.el.td(draft_badge(row.state, row.approval), class_name="fit", title=row.pause),
        rx.el.td(progress(row), class_name="progress-cell hide-phone"),
        rx.el.td(row.accepted, class_name="num hide-phone"),
        rx.el.td(rx.el.span(row.opened, title=row.opened_hint), class_name="num hide-phone"),
        rx.el.td(
            rx.el.div(row.moment, class_name="muted small"),
            rx.el.div(row.when.short, title=row.when.exact),
            class_name="fit hide-narrow",
        ),
        *end,
        key=row.id,
    )


def _title(row: rx.Var[CampaignLine]) -> rx.Component:
    return rx.fragment(
        link(
            rx.el.div(row.name, class_name="cell-title truncate", title=row.name),
            rx.el.div(row.about, class_name="muted small truncate", title=row.about),
            to=row.href,
            class_name="cell",
        ),
        rx.cond(row.progress.shown, rx.el.div(progress(row), class_name="only-phone under"), rx.fragment()),
    )


def progress(row: rx.Var[CampaignLine]) -> rx.Component:
    """Done of total, per second, time left."""
    shown = row.progress
    tone = rx.cond(row.state == "paused", theme.CARE, "")
    return rx.cond(
        shown.shown,
        rx.el.div(
            rx.el.div(
                rx.el.span(shown.done, title=shown.detail, class_name="tnum"),
                rx.el.span(shown.rate, class_name="muted tnum push-right"),
                rx.el.span(shown.left, class_name="muted tnum"),
                class_name="row small nowrap",
            ),
            progress_bar(shown.percent, tone=tone, waiting=shown.waiting, label="Sent"),
            class_name="stack-xs wide",
        ),
        rx.el.span("", class_name="muted"),
    )


def all_campaigns_link() -> rx.Component:
    return link("All campaigns", to=routes.CAMPAIGNS, class_name="link small")
