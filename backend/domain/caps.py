"""Frequency caps: how many pushes a person gets at most, over all devices and campaigns.

A push to several devices of one person counts once. What is mandatory neither counts nor is held back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain import zones


class CapKind(StrEnum):
    """How a cap counts."""

    ROLLING = "rolling"
    """So many pushes in any so many hours."""
    DAILY = "daily"
    """So many pushes in a calendar day of the person's."""
    GAP = "gap"
    """So many minutes between two pushes at least."""


@dataclass(frozen=True, slots=True)
class Cap:
    """`amount` is pushes (rolling, daily) or minutes (gap); `hours` belongs to a rolling one."""

    kind: CapKind
    amount: int
    hours: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A push that a person has got, or is about to: when it was due, and its category's number."""

    at: datetime
    category: int | None


_DAY = timedelta(hours=26)
"""Longer than any calendar day; one on which clocks go back has 25 hours."""


def caps(rows: Iterable[Mapping[str, Any]]) -> tuple[Cap, ...]:
    """Reads `{"kind": "rolling", "pushes", "hours"}`, `{"kind": "daily", "pushes"}`, `{"kind": "gap", "minutes"}`."""
    return tuple(
        Cap(CapKind(row["kind"]), int(row.get("pushes", row.get("minutes", 0))), int(row.get("hours", 0)))
        for row in rows
    )


def look_back(given: Iterable[Cap]) -> timedelta:
    """How far back what a person has got matters to these caps."""
    return max(map(_reach, given), default=timedelta(0))


def _reach(cap: Cap) -> timedelta:
    if cap.kind is CapKind.GAP:
        return timedelta(minutes=cap.amount)
    return timedelta(hours=cap.hours) if cap.kind is CapKind.ROLLING else _DAY


def reached(given: Iterable[Cap], sent: Sequence[Sent], where: ZoneInfo, now: datetime) -> Cap | None:
    """The first cap that leaves no room for one more push now."""
    return next((cap for cap in given if count(cap, sent, where, now) >= room(cap)), None)


def room(cap: Cap) -> int:
    """How many pushes fit under a cap."""
    return 1 if cap.kind is CapKind.GAP else cap.amount


def count(cap: Cap, sent: Sequence[Sent], where: ZoneInfo, now: datetime) -> int:
    """How many of these count against a cap now; what was due exactly so many hours ago no longer does."""
    if cap.kind is CapKind.DAILY:
        begun = zones.midnight(zones.today(now, where), where)
        return sum(one.at >= begun for one in sent)
    since = now - _reach(cap)
    return sum(one.at > since for one in sent)
