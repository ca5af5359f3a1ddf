"""The list of static lists: search and page are in the address."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotFound
from backend.services import fields, lists
from backend.services.lists import ListIn
from console import routes
from console.rows.lists import NO_LIST, ListLine, line
from console.states.base import read, requires, viewer, write

PAGE = 50


class ListsState(rx.State):
    """One page of lists; `editing` is the one whose name is changed, `adding` while a new one gets its own."""

    search: str = ""
    rows: tuple[ListLine, ...] = ()
    following: str = ""
    adding: bool = False
    editing: ListLine = NO_LIST
    name_error: str = ""
    ready: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads search and page from the address."""
        self.search = self.router.url.query_parameters.get("search", "")[:100]
        self.adding, self.editing, self.name_error = False, NO_LIST, ""
        await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def look_for(self, text: str):
        """Narrows the list by name; the address follows."""
        return rx.redirect(routes.with_query(routes.LISTS, {"search": str(text)[:100]}), replace=True)

    @rx.event
    @requires(Role.EDITOR)
    async def show_form(self, is_open: bool):
        self.adding, self.name_error = bool(is_open), ""

    @rx.event
    @requires(Role.EDITOR)
    async def edit(self, list_id: str):
        """Asks for another name; an empty id stops asking."""
        self.editing = next((row for row in self.rows if row.id == list_id), NO_LIST)
        self.name_error = ""

    @rx.event
    @requires(Role.EDITOR)
    async def create(self, form: dict):
        """Makes a list and goes there."""
        try:
            given = fields.parse(ListIn, {"name": str(form.get("list_name", "")).strip()})
        except Invalid:
            self.name_error = "Type a name of up to 200 characters."
            return None
        made = await write(lists.create, given)
        return rx.redirect(routes.static_list(made.id))

    @rx.event
    @requires(Role.EDITOR)
    async def rename(self, form: dict):
        try:
            given = fields.parse(ListIn, {"name": str(form.get("new_name", "")).strip()})
        except Invalid:
            self.name_error = "Type a name of up to 200 characters."
            return None
        await write(lists.rename, self.editing.id, given)
        self.editing = NO_LIST
        await self._refresh()
        return rx.toast.success("Renamed")

    @rx.event
    @requires(Role.EDITOR)
    async def archive(self, list_id: str):
        """What still uses it stands in the way, and is said."""
        try:
            await write(lists.archive, str(list_id))
        except Conflict as error:
            return rx.toast.error(error.detail)
        await self._refresh()
        return rx.toast.success("Archived")

    async def _refresh(self):
        try:
            page, uses, now = await read(_page, self.search, self.router.url.query_parameters.get("cursor"))
        except NotFound:
            self.rows, self.ready = (), True
            return
        zone = viewer().app.default_timezone
        self.rows = tuple(line(row, uses.get(row.id, ()), zone, now) for row in page.items)
        asked = {"search": self.search, "cursor": page.next}
        self.following = routes.with_query(routes.LISTS, asked) if page.next else ""
        self.ready = True


def _page(work: Work, search: str, cursor: str | None):
    return lists.listing(work, search=search, cursor=cursor, limit=PAGE), lists.usages(work), work.now
