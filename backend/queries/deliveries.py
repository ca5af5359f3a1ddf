"""Deliveries on their way: the facts of a group, its verdicts, its outcomes."""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Integer, and_, bindparam, column, exists, func, select, text
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.caps import Sent
from backend.domain.vocabulary import DeliveryState, DeviceState, Permission
from backend.models import Context, Delivery, Device, DevicePreference, Preference, User
from backend.models.base import BigId
from backend.queries.bulk import table_from_json
from backend.queries.events import moment, stored


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `decide` and the renderer said of one planned row; `state` is sending, skipped or expired.

    It stays planned when its host has no room now: `chunk` is then the number of the one that it waits in.
    """

    id: int
    state: str
    reason: str | None = None
    locale: str | None = None
    body_hash: str | None = None
    chunk: int | None = None


@cache
def facts() -> Any:
    """The statement that reads all that deciding and rendering need, one row a delivery.

    `:category` is the campaign's. `shared` says that another reachable device has the same address. It names
    tables, not classes: through the mapper each row cost a fifth more.
    """
    row, device, user, wish, word, context = map(
        _table, (Delivery, Device, User, Preference, DevicePreference, Context)
    )
    category = bindparam("category", type_=BigId)
    mine = and_(wish.user_id == row.user_id, wish.category_id == category)
    its = and_(word.device_id == row.device_id, word.category_id == category)
    tables = (
        Delivery.__table__.outerjoin(Device.__table__, device.id == row.device_id)  # type: ignore[attr-defined]
        .outerjoin(User.__table__, user.id == row.user_id)  # type: ignore[attr-defined]
        .outerjoin(Preference.__table__, mine)  # type: ignore[attr-defined]
        .outerjoin(DevicePreference.__table__, its)  # type: ignore[attr-defined]
        .outerjoin(Context.__table__, context.id == row.context_id)  # type: ignore[attr-defined]
    )
    return select(
        row.id, row.user_id, row.device_id, row.variant, row.attempts, row.maybe_sent, row.due_at, row.context_id,
        device.state, device.permission, device.last_seen, device.registered_at, device.platform, device.provider,
        device.environment, device.address_kind, device.sealed_address, device.locale, device.timezone,
        device.country, device.app_version, device.os_version, device.model, device.address_index,
        user.external_id, user.bucket, user.attributes, user.language, user.timezone.label("user_timezone"),
        user.country.label("user_country"), user.first_seen, user.last_active, user.sessions, user.paused_until,
        user.quiet_hours, wish.opted_in, word.opted_in.label("device_opted_in"), context.data.label("context"), _shared(device).label("shared"),
    ).select_from(tables)  # fmt: skip


def _shared(device: Any) -> Any:
    """By address: hidden in `coalesce`, the state can not tempt SQLite to go by it."""
    other = Device.__table__.alias("other")  # type: ignore[attr-defined]
    same = other.c.app_id == device.app_id, other.c.address_index == device.address_index, other.c.id != device.id
    return exists(select(other.c.id).where(*same, *_reachable(other.c)))


def _reachable(device: Any) -> tuple[Any, Any]:
    return func.coalesce(device.state, "") == DeviceState.ACTIVE, device.permission != Permission.DENIED


def _table(model: Any) -> Any:
    return model.__table__.c


@cache
def _facts() -> Any:
    """A row with its facts. Rendering reads sixty of them: from SQLAlchemy's own rows each takes ten times as long."""
    return namedtuple("Facts", facts().selected_columns.keys())


def planned_in(session: Session, run_id: int, chunk: int, category_id: int | None, limit: int) -> Sequence[Any]:
    """The next planned rows of a chunk with their facts."""
    binds = {"category": category_id, "run": run_id, "number": chunk, "most": limit}
    made = _facts()._make
    return [made(row) for row in session.connection().execute(_planned(), binds).all()]


@cache
def _planned() -> Any:
    row = _table(Delivery)
    mine = (row.run_id == bindparam("run"), row.chunk == bindparam("number"))
    planned = facts().where(*mine, row.state == DeliveryState.PLANNED)
    return planned.order_by(row.id).limit(bindparam("most", type_=Integer))


def twins(session: Session, app_id: int, run_id: int, rows: Sequence[Any]) -> set[int]:
    """Deliveries whose phone is in the run already under an earlier registration of the same address.

    Two look-ups by index, and only where two devices share an address: as a condition inside `facts`
    SQLite took it from the wrong end and read 10 000 rows for each of them.
    """
    if not (others := _sharing(session, app_id, rows)):
        return set()
    in_run = select(col(Delivery.device_id)).where(
        col(Delivery.run_id) == run_id, col(Delivery.device_id).in_({device for _, device in others})
    )
    addressed = set(session.execute(in_run).scalars())
    first: dict[bytes, int] = {}
    for index, device in others:
        if device in addressed:
            first[index] = min(device, first.get(index, device))
    return {row.id for row in rows if first.get(row.address_index, row.device_id) != row.device_id}


def _sharing(session: Session, app_id: int, rows: Sequence[Any]) -> list[tuple[bytes, int]]:
    """(address index, device) of the reachable devices behind the addresses that several devices share."""
    indexes = {row.address_index for row in rows if row.shared}
    if not indexes:
        return []
    found = session.connection().execute(_reachable_at(), {"app": app_id, "indexes": list(indexes)}).all()
    return [(index, device) for index, device in found]


@cache
def _reachable_at() -> Any:
    device = _table(Device)
    return select(device.address_index, device.id).where(
        device.app_id == bindparam("app"),
        device.address_index.in_(bindparam("indexes", expanding=True)),
        *_reachable(device),
    )


