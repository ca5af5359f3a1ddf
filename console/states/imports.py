"""The history of imports and the place where a file is uploaded; the kind and the list are in the address."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import ImportKind, Role
from backend.errors import NotFound
from backend.services import import_jobs, lists
from backend.services.lists import ListIn
from console import routes
from console.rows.imports import LIVE, ImportLine, Option, line
from console.states.base import read, requires, viewer, write

PAGE = 30
LISTS = 200


class ImportsState(rx.State):
    """One page of imports, newest first, and what the next file holds."""

    kind: str = str(ImportKind.USERS)
    list_id: str = ""
    lists: tuple[Option, ...] = ()
    rows: tuple[ImportLine, ...] = ()
    following: str = ""
    live: bool = False
    no_app: bool = False
    ready: bool = False

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads the kind, the list and the page from the address."""
        asked = self.router.url.query_parameters
        kind = asked.get("kind", "")
        self.kind = kind if kind in set(ImportKind) else str(ImportKind.USERS)
        self.list_id = asked.get("list", "")[:64]
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def refresh(self, _moment: str = ""):
        """Once a second while a file is taken in."""
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def hold(self, kind: str):
        """What the rows of the file are; the address follows."""
        wanted = str(kind) if str(kind) in set(ImportKind) else ImportKind.USERS
        return rx.redirect(routes.new_import(kind=str(wanted), list=self.list_id), replace=True)

    @rx.event
    @requires(Role.EDITOR)
    async def choose_list(self, list_id: str):
        return rx.redirect(routes.new_import(kind=str(ImportKind.LIST), list=str(list_id)[:64]), replace=True)

    @rx.event
    @requires(Role.EDITOR)
    async def make_list(self, form: dict):
        """A new list, chosen at once."""
        if not (name := str(form.get("list_name", "")).strip()[:200]):
            return rx.toast.error("Give the list a name.")
        made = await write(lists.create, ListIn(name=name), "file")
        return rx.redirect(routes.new_import(kind=str(ImportKind.LIST), list=made.id), replace=True)

    async def _refresh(self):
        try:
            page, known, now = await read(_page, self.router.url.query_parameters.get("cursor"))
        except NotFound:
            self.no_app, self.ready = True, True
            return
        zone = viewer().app.default_timezone
        self.rows = tuple(line(row, zone, now) for row in page.items)
        self.lists = tuple(Option(one.id, one.name) for one in known.items)
        if self.list_id not in {one.id for one in known.items}:
            self.list_id = ""
        self.following = routes.with_query(routes.IMPORTS, {"cursor": page.next}) if page.next else ""
        self.live = any(row.state in LIVE for row in page.items)
        self.no_app, self.ready = False, True


def _page(work: Work, cursor: str | None):
    return import_jobs.listing(work, cursor=cursor, limit=PAGE), lists.listing(work, limit=LISTS), work.now
