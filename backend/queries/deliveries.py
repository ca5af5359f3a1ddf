"""Deliveries on their way: the facts of a group, its verdicts, its outcomes."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, Row, and_, bindparam, exists, func, insert, select, text, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import OPEN_STATES, ChunkState, DeliveryState, DeviceState, Permission, RunState
from backend.models import Attempt, Chunk, Context, Delivery, Device, Preference, Receipt, Run, User
from backend.models.base import BigId
from backend.queries.bulk import table_from_json


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `decide` and the renderer said of one planned row; `state` is sending, skipped or expired."""

    id: int
    state: str
    reason: str | None = None
    locale: str | None = None
    body_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What the provider's answer makes of one row that was being sent.

    `chunk` is another chunk's number when the row waits there for a further try.
    """

    id: int
    state: str
    reason: str | None = None
    provider_ref: str | None = None
    maybe_sent: bool = False
    chunk: int | None = None


def facts() -> Any:
    """The statement that reads all that deciding and rendering need, one row a delivery.

    `:category` is the campaign's; the statement is made once, for building it costs more than running it.
    """
    category = bindparam("category", type_=BigId)
    wish = and_(col(Preference.user_id) == col(Delivery.user_id), col(Preference.category_id) == category)
    return (
        select(
            col(Delivery.id), col(Delivery.user_id), col(Delivery.device_id), col(Delivery.variant),
            col(Delivery.attempts), col(Delivery.maybe_sent), col(Delivery.due_at), col(Delivery.context_id),
            col(Device.state), col(Device.permission), col(Device.last_seen), col(Device.registered_at),
            col(Device.platform), col(Device.provider), col(Device.environment), col(Device.address_kind),
            col(Device.sealed_address), col(Device.locale), col(Device.timezone), col(Device.country),
            col(Device.app_version), col(Device.os_version), col(Device.model),
            col(User.external_id), col(User.bucket), col(User.attributes), col(User.language),
            col(User.timezone).label("user_timezone"), col(User.country).label("user_country"),
            col(User.first_seen), col(User.last_active), col(User.sessions), col(User.paused_until),
            col(Preference.opted_in), col(Context.data).label("context"), col(Device.address_index),
        )
        .select_from(Delivery)
        .outerjoin(Device, col(Device.id) == col(Delivery.device_id))
        .outerjoin(User, col(User.id) == col(Delivery.user_id))
        .outerjoin(Preference, wish)
        .outerjoin(Context, col(Context.id) == col(Delivery.context_id))
    )  # fmt: skip


def planned_in(session: Session, run_id: int, chunk: int, category_id: int | None, limit: int) -> Sequence[Row[Any]]:
    """The next planned rows of a chunk with their facts."""
    binds = {"category": category_id, "run": run_id, "number": chunk, "most": limit}
    return session.execute(_planned(), binds).all()


@cache
def _planned() -> Any:
    mine = (col(Delivery.run_id) == bindparam("run"), col(Delivery.chunk) == bindparam("number"))
    planned = facts().where(*mine, col(Delivery.state) == DeliveryState.PLANNED)
    return planned.order_by(col(Delivery.id)).limit(bindparam("most", type_=Integer))


def twins(session: Session, app_id: int, run_id: int, rows: Sequence[Row[Any]]) -> set[int]:
    """Deliveries whose phone is in the run already under an earlier registration of the same address.

    Two look-ups by index, the second only where two devices share an address: as a condition inside
    `facts` SQLite took it from the wrong end and read 10 000 rows for each of them.
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


def _sharing(session: Session, app_id: int, rows: Sequence[Row[Any]]) -> list[tuple[bytes, int]]:
    """(address index, device) of the reachable devices behind the addresses that several devices share."""
    indexes = {row.address_index for row in rows if row.address_index is not None}
    found = session.execute(_reachable_at(), {"app": app_id, "indexes": list(indexes)}).all()
    shared = Counter(index for index, _ in found)
    return [(index, device) for index, device in found if shared[index] > 1]


@cache
def _reachable_at() -> Any:
    return select(col(Device.address_index), col(Device.id)).where(
        col(Device.app_id) == bindparam("app"),
        col(Device.address_index).in_(bindparam("indexes", expanding=True)),
        col(Device.state) == DeviceState.ACTIVE,
        col(Device.permission) != Permission.DENIED,
    )


def one(session: Session, delivery_id: int, category_id: int | None) -> Row[Any] | None:
    """One row with its facts."""
    statement = facts().where(col(Delivery.id) == delivery_id)
    return session.execute(statement, {"category": category_id}).one_or_none()


def run_state(session: Session, run_id: int) -> str:
    return str(session.execute(select(col(Run.state)).where(col(Run.id) == run_id)).scalar_one())


def write_verdicts(session: Session, verdicts: Iterable[Verdict], now: datetime) -> set[int]:
    """Moves planned rows to their verdict's state; the ids that were still planned, now ours to send."""
    columns = {"id": "bigint", "state": "text", "reason": "text", "locale": "text", "body_hash": "text"}
    rows = [{name: getattr(v, name) for name in columns} for v in verdicts]
    if not rows:
        return set()
    statement = text(
        "UPDATE delivery SET state = v.state, reason = v.reason, locale = v.locale, body_hash = v.body_hash, "
        "ended_at = CASE WHEN v.state = 'sending' THEN NULL ELSE :now END "
        f"FROM {table_from_json(_sqlite(session), columns)} "
        "WHERE delivery.id = v.id AND delivery.state = 'planned' RETURNING delivery.id"
    ).bindparams(bindparam("now", type_=UTCDateTime()))
    return set(session.execute(statement, {"rows": json.dumps(rows), "now": now}).scalars())


