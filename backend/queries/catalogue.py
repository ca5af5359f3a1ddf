"""What users and events of an app are known by, and which values their fields have."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import desc, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as lite
from sqlmodel import Session, SQLModel, col

from backend.models import AttributeKey, Device, EventKey, User

Key = TypeVar("Key", AttributeKey, EventKey)
SAMPLE = 5_000
"""Rows that suggestions are made of, those last heard of first: read in some 20 ms however many there are."""


def keys(session: Session, table: type[Key], app_id: int) -> Sequence[Key]:
    """All kinds of attributes or events that an app is known to have, by name."""
    mine = select(table).where(col(table.app_id) == app_id).order_by(col(table.name))
    return session.execute(mine).scalars().all()


def locked(session: Session, table: type[Key], app_id: int, names: Collection[str], now: datetime) -> Sequence[Key]:
    """The rows of these names, made where there are none, locked and read anew.

    Made and locked in one order, so that two processes that learn the same wait for each other.
    """
    dialect: Any = lite if session.get_bind().dialect.name == "sqlite" else postgresql
    empty = _EMPTY[str(table.__tablename__)]
    rows = [{"app_id": app_id, "name": name, "first_seen": now, "last_seen": now, **empty} for name in sorted(names)]
    insert = dialect.insert(SQLModel.metadata.tables[str(table.__tablename__)])
    session.connection().execute(insert.on_conflict_do_nothing(index_elements=["app_id", "name"]), rows)
    mine = select(table).where(col(table.app_id) == app_id, col(table.name).in_(names)).order_by(col(table.name))
    return session.execute(mine.with_for_update(), execution_options={"populate_existing": True}).scalars().all()


_EMPTY: dict[str, dict[str, Any]] = {
    "attribute_key": {"kinds": [], "examples": []},
    "event_key": {"properties": {}, "has_value": False},
}
_DEVICE = ("platform", "provider", "environment", "state", "permission", "model", "locale", "timezone", "country")
COLUMNS: dict[str, Any] = {
    **{f"user.{name}": getattr(User, name) for name in ("country", "language", "timezone")},
    **{f"device.{name}": getattr(Device, name) for name in (*_DEVICE, "os_version", "app_version")},
}
"""The fields of rules whose values lie in a column, as text."""


def values(session: Session, app_id: int, field: str, start: str, limit: int) -> list[str]:
    """The commonest values of one of `COLUMNS` that begin like `start`, whatever the case."""
    newest = _newest(User if field.startswith("user.") else Device, app_id, COLUMNS[field]).subquery()
    value = newest.c.value
    alike = func.lower(value).startswith(start.lower(), autoescape=True)
    chosen = select(value).where(value.is_not(None), alike).group_by(value)
    return list(session.execute(chosen.order_by(func.count().desc(), value).limit(limit)).scalars())


def attribute_values(session: Session, app_id: int, name: str) -> list[Any]:
    """The values of one attribute, None where somebody has none, of the people last heard of."""
    return list(session.execute(_newest(User, app_id, col(User.attributes)[name])).scalars())


def _newest(table: type[User] | type[Device], app_id: int, value: Any) -> Any:
    last: Any = User.last_active if table is User else Device.last_seen
    chosen = select(value.label("value")).where(col(table.app_id) == app_id)
    return chosen.order_by(desc(col(last))).limit(SAMPLE)
