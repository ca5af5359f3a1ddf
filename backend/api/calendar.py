"""What is sent when."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from backend.api.deps import ServerCaller
from backend.services import calendar
from backend.services.calendar import Calendar

router = APIRouter(tags=["Server"])
From = Annotated[date, Query(alias="from", description="The first day, in the app's zone.")]
To = Annotated[date, Query(description="The last day, at most two months later.")]


@router.get("/calendar", summary="What went out and what is planned, by day")
def get_calendar(caller: ServerCaller, first: From, to: To) -> Calendar:
    """Sends that have begun, those planned, and campaigns that wait for an event; with how many people each is for.

    People of what is planned are those of today. What could not be counted in a few seconds is null, and known the
    next time.
    """
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return calendar.between(work, first, to)
