"""When somebody else has saved the same campaign: what came in from them, and what only a person can decide."""

import reflex as rx

from backend.domain.three_way import Side
from console import theme
from console.components import draft
from console.components.feedback import note
from console.components.layout import icon, panel
from console.rows.clash import ClashLine
from console.states.audience import AudienceState
from console.states.clash import ClashState
from console.states.compose import CONFLICT, ComposeState
from console.states.content import ContentState
from console.states.experiment import ExperimentState
from console.states.recurring import RecurringState
from console.states.schedule import ScheduleState
from console.states.send_rules import SendRulesState
from console.states.topics import TopicsState
from console.states.trigger import TriggerState

WHY = (
    "You both changed these fields. Your text stays on this page, and nothing is saved until you have chosen. "
    "What only one of you changed is kept from both."
)
"""What the panels show, for a page that has to show it anew. The words are the browser's, and not among it."""
PANELS = [
    AudienceState.load,
    TopicsState.load,
    ScheduleState.load,
    RecurringState.load,
    TriggerState.load,
    SendRulesState.load,
    ExperimentState.load,
]
SETTLE = [ContentState.store(draft.now()), ComposeState.settle, ContentState.renew, ClashState.seen]


def clash() -> rx.Component:
    return rx.fragment(
        rx.cond(ComposeState.saved == CONFLICT, undecided("campaign", SETTLE), rx.fragment()),
        rx.cond(ClashState.news.length() > 0, _news(), rx.fragment()),
        rx.cond(
            ClashState.revision > 0,
            rx.el.span(key=f"laid-{ClashState.revision}", hidden=True, on_mount=PANELS),
            rx.fragment(),
        ),
    )


def undecided(what: str, settle: list) -> rx.Component:
    """Field by field, theirs beside mine; `settle` are the events that save what was chosen."""
    lines = ClashState.lines
    return rx.el.div(
        panel(
            rx.el.p(WHY, class_name="panel-note muted"),
            rx.el.div(
                rx.el.div(
                    rx.el.span("Field"), rx.el.span("Theirs"), rx.el.span("Mine"), class_name="clash-row clash-head"
                ),
                rx.foreach(lines, _line),
                class_name="clash",
            ),
            rx.el.div(
                _for_all("theirs", "Take all theirs"),
                _for_all("mine", "Keep all mine"),
                _save(settle),
                class_name="panel-foot",
            ),
            title=rx.el.h2(f"Somebody else has saved this {what} too"),
            aside=rx.el.span(ClashState.left, " to decide", class_name="muted small tnum"),
            flush=True,
        ),
        class_name="under-l",
        role="region",
        aria_label="Changes that collide",
    )


def _for_all(side: str, label: str) -> rx.Component:
    return rx.button(label, variant="soft", size="1", color_scheme=theme.QUIET, on_click=ClashState.choose("", side))


def _save(settle: list) -> rx.Component:
    return rx.button(
        "Save as chosen",
        size="1",
        id="settle",
        class_name="push-right",
        disabled=ClashState.left > 0,
        on_click=settle,
    )


def _line(line: rx.Var[ClashLine]) -> rx.Component:
    return rx.el.div(
        rx.el.span(line.label, class_name="strong"),
        _value(line, Side.THEIRS, line.theirs, "Take theirs"),
        _value(line, Side.MINE, line.mine, "Keep mine"),
        class_name="clash-row",
        role="radiogroup",
        aria_label=line.label,
        key=line.key,
    )


def _value(line: rx.Var[ClashLine], side: Side, value: rx.Var[str], label: str) -> rx.Component:
    return rx.el.button(
        rx.el.span(class_name="choice-dot"),
        rx.el.span(
            rx.el.span(value, class_name="clash-value"),
            rx.el.span(label, class_name="muted small"),
            class_name="stack-xs",
        ),
        type="button",
        role="radio",
        aria_checked=line.chosen == side,
        class_name="choice",
        on_click=ClashState.choose(line.key, side),
    )


def _news() -> rx.Component:
    """What came in from the other side and collides with nothing."""
    show = rx.button(
        "Show it",
        size="1",
        variant="soft",
        on_click=[ContentState.store(draft.now()), ContentState.renew, ClashState.seen],
    )
    return rx.el.div(
        note(
            rx.el.div(
                rx.el.span(
                    "Somebody else has changed ",
                    rx.foreach(
                        ClashState.news,
                        lambda name, at: rx.fragment(rx.cond(at > 0, ", ", ""), rx.el.strong(name)),
                    ),
                    ". Both are saved.",
                ),
                rx.el.span(
                    rx.cond(ClashState.waiting, show, rx.fragment()),
                    rx.button(
                        icon("x", theme.ICON_SMALL), "Dismiss", size="1", variant="ghost", on_click=ClashState.seen
                    ),
                    class_name="row",
                ),
                class_name="row-wrap",
            )
        ),
        class_name="under-l",
        role="status",
    )
