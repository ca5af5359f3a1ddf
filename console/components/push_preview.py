"""A notification as phones and browsers draw it, in HTML and CSS: real fonts, real line clamping, light and dark.

Measures are the systems' own (points of a 390-wide iPhone, dp of a 412-wide Pixel); the stage only scales them.
"""

from dataclasses import dataclass

import reflex as rx
from reflex.experimental import ClientStateVar

from console import theme
from console.components.draft import host
from console.components.layout import icon

MODES = (("collapsed", "Lock screen"), ("banner", "Banner"), ("expanded", "Expanded"))
mode = ClientStateVar.create("preview_mode", default="collapsed")
dark = ClientStateVar.create("preview_dark", default=False)
picture = ClientStateVar.create("preview_picture", default="")


@dataclass(frozen=True, slots=True)
class Texts:
    """What one platform shows, as values of the page."""

    title: rx.Var[str]
    subtitle: rx.Var[str]
    body: rx.Var[str]
    image: rx.Var[str]
    buttons: rx.Var[list[str]]
    urgent: rx.Var[bool]


def push_preview(app_name: rx.Var[str], initials: rx.Var[str], ios: Texts, android: Texts, web: Texts) -> rx.Component:
    """All platforms side by side, with the ways to look at them."""
    return rx.el.div(
        _controls(),
        rx.el.div(_iphone(app_name, initials, ios), _pixel(app_name, initials, android), class_name="stage-phones"),
        rx.el.div(_chrome(app_name, initials, web), _safari(app_name, initials, web), class_name="stage-web"),
        class_name="stage",
        data_mode=mode.value,
        data_dark=dark.value,
    )


def _controls() -> rx.Component:
    buttons = [
        rx.el.button(label, type="button", aria_pressed=mode.value == value, on_click=mode.set_value(value))
        for value, label in MODES
    ]
    return rx.el.div(
        rx.el.div(*buttons, class_name="segmented", role="group", aria_label="What the preview shows"),
        rx.el.button(
            rx.cond(dark.value, icon("sun", theme.ICON_SMALL), icon("moon", theme.ICON_SMALL)),
            rx.cond(dark.value, "Light", "Dark"),
            type="button",
            class_name="chip push-right",
            on_click=dark.set_value(~dark.value.to(bool)),
        ),
        class_name="row",
    )


def _placeholder(value: rx.Var[str], words: str, class_name: str) -> rx.Component:
    return rx.cond(
        value != "", rx.el.div(value, class_name=class_name), rx.el.div(words, class_name=f"{class_name} p-ghost")
    )


def _body(texts: Texts, class_name: str) -> rx.Component:
    """The ghost only stands in while there is nothing at all to show."""
    empty = (texts.title == "") & (texts.subtitle == "")
    return rx.cond(
        texts.body != "",
        rx.el.div(texts.body, class_name=class_name),
        rx.cond(empty, rx.el.div("What you want to say", class_name=f"{class_name} p-ghost"), rx.fragment()),
    )


def _image(texts: Texts, class_name: str) -> rx.Component:
    """A picture lies on another host: it is only fetched when somebody asks to see it."""
    asked = picture.value == texts.image
    frame = rx.el.button(
        icon("image", theme.ICON),
        rx.el.span("Show picture from ", host(texts.image), class_name="p-image-text"),
        type="button",
        class_name=f"{class_name} p-image",
        on_click=picture.set_value(texts.image),
        title="Show the picture",
    )
    return rx.cond(
        texts.image != "",
        rx.cond(asked, rx.el.img(src=texts.image, alt="", class_name=class_name, referrer_policy="no-referrer"), frame),
        rx.fragment(),
    )


def _buttons(texts: Texts, class_name: str) -> rx.Component:
    return rx.cond(
        texts.buttons.length() > 0,
        rx.el.div(
            rx.foreach(texts.buttons, lambda title: rx.el.div(title, class_name="p-button")),
            class_name=f"p-buttons {class_name}",
        ),
        rx.fragment(),
    )


