"""An app as a whole: what its roll-up says of a span of time, and whom it can reach."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, String, and_, cast, func, literal, select
from sqlmodel import Session, col

from backend.models import Campaign, Device, Rollup, Run, User, Variant
from backend.queries.rollups import ALIVE
from backend.queries.stats import TEST, Day, Hour, Truncated, places

UNITS: Final[Mapping[str, type[Truncated]]] = {"hour": Hour, "day": Day}


@dataclass(frozen=True, slots=True)
class Span:
    """Roll-up rows of an app from `start` to before `end`, perhaps of one campaign only."""

    app_id: int
    start: datetime
    end: datetime
    campaign_id: int | None = None


def _within(span: Span) -> ColumnElement[bool]:
    hours = and_(col(Rollup.app_id) == span.app_id, col(Rollup.hour) >= span.start, col(Rollup.hour) < span.end)
    return hours if span.campaign_id is None else and_(hours, col(Rollup.campaign_id) == span.campaign_id)


def counted(session: Session, span: Span) -> dict[str, int]:
    """measure → how many in the span."""
    total = cast(func.sum(col(Rollup.count)), BigInteger)
    grouped = select(col(Rollup.measure), total).where(_within(span)).group_by(col(Rollup.measure))
    return _by_measure(session, grouped)


def counted_of_runs_begun(session: Session, span: Span) -> dict[str, int]:
    """measure → all that ever came of the runs made in the span."""
    total = cast(func.sum(col(Rollup.count)), BigInteger)
    begun = (col(Run.app_id) == span.app_id, col(Run.created_at) >= span.start, col(Run.created_at) < span.end)
    statement = select(col(Rollup.measure), total).join(Run, col(Run.id) == col(Rollup.run_id)).where(*begun)
    return _by_measure(session, statement.group_by(col(Rollup.measure)))


def _by_measure(session: Session, statement: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(statement)}


def points(
    session: Session, span: Span, unit: str, measures: Collection[str], breakdown: str
) -> Sequence[tuple[datetime, str, str, int]]:
    """(start of the bucket, measure, key, count); `breakdown` is none, platform, campaign or variant."""
    keys: Mapping[str, Any] = {
        "none": literal("", String),
        "platform": col(Rollup.platform),
        "campaign": cast(col(Rollup.campaign_id), String),
        "variant": cast(col(Rollup.variant), String),
    }
    cells = [UNITS[unit](col(Rollup.hour)).label("at"), col(Rollup.measure), keys[breakdown].label("key")]
    statement = select(*cells, cast(func.sum(col(Rollup.count)), BigInteger)).where(
        _within(span), col(Rollup.measure).in_(measures)
    )
    return [(at, m, key, count) for at, m, key, count in session.execute(statement.group_by(*places(cells)))]


def campaign_names(session: Session, app_id: int, campaign_ids: Collection[int]) -> dict[int, str]:
    mine = (col(Campaign.app_id) == app_id, col(Campaign.id).in_(campaign_ids))
    found = session.execute(select(col(Campaign.id), col(Campaign.name)).where(*mine))
    return {number: name for number, name in found if number is not None}


def latest_variant_names(session: Session, campaign_id: int) -> dict[int, str]:
    """position → what the campaign's present revision calls the variant."""
    present = select(col(Campaign.revision_id)).where(col(Campaign.id) == campaign_id).scalar_subquery()
    found = session.execute(select(col(Variant.position), col(Variant.name)).where(col(Variant.revision_id) == present))
    return {row[0]: row[1] for row in found}


def recent_campaigns(session: Session, app_id: int, limit: int) -> list[int]:
    """Campaigns that people made, by their newest run."""
    newest = (
        select(col(Run.campaign_id))
        .where(col(Run.app_id) == app_id, col(Run.kind) == "send")
        .group_by(col(Run.campaign_id))
        .order_by(func.max(col(Run.id)).desc())
        .limit(limit)
    )
    return list(session.execute(newest).scalars())


def runs_alive(session: Session, app_id: int) -> int:
    """How many runs are on their way."""
    mine = (col(Run.app_id) == app_id, col(Run.state).in_(ALIVE), col(Run.kind) != TEST)
    return int(session.execute(select(func.count()).select_from(Run).where(*mine)).scalar_one())


def devices(session: Session, app_id: int) -> Sequence[tuple[str, str, str, int]]:
    """(platform, state, permission, count) of the app's devices; ephemeral ones are nobody's."""
    cells = [col(Device.platform), col(Device.state), col(Device.permission)]
    mine = (col(Device.app_id) == app_id, col(Device.ephemeral_until).is_(None))
    found = session.execute(select(*cells, func.count()).where(*mine).group_by(*cells))
    return [(platform, state, permission, count) for platform, state, permission, count in found]


def users(session: Session, app_id: int, active_since: datetime) -> tuple[int, int]:
    """(all of the app's users, those active since that instant); the nameless ones of ephemeral devices are nobody."""
    mine = col(User.app_id) == app_id
    every = select(func.count()).select_from(User).where(mine)
    active = every.where(col(User.last_active) >= active_since)
    kept_for_a_time = (col(Device.app_id) == app_id, col(Device.ephemeral_until).is_not(None))
    nobody = every.where(
        col(User.external_id).is_(None), col(User.id).in_(select(col(Device.user_id)).where(*kept_for_a_time))
    )
    total, here, hidden = (int(session.execute(one).scalar_one()) for one in (every, active, nobody))
    return total - hidden, here
