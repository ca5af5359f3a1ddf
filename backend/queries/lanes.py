"""Lanes as they are doing: what their senders report, what waits in them, which runs do not move."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from backend.domain.pace import Bucket
from backend.domain.vocabulary import ChunkState, DeliveryState, DeviceState, PauseReason, RunState
from backend.models import App, Campaign, Chunk, Credential, Delivery, Device, LaneReport, Pace, Run


@dataclass(frozen=True, slots=True)
class Waiting:
    """The open chunks of a lane: due (some of them being sent), since when the oldest waits, and for later."""

    due: int = 0
    oldest: datetime | None = None
    later: int = 0


@dataclass(frozen=True, slots=True)
class OpenRows:
    """Planned rows of a lane that are due, those that wait for another try, and all of them."""

    due: int = 0
    retrying: int = 0
    counted: int = 0


@dataclass(frozen=True, slots=True)
class StalledRun:
    """A running run that does not move: since when, and since when something of it is due."""

    id: int
    kind: str
    campaign_id: int
    name: str
    throttle_per_minute: int | None
    moved_at: datetime
    due_at: datetime


def write_reports(session: Session, process: str, reports: Mapping[int, Mapping[str, Any]], now: datetime) -> None:
    """Puts a process's newest report of each lane in place of the one before; a deleted credential is passed over."""
    there = session.execute(select(col(Credential.id)).where(col(Credential.id).in_(list(reports)))).scalars().all()
    rows = [{"process": process, "credential_id": lane, "at": now, "data": dict(reports[lane])} for lane in there]
    if not rows:
        return
    add = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    put = add(LaneReport)
    newest = {"at": put.excluded.at, "data": put.excluded.data}
    session.execute(put.on_conflict_do_update(index_elements=["process", "credential_id"], set_=newest), rows)


def forget_reports(session: Session, before: datetime) -> None:
    """Removes reports that nobody has renewed since then: of processes that ended, of lanes gone quiet."""
    old = select(col(LaneReport.id)).where(col(LaneReport.at) < before).with_for_update(skip_locked=True)
    session.execute(delete(LaneReport).where(col(LaneReport.id).in_(old)))


def reports(session: Session, since: datetime) -> Sequence[tuple[int, datetime, Mapping[str, Any]]]:
    """(credential, when, what a process says of it) for each report written since then."""
    columns = (col(LaneReport.credential_id), col(LaneReport.at), col(LaneReport.data))
    fresh = select(*columns).where(col(LaneReport.at) >= since).order_by(col(LaneReport.id))
    return [(int(lane), at, data) for lane, at, data in session.execute(fresh)]


def credentials(session: Session, app_id: int | None) -> Sequence[tuple[Credential, str]]:
    """(credential, its app's slug), of one app or (None) of all."""
    found = select(Credential, col(App.slug)).join(App, col(App.id) == col(Credential.app_id))
    mine = found if app_id is None else found.where(col(Credential.app_id) == app_id)
    return [(row, slug) for row, slug in session.execute(mine.order_by(col(Credential.id)))]


def buckets(session: Session, lanes: Collection[int]) -> dict[int, Bucket]:
    """The shared token bucket of each lane that has one."""
    names = {f"lane:{lane}": lane for lane in lanes}
    columns = [col(getattr(Pace, field)) for field in Bucket.__slots__]
    found = session.execute(select(col(Pace.name), *columns).where(col(Pace.name).in_(names)))
    return {names[name]: Bucket(*values) for name, *values in found}


def waiting(session: Session, app_id: int | None, now: datetime) -> dict[int, Waiting]:
    """What each lane has yet to do, by its chunks: a run of millions has thousands of them."""
    due = col(Chunk.not_before) <= now
    ready = and_(due, col(Chunk.state) == ChunkState.READY)
    counted = (
        select(
            col(Chunk.credential_id),
            func.sum(case((due, 1), else_=0)),
            func.min(case((ready, col(Chunk.not_before)))),
            func.sum(case((due, 0), else_=1)),
        )
        .join(Run, col(Run.id) == col(Chunk.run_id))
        .where(_open(app_id))
        .group_by(col(Chunk.credential_id))
    )
    return {int(lane): Waiting(int(n), oldest, int(later)) for lane, n, oldest, later in session.execute(counted)}


