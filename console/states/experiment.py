"""The variants of a campaign: how many, what they are called, how large their shares are, whose words they say."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.services import templates
from console.components import keep
from console.rows import experiment as rows
from console.rows.experiment import TemplateChoice
from console.states.base import read, requires
from console.states.compose import ComposeState
from console.states.content import ContentState

LISTED = 200


class ExperimentState(rx.State):
    """Each verb saves at once, and hands the browser the draft anew where there are other words in it. The lines are
    `StepsState.variants`; `revision` renews their fields."""

    templates: tuple[TemplateChoice, ...] = ()
    revision: int = 0
    _before: tuple[int, dict[str, Any]] | None = None

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """The templates that a variant may take its words from."""
        self.templates = await read(_templates)
        self.revision += 1

    @rx.event
    @requires(Role.EDITOR)
    async def add(self, like: int):
        """One more variant, which at first says what another one does; it opens."""
        before = await self._variants()
        after = rows.added(before, _number(like))
        return await self._restructured(after, len(after) - 1)

    @rx.event
    @requires(Role.EDITOR)
    async def remove(self, name: str):
        return await self._restructured(rows.removed(await self._variants(), str(name)), 0)

    @rx.event
    @requires(Role.EDITOR)
    async def move(self, name: str, by: int):
        """Further to the front or the back."""
        return await self._restructured(rows.moved(await self._variants(), str(name), _number(by)), 0)

    @rx.event
    @requires(Role.EDITOR)
    async def rename(self, at: int, name: str):
        variants = rows.changed(await self._variants(), _number(at), name=str(name)[: rows.NAME_LONGEST])
        return keep.rename([one["name"] for one in variants]) if await self._save(variants) else None

    @rx.event
    @requires(Role.EDITOR)
    async def weigh(self, at: int, weight: str | float):
        """How large its share is, beside the other weights."""
        await self._save(rows.changed(await self._variants(), _number(at), weight=rows.weight_of(weight)))

    @rx.event
    @requires(Role.EDITOR)
    async def use_template(self, at: int, template_id: str):
        """The variant says what the template says, also what it will say by the launch; its own words can be had back."""
        before, at = await self._variants(), _number(at)
        if not template_id or not 0 <= at < len(before):
            return None
        self._before = (at, before[at])
        own = {"template_id": str(template_id), "content": None}
        undo = {"label": "Undo", "on_click": ExperimentState.take_back()}
        shown = await self._restructured(rows.changed(before, at, **own), at)
        return [shown, rx.toast.success("The message says what the template says", action=undo)]

    @rx.event
    @requires(Role.EDITOR)
    async def take_back(self):
        """The words that a template has replaced."""
        if self._before is None:
            return None
        (at, words), self._before = self._before, None
        own = {"template_id": words.get("template_id"), "content": words.get("content")}
        return await self._restructured(rows.changed(await self._variants(), at, **own), at)

    @rx.event
    @requires(Role.EDITOR)
    async def detach(self, at: int):
        """The template's words become the variant's own."""
        variants, at = await self._variants(), _number(at)
        template_id = variants[at].get("template_id") if 0 <= at < len(variants) else None
        if template_id:
            own = {"template_id": None, "content": await read(templates.content_of, template_id)}
            return await self._restructured(rows.changed(variants, at, **own), at)
        return None

    async def _variants(self) -> list[dict[str, Any]]:
        return (await self.get_state(ComposeState))._definition().get("variants", [])

    async def _save(self, variants: Sequence[Any]) -> bool:
        return bool(variants) and await (await self.get_state(ComposeState))._save({"variants": list(variants)})

    async def _restructured(self, variants: Sequence[Any], shown: int):
        """Saved, then shown anew with one of the variants open."""
        if not variants:
            return None
        await self._save(variants)
        self.revision += 1
        return await (await self.get_state(ContentState))._show(await self.get_state(ComposeState), shown)


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _templates(work: Work) -> tuple[TemplateChoice, ...]:
    return tuple(TemplateChoice(row.id, row.name) for row in templates.listing(work, limit=LISTED).items)
