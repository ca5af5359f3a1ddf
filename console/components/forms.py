"""Form fields: label above, help below in grey, an error in its place."""

from collections.abc import Sequence

import reflex as rx

from console import theme
from console.components.layout import icon


def field(
    label, control: rx.Component, *, name: str, help_text=None, error: rx.Var[str] | None = None, counter=None
) -> rx.Component:
    """A control with everything a person needs to fill it in. `name` ties label and control together."""
    below = rx.el.span(help_text, class_name="field-help") if help_text is not None else rx.fragment()
    if error is not None:
        below = rx.cond(error != "", _error(error), below)
    return rx.el.div(
        rx.el.label(label, counter or rx.fragment(), html_for=name, class_name="field-label"),
        control,
        below,
        class_name="field",
    )


def _error(text: rx.Var[str]) -> rx.Component:
    return rx.el.span(icon("circle-alert", theme.ICON_SMALL - 2), text, class_name="field-error", role="alert")


def typed(event, pause: int = 300) -> dict:
    """The events of a text field whose handler other fields share: heard of when typing pauses, and at once when
    the field is left. A pause is counted by handler, so that the next field's would swallow this one's."""
    return {"on_change": event.debounce(pause), "on_blur": event}


def text_input(name: str, *, invalid: rx.Var[bool] | bool = False, **props) -> rx.Component:
    """A one-line field that keeps its own text, so that no keystroke waits for the server."""
    return rx.el.input(id=name, name=name, class_name="input", aria_invalid=invalid, **props)


def text_area(name: str, *, invalid: rx.Var[bool] | bool = False, **props) -> rx.Component:
    return rx.el.textarea(id=name, name=name, aria_invalid=invalid, **{"class_name": "input", **props})


def choose(name: str, options: Sequence[tuple[str, str]], **props) -> rx.Component:
    """A native select: works with keyboard, screen reader and phone alike. `options` are (value, label)."""
    return rx.el.select(
        *[rx.el.option(label, value=value) for value, label in options], id=name, name=name, class_name="input", **props
    )


def choose_from(name: str, options: rx.Var, **props) -> rx.Component:
    """A native select over rows that have `value` and `label`."""
    return rx.el.select(
        rx.foreach(options, lambda option: rx.el.option(option.label, value=option.value)),
        id=name,
        name=name,
        class_name="input",
        **props,
    )


def radio(value: str, current: rx.Var[str], title, text, on_choose) -> rx.Component:
    """One of several ways, with a sentence on what it means."""
    return rx.el.button(
        rx.el.span(class_name="choice-dot"),
        rx.el.span(
            rx.el.span(title, class_name="strong"), rx.el.span(text, class_name="muted small"), class_name="stack-xs"
        ),
        type="button",
        role="radio",
        aria_checked=current == value,
        class_name="choice",
        on_click=on_choose,
    )


def chip(label, pressed: rx.Var[bool], on_click, count=None) -> rx.Component:
    """A filter that is on or off."""
    extra = rx.el.span(count, class_name="tnum") if count is not None else rx.fragment()
    return rx.el.button(label, extra, type="button", aria_pressed=pressed, class_name="chip", on_click=on_click)


def segmented(options: Sequence[tuple[str, str]], current: rx.Var[str], choose_one, label: str) -> rx.Component:
    """A few ways to look at the same thing. `choose_one(value)` is the event."""
    buttons = [
        rx.el.button(text, type="button", aria_pressed=current == value, on_click=choose_one(value))
        for value, text in options
    ]
    return rx.el.div(*buttons, class_name="segmented", role="group", aria_label=label)


def more(title: str, *children, note: rx.Component | None = None) -> rx.Component:
    """Fields that most people leave alone."""
    return rx.el.details(
        rx.el.summary(icon("chevron-right", theme.ICON_SMALL, class_name="chevron"), title, note or rx.fragment()),
        rx.el.div(*children, class_name="more-body stack"),
        class_name="more",
    )