def _iphone(app_name, initials, texts: Texts) -> rx.Component:
    return rx.el.figure(
        rx.el.div(
            rx.el.div("Saturday 21 November", class_name="ios-date"),
            rx.el.div("9:41", class_name="ios-clock"),
            rx.el.div(
                _image(texts, "ios-hero"),
                rx.el.div(
                    rx.el.div(initials, class_name="p-icon"),
                    rx.el.div(
                        rx.cond(texts.urgent, rx.el.div("TIME SENSITIVE", class_name="ios-urgent"), rx.fragment()),
                        rx.el.div(
                            _placeholder(texts.title, app_name, "ios-title"),
                            rx.el.span("now", class_name="ios-when"),
                            class_name="ios-line",
                        ),
                        rx.cond(
                            texts.subtitle != "", rx.el.div(texts.subtitle, class_name="ios-subtitle"), rx.fragment()
                        ),
                        _body(texts, "ios-body"),
                        class_name="p-words",
                    ),
                    _image(texts, "ios-thumb"),
                    class_name="ios-card",
                ),
                _buttons(texts, "ios-buttons"),
                class_name="ios-push",
            ),
            class_name="phone phone-ios",
        ),
        rx.el.figcaption(icon("smartphone", theme.ICON_SMALL), "iPhone"),
        class_name="p-figure",
    )


def _pixel(app_name, initials, texts: Texts) -> rx.Component:
    return rx.el.figure(
        rx.el.div(
            rx.el.div(rx.el.span("9:41"), rx.el.span("Sat, 21 Nov"), class_name="android-bar"),
            rx.el.div(
                rx.el.div(initials, class_name="p-icon p-icon-round"),
                rx.el.div(
                    rx.el.div(app_name, rx.el.span(" · now"), class_name="android-app"),
                    rx.el.div(
                        _placeholder(texts.title, app_name, "android-title"),
                        rx.el.span("now", class_name="android-when"),
                        class_name="android-line",
                    ),
                    _body(texts, "android-body"),
                    _image(texts, "android-hero"),
                    _buttons(texts, "android-buttons"),
                    class_name="p-words",
                ),
                _image(texts, "android-thumb"),
                rx.el.span(icon("chevron-down", theme.ICON), class_name="android-chevron"),
                class_name="android-card",
            ),
            class_name="phone phone-android",
        ),
        rx.el.figcaption(icon("tablet-smartphone", theme.ICON_SMALL), "Android"),
        class_name="p-figure",
    )


def _chrome(app_name, initials, texts: Texts) -> rx.Component:
    return rx.el.figure(
        rx.el.div(
            rx.el.div(
                _image(texts, "chrome-hero"),
                rx.el.div(rx.el.span(class_name="chrome-dot"), "Chrome", class_name="chrome-head"),
                rx.el.div(
                    rx.el.div(initials, class_name="p-icon"),
                    rx.el.div(
                        _placeholder(texts.title, app_name, "chrome-title"),
                        _body(texts, "chrome-body"),
                        rx.el.div("your-site.example", class_name="chrome-origin"),
                        class_name="p-words",
                    ),
                    class_name="chrome-row",
                ),
                _buttons(texts, "chrome-buttons"),
                class_name="chrome-card",
            ),
            class_name="desk",
        ),
        rx.el.figcaption(icon("globe", theme.ICON_SMALL), "Chrome on Windows"),
        class_name="p-figure",
    )


def _safari(app_name, initials, texts: Texts) -> rx.Component:
    return rx.el.figure(
        rx.el.div(
            rx.el.div(
                rx.el.div(initials, class_name="p-icon"),
                rx.el.div(
                    _placeholder(texts.title, app_name, "safari-title"),
                    _body(texts, "safari-body"),
                    class_name="p-words",
                ),
                class_name="safari-card",
            ),
            class_name="desk",
        ),
        rx.el.figcaption(icon("globe", theme.ICON_SMALL), "Safari on macOS"),
        class_name="p-figure",
    )
