"""The notification beside its form: as typed, or exactly as one person will get it; and a test of it."""

import reflex as rx

from console import theme
from console.components import draft
from console.components.feedback import note
from console.components.forms import text_input
from console.components.layout import icon, link, panel
from console.components.push_preview import Texts, push_preview
from console.rows.preview import Shown
from console.states.content import ContentState
from console.states.preview import PreviewState
from console.states.session import SessionState


def preview() -> rx.Component:
    """Stays in sight while the form is scrolled."""
    shown = PreviewState.shown
    return rx.el.aside(
        panel(
            rx.el.div(
                push_preview(
                    SessionState.app.name,
                    SessionState.app.initials,
                    _texts(shown.ios),
                    _texts(shown.android),
                    _texts(shown.web),
                ),
                _looking_as(),
                rx.cond(shown.problem != "", note(shown.problem, tone=theme.CARE), rx.fragment()),
                class_name="panel-body stack",
            ),
            rx.cond(
                shown.sizes != "",
                rx.el.div(icon("package", theme.ICON_SMALL), shown.sizes, class_name="panel-foot muted small tnum"),
                rx.fragment(),
            ),
            title="Preview",
            flush=True,
        ),
        _test(),
        class_name="compose-side",
        aria_label="Preview",
    )


def _texts(server: rx.Var[Shown]) -> Texts:
    """With a person chosen the server's rendering, else the text that is being typed."""
    exact = PreviewState.shown.person != ""

    def pick(name: str) -> rx.Var[str]:
        return rx.cond(exact, getattr(server, name), draft.sample(draft.shown(name)))

    return Texts(
        title=pick("title"),
        subtitle=pick("subtitle"),
        body=pick("body"),
        image=rx.cond(exact, server.image, draft.shown("image")),
        buttons=rx.cond(exact, server.buttons, draft.button_titles()).to(list[str]),
        urgent=server.urgent,
    )


def _looking_as() -> rx.Component:
    return rx.el.div(
        rx.el.label("Show as", html_for="person", class_name="muted small nowrap"),
        rx.el.input(
            id="person",
            class_name="input",
            list="people",
            placeholder="typed; or a user id",
            auto_complete="off",
            default_value=PreviewState.person,
            on_change=PreviewState.look_as.debounce(400),
        ),
        rx.el.datalist(rx.foreach(PreviewState.people, lambda person: rx.el.option(value=person)), id="people"),
        class_name="row",
    )


def _test() -> rx.Component:
    return panel(
        rx.form(
            rx.el.div(
                rx.el.div(
                    text_input(
                        "test_user", placeholder="User id", aria_label="User id for the test", auto_complete="off"
                    ),
                    class_name="wide",
                ),
                rx.button("Send test", type="submit", variant="soft"),
                class_name="row",
            ),
            on_submit=[ContentState.edit(draft.now()), PreviewState.send_test],
        ),
        rx.cond(
            PreviewState.tested != "",
            rx.el.div(
                icon("check", theme.ICON_SMALL),
                PreviewState.tested,
                link("See what happened", to=PreviewState.test_link),
                class_name="row-wrap small after",
            ),
            rx.el.div("Goes to all devices of that user, through the real senders.", class_name="field-help after"),
        ),
        title="Test",
    )
