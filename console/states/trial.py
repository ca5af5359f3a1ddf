"""A test of the campaign: to whom, which variant, and what every provider answers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotFound
from backend.services import messages, people_search, testers, trials
from backend.services.testers import TesterRow
from console.rows import trial as rows
from console.rows.trial import NO_TRIAL, TesterLine, TrialLine
from console.states.base import read, requires, viewer, write
from console.states.compose import SAVED, ComposeState

KEPT = 10
"""Tests that are shown, the newest first."""
WATCHED = timedelta(minutes=10)
"""So long answers are waited for; receipts may come later still, and are there at the next look."""
HEARD = timedelta(seconds=30)
"""So long after the last answer a person may open what has come."""
SUGGESTED = 5


class TrialState(rx.State):
    """`watching` while answers or receipts may still come in by themselves."""

    ready: bool = False
    testers: tuple[TesterLine, ...] = ()
    variant: str = ""
    problem: str = ""
    unreached: str = ""
    watching: bool = False
    shown: TrialLine = NO_TRIAL
    earlier: tuple[TrialLine, ...] = ()
    suggestions: tuple[str, ...] = ()
    revision: int = 0
    _chosen: tuple[str, ...] | None = None
    _until: datetime | None = None

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Who gets tests, and the tests that there have been."""
        self.reset()
        compose = await self.get_state(ComposeState)
        if compose._definition():
            self._offer(await read(testers.listing))
            await self._read(compose._id)
            self.watching, self._until = self.shown.open > 0, datetime.now(UTC) + WATCHED
            self.ready = True

    @rx.event
    @requires(Role.EDITOR)
    async def toggle(self, device_id: str):
        mine, device = self._chosen or (), str(device_id)
        self._chosen = tuple(one for one in mine if one != device) if device in mine else (*mine, device)
        self._offer(await read(testers.listing))

    @rx.event
    @requires(Role.EDITOR)
    async def choose_variant(self, name: str):
        """The empty name is each person's own."""
        self.variant = str(name)[:100]

    @rx.event
    @requires(Role.EDITOR)
    async def suggest(self, text: str):
        """People of the app whom the text may mean."""
        found = await read(people_search.named, str(text)[:200], limit=SUGGESTED) if str(text).strip() else ()
        self.suggestions = tuple(row.user_id or row.id for row in found)

    @rx.event
    @requires(Role.EDITOR)
    async def add(self, form: dict):
        """Makes somebody a tester; a member's own devices are chosen at once."""
        user, own = str(form.get("tester_user", "")).strip(), bool(form.get("tester_own"))
        try:
            made = await write(testers.add, user, name=str(form.get("tester_name", "")), mine=own)
        except (NotFound, Invalid, Conflict) as error:
            return rx.toast.warning(error.detail)
        self._chosen = tuple(dict.fromkeys([*(self._chosen or ()), *(one.id for one in made.devices)]))
        self.revision, self.suggestions = self.revision + 1, ()
        return self._offer(await read(testers.listing))

    @rx.event
    @requires(Role.EDITOR)
    async def remove(self, tester_id: str):
        await write(testers.remove, str(tester_id))
        self._offer(await read(testers.listing))

    @rx.event
    @requires(Role.EDITOR)
    async def send(self):
        """Sends the saved draft to what is chosen; what is refused is said in the panel."""
        compose = await self.get_state(ComposeState)
        self.problem, self.unreached = "", ""
        try:
            await self._send(compose)
        except Invalid as error:
            self.problem = " ".join(f"{one.message[:1].upper()}{one.message[1:]}" for one in error.errors)

    @rx.event
    @requires(Role.EDITOR)
    async def refresh(self):
        """Reads the answers; stops by itself when they are all here and nobody has opened it for a while."""
        compose, before = await self.get_state(ComposeState), self.shown.open
        if not compose._definition():
            return
        await self._read(compose._id, self.shown.run_id)
        now = datetime.now(UTC)
        if before and not self.shown.open:
            self._until = now + HEARD
        self.watching = self.watching and self._until is not None and now < self._until

    @rx.event
    @requires(Role.EDITOR)
    async def show(self, run_id: str):
        """One of the earlier tests."""
        compose = await self.get_state(ComposeState)
        await self._read(compose._id, str(run_id))

    async def _send(self, compose: ComposeState):
        if compose.saved != SAVED:
            raise Invalid("content", "the draft is not saved yet: see the marked fields.")
        devices = [one.id for tester in self.testers for one in tester.devices if one.chosen]
        sent = await write(messages.send_test, compose._id, device_ids=devices, variant=self.variant or None)
        self.unreached = rows.unreached(sent.unreached)
        self.watching, self._until = True, datetime.now(UTC) + WATCHED
        await self._read(compose._id, sent.run_id)

    async def _read(self, campaign_id: str, run_id: str = ""):
        found = await read(_tests, campaign_id)
        zone, now = viewer().app.default_timezone, datetime.now(UTC)
        told = tuple(rows.trial(one, zone, now) for one in found)
        self.earlier = told
        self.shown = next((one for one in told if one.run_id == run_id), told[0] if told else NO_TRIAL)

    def _offer(self, found: Sequence[TesterRow]):
        if self._chosen is None:
            self._chosen = rows.offered(found)
        self.testers = rows.testers(found, self._chosen)


def _tests(work: Work, campaign_id: str):
    return trials.listing(work, campaign_id, limit=KEPT).items
