"""Topics: which devices are in them, which changes wait to be told, and whom a send to one goes through."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import CredentialStatus, DeviceState, ProviderName, TopicState
from backend.models import Credential, Device, TopicSubscription, User, UserListMember
from backend.models.base import BigId

CLAIM: Final = timedelta(seconds=60)
"""How long a sender may take over telling the provider of a change."""
DEAD: Final = "device_gone"
REST_ROWS: Final = 5_000
_UNTRACKED = {"synchronize_session": False}
_TOLD = and_(col(TopicSubscription.wanted), col(Device.state) == DeviceState.ACTIVE)
"""What the provider is to be told: a device that takes no pushes leaves its topics until it does again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """That devices shall be in a topic, or out of it."""

    app_id: int
    topic: str
    wanted: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """How far a page of devices reaches, and those on it that no topic can hold."""

    last: int
    unsupported: int


def everybody(
    app_id: int, wanted: bool, chosen: Collection[ColumnElement[bool]], after: int = 0
) -> ColumnElement[bool]:
    """The app's devices after that number for which one of the conditions over `User` and `Device` is true.

    Dead ones are left out; and nobody joins a topic while they want no pushes.
    """
    alive = col(Device.state) == DeviceState.ACTIVE if wanted else col(Device.state) != DeviceState.INVALID
    real = col(Device.ephemeral_until).is_(None)
    return and_(col(Device.app_id) == app_id, col(Device.id) > after, real, alive, or_(*chosen))


def of_users(external_ids: Sequence[str]) -> ColumnElement[bool]:
    return col(User.external_id).in_(external_ids)


def of_user(number: int) -> ColumnElement[bool]:
    return col(Device.user_id) == number


def of_devices(numbers: Sequence[int]) -> ColumnElement[bool]:
    return col(Device.id).in_(numbers)


def up_to(last: int) -> ColumnElement[bool]:
    """Devices whose number is not above this."""
    return col(Device.id) <= last


def of_list(number: int) -> ColumnElement[bool]:
    return exists().where(col(UserListMember.list_id) == number, col(UserListMember.user_id) == col(User.id))


def _supported() -> ColumnElement[bool]:
    return and_(col(Device.provider) == ProviderName.FCM, col(Device.credential_id).is_not(None))


def stretch(session: Session, which: ColumnElement[bool], limit: int) -> Stretch | None:
    """The next page of the devices chosen, None behind the last of them."""
    joined = select(col(Device.id), case((_supported(), 0), else_=1).label("unsupported"))
    joined = joined.join(User, col(User.id) == col(Device.user_id)).where(which)
    page = joined.order_by(col(Device.id)).limit(limit).subquery()
    last, unsupported = session.execute(select(func.max(page.c.id), func.sum(page.c.unsupported))).one()
    return None if last is None else Stretch(last, int(unsupported))


def want(session: Session, wish: Wish, which: ColumnElement[bool]) -> int:
    """Notes the wish for these devices in one statement; for how many it is news.

    A row that a sender may hold right now is told when that claim has run out: its answer comes too late
    to settle the new wish, and the provider must hear the two in order.
    """
    rows = (
        select(
            literal(wish.app_id, BigId), col(Device.id), literal(wish.topic), literal(wish.wanted),
            literal(TopicState.PENDING.value), literal(0), literal(wish.now, UTCDateTime()),
            literal(wish.now, UTCDateTime()),
        )
        .join(User, col(User.id) == col(Device.user_id))
        .where(which, _supported())
    )  # fmt: skip
    names = ["app_id", "device_id", "topic", "wanted", "state", "attempts", "not_before", "changed_at"]
    add = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = add(TopicSubscription).from_select(names, rows)
    news = made.on_conflict_do_update(
        index_elements=["device_id", "topic"],
        set_={"wanted": made.excluded.wanted, **_anew(wish.now)},
        where=or_(
            col(TopicSubscription.wanted) != made.excluded.wanted, col(TopicSubscription.state) == TopicState.FAILED
        ),
    )
    return _count(session.execute(news.execution_options(preserve_rowcount=True)))


def _anew(now: datetime) -> dict[str, Any]:
    """The columns of a row that is to be told again."""
    claimed = and_(col(TopicSubscription.state) == TopicState.PENDING, col(TopicSubscription.not_before) > now)
    moments = [literal(moment, UTCDateTime()) for moment in (now + CLAIM, now)]
    return {
        "state": TopicState.PENDING,
        "reason": None,
        "attempts": 0,
        "not_before": case((claimed, moments[0]), else_=moments[1]),
        "changed_at": now,
    }


