"""The list of segments: search, order and page are in the address; people are counted once the list is there."""

import asyncio
from time import monotonic

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, TooSlow
from backend.services import segment_shelf, segmentation
from console import routes
from console.rows.segments import PAGE, SegmentLine, line, page_of
from console.states.base import read, requires, viewer, write

TOGETHER = 0.3
"""Seconds for which counts are gathered before the page hears of them."""


class SegmentsState(rx.State):
    """One page of segments and what narrows it."""

    search: str = ""
    sort: str = "-updated_at"
    archived: bool = False
    number: int = 0
    total: int = 0
    rows: tuple[SegmentLine, ...] = ()
    ready: bool = False
    _round: int = 0

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads what is asked for from the address."""
        asked = self.router.url.query_parameters
        self.search = asked.get("search", "")[:100]
        self.archived = asked.get("archived", "") == "1"
        self.sort = asked.get("sort", "") if asked.get("sort", "") in segment_shelf.SORTS else "-updated_at"
        self.number = int(asked.get("page", "")) if asked.get("page", "").isdecimal() else 0
        await self._refresh()
        return SegmentsState.count

    @rx.event
    @requires(Role.ANALYST)
    async def look_for(self, text: str):
        """Narrows the list by name; the address follows."""
        return self._go(search=str(text)[:100], page=0)

    @rx.event
    @requires(Role.ANALYST)
    async def order_by(self, sort: str):
        return self._go(sort=str(sort), page=0)

    @rx.event
    @requires(Role.ANALYST)
    async def turn(self, step: int):
        """The next page or the one before."""
        return self._go(page=max(0, self.number + int(step)))

    @rx.event(background=True)
    @requires(Role.ANALYST)
    async def count(self):
        """Counts the people of each segment shown, and tells a few at a time."""
        async with self:
            current, asked = self._round, [row.id for row in self.rows]
        found, told = {}, monotonic()
        for place, segment_id in enumerate(asked, 1):
            found[segment_id] = await read(_size, segment_id)
            if place < len(asked) and monotonic() - told < TOGETHER:
                continue
            async with self:
                if self._round != current:
                    return
                self.rows = tuple(row.counted(found[row.id]) if row.id in found else row for row in self.rows)
            told = monotonic()
            await asyncio.sleep(0)

    @rx.event
    @requires(Role.EDITOR)
    async def duplicate(self, segment_id: str):
        """Opens the copy."""
        made = await write(segment_shelf.duplicate, segment_id)
        return rx.redirect(routes.segment(made.id))

    @rx.event
    @requires(Role.EDITOR)
    async def archive(self, segment_id: str):
        """Takes it off the list; the toast brings it back."""
        await write(segmentation.delete, segment_id)
        await self._refresh()
        undo = {"label": "Undo", "on_click": SegmentsState.restore(segment_id)}
        return [rx.toast.success("Segment archived", action=undo), SegmentsState.count]

    @rx.event
    @requires(Role.EDITOR)
    async def restore(self, segment_id: str):
        await write(segment_shelf.restore, segment_id)
        await self._refresh()
        return [rx.toast.success("Segment is back"), SegmentsState.count]

    def _go(self, **changes: object):
        page = changes.get("page", self.number)
        asked = {"search": self.search, "sort": self.sort, "archived": "1" if self.archived else ""} | changes
        return rx.redirect(routes.with_query(routes.SEGMENTS, asked | {"page": page or ""}), replace=True)

    async def _refresh(self):
        found, now = await read(_shelf, self.search, self.archived, self.sort)
        zone = viewer().app.default_timezone
        self.number = min(self.number, max(0, len(found) - 1) // PAGE)
        self.rows = page_of([line(one, zone, now) for one in found], self.number)
        self.total, self.ready, self._round = len(found), True, self._round + 1


def _shelf(work: Work, search: str, archived: bool, sort: str):
    return segment_shelf.shelf(work, search=search, archived=archived, sort=sort), work.now


def _size(work: Work, segment_id: str):
    """None where the rules name something that is gone, or take too long."""
    try:
        return segmentation.estimate(work, segment_shelf.get(work, segment_id).rules)
    except (Invalid, TooSlow):
        return None
