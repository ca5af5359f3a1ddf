"""What is stored already, looked through once for the catalogue of an app that has none of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select, text
from sqlmodel import Session, col

from backend.models import App, AttributeKey, Event, EventKey, User

NEWEST: Final = 1_000


def apps(session: Session) -> list[int]:
    return [int(number or 0) for number in session.execute(select(col(App.id)).order_by(col(App.id))).scalars()]


def first_user_at(session: Session, app_id: int) -> datetime | None:
    """When the app first told of somebody."""
    oldest = select(col(User.first_seen)).where(col(User.app_id) == app_id).order_by(col(User.id)).limit(1)
    return session.execute(oldest).scalar_one_or_none()


def first_attribute_at(session: Session, app_id: int) -> datetime | None:
    """Since when the app is known to have attributes."""
    oldest = select(func.min(col(AttributeKey.first_seen))).where(col(AttributeKey.app_id) == app_id)
    return session.execute(oldest).scalar_one_or_none()


def event_names(session: Session, app_id: int) -> set[str]:
    """The kinds of events that the catalogue has."""
    return set(session.execute(select(col(EventKey.name)).where(col(EventKey.app_id) == app_id)).scalars())


def examples(session: Session, app_id: int, most: int) -> set[int]:
    """The first and the last of the users who have each attribute as each type, of so many of the commonest of these.

    One pass over everybody: a million users with three attributes take SQLite 2 s, in which others may write.
    """
    sqlite = session.get_bind().dialect.name == "sqlite"
    kind, each = ("e.type", "json_each") if sqlite else ("jsonb_typeof(e.value)", "jsonb_each")
    found = text(
        f'SELECT min(u.id), max(u.id) FROM "user" u CROSS JOIN {each}(u.attributes) e WHERE u.app_id = :app '
        f"GROUP BY e.key, {kind} ORDER BY count(*) DESC LIMIT :most"
    )
    return {number for row in session.execute(found, {"app": app_id, "most": most}) for number in row}


def newest_users(session: Session, app_id: int) -> set[int]:
    newest = select(col(User.id)).where(col(User.app_id) == app_id).order_by(col(User.id).desc()).limit(NEWEST)
    return {int(number or 0) for number in session.execute(newest).scalars()}


def newest_events(session: Session, app_id: int, name: str, limit: int) -> Sequence[Row[Any]]:
    """(name, properties, value) of the last events of a kind."""
    columns = (col(Event.name), col(Event.properties), col(Event.value))
    mine = (col(Event.app_id) == app_id, col(Event.name) == name)
    return session.execute(select(*columns).where(*mine).order_by(col(Event.at).desc()).limit(limit)).all()
