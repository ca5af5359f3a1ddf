"""Users and their devices: found by what the outside calls them, written one by one or many at once."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as lite
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import ProviderName
from backend.errors import Overtaken
from backend.models import Credential, Device, User
from backend.models.base import Json
from backend.queries.bulk import table_from_json

_DEVICE = SQLModel.metadata.tables["device"]


@dataclass(frozen=True, slots=True)
class UserValues:
    """A user's profile as it is to be written."""

    id: int
    attributes: Mapping[str, Any]
    language: str | None
    timezone: str | None
    country: str | None
    latitude: float | None
    longitude: float | None


def sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def ensure_users(session: Session, app_id: int, buckets: Mapping[str, int], now: datetime) -> dict[str, int]:
    """The number of each external id (given with its bucket), made where there is none. Raises `Overtaken`.

    Sorted, so that two batches that name the same new people wait for each other instead of locking up.
    """
    known = user_numbers(session, app_id, buckets)
    rows = [{"external_id": name, "bucket": buckets[name]} for name in sorted(buckets.keys() - known.keys())]
    if not rows:
        return known
    statement = text(
        'INSERT INTO "user" (app_id, external_id, bucket, attributes, sessions, first_seen) '
        "SELECT :app_id, v.external_id, v.bucket, :nothing, 0, :now "
        f"FROM {table_from_json(sqlite(session), {'external_id': 'text', 'bucket': 'bigint'})} WHERE true "
        "ON CONFLICT (app_id, external_id) DO NOTHING"
    ).bindparams(bindparam("nothing", type_=Json), bindparam("now", type_=UTCDateTime()))
    session.execute(statement, {"rows": json.dumps(rows), "app_id": app_id, "nothing": {}, "now": now})
    found = user_numbers(session, app_id, buckets)
    if len(found) < len(buckets):
        raise Overtaken  # somebody known when we asked has been erased since
    return found


def add_anonymous(session: Session, app_id: int, buckets: Sequence[int], now: datetime) -> list[int]:
    """New users whom nobody has named yet; their numbers."""
    rows = [
        {"app_id": app_id, "bucket": bucket, "attributes": {}, "sessions": 0, "first_seen": now} for bucket in buckets
    ]
    if not rows:
        return []
    return [int(number) for number in session.execute(insert(User).returning(col(User.id)), rows).scalars()]


def user_number(session: Session, app_id: int, external_id: str) -> int | None:
    found = select(col(User.id)).where(col(User.app_id) == app_id, col(User.external_id) == external_id)
    return session.execute(found).scalar_one_or_none()


def user_numbers(session: Session, app_id: int, external_ids: Collection[str]) -> dict[str, int]:
    """The known ones among these external ids.

    CROSS JOIN keeps SQLite from reading the whole array again for each user of the app (1 000 ids among
    1 000 users: 540 ms against 3); to PostgreSQL it is an inner join like any other.
    """
    found = text(
        "SELECT u.external_id, u.id FROM "
        f"{table_from_json(sqlite(session), {'external_id': 'text'})} "
        'CROSS JOIN "user" u WHERE u.app_id = :app_id AND u.external_id = v.external_id'
    )
    rows = json.dumps([{"external_id": name} for name in set(external_ids)])
    return dict(session.execute(found, {"rows": rows, "app_id": app_id}).all())


def users(session: Session, app_id: int, numbers: Collection[int], *, lock: bool = False) -> list[Row[Any]]:
    """These users of the app, by number; locked in that order where they are to be rewritten."""
    columns = (
        User.id, User.external_id, User.attributes, User.language, User.timezone, User.country, User.latitude,
        User.longitude, User.quiet_hours, User.paused_until, User.sessions, User.first_seen, User.last_active,
    )  # fmt: skip
    found: Select[Any] = select(*columns)  # type: ignore[call-overload]
    found = found.where(col(User.app_id) == app_id, col(User.id).in_(numbers)).order_by(col(User.id))
    return list(session.execute(found.with_for_update(key_share=True) if lock else found).all())


def write_users(session: Session, values: Iterable[UserValues]) -> None:
    """Rewrites the profiles of many users in one statement."""
    rows = [
        {
            "id": v.id,
            "attributes": json.dumps(v.attributes),
            "language": v.language,
            "timezone": v.timezone,
            "country": v.country,
            "latitude": v.latitude,
            "longitude": v.longitude,
        }
        for v in values
    ]
    columns = {
        "id": "bigint", "attributes": "text", "language": "text", "timezone": "text", "country": "text",
        "latitude": "double precision", "longitude": "double precision",
    }  # fmt: skip
    attributes = "v.attributes" if sqlite(session) else "CAST(v.attributes AS jsonb)"
    statement = text(
        f'UPDATE "user" SET attributes = {attributes}, language = v.language, timezone = v.timezone, '
        "country = v.country, latitude = v.latitude, longitude = v.longitude "
        f'FROM {table_from_json(sqlite(session), columns)} WHERE "user".id = v.id'
    )
    session.execute(statement, {"rows": json.dumps(rows)})


def touch_users(session: Session, numbers: Collection[int], now: datetime, *, sessions: int = 0) -> None:
    """These people are here, and have begun so many sessions each."""
    mine = select(col(User.id)).where(col(User.id).in_(numbers)).order_by(col(User.id))
    session.execute(mine.with_for_update(key_share=True))
    _change(session, User, col(User.id).in_(numbers), sessions=col(User.sessions) + sessions, last_active=now)


def change_user(session: Session, number: int, **values: Any) -> None:
    _change(session, User, col(User.id) == number, **values)


