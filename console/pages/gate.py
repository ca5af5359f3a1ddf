"""The two doors: signing in, and signing up by the one-time link."""

import reflex as rx

from console import routes, theme
from console.components.feedback import note
from console.components.forms import field, text_input
from console.components.layout import icon
from console.components.native_form import native_form
from console.shell import NAME, open_page

SIGN_IN_PROBLEMS = {
    "refused": "That email and password do not go together. Check both and try again.",
    "wait": "Too many attempts. Wait a few minutes, then try again.",
    "origin": "The form was sent from another address. Try again from this page.",
}
SIGN_UP_PROBLEMS = {
    "link": "This link has been used, replaced or has expired. Ask for a new one.",
    "password": "Choose a password of at least 12 characters that is not one of the common ones.",
    "email": "Enter a valid email address.",
    "taken": "There is already a member with this email. Sign in instead.",
    "name": "Enter a name of at most 200 characters.",
    "wait": "Too many attempts. Wait a few minutes, then try again.",
    "origin": "The form was sent from another address. Try again from this page.",
}


@open_page(routes.LOGIN, "Sign in")
def login() -> rx.Component:
    """Email and password, posted as a plain form so that the answer can set the cookie."""
    return _gate(
        f"Sign in to {NAME}",
        "Push notifications that your team runs itself.",
        _problem(SIGN_IN_PROBLEMS),
        native_form(
            _hidden("next"),
            field(
                "Email",
                text_input(
                    "email",
                    type="email",
                    auto_complete="username",
                    required=True,
                    auto_focus=True,
                    default_value=_asked("email"),
                    key=_asked("email"),
                ),
                name="email",
            ),
            field(
                "Password",
                text_input("password", type="password", auto_complete="current-password", required=True),
                name="password",
            ),
            rx.button("Sign in", type="submit", size="3", width="100%"),
            action=routes.SIGN_IN,
            method="post",
            class_name="stack",
        ),
    )


@open_page(routes.SETUP, "Set up")
def setup() -> rx.Component:
    """The person behind the one-time link becomes a member; the first of all is the owner."""
    return _gate(
        f"Welcome to {NAME}",
        "Make your account. The first one owns this installation and can invite the others.",
        _problem(SIGN_UP_PROBLEMS),
        native_form(
            _hidden("token"),
            field(
                "Name",
                text_input("name", auto_complete="name", required=True, max_length=200, auto_focus=True),
                name="name",
            ),
            field(
                "Email",
                text_input("email", type="email", auto_complete="username", required=True, max_length=320),
                name="email",
            ),
            field(
                "Password",
                text_input("password", type="password", auto_complete="new-password", required=True, min_length=12),
                name="password",
                help_text="At least 12 characters.",
            ),
            rx.button("Create account", type="submit", size="3", width="100%"),
            action=routes.SIGN_UP,
            method="post",
            class_name="stack",
        ),
    )


def _gate(title: str, text: str, *children: rx.Component) -> rx.Component:
    return rx.el.main(
        rx.el.div(
            rx.el.header(
                rx.el.div(icon("bell-ring", theme.ICON + 2), class_name="mark"),
                rx.el.h1(title),
                rx.el.p(text, class_name="muted"),
                class_name="gate-head",
            ),
            *children,
            class_name="gate-box",
        ),
        class_name="gate",
    )


def _asked(name: str) -> rx.Var[str]:
    """A value from the address, empty when it is not there."""
    return rx.Var.create(rx.State.router.url.query_parameters[name]).to(str) | ""


def _hidden(name: str) -> rx.Component:
    return rx.el.input(type="hidden", name=name, data_asked="true")


def _problem(sentences: dict[str, str]) -> rx.Component:
    shown = [(code, note(sentence, tone=theme.BAD)) for code, sentence in sentences.items()]
    return rx.match(_asked("problem"), *shown, rx.fragment())
