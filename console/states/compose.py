"""The campaign that is being written: its identity, its version, and the one way to save it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, FieldError, Invalid, NotFound, Stale
from backend.services import campaigns, categories
from console import routes
from console.components import keep
from console.rows.compose import Errors, Option, errors_by_field
from console.rows.content_form import FieldProblem, problems_of
from console.rows.steps import first_open
from console.states.base import read, requires, viewer, write
from console.states.clash import ClashState, Ground, definition_of
from console.states.steps import StepsState

EDITABLE = ("draft", "scheduled")
GOING_ON = ("active", "paused")
SAVED, UNSAVED, CONFLICT = "saved", "unsaved", "conflict"


class ComposeState(rx.State):
    """What the whole composer shares. The other states of the page save through `_save`."""

    name: str = ""
    state: str = "draft"
    category: str = ""
    categories: tuple[Option, ...] = ()
    saved: str = SAVED
    errors: Errors = Errors()
    problems: tuple[FieldProblem, ...] = ()
    ready: bool = False
    missing: bool = False
    _id: str = ""
    _stored: str = "{}"
    _ground: Ground = Ground()

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads the campaign that the address names; what has been launched shows its report instead."""
        for state in (self, await self.get_state(ClashState), await self.get_state(StepsState)):
            state.reset()
        campaign_id = self.router.url.path.strip("/").split("/")[1]
        try:
            detail, categories = await read(_open, campaign_id)
        except NotFound:
            self.missing, self.ready = True, True
            return None
        if detail.row.state not in (*EDITABLE, *(GOING_ON if detail.row.repeats else ())):
            return rx.redirect(routes.campaign(campaign_id), replace=True)
        await self._take(detail)
        self.categories = tuple(Option(row.slug, row.name) for row in categories)
        self.ready = True
        return keep.arrive(first_open((await self.get_state(StepsState)).marks))

    @rx.event
    @requires(Role.EDITOR)
    async def rename(self, name: str):
        self.name = str(name)[:200]
        await self._save({"name": self.name})

    @rx.event
    @requires(Role.EDITOR)
    async def choose_category(self, slug: str):
        self.category = str(slug)
        await self._save({"category": self.category})

    @rx.event
    @requires(Role.EDITOR)
    async def settle(self):
        """After somebody else has saved too: both are saved as decided, field by field."""
        clash = await self.get_state(ClashState)
        decided = clash._settled(self._definition())
        if decided is not None:
            self.saved, self._ground = UNSAVED, clash._theirs
            await self._save(decided)

    async def _save(self, changes: Mapping[str, Any]) -> bool:
        """Saves top-level fields. What is refused stays on the page with its reason beside it."""
        wanted = {**self._definition(), **changes}
        if self.saved == SAVED and wanted == definition_of(self._ground):
            return True  # no new version: what was checked or approved is still the same
        self._stored = json.dumps(wanted)
        if self.saved == CONFLICT:  # what is typed while a decision is due is part of it
            clash = await self.get_state(ClashState)
            return await self._meet(clash._base, wanted, clash._theirs)
        return await self._keep(wanted)

    async def _keep(self, wanted: dict[str, Any]) -> bool:
        try:
            detail = await write(campaigns.update, self._id, wanted, version=self._ground.version)
        except Invalid as error:
            await self._refused(error.errors)
        except Stale as error:
            return await self._meet(self._ground, wanted, Ground(error.version, json.dumps(error.current)))
        except (Conflict, NotFound) as error:  # it has been launched or deleted meanwhile
            await self._refused([FieldError("", error.detail)])
        else:
            await self._take(detail)
            return True
        return False

    async def _meet(self, base: Ground, mine: dict[str, Any], theirs: Ground) -> bool:
        """Somebody else has saved: what only one has changed goes together, the rest waits for a decision."""
        merged = (await self.get_state(ClashState))._lay(base, mine, theirs)
        if merged is None:
            self.saved, self._stored = CONFLICT, json.dumps(mine)
            return False
        self._ground, self._stored = theirs, json.dumps(merged)
        return await self._keep(merged)

    async def _refused(self, errors: Sequence[FieldError]):
        self.errors = errors_by_field([(one.field, one.message) for one in errors])
        self.saved, self.problems = UNSAVED, problems_of(errors)
        self.problems = problems_of(errors)
        await self._judge(errors)

    async def _take(self, detail: campaigns.CampaignDetail):
        row, text = detail.row, json.dumps(detail.definition)
        self.name, self.state, self.category = row.name, row.state, row.category
        self.saved, self.errors, self.problems = SAVED, Errors(), ()
        self._id, self._stored, self._ground = row.id, text, Ground(detail.version, text)
        await self._judge(())
        (await self.get_state(StepsState))._kept(row.updated_at, self._zone())

    async def _judge(self, errors: Sequence[FieldError]):
        steps = await self.get_state(StepsState)
        steps._judge(self._stored, self._ground.text, errors, self.state)

    def _definition(self) -> dict[str, Any]:
        """The whole campaign, empty before one is open. Kept as text: Reflex would hand out wrapped dicts."""
        return json.loads(self._stored)

    def _zone(self) -> str:
        return viewer().app.default_timezone


def _open(work: Work, campaign_id: str):
    return campaigns.get(work, campaign_id), categories.listing(work)