def write_results(session: Session, results: Iterable[Result], now: datetime) -> None:
    """Moves rows that were being sent to what became of them, in one statement."""
    columns = {
        "id": "bigint", "state": "text", "reason": "text", "provider_ref": "text", "maybe_sent": "boolean",
        "chunk": "integer",
    }  # fmt: skip
    rows = [{name: getattr(r, name) for name in columns} for r in results]
    if not rows:
        return
    statement = text(
        "UPDATE delivery SET state = v.state, reason = v.reason, provider_ref = v.provider_ref, "
        f"maybe_sent = {_either(session)}, chunk = COALESCE(v.chunk, delivery.chunk), "
        "attempts = delivery.attempts + 1, ended_at = CASE WHEN v.state = 'planned' THEN NULL ELSE :now END "
        f"FROM {table_from_json(_sqlite(session), columns)} "
        "WHERE delivery.id = v.id AND delivery.state = 'sending'"
    ).bindparams(bindparam("now", type_=UTCDateTime()))
    session.execute(statement, {"rows": json.dumps(rows), "now": now})


def _either(session: Session) -> str:
    return "MAX(v.maybe_sent, delivery.maybe_sent)" if _sqlite(session) else "(v.maybe_sent OR delivery.maybe_sent)"


def write_attempts(session: Session, attempts: Sequence[Mapping[str, Any]]) -> None:
    """Keeps the providers' answers other than success."""
    if attempts:
        session.execute(insert(Attempt.__table__), list(attempts))  # type: ignore[attr-defined]


def prune(session: Session, gone: Sequence[tuple[int, str, datetime | None]], now: datetime) -> None:
    """Marks devices dead whose provider said so: (device, reason, gone since); a later registration wins."""
    for device_id, reason, since in gone:
        known = (col(Device.id) == device_id, col(Device.state) == DeviceState.ACTIVE)
        older = () if since is None else (col(Device.registered_at) < since,)
        values = {"state": DeviceState.INVALID, "reason": reason, "state_at": now}
        session.execute(
            update(Device).where(*known, *older).values(**values).execution_options(synchronize_session=False)
        )


def accept_received(session: Session, run_id: int, chunk: int, now: datetime) -> None:
    """Rows of a dead worker that a device has answered for: the provider took them, nobody need send again."""
    being_sent = (
        col(Delivery.run_id) == run_id,
        col(Delivery.chunk) == chunk,
        col(Delivery.state) == DeliveryState.SENDING,
    )
    answered = exists().where(col(Receipt.delivery_id) == col(Delivery.id))
    values = {"state": DeliveryState.ACCEPTED, "attempts": Delivery.attempts + 1, "ended_at": now}
    statement = update(Delivery).where(*being_sent, answered).values(**values)
    session.execute(statement.execution_options(synchronize_session=False))


def orphans(session: Session, run_id: int, chunk: int, *, retry: bool, now: datetime) -> int:
    """What a dead worker was sending: nobody knows, so the campaign's choice decides; how many they were."""
    being_sent = (
        col(Delivery.run_id) == run_id,
        col(Delivery.chunk) == chunk,
        col(Delivery.state) == DeliveryState.SENDING,
    )
    values: dict[str, Any] = {"maybe_sent": True, "attempts": col(Delivery.attempts) + 1, "reason": "worker_lost"}
    values |= {"state": DeliveryState.PLANNED} if retry else {"state": DeliveryState.UNKNOWN, "ended_at": now}
    statement = update(Delivery).where(*being_sent).values(**values).execution_options(synchronize_session=False)
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def end_planned(
    session: Session, run_id: int, state: DeliveryState, reason: str | None, now: datetime, limit: int
) -> int:
    """Ends up to `limit` planned rows of a run at once; how many they were."""
    page = (
        select(col(Delivery.id))
        .where(col(Delivery.run_id) == run_id, col(Delivery.state) == DeliveryState.PLANNED)
        .limit(limit)
    )
    statement = (
        update(Delivery)
        .where(col(Delivery.id).in_(page), col(Delivery.state) == DeliveryState.PLANNED)
        .values(state=state, reason=reason, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def any_open(session: Session, run_id: int) -> bool:
    """Whether a delivery of the run may still change: the only thing that `finished` is made of."""
    still = exists().where(col(Delivery.run_id) == run_id, col(Delivery.state).in_(OPEN_STATES))
    return bool(session.execute(select(still)).scalar_one())


def runs_with_rows_to_end(session: Session, now: datetime) -> list[tuple[int, str]]:
    """(run, `cancelled` or `expired`) for runs that may still hold planned rows which must not be sent.

    Asked of the chunks, which are few: a run's rows would be read in full each second to find none.
    """
    waiting = exists().where(col(Chunk.run_id) == col(Run.id), col(Chunk.state) != ChunkState.DONE)
    stopped = select(col(Run.id)).where(col(Run.state) == RunState.CANCELLED, waiting)
    late_states = (RunState.RUNNING, RunState.PAUSED)
    late = select(col(Run.id)).where(col(Run.state).in_(late_states), col(Run.not_after) < now, waiting)
    found = [(i, "cancelled") for i in session.execute(stopped).scalars() if i is not None]
    return found + [(i, "expired") for i in session.execute(late).scalars() if i is not None]


def touch_run(session: Session, run_id: int, now: datetime) -> None:
    """Tells the roll-up that the run has moved."""
    session.execute(
        update(Run).where(col(Run.id) == run_id).values(activity_at=now).execution_options(synchronize_session=False)
    )


def count(session: Session, run_id: int) -> int:
    return int(session.execute(select(func.count()).where(col(Delivery.run_id) == run_id)).scalar_one())


def _sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
