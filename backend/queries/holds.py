"""Lanes that stand still, and the runs that have nowhere else to go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlmodel import Session, col

from backend.domain.vocabulary import CampaignState, ChunkState, HeldKind, PauseReason, RunState
from backend.models import Campaign, Chunk, Credential, Run
from backend.queries.accounts import count


@dataclass(frozen=True, slots=True)
class Moved:
    """A run that was paused or goes on; `kind` is `send`, `test` or `message`."""

    run_id: int
    app_id: int
    campaign_id: int
    kind: str


def hold(session: Session, number: int, kind: HeldKind, reason: str, until: datetime, now: datetime) -> bool:
    """Stops a lane; False when it stood still already. A member's hold is above a provider's."""
    above = {HeldKind.MEMBER, kind}
    statement = (
        update(Credential)
        .where(col(Credential.id) == number, or_(~_held(now), col(Credential.held_kind).not_in(above)))
        .values(held_until=until, held_kind=kind, reason=reason)
    )
    return count(session.execute(statement.execution_options(synchronize_session=False))) == 1


def release(session: Session, number: int, kinds: Collection[str], now: datetime) -> bool:
    """Lets a lane go that is held in one of these ways; whether there was something to let go."""
    statement = (
        update(Credential)
        .where(col(Credential.id) == number, _held(now), col(Credential.held_kind).in_(kinds))
        .values(held_until=None, held_kind=None, reason=None)
    )
    return count(session.execute(statement.execution_options(synchronize_session=False))) == 1


def anything_to_do(session: Session, now: datetime) -> bool:
    """Whether a running run has nowhere to go, or one that was paused for that has again; takes no lock.

    Asked each second: the runs' chunks are only looked at while a lane is shut or a run waits for one.
    """
    look = or_(exists().where(_shut(now)), exists().where(_waits_for_lane()))
    if not session.execute(select(look)).scalar_one():
        return False
    starving = exists().where(col(Run.state) == RunState.RUNNING, _starved(now))
    fed = exists().where(_waits_for_lane(), ~_starved(now))
    return bool(session.execute(select(or_(starving, fed))).scalar_one())


def pause_starved(session: Session, now: datetime) -> list[Moved]:
    """Pauses the running runs whose every open chunk is on a lane that its provider has shut.

    What another transaction has locked is left for the next time.
    """
    runs = _locked(session, and_(col(Run.state) == RunState.RUNNING, _starved(now)))
    lane = (
        select(func.min(col(Credential.reason)))
        .join(Chunk, col(Chunk.credential_id) == col(Credential.id))
        .where(col(Chunk.run_id) == col(Run.id), col(Chunk.state) != ChunkState.DONE, _shut(now))
        .correlate(Run)
        .scalar_subquery()
    )
    paused = {"state": RunState.PAUSED, "pause_reason": PauseReason.CREDENTIAL, "pause_detail": lane}
    _move(session, runs, paused, CampaignState.RUNNING, CampaignState.PAUSED, now)
    return runs


def resume_fed(session: Session, now: datetime) -> list[Moved]:
    """Lets the runs go on that were paused for want of a lane and have one again, or have nothing left to send."""
    runs = _locked(session, and_(_waits_for_lane(), ~_starved(now)))
    going = {"state": RunState.RUNNING, "pause_reason": None, "pause_detail": None}
    _move(session, runs, going, CampaignState.PAUSED, CampaignState.RUNNING, now)
    return runs


def _locked(session: Session, wanted: ColumnElement[bool]) -> list[Moved]:
    statement = (
        select(col(Run.id), col(Run.app_id), col(Run.campaign_id), col(Run.kind))
        .join(Campaign, col(Campaign.id) == col(Run.campaign_id))
        .where(wanted)
        .with_for_update(of=(Run, Campaign), skip_locked=True, key_share=True)
    )
    return [Moved(*row) for row in session.execute(statement)]


def _move(
    session: Session, runs: Sequence[Moved], values: dict[str, Any], before: str, after: str, now: datetime
) -> None:
    """Changes the runs, and the campaigns that send them; one that repeats goes on with its other runs."""
    if not runs:
        return
    mine = update(Run).where(col(Run.id).in_([run.run_id for run in runs]))
    session.execute(mine.values(**values, activity_at=now).execution_options(synchronize_session=False))
    sent = [run.campaign_id for run in runs if run.kind == "send"]
    once = (col(Campaign.state) == before, ~col(Campaign.repeats))
    theirs = update(Campaign).where(col(Campaign.id).in_(sent), *once)
    session.execute(theirs.values(state=after, updated_at=now).execution_options(synchronize_session=False))


def _waits_for_lane() -> ColumnElement[bool]:
    return and_(col(Run.state) == RunState.PAUSED, col(Run.pause_reason) == PauseReason.CREDENTIAL)


def _starved(now: datetime) -> ColumnElement[bool]:
    """The run has open chunks, and none of them is on a lane that its provider has not shut."""
    mine = (col(Chunk.run_id) == col(Run.id), col(Chunk.state) != ChunkState.DONE)
    lane = select(Chunk).join(Credential, col(Credential.id) == col(Chunk.credential_id)).where(*mine).correlate(Run)
    return and_(lane.where(_shut(now)).exists(), ~lane.where(~_shut(now)).exists())


def _held(now: datetime) -> ColumnElement[bool]:
    return func.coalesce(col(Credential.held_until) > now, False)


def _shut(now: datetime) -> ColumnElement[bool]:
    return and_(_held(now), func.coalesce(col(Credential.held_kind), HeldKind.PROVIDER) == HeldKind.PROVIDER)
