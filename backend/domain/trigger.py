"""Event campaigns: when a firing is due, and what becomes of it."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from backend.domain import zones
from backend.domain.vocabulary import EntryState

NEAR: Final = tuple(timedelta(days=off) for off in (-1, 0, 1))
"""Where the next time of a day may lie: a clock that jumps at midnight shows yesterday's last time today."""


def due(at: datetime, schedule: Mapping[str, Any], where: ZoneInfo) -> datetime:
    """When an event at this instant is answered: after the delay, or at the next local time from then on."""
    ready = at + timedelta(seconds=schedule.get("delay_seconds") or 0)
    if not (wall := schedule.get("wall")):
        return ready
    here = datetime.combine(ready.astimezone(where), time.fromisoformat(wall))
    return min(instant for off in NEAR if (instant := zones.instant(here + off, where)) >= ready.astimezone(UTC))


def around(reentry: Any) -> timedelta | None:
    """How far apart the events must be that reach one person; None: only one ever does, zero: each does."""
    if reentry == "once":
        return None
    return timedelta(days=reentry["days"]) if isinstance(reentry, Mapping) else timedelta()


def judge(
    event_at: datetime,
    due_at: datetime,
    *,
    called_off: bool,
    missed_before: datetime | None,
    apart: timedelta | None,
    fired: Collection[datetime],
) -> EntryState:
    """What becomes of a firing whose time has come; `fired` are the events that have reached the person already.

    An event that is told late counts against those after it as well: nobody is reached twice within the days.
    """
    if called_off:
        return EntryState.CANCELLED
    if missed_before is not None and due_at < missed_before:
        return EntryState.MISSED
    if fired if apart is None else any(abs(event_at - other) < apart for other in fired):
        return EntryState.REPEATED
    return EntryState.FIRED
