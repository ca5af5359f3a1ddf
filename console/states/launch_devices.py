"""The devices behind a number of the pre-flight, a page at a time."""

from datetime import datetime

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import TocsinError
from backend.services import preflight_devices
from backend.services.page import Page
from backend.services.preflight_devices import PreflightDevice
from console.rows.launch_devices import DeviceLine, device_line
from console.states.base import read, requires, viewer
from console.states.compose import ComposeState

SHOWN = 25


class LaunchDevicesState(rx.State):
    """Open while the list is; a rare outcome is looked for until a page is full or the audience is at its end."""

    open: bool = False
    title: str = ""
    devices: tuple[DeviceLine, ...] = ()
    busy: bool = False
    more: bool = False
    problem: str = ""
    _outcome: str = ""
    _cursor: str | None = None
    _turn: int = 0

    @rx.event
    @requires(Role.EDITOR)
    async def show(self, outcome: str, title: str):
        """Begins at the first of them."""
        turn = self._turn
        self.reset()
        self._turn = turn + 1
        self.open, self.title, self._outcome = True, str(title)[:200], str(outcome)[:64]
        return LaunchDevicesState.further

    @rx.event
    @requires(Role.EDITOR)
    async def close(self, is_open: bool = False):
        self.open, self._turn = bool(is_open), self._turn + 1

    @rx.event(background=True)
    @requires(Role.EDITOR)
    async def further(self):
        """The next of them."""
        async with self:
            if self.busy:
                return
            self.busy, self.problem, turn = True, "", self._turn
            campaign = (await self.get_state(ComposeState))._id
        wanted = SHOWN
        while wanted > 0:
            wanted = await self._next(campaign, turn, wanted)
        async with self:
            self.busy = self.busy and self._turn != turn

    async def _next(self, campaign: str, turn: int, wanted: int) -> int:
        """How many are still to be found; 0 at the end of the audience, and when nobody looks any more."""
        async with self:
            outcome, cursor, zone = self._outcome, self._cursor, viewer().app.default_timezone
        try:
            page, now = await read(_page, campaign, outcome, cursor, wanted)
        except TocsinError as error:
            page, now, problem = Page(()), None, error.detail
        else:
            problem = ""
        async with self:
            if self._turn != turn:
                return 0
            self.devices += tuple(device_line(one, zone, now) for one in page.items if now is not None)
            self._cursor, self.more, self.problem = page.next, page.next is not None, problem
        return wanted - len(page.items) if page.next else 0


def _page(
    work: Work, campaign: str, outcome: str, cursor: str | None, limit: int
) -> tuple[Page[PreflightDevice], datetime]:
    return preflight_devices.devices(work, campaign, outcome=outcome, cursor=cursor, limit=limit), work.now
