"""Apps & credentials: the app's settings, how its providers are reached, who may call its API."""

import reflex as rx

from console import routes
from console.components.feedback import empty
from console.components.layout import icon, page_head, panel
from console.pages.apps.credentials import credentials
from console.pages.apps.keys import keys
from console.pages.apps.settings import new_app, retention, settings
from console.shell import page
from console.states.apps import AppsState
from console.states.credentials import CredentialsState
from console.states.keys import KeysState
from console.states.people_retention import RetentionState
from console.states.session import SessionState


@page(
    routes.APPS,
    "Apps & credentials",
    on_load=[AppsState.load, CredentialsState.load, KeysState.load, RetentionState.load],
)
def apps() -> rx.Component:
    """For admins."""
    new = rx.button(icon("plus"), "New app", variant="soft", on_click=AppsState.show_new(True))
    first = panel(
        empty(
            "package-plus",
            "Start with an app",
            "An app is one product of yours, with its own people, credentials and campaigns.",
            rx.button("New app", on_click=AppsState.show_new(True)),
        ),
        flush=True,
    )
    return rx.fragment(
        page_head("Apps & credentials", new, badge=rx.el.span(SessionState.app.name, class_name="muted truncate")),
        rx.cond(
            AppsState.empty, first, rx.el.div(credentials(), keys(), settings(), retention(), class_name="stack-l")
        ),
        new_app(),
    )
