"""The hourly roll-up: what is behind, writing it anew, adding it up."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union,
    union_all,
    update,
)
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.metrics import MEASURE_OF_STATE, Measure
from backend.domain.vocabulary import RunState
from backend.models import Delivery, Rollup, Run
from backend.queries.stats import TEST, Hour, outcomes, places, responses

ALIVE: Final = (RunState.PLANNING, RunState.RUNNING, RunState.PAUSED)
LOCK: Final = 7_206_315  # an advisory lock that nothing else takes


@dataclass(frozen=True, slots=True)
class RunMark:
    """How far a run's roll-up is behind the run."""

    id: int
    state: str
    audience: int
    activity_at: datetime | None
    finished_at: datetime | None
    rolled_at: datetime | None


def _moved() -> ColumnElement[bool]:
    """Something may have happened after the instant up to which the roll-up is complete."""
    return or_(
        col(Run.rolled_at).is_(None),
        col(Run.activity_at) >= col(Run.rolled_at),
        col(Run.finished_at) >= col(Run.rolled_at),
    )


def behind(session: Session, limit: int) -> list[RunMark]:
    """Runs whose roll-up may be incomplete, longest-waiting first."""
    waiting = union(
        select(col(Run.id)).where(_moved(), col(Run.kind) != TEST),
        select(col(Run.id)).where(col(Run.state).in_(ALIVE), col(Run.kind) != TEST),
    )
    marks = (
        select(
            col(Run.id),
            col(Run.state),
            col(Run.audience),
            col(Run.activity_at),
            col(Run.finished_at),
            col(Run.rolled_at),
        )
        .where(col(Run.id).in_(waiting))
        .order_by(col(Run.rolled_at).nulls_first(), col(Run.id))
        .limit(limit)
    )
    return [RunMark(*row) for row in session.execute(marks)]


def unsettled(session: Session, run_ids: Collection[int]) -> set[int]:
    """Those of the runs whose roll-up may not yet stand for their rows."""
    moving = or_(_moved(), col(Run.state).in_(ALIVE), col(Run.kind) == TEST)
    found = session.execute(select(col(Run.id)).where(col(Run.id).in_(run_ids), moving)).scalars()
    return {number for number in found if number is not None}


def lock_roll_up(session: Session, *, wait: bool) -> bool:
    """Makes this transaction the only one that rolls up; False when another is at it."""
    if session.get_bind().dialect.name == "sqlite":
        return True  # a writing transaction is alone already
    if wait:
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))
        return True
    return bool(session.execute(select(func.pg_try_advisory_xact_lock(LOCK))).scalar_one())


def roll_up(session: Session, run_ids: Collection[int]) -> None:
    """Writes the runs' roll-up anew from their rows; `behind` and `with_rows` never name a test run.

    One INSERT … SELECT reads outcomes and receipts in one snapshot, so delivered never outruns accepted.
    """
    session.execute(delete(Rollup).where(col(Rollup.run_id).in_(run_ids)))
    names = ["app_id", "campaign_id", "run_id", "hour", "variant", "platform", "measure", "count"]
    session.execute(insert(Rollup).from_select(names, _rollup_rows(run_ids)))


def _rollup_rows(run_ids: Collection[int]) -> Select[Any]:
    cells = outcomes(run_ids, "variant", "platform", "hour").cte("outcomes")
    audience = select(
        cells.c.run_id, literal(Measure.AUDIENCE.value, String).label("measure"), cells.c.variant, cells.c.platform,
        cast(null(), UTCDateTime()).label("hour"), cells.c.count,
    )  # fmt: skip
    measure = case(*((cells.c.state == state, measure.value) for state, measure in MEASURE_OF_STATE.items()))
    ended = select(
        cells.c.run_id, measure.label("measure"), cells.c.variant, cells.c.platform, cells.c.hour, cells.c.count
    ).where(cells.c.state.in_(MEASURE_OF_STATE))
    received = responses(run_ids, "variant", "platform", "hour").subquery()
    rows = union_all(audience, ended, select(received)).subquery()
    planned = Hour(func.coalesce(col(Run.planned_at), col(Run.due_at)))
    hour = func.coalesce(rows.c.hour, planned, type_=UTCDateTime())
    kept = [col(Run.app_id), col(Run.campaign_id), rows.c.run_id, hour, rows.c.variant, rows.c.platform, rows.c.measure]
    statement = select(*kept, cast(func.sum(rows.c.count), BigInteger)).join(Run, col(Run.id) == rows.c.run_id)
    return statement.group_by(*places(kept))


def mark_rolled(session: Session, run_ids: Collection[int], until: datetime) -> None:
    """Remembers up to when the roll-up is complete. A run that somebody else is writing to is left
    for the next tick: waiting for its lock while holding others could end in a deadlock."""
    free = select(col(Run.id)).where(col(Run.id).in_(run_ids)).order_by(col(Run.id))
    free = free.with_for_update(skip_locked=True, key_share=True)
    taken = session.execute(free).scalars().all()
    values = update(Run).where(col(Run.id).in_(taken)).values(rolled_at=until)
    session.execute(values.execution_options(synchronize_session=False))


def with_rows(session: Session, run_id: int | None) -> list[int]:
    """The run, or every run, of which there are still deliveries: one without has nothing to recount."""
    kept = exists().where(col(Delivery.run_id) == col(Run.id))
    statement = select(col(Run.id)).where(kept, col(Run.kind) != TEST).order_by(col(Run.id))
    if run_id is not None:
        statement = statement.where(col(Run.id) == run_id)
    return [number for number in session.execute(statement).scalars() if number is not None]


def rolled_totals(session: Session, run_ids: Collection[int]) -> Sequence[tuple[int, str, int]]:
    """(run, measure, count) from the roll-up."""
    total = cast(func.sum(col(Rollup.count)), BigInteger)
    statement = select(col(Rollup.run_id), col(Rollup.measure), total).where(col(Rollup.run_id).in_(run_ids))
    grouped = statement.group_by(col(Rollup.run_id), col(Rollup.measure))
    return [(run, measure, count) for run, measure, count in session.execute(grouped)]
