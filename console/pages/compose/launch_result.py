"""What a pre-flight has found: one sentence, what is in the way, and every number with what is behind it."""

import reflex as rx

from console import theme
from console.components import keep
from console.components.feedback import note
from console.components.layout import icon, link, panel
from console.rows.launch import Change, Part
from console.rows.launch_problems import Remark
from console.rows.steps import AUDIENCE, DELIVERY, EXPERIMENT, LABELS, MESSAGE
from console.states.launch import LaunchState
from console.states.launch_devices import LaunchDevicesState

SHOWN_HELD = 8


def result() -> rx.Component:
    """The sentence first, then what wants a decision, then the numbers."""
    check = LaunchState.check
    return rx.fragment(
        panel(rx.el.div(_headline(), _remarks(), class_name="stack-l")),
        rx.el.div(
            rx.el.div(_fates(), _changes(), class_name="stack-l"),
            rx.el.div(
                _bars("By platform", check.platforms),
                _bars("By language", check.languages),
                _bars("Largest payload", check.sizes),
                class_name="stack-l",
            ),
            class_name="preflight",
        ),
    )


def _headline() -> rx.Component:
    check = LaunchState.check
    return rx.el.div(
        rx.el.div(
            rx.el.h2(check.headline, class_name="preflight-title tnum"),
            rx.el.p("Checked ", rx.el.span(check.at.exact), ". Nothing has been sent.", class_name="muted small"),
            class_name="stack-xs",
        ),
        rx.button(
            icon("rotate-cw", theme.ICON_SMALL),
            "Run again",
            variant="soft",
            color_scheme=theme.QUIET,
            on_click=LaunchState.review,
            class_name="run-preflight",
        ),
        class_name="row-between preflight-top",
    )


def _remarks() -> rx.Component:
    check = LaunchState.check
    clear = rx.el.p(icon("circle-check"), "Nothing is in the way.", class_name="row preflight-clear")
    return rx.el.div(
        rx.cond(check.blocking.length() > 0, _group("Blocks the launch", check.blocking), clear),
        rx.cond(check.warnings.length() > 0, _group("Worth a look", check.warnings), rx.fragment()),
        rx.cond(check.notes.length() > 0, note(rx.foreach(check.notes, rx.el.p)), rx.fragment()),
        class_name="stack",
    )


def _group(title: str, remarks: rx.Var[tuple[Remark, ...]]) -> rx.Component:
    return rx.el.div(
        rx.el.h3(title, " (", remarks.length(), ")", class_name="small strong"),
        rx.el.ul(rx.foreach(remarks, _remark), class_name="preflight-remarks"),
        class_name="stack-s",
    )


def _remark(one: rx.Var[Remark]) -> rx.Component:
    sign = rx.cond(one.tone == theme.BAD, icon("circle-alert"), icon("triangle-alert"))
    return rx.el.li(
        sign,
        rx.el.div(rx.el.span(one.place, ": ", class_name="strong"), one.message),
        rx.el.div(_behind(one), _way(one), class_name="row preflight-acts"),
        data_tone=one.tone,
    )


def _behind(one: rx.Var[Remark]) -> rx.Component:
    shown = _small(one.count, LaunchDevicesState.show(one.outcome, one.place + ": " + one.message))
    return rx.cond((one.outcome != "") & (one.count != ""), shown, rx.fragment())


def _way(one: rx.Var[Remark]) -> rx.Component:
    """Where it is mended."""
    steps = [
        (name, _small(f"Go to {LABELS[name]}", keep.go(name))) for name in (AUDIENCE, MESSAGE, EXPERIMENT, DELIVERY)
    ]
    return rx.cond(
        one.href != "",
        link("See the lane", to=one.href, class_name="link small"),
        rx.match(one.step, *steps, rx.fragment()),
    )


def _small(label, on_click) -> rx.Component:
    return rx.button(label, size="1", variant="soft", color_scheme=theme.QUIET, on_click=on_click)


def _fates() -> rx.Component:
    check = LaunchState.check
    return panel(
        rx.el.div(rx.foreach(check.parts, _fate)),
        rx.cond(check.held.length() > 0, _held(), rx.fragment()),
        rx.cond(check.unreachable.length() > 0, _unreachable(), rx.fragment()),
        title="What becomes of the audience",
        aside=rx.el.span(check.shown, class_name="muted small tnum"),
        flush=True,
    )


def _fate(part: rx.Var[Part]) -> rx.Component:
    """Opens the devices behind it."""
    return rx.el.button(
        rx.el.span(
            rx.el.span(part.label),
            rx.cond(part.note != "", rx.el.span(part.note, class_name="muted small"), rx.fragment()),
            _bar(part),
            class_name="stack-xs",
        ),
        rx.el.span(part.count, class_name="share-num"),
        rx.el.span(part.percent, class_name="share-num muted", title=part.hint),
        type="button",
        class_name="share share-button",
        on_click=LaunchDevicesState.show(part.outcome, part.label),
        custom_attrs={"data-outcome": part.outcome},
    )


def _bar(part: rx.Var[Part]) -> rx.Component:
    return rx.el.span(
        rx.el.span(class_name="preflight-fill", style={"width": f"{part.width}%"}),
        class_name="preflight-bar",
        data_tone=part.tone,
        aria_hidden="true",
    )


def _held() -> rx.Component:
    return rx.el.div(
        rx.el.h3("Held until", class_name="small strong"),
        rx.el.div(rx.foreach(LaunchState.check.held, _line), class_name="stack-xs"),
        class_name="preflight-part stack-s",
        id="preflight-held",
    )


def _unreachable() -> rx.Component:
    check = LaunchState.check
    return rx.el.div(
        rx.el.h3("Beside the sum: people who cannot be reached", class_name="small strong"),
        rx.el.div(rx.foreach(check.unreachable, _people), class_name="stack-xs"),
        class_name="preflight-part stack-s",
        id="preflight-unreachable",
    )


def _people(part: rx.Var[Part]) -> rx.Component:
    return rx.el.div(
        link(part.label, to=part.href), rx.el.span(part.count, class_name="tnum"), class_name="row-between"
    )


def _bars(title: str, parts: rx.Var[tuple[Part, ...]]) -> rx.Component:
    shown = panel(rx.el.div(rx.foreach(parts, _line), class_name="stack-s"), title=title)
    return rx.cond(parts.length() > 0, shown, rx.fragment())


def _line(part: rx.Var[Part]) -> rx.Component:
    return rx.el.div(
        rx.el.span(part.label, class_name="truncate small"),
        _bar(part),
        rx.el.span(part.count, class_name="small tnum share-num", title=part.hint),
        rx.cond(part.percent != "", rx.el.span(part.percent, class_name="small tnum muted share-num"), rx.fragment()),
        class_name="preflight-line",
    )


def _changes() -> rx.Component:
    check = LaunchState.check
    shown = panel(
        rx.el.div(rx.foreach(check.changes, _change)), title=rx.el.h2(check.since), flush=True, id="preflight-changes"
    )
    return rx.cond(check.changes.length() > 0, shown, rx.fragment())


def _change(one: rx.Var[Change]) -> rx.Component:
    return rx.el.div(
        rx.el.span(one.label),
        rx.el.span("was ", one.before, class_name="share-num muted small"),
        rx.el.span(one.change, class_name="share-num preflight-change", data_tone=one.tone),
        class_name="share",
    )
