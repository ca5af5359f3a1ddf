"""Static lists and who is in them."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, text
from sqlmodel import Session, col

from backend.models import UserList, UserListMember
from backend.queries.bulk import table_from_json

_MEMBERS = (
    select(func.count())
    .select_from(UserListMember)
    .where(col(UserListMember.list_id) == col(UserList.id))
    .correlate(UserList)
    .scalar_subquery()
)


def add_list(session: Session, app_id: int, name: str, now: datetime) -> int:
    made = insert(UserList).values(app_id=app_id, name=name, created_at=now).returning(col(UserList.id))
    return int(session.execute(made).scalar_one() or 0)


def lists(session: Session, app_id: int, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """The app's lists with their sizes, newest first."""
    chosen = _lists(app_id).order_by(col(UserList.id).desc()).limit(limit)
    return session.execute(chosen if before is None else chosen.where(col(UserList.id) < before)).all()


def one(session: Session, app_id: int, number: int) -> Row[Any] | None:
    return session.execute(_lists(app_id).where(col(UserList.id) == number)).one_or_none()


def _lists(app_id: int) -> Select[Any]:
    return select(col(UserList.id), col(UserList.name), col(UserList.created_at), _MEMBERS.label("members")).where(
        col(UserList.app_id) == app_id
    )


def add_members(session: Session, list_id: int, users: Collection[int]) -> int:
    """Puts users into a list; how many were not there before."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    given = table_from_json(sqlite, {"id": "bigint"})
    statement = text(
        "INSERT INTO user_list_member (list_id, user_id) "
        f"SELECT :list_id, v.id FROM {given} WHERE true ON CONFLICT (list_id, user_id) DO NOTHING"
    )
    rows = json.dumps([{"id": user} for user in sorted(users)])
    result: Any = session.execute(statement, {"rows": rows, "list_id": list_id})
    return int(result.rowcount)


def remove_members(session: Session, list_id: int, users: Collection[int]) -> int:
    """Takes users out of a list; how many were there."""
    gone = delete(UserListMember).where(col(UserListMember.list_id) == list_id, col(UserListMember.user_id).in_(users))
    result: Any = session.execute(gone.execution_options(synchronize_session=False))
    return int(result.rowcount)
