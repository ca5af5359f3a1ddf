"""Templates and their versions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, select
from sqlmodel import Session, col

from backend.models import Template, TemplateVersion

Pair = Row[Template, TemplateVersion]


def find(session: Session, app_id: int, number: int, *, archived: bool = False) -> Pair | None:
    """A template with its newest version; an `archived` one only when it is asked for."""
    return session.execute(_newest(app_id, archived=archived).where(col(Template.id) == number)).one_or_none()


def lock(session: Session, number: int) -> None:
    """Waits until nobody else is saving the template. A row of its own: a join that has waited no longer fits."""
    session.execute(select(col(Template.id)).where(col(Template.id) == number).with_for_update())


def listing(session: Session, app_id: int, search: str, after: int | None, limit: int) -> Sequence[Pair]:
    """Newest first, one more than the limit."""
    statement = _newest(app_id)
    if search:
        statement = statement.where(col(Template.name).icontains(search, autoescape=True))
    if after is not None:
        statement = statement.where(col(Template.id) < after)
    return session.execute(statement.order_by(col(Template.id).desc()).limit(limit + 1)).all()


def every(session: Session, app_id: int) -> list[tuple[int, str, dict[str, Any]]]:
    """The app's templates as they are now, newest first: (id, name, content)."""
    found = session.execute(_newest(app_id).order_by(col(Template.id).desc()))
    return [(template.id, template.name, version.content) for template, version in found]


def versions(session: Session, number: int) -> Sequence[TemplateVersion]:
    """All states of a template, newest first."""
    mine = select(TemplateVersion).where(col(TemplateVersion.template_id) == number)
    return session.execute(mine.order_by(col(TemplateVersion.version).desc())).scalars().all()


def version(session: Session, number: int, wanted: int) -> TemplateVersion | None:
    """One state of a template."""
    one = (col(TemplateVersion.template_id) == number, col(TemplateVersion.version) == wanted)
    return session.execute(select(TemplateVersion).where(*one)).scalar_one_or_none()


def _newest(app_id: int, *, archived: bool = False) -> Select[Template, TemplateVersion]:
    return (
        select(Template, TemplateVersion)
        .join(TemplateVersion, col(TemplateVersion.template_id) == col(Template.id))
        .where(
            col(Template.app_id) == app_id,
            col(Template.archived_at).is_not(None) if archived else col(Template.archived_at).is_(None),
            col(TemplateVersion.version) == col(Template.version),
        )
    )
