"""Overview: how the app's pushes do, over a period."""

import reflex as rx

from console import routes, theme
from console.components.campaign_table import all_campaigns_link, campaign_table
from console.components.charts import chart, legend
from console.components.feedback import empty, note, skeleton_chart, skeleton_rows
from console.components.figures import stat
from console.components.layout import icon, link, page_head, panel
from console.components.poll import every
from console.rows.overview import PERIODS
from console.shell import page
from console.states.campaigns import WAITING
from console.states.overview import MEASURES, OverviewState
from console.states.session import RANK, SessionState


@page(routes.OVERVIEW, "Overview", on_load=[OverviewState.load])
def overview() -> rx.Component:
    """Figures, their course over time, the newest campaigns."""
    return rx.cond(OverviewState.no_app, _first_app(), _figures())


def _figures() -> rx.Component:
    return rx.fragment(
        page_head("Overview", _periods(), _new_campaign()),
        rx.cond(
            OverviewState.figures.busy,
            every(2000, OverviewState.refresh),
            rx.fragment(),
        ),
        rx.el.div(_waiting(), _stats(), _chart(), _recent(), class_name="stack-l"),
    )


def _waiting() -> rx.Component:
    """For those who may answer."""
    shown = link(OverviewState.waiting, to=f"{routes.CAMPAIGNS}?state={WAITING}")
    return rx.cond(
        (OverviewState.waiting != "") & (SessionState.me.rank >= RANK["editor"]),
        note(shown, tone=theme.CARE),
        rx.fragment(),
    )


def _periods() -> rx.Component:
    links = [
        link(
            label,
            to=f"{routes.OVERVIEW}?days={days}",
            class_name="",
            aria_current=rx.cond(OverviewState.days == days, "true", "false"),
        )
        for days, label in PERIODS
    ]
    return rx.el.nav(*links, class_name="segmented", aria_label="Period")


def _new_campaign() -> rx.Component:
    return rx.cond(
        SessionState.me.rank >= RANK["editor"],
        link(rx.button(icon("plus"), "New campaign"), to=routes.NEW_CAMPAIGN, class_name=""),
        rx.fragment(),
    )


def _stats() -> rx.Component:
    shown = OverviewState.figures
    cells = [
        ("Accepted", shown.accepted, theme.MEASURE["accepted"]),
        ("Delivered", shown.delivered, theme.MEASURE["delivered"]),
        ("Opened", shown.opened, theme.MEASURE["opened"]),
        ("Failed", shown.failed, theme.MEASURE["failed"]),
    ]
    return rx.el.div(
        *[stat(label, it.value, it.note, to=it.href, hint=it.hint, colour=colour) for label, it, colour in cells],
        stat("Reachable devices", shown.devices.value, shown.devices.note, hint=shown.devices.hint),
        class_name="stats",
    )


def _chart() -> rx.Component:
    drawn = rx.cond(
        OverviewState.figures.quiet,
        empty("chart-line", "Nothing sent in this time", "Launch a campaign, or look at a longer period."),
        chart(OverviewState.chart, "Accepted, delivered and opened pushes over time"),
    )
    return panel(
        rx.cond(OverviewState.ready, drawn, skeleton_chart()),
        title="Pushes over time",
        aside=legend(*MEASURES),
        flush=True,
    )


def _recent() -> rx.Component:
    nothing = empty(
        "megaphone", "No campaigns yet", "Write a notification, pick who gets it, and watch it go out.", _new_campaign()
    )
    rows = rx.cond(
        OverviewState.recent.length() > 0, campaign_table(OverviewState.recent, OverviewState.figures.busy), nothing
    )
    return panel(
        rx.cond(OverviewState.ready, rows, skeleton_rows(4)),
        title="Recent campaigns",
        aside=all_campaigns_link(),
        flush=True,
    )


def _first_app() -> rx.Component:
    return rx.fragment(
        page_head("Welcome"),
        panel(
            empty(
                "package-plus",
                "Start with an app",
                "An app is one product of yours, with its own people, credentials and campaigns.",
                link(rx.button("New app"), to=f"{routes.APPS}?new=app", class_name=""),
            ),
            flush=True,
        ),
    )
