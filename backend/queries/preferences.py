"""What users want: their word on categories."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as lite
from sqlmodel import Session, col

from backend.models import Category, Preference


def wishes(session: Session, app_id: int, user: int) -> Sequence[Row[Any]]:
    """(id, slug, name, kind, opted_in_by_default, opted_in, changed_at, changed_by) of every category of the app;
    the last three are null where nothing was said."""
    said = and_(col(Preference.category_id) == col(Category.id), col(Preference.user_id) == user)
    every = (
        select(
            col(Category.id), col(Category.slug), col(Category.name), col(Category.kind),
            col(Category.opted_in_by_default), col(Preference.opted_in), col(Preference.changed_at),
            col(Preference.changed_by),
        )
        .outerjoin(Preference, said)
        .where(col(Category.app_id) == app_id)
        .order_by(col(Category.id))
    )  # fmt: skip
    return session.execute(every).all()


def say(session: Session, user: int, wishes: Mapping[int, bool], *, by: str, now: datetime) -> None:
    """Writes the user's word on these categories over what was said before."""
    rows = [
        {"user_id": user, "category_id": category, "opted_in": wish, "changed_at": now, "changed_by": by}
        for category, wish in wishes.items()
    ]
    sqlite = session.get_bind().dialect.name == "sqlite"
    statement: Any = lite.insert(Preference) if sqlite else postgresql.insert(Preference)
    new = statement.excluded
    newest = {"opted_in": new.opted_in, "changed_at": new.changed_at, "changed_by": new.changed_by}
    session.execute(statement.on_conflict_do_update(index_elements=["user_id", "category_id"], set_=newest), rows)
