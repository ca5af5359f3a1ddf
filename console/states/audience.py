"""Who gets the campaign: everyone, saved segments, rules of its own, or topics; counted each time it changes."""

import contextlib
from collections.abc import Mapping
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotFound
from backend.services import segmentation, topics
from console.rows import audience as rows
from console.rows.audience import Reach, RuleLine, SegmentLine
from console.states.base import read, requires, write
from console.states.compose import ComposeState


class AudienceState(rx.State):
    """The audience of the campaign that `ComposeState` has opened."""

    mode: str = rows.EVERYONE
    segments: tuple[SegmentLine, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    unseen: str = ""
    reach: Reach = Reach()
    problem: str = ""
    revision: int = 0
    _given: str = ""
    _made: str = ""
    _topics: list[str] = []  # noqa: RUF012 - Reflex copies the defaults of a state

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads the audience and counts it."""
        self.reset()
        compose = await self.get_state(ComposeState)
        if not compose._definition():
            return
        audience = compose._definition()["audience"]
        saved, own = await read(_segments, audience["include"])
        self._given = own.id if own else ""
        self.segments = tuple(SegmentLine(s.id, s.name, s.description, s.id in audience["include"]) for s in saved)
        self.rules = rows.lines_of(own.rules) if own else ()
        self.mode = rows.mode_of(audience, has_own=own is not None)
        self.unseen = str(audience["unseen_days"] or "")
        self._topics = audience.get("topics", [])
        self.revision += 1
        await self._count(audience)

    @rx.event
    @requires(Role.EDITOR)
    async def choose_mode(self, mode: str):
        """Everyone, segments, rules or topics."""
        if mode not in rows.MODES:
            return
        self.mode = mode
        if mode == rows.RULES and not self.rules:
            self.rules, self.revision = (rows.FIRST_RULE,), self.revision + 1
        await self._store()

    @rx.event
    @requires(Role.EDITOR)
    async def toggle_segment(self, segment_id: str):
        self.segments = tuple(s.toggled() if s.id == segment_id else s for s in self.segments)
        await self._store()

    @rx.event
    @requires(Role.EDITOR)
    async def change_rule(self, index: int, part: str, value: str):
        """One part of one rule; another field brings its own operators."""
        self.rules = rows.changed(self.rules, int(index), str(part), str(value)[:200])
        await self._store()

    @rx.event
    @requires(Role.EDITOR)
    async def add_rule(self):
        self.rules, self.revision = (*self.rules, rows.FIRST_RULE)[: rows.MAX_RULES], self.revision + 1
        await self._store()

    @rx.event
    @requires(Role.EDITOR)
    async def remove_rule(self, index: int):
        self.rules = tuple(rule for at, rule in enumerate(self.rules) if at != int(index))
        self.revision += 1
        await self._store()

    @rx.event
    @requires(Role.EDITOR)
    async def skip_unseen(self, days: str):
        """Devices not seen for so many days are left out; empty takes them all."""
        self.unseen = str(days).strip()
        await self._store()

    async def _store(self):
        """Saves the audience, its own rules as a segment of the campaign's first, and counts anew."""
        compose = await self.get_state(ComposeState)
        self.problem = ""
        try:
            unseen = rows.days(self.unseen)
            if self.mode == rows.RULES:
                self._made = await write(_save_own, self._made, rows.tree_of(self.rules))
        except (Invalid, ValueError) as error:
            self.problem = rows.sentence(error)
            return
        audience = rows.audience_of(self.mode, self.segments, self._made, unseen, list(self._topics))
        if await compose._save({"audience": audience}):
            await self._count(audience)
            await self._forget()

    async def _forget(self):
        """The segment that the campaign came with is replaced, never changed: a copy may still use it."""
        if self._given:
            given, self._given = self._given, ""
            with contextlib.suppress(Conflict, NotFound):
                await write(segmentation.delete, given)

    async def _count(self, audience: Mapping[str, Any]):
        try:
            self.reach = rows.reach_of(*await read(_size, audience))
        except (Invalid, NotFound) as error:
            self.problem = error.detail


def _segments(work: Work, include: list[str]):
    """The saved segments that can be chosen, and the campaign's own if it has one."""
    found = segmentation.listing(work, limit=200).items
    own = next((s for s in found if s.id in include and s.name.startswith(rows.OWN)), None)
    return [s for s in found if not s.name.startswith(rows.OWN)], own


def _size(work: Work, audience: Mapping[str, Any]):
    """How many it is, and how many devices are known to follow its topics."""
    return segmentation.audience_size(work, audience), topics.followers(work, audience.get("topics", ()))


def _save_own(work: Work, made: str, tree: dict[str, Any]) -> str:
    name = f"{rows.OWN}{segmentation.describe(tree)}"[:200]
    return segmentation.save(work, name=name, rules=tree, segment_id=made or None).id
