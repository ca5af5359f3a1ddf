"""The form of a campaign that answers an event, with what the app's events are known by."""

from collections.abc import Sequence

import reflex as rx

from backend.domain.vocabulary import Role
from backend.services import catalogue
from backend.services.catalogue import EventNameRow
from console.rows import event_form as rows
from console.rows.event_form import EventForm, Suggestions
from console.states.base import read, requires
from console.states.compose import ComposeState
from console.states.schedule import ScheduleState


class TriggerState(rx.State):
    """Every edit is saved at once. `revision` renews fields that another one has changed."""

    form: EventForm = EventForm()
    known: Suggestions = Suggestions()
    revision: int = 0

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        compose = await self.get_state(ComposeState)
        if compose._definition():
            self.revision += 1
            self._take(rows.event_of(compose._definition()["schedule"]), await read(catalogue.events))

    @rx.event
    @requires(Role.EDITOR)
    async def choose(self):
        await self._store(self.form)

    @rx.event
    @requires(Role.EDITOR)
    async def use_example(self):
        """An abandoned cart, to be changed as needed."""
        self.revision += 1
        await self._store(rows.EXAMPLE)

    @rx.event
    @requires(Role.EDITOR)
    async def put(self, name: str, value: str):
        await self._change(rows.put(self.form, name, value))

    @rx.event
    @requires(Role.EDITOR)
    async def add_condition(self, which: str):
        """An empty one is not saved before it names a property."""
        self.form = rows.add(self.form, which)

    @rx.event
    @requires(Role.EDITOR)
    async def put_condition(self, which: str, number: int, name: str, value: str):
        changed = rows.put_condition(self.form, which, number, name, value)
        if name == "name" and changed != self.form:
            changed = rows.guessed(changed, which, number, await read(catalogue.events))
        await self._change(changed)

    @rx.event
    @requires(Role.EDITOR)
    async def drop_condition(self, which: str, number: int):
        await self._store(rows.drop(self.form, which, number))

    async def _change(self, form: EventForm):
        """A field that is left as it was has nothing to save."""
        if form != self.form:
            await self._store(form)

    async def _store(self, form: EventForm):
        self._take(form, await read(catalogue.events))
        schedule = await self.get_state(ScheduleState)
        await schedule._save(rows.event_json(self.form))

    def _take(self, form: EventForm, known: Sequence[EventNameRow]):
        self.form, self.known = rows.informed(form, known), rows.suggestions(form, known)
