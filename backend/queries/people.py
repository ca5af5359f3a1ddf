"""People as a list, and what hangs on one of them.

The list goes newest active first along an index; people who were never active follow, the newest first.
Nobody is shown who only stands for an address or a topic of an API message.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, String, and_, cast, exists, func, or_, select, tuple_
from sqlmodel import Session, col

from backend.domain.vocabulary import DeviceState, Permission, Platform
from backend.models import Delivery, Device, User
from backend.queries.json_fields import entry

Condition = ColumnElement[bool]
FEW: Final = 2_000
"""So many candidates are looked at one by one; where there are more, the next page is never far along the index."""
WALK: Final = 30_000
"""So many people are looked at for one page at most: of those who fit two filters there may be none at all."""
NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
HIGHEST: Final = "\U0010ffff"
_COLUMNS: tuple[Any, ...] = (
    col(User.id), col(User.external_id), col(User.language), col(User.timezone), col(User.country),
    col(User.sessions), col(User.first_seen), col(User.last_active),
)  # fmt: skip
_REAL: Final = or_(
    col(User.external_id).is_not(None),
    col(User.last_active).is_not(None),
    ~exists().where(col(Device.user_id) == col(User.id), col(Device.ephemeral_until).is_not(None)).correlate(User),
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the list: behind the person who was active then (None: never) and has that number."""

    active: datetime | None
    id: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What narrows the list: a device that takes pushes (`reachable`) or wants none, of a platform; no id of the app's."""

    reachable: bool = False
    unsubscribed: bool = False
    platform: str | None = None
    anonymous: bool = False

    @property
    def by_device(self) -> bool:
        return self.reachable or self.unsubscribed or self.platform is not None


def listing(
    session: Session, app_id: int, wanted: Wanted, behind: Spot | None, limit: int
) -> tuple[list[Row[Any]], Spot | None]:
    """Newest active first, one more than the limit; and how far was looked, where it was not far enough for a page."""
    where = and_(col(User.app_id) + 0 == app_id, *_conditions(wanted))
    if (few := _few(session, app_id, wanted)) is not None:
        return _sorted(session, where, few, behind)[: limit + 1], None
    found: list[Row[Any]] = []
    bounded = wanted != Wanted()
    for stretch in (_active(app_id, behind), _silent(app_id, behind)):
        if stretch is None:
            continue
        end = _end(session, stretch) if bounded else None
        found += session.execute(_up_to(stretch, end).where(where).limit(limit + 1 - len(found))).all()
        if len(found) > limit or end is not None:
            return found, end
    return found, None


def _active(app_id: int, behind: Spot | None) -> Select[Any] | None:
    """People behind that place, as far as they have ever been active."""
    at, number = col(User.last_active), col(User.id)
    found = select(*_COLUMNS).where(col(User.app_id) == app_id, at.is_not(None)).order_by(at.desc(), number.desc())
    if behind is None:
        return found
    if behind.active is None:
        return None
    return found.where(at <= behind.active, tuple_(at, number) < tuple_(behind.active, behind.id))


def _silent(app_id: int, behind: Spot | None) -> Select[Any]:
    """People who never were, behind that place."""
    never = (col(User.app_id) == app_id, col(User.last_active).is_(None), _REAL)
    found = select(*_COLUMNS).where(*never).order_by(col(User.id).desc())
    return found if behind is None or behind.active is not None else found.where(col(User.id) < behind.id)


def _end(session: Session, stretch: Select[Any]) -> Spot | None:
    """The place of the last of `WALK` people; None when there are fewer."""
    places = stretch.with_only_columns(col(User.last_active), col(User.id)).offset(WALK - 1).limit(1)
    last = session.execute(places).one_or_none()
    return None if last is None else Spot(last[0], last[1])


def _up_to(stretch: Select[Any], end: Spot | None) -> Select[Any]:
    if end is None:
        return stretch
    if end.active is None:
        return stretch.where(col(User.id) >= end.id)
    place = tuple_(col(User.last_active), col(User.id))
    return stretch.where(col(User.last_active) >= end.active, place >= tuple_(end.active, end.id))


