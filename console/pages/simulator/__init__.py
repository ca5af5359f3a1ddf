"""The simulator: what the demo's providers have seen, and how they are made to misbehave. For admins."""

import reflex as rx

from console import routes, theme
from console.components.feedback import empty, skeleton_rows
from console.components.figures import stat
from console.components.layout import icon, page_head, panel
from console.components.poll import every
from console.components.tables import Column, table
from console.pages.simulator.faults import faults, presets
from console.rows.simulator import HostLine, PeopleLine, RefusalLine
from console.shell import page
from console.states.simulator import SimulatorState


@page(routes.SIMULATOR, "Simulator", on_load=[SimulatorState.load])
def simulator() -> rx.Component:
    """Figures, hosts and people, then the faults."""
    shown = rx.fragment(
        every(2000, SimulatorState.refresh),
        rx.cond(SimulatorState.running, _running(), _nowhere()),
    )
    return rx.cond(SimulatorState.ready, shown, rx.fragment(page_head("Simulator"), panel(skeleton_rows(), flush=True)))


def _running() -> rx.Component:
    anew = rx.button(
        icon("rotate-ccw"), "Count anew", variant="soft", color_scheme="gray", on_click=SimulatorState.forget
    )
    return rx.fragment(
        page_head("Simulator", anew, badge=_weather()),
        rx.el.div(
            _figures(),
            presets(),
            rx.el.div(_hosts(), _people(), class_name="two simulator-two"),
            faults(),
            _refusals(),
            class_name="stack-l",
        ),
    )


def _nowhere() -> rx.Component:
    return rx.fragment(
        page_head("Simulator"),
        panel(
            empty(
                "plug-zap",
                "No simulator runs here",
                "It plays Apple, Google and the push services for a demo. Start one with tocsin up --demo.",
            ),
            flush=True,
        ),
    )


def _weather() -> rx.Component:
    """The name of the weather, green while it is fair."""
    weather = SimulatorState.weather
    fair = rx.badge(icon("sun", theme.ICON_SMALL - 2), weather.title, color_scheme=theme.GOOD, variant="soft")
    foul = rx.badge(
        icon("cloud-lightning", theme.ICON_SMALL - 2), weather.title, color_scheme=theme.CARE, variant="soft"
    )
    return rx.cond(weather.name == "well", fair, foul)


def _figures() -> rx.Component:
    shown = SimulatorState.figures
    cells = [
        ("Accepted", shown.accepted, theme.MEASURE["accepted"]),
        ("Refused", shown.refused, theme.MEASURE["failed"]),
        ("Without an answer", shown.unanswered, theme.MEASURE["skipped"]),
        ("Repeated", shown.repeated, theme.MEASURE["opened"]),
        ("Receipts taken", shown.receipts, theme.MEASURE["delivered"]),
    ]
    return rx.el.div(
        *[stat(label, it.value, it.note, hint=it.hint, colour=colour) for label, it, colour in cells],
        class_name="stats",
    )


def _hosts() -> rx.Component:
    columns = [
        Column("Host"),
        Column("State"),
        Column("Accepted", "num"),
        Column("Connections", "num hide-phone"),
        Column("Turned away", "num hide-phone"),
    ]
    return panel(table(columns, SimulatorState.hosts, _host, name="Hosts"), title="Hosts", flush=True)


def _host(line: rx.Var[HostLine]) -> rx.Component:
    up = rx.badge(icon("check", theme.ICON_SMALL - 2), "Up", color_scheme=theme.GOOD, variant="soft")
    down = rx.badge(icon("plug-zap", theme.ICON_SMALL - 2), "Down", color_scheme=theme.BAD, variant="soft")
    return rx.el.tr(
        rx.el.td(line.name, class_name="nowrap"),
        rx.el.td(
            rx.cond(
                line.state == "up",
                up,
                rx.el.span(down, rx.el.span(line.note, class_name="muted small nowrap"), class_name="row-wrap"),
            )
        ),
        rx.el.td(line.accepted, class_name="num"),
        rx.el.td(line.connections, class_name="num hide-phone"),
        rx.el.td(line.turned_away, class_name="num hide-phone"),
    )


def _people() -> rx.Component:
    return panel(rx.foreach(SimulatorState.people, _did), title="People", flush=True)


def _did(line: rx.Var[PeopleLine]) -> rx.Component:
    return rx.el.div(
        rx.el.span(line.did),
        rx.el.span(line.count, class_name="share-num"),
        rx.el.span(line.share, class_name="share-num muted small"),
        class_name="share did",
    )


def _refusals() -> rx.Component:
    columns = [Column("Service"), Column("Status", "num"), Column("Reason"), Column("Why", "grow")]
    nothing = empty("circle-check", "Nothing was refused", "Each answer that is a no appears here with its reason.")
    rows = table(columns, SimulatorState.refusals, _refusal, name="Refusals")
    return panel(rx.cond(SimulatorState.refusals.length() > 0, rows, nothing), title="Last refusals", flush=True)


def _refusal(line: rx.Var[RefusalLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(line.service, class_name="nowrap"),
        rx.el.td(line.status, class_name="num"),
        rx.el.td(line.reason, class_name="nowrap"),
        rx.el.td(rx.el.div(line.detail, class_name="truncate muted", title=line.detail), class_name="grow"),
    )
