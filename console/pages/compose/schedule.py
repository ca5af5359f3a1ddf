"""When it goes out."""

import reflex as rx

from console.components.forms import field, radio, text_input
from console.components.layout import panel
from console.states.compose import ComposeState
from console.states.schedule import AT, NOW, ScheduleState


def schedule() -> rx.Component:
    """At once or at a time."""
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
