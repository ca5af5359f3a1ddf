"""The rules of the send: when it may reach a person, how fast, and until when."""

from typing import Final

import reflex as rx

from console.components.forms import choose, field, more, text_input, typed
from console.components.layout import panel
from console.states.compose import ComposeState
from console.states.send_rules import SendRulesState

QUIET: Final = (
    ("hold", "Hold it until they are over"),
    ("drop", "Leave the person out"),
    ("ignore", "Send all the same"),
)
LATE: Final = (("skip", "Skip it"), ("send", "Send it all the same"), ("ask", "Pause and ask"))
UNKNOWN: Final = (
    ("retry", "Send again"),
    ("never_twice", "Never send twice"),
)
PRIORITY: Final = (("normal", "Normal"), ("high", "High"))
MANDATORY: Final = "This category is mandatory: it is sent in quiet hours too, and no cap applies to it."
FORM, FACTS, ERRORS = SendRulesState.form, SendRulesState.facts, ComposeState.errors.rules


def rules() -> rx.Component:
    """What most campaigns change stands open; the rest is folded away."""
    return panel(
        rx.el.div(
            _quiet(),
            _caps(),
            _pace(),
            more("Lateness and last moment", _late(), _not_after(), note=_wrong(ERRORS.late, ERRORS.not_after)),
            more("Priority, lost answers", rx.el.div(_priority(), _unknown(), class_name="pair")),
            class_name="stack",
        ),
        title="Rules",
    )


def _wrong(*errors: rx.Var[str]) -> rx.Component:
    """What is wrong in a folded part must not be out of sight."""
    some = errors[0] != ""
    for error in errors[1:]:
        some = some | (error != "")
    return rx.cond(some, rx.el.span("Has a mistake", class_name="field-error"), rx.fragment())


def _input(name: str, value: rx.Var[str], error: rx.Var[str], **props) -> rx.Component:
    return text_input(
        name,
        default_value=value,
        key=f"{name}-{SendRulesState.revision}",
        **typed(SendRulesState.put(name)),
        invalid=error != "",
        auto_complete="off",
        **props,
    )


def _choice(label: str, name: str, options, value: rx.Var[str], help_text=None, error=None) -> rx.Component:
    control = choose(name, options, value=value, on_change=SendRulesState.put(name))
    return field(label, control, name=name, help_text=help_text, error=error)


def _measured(control: rx.Component, unit: str) -> rx.Component:
    return rx.el.div(control, rx.el.span(unit, class_name="muted nowrap"), class_name="row")


def _quiet() -> rx.Component:
    said = rx.cond(FACTS.mandatory, MANDATORY, FACTS.quiet)
    return _choice("In a person's quiet hours", "quiet_hours", QUIET, FORM.quiet_hours, said)


def _caps() -> rx.Component:
    said = "Send above the caps as well"
    put = SendRulesState.put("ignore_caps")
    return rx.el.label(
        rx.checkbox(checked=FORM.ignore_caps, on_change=put, id="ignore_caps", aria_label=said),
        rx.el.span(
            rx.el.span(said),
            rx.el.span(
                rx.cond(FACTS.mandatory, "No cap applies to this category.", FACTS.caps),
                " Other campaigns count it all the same.",
                class_name="muted small",
            ),
            class_name="stack-xs",
        ),
        class_name="switch-row",
    )


def _pace() -> rx.Component:
    throttle = _input("throttle", FORM.throttle, ERRORS.throttle, placeholder="No limit", input_mode="numeric")
    spread = _input("spread", FORM.spread, ERRORS.spread, placeholder="All at once", input_mode="numeric")
    return rx.el.div(
        field(
            "Send at most",
            _measured(throttle, "a minute"),
            name="throttle",
            error=ERRORS.throttle,
            help_text="For a shop or a back end that must not be overrun.",
        ),
        field(
            "Spread over",
            _measured(spread, "minutes"),
            name="spread",
            error=ERRORS.spread,
            help_text="Each person gets it at a moment of chance, away from the full, half and quarter hours, "
            "when Firebase is busy.",
        ),
        class_name="pair",
    )


def _late() -> rx.Component:
    minutes = _input("late_minutes", FORM.late_minutes, ERRORS.late, input_mode="numeric")
    return rx.el.div(
        field(
            "Late by more than",
            _measured(minutes, "minutes"),
            name="late_minutes",
            error=ERRORS.late,
            help_text="When Tocsin was switched off at the time.",
        ),
        _choice("Then", "late_then", LATE, FORM.late_then, "Nothing is ever sent twice."),
        class_name="pair",
    )


def _not_after() -> rx.Component:
    moment = _input("not_after", FORM.not_after, ERRORS.not_after, type="datetime-local")
    said = rx.fragment("On a clock in ", SendRulesState.zone, ". What is still waiting then is not sent.")
    return rx.el.div(
        field("Not after", moment, name="not_after", error=ERRORS.not_after, help_text=said), class_name="pair"
    )


def _priority() -> rx.Component:
    said = "Where a cap leaves room for one push only, one of high priority that is due goes first."
    return _choice("Priority", "priority", PRIORITY, FORM.priority, said)


def _unknown() -> rx.Component:
    said = "When a provider's answer is lost: sent again, a few may see it twice; never twice, a few may not see it."
    return _choice("Without an answer", "on_unknown", UNKNOWN, FORM.on_unknown, said)
