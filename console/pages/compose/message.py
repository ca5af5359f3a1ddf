"""What is said: texts in every language, picture, link, buttons, and what one platform alone can do."""

import reflex as rx

from console import theme
from console.components import draft
from console.components.forms import choose, choose_from, field, more, text_area, text_input
from console.components.layout import icon, icon_button, panel
from console.rows.compose import MAX_BUTTONS, Button
from console.states.compose import ComposeState
from console.states.content import ContentState
from console.states.send_rules import SendRulesState

LEVELS = (
    ("", "Active (default)"),
    ("passive", "Passive: no sound, no light"),
    ("time-sensitive", "Time sensitive: breaks through Focus"),
    ("critical", "Critical: needs Apple's permission"),
)
VISIBILITY = (
    ("", "As the channel says"),
    ("public", "Shown on the lock screen"),
    ("private", "Content hidden when locked"),
    ("secret", "Not on the lock screen"),
)
URGENCY = (
    ("", "Normal (default)"),
    ("very-low", "Very low: on power and Wi-Fi"),
    ("low", "Low"),
    ("high", "High: wakes the device"),
)
TITLE_FITS, BODY_FITS = 40, 160


def message() -> rx.Component:
    """The panel of the wording."""
    return panel(
        rx.el.div(
            _languages(), rx.el.div(_texts(), _base_only(), key=_key("form"), class_name="stack"), class_name="stack"
        ),
        title="Message",
        aside=_category(),
    )


def _key(name: str) -> rx.Var[str]:
    """Fields keep their own text while typing; a new revision gives them another."""
    return rx.Var.create(f"{name}-{ContentState.revision}")


def _category() -> rx.Component:
    return rx.el.label(
        rx.el.span("Category", class_name="muted small"),
        choose_from(
            "category",
            ComposeState.categories,
            value=ComposeState.category,
            on_change=[ComposeState.choose_category, SendRulesState.look],
        ),
        class_name="row select-fit",
    )


def _typed(name: str) -> list:
    return [draft.put(name), ContentState.edit(draft.now()).debounce(400)]


def _counter(name: str, fits: int) -> rx.Component:
    length = draft.text(name).length()
    return rx.el.span(
        length,
        class_name="counter",
        data_over=length > fits,
        title=f"About {fits} characters are seen before the cut on a locked iPhone",
    )


def _languages() -> rx.Component:
    current = ContentState.draft.language
    return rx.el.div(
        rx.el.div(
            _language("", "Default"),
            rx.foreach(ContentState.languages, lambda tag: _language(tag, tag)),
            class_name="segmented",
            role="group",
            aria_label="Language",
        ),
        _add_language(),
        rx.cond(
            current != "",
            icon_button("trash-2", "Remove this language", on_click=ContentState.remove_language(current)),
            rx.fragment(),
        ),
        class_name="row",
    )


def _language(tag, label) -> rx.Component:
    return rx.el.button(
        label,
        type="button",
        aria_pressed=ContentState.draft.language == tag,
        on_click=ContentState.choose_language(tag, draft.now()),
    )


def _add_language() -> rx.Component:
    return rx.popover.root(
        rx.popover.trigger(icon_button("plus", "Add a language")),
        rx.popover.content(
            rx.form(
                rx.el.div(
                    field(
                        "Language",
                        text_input("language", placeholder="pl, de, pt-BR", auto_complete="off", required=True),
                        name="language",
                        help_text="Texts left empty are taken from the default.",
                    ),
                    rx.popover.close(rx.button("Add", type="submit", size="2")),
                    class_name="stack",
                ),
                on_submit=ContentState.add_language,
                reset_on_submit=True,
            ),
            width=theme.POPOVER,
        ),
    )


def _texts() -> rx.Component:
    shown, errors = ContentState.draft, ComposeState.errors
    return rx.fragment(
        field(
            "Title",
            text_input(
                "title",
                default_value=shown.title,
                on_change=_typed("title"),
                invalid=errors.title != "",
                placeholder="Your order is on its way",
                auto_complete="off",
            ),
            name="title",
            error=errors.title,
            counter=_counter("title", TITLE_FITS),
        ),
        field(
            "Body",
            text_area(
                "body",
                default_value=shown.body,
                on_change=_typed("body"),
                invalid=errors.body != "",
                placeholder="Hi {{ user.name | default('there') }}, it arrives tomorrow.",
            ),
            name="body",
            error=errors.body,
            counter=_counter("body", BODY_FITS),
            help_text="Variables: {{ user.name | default('there') }}, {{ user.country }}, {{ device.model }}.",
        ),
    )


def _base_only() -> rx.Component:
    """Pictures, links and buttons of the default language; other languages only say other words."""
    shown, errors = ContentState.draft, ComposeState.errors
    return rx.fragment(
        rx.el.div(
            field(
                "Link",
                text_input(
                    "link",
                    default_value=shown.link,
                    on_change=_typed("link"),
                    invalid=errors.link != "",
                    placeholder="myapp://orders or https://…",
                    auto_complete="off",
                ),
                name="link",
                error=errors.link,
                help_text="Opened by a tap.",
            ),
            field(
                "Image",
                text_input(
                    "image",
                    default_value=shown.image,
                    on_change=_typed("image"),
                    invalid=errors.image != "",
                    placeholder="https://…",
                    auto_complete="off",
                    input_mode="url",
                ),
                name="image",
                error=errors.image,
                help_text="2:1, at most 1 MB.",
            ),
            class_name="pair",
        ),
        rx.cond(
            shown.language == "",
            rx.fragment(_buttons(), rx.el.hr(class_name="rule"), _ios(), _android(), _web(), _sending()),
            more("Subtitle", _subtitle()),
        ),
    )