def one(session: Session, delivery_id: int, category_id: int | None) -> Any:
    """One row with its facts; None when it is not there."""
    return next(iter(these(session, [delivery_id], category_id)), None)


def these(session: Session, delivery_ids: Sequence[int], category_id: int | None) -> list[Any]:
    """The rows with these numbers, of one run, with their facts."""
    statement = facts().where(col(Delivery.id).in_(delivery_ids))
    return [_facts()._make(row) for row in session.execute(statement, {"category": category_id})]


def write_verdicts(session: Session, verdicts: Iterable[Verdict], now: datetime) -> set[int]:
    """Moves planned rows to their verdict's state; the ids that were still planned, now ours to send."""
    rows = [
        {
            "id": v.id, "state": v.state, "reason": v.reason, "locale": v.locale, "body_hash": v.body_hash,
            "chunk": v.chunk,
        }
        for v in verdicts
    ]  # fmt: skip
    if not rows:
        return set()
    found = session.connection().execute(_verdicts(_sqlite(session)), {"rows": _json(rows), "now": now})
    return set(found.scalars())


@cache
def _verdicts(sqlite: bool) -> Any:
    columns = {
        "id": "bigint", "state": "text", "reason": "text", "locale": "text", "body_hash": "text", "chunk": "integer",
    }  # fmt: skip
    return text(
        "UPDATE delivery SET state = v.state, reason = v.reason, locale = v.locale, body_hash = v.body_hash, "
        "chunk = COALESCE(v.chunk, delivery.chunk), "
        "ended_at = CASE WHEN v.state IN ('sending', 'planned') THEN NULL ELSE :now END "
        f"FROM {table_from_json(sqlite, columns)} "
        "WHERE delivery.id = v.id AND delivery.state = 'planned' RETURNING delivery.id"
    ).bindparams(bindparam("now", type_=UTCDateTime()))


def put_off(session: Session, rows: Mapping[int, tuple[int, datetime]]) -> None:
    """Makes rows that are still planned due later: for each its chunk, which waits until then, and the instant.

    A statement of its own: `due_at` is in an index, which SQLite would write anew for every verdict.
    """
    moved = [{"id": row, "chunk": chunk, "due_at": stored(at)} for row, (chunk, at) in rows.items()]
    if moved:
        session.connection().execute(_put_off(_sqlite(session)), {"rows": _json(moved)})


@cache
def _put_off(sqlite: bool) -> Any:
    columns = {"id": "bigint", "chunk": "integer", "due_at": "text"}
    return text(
        f"UPDATE delivery SET chunk = v.chunk, due_at = {moment(sqlite, 'v.due_at')} "
        f"FROM {table_from_json(sqlite, columns)} WHERE delivery.id = v.id AND delivery.state = 'planned'"
    )


def recent(
    session: Session, run_id: int, users: Iterable[int], since: datetime, now: datetime, priority: int
) -> dict[int, tuple[Sent, ...]]:
    """What caps count of these users since then, beside this run: each other run once a person, by its latest row.

    What runs of a higher priority have waiting counts as well, once it is due; a run that stands still is in
    nobody's way.
    """
    rows = [{"id": user} for user in sorted(set(users))]
    if not rows:
        return {}
    binds = {"rows": _json(rows), "run": run_id, "since": since, "now": now, "priority": priority}
    found: dict[int, list[Sent]] = {}
    for user, at, category in session.connection().execute(_recent(_sqlite(session)), binds):
        found.setdefault(user, []).append(Sent(at, category))
    return {user: tuple(sent) for user, sent in found.items()}


@cache
def _recent(sqlite: bool) -> Any:
    """CROSS JOIN, which SQLite does not turn round: from the users to the few rows that each has in that time."""
    waiting = "delivery.state = 'planned' AND delivery.due_at <= :now AND run.priority > :priority"
    moving = "run.state IN ('planning', 'running')"
    return (
        text(
            "SELECT delivery.user_id, MAX(delivery.due_at) AS at, run.category_id "
            f"FROM {table_from_json(sqlite, {'id': 'bigint'})} CROSS JOIN delivery CROSS JOIN run "
            "WHERE delivery.user_id = v.id AND delivery.due_at >= :since AND run.id = delivery.run_id "
            "AND run.counts AND run.id <> :run AND (delivery.state IN ('sending', 'accepted', 'unknown') "
            f"OR ({waiting} AND {moving})) GROUP BY delivery.user_id, run.id, run.category_id"
        )
        .bindparams(bindparam("since", type_=UTCDateTime()), bindparam("now", type_=UTCDateTime()))
        .columns(column("user_id"), column("at", UTCDateTime()), column("category_id"))
    )


_BUCKETS = 256
_CAPS_LOCK = 0x70C5
"""The first half of the advisory lock that two runs take before they count the pushes of the same people."""


def lock_people(session: Session, users: Iterable[int]) -> None:
    """Until the commit nobody else decides on caps of these users; on SQLite nobody else writes anyway.

    By groups of users in ascending order, and before any row of a run is locked.
    """
    if not _sqlite(session) and (groups := sorted({user % _BUCKETS for user in users})):
        session.connection().execute(_lock_people(), {"space": _CAPS_LOCK, "groups": _json(groups)})


@cache
def _lock_people() -> Any:
    groups = "json_array_elements_text(CAST(:groups AS json))"
    return text(f"SELECT count(pg_advisory_xact_lock(:space, CAST(v AS integer))) FROM {groups} AS v")


def _json(rows: Sequence[Any]) -> str:
    return orjson.dumps(rows).decode()


def _sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
