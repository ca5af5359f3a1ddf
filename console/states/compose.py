"""The campaign that is being written: its identity, its version, and the one way to save it."""

import json
from collections.abc import Mapping
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotFound
from backend.services import campaigns, categories
from console import routes
from console.rows.compose import Errors, Option, errors_by_field
from console.states.base import actor, read, requires, viewer, write

UNTITLED = "Untitled campaign"
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
    problem: str = ""
    errors: Errors = Errors()
    ready: bool = False
    missing: bool = False
    _id: str = ""
    _version: int = 0
    _stored: str = "{}"

    @rx.event
    @requires(Role.EDITOR)
    async def start(self):
        """Opens a new draft; one that the member began and never touched is taken up again."""
        made = await write(_blank)
        return rx.redirect(routes.edit_campaign(made.row.id), replace=True)

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads the campaign that the address names; what has been launched shows its report instead."""
        self.reset()
        campaign_id = self.router.url.path.strip("/").split("/")[1]
        try:
            detail, categories = await read(_open, campaign_id)
        except NotFound:
            self.missing, self.ready = True, True
            return None
        if detail.row.state not in (*EDITABLE, *(GOING_ON if detail.row.repeats else ())):
            return rx.redirect(routes.campaign(campaign_id), replace=True)
        self._take(detail)
        self.categories = tuple(Option(row.slug, row.name) for row in categories)
        self.ready = True
        return None

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
    async def save_now(self):
        """Ctrl+S: everything is saved while typing, so this says so, or what is in the way."""
        if self.saved == SAVED:
            return rx.toast.success("Saved")
        return rx.toast.warning("Not saved yet: see the marked fields.")

    @rx.event
    @requires(Role.EDITOR)
    async def overwrite(self):
        """After somebody else has saved: this page's texts win."""
        detail = await read(campaigns.get, self._id)
        mine = {key: value for key, value in self._definition().items() if key in ("name", "variants")}
        self._version, self._stored, self.saved = detail.version, json.dumps(detail.definition), UNSAVED
        await self._save(mine)

    async def _save(self, changes: Mapping[str, Any]) -> bool:
        """Saves top-level fields. What is refused stays on the page with its reason beside it."""
        wanted = {**self._definition(), **changes}
        self._stored = json.dumps(wanted)
        if self.saved == CONFLICT:
            return False
        try:
            detail = await write(campaigns.update, self._id, wanted, version=self._version)
        except Invalid as error:
            self.errors = errors_by_field([(one.field, one.message) for one in error.errors])
            self.saved, self.problem = UNSAVED, ""
            return False
        except Conflict as error:
            self.saved, self.problem = CONFLICT, error.detail
            return False
        self._take(detail)
        return True

    def _take(self, detail: campaigns.CampaignDetail):
        row = detail.row
        self.name, self.state, self.category = row.name, row.state, row.category
        self.saved, self.problem, self.errors = SAVED, "", Errors()
        self._id, self._version, self._stored = row.id, detail.version, json.dumps(detail.definition)

    def _definition(self) -> dict[str, Any]:
        """The whole campaign, empty before one is open. Kept as text: Reflex would hand out wrapped dicts."""
        return json.loads(self._stored)

    def _content(self) -> dict[str, Any]:
        """The first wording; the composer writes one."""
        return dict(self._definition()["variants"][0].get("content") or {})

    def _with_content(self, content: Mapping[str, Any]) -> dict[str, Any]:
        first, *others = self._definition()["variants"]
        return {"variants": [{**first, "content": dict(content), "template_id": None}, *others]}

    def _zone(self) -> str:
        return viewer().app.default_timezone


def _open(work: Work, campaign_id: str):
    return campaigns.get(work, campaign_id), categories.listing(work)


def _blank(work: Work) -> campaigns.CampaignDetail:
    drafts = campaigns.listing(work, search=UNTITLED, state="draft", limit=20).items
    mine = (
        row
        for row in drafts
        if row.name == UNTITLED and row.created_by == str(actor()) and row.updated_at == row.created_at
    )
    if (row := next(mine, None)) is not None:
        return campaigns.get(work, row.id)
    slugs = [category.slug for category in categories.listing(work)]
    category = "marketing" if "marketing" in slugs else slugs[0]
    content = {"title": "", "body": ""}
    return campaigns.create(
        work,
        {"name": UNTITLED, "category": category, "audience": {"everyone": True}, "variants": [{"content": content}]},
    )
