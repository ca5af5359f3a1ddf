"""The facts of devices that have no delivery yet, under the names that a delivery's facts have."""

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, literal, null, select
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import AddressKind, DeviceState, Environment, Platform, ProviderName
from backend.models import Device, DevicePreference, Preference, User
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
) -> Sequence[Row[Any]]:
    """These devices with their facts, by number; `planned_for` is when the planner would make each of them due."""
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
    return session.execute(statement.add_columns(due.label("planned_for"))).all()


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


def person(session: Session, app_id: int, external_id: str, platform: Platform, now: datetime) -> Any | None:
    """A user with the device of that platform last seen, if there is one."""
    on = and_(col(Device.user_id) == col(User.id), col(Device.platform) == platform)
    found = session.execute(
        _facts(None, now)
        .outerjoin(Device, on)
        .outerjoin(DevicePreference, _word(None))
        .where(col(User.app_id) == app_id, col(User.external_id) == external_id)
        .order_by(col(Device.last_seen).desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else SimpleNamespace(**{**found._mapping, "platform": platform, "variant": 0})


def topic(sealed_address: bytes, credential_id: int, now: datetime) -> SimpleNamespace:
    """A topic's row, before there is one: what its fate and its bytes depend on."""
    return SimpleNamespace(
        id=0, device_id=0, user_id=None, attempts=0, maybe_sent=False, due_at=now, context=None, bucket=0, locale=None,
        language=None,
        platform=AddressKind.TOPIC, state=DeviceState.ACTIVE, provider=ProviderName.FCM,
        environment=Environment.PRODUCTION, address_kind=AddressKind.TOPIC, sealed_address=sealed_address,
        credential_id=credential_id, variant=0,
    )  # fmt: skip


def nobody(platform: Platform, locale: str | None, now: datetime) -> SimpleNamespace:
    """A person of whom nothing is known, for a preview without one."""
    empty = ("external_id", "language", "user_timezone", "user_country", "last_active", "timezone", "country")
    device = ("app_version", "os_version", "model", "context", "address_kind")
    return SimpleNamespace(
        id=0, variant=0, platform=platform, locale=locale, attributes={}, first_seen=now, sessions=0, due_at=now,
        **dict.fromkeys((*empty, *device)),
    )  # fmt: skip
