"""Chunks: claimed by compare-and-set under a lease, written to under a fence."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, and_, bindparam, column, exists, func, insert, or_, select, text, tuple_, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.vocabulary import OPEN_STATES, ChunkState, RunState
from backend.models import Chunk, Credential, Delivery, Run
from backend.models.base import BigId
from backend.queries.bulk import table_from_json
from backend.queries.events import moment, stored

ORDINARY, URGENT = 0, 10
"""What a team plans, and what a person waits for."""
MOST_ROWS = 500
_PAGE = 1_000
_UNDONE = (ChunkState.READY, ChunkState.LEASED)


@dataclass(frozen=True, slots=True)
class ClaimedChunk:
    """A chunk that a worker holds; `fence` proves it."""

    id: int
    run_id: int
    number: int
    credential_id: int
    fence: int
    priority: int = ORDINARY


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker would take: so urgent, none of these lanes, and nothing more of these (run, lane) pairs.

    `small_first` begins with low chunk numbers, so that a small run overtakes a big one; else the oldest comes first.
    """

    priority: int = ORDINARY
    busy: Collection[int] = ()
    full: Collection[tuple[int, int]] = ()
    small_first: bool = False


_CLAIMED = (
    col(Chunk.id), col(Chunk.run_id), col(Chunk.number), col(Chunk.credential_id), col(Chunk.fence),
    col(Chunk.priority),
)  # fmt: skip


def claim(
    session: Session, wish: Wish, *, worker: str, now: datetime, until: datetime, limit: int
) -> list[ClaimedChunk]:
    """Takes up to `limit` due chunks of running runs and open lanes under a lease.

    Each order is an index of its own: the best of 10 000 waiting chunks are found without sorting them.
    """
    rows = session.execute(_best(wish.small_first), {**_binds(wish, "one"), "now": now, "most": limit}).all()
    taken = update(Chunk).where(col(Chunk.id).in_([row.id for row in rows]))
    leased = {"state": ChunkState.LEASED, "owner": worker, "lease_until": until, "fence": col(Chunk.fence) + 1}
    if rows:
        session.execute(taken.values(**leased).execution_options(synchronize_session=False))
    return [
        ClaimedChunk(id_, run, number, lane, fence + 1, priority) for id_, run, number, lane, fence, priority in rows
    ]


def anything_due(session: Session, wishes: Sequence[Wish], now: datetime) -> list[Wish]:
    """Those of the wishes for which there is a chunk; takes no lock. An idle worker asks four times a second."""
    binds: dict[str, Any] = {"now": now}
    for place, wish in enumerate(wishes):
        binds |= _binds(wish, str(place))
    found = session.connection().execute(_looks(len(wishes)), binds).one()
    return [wish for wish, chunk in zip(wishes, found, strict=True) if chunk is not None]


@cache
def _best(small_first: bool) -> Any:
    order = (col(Chunk.number), col(Chunk.id)) if small_first else (col(Chunk.not_before), col(Chunk.id))
    found = _claimable(select(*_CLAIMED), "one").order_by(*order).limit(bindparam("most", type_=Integer))
    return found.with_for_update(skip_locked=True, of=Chunk)


@cache
def _looks(wishes: int) -> Any:
    return select(*[_claimable(select(col(Chunk.id)), str(n)).limit(1).scalar_subquery() for n in range(wishes)])


def _claimable(statement: Any, name: str) -> Any:
    """The statement over what a wish may have; `_binds` has its values under that name."""
    running = and_(col(Run.id) == col(Chunk.run_id), col(Run.state) == RunState.RUNNING)
    pairs = tuple_(col(Chunk.run_id), col(Chunk.credential_id), types=(BigId, BigId))
    now = bindparam("now", type_=UTCDateTime())
    joined = statement.join_from(Chunk, Run, running).join(Credential, col(Credential.id) == col(Chunk.credential_id))
    return joined.where(
        col(Chunk.state) == ChunkState.READY,
        col(Chunk.priority) == bindparam(f"priority_{name}", type_=Integer),
        col(Chunk.not_before) <= now,
        or_(col(Credential.held_until).is_(None), col(Credential.held_until) <= now),
        col(Chunk.credential_id).not_in(bindparam(f"busy_{name}", expanding=True)),
        pairs.not_in(bindparam(f"full_{name}", expanding=True)),
    )


