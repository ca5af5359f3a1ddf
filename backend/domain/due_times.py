"""When one row of a run is due: the run's own time, or that of its person's clock, and the spread after it.

`timing` is what a run keeps: `{}` · `{"wall", "past"?, "from"?}` · `{"date", "hour", "from"}`, each perhaps with
`"spread"`. The planner computes the same in SQL from a table of zones, which is made here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain import spread, zones

BEST_HOUR = 18
"""Where neither the person nor the app has opened anything yet."""
LOOKS_BACK = timedelta(days=90)
"""Whose opens tell of a person's best hour."""


def base(timing: Mapping[str, Any], due_at: datetime, where: ZoneInfo, hour: int | None = None) -> datetime:
    """When somebody in this zone is due, the spread aside; whole seconds. `hour` is the person's best one."""
    if "wall" in timing:
        return _whole(_at_wall(timing, datetime.fromisoformat(timing["wall"]), where))
    if "date" in timing:
        wall = datetime.fromisoformat(timing["date"]) + timedelta(hours=timing["hour"] if hour is None else hour)
        return _whole(max(zones.instant(wall, where), datetime.fromisoformat(timing["from"])))
    return _whole(due_at) if timing.get("spread") else due_at


def due(
    timing: Mapping[str, Any], due_at: datetime, where: ZoneInfo, *, bucket: int, campaign_id: int, hour: int | None
) -> datetime:
    """When one person is due; `bucket` is the stored one, which places them in the spread."""
    start = base(timing, due_at, where, hour)
    if not timing.get("spread"):
        return start
    calm = spread.calm_minutes(start, timing["spread"])
    return start + timedelta(minutes=spread.place(bucket, spread.campaign_salt(campaign_id), calm))


def _at_wall(timing: Mapping[str, Any], wall: datetime, where: ZoneInfo) -> datetime:
    """Whose clock was past it at the launch: at once, the next day, or (skip) too late, which the run says."""
    at = zones.instant(wall, where)
    launched = datetime.fromisoformat(timing["from"]) if "from" in timing else at
    if at >= launched or timing["past"] == "skip":
        return at
    if timing["past"] == "send_now":
        return launched
    while at < launched:
        wall += timedelta(days=1)
        at = zones.instant(wall, where)
    return at


def _whole(at: datetime) -> datetime:
    return at if not at.microsecond else at.replace(microsecond=0) + timedelta(seconds=1)
