"""Texts that contents share."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from backend.models import ContentBlock


def find(session: Session, app_id: int, number: int) -> ContentBlock | None:
    """A block of the app."""
    mine = (col(ContentBlock.id) == number, col(ContentBlock.app_id) == app_id)
    return session.execute(select(ContentBlock).where(*mine)).scalar_one_or_none()


def named(session: Session, app_id: int, names: Collection[str]) -> Sequence[ContentBlock]:
    """Those of the app's blocks that have one of these names."""
    mine = (col(ContentBlock.app_id) == app_id, col(ContentBlock.name).in_(names))
    return session.execute(select(ContentBlock).where(*mine)).scalars().all()


def every(session: Session, app_id: int, limit: int) -> Sequence[ContentBlock]:
    """The app's blocks by name."""
    mine = select(ContentBlock).where(col(ContentBlock.app_id) == app_id)
    return session.execute(mine.order_by(col(ContentBlock.name)).limit(limit)).scalars().all()


def listing(session: Session, app_id: int, search: str, after: int | None, limit: int) -> Sequence[ContentBlock]:
    """Newest first, one more than the limit."""
    statement = select(ContentBlock).where(col(ContentBlock.app_id) == app_id)
    if search:
        statement = statement.where(col(ContentBlock.name).icontains(search, autoescape=True))
    if after is not None:
        statement = statement.where(col(ContentBlock.id) < after)
    return session.execute(statement.order_by(col(ContentBlock.id).desc()).limit(limit + 1)).scalars().all()
