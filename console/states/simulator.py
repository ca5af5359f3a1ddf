"""The simulator: what it has seen, and its faults; the host whose knobs are shown is in the address."""

import asyncio
from dataclasses import replace

import reflex as rx

from backend.domain.vocabulary import Role
from backend.simulator.presets import PRESETS
from console import simulation
from console.rows import simulator as rows
from console.rows import simulator_form as forms
from console.states.base import requires


class SimulatorState(rx.State):
    """`revision` makes the form afresh; while it stands, what a person types stays."""

    ready: bool = False
    running: bool = False
    figures: rows.Figures = rows.Figures()
    hosts: tuple[rows.HostLine, ...] = ()
    people: tuple[rows.PeopleLine, ...] = ()
    refusals: tuple[rows.RefusalLine, ...] = ()
    weather: rows.Weather = rows.Weather()
    place: str = forms.EVERYWHERE
    groups: tuple[forms.Group, ...] = ()
    answers: tuple[forms.Answer, ...] = ()
    revision: int = 0

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        """Reads the host from the address."""
        asked = self.router.url.query_parameters.get("host", "")
        self.place = asked if asked in dict(forms.PLACES) else forms.EVERYWHERE
        await self._show(await self._look(), form=True)

    @rx.event
    @requires(Role.ADMIN)
    async def refresh(self, _moment: str = ""):
        """Every few seconds while the page is open; the form stays as it is."""
        await self._show(await self._look(), form=not self.running)

    @rx.event
    @requires(Role.ADMIN)
    async def choose(self, preset: str):
        """Sets a weather that has a name."""
        if preset not in PRESETS:
            return None
        await asyncio.to_thread(simulation.behave, PRESETS[preset].knobs)
        await self._show(await self._look(), form=True)
        return rx.toast.success(f"Applied: {PRESETS[preset].title}")

    @rx.event
    @requires(Role.ADMIN)
    async def apply(self, form: dict):
        """Sets this host's knobs, or all hosts' and the answers; nothing where anything is wrong."""
        before = await asyncio.to_thread(simulation.look)
        knobs, wrong = forms.knobs_of(before.behaviour, self.place, form)
        if self.place == forms.EVERYWHERE:
            knobs["mix"], self.answers = forms.mix_of(self.answers, form)
        self.groups = forms.with_errors(self.groups, wrong)
        if wrong or any(line.error for line in self.answers):
            return rx.toast.warning("Nothing was applied: some fields need another value.")
        await asyncio.to_thread(simulation.behave, knobs)
        await self._show(await self._look(), form=True)
        return rx.toast.success("Applied")

    @rx.event
    @requires(Role.ADMIN)
    async def add_answer(self):
        """One more line; what is typed in the others stays."""
        number = max((line.number for line in self.answers), default=-1) + 1
        self.answers = (*self.answers, replace(forms.FIRST, number=number))

    @rx.event
    @requires(Role.ADMIN)
    async def remove_answer(self, number: int):
        self.answers = tuple(line for line in self.answers if line.number != number)

    @rx.event
    @requires(Role.ADMIN)
    async def forget(self):
        """Begins to count anew."""
        await asyncio.to_thread(simulation.forget)
        await self._show(await self._look(), form=False)
        return rx.toast.success("Counting begins anew")

    async def _look(self) -> simulation.Seen | None:
        try:
            return await asyncio.to_thread(simulation.look)
        except simulation.NoSimulator:
            return None

    async def _show(self, seen: simulation.Seen | None, *, form: bool):
        self.ready, self.running = True, seen is not None
        if seen is None:
            return
        self.figures, self.hosts = rows.figures(seen), rows.hosts(seen)
        self.people, self.refusals = rows.people(seen), rows.refusals(seen)
        self.weather = rows.weather(seen)
        if form:
            self.groups = forms.groups(seen.behaviour, self.place, down=self.weather.down)
            self.answers = forms.answers(seen.behaviour)
            self.revision += 1
