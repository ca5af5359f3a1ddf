"""The overview: an app's figures over a period that is in the address."""

import plotly.graph_objects as go
import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import analytics, approvals, campaigns
from console.components.charts import over_time
from console.rows import overview as rows
from console.rows.campaigns import CampaignLine, line
from console.states.base import read, requires, viewer

MEASURES = ("accepted", "delivered", "opened")
DEFAULT_DAYS = 30
RECENT = 6


class OverviewState(rx.State):
    """What the overview shows; `days` is the period."""

    days: str = str(DEFAULT_DAYS)
    ready: bool = False
    figures: rows.Figures = rows.Figures()
    chart: go.Figure = go.Figure()
    recent: tuple[CampaignLine, ...] = ()
    no_app: bool = False
    waiting: str = ""

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the period from the address and the figures from the roll-up."""
        asked = self.router.url.query_parameters.get("days", "")
        self.days = asked if asked in dict(rows.PERIODS) else str(DEFAULT_DAYS)
        await self._refresh()

    @rx.event
    @requires(Role.ANALYST)
    async def refresh(self, _moment: str = ""):
        """While something is running the figures follow it."""
        await self._refresh()

    async def _refresh(self):
        try:
            found, recent, waiting, now = await read(_overview, int(self.days))
        except NotFound:
            self.no_app, self.ready = True, True
            return
        zone = viewer().app.default_timezone
        self.figures = rows.figures(found, zone)
        self.chart = over_time(found.series, MEASURES, zone)
        self.recent = tuple(line(row, zone, now) for row in recent)
        self.waiting = rows.waiting(waiting)
        self.no_app, self.ready = False, True


def _overview(work: Work, days: int):
    found = analytics.overview(work, days)
    return found, campaigns.listing(work, limit=RECENT).items, approvals.waiting(work), work.now
