"""The words of a campaign: typed in the browser, saved while typing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import templates
from console.components import keep
from console.rows import content_form as rows
from console.rows import kept
from console.states.base import read, requires, viewer
from console.states.compose import SAVED, ComposeState
from console.states.preview import PreviewState


class ContentState(rx.State):
    """The browser holds the words. A new `revision` makes its fields take them anew."""

    revision: int = 0
    _known: dict[int, list[dict[str, Any]]] = {}  # noqa: RUF012 - Reflex copies the defaults of a state

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Hands the browser the words of the campaign that `ComposeState` has opened."""
        compose = await self.get_state(ComposeState)
        if compose.missing or not compose._definition():
            return None
        return await self._show(compose, callback=ContentState.resume)

    @rx.event
    @requires(Role.EDITOR)
    async def renew(self):
        """After a decision about the words: the browser shows them as they were decided."""
        return await self._show(await self.get_state(ComposeState))

    @rx.event
    @requires(Role.EDITOR)
    async def store(self, draft: dict):
        """Saves what has been typed; the fields themselves are left alone."""
        compose, sent = await self.get_state(ComposeState), rows.parse_draft(draft)
        revision = sent.edit // rows.EDITS or self.revision
        known = self._known.get(revision)
        if not compose._definition() or known is None or sent.of not in ("", compose._id):
            return None
        variants = kept.laid_over(compose._definition()["variants"], sent.names, known, sent.contents)
        self._known = {**self._known, revision: list(sent.contents)}
        saved = await compose._save({"variants": variants})
        shown = await (await self.get_state(PreviewState))._follow(draft)
        return [shown, keep.saved(sent.edit)] if saved else shown

    @rx.event
    @requires(Role.EDITOR)
    async def resume(self, draft: dict | None):
        """What the browser still had from before, unsaved: the server was away, or would not have it."""
        compose, sent = await self.get_state(ComposeState), rows.parse_draft(draft)
        if not sent.contents or not compose._definition() or sent.of != compose._id:
            return None
        ground = rows.parse_draft({**dict(draft or {}), "contents": dict(draft or {}).get("ground")})
        definition = compose._definition()
        base, mine = (kept.with_words_of(definition, sent.names, one.contents) for one in (ground, sent))
        await compose._meet(replace(compose._ground, text=json.dumps(base)), mine, compose._ground)
        return await self._show(compose, sent.variant)

    async def _show(self, compose: ComposeState, variant: int = 0, callback: Any = None):
        """Another content than the one that is being typed: the fields take it. A template's words are shown as well;
        they become the variant's own once they are changed."""
        variants = compose._definition().get("variants", [])
        self.revision += 1
        contents = await read(_contents, variants)
        names = [one["name"] for one in variants]
        before = {at: known for at, known in self._known.items() if at == self.revision - 1}  # still on its way, maybe
        self._known = {**before, self.revision: contents}
        made = rows.draft_json(
            contents,
            names,
            variant=variant,
            of=compose._id,
            revision=self.revision,
            default_locale=viewer().app.default_locale,
        )
        return keep.give(made, safe=compose.saved == SAVED, callback=callback)


def _contents(work: Work, variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_words(work, one) for one in variants]


def _words(work: Work, variant: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing where its template is gone: the step says so."""
    try:
        return templates.words_of(work, variant)
    except NotFound:
        return {}
