"""The hourly roll-up: what is behind, writing it anew, adding it up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
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

from backend.domain.metrics import MEASURE_OF_STATE, OUTCOMES, Measure
from backend.domain.vocabulary import RunState
from backend.models import Delivery, Rollup, Run
from backend.queries.stats import TEST, Hour, outcomes, places, responses

ALIVE: Final = (RunState.PLANNING, RunState.RUNNING, RunState.PAUSED)


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


def _marks() -> Any:
    return select(
        col(Run.id), col(Run.state), col(Run.audience), col(Run.activity_at), col(Run.finished_at), col(Run.rolled_at)
    )


def behind(session: Session, limit: int) -> list[RunMark]:
    """Runs whose roll-up may be incomplete, longest-waiting first."""
    waiting = union(
        select(col(Run.id)).where(_moved(), col(Run.kind) != TEST),
        select(col(Run.id)).where(col(Run.state).in_(ALIVE), col(Run.kind) != TEST),
    )
    marks = (
        _marks().where(col(Run.id).in_(waiting)).order_by(col(Run.rolled_at).nulls_first(), col(Run.id)).limit(limit)
    )
    return [RunMark(*row) for row in session.execute(marks)]


def unsettled(session: Session, run_ids: Collection[int]) -> set[int]:
    """Those of the runs whose roll-up may not yet stand for their rows."""
    moving = or_(_moved(), col(Run.state).in_(ALIVE), col(Run.kind) == TEST)
    found = session.execute(select(col(Run.id)).where(col(Run.id).in_(run_ids), moving)).scalars()
    return {number for number in found if number is not None}


def unsettled_of(session: Session, campaign_ids: Collection[int]) -> dict[int, int]:
    """Run → campaign of the campaigns' runs whose roll-up may not yet stand for their rows."""
    moving = or_(_moved(), col(Run.state).in_(ALIVE))
    mine = (col(Run.campaign_id).in_(campaign_ids), col(Run.kind) != TEST, moving)
    rows = session.execute(select(col(Run.id), col(Run.campaign_id)).where(*mine))
    return {run: campaign for run, campaign in rows if run is not None}


def rolled_totals_of(
    session: Session, campaign_ids: Collection[int], besides: Collection[int]
) -> Sequence[tuple[int, str, int]]:
    """(campaign, measure, count) from the roll-up, of all runs but these."""
    total = cast(func.sum(col(Rollup.count)), BigInteger)
    mine = (col(Rollup.campaign_id).in_(campaign_ids), col(Rollup.run_id).not_in(besides))
    grouped = select(col(Rollup.campaign_id), col(Rollup.measure), total).where(*mine)
    rows = session.execute(grouped.group_by(col(Rollup.campaign_id), col(Rollup.measure)))
    return [(campaign, measure, count) for campaign, measure, count in rows]


def rolled_cells(session: Session, campaign_id: int, besides: Collection[int]) -> Sequence[Row[Any]]:
    """(revision_id, variant, platform, measure, run_id, count) from the roll-up, of all runs but these; `run_id` is
    one of them."""
    cells = [col(Run.revision_id), col(Rollup.variant), col(Rollup.platform), col(Rollup.measure)]
    counts = [
        func.min(col(Rollup.run_id)).label("run_id"),
        cast(func.sum(col(Rollup.count)), BigInteger).label("count"),
    ]
    mine = (col(Rollup.campaign_id) == campaign_id, col(Rollup.run_id).not_in(besides))
    statement = select(*cells, *counts).join(Run, col(Run.id) == col(Rollup.run_id)).where(*mine)
    return session.execute(statement.group_by(*places(cells))).all()


