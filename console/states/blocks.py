"""The list of content blocks: search and page are in the address."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import blocks
from console import routes
from console.rows.blocks import BlockLine, line
from console.states.base import read, requires, viewer

PAGE = 50


class BlocksState(rx.State):
    """One page of blocks and what narrows it."""

    search: str = ""
    rows: tuple[BlockLine, ...] = ()
    following: str = ""
    ready: bool = False

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads search and page from the address."""
        self.search = self.router.url.query_parameters.get("search", "")[:100]
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def look_for(self, text: str):
        """Narrows the list by name; the address follows."""
        return rx.redirect(routes.with_query(routes.BLOCKS, {"search": str(text)[:100]}), replace=True)

    async def _refresh(self):
        try:
            page, uses, now = await read(_page, self.search, self.router.url.query_parameters.get("cursor"))
        except NotFound:
            self.rows, self.ready = (), True
            return
        zone = viewer().app.default_timezone
        self.rows = tuple(line(row, uses.get(row.name, ()), zone, now) for row in page.items)
        asked = {"search": self.search, "cursor": page.next}
        self.following = routes.with_query(routes.BLOCKS, asked) if page.next else ""
        self.ready = True


def _page(work: Work, search: str, cursor: str | None):
    return blocks.listing(work, search=search, cursor=cursor, limit=PAGE), blocks.all_uses(work), work.now
