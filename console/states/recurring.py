"""The form of a schedule that recurs."""

import reflex as rx

from backend.domain.vocabulary import Role
from console.core import core
from console.rows import recurring_form as rows
from console.rows.recurring_form import RecurringForm
from console.states.base import requires
from console.states.compose import ComposeState
from console.states.schedule import ScheduleState

KEPT = "These fields cannot say this rule. Clear it to begin with the fields."


class RecurringState(rx.State):
    """Every edit is saved at once. `revision` renews fields that another one has changed."""

    form: RecurringForm = RecurringForm()
    revision: int = 0
    problem: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        compose = await self.get_state(ComposeState)
        if compose._definition():
            self.form = rows.recurring_of(compose._definition()["schedule"], compose._zone(), core().clock())
            self.revision, self.problem = self.revision + 1, ""

    @rx.event
    @requires(Role.EDITOR)
    async def choose(self):
        await self._store(self.form)

    @rx.event
    @requires(Role.EDITOR)
    async def put(self, name: str, value: str):
        await self._change(rows.put(self.form, name, value))

    @rx.event
    @requires(Role.EDITOR)
    async def toggle_day(self, day: str):
        await self._store(rows.toggle_day(self.form, day))

    @rx.event
    @requires(Role.EDITOR)
    async def put_time(self, index: int, value: str):
        await self._change(rows.put_time(self.form, index, value))

    @rx.event
    @requires(Role.EDITOR)
    async def add_time(self):
        """Later on the same day."""
        await self._store(rows.add_time(self.form))

    @rx.event
    @requires(Role.EDITOR)
    async def drop_time(self, index: int):
        self.revision += 1
        await self._store(rows.drop_time(self.form, index))

    @rx.event
    @requires(Role.EDITOR)
    async def leave_out(self, form: dict):
        """One date more on which nothing is sent."""
        await self._store(rows.leave_out(self.form, form.get("exclude", "")))

    @rx.event
    @requires(Role.EDITOR)
    async def take_back(self, day: str):
        await self._store(rows.take_back(self.form, day))

    @rx.event
    @requires(Role.EDITOR)
    async def customise(self, wanted: bool):
        """Between the fields and the rule's text; both say the same."""
        changed = rows.in_text(self.form) if wanted is True else rows.in_fields(self.form)
        self.problem = "" if changed else KEPT
        if changed:
            self.revision += 1
            await self._store(changed)

    async def _change(self, form: RecurringForm):
        """A field that is left as it was has nothing to save."""
        if form != self.form:
            await self._store(form)

    async def _store(self, form: RecurringForm):
        self.form = form
        schedule = await self.get_state(ScheduleState)
        await schedule._save(rows.recurring_json(form))
