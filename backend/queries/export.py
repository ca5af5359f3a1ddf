"""People on their way out, in pages by number: so that an export of everybody holds one page at a time."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select
from sqlmodel import Session, col

from backend.models import AttributeKey, Device, User, UserListMember


def matching(session: Session, where: ColumnElement[bool], after: int, limit: int) -> list[int]:
    """The next people for whom a condition over `User` and `Device` is true."""
    found = (
        select(col(User.id))
        .outerjoin(Device, col(Device.user_id) == col(User.id))
        .where(where, col(User.id) > after)
        .group_by(col(User.id))
        .order_by(col(User.id))
        .limit(limit)
    )
    return list(session.execute(found).scalars())


def members(session: Session, list_number: int, after: int, limit: int) -> list[int]:
    mine = (col(UserListMember.list_id) == list_number, col(UserListMember.user_id) > after)
    found: Select[Any] = select(col(UserListMember.user_id)).where(*mine).order_by(col(UserListMember.user_id))
    return list(session.execute(found.limit(limit)).scalars())


def devices(session: Session, users: Collection[int]) -> Sequence[Row[Any]]:
    """(user, platform, state) of these people's devices; those known only from a raw token are left out."""
    theirs = (col(Device.user_id).in_(users), col(Device.ephemeral_until).is_(None))
    found = select(col(Device.user_id), col(Device.platform), col(Device.state)).where(*theirs)
    return session.execute(found.order_by(col(Device.id))).all()


def attribute_names(session: Session, app_id: int) -> list[str]:
    """What the app's people have been seen with, by name."""
    found = select(col(AttributeKey.name)).where(col(AttributeKey.app_id) == app_id)
    return list(session.execute(found.order_by(col(AttributeKey.name))).scalars())