def delete_user(session: Session, number: int) -> None:
    """The user with all that hangs on it: devices, events, preferences, places in lists."""
    session.execute(delete(User).where(col(User.id) == number).execution_options(synchronize_session=False))


def is_alone(session: Session, user: int, besides: int) -> bool:
    """Whether the user is an anonymous one without any other device."""
    other = exists().where(col(Device.user_id) == user, col(Device.id) != besides)
    nameless = select(col(User.id)).where(col(User.id) == user, col(User.external_id).is_(None), ~other)
    return session.execute(nameless).first() is not None


def _chosen() -> Select[Any]:
    columns = (
        Device.id, Device.user_id, Device.credential_id, Device.platform, Device.provider, Device.environment,
        Device.address_kind, Device.address_index, Device.index_version, Device.secret_hash, Device.state,
        Device.reason, Device.permission, Device.locale, Device.timezone, Device.country, Device.app_version,
        Device.os_version, Device.model, Device.ephemeral_until, Device.first_seen, Device.last_seen,
        Device.registered_at, User.external_id,
    )  # fmt: skip
    chosen: Select[Any] = select(*columns)  # type: ignore[call-overload]
    return chosen.join(User, col(User.id) == col(Device.user_id))


_DEVICES = _chosen()


def device(session: Session, app_id: int, number: int, *, lock: bool = False) -> Row[Any] | None:
    """A device with its user's external id; locked where it is to be changed."""
    found = _DEVICES.where(col(Device.app_id) == app_id, col(Device.id) == number)
    return session.execute(found.with_for_update(of=Device, key_share=True) if lock else found).one_or_none()


def devices_of(session: Session, app_id: int, user: int) -> Sequence[Row[Any]]:
    """A user's devices, oldest first."""
    mine = (col(Device.app_id) == app_id, col(Device.user_id) == user)
    return session.execute(_DEVICES.where(*mine).order_by(col(Device.id))).all()


def devices_at(session: Session, app_id: int, indexes: Collection[bytes]) -> Sequence[Row[Any]]:
    """Every device whose address has one of these blind indexes, locked against another registration."""
    found = _DEVICES.where(col(Device.app_id) == app_id, col(Device.address_index).in_(indexes))
    return session.execute(found.order_by(col(Device.id)).with_for_update(of=Device, key_share=True)).all()


def device_numbers(session: Session, app_id: int, numbers: Collection[int]) -> dict[int, int]:
    """The known ones among these devices, each with its user."""
    found = select(col(Device.id), col(Device.user_id)).where(col(Device.app_id) == app_id, col(Device.id).in_(numbers))
    return dict(session.execute(found).all())


def add_devices(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[bytes, str, str], int]:
    """Inserts devices; the numbers of those made, by (index, provider, environment).

    A device that another transaction has just registered is left out.
    """
    if not rows:
        return {}
    made = _upsert(session, Device).returning(
        col(Device.address_index), col(Device.provider), col(Device.environment), col(Device.id)
    )
    return {(index, provider, world): number for index, provider, world, number in session.execute(made, list(rows))}


def _upsert(session: Session, table: type[Device]) -> Any:
    statement: Any = lite.insert(table) if sqlite(session) else postgresql.insert(table)
    return statement.on_conflict_do_nothing(index_elements=["app_id", "address_index", "provider", "environment"])


def change_device(session: Session, number: int, **values: Any) -> None:
    _change(session, Device, col(Device.id) == number, **values)


def change_devices(session: Session, changes: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Changes devices one after another; each run of changes to the same columns is one statement."""
    for names, alike in groupby(changes, key=lambda change: tuple(sorted(change[1]))):
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        statement = update(_DEVICE).where(_DEVICE.c.id == bindparam("number")).values(values)
        rows = [{"number": number, **{f"new_{name}": new[name] for name in names}} for number, new in alike]
        session.connection().execute(statement, rows)


def prolong(session: Session, numbers: Collection[int], until: datetime) -> None:
    """Keeps these devices until then, where they are kept for a time only."""
    kept = and_(col(Device.id).in_(numbers), col(Device.ephemeral_until).is_not(None))
    _change(session, Device, kept, ephemeral_until=until)


def forget_ephemeral(session: Session, now: datetime) -> int:
    """Deletes devices that have had their time, with the nameless users made for them; how many devices."""
    over = col(Device.ephemeral_until) < now
    others = aliased(Device)
    kept = exists().where(col(others.user_id) == col(User.id), col(others.ephemeral_until).is_(None))
    made_for = select(col(Device.user_id)).where(over)
    gone: Any = session.execute(select(func.count()).select_from(Device).where(over)).scalar_one()
    for statement in (
        delete(User).where(col(User.external_id).is_(None), col(User.id).in_(made_for), ~kept),
        delete(Device).where(over),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
    return int(gone)


def delete_device(session: Session, number: int) -> None:
    session.execute(delete(Device).where(col(Device.id) == number).execution_options(synchronize_session=False))


def _change(session: Session, table: type[User] | type[Device], which: ColumnElement[bool], **values: Any) -> None:
    statement = update(table).where(which).values(**values).execution_options(synchronize_session=False)
    session.execute(statement)


def push_endpoints(session: Session, app_id: int) -> list[str]:
    """The push services that the app's own Web Push credentials name."""
    named = select(col(Credential.endpoint)).where(
        col(Credential.app_id) == app_id,
        col(Credential.provider) == ProviderName.WEBPUSH,
        col(Credential.endpoint).is_not(None),
    )
    return [endpoint for endpoint in session.execute(named.distinct()).scalars() if endpoint]
