"""Chunks: claimed by compare-and-set under a lease, written to under a fence."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, insert, or_, select, update
from sqlmodel import Session, col

from backend.domain.vocabulary import OPEN_STATES, ChunkState, RunState
from backend.models import Chunk, Credential, Delivery, Run


@dataclass(frozen=True, slots=True)
class ClaimedChunk:
    """A chunk that a worker holds; `fence` proves it."""

    id: int
    run_id: int
    number: int
    credential_id: int
    fence: int


def claim(
    session: Session, *, worker: str, now: datetime, lease: timedelta, limit: int, busy: Collection[int]
) -> list[ClaimedChunk]:
    """Takes up to `limit` due chunks of running runs, urgent and old ones first, none of the `busy` lanes."""
    due = (
        select(col(Chunk.id))
        .join(Run, and_(col(Run.id) == col(Chunk.run_id), col(Run.state) == RunState.RUNNING))
        .join(Credential, col(Credential.id) == col(Chunk.credential_id))
        .where(
            col(Chunk.state) == ChunkState.READY,
            col(Chunk.not_before) <= now,
            or_(col(Credential.held_until).is_(None), col(Credential.held_until) <= now),
            col(Chunk.credential_id).not_in(busy),
        )
        .order_by(col(Chunk.priority).desc(), col(Chunk.not_before), col(Chunk.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=Chunk)
    )
    taken = (
        update(Chunk)
        .where(col(Chunk.id).in_(due))
        .values(state=ChunkState.LEASED, owner=worker, lease_until=now + lease, fence=col(Chunk.fence) + 1)
        .returning(col(Chunk.id), col(Chunk.run_id), col(Chunk.number), col(Chunk.credential_id), col(Chunk.fence))
        .execution_options(synchronize_session=False)
    )
    return [ClaimedChunk(*row) for row in session.execute(taken)]


def hold(session: Session, chunk: ClaimedChunk, until: datetime) -> bool:
    """Renews the lease; False when another worker has taken the chunk over."""
    return _write(session, chunk, lease_until=until)


def let_go(session: Session, chunk: ClaimedChunk, not_before: datetime) -> bool:
    """Gives the chunk back for anybody to claim from `not_before` on."""
    return _write(session, chunk, state=ChunkState.READY, owner=None, lease_until=None, not_before=not_before)


def settle(session: Session, chunk: ClaimedChunk) -> bool:
    """Done when none of its rows is open, else ready again; False when fenced out."""
    waiting = exists().where(
        col(Delivery.run_id) == chunk.run_id,
        col(Delivery.chunk) == chunk.number,
        col(Delivery.state).in_(OPEN_STATES),
    )
    left_open = session.execute(select(waiting)).scalar_one()
    state = ChunkState.READY if left_open else ChunkState.DONE
    return _write(session, chunk, state=state, owner=None, lease_until=None)


def _write(session: Session, chunk: ClaimedChunk, **values: Any) -> bool:
    mine = and_(col(Chunk.id) == chunk.id, col(Chunk.fence) == chunk.fence, col(Chunk.state) == ChunkState.LEASED)
    result = session.execute(update(Chunk).where(mine).values(**values).execution_options(synchronize_session=False))
    return _count(result) == 1


def expired(session: Session, now: datetime, limit: int) -> list[ClaimedChunk]:
    """Takes back chunks whose worker has not renewed its lease; their `sending` rows are the unknown ones."""
    dead = (
        select(col(Chunk.id))
        .where(col(Chunk.state) == ChunkState.LEASED, col(Chunk.lease_until) < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(Chunk)
        .where(col(Chunk.id).in_(dead))
        .values(state=ChunkState.READY, owner=None, lease_until=None, fence=col(Chunk.fence) + 1)
        .returning(col(Chunk.id), col(Chunk.run_id), col(Chunk.number), col(Chunk.credential_id), col(Chunk.fence))
        .execution_options(synchronize_session=False)
    )
    return [ClaimedChunk(*row) for row in session.execute(taken)]


def anybody_late(session: Session, now: datetime) -> bool:
    """Whether a chunk is held under a lease that has run out."""
    late = exists().where(col(Chunk.state) == ChunkState.LEASED, col(Chunk.lease_until) < now)
    return bool(session.execute(select(late)).scalar_one())


def later(session: Session, chunk: ClaimedChunk, not_before: datetime) -> int:
    """The number of a waiting chunk of the same run and lane for that instant, made if there is none.

    It is as urgent as the chunk it follows: a code that a person waits for stays ahead on its second try.
    """
    waiting = (
        select(col(Chunk.number))
        .where(
            col(Chunk.run_id) == chunk.run_id,
            col(Chunk.credential_id) == chunk.credential_id,
            col(Chunk.state) == ChunkState.READY,
            col(Chunk.not_before) == not_before,
        )
        .limit(1)
        .with_for_update()
    )
    found = session.execute(waiting).scalar_one_or_none()
    if found is not None:
        return int(found)
    number = reserve(session, chunk.run_id, 1)
    priority = select(col(Chunk.priority)).where(col(Chunk.id) == chunk.id).scalar_subquery()
    values = {"run_id": chunk.run_id, "number": number, "credential_id": chunk.credential_id}
    session.execute(
        insert(Chunk).values(**values, priority=priority, not_before=not_before, state=ChunkState.READY, fence=0)
    )
    return number


def reserve(session: Session, run_id: int, count: int) -> int:
    """Takes `count` chunk numbers of a run; the first of them."""
    taken = (
        update(Run)
        .where(col(Run.id) == run_id)
        .values(next_chunk=col(Run.next_chunk) + count)
        .returning(col(Run.next_chunk))
        .execution_options(synchronize_session=False)
    )
    return int(session.execute(taken).scalar_one()) - count


def close_empty(session: Session, run_ids: Sequence[int]) -> None:
    """Marks waiting chunks without an open row as done: after rows were cancelled or expired at once."""
    open_row = exists().where(
        col(Delivery.run_id) == col(Chunk.run_id),
        col(Delivery.chunk) == col(Chunk.number),
        col(Delivery.state).in_(OPEN_STATES),
    )
    session.execute(
        update(Chunk)
        .where(col(Chunk.run_id).in_(run_ids), col(Chunk.state) == ChunkState.READY, ~open_row)
        .values(state=ChunkState.DONE)
        .execution_options(synchronize_session=False)
    )


def backlog(session: Session, now: datetime) -> tuple[int, datetime | None]:
    """How many chunks of running runs are due and not done, and since when the oldest has been waiting."""
    waiting = (
        select(func.count(), func.min(col(Chunk.not_before)))
        .join(Run, and_(col(Run.id) == col(Chunk.run_id), col(Run.state) == RunState.RUNNING))
        .where(col(Chunk.state) == ChunkState.READY, col(Chunk.not_before) <= now)
    )
    count, oldest = session.execute(waiting).one()
    return int(count), oldest


def _count(result: Any) -> int:
    return int(result.rowcount)
