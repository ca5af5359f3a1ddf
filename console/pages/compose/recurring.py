"""The form of a schedule that recurs; experts write the rule itself."""

from typing import Final

import reflex as rx

from console import theme
from console.components.forms import choose, field, text_input, typed
from console.components.layout import icon, icon_button
from console.rows.recurring_form import DAYS, OWN
from console.states.compose import ComposeState
from console.states.recurring import RecurringState

NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
UNITS: Final = (("day", "days"), ("week", "weeks"), ("month", "months"), ("year", "years"))
PLACES: Final = (("1", "first"), ("2", "second"), ("3", "third"), ("4", "fourth"), ("-1", "last"))
FORM, ERRORS = RecurringState.form, ComposeState.errors.schedule


def recurring() -> rx.Component:
    """How often, at which times, from when to when, without which dates, on whose clock."""
    return rx.el.div(
        rx.cond(FORM.custom, _rule(), _fields()),
        rx.el.label(
            rx.switch(checked=FORM.custom, on_change=RecurringState.customise, id="custom"),
            rx.el.span(
                rx.el.span("Custom rule"),
                rx.el.span(
                    rx.cond(
                        RecurringState.problem != "",
                        RecurringState.problem,
                        "For those who know RRULE of RFC 5545: the text of what is chosen above.",
                    ),
                    class_name="muted small",
                ),
                class_name="stack-xs",
            ),
            class_name="switch-row",
        ),
        _span(),
        _excluded(),
        _clock(),
        class_name="stack",
    )


def _input(name: str, value: rx.Var[str], error: rx.Var[str], **props) -> rx.Component:
    return text_input(
        name,
        default_value=value,
        key=f"{name}-{RecurringState.revision}",
        **typed(RecurringState.put(name)),
        invalid=error != "",
        auto_complete="off",
        **props,
    )


def _pick(name: str, options, value: rx.Var[str], label: str) -> rx.Component:
    return rx.el.div(
        choose(name, options, value=value, on_change=RecurringState.put(name), aria_label=label),
        class_name="select-fit",
    )


def _fields() -> rx.Component:
    often = rx.el.div(
        rx.el.div(_input("every", FORM.every, ERRORS.rule, input_mode="numeric"), class_name="narrow"),
        _pick("unit", UNITS, FORM.unit, "Unit"),
        class_name="row",
    )
    return rx.fragment(
        field("Every", often, name="every", error=ERRORS.rule),
        rx.match(FORM.unit, ("week", _weekdays()), ("month", _in_month()), ("year", _in_year()), rx.fragment()),
        _times(),
    )


def _weekdays() -> rx.Component:
    days = [
        rx.el.button(
            name[:3],
            type="button",
            aria_label=name,
            aria_pressed=FORM.days.contains(code),
            class_name="chip",
            on_click=RecurringState.toggle_day(code),
        )
        for code, name in zip(DAYS, NAMES, strict=True)
    ]
    return rx.el.div(
        rx.el.span("On", class_name="field-label"),
        rx.el.div(*days, class_name="chips wrap", role="group", aria_label="Weekdays"),
        class_name="field",
    )


def _in_month() -> rx.Component:
    """A day by its number, or a weekday by its place."""
    by_day = rx.el.div(
        rx.el.span("Day", class_name="muted"),
        rx.el.div(_input("month_day", FORM.month_day, ERRORS.rule, input_mode="numeric"), class_name="narrow"),
        rx.el.span("-1 is the last one", class_name="muted small"),
        class_name="row",
    )
    by_place = rx.el.div(
        _pick("place", PLACES, FORM.place, "Which one"),
        _pick("place_day", tuple(zip(DAYS, NAMES, strict=True)), FORM.place_day, "Weekday"),
        class_name="row",
    )
    way = (("day", "The same day of the month"), ("place", "A weekday by its place"))
    return rx.el.div(
        field(
            "On",
            choose("month_by", way, value=FORM.month_by, on_change=RecurringState.put("month_by")),
            name="month_by",
        ),
        rx.el.div(
            rx.el.span("Which", class_name="field-label"),
            rx.cond(FORM.month_by == "day", by_day, by_place),
            class_name="field",
        ),
        class_name="pair",
    )


def _in_year() -> rx.Component:
    months = [(str(number), name) for number, name in enumerate(MONTHS, 1)]
    month = choose("month", months, value=FORM.month, on_change=RecurringState.put("month"))
    return rx.fragment(rx.el.div(field("In", month, name="month"), class_name="pair"), _in_month())


