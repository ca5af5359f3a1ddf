"""When a campaign is due, and what happens to one that is late."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any


class Lateness(StrEnum):
    """What to do with an occasion whose time has passed by more than the campaign allows."""

    SEND = "send"
    SKIP = "skip"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Due:
    """The one instant of a `now` or `at` schedule, aware UTC."""

    at: datetime
    immediate: bool


def due(schedule: Mapping[str, Any], now: datetime) -> Due:
    """When this schedule fires. Raises `ValueError` for a time without an offset."""
    if schedule["kind"] == "now":
        return Due(now, immediate=True)
    at = datetime.fromisoformat(str(schedule["at"]))
    if at.tzinfo is None:
        raise ValueError("the time needs an offset, such as 2026-12-01T09:00:00+01:00")
    return Due(at.astimezone(UTC), immediate=False)


def lateness(due_at: datetime, now: datetime, late: Mapping[str, Any] | None) -> Lateness:
    """Whether to send an occasion that was due at `due_at`; `late` is the campaign's own policy."""
    minutes = float((late or {}).get("minutes", 60))
    if now - due_at <= timedelta(minutes=minutes):
        return Lateness.SEND
    return Lateness((late or {}).get("then", Lateness.SKIP))