def _sorted(session: Session, where: Condition, few: Collection[int], behind: Spot | None) -> list[Row[Any]]:
    """The same of a few, put in order here: SQLite would rather walk an index of everybody (300 ms of a million)."""
    rows = session.execute(select(*_COLUMNS).where(where, col(User.id).in_(few), _REAL)).all()
    places = [((row.last_active or NEVER, row.id), row) for row in rows]
    last = (behind.active or NEVER, behind.id) if behind else None
    return [row for place, row in sorted(places, key=itemgetter(0), reverse=True) if last is None or place < last]


def _few(session: Session, app_id: int, wanted: Wanted) -> set[int] | None:
    """The numbers of those among whom everybody wanted is; None when that would be more than a few."""
    for candidates in _candidates(app_id, wanted):
        numbers = session.execute(candidates.limit(FEW + 1)).scalars().all()
        if len(numbers) <= FEW:
            return set(numbers)
    return None


def _conditions(wanted: Wanted) -> list[Condition]:
    """Written so that no index of names tempts SQLite away from the order asked for (290 ms a page)."""
    held = [_has(and_(*_device(wanted)))] if wanted.by_device else []
    return held + ([func.coalesce(col(User.external_id), "") == ""] if wanted.anonymous else [])


def _candidates(app_id: int, wanted: Wanted) -> list[Select[Any]]:
    """Who may be meant, by an index each."""
    owners = select(col(Device.user_id)).where(col(Device.app_id) == app_id, *_device(wanted))
    nameless = select(col(User.id)).where(col(User.app_id) == app_id, col(User.external_id).is_(None))
    return [owners] * wanted.by_device + [nameless] * wanted.anonymous


def _device(wanted: Wanted) -> list[Condition]:
    """The words are listed so that the index of the counts serves each of them."""
    platforms = [wanted.platform] if wanted.platform else list(Platform)
    found: list[Condition] = [col(Device.platform).in_(platforms), col(Device.ephemeral_until).is_(None)]
    if wanted.reachable:
        allowed = [word for word in Permission if word != Permission.DENIED]
        # the state is hidden: by its index SQLite would read every active device for ten of a platform (380 ms)
        found += [func.coalesce(col(Device.state), "") == DeviceState.ACTIVE, col(Device.permission).in_(allowed)]
    elif wanted.unsubscribed:
        found.append(col(Device.state) == DeviceState.UNSUBSCRIBED)
    return found


def _narrowed(session: Session, app_id: int, wanted: Wanted) -> list[Condition]:
    few = _few(session, app_id, wanted)
    return [*_conditions(wanted), *([] if few is None else [col(User.id).in_(few)])]


def _has(which: Condition) -> Condition:
    return exists().where(col(Device.user_id) == col(User.id), which).correlate(User)


def called(
    session: Session, app_id: int, start: str, wanted: Wanted, behind: str | None, limit: int
) -> Sequence[Row[Any]]:
    """People whose id of the app's begins so, in the order of their ids, one more than the limit."""
    name = col(User.external_id)
    mine = (col(User.app_id) == app_id, *_begins(start), *_narrowed(session, app_id, wanted))
    found = select(*_COLUMNS).where(*mine)
    found = found if behind is None else found.where(name > behind)
    return session.execute(found.order_by(name).limit(limit + 1)).all()


def _begins(start: str) -> list[Condition]:
    """As a range, which the index of ids gives: ids are kept in the order of their bytes."""
    name = col(User.external_id)
    return [name >= start, name < start + HIGHEST]


def holding(
    session: Session, app_id: int, name: str, value: str, wanted: Wanted, before: int, look: int, limit: int
) -> Sequence[Row[Any]]:
    """People with this attribute among the `look` numbers before that one, the newest first, one more than the limit.

    A text is also looked for in lists, and as a number, true or false where it reads as one.
    """
    place = (col(User.id) < before, col(User.id) >= before - look, col(User.app_id) + 0 == app_id)
    sqlite = session.get_bind().dialect.name == "sqlite"
    spelt = [_spelt(value)] if sqlite and len(_readings(value)) == 1 else []
    held = or_(*(_equals(col(User.attributes), name, one, sqlite) for one in _readings(value)))
    found = select(*_COLUMNS).where(*place, *spelt, *_narrowed(session, app_id, wanted), held)
    return session.execute(found.order_by(col(User.id).desc()).limit(limit + 1)).all()


