"""Counting deliveries and receipts from the rows themselves.

`outcomes` and `responses` are the only two ways in which rows become measures (`domain.metrics` says
what each is); the report, live progress and the roll-up are all made of them, so that they agree.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    case,
    cast,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.metrics import OUTCOMES, RECEIPTS, Measure
from backend.domain.vocabulary import OPEN_STATES
from backend.models import Campaign, Delivery, Dims, Receipt, Run, Variant

Key = Literal["variant", "platform", "reason", "minute", "hour"]
Runs = Collection[int] | Select[Any]

TEST: Final = "test"


class Truncated(FunctionElement[datetime]):
    """The start of the UTC minute, hour or day that an instant lies in.

    On SQLite, whose times are text, a prefix of it (`digits`): 0.1 µs, where strftime takes 0.7.
    """

    type = UTCDateTime()
    unit: ClassVar[str]
    digits: ClassVar[int]


class Minute(Truncated):
    inherit_cache = True
    unit, digits = "minute", 16


class Hour(Truncated):
    inherit_cache = True
    unit, digits = "hour", 13


class Day(Truncated):
    inherit_cache = True
    unit, digits = "day", 10


MIDNIGHT: Final = "0000-00-00 00:00:00.000000"


@compiles(Truncated, "sqlite")
def _truncated_sqlite(element: Truncated, compiler: Any, **options: Any) -> str:
    instant = compiler.process(element.clauses, **options)
    return f"substr({instant}, 1, {element.digits}) || '{MIDNIGHT[element.digits :]}'"


@compiles(Truncated, "postgresql")
def _truncated_postgresql(element: Truncated, compiler: Any, **options: Any) -> str:
    return f"date_trunc('{element.unit}', {compiler.process(element.clauses, **options)}, 'UTC')"


def outcomes(runs: Runs, *keys: Key, states: Collection[str] | None = None) -> Select[Any]:
    """(run_id, state, *keys, count) of the runs' deliveries (in the states); open ones have no time."""
    state = col(Delivery.state)
    ended = func.coalesce(col(Delivery.ended_at), col(Delivery.due_at))
    told = (*OUTCOMES[Measure.FAILED], *OUTCOMES[Measure.SKIPPED])
    columns: dict[Key, Any] = {
        "variant": col(Delivery.variant),
        "platform": _platform(),
        "reason": case((state.in_(told), func.coalesce(col(Delivery.reason), "")), else_=""),
        "minute": case((state.in_(OPEN_STATES), null()), else_=Minute(ended)),
        "hour": case((state.in_(OPEN_STATES), null()), else_=Hour(ended)),
    }
    cells = [col(Delivery.run_id), state, *(columns[key].label(key) for key in keys)]
    statement = select(*cells, func.count().label("count")).select_from(Delivery)
    wanted = (col(Delivery.run_id).in_(runs), *(() if states is None else (state.in_(states),)))
    return _with_dims(statement, keys).where(*wanted).group_by(*places(cells))


def responses(runs: Runs, *keys: Key, measures: Iterable[Measure] = tuple(RECEIPTS)) -> CompoundSelect[Any]:
    """(run_id, measure, *keys, count) of accepted deliveries by their first receipt of each kind.

    Without a time a flag a kind is enough, and one pass counts them all: half the price.
    """
    wanted = [measure for measure in measures if measure in RECEIPTS]
    if "minute" in keys or "hour" in keys:
        first = _reporting(runs, keys, wanted, col(Receipt.at)).cte("reporting")
        return union_all(*(_response(first, measure, keys) for measure in wanted))
    reporting = _reporting(runs, keys, wanted, literal(1)).subquery()
    cells = [reporting.c.run_id, *(reporting.c[key] for key in keys)]
    known = [func.count(reporting.c[measure]).label(measure) for measure in wanted]
    counted = select(*cells, *known).group_by(*places(cells)).cte("counted")
    return union_all(*(_counted(counted, measure, keys) for measure in wanted))


def _reporting(runs: Runs, keys: Sequence[Key], measures: Sequence[Measure], value: Any) -> Select[Any]:
    """One row an accepted delivery with receipts: the least `value` of each measure's kinds, null without."""
    kept = {"variant": col(Delivery.variant), "platform": _platform()}
    shown = [func.min(column).label(name) for name, column in kept.items() if name in keys]
    least = [func.min(case((col(Receipt.type).in_(RECEIPTS[m]), value))).label(m) for m in measures]
    statement: Any = (
        select(col(Delivery.id), func.min(col(Delivery.run_id)).label("run_id"), *shown, *least)
        .select_from(Delivery)
        .join(Receipt, col(Receipt.delivery_id) == col(Delivery.id))
    )
    counted = (col(Delivery.run_id).in_(runs), col(Delivery.state).in_(OUTCOMES[Measure.ACCEPTED]))
    return _with_dims(statement, keys).where(*counted).group_by(col(Delivery.id))


