"""One template: written in the browser, saved as a version when its editor says so."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import FieldError, Invalid, NotFound, Stale
from backend.services import templates
from backend.services.templates import TemplateRow
from console import routes
from console.components import keep
from console.rows import template_draft as rows
from console.rows.content_form import FieldProblem, problems_of
from console.rows.template_draft import Judged, Typed
from console.states.base import read, requires, write
from console.states.clash import ClashState, Ground
from console.states.compose import CONFLICT, SAVED
from console.states.template_text import NEW, TemplateTextState
from console.states.template_versions import TemplateVersionsState


class TemplateState(rx.State):
    """What the page says of the template that `TemplateTextState` hands to the browser; `version` is the newest that
    this page knows of."""

    key: str = ""
    name: str = ""
    version: int = 0
    saved: str = SAVED
    problems: tuple[FieldProblem, ...] = ()
    judged: Judged = Judged()
    missing: bool = False
    ready: bool = False

    @rx.event
    @requires(Role.EDITOR)
    async def start(self):
        """A new template, which is kept once it is saved."""
        text = await self._begin(NEW)
        text._hold(NEW, rows.document("", {"title": "", "body": ""}, None), 0)
        self.ready = True
        return text._open()

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads the template that the address names, and the version to look at if it names one."""
        text = await self._begin(self.router.url.path.strip("/").split("/")[1])
        try:
            row, states = await read(_opened, self.key)
        except NotFound:
            self.missing = self.ready = True
            return None
        await self._take(row)
        self.ready = True
        asked = self.router.url.query_parameters.get("version", "")
        old = next((one for one in states if str(one.version) == asked and one.version != row.version), None)
        return text._open() if old is None else text._look_at(old)

    @rx.event
    @requires(Role.EDITOR)
    async def heard(self, draft: dict):
        """Says of what has been typed so far why it could not be saved."""
        typed = rows.parse(draft)
        if typed.of == self.key and self.key:
            self._judge(await read(_wrong, typed), templates.data_read(typed.content))

    @rx.event
    @requires(Role.EDITOR)
    async def save(self, draft: dict):
        """Keeps what the browser holds as the next version; what is refused stays on the page with its reason."""
        typed = rows.parse(draft)
        if typed.of == self.key and self.key:
            return await self._keep(typed.document, typed.version, typed)
        return None

    @rx.event
    @requires(Role.EDITOR)
    async def settle(self, draft: dict):
        """After somebody else has saved too: both as decided, field by field."""
        clash, typed = await self.get_state(ClashState), rows.parse(draft)
        decided = clash._settled(typed.document) if typed.of == self.key else None
        return None if decided is None else await self._keep(decided, clash._theirs.version)

    @rx.event
    @requires(Role.EDITOR)
    async def discard(self):
        """Back to what is saved."""
        self.saved = SAVED
        self._judge([], ())
        return (await self.get_state(TemplateTextState))._back()

    async def _begin(self, key: str) -> TemplateTextState:
        self.reset()
        (await self.get_state(ClashState)).reset()
        self.key = key
        return await self.get_state(TemplateTextState)

    async def _keep(self, made: Mapping[str, Any], version: int, typed: Typed | None = None):
        """Saves what was `typed`, or what was decided: then the browser takes it anew."""
        try:
            row = await write(_save, self.key, made, version, broken=typed is not None and typed.broken)
        except Invalid as error:
            self._judge(error.errors, templates.data_read(made["variants"][0]["content"]))
            return rx.toast.warning("Not saved: see the marked fields.")
        except Stale as error:
            return await self._meet(made, version, error)
        if self.key == NEW:
            return [keep.saved(typed.edit if typed else 0), rx.redirect(routes.template(row.id), replace=True)]
        told = "Saved" if row.version == self.version else f"Saved as version {row.version}"
        text = await self._take(row)
        kept = [keep.saved(typed.edit), keep.based_on(row.version)] if typed else text._back()
        return [*kept, TemplateVersionsState.load, rx.toast.success(told)]

    async def _meet(self, mine: dict[str, Any], version: int, error: Stale):
        """Somebody else has saved: what only one has changed goes together, the rest waits for a decision."""
        clash = await self.get_state(ClashState)
        theirs = Ground(error.version, json.dumps(rows.document(**error.current)))
        base = await read(_made_from, self.key, version, self.name)
        merged = clash._lay(Ground(version, json.dumps(base)), mine, theirs)
        if merged is not None:
            return await self._keep(merged, error.version)
        self.saved = CONFLICT
        return rx.toast.warning("Not saved yet: somebody else has saved this template too.")

    async def _take(self, row: TemplateRow) -> TemplateTextState:
        self.name, self.version, self.saved = row.name, row.version, SAVED
        self._judge([], templates.data_read(row.content))
        text = await self.get_state(TemplateTextState)
        text._hold(row.id, rows.document(row.name, row.content, row.data_schema), row.version)
        return text

    def _judge(self, errors: Sequence[FieldError], reads: Sequence[str]):
        self.problems, self.judged = problems_of(errors), rows.judged(errors, reads)


def _opened(work: Work, template_id: str):
    return templates.get(work, template_id), templates.versions(work, template_id)


def _wrong(work: Work, typed: Typed) -> list[FieldError]:
    broken = [rows.BROKEN] if typed.broken else []
    return broken + templates.wrong(work, typed.content, typed.schema)


def _save(work: Work, key: str, made: Mapping[str, Any], version: int, *, broken: bool) -> TemplateRow:
    if broken:
        raise Invalid([rows.BROKEN])
    if key == NEW:
        return templates.create(work, **rows.parts(made))
    return templates.save(work, key, version=version or None, **rows.parts(made))


def _made_from(work: Work, template_id: str, version: int, name: str) -> dict[str, Any]:
    """What a draft was made from; versions have no names of their own."""
    one = next((one for one in templates.versions(work, template_id) if one.version == version), None)
    return rows.document(name, one.content, one.data_schema) if one else rows.document(name, {}, None)
