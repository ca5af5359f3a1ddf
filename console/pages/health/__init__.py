"""Health: what needs a look, how each lane is doing, what could not be delivered, which processes are there."""

import reflex as rx

from console import routes, theme
from console.components.badges import badge
from console.components.feedback import empty, skeleton_rows
from console.components.figures import stat
from console.components.layout import icon, link, page_head, panel
from console.components.poll import every
from console.components.tables import Column, table
from console.pages.health.lanes import lanes
from console.pages.health.letters import letters
from console.rows.health import AlarmLine, ProcessLine
from console.shell import page
from console.states.dead_letters import DeadLettersState
from console.states.health import HealthState

PROCESSES = (
    Column("Process", "grow"),
    Column("State", "fit"),
    Column("Last heard of", "fit hide-phone"),
    Column("Started", "fit hide-phone"),
)
EVERY = 3000


@page(routes.HEALTH, "Health", on_load=[HealthState.load, DeadLettersState.load])
def health() -> rx.Component:
    """For admins; the figures follow while the page is open."""
    return rx.fragment(
        page_head("Health", badge=rx.cond(HealthState.ready & ~HealthState.no_app, _verdict(), rx.fragment())),
        rx.cond(HealthState.no_app, _first_app(), _sections()),
    )


def _sections() -> rx.Component:
    return rx.fragment(
        every(EVERY, HealthState.refresh),
        rx.el.div(_alarms(), _figures(), lanes(), letters(), _processes(), class_name="stack-l"),
    )


def _first_app() -> rx.Component:
    return panel(
        empty(
            "package-plus",
            "Start with an app",
            "How its pushes go is shown here.",
            link(rx.button("New app"), to=f"{routes.APPS}?new=app", class_name=""),
        ),
        flush=True,
    )


def _verdict() -> rx.Component:
    """One word on the whole page."""
    found = HealthState.summary
    return rx.cond(
        found.bad > 0,
        _mark(theme.BAD, "circle-alert", rx.cond(found.bad == 1, "1 thing is wrong", f"{found.bad} things are wrong")),
        rx.cond(
            found.care > 0,
            _mark(
                theme.CARE, "triangle-alert", rx.cond(found.care == 1, "1 needs a look", f"{found.care} need a look")
            ),
            _mark(theme.GOOD, "check", "All is well"),
        ),
    )


def _mark(tone: str, sign: str, word) -> rx.Component:
    return rx.badge(icon(sign, theme.ICON_SMALL - 2), word, color_scheme=tone, variant="soft")


def _alarms() -> rx.Component:
    return rx.cond(
        HealthState.alarms.length() > 0,
        panel(
            rx.el.ul(rx.foreach(HealthState.alarms, _alarm), class_name="alarms", aria_live="polite"),
            title="Needs a look",
            flush=True,
        ),
        rx.fragment(),
    )


def _alarm(alarm: rx.Var[AlarmLine]) -> rx.Component:
    return rx.el.li(
        rx.cond(alarm.tone == "bad", icon("circle-alert"), icon("triangle-alert")),
        rx.el.span(alarm.sentence, class_name="alarm-text"),
        rx.cond(
            alarm.since.exact != "",
            rx.el.span(
                alarm.since.short, title=f"since {alarm.since.exact}", class_name="muted small nowrap hide-phone"
            ),
            rx.fragment(),
        ),
        rx.cond(alarm.action != "", link(alarm.action, to=alarm.href, class_name="link small nowrap"), rx.fragment()),
        class_name="alarm",
        data_tone=alarm.tone,
    )


def _figures() -> rx.Component:
    found = HealthState.summary
    return rx.el.div(
        stat("Pushes a second", found.rate, found.rate_note),
        stat("Due now", found.waiting, found.waiting_note),
        stat("Errors", found.errors, found.errors_note),
        stat("Dead letters", found.dead, "kept for 30 days"),
        stat("Senders alive", found.senders, found.senders_note),
        class_name="stats",
    )


def _processes() -> rx.Component:
    rows = table(PROCESSES, HealthState.processes, _process)
    nothing = empty("server-off", "No process has been heard of", "Start one with tocsin up or tocsin worker.")
    return panel(
        rx.cond(HealthState.ready, rx.cond(HealthState.processes.length() > 0, rows, nothing), skeleton_rows(2)),
        title="Processes",
        flush=True,
    )


def _process(row: rx.Var[ProcessLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.div(row.word, class_name="cell-title truncate"),
            rx.el.div(row.name, class_name="muted small truncate", title=row.name),
            class_name="grow",
        ),
        rx.el.td(badge(row.state, theme.PROCESS), class_name="fit"),
        rx.el.td(rx.el.span(row.heartbeat.short, title=row.heartbeat.exact), class_name="fit hide-phone"),
        rx.el.td(rx.el.span(row.started.short, title=row.started.exact), class_name="fit hide-phone"),
        key=row.name,
    )