def _times() -> rx.Component:
    return rx.el.div(
        rx.el.span("At", class_name="field-label"),
        rx.el.div(
            rx.foreach(FORM.times, _time),
            rx.button(icon("plus", theme.ICON_SMALL), "Add time", variant="ghost", size="1", type="button",
                      on_click=RecurringState.add_time),
            class_name="row-wrap",
        ),
        _said(ERRORS.start),
        class_name="field",
    )  # fmt: skip


def _time(time: rx.Var[str], index: rx.Var[int]) -> rx.Component:
    return rx.el.span(
        rx.el.input(
            type="time",
            class_name="input time",
            aria_label=f"Time {index + 1}",
            default_value=time,
            **typed(RecurringState.put_time(index)),
        ),
        rx.cond(
            FORM.times.length() > 1,
            icon_button("x", "Remove this time", on_click=RecurringState.drop_time(index)),
            rx.fragment(),
        ),
        key=f"time-{index}-{RecurringState.revision}",
        class_name="row",
    )


def _rule() -> rx.Component:
    rule = _input("rule", FORM.rule, ERRORS.rule, placeholder="FREQ=MONTHLY;BYDAY=2TU", spell_check=False)
    first = rx.el.div(
        rx.foreach(FORM.times, lambda time, index: rx.cond(index == 0, _time(time, index), rx.fragment()))
    )
    return rx.fragment(
        field("Rule", rule, name="rule", error=ERRORS.rule, help_text="FREQ, INTERVAL, BYDAY, BYMONTHDAY, BYSETPOS …"),
        rx.el.div(rx.el.span("Time of day", class_name="field-label"), first, class_name="field"),
    )


def _span() -> rx.Component:
    """The first day, and how it ends."""
    after = rx.cond(FORM.custom, rx.fragment(), rx.el.option("After so many times", value="after"))
    ends = rx.el.select(
        rx.el.option("Never", value="never"),
        rx.el.option("On a date", value="on"),
        after,
        id="ends",
        class_name="input",
        value=FORM.ends,
        on_change=RecurringState.put("ends"),
    )
    until = _input(
        "until",
        FORM.until,
        ERRORS.until,
        type=rx.cond(FORM.until.contains("T"), "datetime-local", "date"),
        aria_label="Last day",
    )
    count = rx.el.div(
        _input("count", FORM.count, ERRORS.rule, input_mode="numeric", aria_label="How many times"),
        rx.el.span("times", class_name="muted"),
        class_name="row",
    )
    return rx.el.div(
        field("Starts", _input("starts", FORM.starts, ERRORS.start, type="date"), name="starts", error=ERRORS.start),
        field(
            "Ends",
            rx.el.div(ends, rx.match(FORM.ends, ("on", until), ("after", count), rx.fragment()), class_name="stack-s"),
            name="ends",
            error=ERRORS.until,
        ),
        class_name="pair",
    )


def _excluded() -> rx.Component:
    """Dates as chips; each is taken back by its button."""
    day = text_input("exclude", type="date", key=f"exclude-{FORM.exclude.length()}", aria_label="Date to leave out")
    add = rx.el.form(
        rx.el.div(day, rx.button("Leave out", variant="soft", type="submit"), class_name="row"),
        on_submit=RecurringState.leave_out,
    )
    return rx.el.div(
        rx.el.label("Except on", html_for="exclude", class_name="field-label"),
        rx.cond(
            FORM.exclude.length() > 0,
            rx.el.div(rx.foreach(FORM.exclude, _excluded_day), class_name="chips wrap"),
            rx.fragment(),
        ),
        rx.el.div(add, class_name="half"),
        _said(ERRORS.exclude),
        class_name="field",
    )


def _excluded_day(day: rx.Var[str]) -> rx.Component:
    return rx.el.button(
        day,
        icon("x", theme.ICON_SMALL - 2),
        type="button",
        aria_label=f"Take back {day}",
        class_name="chip",
        on_click=RecurringState.take_back(day),
        key=day,
    )


def _clock() -> rx.Component:
    whose = choose(
        "clock",
        ((OWN, "Each person's own"), ("zone", "One time zone for all")),
        value=FORM.clock,
        on_change=RecurringState.put("clock"),
    )
    zone = _input("zone", FORM.zone, ERRORS.zone, list="zones", aria_label="Time zone")
    return rx.el.div(
        field("Clock", whose, name="clock"),
        rx.cond(FORM.clock == "zone", field("Time zone", zone, name="zone", error=ERRORS.zone), rx.fragment()),
        class_name="pair",
    )


def _said(error: rx.Var[str]) -> rx.Component:
    return rx.cond(error != "", rx.el.span(error, class_name="field-error", role="alert"), rx.fragment())
