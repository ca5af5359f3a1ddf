"""A template's text on its way to the browser, which holds it from then on."""

import json
from collections.abc import Mapping
from typing import Any

import reflex as rx

from backend.domain.vocabulary import Role
from backend.services.templates import TemplateState as Kept
from console.components import keep
from console.components.draft import held_var
from console.rows import template_draft as rows
from console.states.base import requires, viewer

NEW = "new"


class TemplateTextState(rx.State):
    """What is saved. A new `revision` makes the fields take their texts anew; `resumed` when what they show was typed
    before, and is not saved."""

    revision: int = 0
    resumed: bool = False
    _of: str = ""
    _saved: str = "{}"
    _version: int = 0

    @rx.event
    @requires(Role.EDITOR)
    async def resume(self, draft: dict | None):
        """What the browser still had from before, unsaved: the server was away, or the page was left."""
        typed = rows.parse(draft)
        if not typed.of or typed.of != self._of:
            return None
        self.resumed = True
        return self._give(typed.document, typed.version, safe=False)

    def _hold(self, of: str, made: Mapping[str, Any], version: int):
        """What is saved by now; `made` is a document."""
        self._of, self._saved, self._version, self.resumed = of, json.dumps(made), version, False

    def _open(self):
        """The events that show what is saved, and then what was left unsaved."""
        return self._give(json.loads(self._saved), self._version, callback=TemplateTextState.resume)

    def _back(self):
        """The events that show what is saved, and forget all else."""
        self.resumed = False
        return self._give(json.loads(self._saved), self._version)

    def _look_at(self, old: Kept):
        """The events that show an old version, of which nothing is ever saved."""
        made = rows.document(json.loads(self._saved)["name"], old.content, old.data_schema)
        return self._give(made, old.version, of=f"{self._of}@{old.version}")

    def _give(self, made: Mapping[str, Any], version: int, *, safe: bool = True, of: str = "", callback: Any = None):
        self.revision += 1
        held = rows.draft_of(made, of or self._of, version, self.revision, viewer().app.default_locale)
        return [held_var.push({}), keep.give(held, safe=safe, callback=callback)]
