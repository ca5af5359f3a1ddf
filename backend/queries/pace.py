"""The shared token buckets, and how much waits in a lane."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from backend.domain.pace import Bucket
from backend.domain.vocabulary import ChunkState, DeliveryState, RunState
from backend.models import Chunk, Delivery, Pace, Run


def locked(session: Session, name: str, fresh: Bucket) -> Bucket:
    """The bucket of that name, locked until the transaction ends; made from `fresh` when there is none."""
    row = _locked(session, name)
    if row is None:
        add = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        values = {"name": name, **_values(fresh)}
        session.execute(add(Pace).values(**values).on_conflict_do_nothing(index_elements=["name"]))
        row = _locked(session, name)
    assert row is not None
    return row


def _locked(session: Session, name: str) -> Bucket | None:
    columns = [col(getattr(Pace, field)) for field in Bucket.__slots__]
    row = session.execute(select(*columns).where(col(Pace.name) == name).with_for_update()).one_or_none()
    return Bucket(*row) if row else None


def write(session: Session, name: str, bucket: Bucket) -> None:
    """Writes a locked bucket back."""
    session.execute(
        update(Pace)
        .where(col(Pace.name) == name)
        .values(**_values(bucket))
        .execution_options(synchronize_session=False)
    )


def _values(bucket: Bucket) -> dict[str, object]:
    return {field: getattr(bucket, field) for field in Bucket.__slots__}


def forget(session: Session, before: datetime) -> None:
    """Removes buckets that nobody has taken from since then: they would be full."""
    session.execute(delete(Pace).where(col(Pace.filled_at) < before).execution_options(synchronize_session=False))


def chunks_waiting(session: Session, credential_id: int, now: datetime, limit: int) -> int:
    """How many due chunks of running runs wait in a lane; counting stops at `limit`."""
    few = _waiting(credential_id, now).with_only_columns(col(Chunk.id)).limit(limit).subquery()
    return int(session.execute(select(func.count()).select_from(few)).scalar_one())


def rows_waiting(session: Session, credential_id: int, now: datetime, limit: int) -> int:
    """How many planned rows these chunks hold; counting stops at `limit`, for it reads each of them."""
    mine = and_(col(Delivery.run_id) == col(Chunk.run_id), col(Delivery.chunk) == col(Chunk.number))
    planned = _waiting(credential_id, now).join(Delivery, mine).where(col(Delivery.state) == DeliveryState.PLANNED)
    few = planned.with_only_columns(col(Delivery.id)).limit(limit).subquery()
    return int(session.execute(select(func.count()).select_from(few)).scalar_one())


def _waiting(credential_id: int, now: datetime) -> Select[Any]:
    return (
        select(Chunk)
        .join(Run, and_(col(Run.id) == col(Chunk.run_id), col(Run.state) == RunState.RUNNING))
        .where(
            col(Chunk.state) == ChunkState.READY,
            col(Chunk.not_before) <= now,
            col(Chunk.credential_id) == credential_id,
        )
    )
