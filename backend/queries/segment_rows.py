"""Segments as they are kept, and the people and devices that a condition finds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlmodel import Session, col

from backend.domain.vocabulary import DeviceState, Platform
from backend.models import Campaign, Category, Device, Segment, User, UserList
from backend.queries.segments import CategoryFact

_STATES = (DeviceState.ACTIVE, DeviceState.UNSUBSCRIBED, DeviceState.INVALID)
NO_DEVICE = len(_STATES)


@dataclass(frozen=True, slots=True)
class Found:
    """People whose best device is in one state (None: no device), their counted devices by platform,
    and how many devices of theirs are active."""

    best: DeviceState | None
    people: int
    devices: Mapping[str, int]
    active: int


@dataclass(frozen=True, slots=True)
class Person:
    """A user that a condition found, with the numbers of the devices it found."""

    number: int
    external_id: str | None
    devices: tuple[int, ...]


def find(session: Session, app_id: int, number: int) -> Segment | None:
    mine = (col(Segment.app_id) == app_id, col(Segment.id) == number, col(Segment.archived_at).is_(None))
    return session.execute(select(Segment).where(*mine)).scalar_one_or_none()


def listing(session: Session, app_id: int, search: str, after: int | None, limit: int) -> Sequence[Segment]:
    """Newest first, one more than the limit."""
    statement = select(Segment).where(col(Segment.app_id) == app_id, col(Segment.archived_at).is_(None))
    if search:
        statement = statement.where(col(Segment.name).icontains(search, autoescape=True))
    if after is not None:
        statement = statement.where(col(Segment.id) < after)
    return session.execute(statement.order_by(col(Segment.id).desc()).limit(limit + 1)).scalars().all()


def live(session: Session, app_id: int) -> Sequence[Segment]:
    """All of the app's segments."""
    mine = (col(Segment.app_id) == app_id, col(Segment.archived_at).is_(None))
    return session.execute(select(Segment).where(*mine)).scalars().all()


def names(session: Session, app_id: int, numbers: Collection[int]) -> dict[int, str]:
    """Names of segments, also of archived ones: what was launched keeps its words."""
    return _named(session, Segment, app_id, numbers)


def list_names(session: Session, app_id: int, numbers: Collection[int]) -> dict[int, str]:
    return _named(session, UserList, app_id, numbers)


def campaign_names(session: Session, app_id: int, numbers: Collection[int]) -> dict[int, str]:
    return _named(session, Campaign, app_id, numbers)


def _named(session: Session, table: Any, app_id: int, numbers: Collection[int]) -> dict[int, str]:
    mine = (col(table.app_id) == app_id, col(table.id).in_(numbers))
    return {row[0]: row[1] for row in session.execute(select(col(table.id), col(table.name)).where(*mine))}


def categories(session: Session, app_id: int) -> dict[str, CategoryFact]:
    """The app's categories by slug."""
    columns = (col(Category.slug), col(Category.id), col(Category.kind), col(Category.opted_in_by_default))
    rows = session.execute(select(*columns).where(col(Category.app_id) == app_id))
    return {slug: CategoryFact(number, kind, default) for slug, number, kind, default in rows}


def count(session: Session, condition: ColumnElement[bool], *, active_only: bool) -> list[Found]:
    """The people and devices of a condition in one pass over its pairs, by the person's best device.

    Each counted column costs 0.2 µs a pair on SQLite, so only what is asked for is counted.
    """
    rank = case({state: rank for rank, state in enumerate(_STATES)}, value=col(Device.state), else_=NO_DEVICE)
    active = col(Device.state) == DeviceState.ACTIVE
    only = (active,) if active_only else ()
    each = [
        *(
            func.count(case((and_(col(Device.platform) == platform, *only), 1))).label(platform)
            for platform in Platform
        ),
        *(() if active_only else (func.count(case((active, 1))).label("active"),)),
    ]
    person = (
        select(func.min(rank).label("best"), *each)
        .select_from(User)
        .outerjoin(Device, col(Device.user_id) == col(User.id))
        .where(condition)
        .group_by(col(User.id))
        .subquery()
    )
    sums = [func.sum(person.c[column.name]).label(column.name) for column in each]
    rows = session.execute(select(person.c.best, func.count().label("people"), *sums).group_by(person.c.best))
    return [_found(row) for row in rows.mappings()]


def _found(row: Mapping[Any, Any]) -> Found:
    devices = {str(platform): int(row[platform]) for platform in Platform}
    return Found(
        best=_STATES[row["best"]] if row["best"] < NO_DEVICE else None,
        people=row["people"],
        devices=devices,
        active=int(row["active"]) if "active" in row else sum(devices.values()),
    )


def sample(session: Session, condition: ColumnElement[bool], limit: int) -> tuple[str, ...]:
    """The first users that are found and have an id of the app's own."""
    statement = (
        select(col(User.external_id))
        .outerjoin(Device, col(Device.user_id) == col(User.id))
        .where(condition, col(User.external_id).is_not(None))
        .group_by(col(User.id), col(User.external_id))
        .order_by(col(User.id))
        .limit(limit)
    )
    return tuple(str(external_id) for external_id in session.execute(statement).scalars())


def people(session: Session, condition: ColumnElement[bool], after: int | None, limit: int) -> list[Person]:
    """A page of the people found, by number, one more than the limit; then the devices of just these."""
    found = (
        select(col(User.id), col(User.external_id))
        .outerjoin(Device, col(Device.user_id) == col(User.id))
        .where(condition, col(User.id) > (after or 0))
        .group_by(col(User.id), col(User.external_id))
        .order_by(col(User.id))
        .limit(limit + 1)
    )
    users = session.execute(found).all()
    theirs = (
        select(col(User.id), col(Device.id))
        .join(Device, col(Device.user_id) == col(User.id))
        .where(condition, col(User.id).in_([number for number, _ in users]))
        .order_by(col(Device.id))
    )
    devices: dict[int, list[int]] = {}
    for user, device in session.execute(theirs):
        devices.setdefault(user, []).append(device)
    return [Person(number, external_id, tuple(devices.get(number, ()))) for number, external_id in users]
