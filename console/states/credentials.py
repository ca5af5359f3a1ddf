"""The credentials of the providers: added, verified, retired; their secrets go in and never come out."""

import json
from typing import Any, Final

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import credentials
from console.core import core
from console.rows.apps import PROVIDER, CredentialLine, FormErrors, credential_line, form_errors
from console.states.base import actor, app_number, read, requires, viewer, write

APPLE: Final = {"key": ("team_id", "key_id", "private_key"), "certificate": ("certificate", "password")}
"""What Apple gives to whoever sends → the fields of the form that hold it."""


class CredentialsState(rx.State):
    """The list and the dialog that adds to it."""

    rows: tuple[CredentialLine, ...] = ()
    ready: bool = False
    adding: bool = False
    provider: str = "apns"
    apple: str = "key"
    errors: FormErrors = FormErrors()
    verifying: str = ""

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        self.reset()
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def show_form(self, is_open: bool):
        self.adding, self.errors = bool(is_open), FormErrors()

    @rx.event
    @requires(Role.ADMIN)
    async def choose_provider(self, provider: str):
        if provider in PROVIDER:
            self.provider, self.errors = provider, FormErrors()

    @rx.event
    @requires(Role.ADMIN)
    async def choose_apple(self, kind: str):
        """What Apple has given: a key or a certificate."""
        if kind in APPLE:
            self.apple, self.errors = kind, FormErrors()

    @rx.event
    @requires(Role.ADMIN)
    async def add(self, form: dict):
        """Checks and keeps it; nothing is stored of one that does not parse."""
        try:
            await write(credentials.add_credential, self.provider, _body(self.provider, self.apple, form))
        except Invalid as error:
            self.errors = form_errors([(one.field, one.message) for one in error.errors])
            return None
        self.adding = False
        await self._refresh()
        return rx.toast.success("Credential added")

    @rx.event
    @requires(Role.ADMIN)
    async def verify(self, credential_id: str):
        """Asks the provider whether it believes it."""
        self.verifying = str(credential_id)
        yield
        try:
            row = await credentials.verify(core(), app_number(), self.verifying, actor())
        finally:
            self.verifying = ""
        await self._refresh()
        yield rx.toast.warning(row.reason) if row.reason else rx.toast.success("The provider accepts it")

    @rx.event
    @requires(Role.ADMIN)
    async def change_status(self, credential_id: str, status: str):
        """Retiring: new devices go elsewhere. Active: it serves again, a held one too."""
        await write(credentials.set_status, str(credential_id), str(status))
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def delete(self, credential_id: str):
        await write(credentials.delete_credential, str(credential_id))
        await self._refresh()
        return rx.toast.success("Credential deleted")

    async def _refresh(self):
        try:
            found, now = await read(_listed)
        except NotFound:
            self.ready = True
            return
        zone = viewer().app.default_timezone
        self.rows = tuple(credential_line(row, zone, now) for row in found)
        self.ready = True


def _listed(work: Work):
    return credentials.list_credentials(work), work.now


def _body(provider: str, apple: str, form: dict) -> dict[str, Any]:
    """The API's body of the form. Raises `Invalid` when the service account is not JSON."""
    names = {"apns": ("topic", "environment", *APPLE[apple]), "fcm": (), "webpush": ("subject",)}[provider]
    body: dict[str, Any] = {
        name: text for name in (*names, "endpoint", "ca") if (text := str(form.get(name, "")).strip())
    }
    if provider == "fcm":
        body["service_account"] = _account(str(form.get("service_account", "")))
    return body


def _account(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid("service_account", "paste the whole JSON file that Firebase gave you") from error
