"""The app's own settings, and the dialog for a new app."""

import reflex as rx

from console import theme
from console.components.feedback import note, skeleton_text
from console.components.forms import field, text_area, text_input
from console.components.layout import copyable, panel
from console.rows import people_retention as retention_rows
from console.states.apps import AppsState
from console.states.people_retention import RetentionState


def settings() -> rx.Component:
    return panel(rx.cond(AppsState.ready, _form(), skeleton_text(5)), title="App settings")


def _field(
    label: str, name: str, error: rx.Var[str], value: rx.Var[str], help_text: str | None = None, **props
) -> rx.Component:
    return field(
        label,
        text_input(name, default_value=value, invalid=error != "", auto_complete="off", **props),
        name=name,
        error=error,
        help_text=help_text,
    )


def _form() -> rx.Component:
    form, errors = AppsState.form, AppsState.errors
    return rx.form(
        rx.el.div(
            rx.el.div(
                _field("Name", "app_name", errors.name, form.name),
                field(
                    "Slug",
                    text_input("slug_shown", value=form.slug, read_only=True, disabled=True),
                    name="slug_shown",
                    help_text="Cannot be changed: programs use it.",
                ),
                class_name="pair",
            ),
            rx.el.div(
                _field("Default language", "locale", errors.default_locale, form.locale, "A tag such as en or pt-BR."),
                _field(
                    "Time zone", "zone", errors.default_timezone, form.zone, "Times in this console are shown in it."
                ),
                class_name="pair",
            ),
            rx.el.div(
                _field(
                    "Ask to type the count above",
                    "threshold",
                    errors.launch_threshold,
                    form.threshold,
                    "Launches to more devices than this need the number typed.",
                    input_mode="numeric",
                ),
                _field(
                    "Error limit (%)",
                    "error_limit",
                    errors.error_limit_percent,
                    form.error_limit,
                    "Pauses a send when more than this share of answers are errors. 0 never does.",
                    input_mode="numeric",
                ),
                class_name="pair",
            ),
            field(
                "Allowed origins",
                text_area(
                    "origins",
                    default_value=form.origins,
                    placeholder="https://www.example.com",
                    invalid=errors.allowed_origins != "",
                ),
                name="origins",
                error=errors.allowed_origins,
                help_text="Pages that may call the API with a client key, one a line.",
            ),
            _links(),
            rx.el.hr(class_name="rule"),
            _approval(),
            _identity(),
            rx.el.div(rx.button("Save", type="submit", data_save="true"), class_name="dialog-actions"),
            class_name="stack",
        ),
        on_submit=AppsState.save,
        key=f"app-{AppsState.revision}",
    )


def _links() -> rx.Component:
    form, errors = AppsState.form, AppsState.errors
    return rx.el.div(
        _field(
            "Website",
            "website",
            errors.website,
            form.website,
            "Where a push in a browser leads that names no link.",
            placeholder="https://www.example.com",
            input_mode="url",
            spell_check=False,
        ),
        _field(
            "Schemes of links",
            "schemes",
            errors.link_schemes,
            form.schemes,
            "Your app's own, such as myapp. Then no link may have another, beside http and https.",
            spell_check=False,
        ),
        class_name="pair",
    )


def _approval() -> rx.Component:
    return _switch(
        AppsState.form.approval,
        AppsState.switch_approval,
        "Launches need approval",
        "A second member approves each campaign, exactly as it is launched. Transactional messages and tests need none.",
    )


def _switch(checked: rx.Var[bool], on_change, title: str, text: str) -> rx.Component:
    """It takes effect at once, without Save."""
    return rx.el.label(
        rx.switch(checked=checked, on_change=on_change, size="1"),
        rx.el.span(rx.el.span(title), rx.el.span(text, class_name="field-help"), class_name="stack-xs"),
        class_name="switch-row",
    )


def retention() -> rx.Component:
    """For how long what the app gathers is kept."""
    return panel(
        rx.cond(RetentionState.ready, _retention_form(), skeleton_text(5)),
        title="How long things are kept",
    )


def _retention_form() -> rx.Component:
    return rx.form(
        rx.el.div(
            rx.el.p(retention_rows.INTRODUCTION, class_name="muted"),
            rx.el.div(rx.foreach(RetentionState.lines, _kept), class_name="kept"),
            rx.el.div(rx.button("Save", type="submit"), class_name="dialog-actions"),
            class_name="stack",
        ),
        on_submit=RetentionState.save,
        key=f"kept-{RetentionState.revision}",
    )


def _kept(one: rx.Var[retention_rows.KeptLine]) -> rx.Component:
    days = rx.el.input(
        id=one.field,
        name=one.field,
        class_name="input",
        default_value=one.days,
        placeholder="For ever",
        input_mode="numeric",
        auto_complete="off",
        aria_invalid=one.problem != "",
    )
    return field(
        one.label,
        rx.el.div(days, rx.el.span("days", class_name="unit"), class_name="measured"),
        name=one.field,
        error=one.problem,
        help_text=one.help,
    )


def _identity() -> rx.Component:
    return rx.el.div(
        _switch(
            AppsState.form.verified,
            AppsState.switch_verification,
            "Identity verification",
            "A client must prove who its user is with a token that your back end signs with the identity secret.",
        ),
        rx.cond(
            AppsState.secret != "",
            rx.el.div(
                rx.el.span(AppsState.secret),
                rx.el.span(copyable(AppsState.secret, "Copy secret"), class_name="push-right"),
                class_name="secret",
            ),
            rx.fragment(),
        ),
        rx.el.div(
            rx.button(
                rx.cond(AppsState.secret != "", "Hide identity secret", "Show identity secret"),
                type="button",
                variant="soft",
                color_scheme=theme.QUIET,
                size="1",
                on_click=AppsState.reveal_secret,
            )
        ),
        class_name="stack-s",
    )


def new_app() -> rx.Component:
    errors = AppsState.new_errors
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("New app", size="5"),
            rx.dialog.description("With its own people, credentials and campaigns.", class_name="dialog-text"),
            rx.form(
                rx.el.div(
                    field(
                        "Name",
                        text_input(
                            "new_name", placeholder="Fjord Outdoors", invalid=errors.name != "", auto_complete="off"
                        ),
                        name="new_name",
                        error=errors.name,
                    ),
                    field(
                        "Slug",
                        text_input(
                            "new_slug",
                            placeholder="fjord",
                            required=True,
                            invalid=errors.slug != "",
                            auto_complete="off",
                            spell_check=False,
                        ),
                        name="new_slug",
                        error=errors.slug,
                        help_text="Short, for programs: a-z, 0-9 and -.",
                    ),
                    rx.cond(errors.other != "", note(errors.other, tone=theme.BAD), rx.fragment()),
                    rx.el.div(
                        rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme=theme.QUIET, type="button")),
                        rx.button("Create app", type="submit"),
                        class_name="dialog-actions",
                    ),
                    class_name="stack after-l",
                ),
                on_submit=AppsState.create,
            ),
            max_width=theme.DIALOG,
        ),
        open=AppsState.creating,
        on_open_change=AppsState.show_new,
    )
