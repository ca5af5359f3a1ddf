"""When it goes out, and how fast."""

import reflex as rx

from console.components.forms import field, radio, text_input
from console.components.layout import panel
from console.states.compose import ComposeState
from console.states.schedule import AT, NOW, ScheduleState


def schedule() -> rx.Component:
    """At once or at a time; as fast as it goes or so many a minute."""
    return panel(
        rx.el.div(
            rx.el.div(
                radio(NOW, ScheduleState.kind, "At once", "As soon as you launch it.", ScheduleState.choose_kind(NOW)),
                radio(
                    AT, ScheduleState.kind, "At a time", "The same moment for everybody.", ScheduleState.choose_kind(AT)
                ),
                class_name="pair",
                role="radiogroup",
                aria_label="Schedule",
            ),
            rx.cond(ScheduleState.kind == AT, _time(), rx.fragment()),
            _throttle(),
            class_name="stack",
        ),
        title="Schedule",
    )


def _time() -> rx.Component:
    wall = text_input(
        "wall",
        type="datetime-local",
        default_value=ScheduleState.wall,
        key=f"wall-{ScheduleState.revision}",
        on_change=ScheduleState.choose_wall.debounce(300),
        invalid=ComposeState.errors.schedule != "",
    )
    zone = rx.el.select(
        rx.foreach(ScheduleState.zones, lambda name: rx.el.option(name, value=name)),
        id="zone",
        name="zone",
        class_name="input",
        value=ScheduleState.zone,
        on_change=ScheduleState.choose_zone,
    )
    return rx.el.div(
        field("Day and time", wall, name="wall", error=ComposeState.errors.schedule),
        field("Time zone", zone, name="zone"),
        class_name="pair",
    )


def _throttle() -> rx.Component:
    most = text_input(
        "throttle",
        default_value=ScheduleState.throttle,
        key=f"throttle-{ScheduleState.revision}",
        on_change=ScheduleState.choose_throttle.debounce(400),
        invalid=ComposeState.errors.throttle != "",
        placeholder="No limit",
        auto_complete="off",
        input_mode="numeric",
    )
    return rx.el.div(
        field(
            "Send at most",
            rx.el.div(most, rx.el.span("a minute", class_name="muted nowrap"), class_name="row"),
            name="throttle",
            error=ComposeState.errors.throttle,
            help_text="Spread evenly, for a shop or a back end that must not be overrun.",
        ),
        class_name="pair",
    )
