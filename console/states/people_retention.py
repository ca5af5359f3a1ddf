"""For how long the app keeps what it has gathered."""

import reflex as rx

from backend.domain.vocabulary import Role
from backend.errors import Invalid
from backend.services import apps
from console.rows.people_retention import KeptLine, kept_lines, read_days, refused
from console.states.base import app_number, requires, viewer, write


class RetentionState(rx.State):
    """The form of the days."""

    lines: tuple[KeptLine, ...] = ()
    ready: bool = False
    revision: int = 0

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        """Shows the current app's days."""
        app = viewer().app
        self.ready = app is not None
        if app is not None:
            self.lines = kept_lines(app.retention)
            self.revision += 1

    @rx.event
    @requires(Role.ADMIN)
    async def save(self, form: dict):
        """Saves the days; what is refused is said beside its field."""
        form = dict(form)
        try:
            row = await write(apps.update_app, app_number(), retention=read_days(self.lines, form))
        except Invalid as error:
            said = {one.field: f"{one.message[:1].upper()}{one.message[1:]}." for one in error.errors}
            self.lines = refused(self.lines, form, said)
            self.revision += 1
            return None
        self.lines = kept_lines(row.retention)
        return rx.toast.success("Saved")
