"""One static list: who is in it, who comes and goes. Search and page are in the address."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotFound
from backend.services import fields, lists, segmentation
from backend.services.lists import ListIn, MembersIn
from console import routes
from console.rows.imports import Option
from console.rows.lists import NO_LIST, ListLine, MemberLine, added, ids_in, line, member
from console.states.base import read, requires, viewer, write

PAGE = 50
SEGMENTS = 200


class ListState(rx.State):
    """The list of the address and one page of its members; `said` is what became of the last change, `partly`
    whether some of it was not done."""

    row: ListLine = NO_LIST
    members: tuple[MemberLine, ...] = ()
    segments: tuple[Option, ...] = ()
    search: str = ""
    following: str = ""
    said: str = ""
    partly: bool = False
    wrong: str = ""
    renaming: bool = False
    rounds: int = 0
    ready: bool = False
    missing: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        asked = self.router.url.query_parameters
        self.search = asked.get("search", "")[:100]
        here = self._id()
        if self.row.id != here:
            self.row, self.members, self.said, self.wrong, self.ready = NO_LIST, (), "", "", False
        self.renaming = False
        await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def look_for(self, text: str):
        """Narrows the members by their ids; the address follows."""
        return rx.redirect(routes.with_query(routes.static_list(self._id()), {"search": str(text)[:100]}), replace=True)

    @rx.event
    @requires(Role.EDITOR)
    async def add(self, form: dict):
        """Puts the pasted ids into the list; ids that nobody has are named."""
        self.said = self.wrong = ""
        try:
            given = fields.parse(MembersIn, {"user_ids": ids_in(str(form.get("user_ids", "")))})
        except Invalid as error:
            self.wrong = f"{error.errors[0].field.replace('user_ids', 'The ids')}: {error.errors[0].message}."
            return
        done = await write(lists.add_members, self._id(), given.user_ids)
        self.said, self.partly = added(done.changed, len(given.user_ids), done.unknown), bool(done.unknown)
        self.rounds += 1
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def remove(self, user_id: str):
        await write(lists.remove_members, self._id(), [str(user_id)])
        await self._refresh()
        return rx.toast.success("Removed from the list")

    @rx.event
    @requires(Role.EDITOR)
    async def fill(self, form: dict):
        """Puts everybody in whom a segment finds now."""
        self.said = self.wrong = ""
        done = await write(lists.fill, self._id(), str(form.get("segment_id", ""))[:64])
        self.said, self.partly = added(done.changed, done.changed, ()), False
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def show_name(self, is_open: bool):
        self.renaming, self.wrong = bool(is_open), ""

    @rx.event
    @requires(Role.EDITOR)
    async def rename(self, form: dict):
        try:
            given = fields.parse(ListIn, {"name": str(form.get("new_name", "")).strip()})
        except Invalid:
            return rx.toast.error("Type a name of up to 200 characters.")
        await write(lists.rename, self._id(), given)
        self.renaming = False
        await self._refresh()
        return None

    @rx.event
    @requires(Role.EDITOR)
    async def archive(self):
        try:
            await write(lists.archive, self._id())
        except Conflict as error:
            return rx.toast.error(error.detail)
        return rx.redirect(routes.LISTS)

    def _id(self) -> str:
        return self.router.url.path.strip("/").split("/")[-1][:64]

    async def _refresh(self):
        cursor = self.router.url.query_parameters.get("cursor")
        try:
            row, uses, page, segments, now = await read(_found, self._id(), self.search, cursor)
        except (NotFound, Invalid):
            self.missing, self.ready = True, True
            return
        zone = viewer().app.default_timezone
        self.row = line(row, uses, zone, now)
        self.members = tuple(member(one, zone, now) for one in page.items)
        self.segments = tuple(Option(one.id, one.name) for one in segments.items)
        asked = {"search": self.search, "cursor": page.next}
        self.following = routes.with_query(routes.static_list(row.id), asked) if page.next else ""
        self.missing, self.ready = False, True


def _found(work: Work, list_id: str, search: str, cursor: str | None):
    row, uses = lists.get(work, list_id), lists.usage(work, list_id)
    page = lists.members(work, list_id, search=search, cursor=cursor, limit=PAGE)
    return row, uses, page, segmentation.listing(work, limit=SEGMENTS), work.now
