"""The last step before a launch: what would happen to everybody, and the confirmation by its count."""

import re

import reflex as rx

from backend.domain.vocabulary import Role
from backend.errors import TocsinError
from backend.services import campaigns, launching
from console import routes
from console.core import core
from console.rows import launch as rows
from console.rows.launch import Check, ProgressLine
from console.states.base import read, requires, viewer, write
from console.states.compose import SAVED, ComposeState
from console.states.preflight_run import Run, audience_now
from console.states.steps import StepsState

NOTHING, RUNNING, STOPPED, FAILED, DONE = "", "running", "stopped", "failed", "done"
BROKEN = "Something went wrong on the way. Run it again; if it stays so, the server's log says why."


class LaunchState(rx.State):
    """`check` is the pre-flight of the draft as it was saved then; a newer `_turn` ends the one under way."""

    stage: str = NOTHING
    launching: bool = False
    check: Check = Check()
    progress: ProgressLine = ProgressLine()
    typed: str = ""
    problem: str = ""
    _turn: int = 0
    _id: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def enter(self):
        """On the page: what is known of another campaign goes, a check of this one goes on."""
        asked = self.router.url.path.strip("/").split("/")[1]
        if asked != self._id:
            turn = self._turn
            self.reset()
            self._id, self._turn = asked, turn + 1

    @rx.event(background=True)
    @requires(Role.EDITOR)
    async def review(self):
        """Walks the whole audience through the sender's own code, writing nothing."""
        async with self:
            compose = await self.get_state(ComposeState)
            if compose.saved != SAVED:
                yield rx.toast.warning("Not saved yet: see the marked fields.")
                return
            self._id, self.check, self.typed, self.problem = compose._id, Check(), "", ""
        await self._look()

    @rx.event
    @requires(Role.EDITOR)
    async def stop(self):
        """Nothing has been written, so nothing is left behind."""
        self.stage, self._turn = STOPPED, self._turn + 1

    @rx.event
    @requires(Role.EDITOR)
    async def type_count(self, text: str):
        self.typed = re.sub(r"\D", "", str(text))

    @rx.event(background=True)
    @requires(Role.EDITOR)
    async def launch(self):
        """Starts or schedules it for the audience that was shown; looks once more where that has moved since."""
        async with self:
            if self.launching or not self._confirmed():
                return
            self.launching, self.problem, confirmed = True, "", self.check
        going = await self._still(confirmed) and await self._launched(confirmed)
        async with self:
            self.launching = False
        if going:
            yield rx.redirect(routes.campaign(going))

    def _confirmed(self) -> bool:
        typed = not self.check.must_type or self.typed == str(self.check.count)
        return self.stage == DONE and self.check.possible and typed

    async def _look(self) -> Check | None:
        """One pre-flight, shown while it walks; None when it came to no end."""
        async with self:
            compose, saved = await self.get_state(ComposeState), (await self.get_state(StepsState)).saved_at
            self._turn, self.stage, self.progress = self._turn + 1, RUNNING, ProgressLine()
            turn, definition, app = self._turn, compose._definition(), viewer().app
            run = Run(compose._id, definition)
        check, stage, problem = None, FAILED, BROKEN
        try:
            async for progress in run.watch():
                async with self:
                    if self._turn != turn:
                        return None
                    self.progress = rows.progress_line(progress)
            if run.found is not None:
                check = rows.check_of(*run.found, definition, app, core().clock(), saved.exact)
                stage, problem = DONE, ""
        except TocsinError as error:
            problem = error.detail
        finally:
            await self._end(turn, stage, problem, check)
        return check

    async def _end(self, turn: int, stage: str, problem: str, check: Check | None) -> None:
        async with self:
            if self._turn == turn:
                self.stage, self.problem, self.check = stage, problem, check or self.check

    async def _still(self, confirmed: Check) -> bool:
        """Whether what was confirmed still stands, or has moved so little that nobody would mind."""
        async with self:
            definition = (await self.get_state(ComposeState))._definition()
        if await read(audience_now, definition) == confirmed.audience:
            return True
        again = await self._look()
        if again is None:
            return False
        near = abs(again.audience - confirmed.audience) <= launching.tolerance(confirmed.audience)
        if near and again.possible:
            return True
        async with self:
            self.typed, self.problem = "", rows.moved(confirmed, again)
        return False

    async def _launched(self, confirmed: Check) -> str:
        """The campaign's id; "" when it was refused, with the reason on the page."""
        async with self:
            campaign = self._id
        try:
            await write(campaigns.launch, campaign, expected_audience=confirmed.audience, version=confirmed.version)
        except TocsinError as error:
            async with self:
                self.problem = error.detail
            return ""
        return campaign
