"""How sending goes: what needs a look, lanes, processes. The opened lane is in the address."""

from dataclasses import replace

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import alarms, credentials, holds, lane_health
from console.rows import health as rows
from console.states.base import read, requires, viewer, write

ASKED = ("campaign_id", "lane", "reason", "cursor")
LOOKS = 10
"""Devices are counted at every tenth look only: an index of all of them is read for it."""


class HealthState(rx.State):
    """The page but for its dead letters; `_counted` keeps each lane's devices between two counts."""

    ready: bool = False
    no_app: bool = False
    summary: rows.Summary = rows.Summary()
    alarms: tuple[rows.AlarmLine, ...] = ()
    lanes: tuple[rows.LaneLine, ...] = ()
    chosen: str = ""
    detail: rows.LaneDetail = rows.NO_LANE
    processes: tuple[rows.ProcessLine, ...] = ()
    limit_error: str = ""
    _counted: tuple[tuple[str, int | None, int | None], ...] = ()
    _looks: int = 0

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        """Reads the opened lane from the address."""
        self.chosen = self.router.url.query_parameters.get("open", "")[:64]
        self.limit_error, self._looks = "", 0
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def refresh(self, _moment: str = ""):
        """Every few seconds while the page is open."""
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def pause(self, lane: str):
        await write(holds.pause, str(lane))
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def resume(self, lane: str):
        """Lets it go, whoever stopped it."""
        await write(holds.resume, str(lane))
        await self._refresh()

    @rx.event
    @requires(Role.ADMIN)
    async def prune_again(self, lane: str):
        await write(credentials.prune_again, str(lane))
        await self._refresh()
        return rx.toast.success("Dead addresses are removed again")

    @rx.event
    @requires(Role.ADMIN)
    async def limit(self, lane: str, form: dict):
        """An empty field leaves it to the provider."""
        text = str(form.get("max_per_second", "")).strip()
        if text and not text.isdigit():
            self.limit_error = "Type a whole number, or nothing for no limit."
            return None
        try:
            await write(credentials.set_rate, str(lane), int(text) if text else None)
        except Invalid as error:
            self.limit_error = f"It {error.errors[0].message}."
            return None
        self.limit_error = ""
        await self._refresh()
        return rx.toast.success("Limit saved")

    async def _refresh(self):
        counting = self._looks % LOOKS == 0
        try:
            found, raised, processes, now = await read(_look, devices=counting)
        except NotFound:
            self.no_app, self.ready = True, True
            return
        self._looks += 1
        if counting:
            self._counted = tuple((lane.id, lane.devices, lane.pruned_in_week) for lane in found)
        zone, asked = viewer().app.default_timezone, self.router.url.query_parameters
        query = {name: asked[name] for name in ASKED if asked.get(name)}
        chosen = next((lane for lane in found if lane.id == self.chosen), None)
        self.summary = rows.summary(found, raised, processes, now)
        self.alarms = tuple(rows.alarm_line(alarm, zone, now) for alarm in raised)
        self.lanes = tuple(rows.lane_line(lane, self.chosen, zone, now, query) for lane in found)
        self.detail = rows.lane_detail(self._with_counts(chosen), zone, now) if chosen else rows.NO_LANE
        self.processes = tuple(rows.process_line(row, zone, now) for row in processes)
        self.no_app, self.ready = False, True

    def _with_counts(self, lane: lane_health.Lane) -> lane_health.Lane:
        counts = {name: both for name, *both in self._counted}
        devices, pruned = counts.get(lane.id, (None, None))
        return replace(lane, devices=devices, pruned_in_week=pruned)


def _look(work: Work, *, devices: bool):
    found = lane_health.lanes(work, devices=devices)
    return found, alarms.raised(work, found), alarms.list_processes(work), work.now
