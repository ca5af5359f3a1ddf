"""For whom the preview is: anybody by id, name or address, or one of the few who show most."""

import reflex as rx
from reflex.experimental import ClientStateVar

from console import theme
from console.components import draft
from console.components.forms import segmented
from console.components.layout import icon, icon_button
from console.rows.preview import Card, Choice
from console.states.preview import PreviewState
from console.states.telling import TellingState

_open = ClientStateVar.create("preview_choosing", default=False)
_typed = ClientStateVar.create("preview_search", default="")
FIND = "Find a person: id, token, or an attribute such as name:Ana"


def chooser() -> rx.Component:
    """Who it is, and which device; for nobody in particular, in which language."""
    return rx.el.div(
        rx.el.span("Show as", class_name="muted small nowrap", id="show-as"),
        rx.dialog.root(
            rx.dialog.trigger(
                rx.el.button(
                    icon("user", theme.ICON_SMALL),
                    rx.el.span(
                        rx.cond(PreviewState.person != "", PreviewState.label, "Nobody in particular"),
                        class_name="truncate",
                    ),
                    icon("chevrons-up-down", theme.ICON_SMALL),
                    type="button",
                    id="person",
                    class_name="input inspect-person",
                    aria_describedby="show-as",
                )
            ),
            _search(),
            open=_open.value,
            on_open_change=[_open.set_value, TellingState.look_for("")],
        ),
        rx.cond(PreviewState.person != "", _devices(), _languages()),
        class_name="row",
    )


def _search() -> rx.Component:
    busy = TellingState.answered != _typed.value.to(str).strip()
    return rx.dialog.content(
        rx.dialog.title("Show as", class_name="visually-hidden"),
        rx.dialog.description(FIND, class_name="visually-hidden"),
        rx.el.div(
            icon("search"),
            rx.el.input(
                placeholder=FIND,
                aria_label=FIND,
                class_name="palette-input",
                auto_focus=True,
                auto_complete="off",
                spell_check=False,
                max_length=255,
                on_change=[_typed.set_value, TellingState.look_for.debounce(200)],
            ),
            rx.cond(busy, rx.spinner(size="1"), rx.fragment()),
            class_name="palette-head",
        ),
        rx.el.div(_found(busy), _before(), class_name="palette-list", aria_busy=busy),
        class_name="palette",
    )


def _before() -> rx.Component:
    """Without words: nobody, and those looked at before."""
    nobody = rx.el.button(
        icon("user-x"), "Nobody in particular", type="button", class_name="palette-item wide-item", on_click=_choose("")
    )
    recent = rx.foreach(PreviewState.recent, lambda one: _item(one, "history"))
    return rx.cond(
        _typed.value.to(str).strip() == "",
        rx.el.div(
            rx.cond(
                PreviewState.recent.length() > 0,
                rx.el.div(rx.el.div("Looked at before", class_name="palette-heading"), recent),
                rx.fragment(),
            ),
            rx.el.div(rx.el.div("Or", class_name="palette-heading"), nobody),
        ),
        rx.fragment(),
    )


def _found(busy: rx.Var[bool]) -> rx.Component:
    found = TellingState.found
    nothing = rx.el.div(rx.cond(busy, "Searching…", "Nobody found"), class_name="palette-instead muted", role="status")
    return rx.cond(
        found.length() > 0,
        rx.el.div(
            rx.el.div("People", class_name="palette-heading"),
            rx.foreach(found, lambda one: _item(one, "user")),
            class_name="palette-things",
            data_stale=busy,
        ),
        nothing,
    )


def _item(one: rx.Var[Choice], sign: str) -> rx.Component:
    return rx.el.button(
        icon(sign),
        rx.el.span(one.label, class_name="truncate"),
        rx.el.span(one.note, class_name="push-right muted small palette-note"),
        type="button",
        class_name="palette-item wide-item",
        on_click=_choose(one.id),
    )


def _choose(person: rx.Var[str] | str):
    return [_open.set_value(False), _typed.set_value(""), PreviewState.look_as(person, "")]


def _devices() -> rx.Component:
    choose = rx.el.select(
        rx.el.option("Their devices, seen last", value=""),
        rx.foreach(PreviewState.devices, lambda one: rx.el.option(one.label, value=one.id)),
        class_name="input",
        value=PreviewState.device,
        on_change=PreviewState.look_on,
        aria_label="Device",
    )
    leave = icon_button("x", "Show nobody in particular", on_click=PreviewState.look_as("", ""))
    return rx.fragment(
        rx.cond(PreviewState.devices.length() > 1, rx.el.div(choose, class_name="select-fit"), rx.fragment()), leave
    )


def _languages() -> rx.Component:
    """Of a text in one language there is nothing to choose. The layer that is open in the form is the same."""
    spoken = draft.languages()
    choose = rx.el.select(
        rx.el.option("Default language", value=""),
        rx.foreach(spoken, lambda tag: rx.el.option(tag, value=tag)),
        class_name="input",
        value=draft.language(),
        on_change=draft.open_language(rx.Var("_typed", _var_type=str)),
        aria_label="Language",
    )
    return rx.cond(spoken.length() > 0, rx.el.div(choose, class_name="select-fit"), rx.fragment())


def strip() -> rx.Component:
    """The few who show most; the arrows go from one to the next."""
    return rx.cond(
        TellingState.ready,
        rx.cond(
            TellingState.cards.length() > 0,
            rx.el.div(
                rx.foreach(TellingState.cards, _card),
                role="radiogroup",
                aria_label="Telling recipients",
                class_name="inspect-strip",
                custom_attrs={"data-along": "true"},
            ),
            rx.fragment(),
        ),
        rx.el.div(
            *[rx.el.div(class_name="skeleton inspect-card") for _ in range(5)],
            class_name="inspect-strip",
            aria_busy="true",
        ),
    )


def _card(one: rx.Var[Card]) -> rx.Component:
    chosen = (PreviewState.person == one.person) & ((PreviewState.device == one.device) | (PreviewState.device == ""))
    return rx.el.button(
        rx.el.span(one.why, class_name="inspect-why"),
        rx.el.span(one.name, class_name="truncate strong"),
        rx.el.span(one.detail, class_name="truncate muted", title=one.detail),
        rx.el.span(one.under, class_name="truncate muted"),
        type="button",
        role="radio",
        aria_checked=chosen,
        class_name="inspect-card",
        on_click=PreviewState.look_as(one.person, one.device),
    )


def platforms() -> rx.Component:
    """Whose message is taken apart."""
    names = (("ios", "iOS"), ("android", "Android"), ("web", "Web"))
    return segmented(names, PreviewState.platform, PreviewState.inspect, "Platform")
