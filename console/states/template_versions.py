"""The versions of the template that the address names: looked at, compared, brought back; and where it is used."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import templates
from console import routes
from console.core import core
from console.rows import templates as rows
from console.rows.segments import Link
from console.rows.templates import NO_VERSION, CompareLine, VersionLine
from console.states.base import read, requires, viewer, write


class TemplateVersionsState(rx.State):
    """`looking` is the old version that is shown, of number 0 none; `lines` lay it beside the one of number `against`."""

    rows: tuple[VersionLine, ...] = ()
    looking: VersionLine = NO_VERSION
    against: int = 0
    lines: tuple[CompareLine, ...] = ()
    uses: tuple[Link, ...] = ()
    snippet: str = ""
    _id: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """All versions, and the one that the address asks to see."""
        self.reset()
        self._id = self.router.url.path.strip("/").split("/")[1]
        try:
            states, found, now = await read(_all, self._id)
        except NotFound:
            return
        self.rows = rows.versions(states, self._id, viewer().app.default_timezone, now)
        self.uses = rows.uses(found)
        self.snippet = rows.snippet(core().settings.base_url, self._id, states[0].data_schema)
        asked = self.router.url.query_parameters.get("version", "")
        old = [one for one in self.rows if str(one.number) == asked and not one.newest]
        if old:
            self.looking = old[0]
            await self._compare(self.rows[0].number)

    @rx.event
    @requires(Role.EDITOR)
    async def compare(self, number: str):
        """Lays the version that is looked at beside another one."""
        if str(number).isdecimal():
            await self._compare(int(number))

    @rx.event
    @requires(Role.EDITOR)
    async def restore(self):
        """A new version that repeats the one that is looked at, and goes to it."""
        row = await write(templates.restore, self._id, self.looking.number)
        told = f"Version {self.looking.number} is back as version {row.version}"
        return [rx.toast.success(told), rx.redirect(routes.template(self._id))]

    async def _compare(self, number: int):
        states = {one.version: one for one in await read(templates.versions, self._id)}
        if number in states and self.looking.number in states:
            self.against = number
            self.lines = rows.compared(states[self.looking.number], states[number])


def _all(work: Work, template_id: str):
    return templates.versions(work, template_id), templates.uses(work, template_id), work.now
