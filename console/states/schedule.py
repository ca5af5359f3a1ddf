"""When the campaign goes out: which kind of schedule, those that send once, and what it all means in words."""

from collections.abc import Mapping
from typing import Any

import reflex as rx

from backend.domain.vocabulary import Role
from backend.services import timing
from console.core import core
from console.rows import once_form
from console.rows.once_form import NOW, OnceForm
from console.rows.read_back import ReadBack, read_back
from console.states.base import read, requires
from console.states.compose import ComposeState

ONCE = ("now", "at", "local_time", "best_hour")


class ScheduleState(rx.State):
    """The kind chosen; `form` keeps what was typed for the others meanwhile."""

    kind: str = NOW
    form: OnceForm = OnceForm()
    shown: ReadBack = ReadBack()
    revision: int = 0

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        compose = await self.get_state(ComposeState)
        if not compose._definition():
            return
        schedule = compose._definition()["schedule"]
        self.kind = schedule["kind"]
        self.form = once_form.once_of(schedule, compose._zone(), core().clock())
        self.shown = read_back(await read(timing.preview, schedule), schedule)
        self.revision += 1

    @rx.event
    @requires(Role.EDITOR)
    async def choose_kind(self, kind: str):
        """One of those that send once; the others have forms of their own."""
        if kind in ONCE:
            await self._save(once_form.once_json(kind, self.form))

    @rx.event
    @requires(Role.EDITOR)
    async def put(self, name: str, value: str):
        before, self.form = self.form, once_form.put(self.form, name, value)
        if self.kind in ONCE and self.form != before:
            await self._save(once_form.once_json(self.kind, self.form))

    async def _save(self, schedule: Mapping[str, Any]):
        """Saves the schedule as a form says it, and reads it back."""
        compose = await self.get_state(ComposeState)
        if not compose._definition():
            return
        self.kind = schedule["kind"]
        await compose._save({"schedule": schedule})
        self.shown = read_back(await read(timing.preview, schedule), schedule)
