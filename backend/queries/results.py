"""Deliveries that were sent: what came of them, written many at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import bindparam, case, exists, false, insert, text, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.retry import MAX_TRIES
from backend.domain.vocabulary import DeliveryState
from backend.models import Attempt, Delivery, Receipt, Run
from backend.queries import topics
from backend.queries.bulk import table_from_json
from backend.queries.events import moment, stored


@dataclass(frozen=True, slots=True)
class Result:
    """What the provider's answer makes of one row that was being sent.

    `chunk` is another chunk's number when the row waits there for a further try. `tried` is false for one
    that we held back ourselves.
    """

    id: int
    state: str
    reason: str | None = None
    provider_ref: str | None = None
    maybe_sent: bool = False
    chunk: int | None = None
    tried: bool = True


def write_results(session: Session, results: Iterable[Result], now: datetime) -> set[int]:
    """Moves rows that were being sent to what became of them, in one statement; the ids of those.

    The others have their result already: a commit whose answer was lost is written again.
    """
    rows = [
        {
            "id": r.id, "state": r.state, "reason": r.reason, "provider_ref": r.provider_ref,
            "maybe_sent": r.maybe_sent, "chunk": r.chunk, "tried": int(r.tried),
        }
        for r in results
    ]  # fmt: skip
    if not rows:
        return set()
    found = session.connection().execute(_results(_sqlite(session)), {"rows": _json(rows), "now": now})
    return set(found.scalars())


@cache
def _results(sqlite: bool) -> Any:
    columns = {
        "id": "bigint", "state": "text", "reason": "text", "provider_ref": "text", "maybe_sent": "boolean",
        "chunk": "integer", "tried": "integer",
    }  # fmt: skip
    either = "MAX(v.maybe_sent, delivery.maybe_sent)" if sqlite else "(v.maybe_sent OR delivery.maybe_sent)"
    return text(
        "UPDATE delivery SET state = v.state, reason = v.reason, provider_ref = v.provider_ref, "
        f"maybe_sent = {either}, chunk = COALESCE(v.chunk, delivery.chunk), "
        "attempts = delivery.attempts + v.tried, ended_at = CASE WHEN v.state = 'planned' THEN NULL ELSE :now END "
        f"FROM {table_from_json(sqlite, columns)} "
        "WHERE delivery.id = v.id AND delivery.state = 'sending' RETURNING delivery.id"
    ).bindparams(bindparam("now", type_=UTCDateTime()))


def put_back(session: Session, run_id: int, chunk: int, known: Iterable[int]) -> int:
    """Plans the rows again that are marked as being sent but that nobody is sending; how many.

    `known` are those that were handed to the provider. The caller holds the chunk.
    """
    mine = "run_id = :run AND chunk = :chunk AND state = 'sending'"
    given = f"SELECT v.id FROM {table_from_json(_sqlite(session), {'id': 'bigint'})}"
    statement = text(f"UPDATE delivery SET state = 'planned' WHERE {mine} AND id NOT IN ({given})")
    binds = {"run": run_id, "chunk": chunk, "rows": _json([{"id": number} for number in known])}
    return int(session.execute(statement, binds).rowcount)  # type: ignore[attr-defined]


def write_attempts(session: Session, attempts: Sequence[Mapping[str, Any]]) -> None:
    """Keeps the providers' answers other than success."""
    if attempts:
        session.execute(insert(Attempt.__table__), list(attempts))  # type: ignore[attr-defined]


def prune(session: Session, gone: Sequence[tuple[int, str, datetime | None]], now: datetime) -> None:
    """Marks devices dead whose provider said so: (device, reason, gone since); a later registration wins."""
    rows = [
        {"id": device, "reason": reason, "since": stored(since) if since else None}
        for device, reason, since in sorted(gone, key=lambda one: one[0])
    ]
    if rows:
        dead = session.execute(_prune(_sqlite(session)), {"rows": _json(rows), "now": now}).scalars().all()
        topics.lost(session, dead, now)


@cache
def _prune(sqlite: bool) -> Any:
    return text(
        "UPDATE device SET state = 'invalid', reason = v.reason, state_at = :now "
        f"FROM {table_from_json(sqlite, {'id': 'bigint', 'reason': 'text', 'since': 'text'})} "
        "WHERE device.id = v.id AND device.state = 'active' "
        f"AND (v.since IS NULL OR device.registered_at < {moment(sqlite, 'v.since')}) RETURNING device.id"
    ).bindparams(bindparam("now", type_=UTCDateTime()))


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
    """What a dead worker was sending: nobody knows, so the campaign's choice decides; how many they were.

    A row that has been tried too often is not tried again: it may be what the workers die of.
    """
    being_sent = (
        col(Delivery.run_id) == run_id,
        col(Delivery.chunk) == chunk,
        col(Delivery.state) == DeliveryState.SENDING,
    )
    again = col(Delivery.attempts) + 1 < MAX_TRIES if retry else false()
    values: dict[str, Any] = {
        "maybe_sent": True,
        "attempts": col(Delivery.attempts) + 1,
        "reason": "worker_lost",
        "state": case((again, DeliveryState.PLANNED.value), else_=DeliveryState.UNKNOWN.value),
        "ended_at": case((again, None), else_=now),
    }
    statement = update(Delivery).where(*being_sent).values(**values).execution_options(synchronize_session=False)
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def touch_run(session: Session, run_id: int, now: datetime) -> None:
    """Tells the roll-up that the run has moved."""
    count_answers(session, run_id, 0, 0, now)


def count_answers(session: Session, run_id: int, answered: int, errors: int, now: datetime) -> tuple[int, int]:
    """Adds to a run's final answers and the bad ones among them; how many of both it has now."""
    binds = {"run": run_id, "answered": answered, "errors": errors, "now": now}
    row = session.connection().execute(_count_answers(), binds).one()
    return int(row.answered), int(row.errors)


@cache
def _count_answers() -> Any:
    return text(
        "UPDATE run SET activity_at = :now, answered = answered + :answered, errors = errors + :errors "
        "WHERE id = :run RETURNING answered, errors"
    ).bindparams(bindparam("now", type_=UTCDateTime()))


def answered_lately(session: Session, run_id: int, since: datetime) -> tuple[int, int]:
    """What `count_answers` has come to in all runs of an event campaign begun since then, of which this is one.

    0 and 0 of any other run: there each run has people enough to be judged by itself. The index by app and time is
    the one to use (by campaign are all runs there ever were); SQLite would choose the other for a bare campaign.
    """
    return tuple(session.execute(_answered_lately(), {"run": run_id, "since": since}).one())


@cache
def _answered_lately() -> Any:
    return text(
        "SELECT coalesce(sum(run.answered), 0), coalesce(sum(run.errors), 0) FROM run JOIN run AS mine "
        "ON run.app_id = mine.app_id AND run.campaign_id + 0 = mine.campaign_id AND run.kind = mine.kind "
        "WHERE mine.id = :run AND mine.kind = 'send' AND run.created_at >= :since "
        "AND mine.campaign_id IN (SELECT campaign_id FROM event_trigger)"
    ).bindparams(bindparam("since", type_=UTCDateTime()))


def count_anew(session: Session, campaign_id: int) -> None:
    """Forgets the answers that the campaign's runs have had: the share of errors begins from nothing."""
    mine = (col(Run.campaign_id) == campaign_id, col(Run.answered) > 0)
    counted = update(Run).where(*mine).values(answered=0, errors=0)
    session.execute(counted.execution_options(synchronize_session="fetch"))


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows).decode()


def _sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
