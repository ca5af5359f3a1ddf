"""Events, written many at once."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.queries.bulk import table_from_json

_COLUMNS = {
    "user_id": "bigint", "device_id": "bigint", "external_id": "text", "name": "text", "at": "text",
    "properties": "text", "value": "double precision", "currency": "text",
}  # fmt: skip
_STORED = "%Y-%m-%d %H:%M:%S.%f"


def stored(at: datetime) -> str:
    """An instant as SQLite stores it and PostgreSQL reads it; for binds that carry JSON. Takes UTC."""
    return at.strftime(_STORED)


def moment(sqlite: bool, expression: str) -> str:
    """SQL that reads such a text as an instant."""
    return expression if sqlite else f"CAST({expression} || '+00' AS timestamptz)"


def add_events(session: Session, app_id: int, events: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Inserts events; those whose `external_id` the app has used before are left out. How many went in.

    Each has the keys user_id, device_id, external_id, name, at, properties, value, currency.
    """
    sqlite = session.get_bind().dialect.name == "sqlite"
    properties = "v.properties" if sqlite else "CAST(v.properties AS jsonb)"
    statement = text(
        "INSERT INTO event (app_id, user_id, device_id, external_id, name, at, received_at, properties, value, "
        "currency) SELECT :app_id, v.user_id, v.device_id, v.external_id, v.name, "
        f"{moment(sqlite, 'v.at')}, :now, {properties}, v.value, v.currency "
        f"FROM {table_from_json(sqlite, _COLUMNS)} WHERE true ON CONFLICT (app_id, external_id) DO NOTHING"
    ).bindparams(bindparam("now", type_=UTCDateTime()))
    rows = [{**event, "at": stored(event["at"]), "properties": json.dumps(event["properties"])} for event in events]
    result: Any = session.execute(statement, {"rows": json.dumps(rows), "app_id": app_id, "now": now})
    return int(result.rowcount)


def touch(session: Session, users: Mapping[int, datetime], devices: Mapping[int, datetime]) -> None:
    """Moves `last_active` and `last_seen` forward to what these users and devices did last.

    Devices before users and each by number, as everywhere, so that two batches never wait in a ring.
    """
    _forward(session, "device", "last_seen", devices)
    _forward(session, '"user"', "last_active", users)


def _forward(session: Session, table: str, column: str, moments: Mapping[int, datetime]) -> None:
    if not moments:
        return
    sqlite = session.get_bind().dialect.name == "sqlite"
    rows = json.dumps([{"id": number, "at": stored(at)} for number, at in moments.items()])
    at, given = moment(sqlite, "v.at"), table_from_json(sqlite, {"id": "bigint", "at": "text"})
    if not sqlite:
        locked = f"SELECT 1 FROM {table} WHERE id IN (SELECT id FROM {given}) ORDER BY id FOR NO KEY UPDATE"
        session.execute(text(locked), {"rows": rows})
    statement = text(
        f"UPDATE {table} SET {column} = {at} FROM {given} "
        f"WHERE {table}.id = v.id AND ({table}.{column} IS NULL OR {table}.{column} < {at})"
    )
    session.execute(statement, {"rows": rows})
