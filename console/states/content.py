"""The words of a campaign: typed in the browser, saved while typing."""

import re

import reflex as rx

from backend.domain.vocabulary import Role
from console.components.draft import draft_var
from console.rows import compose as rows
from console.rows.compose import Draft, Extras
from console.states.base import requires
from console.states.compose import UNSAVED, ComposeState
from console.states.preview import PreviewState

TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class ContentState(rx.State):
    """One language of the wording. A new `revision` makes the fields take their texts anew."""

    draft: Draft = Draft()
    extras: Extras = Extras()
    languages: tuple[str, ...] = ()
    revision: int = 0
    new_language: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Shows the default language of the campaign that `ComposeState` has opened."""
        return await self._show("")

    @rx.event
    @requires(Role.EDITOR)
    async def edit(self, draft: dict):
        """Saves what has been typed; the fields themselves are left alone."""
        await self._store(rows.parse_draft(draft))

    @rx.event
    @requires(Role.EDITOR)
    async def choose_language(self, language: str, draft: dict):
        """Keeps what was typed, then shows another language."""
        await self._store(rows.parse_draft(draft))
        return await self._show(language if language in self.languages else "")

    @rx.event
    @requires(Role.EDITOR)
    async def add_language(self, form: dict):
        """Begins another language, empty: until something is said it takes the default's words."""
        compose = await self.get_state(ComposeState)
        tag = str(form.get("language", "")).strip()
        if not TAG.fullmatch(tag):
            return rx.toast.warning("A language is a tag such as pl, de or pt-BR.")
        content = compose._content()
        content["locales"] = {**content.get("locales", {}), tag: content.get("locales", {}).get(tag, {})}
        await compose._save(compose._with_content(content))
        return await self._show(tag)

    @rx.event
    @requires(Role.EDITOR)
    async def remove_language(self, language: str):
        compose = await self.get_state(ComposeState)
        await compose._save(compose._with_content(rows.without_language(compose._content(), str(language))))
        return await self._show("")

    @rx.event
    @requires(Role.EDITOR)
    async def add_button(self, draft: dict):
        return await self._restructure(rows.new_button(rows.parse_draft(draft)))

    @rx.event
    @requires(Role.EDITOR)
    async def remove_button(self, button_id: str, draft: dict):
        return await self._restructure(rows.without_button(rows.parse_draft(draft), str(button_id)))

    @rx.event
    @requires(Role.EDITOR)
    async def change_extra(self, name: str, value: str | bool):
        """One platform field."""
        compose = await self.get_state(ComposeState)
        if name not in rows.EXTRA_FIELDS:
            return
        try:
            content = rows.with_extra(compose._content(), name, value)
        except ValueError:
            compose.errors, compose.saved = rows.Errors(extras="Enter a number."), UNSAVED
            return
        await compose._save(compose._with_content(content))
        self.extras = rows.extras_of(content)
        await (await self.get_state(PreviewState))._render(compose)

    async def _store(self, draft: Draft):
        compose = await self.get_state(ComposeState)
        content = rows.with_draft(compose._content(), draft)
        await compose._save(compose._with_content(content))
        await (await self.get_state(PreviewState))._render(compose)

    async def _restructure(self, draft: Draft):
        await self._store(draft)
        self.draft = draft
        self.revision += 1
        return draft_var.push(rows.draft_json(draft))

    async def _show(self, language: str):
        compose = await self.get_state(ComposeState)
        if compose.missing or not compose._definition():
            return None
        content = compose._content()
        self.languages = rows.languages_of(content)
        self.extras = rows.extras_of(content)
        self.draft = rows.draft_of(content, language)
        self.revision += 1
        await (await self.get_state(PreviewState))._render(compose)
        return draft_var.push(rows.draft_json(self.draft, rows.draft_of(content)))
