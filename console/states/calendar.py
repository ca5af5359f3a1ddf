"""The calendar; view and day are in the address."""

from datetime import datetime

import reflex as rx

from backend.domain.vocabulary import Role
from backend.domain.zones import zone
from backend.errors import NotFound
from backend.services import calendar
from console.core import core
from console.rows.calendar import MONTH, WEEK, CalendarPage, asked_day, calendar_page, span
from console.states.base import read, requires, viewer


class CalendarState(rx.State):
    """A month or a week."""

    shown: CalendarPage = CalendarPage()
    ready: bool = False
    empty: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads view and day from the address; without a day it is today's."""
        asked = self.router.url.query_parameters
        view = WEEK if asked.get("view") == WEEK else MONTH
        app = viewer().app
        if app is None:
            self.empty = self.ready = True
            return
        now: datetime = core().clock()
        day = asked_day(asked.get("date", ""), now.astimezone(zone(app.default_timezone)).date())
        try:
            self.shown = calendar_page(await read(calendar.between, *span(view, day)), view, day)
        except NotFound:
            self.empty = True
        self.ready = True
