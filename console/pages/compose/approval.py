"""The launch step's part where a second member approves."""

import reflex as rx

from console import theme
from console.components.badges import badge
from console.components.feedback import note
from console.components.forms import field, more, text_area, typed
from console.components.layout import icon, panel
from console.components.poll import every
from console.rows.approval import Question
from console.states.approval import ApprovalState

NOTE, ANSWER = "approval_note", "approval_answer"
POLL = 10_000


def approval_panel() -> rx.Component:
    """Asked, answered, and what was said before; nothing where the app wants no approval."""
    shown = ApprovalState.shown
    content = rx.el.div(
        _now(),
        rx.cond(shown.mine, _answering(), rx.cond(shown.may_ask, _asking(), _waiting())),
        rx.cond(ApprovalState.problem != "", note(ApprovalState.problem, tone=theme.BAD), rx.fragment()),
        rx.cond(shown.earlier.length() > 0, more("Earlier", rx.foreach(shown.earlier, _told)), rx.fragment()),
        class_name="stack",
    )
    return rx.cond(
        shown.shown,
        rx.el.div(
            panel(content, title="Approval", aside=_standing(), id="approval"),
            _poll(),
        ),
        rx.fragment(),
    )


def _poll() -> rx.Component:
    """Somebody else may ask, answer, or change the draft while this page is open."""
    return every(POLL, ApprovalState.refresh)


def _standing() -> rx.Component:
    shown = ApprovalState.shown
    return rx.el.span(
        rx.cond(shown.state != "", badge(shown.state, theme.APPROVAL), rx.fragment()), aria_live="polite", role="status"
    )


def _now() -> rx.Component:
    """What stands for this draft, or why nothing does."""
    shown = ApprovalState.shown
    return rx.fragment(
        rx.cond(shown.state != "", _told(shown.open), rx.fragment()),
        rx.cond(
            shown.may_ask,
            rx.el.p(
                rx.cond(
                    shown.state == "",
                    "In this app a second member approves each launch, exactly as it is.",
                    "Ask again once it is as it should be: an answer counts for exactly one state of the draft.",
                ),
                class_name="muted",
            ),
            rx.fragment(),
        ),
    )


def _told(one: rx.Var[Question]) -> rx.Component:
    return rx.el.div(
        _line(one.asked, one.when.short, one.when.exact, one.devices),
        rx.cond(one.note != "", rx.el.p(one.note, class_name="approval-words"), rx.fragment()),
        rx.cond(one.answered != "", _line(one.answered, one.then.short, one.then.exact, ""), rx.fragment()),
        rx.cond(one.answer != "", rx.el.p(one.answer, class_name="approval-words"), rx.fragment()),
        class_name="stack-xs approval-told",
    )


def _line(what: rx.Var[str], short: rx.Var[str], exact: rx.Var[str], about: rx.Var[str] | str) -> rx.Component:
    return rx.el.div(
        rx.el.span(what, class_name="strong"),
        rx.el.span(short, title=exact, class_name="muted small"),
        rx.el.span(about, class_name="muted small tnum push-right"),
        class_name="row-wrap",
    )


def _asking() -> rx.Component:
    return rx.el.div(
        _words(NOTE, "Note for them (optional)", ApprovalState.shown.approvers),
        rx.el.div(
            rx.button(icon("user-check"), "Ask for approval", id="ask-approval", on_click=ApprovalState.ask),
            class_name="dialog-actions",
        ),
        class_name="stack",
    )


def _answering() -> rx.Component:
    return rx.el.div(
        _words(
            ANSWER, "Your answer", "What you approve is the draft exactly as it is now. A no says what should change."
        ),
        rx.el.div(
            rx.button("Decline", id="decline", variant="soft", color_scheme=theme.BAD, on_click=ApprovalState.decline),
            rx.button(icon("check"), "Approve", id="approve", on_click=ApprovalState.approve),
            class_name="dialog-actions",
        ),
        class_name="stack",
    )


def _waiting() -> rx.Component:
    shown = ApprovalState.shown
    return rx.el.div(
        rx.el.span(
            rx.cond(shown.state == "asked", shown.approvers, "It may be launched exactly as it is now."),
            class_name="muted small",
        ),
        rx.button(
            "Withdraw",
            id="withdraw-approval",
            variant="soft",
            color_scheme=theme.QUIET,
            on_click=ApprovalState.withdraw,
            class_name="push-right",
        ),
        class_name="row-wrap",
    )


def _words(name: str, label: str, help_text: rx.Var[str] | str) -> rx.Component:
    area = text_area(
        name, rows="2", max_length=1000, key=f"{name}-{ApprovalState.revision}", **typed(ApprovalState.say)
    )
    return field(label, area, name=name, help_text=help_text)