def _binds(wish: Wish, name: str) -> dict[str, Any]:
    return {
        f"priority_{name}": wish.priority,
        f"busy_{name}": list(wish.busy),
        f"full_{name}": list(wish.full),
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are for a chunk that is still ours: its run's state, and until when its lane is held."""

    run_state: str
    held_until: datetime | None


def hold(session: Session, chunk: ClaimedChunk, until: datetime) -> Standing | None:
    """Renews the lease; None when another worker has taken the chunk over."""
    row = session.execute(_hold(), {"id": chunk.id, "fence": chunk.fence, "until": until}).one_or_none()
    return None if row is None else Standing(*row)


@cache
def _hold() -> Any:
    """Made once, like the other statements of each group: building one costs more than running it."""
    return (
        text(
            "UPDATE chunk SET lease_until = :until WHERE id = :id AND fence = :fence AND state = 'leased' RETURNING "
            "(SELECT run.state FROM run WHERE run.id = chunk.run_id) AS run_state, "
            "(SELECT credential.held_until FROM credential WHERE credential.id = chunk.credential_id) AS held_until"
        )
        .bindparams(bindparam("until", type_=UTCDateTime()))
        .columns(column("run_state"), column("held_until", UTCDateTime()))
    )


def extend(session: Session, chunks: Collection[ClaimedChunk], until: datetime) -> set[ClaimedChunk]:
    """Renews many leases at once; those that are still ours."""
    rows = [{"id": chunk.id, "fence": chunk.fence} for chunk in sorted(chunks, key=lambda chunk: chunk.id)]
    statement = text(
        f"UPDATE chunk SET lease_until = :until FROM {table_from_json(_sqlite(session), _FENCED)} "
        "WHERE chunk.id = v.id AND chunk.fence = v.fence AND chunk.state = 'leased' RETURNING chunk.id, chunk.fence"
    ).bindparams(bindparam("until", type_=UTCDateTime()))
    kept = {tuple(row) for row in session.execute(statement, {"rows": json.dumps(rows), "until": until})}
    return {chunk for chunk in chunks if (chunk.id, chunk.fence) in kept}


_FENCED = {"id": "bigint", "fence": "integer"}


def let_go(session: Session, chunk: ClaimedChunk, not_before: datetime) -> bool:
    """Gives the chunk back for anybody to claim from `not_before` on; False when it is no longer ours."""
    return _write(session, chunk, state=ChunkState.READY, owner=None, lease_until=None, not_before=not_before)


def settle(session: Session, chunk: ClaimedChunk) -> str | None:
    """Done when none of its rows is open, else ready again: which of the two; None when fenced out."""
    waiting = exists().where(
        col(Delivery.run_id) == chunk.run_id,
        col(Delivery.chunk) == chunk.number,
        col(Delivery.state).in_(OPEN_STATES),
    )
    left_open = session.execute(select(waiting)).scalar_one()
    state = ChunkState.READY if left_open else ChunkState.DONE
    return state if _write(session, chunk, state=state, owner=None, lease_until=None) else None


def _write(session: Session, chunk: ClaimedChunk, **values: Any) -> bool:
    mine = and_(col(Chunk.id) == chunk.id, col(Chunk.fence) == chunk.fence, col(Chunk.state) == ChunkState.LEASED)
    result = session.execute(update(Chunk).where(mine).values(**values).execution_options(synchronize_session=False))
    return int(result.rowcount) == 1  # type: ignore[attr-defined]


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
        .where(col(Chunk.id).in_(session.execute(dead).scalars().all()))
        .values(state=ChunkState.READY, owner=None, lease_until=None, fence=col(Chunk.fence) + 1)
        .returning(*_CLAIMED)
        .execution_options(synchronize_session=False)
    )
    return [ClaimedChunk(*row) for row in session.execute(taken)]


def anybody_late(session: Session, now: datetime) -> bool:
    """Whether a chunk is held under a lease that has run out."""
    return bool(session.connection().execute(_late(), {"now": now}).scalar_one())


@cache
def _late() -> Any:
    past = col(Chunk.lease_until) < bindparam("now", type_=UTCDateTime())
    return select(exists().where(col(Chunk.state) == ChunkState.LEASED, past))


def later(session: Session, chunk: ClaimedChunk, rows: Mapping[datetime, int]) -> dict[datetime, int]:
    """For each instant the number of a chunk of the same run and lane that waits for it and has room for so many rows.

    What is made for them is as urgent as the chunk they come from: a code that a person waits for stays
    ahead on its second try.
    """
    found = _with_room(session, chunk, rows)
    if missing := [at for at in sorted(rows) if at not in found]:
        first = reserve(session, chunk.run_id, len(missing))
        new = {at: first + place for place, at in enumerate(missing)}
        _add(session, chunk, new)
        found |= new
    return found


