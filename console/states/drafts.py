"""What can be done with a draft as a whole: begun, copied, kept as a template, thrown away."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.services import campaigns, categories, templates
from console import routes
from console.states.base import actor, requires, write
from console.states.clash import definition_of
from console.states.compose import SAVED, ComposeState

UNTITLED = "Untitled campaign"


class DraftState(rx.State):
    """Verbs of the composer's title row; they speak of the campaign that `ComposeState` has opened."""

    @rx.event
    @requires(Role.EDITOR)
    async def start(self):
        """Opens a new draft; one that the member began and never touched is taken up again."""
        made = await write(_blank)
        return rx.redirect(routes.edit_campaign(made.row.id), replace=True)

    @rx.event
    @requires(Role.EDITOR)
    async def say_saved(self):
        """Ctrl+S: everything is saved while typing, so this says so, or what is in the way."""
        if (await self.get_state(ComposeState)).saved == SAVED:
            return rx.toast.success("Saved")
        return rx.toast.warning("Not saved yet: see the marked fields.")

    @rx.event
    @requires(Role.EDITOR)
    async def duplicate(self):
        """Opens the copy, which is a draft."""
        made = await write(campaigns.duplicate, (await self.get_state(ComposeState))._id)
        return rx.redirect(routes.edit_campaign(made.row.id))

    @rx.event
    @requires(Role.EDITOR)
    async def discard(self):
        """The draft and its text are gone for good."""
        await write(campaigns.delete, (await self.get_state(ComposeState))._id)
        return [rx.toast.success("The draft is deleted"), rx.redirect(routes.CAMPAIGNS)]

    @rx.event
    @requires(Role.EDITOR)
    async def keep_template(self, variant: int):
        """The saved words of the open variant as a template of the campaign's name."""
        definition = definition_of((await self.get_state(ComposeState))._ground)
        made = await write(_kept, definition, variant if isinstance(variant, int) else 0)
        return rx.toast.success(f"Saved as the template {made}")


def _kept(work: Work, definition: dict, variant: int) -> str:
    rows = definition["variants"]
    chosen = rows[variant] if 0 <= variant < len(rows) else rows[0]
    return templates.create(work, definition["name"], templates.words_of(work, chosen)).name


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
