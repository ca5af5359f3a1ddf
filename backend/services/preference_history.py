"""What was changed of a person's preferences, when and by whom: kept for as long as the person is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.models import PreferenceChange
from backend.queries import preferences as queries
from backend.services import ids, page
from backend.services.page import Page

CATEGORY = "category:"
"""Stands before the slug of a category in `what`."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that another takes the place of; `device` is the number of the one that it was said for."""

    what: str
    before: Any
    after: Any
    device: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """`what` is `category:SLUG`, `quiet_hours` or `paused_until`; `device_id` is set where it was said for one device.

    Of a category, `before` and `after` are true, false, or null where nothing was said.
    """

    what: str
    device_id: str | None
    before: Any
    after: Any
    at: datetime
    by: str


def note(work: Work, user: int, changes: Iterable[Changed]) -> None:
    """Writes down what differs."""
    whose = {"app_id": work.app_id, "user_id": user, "at": work.now, "by": said_by(work)}
    rows = [
        {**whose, "what": one.what, "before": one.before, "after": one.after, "device_id": one.device}
        for one in changes
        if one.before != one.after
    ]
    queries.note(work.session, rows)


def said_by(work: Work) -> str:
    """Who speaks, as it is kept."""
    return str(work.actor)[:200]


def listing(work: Work, user: int, *, cursor: str | None = None, limit: int = 50) -> Page[ChangeRow]:
    """What was changed of a person's preferences, the latest first."""
    found = queries.changes(work.session, user, page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda row: row.id or 0, lambda row: _row(work, row))


def every(work: Work, user: int) -> tuple[ChangeRow, ...]:
    """All of it, the latest first."""
    return tuple(_row(work, row) for row in queries.changes(work.session, user, None, None))


def _row(work: Work, row: PreferenceChange) -> ChangeRow:
    device = ids.public(work, ids.DEVICE, row.device_id) if row.device_id is not None else None
    return ChangeRow(row.what, device, row.before, row.after, row.at, row.by)
