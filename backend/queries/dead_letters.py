"""Dead letters: deliveries that ended in error though their device was not at fault."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import ChunkState, RunState
from backend.models import Campaign, Chunk, DeadLetter, Delivery, Device, Dims, Run, User, Variant
from backend.queries.bulk import table_from_json

RAW_KEPT = 2000
_CHANGING = ("app_id", "run_id", "credential_id", "at", "status", "reason", "raw")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of an app's dead letters are meant; None narrows nothing."""

    app_id: int
    numbers: Collection[int] | None = None
    campaign_id: int | None = None
    credential_id: int | None = None
    reason: str | None = None
    before: int | None = None


def keep(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keeps failed deliveries with what their provider said; a delivery that fails again has its last word.

    A row is `{delivery_id, app_id, run_id, credential_id, at, status, reason, raw}`.
    """
    if not rows:
        return
    add = sqlite.insert if _sqlite(session) else postgresql.insert
    put = add(DeadLetter)
    latest = {name: put.excluded[name] for name in _CHANGING}
    session.execute(
        put.on_conflict_do_update(index_elements=["delivery_id"], set_=latest),
        [{**row, "reason": row["reason"][:120], "raw": row["raw"].replace("\0", "")[:RAW_KEPT]} for row in rows],
    )


def search(session: Session, wanted: Wanted, limit: int, *, lock: bool = False) -> Sequence[Row[Any]]:
    """The newest deliveries first, with all that retrying them depends on; locked when they are to be changed."""
    found = _narrowed(_joined(), wanted)
    if wanted.before is not None:
        found = found.where(col(DeadLetter.delivery_id) < wanted.before)
    found = found.order_by(col(DeadLetter.delivery_id).desc()).limit(limit)
    return session.execute(found.with_for_update(of=DeadLetter) if lock else found).all()


def _joined() -> Any:
    """The chunk is the one that a row was sent in last: it tells how urgent the row is."""
    same_variant = (col(Variant.revision_id) == col(Run.revision_id)) & (col(Variant.position) == col(Delivery.variant))
    same_chunk = and_(col(Chunk.run_id) == col(Delivery.run_id), col(Chunk.number) == col(Delivery.chunk))
    return (
        select(
            col(DeadLetter.delivery_id), col(DeadLetter.credential_id), col(DeadLetter.at), col(DeadLetter.status),
            col(DeadLetter.reason), col(DeadLetter.raw), col(Delivery.run_id), col(Delivery.device_id),
            col(Delivery.variant), col(Delivery.locale), col(Delivery.attempts), col(Delivery.due_at),
            col(Delivery.state), col(Run.state).label("run_state"), col(Run.kind), col(Run.not_after),
            col(Run.revision_id), col(Run.campaign_id), col(Campaign.name).label("campaign_name"),
            col(Campaign.archived_at), col(Dims.platform), col(Device.state).label("device_state"),
            col(Device.credential_id).label("lane_now"), col(User.external_id).label("user"),
            col(Variant.name).label("variant_name"), func.coalesce(col(Chunk.priority), 0).label("priority"),
        )
        .select_from(DeadLetter)
        .join(Delivery, col(Delivery.id) == col(DeadLetter.delivery_id))
        .join(Run, col(Run.id) == col(DeadLetter.run_id))
        .join(Campaign, col(Campaign.id) == col(Run.campaign_id))
        .outerjoin(Dims, col(Dims.id) == col(Delivery.dims_id))
        .outerjoin(Device, col(Device.id) == col(Delivery.device_id))
        .outerjoin(User, col(User.id) == col(Delivery.user_id))
        .outerjoin(Variant, same_variant)
        .outerjoin(Chunk, same_chunk)
    )  # fmt: skip


def _narrowed(found: Any, wanted: Wanted) -> Any:
    found = found.where(col(DeadLetter.app_id) == wanted.app_id)
    equal = [
        (col(Run.campaign_id), wanted.campaign_id),
        (col(DeadLetter.credential_id), wanted.credential_id),
        (col(DeadLetter.reason), wanted.reason),
    ]
    for column, value in equal:
        if value is not None:
            found = found.where(column == value)
    return found if wanted.numbers is None else found.where(col(DeadLetter.delivery_id).in_(wanted.numbers))


def counted(session: Session, app_id: int) -> Sequence[tuple[int, str, int, str, int]]:
    """(campaign, its name, credential, reason, how many) of all that the app has."""
    grouped = (
        select(
            col(Run.campaign_id), col(Campaign.name), col(DeadLetter.credential_id), col(DeadLetter.reason),
            func.count(),
        )
        .select_from(DeadLetter)
        .join(Run, col(Run.id) == col(DeadLetter.run_id))
        .join(Campaign, col(Campaign.id) == col(Run.campaign_id))
        .where(col(DeadLetter.app_id) == app_id)
        .group_by(col(Run.campaign_id), col(Campaign.name), col(DeadLetter.credential_id), col(DeadLetter.reason))
    )  # fmt: skip
    return [tuple(row) for row in session.execute(grouped)]


def per_lane(session: Session, lanes: Collection[int]) -> dict[int, int]:
    """How many there are in each of the lanes."""
    mine = select(col(DeadLetter.credential_id), func.count()).where(col(DeadLetter.credential_id).in_(lanes))
    return {int(lane): int(count) for lane, count in session.execute(mine.group_by(col(DeadLetter.credential_id)))}


def has(session: Session, delivery_id: int) -> bool:
    found = select(col(DeadLetter.delivery_id)).where(col(DeadLetter.delivery_id) == delivery_id)
    return session.execute(found).scalar_one_or_none() is not None


def contents(session: Session, revisions: Collection[int]) -> dict[tuple[int, int], dict[str, Any]]:
    """The wording of each (revision, place)."""
    rows = select(col(Variant.revision_id), col(Variant.position), col(Variant.content))
    found = session.execute(rows.where(col(Variant.revision_id).in_(revisions)))
    return {(revision, position): content for revision, position, content in found}


def lock_runs(session: Session, runs: Collection[int]) -> dict[int, str]:
    """The state of each run, none of which changes before the commit: campaigns are locked before their runs,
    as where a member pauses one, and both in order."""
    owners = select(col(Run.campaign_id)).where(col(Run.id).in_(runs))
    campaigns = select(col(Campaign.id)).where(col(Campaign.id).in_(owners)).order_by(col(Campaign.id))
    session.execute(campaigns.with_for_update(key_share=True)).all()
    locked = (
        select(col(Run.id), col(Run.state))
        .where(col(Run.id).in_(runs))
        .order_by(col(Run.id))
        .with_for_update(key_share=True)
    )
    return {int(number or 0): state for number, state in session.execute(locked)}


def add_chunks(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """New chunks that wait to be claimed at once; a row is `{run_id, number, credential_id, priority}`."""
    waiting = {"not_before": now, "state": ChunkState.READY, "fence": 0}
    session.execute(insert(Chunk), [{**row, **waiting} for row in rows])


def put_back(session: Session, places: Mapping[int, int], by: str, now: datetime) -> None:
    """Plans failed deliveries anew, each in its chunk (delivery → chunk number), and notes in each one's story by whom.

    They leave the dead letters, and their tries are counted from nought.
    """
    rows = json.dumps([{"id": number, "chunk": chunk} for number, chunk in places.items()])
    listed = table_from_json(_sqlite(session), {"id": "bigint", "chunk": "integer"})
    noted = text(
        "INSERT INTO attempt (delivery_id, at, number, outcome, status, reason, raw) "
        f"SELECT v.id, :now, 0, 'put_back', 0, :by, '' FROM {listed}"
    ).bindparams(bindparam("now", type_=UTCDateTime()))
    session.execute(noted, {"rows": rows, "now": now, "by": by[:120]})
    planned = text(
        "UPDATE delivery SET state = 'planned', reason = NULL, attempts = 0, ended_at = NULL, chunk = v.chunk "
        f"FROM {listed} WHERE delivery.id = v.id AND delivery.state = 'failed'"
    )
    session.execute(planned, {"rows": rows})
    forget(session, list(places))


def reopen(session: Session, run_id: int, rows: int, now: datetime) -> None:
    """The run has so many open rows again: a finished one goes on, and their errors no longer count against it."""
    finished = col(Run.state) == RunState.FINISHED
    values = {
        "state": case((finished, RunState.RUNNING.value), else_=col(Run.state)),
        "finished_at": case((finished, None), else_=col(Run.finished_at)),
        "activity_at": now,
        "answered": _less(col(Run.answered), rows),
        "errors": _less(col(Run.errors), rows),
    }
    mine = update(Run).where(col(Run.id) == run_id).values(**values)
    session.execute(mine.execution_options(synchronize_session=False))


def _less(column: Any, count: int) -> Any:
    return case((column > count, column - count), else_=0)


def forget(session: Session, numbers: Sequence[int]) -> None:
    """Takes them off the list; the deliveries stay as they are."""
    listed = table_from_json(_sqlite(session), {"id": "bigint"})
    statement = text(f"DELETE FROM dead_letter WHERE delivery_id IN (SELECT v.id FROM {listed})")
    session.execute(statement, {"rows": json.dumps([{"id": number} for number in numbers])})


def _sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
