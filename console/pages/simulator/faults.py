"""The faults: weathers that have a name, answers to good requests, and every knob."""

import reflex as rx

from backend.simulator.presets import PRESETS
from console import routes
from console.components.forms import field, more, radio, text_input
from console.components.layout import icon, icon_button, link, panel
from console.rows import simulator_form as forms
from console.rows.simulator_form import Answer, Field, Group
from console.states.simulator import SimulatorState

FORM = "knobs"


def presets() -> rx.Component:
    """One click each."""
    cards = [
        radio(name, SimulatorState.weather.name, preset.title, preset.says, SimulatorState.choose(name))
        for name, preset in PRESETS.items()
    ]
    return panel(rx.el.div(*cards, class_name="presets", role="radiogroup", aria_label="Weather"), title="Weather")


def faults() -> rx.Component:
    """The form; Apply sets what it says, for the host that is chosen above it."""
    return rx.el.form(
        panel(
            rx.el.div(
                rx.cond(SimulatorState.place == forms.EVERYWHERE, _answers(), rx.fragment()),
                rx.foreach(SimulatorState.groups, _group),
                class_name="stack",
            ),
            rx.el.div(
                rx.button(
                    "Reset faults",
                    type="button",
                    variant="soft",
                    color_scheme="gray",
                    disabled=SimulatorState.weather.name == "well",
                    on_click=SimulatorState.choose("well"),
                ),
                rx.button("Apply", type="submit", data_save="true"),
                class_name="dialog-actions",
            ),
            title="Faults",
            aside=_places(),
        ),
        id=FORM,
        key=SimulatorState.revision.to_string(),
        on_submit=SimulatorState.apply,
    )


def _places() -> rx.Component:
    links = [
        link(
            label,
            to=routes.with_query(routes.SIMULATOR, {"host": place}),
            class_name="",
            aria_current=rx.cond(SimulatorState.place == place, "true", "false"),
        )
        for place, label in forms.PLACES
    ]
    return rx.el.nav(*links, class_name="segmented", aria_label="Host")


def _answers() -> rx.Component:
    heading = rx.el.div(
        rx.el.span("Answers to good requests", class_name="strong"),
        rx.el.span("Each line gives a share of one provider's good requests another answer.", class_name="muted small"),
        class_name="stack-xs",
    )
    add = rx.button(
        icon("plus"), "Add an answer", type="button", variant="soft", size="1", on_click=SimulatorState.add_answer
    )
    return rx.el.div(heading, rx.foreach(SimulatorState.answers, _answer), rx.el.div(add), class_name="stack-s")


def _answer(line: rx.Var[Answer]) -> rx.Component:
    number = line.number.to_string()
    groups = [
        rx.el.optgroup(*[rx.el.option(each.label, value=each.value) for each in options], label=title)
        for title, options in forms.choices()
    ]
    own = rx.cond(line.known, rx.fragment(), rx.el.option(line.label, value=line.answer))
    chosen = rx.el.select(
        own, *groups, name="answer_" + number, default_value=line.answer, class_name="input", aria_label="Answer"
    )
    share = _measured(
        rx.el.input(
            name="share_" + number,
            default_value=line.share,
            class_name="input",
            aria_label="Share",
            input_mode="decimal",
        ),
        "%",
    )
    wait = _measured(
        rx.el.input(
            name="wait_" + number,
            default_value=line.wait,
            placeholder="no Retry-After",
            class_name="input",
            aria_label="Retry-After",
            input_mode="numeric",
        ),
        "s",
    )
    return rx.el.div(
        rx.el.div(
            chosen,
            share,
            wait,
            icon_button("trash-2", "Remove this answer", on_click=SimulatorState.remove_answer(line.number)),
            class_name="fault-row",
        ),
        rx.cond(line.error != "", rx.el.span(line.error, class_name="field-error", role="alert"), rx.fragment()),
        key=number,
    )


def _group(group: rx.Var[Group]) -> rx.Component:
    return more(
        group.title,
        rx.el.div(rx.foreach(group.fields, _field), class_name="knobs"),
        note=rx.el.span(group.note, class_name="muted small plain"),
    )


def _field(knob: rx.Var[Field]) -> rx.Component:
    control = rx.match(
        knob.kind,
        (forms.SHARE, _share(knob)),
        (forms.NUMBER, _measured(_number(knob), knob.unit)),
        _choice(knob),
    )
    return field(knob.label, control, name=knob.name, help_text=knob.help, error=knob.error)


def _number(knob: rx.Var[Field], **props) -> rx.Component:
    return text_input(
        knob.name,
        default_value=knob.value,
        placeholder=knob.otherwise,
        input_mode="decimal",
        invalid=knob.error != "",
        **props,
    )


def _share(knob: rx.Var[Field]) -> rx.Component:
    """A slider and a number that follow each other."""
    slider = rx.el.input(
        type="range",
        id=knob.name + "_slider",
        min=0,
        max=100,
        step=0.5,
        default_value=rx.cond(knob.value != "", knob.value, knob.otherwise),
        class_name="slider",
        aria_label=knob.label,
        custom_attrs={"data-twin": knob.name},
    )
    number = _number(knob, custom_attrs={"data-twin": knob.name + "_slider"})
    return rx.el.div(slider, _measured(number, "%"), class_name="share-field")


def _choice(knob: rx.Var[Field]) -> rx.Component:
    return rx.el.select(
        rx.foreach(knob.options, lambda option: rx.el.option(option.label, value=option.value)),
        id=knob.name,
        name=knob.name,
        default_value=knob.value,
        class_name="input",
    )


def _measured(control: rx.Component, unit) -> rx.Component:
    """A control with its unit beside it."""
    return rx.el.div(control, rx.el.span(unit, class_name="unit"), class_name="measured")
