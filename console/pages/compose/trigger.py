"""The form of a campaign that answers an event."""

from typing import Final

import reflex as rx

from console import theme
from console.components.forms import choose, field, text_input, typed
from console.components.layout import icon, icon_button
from console.rows.event_form import Condition
from console.states.compose import ComposeState
from console.states.trigger import TriggerState

WAITS: Final = (
    ("none", "Send at once"),
    ("delay", "Wait a while"),
    ("clock", "Wait until a time of day"),
    ("both", "Wait, then until a time"),
)
STEPS: Final = (("minutes", "minutes"), ("hours", "hours"), ("days", "days"), ("seconds", "seconds"))
AGAIN: Final = (("always", "Every time"), ("once", "Once for each person"), ("days", "At most once in so many days"))
KINDS: Final = (("text", "is the text"), ("number", "is the number"), ("flag", "is"))
FORM, KNOWN, ERRORS = TriggerState.form, TriggerState.known, ComposeState.errors.schedule


def trigger() -> rx.Component:
    """What starts it, how long it waits, what calls it off, how often for one person."""
    event = _input("event", FORM.event, ERRORS.event, list="events", placeholder="cart_abandoned")
    cancel = _input("cancel", FORM.cancel, ERRORS.cancel, list="events", placeholder="purchase")
    return rx.el.div(
        rx.el.div(
            rx.el.span("An abandoned cart: an hour later, unless the person buys.", class_name="muted small"),
            rx.button("Use an example", variant="soft", size="1", type="button", on_click=TriggerState.use_example),
            class_name="row-between",
        ),
        field("When this happens", event, name="event", error=ERRORS.event, help_text="As your app names the event."),
        _conditions("where", FORM.where, KNOWN.properties, ERRORS.where),
        _wait(),
        field(
            "Unless this happens first",
            cancel,
            name="cancel",
            error=ERRORS.cancel,
            help_text="After the event and before the push; empty for nothing.",
        ),
        rx.cond(
            FORM.cancel != "", _conditions("unless", FORM.unless, KNOWN.cancel_properties, ERRORS.unless), rx.fragment()
        ),
        _again(),
        _variables(),
        rx.el.datalist(rx.foreach(KNOWN.events, lambda name: rx.el.option(value=name)), id="events"),
        class_name="stack",
    )


def _input(name: str, value: rx.Var[str], error: rx.Var[str], **props) -> rx.Component:
    return text_input(
        name,
        default_value=value,
        key=f"{name}-{TriggerState.revision}",
        **typed(TriggerState.put(name)),
        invalid=error != "",
        auto_complete="off",
        **props,
    )


def _conditions(which: str, rows: rx.Var, known: rx.Var, error: rx.Var[str]) -> rx.Component:
    """Properties that must have a value; with none of them every such event counts."""
    return rx.el.div(
        rx.foreach(rows, lambda row: _condition(which, row)),
        rx.cond(error != "", rx.el.span(error, class_name="field-error", role="alert"), rx.fragment()),
        rx.button(
            icon("plus", theme.ICON_SMALL),
            "Only with a property",
            variant="ghost",
            size="1",
            type="button",
            on_click=TriggerState.add_condition(which),
        ),
        rx.el.datalist(rx.foreach(known, lambda name: rx.el.option(value=name)), id=f"{which}-properties"),
        class_name="stack-s conditions",
    )


def _condition(which: str, row: rx.Var[Condition]) -> rx.Component:
    examples = f"{which}-examples-{row.id}"
    value = rx.el.input(
        class_name="input",
        aria_label="Value",
        placeholder="value",
        list=examples,
        auto_complete="off",
        default_value=row.value,
        key=f"{row.id}-{row.kind}",
        **typed(TriggerState.put_condition(which, row.id, "value")),
    )
    flag = rx.el.select(
        rx.el.option("yes", value="yes"),
        rx.el.option("no", value="no"),
        class_name="input",
        aria_label="Value",
        value=row.value,
        on_change=TriggerState.put_condition(which, row.id, "value"),
    )
    return rx.el.div(
        rx.el.input(
            class_name="input",
            aria_label="Property",
            placeholder="property",
            list=f"{which}-properties",
            auto_complete="off",
            default_value=row.name,
            **typed(TriggerState.put_condition(which, row.id, "name")),
        ),
        rx.el.select(
            *[rx.el.option(label, value=kind) for kind, label in KINDS],
            class_name="input",
            aria_label="Kind of value",
            value=row.kind,
            on_change=TriggerState.put_condition(which, row.id, "kind"),
        ),
        rx.cond(row.kind == "flag", flag, value),
        icon_button("x", "Remove condition", on_click=TriggerState.drop_condition(which, row.id)),
        rx.el.datalist(rx.foreach(row.examples, lambda one: rx.el.option(value=one)), id=examples),
        key=f"{which}-{row.id}-{TriggerState.revision}",
        class_name="condition",
    )


def _wait() -> rx.Component:
    delay = rx.el.div(
        rx.el.div(
            _input("delay", FORM.delay, ERRORS.delay, input_mode="numeric", aria_label="How long"), class_name="narrow"
        ),
        rx.el.div(
            choose("step", STEPS, value=FORM.step, on_change=TriggerState.put("step"), aria_label="Unit"),
            class_name="select-fit",
        ),
        class_name="row",
    )
    clock = rx.el.div(
        rx.el.span("until", class_name="muted"),
        rx.el.div(_input("wall", FORM.wall, ERRORS.wall, type="time", aria_label="Time of day"), class_name="clock"),
        rx.el.span("on their own clock", class_name="muted small nowrap"),
        class_name="row-wrap",
    )
    return rx.el.div(
        field("Then", choose("wait", WAITS, value=FORM.wait, on_change=TriggerState.put("wait")), name="wait"),
        rx.el.div(
            rx.el.span("How long", class_name="field-label"),
            rx.cond((FORM.wait == "delay") | (FORM.wait == "both"), delay, rx.fragment()),
            rx.cond((FORM.wait == "clock") | (FORM.wait == "both"), clock, rx.fragment()),
            rx.cond(
                ERRORS.delay != "",
                rx.el.span(ERRORS.delay, class_name="field-error", role="alert"),
                rx.cond(
                    ERRORS.wall != "", rx.el.span(ERRORS.wall, class_name="field-error", role="alert"), rx.fragment()
                ),
            ),
            class_name="field",
            hidden=FORM.wait == "none",
        ),
        class_name="pair",
    )


def _again() -> rx.Component:
    days = rx.el.div(
        _input("days", FORM.days, ERRORS.again, input_mode="numeric"),
        rx.el.span("days", class_name="muted"),
        class_name="row",
    )
    return rx.el.div(
        field("The same person again", choose("again", AGAIN, value=FORM.again, on_change=TriggerState.put("again")), name="again"),
        rx.cond(FORM.again == "days", field("Not before", days, name="days", error=ERRORS.again), rx.fragment()),
        class_name="pair",
    )  # fmt: skip


def _variables() -> rx.Component:
    """What the text may say of the event; a click copies it."""
    return rx.el.div(
        rx.el.span("The text may use", class_name="field-label"),
        rx.el.div(rx.foreach(KNOWN.variables, _variable), class_name="chips wrap"),
        rx.el.span("A click copies it. Add | default('…') where an event may lack it.", class_name="field-help"),
        class_name="field",
    )


def _variable(name: rx.Var[str]) -> rx.Component:
    return rx.el.button(
        name,
        type="button",
        class_name="chip mono",
        on_click=[rx.set_clipboard("{{ " + name + " }}"), rx.toast.success("Copied")],
        key=name,
    )
