"""The app's settings, and new apps."""

import asyncio

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid
from backend.services import apps, members
from console import routes
from console.core import core
from console.rows.apps import AppForm, FormErrors, app_form, form_errors
from console.states.base import actor, app_number, requires, viewer, write
from console.states.session import SessionState


class AppsState(rx.State):
    """The form of the app that the member works in, and the dialog for another one."""

    form: AppForm = AppForm()
    errors: FormErrors = FormErrors()
    new_errors: FormErrors = FormErrors()
    creating: bool = False
    secret: str = ""
    ready: bool = False
    empty: bool = False
    revision: int = 0

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        """Shows the current app; `?new=app` opens the dialog."""
        self.reset()
        self.creating = self.router.url.query_parameters.get("new") == "app"
        app = viewer().app
        self.empty, self.ready = app is None, True
        if app is not None:
            self.form = app_form(app)
            self.revision += 1

    @rx.event
    @requires(Role.ADMIN)
    async def save(self, form: dict):
        """Saves the settings; what is refused is said beside its field."""
        try:
            changes = _changes(form, self.form.verified)
            row = await write(apps.update_app, app_number(), **changes)
        except Invalid as error:
            self.errors = form_errors([(one.field, one.message) for one in error.errors])
            return None
        self.errors, self.form = FormErrors(), app_form(row)
        return [SessionState.enter, rx.toast.success("Saved")]

    @rx.event
    @requires(Role.ADMIN)
    async def switch_verification(self, on: bool):
        row = await write(apps.update_app, app_number(), identity_verification=bool(on))
        self.form = app_form(row)

    @rx.event
    @requires(Role.ADMIN)
    async def switch_approval(self, on: bool):
        row = await write(apps.update_app, app_number(), approval_required=bool(on))
        self.form = app_form(row)

    @rx.event
    @requires(Role.ADMIN)
    async def reveal_secret(self):
        """Shown on demand, and gone from the page when it is left."""
        self.secret = "" if self.secret else await write(apps.identity_secret, app_number())

    @rx.event
    @requires(Role.ADMIN)
    async def show_new(self, is_open: bool):
        self.creating, self.new_errors = bool(is_open), FormErrors()

    @rx.event
    @requires(Role.ADMIN)
    async def create(self, form: dict):
        """Makes an app and goes over to it."""
        try:
            await asyncio.to_thread(
                _create, str(form.get("new_slug", "")).strip(), str(form.get("new_name", "")).strip()
            )
        except Invalid as error:
            self.new_errors = form_errors([(one.field, one.message) for one in error.errors])
            return None
        except Conflict as error:
            self.new_errors = FormErrors(slug=error.detail)
            return None
        return rx.call_script(f"location.assign({routes.APPS!r})")


def _create(slug: str, name: str) -> None:
    with core().work(actor()) as work:
        made = apps.create_app(work, slug=slug, name=name or None)
    _enter(made.number)


def _enter(number: int) -> None:
    """The new app is only among the viewer's apps once it is committed."""
    with core().work(actor()) as work:
        members.choose_app(work, _again(work), number)


def _again(work: Work) -> members.Viewer:
    from dataclasses import replace

    now = viewer()
    return replace(now, apps=tuple(apps.list_apps(work)))


def _changes(form: dict, verified: bool) -> dict:
    """The form in the service's words. Raises `Invalid` for a number that is none."""
    return {
        "name": str(form.get("app_name", "")).strip(),
        "default_locale": str(form.get("locale", "")).strip(),
        "default_timezone": str(form.get("zone", "")).strip(),
        "launch_threshold": _number(form, "threshold", "launch_threshold", "must be a whole number of at least 1"),
        "error_limit_percent": _number(
            form, "error_limit", "error_limit_percent", "must be a whole number from 0 to 100"
        ),
        "allowed_origins": [line.strip() for line in str(form.get("origins", "")).splitlines() if line.strip()],
        "identity_verification": verified,
        "website": str(form.get("website", "")).strip() or None,
        "link_schemes": str(form.get("schemes", "")).replace(",", " ").split(),
    }


def _number(form: dict, name: str, field: str, rule: str) -> int:
    text = str(form.get(name, "")).strip()
    if not (text.isascii() and text.isdigit()):
        raise Invalid(field, rule)
    return int(text)
