"""How the providers are reached."""

import reflex as rx

from console import theme
from console.components.badges import credential_badge
from console.components.confirm import confirm
from console.components.feedback import empty, note, skeleton_rows
from console.components.forms import choose, field, more, segmented, text_area, text_input
from console.components.layout import icon, icon_button, panel
from console.components.tables import Column, table
from console.rows.apps import PROVIDER, CredentialLine
from console.states.credentials import CredentialsState

COLUMNS = (
    Column("Credential", "grow"),
    Column("State", "fit"),
    Column("Devices", "num hide-phone"),
    Column("Verified", "fit hide-phone"),
    Column("", "actions"),
)
APPLE = (("key", "Key (.p8)"), ("certificate", "Certificate (.p12, .pem)"))
ENVIRONMENTS = (("production", "Production"), ("sandbox", "Sandbox"))
SIGNS = {"apns": "smartphone", "fcm": "tablet-smartphone", "webpush": "globe"}


def credentials() -> rx.Component:
    nothing = empty(
        "key-round",
        "No credentials yet",
        "Add what Apple, Firebase or browsers ask for, and devices can be reached.",
        rx.button("Add credential", on_click=CredentialsState.show_form(True)),
    )
    rows = rx.cond(CredentialsState.rows.length() > 0, table(COLUMNS, CredentialsState.rows, _row), nothing)
    return rx.fragment(
        panel(
            rx.cond(CredentialsState.ready, rows, skeleton_rows(3)),
            title="Credentials",
            flush=True,
            aside=rx.button(
                icon("plus", theme.ICON_SMALL),
                "Add credential",
                variant="soft",
                size="1",
                on_click=CredentialsState.show_form(True),
            ),
        ),
        _dialog(),
    )


def _row(row: rx.Var[CredentialLine]) -> rx.Component:
    sign = rx.match(row.provider, *[(name, icon(sign)) for name, sign in SIGNS.items()], rx.fragment())
    return rx.el.tr(
        rx.el.td(
            rx.el.div(
                rx.el.span(sign, class_name="muted"),
                rx.el.div(
                    rx.el.div(
                        row.word,
                        rx.cond(
                            row.environment != "",
                            rx.el.span(" ", row.environment, class_name="muted plain"),
                            rx.fragment(),
                        ),
                        class_name="cell-title",
                    ),
                    rx.el.div(row.name, class_name="muted small truncate", title=row.name),
                    _expiry(row),
                    rx.cond(
                        row.reason != "",
                        rx.el.div(row.reason, class_name="small care", title=row.reason),
                        rx.fragment(),
                    ),
                    class_name="stack-0",
                ),
                class_name="row gap-m",
            ),
            class_name="grow",
        ),
        rx.el.td(credential_badge(row.state), class_name="fit"),
        rx.el.td(row.devices, class_name="num hide-phone"),
        rx.el.td(rx.el.span(row.verified.short, title=row.verified.exact), class_name="fit hide-phone"),
        rx.el.td(rx.el.div(_verify(row), _status(row), _delete(row), class_name="row-actions"), class_name="actions"),
        key=row.id,
    )


def _expiry(row: rx.Var[CredentialLine]) -> rx.Component:
    """Of a certificate; a key of Apple's has no end."""
    looks = rx.match(row.expiry, ("soon", "bit small care"), ("over", "bit small field-error"), "bit small muted")
    sign = rx.cond(row.expiry != "", icon("calendar-clock", theme.ICON_SMALL), rx.fragment())
    said = rx.el.div(sign, row.expires.short, title=row.expires.exact, class_name=looks)
    return rx.cond(row.expires.exact != "", said, rx.fragment())


def _verify(row: rx.Var[CredentialLine]) -> rx.Component:
    event = CredentialsState.verify(row.id)
    return rx.fragment(
        rx.button(
            "Verify",
            variant="soft",
            size="1",
            color_scheme=theme.QUIET,
            loading=CredentialsState.verifying == row.id,
            on_click=event,
            class_name="hide-phone",
        ),
        icon_button("shield-check", "Verify", on_click=event, class_name="icon-button only-phone"),
    )


def _status(row: rx.Var[CredentialLine]) -> rx.Component:
    return rx.cond(
        row.state == "active",
        icon_button(
            "archive", "Retire: new devices go elsewhere", on_click=CredentialsState.change_status(row.id, "retiring")
        ),
        icon_button("play", "Make it active again", on_click=CredentialsState.change_status(row.id, "active")),
    )


def _delete(row: rx.Var[CredentialLine]) -> rx.Component:
    return confirm(
        icon_button("trash-2", "Delete"),
        "Delete this credential?",
        rx.fragment(
            "The secret of “", row.name, "” is gone for good. ", row.devices, " devices are reached through it."
        ),
        "Delete credential",
        CredentialsState.delete(row.id),
    )