def _spelt(value: str) -> Condition:
    """A text stands in the JSON as it is or escaped: a look at the letters spares reading most of it (5 times)."""
    spellings = {json.dumps(value), json.dumps(value, ensure_ascii=False)}
    return or_(*(func.instr(cast(col(User.attributes), String), one) > 0 for one in sorted(spellings)))


def _equals(column: Any, name: str, value: str | float | bool, sqlite: bool) -> Condition:
    one = entry(column, name, sqlite=sqlite)
    return or_(one.equals(value), one.includes(value))


def _readings(value: str) -> list[str | float | bool]:
    found: list[str | float | bool] = [value]
    if value in ("true", "false"):
        found.append(value == "true")
    try:
        number = float(value)
    except ValueError:
        return found
    if number - number == 0:  # neither infinite nor NaN, which JSON has not
        found.append(int(number) if number.is_integer() and abs(number) < 2**53 else number)
    return found


def newest_number(session: Session) -> int:
    """The highest number of any user."""
    return session.execute(select(col(User.id)).order_by(col(User.id).desc()).limit(1)).scalar() or 0


def by_number(session: Session, app_id: int, numbers: Collection[int]) -> Sequence[Row[Any]]:
    """These people of the app, the newest first."""
    mine = (col(User.app_id) == app_id, col(User.id).in_(numbers))
    return session.execute(select(*_COLUMNS).where(*mine).order_by(col(User.id).desc())).all()


def external_id(session: Session, app_id: int, number: int) -> str | None:
    mine = (col(User.app_id) == app_id, col(User.id) == number)
    return session.execute(select(col(User.external_id)).where(*mine)).scalar_one_or_none()


def owners_at(session: Session, app_id: int, indexes: Collection[bytes]) -> list[int]:
    """The people behind an address, by its blind indexes; not those who only stand for one."""
    mine = (col(Device.app_id) == app_id, col(Device.address_index).in_(indexes), col(Device.ephemeral_until).is_(None))
    return list(session.execute(select(col(Device.user_id)).where(*mine)).scalars())


def owner_of_device(session: Session, app_id: int, device: int) -> int | None:
    mine = (col(Device.app_id) == app_id, col(Device.id) == device)
    return session.execute(select(col(Device.user_id)).where(*mine)).scalar_one_or_none()


def owner_of_delivery(session: Session, delivery: int) -> int | None:
    return session.execute(select(col(Delivery.user_id)).where(col(Delivery.id) == delivery)).scalar_one_or_none()


def marks(session: Session, users: Collection[int]) -> Sequence[Row[Any]]:
    """(user, platform, state, permission, locale, timezone) of the devices of a page of people, oldest first."""
    columns = (
        col(Device.user_id), col(Device.platform), col(Device.state), col(Device.permission), col(Device.locale),
        col(Device.timezone),
    )  # fmt: skip
    theirs = (col(Device.user_id).in_(users), col(Device.ephemeral_until).is_(None))
    return session.execute(select(*columns).where(*theirs).order_by(col(Device.id))).all()


def counts(session: Session, app_id: int) -> list[tuple[str, str, str, int]]:
    """(platform, state, permission, count) of the app's devices, from an index alone."""
    cells = (col(Device.platform), col(Device.state), col(Device.permission))
    mine = (col(Device.app_id) == app_id, col(Device.ephemeral_until).is_(None), col(Device.platform).in_(Platform))
    found = session.execute(select(*cells, func.count()).where(*mine).group_by(*cells))
    return [(platform, state, permission, count) for platform, state, permission, count in found]


def stale(session: Session, app_id: int, before: datetime) -> dict[str, int]:
    """platform → active devices not seen since that instant; an index holds all that this reads."""
    unseen = (col(Device.app_id) == app_id, col(Device.last_seen) < before)
    kept = (col(Device.state) == DeviceState.ACTIVE, col(Device.ephemeral_until).is_(None))
    found = select(col(Device.platform), func.count()).where(*unseen, *kept).group_by(col(Device.platform))
    return {str(platform): int(count) for platform, count in session.execute(found)}
