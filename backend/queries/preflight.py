"""The facts of devices that have no delivery yet, under the names that a delivery's facts have."""

from collections import namedtuple
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, literal, null, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import AddressKind, DeviceState, Environment, Permission, ProviderName, RunState
from backend.models import Device, DevicePreference, Preference, Run, User
from backend.queries import due_times
from backend.queries.due_times import Timetable


def _facts(category_id: int | None, now: datetime) -> Any:
    wish = and_(col(Preference.user_id) == col(User.id), col(Preference.category_id) == category_id)
    return (
        select(
            literal(0).label("id"), col(Device.id).label("device_id"), col(User.id).label("user_id"),
            literal(0).label("attempts"), literal(False).label("maybe_sent"),
            literal(now, UTCDateTime()).label("due_at"), null().label("context"),
            col(Device.state), col(Device.permission), col(Device.last_seen), col(Device.platform),
            col(Device.provider), col(Device.environment), col(Device.address_kind), col(Device.sealed_address),
            col(Device.address_index), col(Device.credential_id), col(Device.locale), col(Device.timezone),
            col(Device.country), col(Device.app_version), col(Device.os_version), col(Device.model),
            col(User.external_id), col(User.bucket), col(User.attributes), col(User.language),
            col(User.timezone).label("user_timezone"), col(User.country).label("user_country"),
            col(User.first_seen), col(User.last_active), col(User.sessions), col(User.paused_until),
            col(User.quiet_hours), col(Preference.opted_in), col(DevicePreference.opted_in).label("device_opted_in"),
        )
        .select_from(User)
        .outerjoin(Preference, wish)
    )  # fmt: skip


def _word(category_id: int | None) -> ColumnElement[bool]:
    return and_(col(DevicePreference.device_id) == col(Device.id), col(DevicePreference.category_id) == category_id)


def page(app_id: int, audience: ColumnElement[bool], after: int, limit: int) -> Select[Any]:
    """The numbers of the next addressable devices of an audience: those that planning would take."""
    numbers = (
        select(col(Device.id))
        .join(User, col(User.id) == col(Device.user_id))
        .where(
            col(Device.app_id) == app_id,
            col(Device.state) == DeviceState.ACTIVE,
            col(Device.credential_id).is_not(None),
            col(Device.id) > after,
            audience,
        )
        .order_by(col(Device.id))
        .limit(limit)
        .subquery()
    )
    return select(numbers.c.id)


def devices(
    session: Session, numbers: Select[Any], category_id: int | None, now: datetime, timetable: Timetable | None
) -> Sequence[Any]:
    """These devices with their facts, by number; `planned_for` is when the planner would make each of them due.

    `shared` says that another reachable device has the same address.
    """
    statement = (
        _facts(category_id, now)
        .join(Device, col(Device.user_id) == col(User.id))
        .outerjoin(DevicePreference, _word(category_id))
        .where(col(Device.id).in_(numbers))
        .order_by(col(Device.id))
    )
    due: ColumnElement[datetime] = literal(now, UTCDateTime())
    if timetable is not None:
        statement, due = due_times.add_due(session, statement, timetable, numbers)
    columns = (_shared().label("shared"), literal(0).label("variant"), due.label("planned_for"))
    statement = statement.add_columns(*columns)
    made = _fact_row(tuple(statement.selected_columns.keys()))._make
    return [made(row) for row in session.connection().execute(statement)]


def _shared() -> ColumnElement[bool]:
    other = aliased(Device)
    same = (
        col(other.app_id) == col(Device.app_id),
        col(other.address_index) == col(Device.address_index),
        col(other.id) != col(Device.id),
    )
    usable = (func.coalesce(col(other.state), "") == DeviceState.ACTIVE, col(other.permission) != Permission.DENIED)
    return exists().where(*same, *usable)


@cache
def _fact_row(names: tuple[str, ...]) -> Any:
    """A row with its facts: from SQLAlchemy's own rows each of the sixty readings takes ten times as long."""
    return namedtuple("Facts", names)


def devices_of(
    session: Session, app_id: int, user_id: int, category_id: int | None, now: datetime
) -> Sequence[Row[Any]]:
    """Every device of a user with its facts, by number, those too that planning would not take."""
    return session.execute(
        _facts(category_id, now)
        .join(Device, col(Device.user_id) == col(User.id))
        .outerjoin(DevicePreference, _word(category_id))
        .where(col(Device.app_id) == app_id, col(User.id) == user_id, col(Device.ephemeral_until).is_(None))
        .order_by(col(Device.id))
    ).all()


def person(session: Session, app_id: int, user_id: int, platform: str | None, now: datetime) -> SimpleNamespace | None:
    """A user with one device: of that platform if it is given, one that pushes reach before others, the last seen of these.

    What belongs to the device is null where there is none.
    """
    reached = and_(col(Device.state) == DeviceState.ACTIVE, col(Device.credential_id).is_not(None))
    own = [col(Device.user_id) == col(User.id), col(Device.ephemeral_until).is_(None)]
    if platform is not None:
        own.append(col(Device.platform) == platform)
    found = session.execute(
        _facts(None, now)
        .outerjoin(Device, and_(*own))
        .outerjoin(DevicePreference, _word(None))
        .where(col(User.app_id) == app_id, col(User.id) == user_id)
        .order_by(case((reached, 0), else_=1), col(Device.last_seen).desc(), col(Device.id).desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else SimpleNamespace(**found._mapping)


def device(session: Session, app_id: int, device_id: int, now: datetime) -> SimpleNamespace | None:
    """A device with the facts of its user."""
    found = session.execute(
        _facts(None, now)
        .join(Device, col(Device.user_id) == col(User.id))
        .outerjoin(DevicePreference, _word(None))
        .where(col(Device.app_id) == app_id, col(Device.id) == device_id)
    ).one_or_none()
    return None if found is None else SimpleNamespace(**found._mapping)


def topic(sealed_address: bytes, credential_id: int, now: datetime) -> SimpleNamespace:
    """A topic's row, before there is one: what its fate and its bytes depend on."""
    return SimpleNamespace(
        id=0, device_id=0, user_id=None, attempts=0, maybe_sent=False, due_at=now, context=None, bucket=0, locale=None,
        language=None,
        platform=AddressKind.TOPIC, state=DeviceState.ACTIVE, provider=ProviderName.FCM,
        environment=Environment.PRODUCTION, address_kind=AddressKind.TOPIC, sealed_address=sealed_address,
        credential_id=credential_id, variant=0,
    )  # fmt: skip


def nobody(now: datetime) -> SimpleNamespace:
    """A person of whom nothing is known, for a preview without one."""
    known = {column.key for column in _facts(None, now).selected_columns}
    own = {
        "id": 0,
        "attempts": 0,
        "maybe_sent": False,
        "attributes": {},
        "first_seen": now,
        "sessions": 0,
        "due_at": now,
    }
    return SimpleNamespace(**(dict.fromkeys(known) | own))


def last_finished(session: Session, campaign_id: int) -> Run | None:
    """The campaign's last run that has come to its end; tests are left out."""
    mine = (col(Run.campaign_id) == campaign_id, col(Run.kind) == "send", col(Run.state) == RunState.FINISHED)
    return session.execute(select(Run).where(*mine).order_by(col(Run.id).desc()).limit(1)).scalar_one_or_none()