def _with_room(session: Session, chunk: ClaimedChunk, rows: Mapping[datetime, int]) -> dict[datetime, int]:
    """The newest waiting chunk of each instant that has one with room: locked first, then counted.

    Two statements however many the instants are; of a chunk no more rows are counted than it may hold.
    """
    if not rows:
        return {}
    sqlite, instants = _sqlite(session), sorted(rows)
    wanted = [{"place": place, "at": stored(at)} for place, at in enumerate(instants)]
    mine = {"run": chunk.run_id, "lane": chunk.credential_id, "priority": chunk.priority, "own": chunk.number}
    connection = session.connection()
    waiting = connection.execute(_waiting(sqlite), {**mine, "rows": json.dumps(wanted)}).all()
    numbers = {number: instants[place] for place, number in waiting if number is not None}
    if not numbers:
        return {}
    asked = {"run": chunk.run_id, "most": MOST_ROWS, "rows": json.dumps([{"number": number} for number in numbers])}
    filled = connection.execute(_filled(sqlite), asked).all()
    return {numbers[number]: number for number, inside in filled if inside + rows[numbers[number]] <= MOST_ROWS}


@cache
def _waiting(sqlite: bool) -> Any:
    """One step in `ix_chunk_oldest` an instant; by the bare `number` SQLite would read all that wait in its order."""
    at = moment(sqlite, "v.at")
    same = "run_id = :run AND credential_id = :lane AND number <> :own"
    newest = (
        f"SELECT number FROM chunk WHERE state = 'ready' AND priority = :priority AND not_before = {at} AND {same} "
        f"ORDER BY +number DESC LIMIT 1 {'' if sqlite else 'FOR UPDATE'}"
    )
    return text(f"SELECT v.place, ({newest}) FROM {table_from_json(sqlite, {'place': 'integer', 'at': 'text'})}")


@cache
def _filled(sqlite: bool) -> Any:
    inside = "SELECT 1 FROM delivery WHERE run_id = :run AND chunk = v.number LIMIT :most"
    counted = f"SELECT COUNT(*) FROM ({inside}) AS inside"
    return text(f"SELECT v.number, ({counted}) FROM {table_from_json(sqlite, {'number': 'integer'})}")


def _add(session: Session, chunk: ClaimedChunk, numbers: Mapping[datetime, int]) -> None:
    like = {"run_id": chunk.run_id, "credential_id": chunk.credential_id, "priority": chunk.priority}
    waiting = {**like, "state": ChunkState.READY, "fence": 0}
    rows = [{**waiting, "number": number, "not_before": at} for at, number in numbers.items()]
    session.execute(insert(Chunk.__table__), rows)  # type: ignore[attr-defined]


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


def any_undone(session: Session, run_id: int) -> bool:
    """Whether the run has a chunk that is not done: asked of its few chunks before its many rows are."""
    undone = exists().where(col(Chunk.run_id) == run_id, col(Chunk.state).in_(_UNDONE))
    return bool(session.execute(select(undone)).scalar_one())


def close_empty(session: Session, run_ids: Sequence[int]) -> None:
    """Marks waiting chunks without an open row as done: after rows were cancelled or expired at once.

    Locked first and looked at again: a worker may be moving a row into one that looks empty.
    """
    open_row = exists().where(
        col(Delivery.run_id) == col(Chunk.run_id),
        col(Delivery.chunk) == col(Chunk.number),
        col(Delivery.state).in_(OPEN_STATES),
    )
    empty = select(col(Chunk.id)).where(col(Chunk.run_id).in_(run_ids), col(Chunk.state) == ChunkState.READY, ~open_row)
    found = session.execute(empty.with_for_update(skip_locked=True, of=Chunk)).scalars().all()
    for page in range(0, len(found), _PAGE):
        some = update(Chunk).where(col(Chunk.id).in_(found[page : page + _PAGE]), ~open_row)
        session.execute(some.values(state=ChunkState.DONE).execution_options(synchronize_session=False))


def backlog(session: Session, now: datetime) -> tuple[int, datetime | None]:
    """How many chunks of running runs are due and not done, and since when the oldest has been waiting."""
    waiting = (
        select(func.count(), func.min(col(Chunk.not_before)))
        .join(Run, and_(col(Run.id) == col(Chunk.run_id), col(Run.state) == RunState.RUNNING))
        .where(col(Chunk.state) == ChunkState.READY, col(Chunk.not_before) <= now)
    )
    count, oldest = session.execute(waiting).one()
    return int(count), oldest


def _sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
