"""One campaign's report, and what can be done to the campaign."""

import plotly.graph_objects as go
import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import analytics, campaigns, run_history
from console import routes
from console.components.charts import over_time
from console.rows.campaigns import is_live
from console.rows.report import ReportPage, report_page
from console.states.base import read, requires, viewer, write

MEASURES = ("accepted", "delivered", "opened")
FRESH_MINUTES = 30


class ReportState(rx.State):
    """What the report shows; `live` while numbers may still move quickly."""

    shown: ReportPage = ReportPage()
    chart: go.Figure = go.Figure()
    ready: bool = False
    missing: bool = False
    live: bool = False
    settling: bool = False
    _id: str = ""

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the campaign that the address names."""
        campaign_id = self.router.url.path.strip("/").split("/")[-1]
        if campaign_id != self._id:
            self.reset()
        self._id = campaign_id
        await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def refresh(self, _moment: str = ""):
        """Follows a running campaign, and for a while the opens after it."""
        if self._id:
            await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def pause(self):
        await write(campaigns.pause, self._id)
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def resume(self):
        await write(campaigns.resume, self._id)
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def unschedule(self):
        """Back to a draft, which opens."""
        await write(campaigns.unschedule, self._id)
        return rx.redirect(routes.edit_campaign(self._id))

    @rx.event
    @requires(Role.EDITOR)
    async def cancel(self):
        """For good: what has not been sent never is."""
        await write(campaigns.cancel, self._id)
        await self._refresh()

    @rx.event
    @requires(Role.EDITOR)
    async def duplicate(self):
        """Opens the copy, which is a draft."""
        made = await write(campaigns.duplicate, self._id)
        return rx.redirect(routes.edit_campaign(made.row.id))

    async def _refresh(self):
        try:
            detail, found, waiting, now = await read(_report, self._id)
        except NotFound:
            self.missing, self.ready = True, True
            return
        zone = viewer().app.default_timezone
        self.shown = report_page(detail, found, waiting, zone, now)
        self.chart = over_time(found.series, MEASURES, zone)
        self.live = is_live(detail.row) or detail.row.state == "scheduled"
        ended = detail.row.finished_at
        fresh = ended is not None and (now - ended).total_seconds() < FRESH_MINUTES * 60
        self.settling = fresh or detail.row.state == "active"
        self.missing, self.ready = False, True


def _report(work: Work, campaign_id: str):
    waiting = run_history.waiting(work, campaign_id)
    return campaigns.get(work, campaign_id), analytics.report(work, campaign_id), waiting, work.now
