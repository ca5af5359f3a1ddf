"""The last look: what a launch does, confirmed by its count."""

import reflex as rx

from console import theme
from console.components.feedback import note, skeleton_text
from console.components.forms import field, text_input
from console.components.layout import facts, icon
from console.rows.launch import CheckLine
from console.states.launch import LaunchState


def launch_dialog() -> rx.Component:
    """Esc and Not yet close it; nothing has happened then."""
    check = LaunchState.check
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Ready to go?", size="5"),
            rx.dialog.description(
                "Every device of the audience was checked as a send would check it. Nothing has been sent.",
                class_name="dialog-text",
            ),
            rx.el.div(rx.cond(LaunchState.checking, skeleton_text(4), _check()), class_name="after-l"),
            rx.el.div(
                rx.dialog.close(rx.button("Not yet", variant="soft", color_scheme=theme.QUIET)),
                rx.button(
                    icon("rocket"),
                    check.action,
                    rx.cond(check.whom != "", f" {check.toward} {check.whom}", ""),
                    id="launch",
                    on_click=LaunchState.launch,
                    loading=LaunchState.launching,
                    disabled=LaunchState.checking
                    | ~check.possible
                    | (check.must_type & (LaunchState.typed != check.count.to_string())),
                ),
                class_name="dialog-actions",
            ),
            max_width=theme.DIALOG_WIDE,
        ),
        open=LaunchState.open,
        on_open_change=LaunchState.close,
    )


def _check() -> rx.Component:
    check = LaunchState.check
    return rx.el.div(
        rx.foreach(check.problems, lambda text: note(text, tone=theme.CARE)),
        rx.cond(check.notes.length() > 0, note(rx.foreach(check.notes, rx.el.p)), rx.fragment()),
        facts(
            ("Audience", rx.el.span(check.shown, class_name="strong tnum")),
            (check.sent, rx.el.span(check.send, class_name="tnum")),
            ("When", check.when),
        ),
        rx.cond(
            check.deferred != "",
            note(rx.el.span("Held for now: ", check.deferred, class_name="tnum")),
            rx.fragment(),
        ),
        rx.cond(check.skipped.length() > 0, _lines("Skipped", check.skipped), rx.fragment()),
        rx.cond(check.sizes.length() > 0, _lines("Largest push", check.sizes), rx.fragment()),
        rx.cond(check.unreachable != "", rx.el.p(check.unreachable, class_name="muted small"), rx.fragment()),
        rx.cond(
            check.must_type,
            field(
                rx.fragment("Type ", rx.el.strong(check.count), " to confirm"),
                text_input("typed", input_mode="numeric", auto_complete="off", on_change=LaunchState.type_count),
                name="typed",
            ),
            rx.fragment(),
        ),
        rx.cond(LaunchState.problem != "", note(LaunchState.problem, tone=theme.BAD), rx.fragment()),
        class_name="stack",
    )


def _lines(title: str, lines: rx.Var) -> rx.Component:
    return rx.el.div(rx.el.div(title, class_name="muted small"), rx.foreach(lines, _line), class_name="stack-xs")


def _line(line: rx.Var[CheckLine]) -> rx.Component:
    return rx.el.div(rx.el.span(line.label), rx.el.span(line.count, class_name="tnum"), class_name="row-between")
