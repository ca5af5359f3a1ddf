"""The tables from which the planner's statement reads when each row of a run is due."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select

from backend.db import Work
from backend.domain import due_times, spread, zones
from backend.models import App, Run
from backend.queries import due_times as queries
from backend.queries import rollups
from backend.queries.due_times import APP, Hours, Timetable

HOURS = range(24)
_STEP = timedelta(hours=6)
"""No zone changes its clock twice within it."""


def timetable(work: Work, run: Run, app: App, devices: Select[Any]) -> Timetable | None:
    """When the people of these devices are due; None where all of them are at the run's own time."""
    timing = run.timing
    own = "wall" in timing or "date" in timing
    if not own and not timing.get("spread"):
        return None
    by_hour = "date" in timing
    names = queries.zone_names(work.session, devices, all_devices=by_hour) if own else []
    known = {name: zone for name in names if (zone := zones.zone(name)).key == name}
    known[APP] = zones.zone(app.default_timezone)
    dues = [
        (name, hour, due_times.base(timing, run.due_at, zone, hour if by_hour else None))
        for name, zone in known.items()
        for hour in (HOURS if by_hour else (0,))
    ]
    calm = {due.minute % spread.QUARTER: _calm(timing, due) for _, _, due in dues}
    return Timetable(
        zones=[_row(name, hour, due, calm[due.minute % spread.QUARTER]) for name, hour, due in dues],
        minutes=[_minute(phase, place, minute) for phase, all_of in calm.items() for place, minute in all_of],
        salt=spread.campaign_salt(run.campaign_id),
        hours=_hours(run, known) if by_hour else None,
    )


def best_hour(work: Work, app: App) -> int:
    """The hour at which most of the app's pushes were opened in the last 90 days, on the app's own clock."""
    where = zones.zone(app.default_timezone)
    opened = dict.fromkeys(HOURS, 0)
    for hour, count in rollups.opens_by_hour(work.session, work.app_id, work.now - due_times.LOOKS_BACK):
        opened[hour.astimezone(where).hour] += count
    most = max(opened.values())
    return next(hour for hour in HOURS if opened[hour] == most) if most else due_times.BEST_HOUR


def _calm(timing: Mapping[str, Any], due: datetime) -> Sequence[tuple[int, int]]:
    minutes = timing.get("spread")
    return list(enumerate(spread.calm_minutes(due, minutes) if minutes else (0,)))


def _row(name: str, hour: int, due: datetime, calm: Sequence[tuple[int, int]]) -> dict[str, Any]:
    phase, epoch = due.minute % spread.QUARTER, int(due.timestamp())
    return {"zone": name, "hour": hour, "due": epoch, "phase": phase, "places": len(calm)}


def _minute(phase: int, place: int, minute: int) -> dict[str, int]:
    return {"phase": phase, "place": place, "minute": minute}


def _hours(run: Run, known: Mapping[str, ZoneInfo]) -> Hours:
    since = run.created_at - due_times.LOOKS_BACK
    rows = [{"zone": name, **row} for name, zone in known.items() for row in _offsets(zone, since, run.created_at)]
    return Hours(rows, since, run.timing["hour"])


@lru_cache(maxsize=1024)
def _offsets(where: ZoneInfo, since: datetime, until: datetime) -> Sequence[Mapping[str, int]]:
    """The stretches of one offset that a zone has between two instants, and far on either side.

    Remembered for the next page of the run: of 300 zones it is half a second.
    """
    begins, found = 0, []
    for at in _changes(where, since, until):
        seconds = _seconds(where, at - timedelta(seconds=1))
        found.append({"since": begins, "until": int(at.timestamp()), "seconds": seconds})
        begins = int(at.timestamp())
    return (*found, {"since": begins, "until": 2**40, "seconds": _seconds(where, until)})


def _changes(where: ZoneInfo, since: datetime, until: datetime) -> Iterable[datetime]:
    """The instants at which the offset changes, to the second."""
    at = since.replace(microsecond=0)
    while at < until:
        if _seconds(where, at) != _seconds(where, min(at + _STEP, until)):
            yield zones.change(at, min(at + _STEP, until), where)
        at += _STEP


def _seconds(where: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(UTC).astimezone(where).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
