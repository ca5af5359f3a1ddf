"""One segment: its name, its version, and the one way to save it."""

import json
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotFound
from backend.services import segment_shelf, segment_uses, segmentation
from console import routes
from console.rows import segment_fields
from console.rows.segments import Link, uses
from console.states.base import read, requires, write
from console.states.compose import CONFLICT, SAVED, UNSAVED
from console.states.segment_rules import RulesState
from console.states.segments import SegmentsState

NEW = "new"


class SegmentState(rx.State):
    """What the editor shows of the segment that the address names."""

    key: str = ""
    name: str = ""
    saved: str = SAVED
    problem: str = ""
    name_problem: str = ""
    uses: tuple[Link, ...] = ()
    archived: bool = False
    missing: bool = False
    ready: bool = False
    _version: int = 0
    _stored: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def start(self):
        """A new segment, which is kept once it is saved."""
        self.reset()
        self.key, self._stored = NEW, json.dumps(segment_fields.EMPTY)
        await (await self.get_state(RulesState))._open(segment_fields.EMPTY)
        self.ready = True

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the segment that the address names."""
        self.reset()
        self.key = self.router.url.path.strip("/").split("/")[1]
        try:
            row, found = await read(_open, self.key)
        except NotFound:
            self.missing = self.ready = True
            return
        self._take(row)
        self.uses = uses(found)
        await (await self.get_state(RulesState))._open(row.rules)
        self.ready = True

    @rx.event
    @requires(Role.ANALYST)
    async def edited(self, query: dict[str, Any], name: str):
        """Whether there is something to save; a conflict stays until it is settled."""
        if self.saved != CONFLICT:
            same = json.loads(self._stored or "null") == segment_fields.bare(query) and str(name) == self.name
            self.saved = SAVED if same else UNSAVED

    @rx.event
    @requires(Role.EDITOR)
    async def save(self, query: dict[str, Any], name: str):
        """Keeps name and rules. What is refused stays on the page with its reason in its place."""
        return await self._keep(query, str(name))

    @rx.event
    @requires(Role.EDITOR)
    async def overwrite(self, query: dict[str, Any], name: str):
        """After somebody else has saved: this page's rules win."""
        self._version = (await read(segmentation.get, self.key)).version
        return await self._keep(query, str(name))

    @rx.event
    @requires(Role.EDITOR)
    async def duplicate(self):
        """Opens a copy of what is saved."""
        made = await write(segment_shelf.duplicate, self.key)
        return rx.redirect(routes.segment(made.id))

    @rx.event
    @requires(Role.EDITOR)
    async def archive(self):
        """Takes it off the list; the toast brings it back."""
        await write(segmentation.delete, self.key)
        undo = {"label": "Undo", "on_click": SegmentsState.restore(self.key)}
        return [rx.toast.success("Segment archived", action=undo), rx.redirect(routes.SEGMENTS)]

    @rx.event
    @requires(Role.EDITOR)
    async def restore(self):
        self._take(await write(segment_shelf.restore, self.key))
        return rx.toast.success("Segment is back")

    async def _keep(self, query: Any, name: str):
        rules, new = query if isinstance(query, dict) else {}, self.key == NEW
        self.problem = self.name_problem = ""
        try:
            row = await write(_save, None if new else self.key, self._version or None, name, rules)
        except Invalid as error:
            return self._refused(error)
        except Conflict as error:
            self.saved, self.problem = CONFLICT, error.detail
            return None
        self._take(row)
        return [rx.toast.success("Saved"), *([rx.redirect(routes.segment(row.id), replace=True)] if new else [])]

    def _refused(self, error: Invalid):
        self.saved = UNSAVED
        if any(one.field == "name" for one in error.errors):
            self.name_problem = "Give the segment a name of 1 to 200 characters."
            return None
        return rx.toast.warning("Not saved: finish the marked rules first.")

    def _take(self, row: segmentation.SegmentRow):
        self.name, self.archived, self.saved = row.name, row.archived_at is not None, SAVED
        self._version, self._stored = row.version, json.dumps(segment_fields.bare(row.rules))


def _open(work: Work, segment_id: str):
    return segment_shelf.get(work, segment_id), segment_uses.uses_of(work, segment_id)


def _save(work: Work, segment_id: str | None, version: int | None, name: str, rules: dict[str, Any]):
    return segmentation.save(work, name=name, rules=rules, segment_id=segment_id, version=version)
