"""When it goes out: six kinds of schedule, read back in words."""

from typing import Final
from zoneinfo import available_timezones

import reflex as rx

from console import theme
from console.components.feedback import note
from console.components.forms import choose, field, radio, text_input, typed
from console.components.layout import icon, panel
from console.pages.compose.recurring import recurring
from console.pages.compose.trigger import trigger
from console.rows.event_form import EVENT
from console.rows.once_form import AT, BEST, LOCAL, NOW
from console.rows.recurring_form import RECURRING
from console.states.compose import ComposeState
from console.states.recurring import RecurringState
from console.states.schedule import ScheduleState
from console.states.trigger import TriggerState

BEST_HOUR: Final = (
    "Each person gets it at the hour of their own clock at which they have opened most pushes in the last 90 days. "
    "Who has opened none gets it at the app's best hour."
)
REGIONS: Final = {"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "UTC"}
ZONES: Final = sorted(name for name in available_timezones() if name.split("/")[0] in REGIONS)
PAST: Final = (
    ("send_now", "Send at once"),
    ("next_day", "Send the next day, at that time"),
    ("skip", "Leave them out"),
)


def schedule() -> rx.Component:
    """The kind, its own form, and what it means with the next dates."""
    errors = ComposeState.errors.schedule
    return panel(
        rx.el.div(
            _kinds(),
            rx.match(
                ScheduleState.kind,
                (AT, _at()),
                (LOCAL, _local()),
                (BEST, _best()),
                (RECURRING, recurring()),
                (EVENT, trigger()),
                rx.fragment(),
            ),
            rx.cond(errors.whole != "", note(errors.whole, tone=theme.CARE), rx.fragment()),
            _read_back(),
            rx.el.datalist(rx.foreach(ZONES, lambda name: rx.el.option(value=name)), id="zones"),
            class_name="stack",
        ),
        title="Schedule",
    )


def _kinds() -> rx.Component:
    kind = ScheduleState.kind
    return rx.el.div(
        radio(NOW, kind, "At once", "As soon as you launch it.", ScheduleState.choose_kind(NOW)),
        radio(AT, kind, "At a time", "The same moment for everybody.", ScheduleState.choose_kind(AT)),
        radio(LOCAL, kind, "Local time", "When each person's own clock shows it.", ScheduleState.choose_kind(LOCAL)),
        radio(BEST, kind, "Best hour", "On one day, when each is likeliest to open.", ScheduleState.choose_kind(BEST)),
        radio(RECURRING, kind, "Recurring", "Every week, every month, by any rule.", RecurringState.choose),
        radio(
            EVENT, kind, "After an event", "When a person does something, such as leaving a cart.", TriggerState.choose
        ),
        class_name="pair kinds",
        role="radiogroup",
        aria_label="Schedule",
    )


def _input(name: str, kind: str, value: rx.Var[str], error: rx.Var[str], **props) -> rx.Component:
    return text_input(
        name,
        type=kind,
        default_value=value,
        key=f"{name}-{ScheduleState.revision}",
        **typed(ScheduleState.put(name)),
        invalid=error != "",
        **props,
    )


def _at() -> rx.Component:
    form, error = ScheduleState.form, ComposeState.errors.schedule.at
    no_time, no_zone = rx.cond(form.at == "", error, ""), rx.cond(form.at == "", "", error)
    zone = _input("zone", "text", form.zone, no_zone, list="zones", auto_complete="off")
    return rx.el.div(
        field("Day and time", _input("at", "datetime-local", form.at, no_time), name="at", error=no_time),
        field("On a clock in", zone, name="zone", error=no_zone),
        class_name="pair",
    )


def _local() -> rx.Component:
    form, error = ScheduleState.form, ComposeState.errors.schedule.wall
    past = choose("past", PAST, value=form.past, on_change=ScheduleState.put("past"))
    return rx.el.div(
        field(
            "Day and time",
            _input("wall", "datetime-local", form.wall, error),
            name="wall",
            error=error,
            help_text="On the clock of each device; else of its person, else of the app.",
        ),
        field("Whose clock is past it already", past, name="past"),
        class_name="pair",
    )


def _best() -> rx.Component:
    error = ComposeState.errors.schedule.date
    day = _input("date", "date", ScheduleState.form.date, error)
    return rx.el.div(
        rx.el.div(field("Day", day, name="date", error=error), class_name="pair"),
        rx.el.p(BEST_HOUR, class_name="muted small"),
        class_name="stack-s",
    )


def _read_back() -> rx.Component:
    """What was chosen, in words and dates."""
    shown = ScheduleState.shown
    told = rx.el.div(
        icon("calendar-check", theme.ICON_SMALL),
        rx.el.div(
            rx.el.p(shown.words, id="schedule-words", class_name="strong"),
            rx.cond(
                shown.dates.length() > 0,
                rx.el.div(
                    rx.el.span("Next", class_name="muted small"),
                    rx.el.ol(
                        rx.foreach(shown.dates, lambda date: rx.el.li(date, class_name="tnum")),
                        id="next-dates",
                        class_name="next-dates",
                    ),
                    rx.cond(shown.note != "", rx.el.span(shown.note, class_name="muted small"), rx.fragment()),
                    class_name="stack-xs",
                ),
                rx.fragment(),
            ),
            rx.cond(shown.problem != "", rx.el.p(shown.problem, class_name="care"), rx.fragment()),
            class_name="stack-s",
        ),
        class_name="read-back",
        aria_live="polite",
    )
    return rx.cond((shown.words != "") & (ScheduleState.kind != NOW), told, rx.fragment())
