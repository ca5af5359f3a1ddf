"""What helps in writing a message: which languages its audience reads, and what is known of people."""

from collections.abc import Mapping
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid
from backend.services import audience_languages, variables
from console.rows import template_draft, variable_menu
from console.rows.content_form import Coverage, coverage_of
from console.rows.variable_menu import VariableMenu
from console.states.base import read, requires
from console.states.compose import ComposeState

EVERYONE = {"everyone": True, "include": [], "exclude": [], "unseen_days": None}


class WritingState(rx.State):
    """Read when the form comes up, and again when somebody looks for a language."""

    coverage: Coverage = Coverage()
    menu: VariableMenu = VariableMenu()

    @rx.event
    @requires(Role.EDITOR)
    async def look(self):
        """For the campaign that `ComposeState` has opened."""
        compose = await self.get_state(ComposeState)
        if definition := compose._definition():
            self.coverage, self.menu = await read(_surroundings, definition)

    @rx.event
    @requires(Role.EDITOR)
    async def look_around(self, draft: dict):
        """For a template: everybody, and beside what the app knows the data that is described."""
        typed = template_draft.parse(draft)
        self.coverage, found = await read(_surroundings, {"audience": EVERYONE, "schedule": None})
        self.menu = variable_menu.with_data(found, typed.schema or {})


def _surroundings(work: Work, definition: Mapping[str, Any]) -> tuple[Coverage, VariableMenu]:
    try:
        read_by = coverage_of(audience_languages.of_audience(work, definition["audience"]))
    except Invalid:  # a segment that is gone is told where the audience is chosen
        read_by = Coverage()
    return read_by, variable_menu.menu_of(variables.listing(work, definition["schedule"]))
