"""Events, written many at once, and what they say of the people and devices that did them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, bindparam, column, text
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.models.base import BigId
from backend.queries.bulk import table_from_json

_COLUMNS = {
    "user_id": "bigint", "device_id": "bigint", "external_id": "text", "name": "text", "at": "text",
    "properties": "jsonb", "value": "double precision", "currency": "text",
}  # fmt: skip
_MICROSECONDS = 26


def stored(at: datetime) -> str:
    """An instant as SQLite stores it and PostgreSQL reads it; for binds that carry JSON. Takes UTC."""
    return at.isoformat(" ", "microseconds")[:_MICROSECONDS]


def moment(sqlite: bool, expression: str) -> str:
    """SQL that reads such a text as an instant."""
    return expression if sqlite else f"CAST({expression} || '+00' AS timestamptz)"


def _sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def people(session: Session, app_id: int, silent: Mapping[str, datetime]) -> dict[str, tuple[int, bool]]:
    """(number, whether there was no sign of life since that instant) of the known ones among these external ids.

    CROSS JOIN for the same reason as in `audience.user_numbers`.
    """
    sqlite = _sqlite(session)
    quiet = f"u.last_active IS NULL OR u.last_active < {moment(sqlite, 'v.since')}"
    found = text(
        f"SELECT u.external_id, u.id, {quiet} "
        f"FROM {table_from_json(sqlite, {'external_id': 'text', 'since': 'text'})} "
        'CROSS JOIN "user" u WHERE u.app_id = :app_id AND u.external_id = v.external_id'
    )
    rows = orjson.dumps([{"external_id": name, "since": stored(at)} for name, at in silent.items()]).decode()
    answer = session.execute(found, {"rows": rows, "app_id": app_id})
    return {name: (number, bool(quiet)) for name, number, quiet in answer}


def devices(session: Session, numbers: Iterable[int]) -> Sequence[Row[Any]]:
    """(id, app_id, user_id, secret_hash, last_seen, last_active) of these devices, of whichever app."""
    given = table_from_json(_sqlite(session), {"id": "bigint"})
    statement = text(
        "SELECT d.id, d.app_id, d.user_id, d.secret_hash, d.last_seen, u.last_active "
        f'FROM {given} CROSS JOIN device d JOIN "user" u ON u.id = d.user_id WHERE d.id = v.id'
    ).columns(
        column("id", BigId), column("app_id", BigId), column("user_id", BigId), column("secret_hash"),
        column("last_seen", UTCDateTime()), column("last_active", UTCDateTime()),
    )  # fmt: skip
    return session.execute(statement, {"rows": _numbers(numbers)}).all()


def last_signs(
    session: Session, devices: Collection[int], users: Collection[int]
) -> tuple[dict[int, datetime], dict[int, datetime | None]]:
    """When these devices and these users were last heard of, locked until `touch`.

    Devices before users and each by number, as everywhere, so that two batches never wait in a ring.
    """
    return _locked(session, "device", "last_seen", devices), _locked(session, '"user"', "last_active", users)


def _locked(session: Session, table: str, sign: str, numbers: Collection[int]) -> dict[int, Any]:
    if not numbers:
        return {}
    sqlite = _sqlite(session)
    given = table_from_json(sqlite, {"id": "bigint"})
    lock = "" if sqlite else " FOR NO KEY UPDATE"
    statement = text(f"SELECT id, {sign} FROM {table} WHERE id IN (SELECT id FROM {given}) ORDER BY id{lock}")
    typed = statement.columns(column("id", BigId), column(sign, UTCDateTime()))
    return {row[0]: row[1] for row in session.execute(typed, {"rows": _numbers(numbers)})}


def add_events(session: Session, app_id: int, events: Sequence[Mapping[str, Any]], now: datetime) -> Sequence[Row[Any]]:
    """Inserts events; those whose `external_id` the app has used before are left out. (id, external_id, name) of the
    others.

    Each has the keys user_id, device_id, external_id, name, at (as `stored` gives it), properties, value, currency.
    Told in one order, so that two processes given the same ones wait for each other instead of locking up.
    """
    sqlite = _sqlite(session)
    statement = text(
        "INSERT INTO event (app_id, user_id, device_id, external_id, name, at, received_at, properties, value, "
        "currency) SELECT :app_id, v.user_id, v.device_id, v.external_id, v.name, "
        f"{moment(sqlite, 'v.at')}, :now, v.properties, v.value, v.currency "
        f"FROM {table_from_json(sqlite, _COLUMNS)} WHERE true "
        "ON CONFLICT (app_id, external_id) DO NOTHING RETURNING id, external_id, name"
    ).bindparams(bindparam("now", type_=UTCDateTime()))
    rows = orjson.dumps(sorted(events, key=lambda event: event["external_id"] or "")).decode()
    return session.execute(statement, {"rows": rows, "app_id": app_id, "now": now}).all()


def touch(session: Session, users: Mapping[int, tuple[datetime, int]], devices: Mapping[int, datetime]) -> None:
    """Moves `last_active` and `last_seen` forward to what these users and devices did last, and counts the sessions
    that each of the users began. Their rows are locked already (`last_signs`)."""
    seen = [{"id": number, "at": stored(at)} for number, at in devices.items()]
    _forward(session, "device", "last_seen", seen)
    active = [{"id": number, "at": stored(at), "began": began} for number, (at, began) in users.items()]
    _forward(session, '"user"', "last_active", active, ", sessions = sessions + v.began")


def _forward(session: Session, table: str, sign: str, rows: Sequence[Mapping[str, Any]], more: str = "") -> None:
    if not rows:
        return
    sqlite = _sqlite(session)
    at, given = moment(sqlite, "v.at"), table_from_json(sqlite, {"id": "bigint", "at": "text", "began": "integer"})
    later = f"CASE WHEN {table}.{sign} > {at} THEN {table}.{sign} ELSE {at} END"
    statement = text(f"UPDATE {table} SET {sign} = {later}{more} FROM {given} WHERE {table}.id = v.id")
    session.execute(statement, {"rows": json.dumps(rows)})


def _numbers(numbers: Iterable[int]) -> str:
    return json.dumps([{"id": number} for number in numbers])
