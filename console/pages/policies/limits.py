"""Windows and caps as lines of a form."""

from collections.abc import Callable

import reflex as rx

from console import theme
from console.components.layout import icon, icon_button
from console.rows.policies import KINDS, CapLine, DayMark, WindowLine

TYPING = 400


def window_rows(
    lines: rx.Var[tuple[WindowLine, ...]], change: Callable, turn: Callable, drop: Callable, revision: rx.Var[int]
) -> rx.Component:
    """From, to, and on which nights; `change(key, field, text)`, `turn(key, day)`, `drop(key)` are events.

    The lines keep what is typed until `revision` changes.
    """

    def row(line: rx.Var[WindowLine]) -> rx.Component:
        return rx.el.div(
            rx.el.div(
                _time(line, "start", "From", line.start, change),
                rx.el.span("to", class_name="muted"),
                _time(line, "end", "To", line.end, change),
                class_name="row",
            ),
            rx.el.div(
                rx.foreach(line.days, lambda one: _day(line, one, turn)),
                class_name="policy-days",
                role="group",
                aria_label="On nights that begin on",
            ),
            icon_button("x", "Remove these hours", on_click=drop(line.key), class_name="icon-button push-right"),
            _problem(line.problem),
            class_name="policy-line",
            key=f"{line.key}-{revision}",
        )

    return _lines(lines, row, "No quiet hours: pushes go out at any time.")


def _time(line: rx.Var[WindowLine], name: str, label: str, value: rx.Var[str], change: Callable) -> rx.Component:
    return rx.el.input(
        type="time",
        aria_label=label,
        default_value=value,
        required=True,
        class_name="input policy-time",
        on_change=lambda text: change(line.key, name, text).debounce(TYPING),
    )


def _day(line: rx.Var[WindowLine], one: rx.Var[DayMark], turn: Callable) -> rx.Component:
    return rx.el.button(
        one.short,
        type="button",
        title=one.word,
        aria_label=one.word,
        aria_pressed=one.on,
        class_name="chip policy-weekday",
        on_click=turn(line.key, one.name),
        key=one.name,
    )


def cap_rows(
    lines: rx.Var[tuple[CapLine, ...]], change: Callable, drop: Callable, nothing: str, revision: rx.Var[int]
) -> rx.Component:
    """How many in what time; `change(key, field, text)` and `drop(key)` are events."""

    def row(line: rx.Var[CapLine]) -> rx.Component:
        pushes = _amount(line, "pushes", "Pushes", line.pushes, rx.cond(line.pushes == "1", "push", "pushes"), change)
        return rx.el.div(
            rx.el.select(
                *[rx.el.option(label, value=kind) for kind, label in KINDS.items()],
                value=line.kind,
                aria_label="Kind of cap",
                class_name="input policy-kind",
                on_change=lambda text: change(line.key, "kind", text),
            ),
            rx.match(
                line.kind,
                ("gap", _amount(line, "minutes", "Minutes", line.minutes, "minutes", change)),
                ("daily", rx.fragment(pushes, rx.el.span("in the person's day", class_name="muted"))),
                rx.fragment(pushes, _amount(line, "hours", "Hours", line.hours, "hours", change)),
            ),
            icon_button("x", "Remove this cap", on_click=drop(line.key), class_name="icon-button push-right"),
            _problem(line.problem),
            rx.cond(
                line.then != "",
                rx.el.div(
                    icon("history", theme.ICON_SMALL), rx.el.span(line.then), class_name="policy-then", role="status"
                ),
                rx.fragment(),
            ),
            class_name="policy-line",
            key=f"{line.key}-{revision}",
        )

    return _lines(lines, row, nothing)


def _amount(line: rx.Var[CapLine], name: str, label: str, value: rx.Var[str], unit, change: Callable) -> rx.Component:
    return rx.el.span(
        rx.el.input(
            aria_label=label,
            default_value=value,
            input_mode="numeric",
            class_name="input policy-number",
            key=f"{line.key}-{name}",
            aria_invalid=line.problem != "",
            on_change=lambda text: change(line.key, name, text).debounce(TYPING),
        ),
        rx.el.span(unit, class_name="muted"),
        class_name="row",
    )


def _lines(lines: rx.Var, row: Callable, nothing: str) -> rx.Component:
    return rx.cond(
        lines.length() > 0,
        rx.el.div(rx.foreach(lines, row), class_name="policy-lines"),
        rx.el.p(nothing, class_name="policy-none"),
    )


def _problem(text: rx.Var[str]) -> rx.Component:
    return rx.cond(
        text != "",
        rx.el.span(
            icon("circle-alert", theme.ICON_SMALL - 2), text, class_name="field-error policy-wide", role="alert"
        ),
        rx.fragment(),
    )