def ended_otherwise(session: Session, campaign_id: int, besides: Collection[int]) -> Sequence[Row[Any]]:
    """(revision_id, state, variant, platform, reason, count) of what all runs but these failed or skipped.

    Only runs that the roll-up knows such pushes of are looked through.
    """
    bad = (Measure.FAILED, Measure.SKIPPED)
    runs = select(col(Rollup.run_id)).where(
        col(Rollup.campaign_id) == campaign_id, col(Rollup.measure).in_(bad), col(Rollup.run_id).not_in(besides)
    )
    states = [state for measure in bad for state in OUTCOMES[measure]]
    found = outcomes(runs, "variant", "platform", "reason", states=states).subquery()
    cells = [col(Run.revision_id), found.c.state, found.c.variant, found.c.platform, found.c.reason]
    total = cast(func.sum(found.c.count), BigInteger).label("count")
    statement = select(*cells, total).join(Run, col(Run.id) == found.c.run_id)
    return session.execute(statement.group_by(*places(cells))).all()


def counted(session: Session, run_ids: Collection[int]) -> list[dict[str, Any]]:
    """The roll-up rows of the runs as their deliveries and receipts are now, in one statement: outcomes and
    receipts are of one moment, so delivered never outruns accepted."""
    return [dict(row._mapping) for row in session.execute(_rollup_rows(run_ids))]


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
    kept = [
        col(Run.app_id), col(Run.campaign_id), rows.c.run_id, hour.label("hour"), rows.c.variant, rows.c.platform,
        rows.c.measure,
    ]  # fmt: skip
    statement = select(*kept, cast(func.sum(rows.c.count), BigInteger).label("count")).join(
        Run, col(Run.id) == rows.c.run_id
    )
    return statement.group_by(*places(kept))


def claim(session: Session, seen: Mapping[int, datetime | None]) -> set[int]:
    """Those of the runs that nobody has rolled up since `rolled_at` was as seen, locked until the commit.

    A run that somebody is writing to just now is left for the next tick: waiting for one lock while
    holding others could end in a deadlock.
    """
    free = select(col(Run.id), col(Run.rolled_at)).where(col(Run.id).in_(seen)).order_by(col(Run.id))
    rows = session.execute(free.with_for_update(skip_locked=True, key_share=True))
    return {number for number, rolled_at in rows if number is not None and rolled_at == seen[number]}


def replace(session: Session, run_ids: Collection[int], rows: Sequence[dict[str, Any]], until: datetime) -> None:
    """Puts new rows in the place of the runs' old ones; `until` is the instant up to which they are complete."""
    session.execute(delete(Rollup).where(col(Rollup.run_id).in_(run_ids)))
    if rows:
        session.execute(insert(Rollup), rows)
    rolled = update(Run).where(col(Run.id).in_(run_ids)).values(rolled_at=until)
    session.execute(rolled.execution_options(synchronize_session=False))


def with_rows(session: Session, run_id: int | None) -> list[RunMark]:
    """The run, or every run, of which there are still deliveries: one without has nothing to recount."""
    kept = exists().where(col(Delivery.run_id) == col(Run.id))
    marks = _marks().where(kept, col(Run.kind) != TEST).order_by(col(Run.id))
    found = session.execute(marks if run_id is None else marks.where(col(Run.id) == run_id))
    return [RunMark(*row) for row in found]


def rolled_totals(session: Session, run_ids: Collection[int]) -> Sequence[tuple[int, str, int]]:
    """(run, measure, count) from the roll-up."""
    total = cast(func.sum(col(Rollup.count)), BigInteger)
    statement = select(col(Rollup.run_id), col(Rollup.measure), total).where(col(Rollup.run_id).in_(run_ids))
    grouped = statement.group_by(col(Rollup.run_id), col(Rollup.measure))
    return [(run, measure, count) for run, measure, count in session.execute(grouped)]


def opens_by_hour(session: Session, app_id: int, since: datetime) -> Sequence[tuple[datetime, int]]:
    """(hour, opens) of the app's pushes from the roll-up."""
    total = cast(func.sum(col(Rollup.count)), BigInteger)
    mine = (col(Rollup.app_id) == app_id, col(Rollup.hour) >= since, col(Rollup.measure) == Measure.OPENED)
    rows = session.execute(select(col(Rollup.hour), total).where(*mine).group_by(col(Rollup.hour)))
    return [(hour, count) for hour, count in rows]