def _counted(counted: Any, measure: Measure, keys: Sequence[Key]) -> Select[Any]:
    named = literal(measure.value, String).label("measure")
    return select(counted.c.run_id, named, *(counted.c[key] for key in keys), counted.c[measure].label("count"))


def _response(first: Any, measure: Measure, keys: Sequence[Key]) -> Select[Any]:
    at = first.c[measure]
    columns = {"minute": Minute(at), "hour": Hour(at)}
    picked = [columns[key].label(key) if key in columns else first.c[key] for key in keys]
    cells = [first.c.run_id, literal(measure.value, String).label("measure"), *picked]
    grouped = [1, *range(3, len(cells) + 1)]
    statement = select(*cells, func.count().label("count")).where(at.is_not(None))
    return statement.group_by(*(text(str(place)) for place in grouped))


def places(cells: Sequence[Any]) -> list[Any]:
    """Groups by position: repeating an expression would repeat its binds, which PostgreSQL finds unequal."""
    return [text(str(place)) for place in range(1, len(cells) + 1)]


def _platform() -> ColumnElement[str]:
    return func.coalesce(col(Dims.platform), "")


def _with_dims(statement: Select[Any], keys: Sequence[Key]) -> Select[Any]:
    if "platform" not in keys:
        return statement
    return statement.outerjoin(Dims, col(Dims.id) == col(Delivery.dims_id))


def campaign(session: Session, app_id: int, campaign_id: int) -> Campaign | None:
    mine = (col(Campaign.id) == campaign_id, col(Campaign.app_id) == app_id)
    return session.execute(select(Campaign).where(*mine)).scalar_one_or_none()


def runs(session: Session, campaign_id: int, limit: int) -> Sequence[Run]:
    """The newest runs that count, newest first."""
    statement = select(Run).where(*_counting(campaign_id)).order_by(col(Run.due_at).desc(), col(Run.id).desc())
    return session.execute(statement.limit(limit)).scalars().all()


def unreachable(session: Session, campaign_id: int) -> Sequence[tuple[dict[str, int], int]]:
    """(people without a device by reason, how many runs say just that), of the runs that count."""
    said = select(cast(col(Run.people_unreachable), String).label("said"), func.count().label("runs"))
    grouped = said.where(*_counting(campaign_id)).group_by(text("1"))
    return [(json.loads(one), runs) for one, runs in session.execute(grouped)]


def revisions(session: Session, run_ids: Collection[int]) -> dict[int, int]:
    """Run → the revision that it sends."""
    rows = session.execute(select(col(Run.id), col(Run.revision_id)).where(col(Run.id).in_(run_ids)))
    return {run: revision for run, revision in rows if run is not None}


def runs_of(campaign_id: int) -> Select[Any]:
    """The same runs' ids, for use inside another statement."""
    return select(col(Run.id)).where(*_counting(campaign_id))


def _counting(campaign_id: int) -> tuple[ColumnElement[bool], ...]:
    return (col(Run.campaign_id) == campaign_id, col(Run.kind) != TEST)


def variant_names(session: Session, revision_ids: Collection[int]) -> dict[tuple[int, int], str]:
    """(revision, position) → what the variant is called."""
    statement = select(col(Variant.revision_id), col(Variant.position), col(Variant.name))
    rows = session.execute(statement.where(col(Variant.revision_id).in_(revision_ids)))
    return {(revision, position): name for revision, position, name in rows}


def rows(session: Session, statement: Select[Any] | CompoundSelect[Any]) -> Sequence[Any]:
    """The rows of a statement that `outcomes` or `responses` made."""
    return session.execute(statement).all()


def live_totals(session: Session, run_ids: Collection[int]) -> Sequence[tuple[int, str, int]]:
    """(run, delivery state or measure of receipts, count) from the rows, in one statement."""
    both = union_all(select(outcomes(run_ids).subquery()), select(responses(run_ids).subquery()))
    return [(run, word, count) for run, word, count in session.execute(both) if count]
