"""Segments as they are kept, and the people and devices that a condition finds."""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from backend.domain.vocabulary import CategoryKind, DeviceState, Permission, Platform
from backend.models import Campaign, Category, Device, Segment, User, UserList
from backend.queries.segment_scope import CategoryFact


class Reach(IntEnum):
    """How well a pair can be reached, the best first: what a campaign takes, then why it goes nowhere.

    A campaign takes devices without permission too, and says of each that it was skipped.
    """

    REACHABLE = 0
    NO_PERMISSION = 1
    NO_CREDENTIAL = 2
    UNSUBSCRIBED = 3
    INVALID = 4
    NO_DEVICE = 5


STRETCH = 5_000
_LETTERS: dict[tuple[Platform | None, Reach], str] = {
    pair: chr(ord("A") + place)
    for place, pair in enumerate(
        [*((platform, reach) for platform in Platform for reach in Reach), (None, Reach.NO_DEVICE)]
    )
}
_READ = {letter: pair for pair, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class Counts:
    """What a condition found: people by their best pair, devices by platform and reach."""

    people: Mapping[Reach, int]
    devices: Mapping[tuple[str, Reach], int]

    def by_platform(self, among: Iterable[Reach]) -> dict[str, int]:
        """The devices of these reaches, every platform named."""
        return {str(name): sum(self.devices.get((name, reach), 0) for reach in among) for name in Platform}

    def reasons(self, besides: Container[Reach]) -> tuple[dict[str, int], dict[str, int]]:
        """Of all other reaches, people and devices by its name in small letters, where there are any."""
        people, devices = Counter(self.people), Counter[Reach]()
        for (_, reach), number in self.devices.items():
            devices[reach] += number
        told = [reach for reach in Reach if reach not in besides]
        return _named_counts(people, told), _named_counts(devices, told)


@dataclass(frozen=True, slots=True)
class Person:
    """A user that a condition found, with the numbers of the devices it found."""

    number: int
    external_id: str | None
    devices: tuple[int, ...]


def _named_counts(counts: Mapping[Reach, int], told: Iterable[Reach]) -> dict[str, int]:
    return {reach.name.lower(): counts[reach] for reach in told if counts[reach]}


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
    always = or_(col(Category.kind) == CategoryKind.MANDATORY, col(Category.archived_at).is_not(None))
    columns = (col(Category.slug), col(Category.id), always, col(Category.opted_in_by_default))
    rows = session.execute(select(*columns).where(col(Category.app_id) == app_id))
    return {slug: CategoryFact(number, bool(kept), default) for slug, number, kept, default in rows}


def count(session: Session, condition: ColumnElement[bool]) -> Counts:
    """The people and devices of a condition over everybody.

    One pass: each person becomes a short text of a letter a pair, and people with the same text are counted
    together. Of a million people that takes two thirds of grouping twice, and an index holds all that it reads.
    """
    person = _people(condition).subquery()
    return _counts(session.execute(select(person.c.pairs, func.count()).group_by(person.c.pairs)))


def count_and_sample(session: Session, condition: ColumnElement[bool], limit: int) -> tuple[Counts, tuple[str, ...]]:
    """Counts, and the first of the people found who have an id of the app's own, from the same pass."""
    person = _people(condition).cte("person")
    first = (
        select(col(User.external_id).label("pairs"), literal(-1).label("people"))
        .join(person, person.c.id == col(User.id))
        .where(col(User.external_id).is_not(None))
        .order_by(col(User.id))
        .limit(limit)
        .subquery()
    )
    counted = select(person.c.pairs, func.count()).group_by(person.c.pairs)
    rows = session.execute(counted.union_all(select(first))).all()
    return _counts(row for row in rows if row[1] >= 0), tuple(str(row[0]) for row in rows if row[1] < 0)


def _people(condition: ColumnElement[bool]) -> Select[Any, str]:
    return (
        select(col(User.id).label("id"), func.aggregate_strings(_letter(), "").label("pairs"))
        .select_from(User)
        .outerjoin(Device, col(Device.user_id) == col(User.id))
        .where(condition)
        .group_by(col(User.id))
    )


def _letter() -> ColumnElement[str]:
    """A pair's platform and reach; what it reads stands in one index of the devices, behind their user."""
    device = col(Device.state)
    return case(
        (
            device == DeviceState.ACTIVE,
            case(
                (col(Device.credential_id).is_(None), _of_platform(Reach.NO_CREDENTIAL)),
                (col(Device.permission) == Permission.DENIED, _of_platform(Reach.NO_PERMISSION)),
                else_=_of_platform(Reach.REACHABLE),
            ),
        ),
        (device == DeviceState.INVALID, _of_platform(Reach.INVALID)),
        (device.is_(None), literal_column(f"'{_LETTERS[None, Reach.NO_DEVICE]}'")),
        else_=_of_platform(Reach.UNSUBSCRIBED),
    )


def _of_platform(reach: Reach) -> ColumnElement[str]:
    *some, last = (literal_column(f"'{_LETTERS[platform, reach]}'", String) for platform in Platform)
    return case(dict(zip(map(str, Platform), some, strict=False)), value=col(Device.platform), else_=last)


def _counts(rows: Iterable[Any]) -> Counts:
    people, devices = Counter[Reach](), Counter[tuple[str, Reach]]()
    for pairs, number in rows:
        read = [_READ[letter] for letter in pairs]
        people[min(reach for _, reach in read)] += number
        for platform, reach in read:
            if platform:
                devices[str(platform), reach] += number
    return Counts(people, devices)


def everybody(session: Session, app_id: int) -> int:
    """The people of an app; whoever has nothing but ephemeral devices is nobody.

    An index holds the ephemeral devices alone; SQLite would rather take another by the app (`+ 0`).
    """
    real = aliased(Device)
    passing = (
        select(func.count(col(Device.user_id).distinct()))
        .where(col(Device.app_id) + 0 == app_id, col(Device.ephemeral_until).is_not(None))
        .where(~exists().where(col(real.user_id) == col(Device.user_id), col(real.ephemeral_until).is_(None)))
    )
    every = select(func.count()).select_from(User).where(col(User.app_id) == app_id)
    return int(session.execute(every).scalar_one()) - int(session.execute(passing).scalar_one())


@dataclass(frozen=True, slots=True)
class Stretch:
    """People of an app by number, from behind `after` to `last`; `rest` says that there are more."""

    after: int
    last: int
    rest: bool

    def holds(self) -> ColumnElement[bool]:
        return and_(col(User.id) > self.after, col(User.id) <= self.last)


def stretch(session: Session, app_id: int, after: int) -> Stretch:
    """The next people of an app: where one in a hundred is wanted, a page of them is found here at once."""
    app = col(User.app_id) + 0 if session.get_bind().dialect.name == "sqlite" else col(User.app_id)
    mine = (app == app_id, col(User.id) > after)
    page = select(col(User.id).label("id")).where(*mine).order_by(col(User.id)).limit(STRETCH).subquery()
    last, number = session.execute(select(func.max(page.c.id), func.count()).select_from(page)).one()
    return Stretch(after, last or after, rest=number == STRETCH)


def behind(after: int) -> ColumnElement[bool]:
    return col(User.id) > after


def sample(session: Session, condition: ColumnElement[bool], limit: int) -> tuple[str, ...]:
    """The first users that are found and have an id of the app's own."""
    found = _found(condition).where(col(User.external_id).is_not(None)).limit(limit)
    return tuple(str(external_id) for _, external_id in session.execute(found))


def people(session: Session, condition: ColumnElement[bool], limit: int) -> list[Row[int, str | None]]:
    """The first people found, (number, external id) each."""
    return list(session.execute(_found(condition).limit(limit)).all())


def _found(condition: ColumnElement[bool]) -> Select[int, str | None]:
    return (
        select(col(User.id), col(User.external_id))
        .outerjoin(Device, col(Device.user_id) == col(User.id))
        .where(condition)
        .group_by(col(User.id), col(User.external_id))
        .order_by(col(User.id))
    )


def with_devices(
    session: Session, condition: ColumnElement[bool], users: Sequence[Row[int, str | None]]
) -> list[Person]:
    """These people with the devices of theirs that a condition finds."""
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
