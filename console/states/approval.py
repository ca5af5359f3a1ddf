"""A second member's approval of the draft that is open."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotAllowed, NotFound
from backend.services import approvals, campaigns
from console.rows.approval import ApprovalPanel, panel_of
from console.states.base import read, requires, viewer, write
from console.states.compose import SAVED, ComposeState

UNSAVED = "Not saved yet: see the marked fields."


class ApprovalState(rx.State):
    """What the launch step shows of it. `words` is what is being written: a note to those asked, or an answer."""

    shown: ApprovalPanel = ApprovalPanel()
    words: str = ""
    problem: str = ""
    revision: int = 0
    _id: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads what was asked about the campaign that the address names."""
        self.reset()
        self._id = self.router.url.path.strip("/").split("/")[1]
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def refresh(self, _moment: str = ""):
        """Others answer, and change the draft, while this page is open."""
        if self._id:
            await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def say(self, text: str):
        self.words = str(text)[: approvals.MAX_TEXT]

    @rx.event
    @requires(Role.EDITOR)
    async def ask(self):
        """About the draft as it is saved."""
        if (await self.get_state(ComposeState)).saved != SAVED:
            self.problem = UNSAVED
            return
        await self._do(approvals.ask, self._id, self.words)

    @rx.event
    @requires(Role.EDITOR)
    async def withdraw(self):
        await self._do(approvals.withdraw, self._id)

    @rx.event
    @requires(Role.EDITOR)
    async def approve(self):
        """Exactly the version that this page shows."""
        compose = await self.get_state(ComposeState)
        if compose.saved != SAVED:
            self.problem = UNSAVED
            return
        await self._do(approvals.approve, self.shown.open.id, self.words, version=compose._ground.version)

    @rx.event
    @requires(Role.EDITOR)
    async def decline(self):
        await self._do(approvals.decline, self.shown.open.id, self.words)

    async def _do(self, verb, *args, **kwargs):
        """What is refused is said in the panel, which then shows how things are."""
        self.problem = ""
        try:
            await write(verb, *args, **kwargs)
            self.words, self.revision = "", self.revision + 1
        except Invalid as error:
            first = error.errors[0]
            self.problem = f"{first.field.capitalize()}: {first.message}." if first.field != "comment" else _said(first)
        except (Conflict, NotAllowed, NotFound) as error:
            self.problem = error.detail
        await self._refresh()

    async def _refresh(self):
        try:
            found, state, now = await read(_open, self._id)
        except NotFound:
            self.shown = ApprovalPanel()
            return
        self.shown = panel_of(found, state, viewer().app.default_timezone, now)


def _said(error) -> str:
    return f"{error.message[:1].upper()}{error.message[1:]}."


def _open(work: Work, campaign_id: str):
    return approvals.of(work, campaign_id), campaigns.get(work, campaign_id).row.state, work.now
