"""Static lists and who is in them."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as lite
from sqlmodel import Session, col

from backend.domain.vocabulary import CampaignState
from backend.models import Campaign, Device, User, UserList, UserListMember
from backend.queries.bulk import table_from_json

_MEMBERS = (
    select(func.count())
    .select_from(UserListMember)
    .where(col(UserListMember.list_id) == col(UserList.id))
    .correlate(UserList)
    .scalar_subquery()
)
ENDED = (CampaignState.FINISHED, CampaignState.CANCELLED, CampaignState.ARCHIVED)


def add_list(session: Session, app_id: int, name: str, source: str, now: datetime) -> int:
    made = insert(UserList).values(app_id=app_id, name=name, source=source, created_at=now)
    return int(session.execute(made.returning(col(UserList.id))).scalar_one() or 0)


def lists(session: Session, app_id: int, search: str, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """The app's lists with their sizes, newest first; archived ones are not among them."""
    chosen = _lists(app_id).where(col(UserList.archived_at).is_(None)).order_by(col(UserList.id).desc()).limit(limit)
    if search:
        chosen = chosen.where(col(UserList.name).icontains(search, autoescape=True))
    return session.execute(chosen if before is None else chosen.where(col(UserList.id) < before)).all()


def one(session: Session, app_id: int, number: int) -> Row[Any] | None:
    found = _lists(app_id).where(col(UserList.id) == number, col(UserList.archived_at).is_(None))
    return session.execute(found).one_or_none()


def _lists(app_id: int) -> Select[Any]:
    columns = (col(UserList.id), col(UserList.name), col(UserList.source), col(UserList.created_at))
    return select(*columns, _MEMBERS.label("members")).where(col(UserList.app_id) == app_id)


def live(session: Session, app_id: int, numbers: Collection[int]) -> set[int]:
    """The ones among these lists that are in use: of the app, and not archived."""
    mine = (col(UserList.app_id) == app_id, col(UserList.id).in_(numbers), col(UserList.archived_at).is_(None))
    return set(session.execute(select(col(UserList.id)).where(*mine)).scalars())


def change(session: Session, number: int, **values: Any) -> None:
    changed = update(UserList).where(col(UserList.id) == number).values(**values)
    session.execute(changed.execution_options(synchronize_session=False))


def campaigns(session: Session, app_id: int) -> list[tuple[int, str, dict[str, Any]]]:
    """(number, name, definition) of the campaigns that have yet to end."""
    mine = (col(Campaign.app_id) == app_id, col(Campaign.archived_at).is_(None), col(Campaign.state).not_in(ENDED))
    rows = session.execute(select(col(Campaign.id), col(Campaign.name), col(Campaign.definition)).where(*mine))
    return [(number, name, definition) for number, name, definition in rows]


def members(session: Session, number: int, search: str, after: int | None, limit: int) -> Sequence[Row[Any]]:
    """Users of a list by number; `search` is a part of the app's own id of them."""
    chosen = (
        select(col(User.id), col(User.external_id), col(User.language), col(User.country), col(User.last_active))
        .join(UserListMember, col(UserListMember.user_id) == col(User.id))
        .where(col(UserListMember.list_id) == number, col(User.id) > (after or 0))
    )
    if search:
        chosen = chosen.where(col(User.external_id).icontains(search, autoescape=True))
    return session.execute(chosen.order_by(col(User.id)).limit(limit)).all()


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


def add_matching(session: Session, list_id: int, where: ColumnElement[bool]) -> int:
    """Puts everybody into a list for whom a condition over `User` and `Device` is true; how many were not there."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    found = (
        select(literal(list_id), col(User.id))
        .outerjoin(Device, col(Device.user_id) == col(User.id))
        .where(where)
        .distinct()
    )
    made: Any = lite.insert(UserListMember) if sqlite else postgresql.insert(UserListMember)
    result: Any = session.execute(made.from_select(["list_id", "user_id"], found).on_conflict_do_nothing())
    return int(result.rowcount)


def remove_members(session: Session, list_id: int, users: Collection[int]) -> int:
    """Takes users out of a list; how many were there."""
    gone = delete(UserListMember).where(col(UserListMember.list_id) == list_id, col(UserListMember.user_id).in_(users))
    result: Any = session.execute(gone.execution_options(synchronize_session=False))
    return int(result.rowcount)
