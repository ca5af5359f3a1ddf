"""The last step: what a launch would do to everybody, and the button that does it."""

import reflex as rx

from console import theme
from console.components.feedback import empty, note
from console.components.figures import progress_bar
from console.components.forms import field, text_input
from console.components.layout import icon, panel
from console.pages.compose.approval import approval_panel
from console.pages.compose.launch_devices import devices_dialog
from console.pages.compose.launch_result import result
from console.states.approval import ApprovalState
from console.states.compose import ComposeState
from console.states.launch import DONE, FAILED, RUNNING, STOPPED, LaunchState
from console.states.steps import StepsState

STALE = LaunchState.check.saved != StepsState.saved_at.exact
DRAFT = ComposeState.state == "draft"
UNAPPROVED = ApprovalState.shown.shown & (ApprovalState.shown.blocked != "")


def launch_step() -> rx.Component:
    """Pre-flight, a second member's word where the app wants one, and the launch."""
    return rx.el.div(
        rx.el.p(_aloud(), class_name="visually-hidden", role="status", aria_live="polite"),
        rx.match(
            LaunchState.stage,
            (RUNNING, _running()),
            (STOPPED, _again("circle-stop", "Stopped", "Nothing was sent, and nothing was written.")),
            (FAILED, _again("circle-alert", "The pre-flight came to no end", LaunchState.problem)),
            (DONE, rx.fragment(_stale(), result())),
            _again(
                "scan-search",
                "Nothing checked yet",
                "The pre-flight looks at every device of the audience as the send would: who gets it, who does not "
                "and why. Nothing is sent.",
            ),
        ),
        rx.cond(DRAFT, rx.fragment(approval_panel(), rx.cond(LaunchState.stage == DONE, _launch())), rx.fragment()),
        devices_dialog(),
        class_name="stack-l",
        id="preflight",
    )


def _aloud() -> rx.Var:
    """What somebody who does not see the page is told."""
    return rx.match(
        LaunchState.stage,
        (RUNNING, "The pre-flight is running."),
        (STOPPED, "The pre-flight was stopped."),
        (FAILED, "The pre-flight came to no end."),
        (DONE, LaunchState.check.headline),
        "",
    )


def _again(sign: str, title: str, text) -> rx.Component:
    return panel(empty(sign, title, text, _run("Run pre-flight")), flush=True)


def _run(label: str, **props) -> rx.Component:
    return rx.button(icon("scan-search"), label, on_click=LaunchState.review, class_name="run-preflight", **props)


def _running() -> rx.Component:
    shown = LaunchState.progress
    return panel(
        rx.el.div(
            rx.el.span(rx.cond(shown.waiting, "Counting the audience", shown.done), class_name="strong tnum"),
            rx.el.span(shown.rate, class_name="muted tnum push-right"),
            rx.el.span(shown.left, class_name="muted tnum"),
            rx.button("Stop", size="1", variant="soft", color_scheme=theme.QUIET, on_click=LaunchState.stop),
            class_name="row under-bar",
        ),
        progress_bar(shown.percent, waiting=shown.waiting, label="Devices checked"),
        title="Pre-flight",
    )


def _stale() -> rx.Component:
    """What is shown is of an older draft."""
    told = rx.el.div(
        rx.el.span("The draft has changed since: run it again."), _run("Run again", size="1"), class_name="row-between"
    )
    return rx.cond(STALE, note(told, tone=theme.CARE), rx.fragment())


def _launch() -> rx.Component:
    check = LaunchState.check
    wrong = check.must_type & (LaunchState.typed != check.count.to_string())
    button = rx.button(
        icon("rocket"),
        check.action,
        rx.cond(check.whom != "", f" {check.toward} {check.whom}", ""),
        id="launch",
        size="3",
        on_click=LaunchState.launch,
        loading=LaunchState.launching,
        disabled=STALE | ~check.possible | wrong | UNAPPROVED,
    )
    return panel(
        rx.el.div(
            rx.el.div(
                rx.el.span("When", class_name="muted small"),
                rx.el.span(check.when, class_name="strong"),
                class_name="stack-xs",
            ),
            rx.cond(check.must_type & check.possible & ~STALE, _typed(), rx.fragment()),
            rx.cond(LaunchState.problem != "", note(LaunchState.problem, tone=theme.BAD), rx.fragment()),
            _hindered(),
            rx.el.div(button),
            class_name="stack",
        ),
        title=rx.el.h2(check.action),
    )


def _hindered() -> rx.Component:
    """What has to be done before the button works."""
    why = rx.cond(
        ~LaunchState.check.possible,
        "Mend what blocks the launch, then run the pre-flight again.",
        rx.cond(UNAPPROVED, ApprovalState.shown.blocked, ""),
    )
    return rx.cond(why != "", rx.el.p(why, class_name="muted small"), rx.fragment())


def _typed() -> rx.Component:
    check = LaunchState.check
    return field(
        rx.el.span("Type ", rx.el.strong(check.count), " to confirm"),
        text_input(
            "typed",
            input_mode="numeric",
            auto_complete="off",
            on_change=LaunchState.type_count,
        ),
        name="typed",
    )
