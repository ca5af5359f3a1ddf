"""A schedule before it is launched: in words, with its next dates, or what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.domain import recurrence, schedule, schedule_words, zones
from backend.errors import Invalid
from backend.queries import campaigns as queries
from backend.services import definition


@dataclass(frozen=True, slots=True)
class SchedulePreview:
    """What a schedule means. `dates` are the next five (aware UTC), to be shown on a clock in `zone`.

    What runs on people's own clocks is shown on the app's. With a `problem` there may be no words and no dates.
    """

    words: str
    dates: tuple[datetime, ...]
    zone: str
    problem: str | None


def preview(work: Work, given: Mapping[str, Any]) -> SchedulePreview:
    """Reads a schedule as `POST /campaigns` would; a wrong one is told as a `problem`, never raised."""
    home = queries.app(work.session, work.app_id).default_timezone
    try:
        known = definition.schedule_json(given)
    except Invalid as error:
        return SchedulePreview("", (), home, error.detail)
    zone = zones.zone(_zone(known), home)
    passed = schedule.has_passed(known, work.now)
    return SchedulePreview(
        words=schedule_words.in_words(known),
        dates=() if passed else schedule.dates(known, work.now, zone),
        zone=zone.key,
        problem="It has no date to come." if passed else None,
    )


def _zone(known: Mapping[str, Any]) -> str | None:
    named = known.get("zone")
    return None if named == recurrence.OWN_ZONE else named
