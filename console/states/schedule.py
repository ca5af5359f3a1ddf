"""When the campaign goes out, and how fast."""

from typing import Final
from zoneinfo import available_timezones

import reflex as rx

from backend.domain.vocabulary import Role
from console.core import core
from console.rows import compose as rows
from console.states.base import requires
from console.states.compose import UNSAVED, ComposeState

NOW, AT = "now", "at"
NUMBER: Final = "Write a whole number, or nothing for no limit."
COMMON: Final = (
    "UTC", "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Warsaw", "Europe/Kyiv", "America/New_York",
    "America/Chicago", "America/Los_Angeles", "America/Sao_Paulo", "Africa/Cairo", "Asia/Dubai", "Asia/Kolkata",
    "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney",
)  # fmt: skip


class ScheduleState(rx.State):
    """At once, or at a wall time in a zone; all of it at once, or so many a minute."""

    kind: str = NOW
    wall: str = ""
    zone: str = "UTC"
    zones: tuple[str, ...] = COMMON
    throttle: str = ""
    revision: int = 0

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        compose = await self.get_state(ComposeState)
        if not compose._definition():
            return
        schedule = compose._definition()["schedule"]
        self.zone = compose._zone()
        self.zones = tuple(dict.fromkeys((self.zone, *COMMON)))
        self.kind, self.wall = schedule["kind"], rows.local_text(schedule.get("at"), self.zone)
        throttle = compose._definition()["throttle_per_minute"]
        self.throttle = "" if throttle is None else str(throttle)
        self.revision += 1

    @rx.event
    @requires(Role.EDITOR)
    async def choose_throttle(self, text: str):
        """So many pushes a minute; nothing for as fast as it goes."""
        self.throttle = str(text)[:20]
        compose = await self.get_state(ComposeState)
        try:
            throttle = rows.whole_number(self.throttle)
        except ValueError:
            compose.errors, compose.saved = rows.Errors(throttle=NUMBER), UNSAVED
            return
        await compose._save({"throttle_per_minute": throttle})

    @rx.event
    @requires(Role.EDITOR)
    async def choose_kind(self, kind: str):
        self.kind = AT if kind == AT else NOW
        if self.kind == AT and not self.wall:
            self.wall, self.revision = rows.tomorrow(core().clock(), self.zone), self.revision + 1
        await self._store()

    @rx.event
    @requires(Role.EDITOR)
    async def choose_wall(self, wall: str):
        self.wall = str(wall)
        await self._store()

    @rx.event
    @requires(Role.EDITOR)
    async def choose_zone(self, zone: str):
        if zone in available_timezones():
            self.zone = zone
        await self._store()

    async def _store(self):
        compose = await self.get_state(ComposeState)
        if self.kind == NOW:
            await compose._save({"schedule": {"kind": NOW}})
            return
        try:
            at = rows.instant(self.wall, self.zone)
        except ValueError:
            compose.errors, compose.saved = rows.Errors(schedule="Choose a day and a time."), UNSAVED
            return
        await compose._save({"schedule": {"kind": AT, "at": at}})
