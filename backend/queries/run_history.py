"""The runs of one campaign, one after the other, and what of them waits for its time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlmodel import Session, col

from backend.domain.vocabulary import DeliveryState, RunState
from backend.models import Chunk, Delivery, Run
from backend.queries.stats import TEST

_OPEN = (RunState.PLANNING, RunState.RUNNING, RunState.PAUSED)


def runs(session: Session, campaign_id: int, before: int | None, limit: int) -> Sequence[Run]:
    """The newest runs, tests left out, and one more than asked for."""
    statement = select(Run).where(col(Run.campaign_id) == campaign_id, col(Run.kind) != TEST)
    if before is not None:
        statement = statement.where(col(Run.id) < before)
    return session.execute(statement.order_by(col(Run.id).desc()).limit(limit + 1)).scalars().all()


def waiting(session: Session, campaign_id: int, now: datetime) -> tuple[int, datetime | None, datetime | None]:
    """(count, first, last) of what waits for a later time in open runs: only the groups that wait are looked at."""
    later = and_(
        col(Chunk.run_id) == col(Delivery.run_id),
        col(Chunk.number) == col(Delivery.chunk),
        col(Chunk.not_before) > now,
    )
    statement = (
        select(func.count(), func.min(Delivery.due_at), func.max(Delivery.due_at))
        .select_from(Run)
        .join(Chunk, col(Chunk.run_id) == col(Run.id))
        .join(Delivery, later)
        .where(
            col(Run.campaign_id) == campaign_id,
            col(Run.kind) != TEST,
            col(Run.state).in_(_OPEN),
            col(Delivery.state) == DeliveryState.PLANNED,
            col(Delivery.due_at) > now,
        )
    )
    count, first, last = session.execute(statement).one()
    return count, first, last
