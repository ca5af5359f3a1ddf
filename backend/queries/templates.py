"""Templates and their versions."""

from collections.abc import Sequence

from sqlalchemy import Row, Select, select
from sqlmodel import Session, col

from backend.models import Template, TemplateVersion

Pair = Row[Template, TemplateVersion]


def find(session: Session, app_id: int, number: int) -> Pair | None:
    """A template with its newest version."""
    return session.execute(_newest(app_id).where(col(Template.id) == number)).one_or_none()


def listing(session: Session, app_id: int, search: str, after: int | None, limit: int) -> Sequence[Pair]:
    """Newest first, one more than the limit."""
    statement = _newest(app_id)
    if search:
        statement = statement.where(col(Template.name).icontains(search, autoescape=True))
    if after is not None:
        statement = statement.where(col(Template.id) < after)
    return session.execute(statement.order_by(col(Template.id).desc()).limit(limit + 1)).all()


def versions(session: Session, number: int) -> Sequence[TemplateVersion]:
    """All states of a template, newest first."""
    mine = select(TemplateVersion).where(col(TemplateVersion.template_id) == number)
    return session.execute(mine.order_by(col(TemplateVersion.version).desc())).scalars().all()


def _newest(app_id: int) -> Select[Template, TemplateVersion]:
    return (
        select(Template, TemplateVersion)
        .join(TemplateVersion, col(TemplateVersion.template_id) == col(Template.id))
        .where(
            col(Template.app_id) == app_id,
            col(Template.archived_at).is_(None),
            col(TemplateVersion.version) == col(Template.version),
        )
    )
