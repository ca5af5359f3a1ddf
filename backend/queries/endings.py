"""Deliveries that end without being sent, and runs that end with their last delivery."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import exists, func, or_, select, update
from sqlmodel import Session, col

from backend.domain.vocabulary import OPEN_STATES, ChunkState, DeliveryState, RunState
from backend.models import Campaign, Chunk, Delivery, Run, Variant


def end_planned(
    session: Session,
    run_id: int,
    state: DeliveryState,
    reason: str | None,
    now: datetime,
    limit: int,
    *,
    due_before: datetime | None = None,
) -> int:
    """Ends up to `limit` planned rows of a run at once (of those due before an instant); how many they were."""
    due = () if due_before is None else (col(Delivery.due_at) < due_before,)
    page = (
        select(col(Delivery.id))
        .where(col(Delivery.run_id) == run_id, col(Delivery.state) == DeliveryState.PLANNED, *due)
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


def anything_alive(session: Session) -> bool:
    """Whether there is a run that is not ended, or a chunk that is not done: in a quiet installation, neither."""
    return bool(session.execute(_anything_alive()).scalar_one())


@cache
def _anything_alive() -> Any:
    alive = exists().where(col(Run.state).in_((RunState.PLANNING, RunState.RUNNING, RunState.PAUSED)))
    undone = exists().where(col(Chunk.state).in_((ChunkState.READY, ChunkState.LEASED)))
    return select(or_(alive, undone))


def lock_campaign_of(session: Session, run_id: int) -> int | None:
    """Locks the campaign that a run sends: everybody locks a campaign before its run, or they might lock up.

    Rows that name a campaign or a run may still be added (NO KEY UPDATE, as everywhere for these two): a sender
    adds a chunk and then counts on its run, which a full lock between the two made a ring of waits.
    None for a test or an API message, which have no campaign that people know.
    """
    owner = select(col(Run.campaign_id)).where(col(Run.id) == run_id, col(Run.kind) == "send").scalar_subquery()
    return session.execute(
        select(col(Campaign.id)).where(col(Campaign.id) == owner).with_for_update(key_share=True)
    ).scalar()


def lock_run(session: Session, run_id: int) -> None:
    """Nobody else changes the run until the commit."""
    session.execute(select(col(Run.id)).where(col(Run.id) == run_id).with_for_update(key_share=True))


def finish_run(session: Session, run_id: int, now: datetime) -> bool:
    """Ends a run whose audience is complete, running or paused; whether it was one."""
    alive = (RunState.RUNNING, RunState.PAUSED)
    mine = (col(Run.id) == run_id, col(Run.state).in_(alive), col(Run.planned_at).is_not(None))
    ended = {"state": RunState.FINISHED, "finished_at": now, "activity_at": now}
    statement = update(Run).where(*mine).values(**ended, pause_reason=None, pause_detail=None)
    result = session.execute(statement.execution_options(synchronize_session="fetch"))
    return int(result.rowcount) == 1  # type: ignore[attr-defined]


def perhaps_finished(session: Session) -> list[int]:
    """Running and paused runs, completely planned, without a chunk that is not done."""
    unfinished = exists().where(col(Chunk.run_id) == col(Run.id), col(Chunk.state) != ChunkState.DONE)
    alive = col(Run.state).in_((RunState.RUNNING, RunState.PAUSED))
    idle = select(col(Run.id)).where(alive, col(Run.planned_at).is_not(None), ~unfinished)
    return [number for number in session.execute(idle).scalars() if number is not None]


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


def open_revisions(session: Session) -> list[tuple[int, datetime]]:
    """(revision, when its oldest run was due) of all that is being sent or paused."""
    late_states = (RunState.RUNNING, RunState.PAUSED)
    grouped = select(col(Run.revision_id), func.min(col(Run.due_at))).where(col(Run.state).in_(late_states))
    return [(revision, due) for revision, due in session.execute(grouped.group_by(col(Run.revision_id)))]


def contents(session: Session, revision_id: int) -> list[dict[str, Any]]:
    """The wordings of a revision."""
    mine = select(col(Variant.content)).where(col(Variant.revision_id) == revision_id)
    return list(session.execute(mine).scalars())


def outlived(session: Session, revision_id: int, due_before: datetime) -> list[int]:
    """The open runs of a revision that were due before then and have a chunk from before it that is not done.

    What is held through somebody's night waits in a later one: its rows are not read each second.
    """
    undone = (col(Chunk.state) != ChunkState.DONE, col(Chunk.not_before) < due_before)
    waiting = exists().where(col(Chunk.run_id) == col(Run.id), *undone)
    mine = (col(Run.revision_id) == revision_id, col(Run.state).in_((RunState.RUNNING, RunState.PAUSED)))
    found = session.execute(select(col(Run.id)).where(*mine, col(Run.due_at) < due_before, waiting)).scalars()
    return [number for number in found if number is not None]


def count(session: Session, run_id: int) -> int:
    return int(session.execute(select(func.count()).where(col(Delivery.run_id) == run_id)).scalar_one())
