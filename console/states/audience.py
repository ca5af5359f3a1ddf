"""Who gets the campaign: everyone, saved segments and lists, rules of its own, or topics; counted each time it changes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import lists, segment_shelf, segmentation, topics
from console.rows import audience as rows
from console.rows.audience import GroupLine, Reach
from console.rows.segment_fields import EMPTY, bare
from console.rows.steps import Whom
from console.states.base import read, requires, write
from console.states.compose import ComposeState
from console.states.segment_rules import RulesState
from console.states.steps import StepsState


class AudienceState(rx.State):
    """The audience of the campaign that `ComposeState` has opened. The builder's own state is `RulesState`."""

    mode: str = rows.EVERYONE
    groups: tuple[GroupLine, ...] = ()
    unseen: str = ""
    reach: Reach = Reach()
    problem: str = ""
    counting: bool = False
    revision: int = 0
    _given: str = ""
    _made: str = ""
    _rules: str = json.dumps(EMPTY)
    _topics: list[str] = []  # noqa: RUF012 - Reflex copies the defaults of a state

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        self.reset()
        compose = await self.get_state(ComposeState)
        if not compose._definition():
            return
        audience = compose._definition()["audience"]
        self.groups, own = await read(_choices, audience)
        self._given = own.id if own else ""
        self._rules = json.dumps(own.rules if own else EMPTY)
        self.mode = rows.mode_of(audience, has_own=own is not None)
        self.unseen, self.revision = str(audience["unseen_days"] or ""), self.revision + 1
        self._topics = audience.get("topics", [])
        await self._open_rules()
        await self._count(audience)
        (await self.get_state(StepsState))._counted(Whom(self.reach.devices, self.problem))

    @rx.event
    @requires(Role.EDITOR)
    async def choose_mode(self, mode: str):
        """Everyone, segments, rules or topics."""
        if mode not in rows.MODES:
            return
        self.mode = mode
        await self._open_rules()
        async for step in self._store():
            yield step

    @rx.event
    @requires(Role.EDITOR)
    async def take_in(self, group_id: str):
        """A segment or list is in the audience, or no longer."""
        self.groups = rows.turned(self.groups, str(group_id), out=False)
        async for step in self._store():
            yield step

    @rx.event
    @requires(Role.EDITOR)
    async def leave_out(self, group_id: str):
        """Who is in a segment or list gets nothing, whatever else is chosen; or no longer."""
        self.groups = rows.turned(self.groups, str(group_id), out=True)
        async for step in self._store():
            yield step

    @rx.event
    @requires(Role.EDITOR)
    async def look_for(self, text: str):
        """Narrows what can be chosen by name."""
        self.groups = rows.narrowed(self.groups, str(text)[:100])

    @rx.event
    @requires(Role.EDITOR)
    async def edit_rules(self, query: dict[str, Any]):
        """The builder's rules as they are now; the same ones again are no change."""
        rules = bare(query)
        if self.mode == rows.RULES and isinstance(rules, dict) and rules != json.loads(self._rules):
            self._rules = json.dumps(rules)
            async for step in self._store():
                yield step

    @rx.event
    @requires(Role.EDITOR)
    async def skip_unseen(self, days: str):
        """Devices not seen for so many days are left out; empty takes them all."""
        self.unseen = str(days).strip()
        async for step in self._store():
            yield step

    async def _open_rules(self):
        if self.mode == rows.RULES:
            await (await self.get_state(RulesState))._open(json.loads(self._rules))

    async def _store(self):
        """Saves the audience and counts it anew; that this goes on is said first."""
        self.problem, self.counting = "", True
        yield
        try:
            await self._settle()
        finally:
            self.counting = False
        (await self.get_state(StepsState))._counted(Whom(self.reach.devices, self.problem))

    async def _settle(self):
        """The audience's own rules become a segment of the campaign's first."""
        compose = await self.get_state(ComposeState)
        try:
            unseen = rows.days(self.unseen)
            if self.mode == rows.RULES:
                self._made = await write(_save_own, self._made, rows.own_rules(json.loads(self._rules)))
        except (Invalid, ValueError) as error:
            self.problem = rows.sentence(error)
            return
        audience = rows.audience_of(self.mode, self.groups, self._made, unseen, list(self._topics))
        if await compose._save({"audience": audience}):
            await self._count(audience)
            gone = [self._given] if self.mode == rows.RULES else [self._given, self._made]
            self._given, self._made = "", self._made if self.mode == rows.RULES else ""
            await _forget([one for one in gone if one])

    async def _count(self, audience: Mapping[str, Any]):
        try:
            self.reach = rows.reach_of(*await read(_size, audience))
        except (Invalid, NotFound) as error:
            self.problem = error.detail


async def _forget(gone: Sequence[str]) -> None:
    """The segment that the campaign came with is replaced, never changed: a copy may still use it."""
    if gone:
        await write(segment_shelf.forget_own, {"include": gone})


def _choices(work: Work, audience: Mapping[str, Any]):
    """The saved segments and lists that can be chosen, and the campaign's own segment if it has one."""
    saved = [one.segment for one in segment_shelf.shelf(work, sort="name")]
    named = (segment_shelf.find_own(work, one) for one in audience["include"])
    return rows.lines(saved, lists.listing(work, limit=1000).items, audience), next(filter(None, named), None)


def _size(work: Work, audience: Mapping[str, Any]):
    """How many it is, and how many devices are known to follow its topics."""
    return segmentation.audience_size(work, audience), topics.followers(work, audience.get("topics", ()))


def _save_own(work: Work, made: str, rules: Mapping[str, Any]) -> str:
    name = f"{segment_shelf.OWN}{segmentation.describe_named(work, rules)}"[:200]
    return segmentation.save(work, name=name, rules=rules, segment_id=made or None).id