def again(session: Session, devices: Collection[int], now: datetime) -> None:
    """The topics of these devices are to be told once more: another address, or pushes switched on or off."""
    if not devices:
        return
    wanted = (col(TopicSubscription.device_id).in_(devices), col(TopicSubscription.wanted))
    session.execute(update(TopicSubscription).where(*wanted).values(**_anew(now)).execution_options(**_UNTRACKED))


def lost(session: Session, devices: Collection[int], now: datetime) -> None:
    """These devices are dead: their provider has dropped them from their topics by itself."""
    if not devices:
        return
    theirs = (col(TopicSubscription.device_id).in_(devices), col(TopicSubscription.state) != TopicState.UNSUBSCRIBED)
    values = {"state": TopicState.FAILED, "reason": DEAD, "changed_at": now}
    session.execute(update(TopicSubscription).where(*theirs).values(**values).execution_options(**_UNTRACKED))


def places_of(session: Session, devices: Collection[int]) -> Sequence[TopicSubscription]:
    """The topics of these devices, by name."""
    theirs = select(TopicSubscription).where(col(TopicSubscription.device_id).in_(devices))
    found = theirs.order_by(col(TopicSubscription.device_id), col(TopicSubscription.topic))
    return session.execute(found.execution_options(populate_existing=True)).scalars().all()


def leaving(session: Session, devices: ColumnElement[bool]) -> Sequence[Device]:
    """The devices among these that are in a topic, or on their way into one."""
    held = exists().where(
        col(TopicSubscription.device_id) == col(Device.id),
        col(TopicSubscription.state).in_((TopicState.PENDING, TopicState.SUBSCRIBED)),
    )
    alive = (col(Device.state) != DeviceState.INVALID, _supported())
    return session.execute(select(Device).where(devices, held, *alive)).scalars().all()


def move(session: Session, device: int, to: int, now: datetime) -> None:
    """Hands a device's topics to the one that stands in for it, which is to leave them."""
    theirs = (
        col(TopicSubscription.device_id) == device,
        col(TopicSubscription.state).in_((TopicState.PENDING, TopicState.SUBSCRIBED)),
    )
    values = {"device_id": to, "wanted": False, **_anew(now)}
    session.execute(update(TopicSubscription).where(*theirs).values(**values).execution_options(**_UNTRACKED))


def _counted(app_id: int) -> Select[Any]:
    """(first number, topic, subscribed, pending, failed), from an index alone: 0.4 M places in 130 ms on SQLite,
    against 870 with a look at their devices."""
    state = col(TopicSubscription.state)
    sums = [
        func.sum(case((state == word, 1), else_=0)).label(word)
        for word in (TopicState.SUBSCRIBED, TopicState.PENDING, TopicState.FAILED)
    ]
    columns: list[Any] = [func.min(col(TopicSubscription.id)).label("id"), col(TopicSubscription.topic), *sums]
    return select(*columns).where(col(TopicSubscription.app_id) == app_id).group_by(col(TopicSubscription.topic))


