"""API keys: listed, made, revoked. A new key is shown once."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import keys
from console.rows.apps import KeyLine, key_line
from console.states.base import read, requires, viewer, write


class KeysState(rx.State):
    """The list; `made` holds a new key until the dialog is closed."""

    rows: tuple[KeyLine, ...] = ()
    ready: bool = False
    adding: bool = False
    made: str = ""

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        self.reset()
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def show_form(self, is_open: bool):
        self.adding, self.made = bool(is_open), ""

    @rx.event
    @requires(Role.ADMIN)
    async def create(self, form: dict):
        """Makes a key and shows it, once."""
        _, self.made = await write(
            keys.add_key, scope=str(form.get("scope", "")), name=str(form.get("key_name", "")).strip()
        )
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def revoke(self, key_id: str):
        await write(keys.revoke_key, str(key_id))
        await self._refresh()
        return rx.toast.success("Key revoked")

    async def _refresh(self):
        try:
            found, now = await read(_listed)
        except NotFound:
            self.ready = True
            return
        zone = viewer().app.default_timezone
        self.rows = tuple(key_line(row, zone, now) for row in found if row.revoked_at is None)
        self.ready = True


def _listed(work: Work):
    return keys.list_keys(work), work.now