def _subtitle() -> rx.Component:
    errors = ComposeState.errors
    return field(
        "Subtitle",
        text_input(
            "subtitle",
            default_value=ContentState.draft.subtitle,
            on_change=_typed("subtitle"),
            invalid=errors.subtitle != "",
            auto_complete="off",
        ),
        name="subtitle",
        error=errors.subtitle,
        help_text="A second bold line, on iPhones only.",
    )


def _buttons() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span("Buttons", class_name="field-label"),
            rx.cond(
                ContentState.draft.buttons.length() < MAX_BUTTONS,
                rx.button(
                    icon("plus", theme.ICON_SMALL),
                    "Add button",
                    variant="ghost",
                    size="1",
                    type="button",
                    on_click=ContentState.add_button(draft.now()),
                ),
                rx.fragment(),
            ),
            class_name="row-between",
        ),
        rx.foreach(ContentState.draft.buttons, _button),
        rx.cond(
            ComposeState.errors.buttons != "",
            rx.el.span(
                icon("circle-alert", theme.ICON_SMALL - 2),
                ComposeState.errors.buttons,
                class_name="field-error",
                role="alert",
            ),
            rx.cond(
                ContentState.draft.buttons.length() > 0,
                rx.el.span("iPhones show up to 4, Android 3, browsers 2.", class_name="field-help"),
                rx.fragment(),
            ),
        ),
        class_name="stack-s",
    )


def _button(button: rx.Var[Button], index: rx.Var[int]) -> rx.Component:
    save = ContentState.edit(draft.now()).debounce(400)
    return rx.el.div(
        rx.el.input(
            class_name="input",
            aria_label="Button text",
            placeholder="Text",
            default_value=button.title,
            on_change=[draft.put_button(index, "title"), save],
        ),
        rx.el.input(
            class_name="input",
            aria_label="Button link",
            placeholder="Link",
            default_value=button.link,
            on_change=[draft.put_button(index, "link"), save],
        ),
        icon_button("x", "Remove button", on_click=ContentState.remove_button(button.id, draft.now())),
        class_name="button-row",
        key=button.id,
    )


def _extra(name: str) -> rx.event.EventCallback:
    return ContentState.change_extra(name).debounce(400)


def _extras_error() -> rx.Component:
    return rx.cond(
        ComposeState.errors.extras != "",
        rx.el.span(
            icon("circle-alert", theme.ICON_SMALL - 2),
            ComposeState.errors.extras,
            class_name="field-error",
            role="alert",
        ),
        rx.fragment(),
    )


def _text_extra(label: str, name: str, help_text: str, **props) -> rx.Component:
    value = getattr(ContentState.extras, name)
    return field(
        label,
        text_input(
            name,
            default_value=value,
            on_change=_extra(name),
            on_blur=ContentState.change_extra(name),
            auto_complete="off",
            **props,
        ),
        name=name,
        help_text=help_text,
    )


def _choice_extra(label: str, name: str, options, help_text: str | None = None) -> rx.Component:
    value = getattr(ContentState.extras, name)
    return field(
        label,
        choose(name, options, value=value, on_change=ContentState.change_extra(name)),
        name=name,
        help_text=help_text,
    )


def _switch_extra(label: str, name: str, help_text: str) -> rx.Component:
    value = getattr(ContentState.extras, name)
    return rx.el.label(
        rx.switch(checked=value, on_change=ContentState.change_extra(name), size="1"),
        rx.el.span(rx.el.span(label), rx.el.span(help_text, class_name="field-help"), class_name="stack-xs"),
        class_name="switch-row",
    )


def _ios() -> rx.Component:
    return more(
        "iOS",
        _subtitle(),
        rx.el.div(
            _choice_extra("Interruption level", "interruption_level", LEVELS),
            _text_extra("Badge", "badge", "The number on the app's icon.", input_mode="numeric"),
            class_name="pair",
        ),
        _text_extra("Thread", "thread", "Notifications of one thread are stacked; Android groups them."),
        note=rx.el.span("subtitle, interruption level, badge", class_name="muted small"),
    )


def _android() -> rx.Component:
    return more(
        "Android",
        rx.el.div(
            _text_extra("Channel", "channel_id", "Must exist in your app."),
            _text_extra("Accent colour", "color", "As #rrggbb.", placeholder="#rrggbb"),
            class_name="pair",
        ),
        _choice_extra("On the lock screen", "visibility", VISIBILITY),
        note=rx.el.span("channel, colour, lock screen", class_name="muted small"),
    )


def _web() -> rx.Component:
    return more(
        "Web",
        _switch_extra("Stay until dismissed", "require_interaction", "Chrome and Edge on a desktop keep it on screen."),
        _choice_extra("Urgency", "urgency", URGENCY),
        note=rx.el.span("stay on screen, urgency", class_name="muted small"),
    )


def _sending() -> rx.Component:
    return more(
        "Delivery",
        rx.el.div(
            _text_extra("Keep trying for (hours)", "ttl_hours", "For devices that are offline.", input_mode="decimal"),
            _text_extra("Collapse key", "collapse_key", "A later push with this key replaces it."),
            class_name="pair",
        ),
        _switch_extra("Silent", "silent", "Wakes the app in the background and shows nothing."),
        _extras_error(),
        note=rx.el.span("lifetime, collapse key, silent", class_name="muted small"),
    )