def listing(session: Session, app_id: int, search: str, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """The app's topics with their devices by state, newest first, one more than the limit."""
    first = func.min(col(TopicSubscription.id))
    found = _counted(app_id).order_by(first.desc()).limit(limit + 1)
    if search:
        found = found.where(col(TopicSubscription.topic).contains(search, autoescape=True))
    return session.execute(found if before is None else found.having(first < before)).all()


def one(session: Session, app_id: int, topic: str) -> Row[Any] | None:
    return session.execute(_counted(app_id).where(col(TopicSubscription.topic) == topic)).one_or_none()


def subscribed(session: Session, app_id: int, topics: Collection[str]) -> int:
    """How many devices are known to be in one of these topics, each counted once."""
    inside = (
        col(TopicSubscription.app_id) == app_id,
        col(TopicSubscription.topic).in_(topics),
        col(TopicSubscription.state) == TopicState.SUBSCRIBED,
    )
    device = col(TopicSubscription.device_id)
    counted = func.count() if len(topics) == 1 else func.count(func.distinct(device))
    return int(session.execute(select(counted).select_from(TopicSubscription).where(*inside)).scalar_one())


def lanes(session: Session, app_id: int, topics: Collection[str]) -> Sequence[Row[Any]]:
    """(credential, status, public, endpoint, its topics' members are known), newest and active ones first."""
    members = exists().where(
        col(TopicSubscription.app_id) == app_id,
        col(TopicSubscription.topic).in_(topics),
        col(TopicSubscription.state) == TopicState.SUBSCRIBED,
        col(TopicSubscription.device_id) == col(Device.id),
        col(Device.credential_id) == col(Credential.id),
    )
    mine = (col(Credential.app_id) == app_id, col(Credential.provider) == ProviderName.FCM)
    active_first = case((col(Credential.status) == CredentialStatus.ACTIVE, 0), else_=1)
    columns = (col(Credential.id), col(Credential.status), col(Credential.public), col(Credential.endpoint))
    found = select(*columns, members.label("members")).where(*mine)
    return session.execute(found.order_by(active_first, col(Credential.id).desc())).all()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A change that this process tells the provider until the claim runs out. `told`: into the topic, or out."""

    id: int
    app_id: int
    device_id: int
    topic: str
    attempts: int
    told: bool
    dead: bool
    credential_id: int | None
    held_until: datetime | None
    provider: str
    environment: str
    address_kind: str
    sealed_address: bytes


def anything_due(session: Session, now: datetime) -> bool:
    """Whether a change waits to be told; a look that takes no lock."""
    due = exists().where(*_due(now))
    return bool(session.execute(select(due)).scalar_one())


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (col(TopicSubscription.state) == TopicState.PENDING, col(TopicSubscription.not_before) <= now)


def claim(session: Session, now: datetime, limit: int) -> list[Claimed]:
    """Takes the changes that have waited longest for `CLAIM`; the end of the claim is its fence."""
    due = (
        select(
            col(TopicSubscription.id), col(TopicSubscription.app_id), col(TopicSubscription.device_id),
            col(TopicSubscription.topic), col(TopicSubscription.attempts), _TOLD.label("told"),
            (col(Device.state) == DeviceState.INVALID).label("dead"), col(Device.credential_id),
            col(Credential.held_until), col(Device.provider), col(Device.environment), col(Device.address_kind),
            col(Device.sealed_address),
        )
        .join(Device, col(Device.id) == col(TopicSubscription.device_id))
        .outerjoin(Credential, col(Credential.id) == col(Device.credential_id))
        .where(*_due(now))
        .order_by(col(TopicSubscription.not_before))  # as the index has it: 20 000 of one wish share their instant
        .limit(limit)
        .with_for_update(skip_locked=True, of=TopicSubscription)
    )  # fmt: skip
    taken = [Claimed(*row) for row in session.execute(due)]
    _write(session, [one.id for one in taken], (), not_before=now + CLAIM)
    return taken


def settle(
    session: Session, numbers: Sequence[int], until: datetime, state: TopicState, reason: str | None, now: datetime
) -> None:
    """What became of claimed changes; not of those that were wished otherwise meanwhile."""
    _write(session, numbers, _held(until), state=state, reason=reason, changed_at=now)


def retry(
    session: Session, numbers: Sequence[int], until: datetime, at: datetime, reason: str | None, *, tries: int
) -> None:
    """Claimed changes that are told again at that instant; `tries` is 0 when they were not at fault."""
    told = {"attempts": col(TopicSubscription.attempts) + tries, "reason": reason, "not_before": at}
    _write(session, numbers, _held(until), **told)


def _held(until: datetime) -> tuple[ColumnElement[bool], ...]:
    return (col(TopicSubscription.state) == TopicState.PENDING, col(TopicSubscription.not_before) == until)


def _write(session: Session, numbers: Sequence[int], only: Collection[ColumnElement[bool]], **values: Any) -> None:
    if numbers:
        mine = update(TopicSubscription).where(col(TopicSubscription.id).in_(numbers), *only).values(**values)
        session.execute(mine.execution_options(**_UNTRACKED))


def put_off(session: Session, credential_id: int, now: datetime, at: datetime) -> None:
    """Lets waiting changes of a lane rest, so that they are not looked at again and again.

    Some thousands of them: moving 200 000 at once held SQLite for 2.7 s. The others follow as they are met.
    """
    lane = (
        select(col(TopicSubscription.id))
        .join(Device, col(Device.id) == col(TopicSubscription.device_id))
        .where(*_due(now), col(Device.credential_id) == credential_id)
        .order_by(col(TopicSubscription.not_before))
        .limit(REST_ROWS)
        .with_for_update(skip_locked=True, of=TopicSubscription)
    )
    waiting = update(TopicSubscription).where(*_due(now), col(TopicSubscription.id).in_(lane))
    session.execute(waiting.values(not_before=at).execution_options(**_UNTRACKED))


def _count(result: Any) -> int:
    return int(result.rowcount)