def _open(app_id: int | None) -> Any:
    """Chunks that only their lane keeps waiting; a run that a member paused waits for the member."""
    starved = and_(col(Run.state) == RunState.PAUSED, col(Run.pause_reason) == PauseReason.CREDENTIAL)
    wanted = or_(col(Run.state) == RunState.RUNNING, starved)
    mine = () if app_id is None else (col(Run.app_id) == app_id,)
    return and_(col(Chunk.state).in_((ChunkState.READY, ChunkState.LEASED)), wanted, *mine)


def open_rows(session: Session, app_id: int | None, now: datetime, most: int) -> dict[int, OpenRows]:
    """The planned rows in the open chunks, counted one by one; counting stops at `most` of them, whichever they are."""
    inside = and_(col(Delivery.run_id) == col(Chunk.run_id), col(Delivery.chunk) == col(Chunk.number))
    few = (
        select(col(Chunk.credential_id), col(Chunk.not_before), col(Delivery.attempts))
        .join(Run, col(Run.id) == col(Chunk.run_id))
        .join(Delivery, inside)
        .where(_open(app_id), col(Delivery.state) == DeliveryState.PLANNED)
        .limit(most)
        .subquery()
    )
    due = few.c.not_before <= now
    counted = select(
        few.c.credential_id,
        func.sum(case((due, 1), else_=0)),
        func.sum(case((and_(~due, few.c.attempts > 0), 1), else_=0)),
        func.count(),
    ).group_by(few.c.credential_id)
    return {int(lane): OpenRows(*map(int, counts)) for lane, *counts in session.execute(counted)}


def pruned(session: Session, app_id: int, since: datetime) -> dict[int, int]:
    """How many devices of each lane turned out dead since then."""
    dead = (
        select(col(Device.credential_id), func.count())
        .where(
            col(Device.app_id) == app_id,
            col(Device.state) == DeviceState.INVALID,
            col(Device.state_at) >= since,
            col(Device.credential_id).is_not(None),
        )
        .group_by(col(Device.credential_id))
    )
    return {int(lane): int(count) for lane, count in session.execute(dead)}


def stalled(session: Session, app_id: int | None, since: datetime, now: datetime) -> list[StalledRun]:
    """Running runs with due chunks in lanes that are not held, of which nothing has moved since then."""
    moved = func.coalesce(col(Run.activity_at), col(Run.planned_at), col(Run.created_at))
    mine = () if app_id is None else (col(Run.app_id) == app_id,)
    statement = (
        select(
            col(Run.id), col(Run.kind), col(Run.campaign_id), col(Campaign.name), col(Run.throttle_per_minute),
            moved, func.min(col(Chunk.not_before)),
        )
        .join(Campaign, col(Campaign.id) == col(Run.campaign_id))
        .join(Chunk, col(Chunk.run_id) == col(Run.id))
        .join(Credential, col(Credential.id) == col(Chunk.credential_id))
        .where(
            col(Run.state) == RunState.RUNNING,
            moved <= since,
            col(Chunk.state).in_((ChunkState.READY, ChunkState.LEASED)),
            col(Chunk.not_before) <= since,
            or_(col(Credential.held_until).is_(None), col(Credential.held_until) <= now),
            *mine,
        )
        .group_by(col(Run.id), col(Run.kind), col(Run.campaign_id), col(Campaign.name), col(Run.throttle_per_minute),
                  moved)
        .order_by(col(Run.id))
    )  # fmt: skip
    return [StalledRun(*row) for row in session.execute(statement)]
