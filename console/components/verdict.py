"""The box that says why somebody gets a campaign or not, rule by rule."""

import reflex as rx

from console import theme
from console.components.badges import delivery_badge
from console.components.feedback import note
from console.components.forms import field, text_input
from console.components.layout import icon, link
from console.rows.verdicts import DeviceCase, LookLine, RecordLine
from console.states.verdicts import VerdictState


def why_button() -> rx.Component:
    """Opens the box."""
    return rx.button(
        icon("circle-help"), "Why / why not", variant="soft", color_scheme=theme.QUIET, on_click=VerdictState.show(True)
    )


def why_of_person() -> rx.Component:
    """On a person's page: choose a campaign."""
    chosen = rx.el.select(
        rx.el.option("Choose a campaign", value=""),
        rx.foreach(VerdictState.choices, lambda one: rx.el.option(one.label, value=one.value)),
        id="explain_campaign",
        name="explain_campaign",
        value=VerdictState.asked,
        class_name="input",
        on_change=VerdictState.of_campaign,
    )
    return _dialog(
        "Why this person gets a campaign, or does not", field("Campaign", chosen, name="explain_campaign"), person=False
    )


def why_of_campaign() -> rx.Component:
    """On a campaign's page: name a person."""
    form = rx.form(
        field(
            "Person",
            rx.el.div(
                text_input("explain_user", placeholder="The id your app gives them, or usr_…", auto_complete="off"),
                rx.button("Explain", type="submit"),
                class_name="measured",
            ),
            name="explain_user",
        ),
        on_submit=VerdictState.of_person,
    )
    return _dialog("Why a person gets this campaign, or does not", form, person=True)


def _dialog(title: str, ask: rx.Component, *, person: bool) -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, size="4"),
            rx.dialog.description(
                "Each rule that the sender asks, as it would answer now. Nothing is sent.", class_name="dialog-text"
            ),
            rx.el.div(
                ask,
                rx.cond(VerdictState.problem != "", note(VerdictState.problem, tone=theme.CARE), rx.fragment()),
                rx.cond(VerdictState.shown.text != "", _answer(person), rx.fragment()),
                class_name="stack after-l",
            ),
            rx.el.div(
                rx.dialog.close(rx.button("Close", variant="soft", color_scheme=theme.QUIET)),
                class_name="dialog-actions",
            ),
            max_width=theme.DIALOG_WIDER,
        ),
        open=VerdictState.open,
        on_open_change=VerdictState.show,
    )


def _answer(person: bool) -> rx.Component:
    shown = VerdictState.shown
    other = link(shown.person, to=shown.person_href) if person else link(shown.campaign, to=shown.campaign_href)
    return rx.el.div(
        rx.el.div(
            rx.el.p(shown.text, class_name="verdict-text"),
            rx.el.p(other, " · as of ", shown.at, class_name="muted small verdict-other"),
            class_name="stack-xs",
        ),
        rx.el.div(rx.foreach(shown.first, _look), class_name="verdict-looks"),
        rx.cond(shown.recorded.length() > 0, _records(), rx.fragment()),
        rx.foreach(shown.devices, _device),
        class_name="stack",
        id="verdict",
    )


def _mark(tone: rx.Var[str]) -> rx.Component:
    signs = [(name, icon(look.icon, theme.ICON_SMALL - 2)) for name, look in theme.STEP.items()]
    return rx.el.span(rx.match(tone, *signs, rx.fragment()), class_name="step-mark verdict-mark", data_tone=tone)


def _look(one: rx.Var[LookLine]) -> rx.Component:
    return rx.el.div(
        _mark(one.tone),
        rx.el.span(one.title, class_name="verdict-title"),
        rx.el.span(one.text, class_name="verdict-said"),
        class_name="verdict-look",
    )


def _device(one: rx.Var[DeviceCase]) -> rx.Component:
    signs = [(key, icon(sign)) for key, sign in theme.PLATFORM_ICON.items()]
    return rx.el.section(
        rx.el.div(
            rx.match(one.platform, *signs, icon("smartphone")),
            rx.el.span(one.name, class_name="strong truncate"),
            rx.el.span(one.text, class_name="verdict-of", data_tone=one.tone),
            class_name="verdict-device",
        ),
        rx.cond(
            one.looks.length() > 0, rx.el.div(rx.foreach(one.looks, _look), class_name="verdict-looks"), rx.fragment()
        ),
        key=one.key,
        class_name="stack-s",
    )


def _records() -> rx.Component:
    return rx.el.section(
        rx.el.h3("What was recorded", class_name="strong"),
        rx.el.div(rx.foreach(VerdictState.shown.recorded, _record), class_name="verdict-looks"),
        class_name="stack-s",
    )


def _record(one: rx.Var[RecordLine]) -> rx.Component:
    return rx.el.div(
        delivery_badge(one.state),
        rx.el.span(one.platform, class_name="muted"),
        rx.el.span(one.note, class_name="verdict-note"),
        link(one.at.short, to=one.href, class_name="link nowrap push-right", title=one.at.exact),
        class_name="verdict-record",
        key=one.key,
    )