def _dialog() -> rx.Component:
    chosen = CredentialsState.provider
    tabs = [
        rx.el.button(label, type="button", aria_pressed=chosen == name, on_click=CredentialsState.choose_provider(name))
        for name, label in PROVIDER.items()
    ]
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Add credential", size="5"),
            rx.dialog.description("Secrets are encrypted at rest and never shown again.", class_name="dialog-text"),
            rx.el.div(
                rx.el.div(*tabs, class_name="segmented", role="group", aria_label="Provider"), class_name="after"
            ),
            rx.form(
                rx.el.div(
                    rx.match(chosen, ("fcm", _fcm()), ("webpush", _webpush()), _apns()),
                    _advanced(),
                    rx.cond(
                        CredentialsState.errors.other != "",
                        note(CredentialsState.errors.other, tone=theme.BAD),
                        rx.fragment(),
                    ),
                    rx.el.div(
                        rx.dialog.close(rx.button("Cancel", variant="soft", color_scheme=theme.QUIET, type="button")),
                        rx.button("Add credential", type="submit"),
                        class_name="dialog-actions",
                    ),
                    class_name="stack after-l",
                ),
                on_submit=CredentialsState.add,
                key=chosen,
            ),
            max_width=theme.DIALOG_WIDE,
        ),
        open=CredentialsState.adding,
        on_open_change=CredentialsState.show_form,
    )


def _line(label: str, name: str, help_text: str | None = None, **props) -> rx.Component:
    error = getattr(CredentialsState.errors, name)
    return field(
        label,
        text_input(name, auto_complete="off", spell_check=False, invalid=error != "", **props),
        name=name,
        error=error,
        help_text=help_text,
    )


def _file(label: str, name: str, accept: str, help_text: str, placeholder: str) -> rx.Component:
    """Pasted, or read from a file by the browser."""
    error = getattr(CredentialsState.errors, name)
    pick = rx.el.label(
        icon("file-up", theme.ICON_SMALL),
        "Choose file",
        rx.el.input(type="file", accept=accept, class_name="visually-hidden", data_fills=name),
        class_name="counter link row",
    )
    return field(
        label,
        text_area(name, spell_check=False, invalid=error != "", placeholder=placeholder, class_name="input mono"),
        name=name,
        error=error,
        help_text=help_text,
        counter=pick,
    )


def _apns() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            _line("Bundle id", "topic", placeholder="com.example.shop"),
            field("Environment", choose("environment", ENVIRONMENTS), name="environment"),
            class_name="pair",
        ),
        rx.el.div(segmented(APPLE, CredentialsState.apple, CredentialsState.choose_apple, "How Apple knows you")),
        rx.cond(CredentialsState.apple == "certificate", _apple_certificate(), _apple_key()),
    )


def _apple_key() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            _line("Team id", "team_id", placeholder="ABCDE12345"),
            _line("Key id", "key_id", placeholder="ABC123DEFG"),
            class_name="pair",
        ),
        _file(
            "Key (.p8)",
            "private_key",
            ".p8,.pem",
            "From developer.apple.com, under Certificates, Identifiers & Profiles → Keys.",
            "-----BEGIN PRIVATE KEY-----",
        ),
    )


def _apple_certificate() -> rx.Component:
    return rx.fragment(
        _file(
            "Certificate and its key",
            "certificate",
            ".p12,.pfx,.pem,application/x-pkcs12",
            "From Keychain: select the certificate and its key, and export both. It lasts a year; a key does not end.",
            "Choose the .p12, or paste a .pem here.",
        ),
        _line("Password", "password", "The one it was exported with, if any.", type="password"),
    )


def _fcm() -> rx.Component:
    return _file(
        "Service account (JSON)",
        "service_account",
        ".json",
        "From the Firebase console, under Project settings → Service accounts.",
        '{"type": "service_account", …}',
    )


def _webpush() -> rx.Component:
    return rx.fragment(
        _line(
            "Contact",
            "subject",
            "Push services write here when something is wrong with your pushes.",
            placeholder="mailto:ops@example.com",
        ),
        note("A key pair is made for you; your pages get the public half from the API."),
    )


def _advanced() -> rx.Component:
    return more(
        "Another endpoint",
        _line(
            "Base address",
            "endpoint",
            "Instead of the provider's own: a proxy or a simulator.",
            placeholder="https://…",
        ),
        _file(
            "Certificate authority (PEM)",
            "ca",
            ".pem,.crt",
            "Trusted for this endpoint only.",
            "-----BEGIN CERTIFICATE-----",
        ),
    )
