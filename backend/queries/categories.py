"""Categories of push, and the campaigns that use them."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from backend.models import Campaign, Category


def listing(session: Session, app_id: int, *, archived: bool = False) -> Sequence[Category]:
    """The app's categories in the order they were made, archived ones only where they are asked for."""
    mine = select(Category).where(col(Category.app_id) == app_id).order_by(col(Category.id))
    return session.execute(mine if archived else mine.where(col(Category.archived_at).is_(None))).scalars().all()


def by_slug(session: Session, app_id: int, slug: str) -> Category | None:
    """The category, locked: it is to be changed."""
    mine = (col(Category.app_id) == app_id, col(Category.slug) == slug)
    return session.execute(select(Category).where(*mine).with_for_update()).scalar_one_or_none()


def campaigns_in(session: Session, app_id: int, slug: str, states: Collection[str]) -> list[str]:
    """The names of campaigns of a category in one of these states, the newest first."""
    found = select(col(Campaign.name), col(Campaign.definition)).where(
        col(Campaign.app_id) == app_id, col(Campaign.kind) == "campaign", col(Campaign.state).in_(states)
    )
    rows = session.execute(found.order_by(col(Campaign.id).desc()))
    return [name for name, definition in rows if definition.get("category") == slug]
