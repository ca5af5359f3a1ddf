"""The runs of a repeating campaign, and the entries of an event campaign, a page at a time."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import EntryState, Role
from backend.errors import Invalid, NotFound
from backend.services import run_history, triggers
from console.rows.runs import EntryLine, RunLine, entry_line, run_line
from console.states.base import read, requires, viewer

PAGE, ENTRIES = 20, 10


class RunsState(rx.State):
    """`trail` are the cursors of the pages before this one; the first page follows what happens."""

    runs: tuple[RunLine, ...] = ()
    entries: tuple[EntryLine, ...] = ()
    only: str = ""
    page: int = 1
    more: bool = False
    _id: str = ""
    _trail: tuple[str, ...] = ("",)
    _next: str = ""

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the first page of the campaign that the address names."""
        campaign_id = self.router.url.path.strip("/").split("/")[-1]
        if campaign_id != self._id:
            self.reset()
        self._id = campaign_id
        await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def refresh(self, _moment: str = ""):
        """While the campaign goes on; a page further back stands still."""
        if self._id and self.page == 1:
            await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def older(self):
        if self._next:
            self._trail, self.page = (*self._trail, self._next), self.page + 1
            await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def newer(self):
        if self.page > 1:
            self._trail, self.page = self._trail[:-1], self.page - 1
            await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def look_at(self, state: str):
        """Entries in one state; none shows all."""
        self.only = state if state in set(EntryState) and state != self.only else ""
        await self._refresh()

    async def _refresh(self):
        try:
            runs, entries, now = await read(_page, self._id, self._trail[-1], self.only)
        except (NotFound, Invalid):
            return
        zone = viewer().app.default_timezone
        self.runs = tuple(run_line(row, zone, now) for row in runs.items)
        self.entries = tuple(entry_line(row, zone, now) for row in entries.items)
        self._next, self.more = runs.next or "", runs.next is not None


def _page(work: Work, campaign_id: str, cursor: str, state: str):
    runs = run_history.listing(work, campaign_id, cursor=cursor or None, limit=PAGE)
    return runs, triggers.entries(work, campaign_id, state=state or None, limit=ENTRIES), work.now
