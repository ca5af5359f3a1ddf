"""Segments as a shelf of things kept: sorted, archived, brought back, and what still names them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from backend.domain.vocabulary import CampaignState
from backend.models import Campaign, Segment

SORTS: Final = {
    "name": (func.lower(col(Segment.name)), col(Segment.id)),
    "-name": (func.lower(col(Segment.name)).desc(), col(Segment.id)),
    "-updated_at": (col(Segment.updated_at).desc(), col(Segment.id).desc()),
    "updated_at": (col(Segment.updated_at), col(Segment.id)),
}
ENDED: Final = (CampaignState.FINISHED, CampaignState.CANCELLED, CampaignState.ARCHIVED)


def shelf(
    session: Session, app_id: int, *, search: str, archived: bool, own: str, sort: str, limit: int
) -> Sequence[Segment]:
    """The app's segments by one of `SORTS`, without those whose name begins with `own`."""
    gone = col(Segment.archived_at).is_not(None) if archived else col(Segment.archived_at).is_(None)
    statement = select(Segment).where(col(Segment.app_id) == app_id, gone)
    statement = statement.where(~col(Segment.name).startswith(own, autoescape=True))
    if search:
        statement = statement.where(col(Segment.name).icontains(search, autoescape=True))
    return session.execute(statement.order_by(*SORTS[sort]).limit(limit)).scalars().all()


def archive(session: Session, app_id: int, search: str, after: int | None, limit: int) -> Sequence[Segment]:
    """Archived segments, newest first, one more than the limit."""
    statement = select(Segment).where(col(Segment.app_id) == app_id, col(Segment.archived_at).is_not(None))
    if search:
        statement = statement.where(col(Segment.name).icontains(search, autoescape=True))
    if after is not None:
        statement = statement.where(col(Segment.id) < after)
    return session.execute(statement.order_by(col(Segment.id).desc()).limit(limit + 1)).scalars().all()


def find(session: Session, app_id: int, number: int) -> Segment | None:
    """A segment, archived or not."""
    mine = (col(Segment.app_id) == app_id, col(Segment.id) == number)
    return session.execute(select(Segment).where(*mine)).scalar_one_or_none()


def turn_version(session: Session, number: int, version: int) -> bool:
    """Takes a segment from this version to the next; false when somebody else was faster."""
    mine = (col(Segment.id) == number, col(Segment.version) == version)
    done = session.execute(update(Segment).where(*mine).values(version=version + 1))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def waiting_campaigns(session: Session, app_id: int) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Campaigns that have yet to end, newest first: (id, name, state, definition)."""
    columns = (col(Campaign.id), col(Campaign.name), col(Campaign.state), col(Campaign.definition))
    mine = (col(Campaign.app_id) == app_id, col(Campaign.archived_at).is_(None), col(Campaign.state).not_in(ENDED))
    rows = session.execute(select(*columns).where(*mine).order_by(col(Campaign.id).desc()))
    return [(row[0], row[1], row[2], row[3]) for row in rows]
