"""What a calendar shows: campaigns that have yet to send, runs that have begun, and how many people they are for."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, select
from sqlmodel import Session, col

from backend.domain.vocabulary import CampaignKind, CampaignState
from backend.models import Campaign, Delivery, Device, Run, User
from backend.queries.stats import Hour

AHEAD: Final = (CampaignState.SCHEDULED, CampaignState.ACTIVE, CampaignState.PAUSED)
MOST: Final = 1_000
TICK: Final = "tick:%"


def ahead(session: Session, app_id: int) -> Sequence[Campaign]:
    """Campaigns that will send, or would if they were not paused, by name."""
    mine = (col(Campaign.app_id) == app_id, col(Campaign.kind) == CampaignKind.CAMPAIGN, col(Campaign.state).in_(AHEAD))
    return session.execute(select(Campaign).where(*mine).order_by(col(Campaign.name)).limit(MOST)).scalars().all()


_SENDS: Final[tuple[Any, ...]] = (
    col(Campaign.id).label("campaign_id"), col(Campaign.name), col(Campaign.state), col(Campaign.definition),
    col(Campaign.repeats),
)  # fmt: skip


def _sends(app_id: int, start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    """A send for people's own clocks is filed under its day, though it began hours before that day did at home."""
    return (
        col(Run.app_id) == app_id,
        col(Run.kind) == "send",
        col(Run.due_at) >= start,
        col(Run.due_at) < end,
    )


def runs(session: Session, app_id: int, start: datetime, end: datetime) -> Sequence[Row[Any]]:
    """The sends due in that time that events have not set off, the earliest first."""
    columns = (col(Run.id), col(Run.due_at), col(Run.timing), col(Run.audience), col(Run.estimate))
    states = (col(Run.state).label("run_state"), *_SENDS)
    joined = select(*columns, *states).join(Campaign, col(Campaign.id) == col(Run.campaign_id))
    found = joined.where(*_sends(app_id, start, end), col(Run.occasion).not_like(TICK))
    return session.execute(found.order_by(col(Run.due_at), col(Run.id)).limit(MOST)).all()


def ticks(session: Session, app_id: int, start: datetime, end: datetime) -> Sequence[Row[Any]]:
    """(hour, campaign, devices) of what events have set off: there may be a run a second, so they come by the hour."""
    hour = Hour(col(Run.due_at))
    counted = (
        select(hour.label("hour"), col(Run.campaign_id), func.sum(Run.audience).label("devices"))
        .where(*_sends(app_id, start, end), col(Run.occasion).like(TICK))
        .group_by(hour, col(Run.campaign_id))
        .subquery()
    )
    joined = select(counted.c.hour, counted.c.devices, *_SENDS)
    return session.execute(joined.join(counted, counted.c.campaign_id == col(Campaign.id))).all()


def people_of(session: Session, run_id: int) -> int:
    """The people whom a run was planned for."""
    distinct = select(func.count(col(Delivery.user_id).distinct())).where(col(Delivery.run_id) == run_id)
    return int(session.execute(distinct).scalar_one())


def some_people(session: Session, app_id: int, below: int, most: int) -> list[int]:
    """People of the app whose bucket is smaller: the same ones each time."""
    mine = (col(User.app_id) == app_id, col(User.bucket) < below)
    return list(session.execute(select(col(User.id)).where(*mine).order_by(col(User.bucket)).limit(most)).scalars())


def among(session: Session, condition: ColumnElement[bool], people: Collection[int]) -> set[int]:
    """Those of these people for whom, on some device, a condition over user and device holds."""
    found = (
        select(col(User.id))
        .join(Device, col(Device.user_id) == col(User.id))
        .where(col(User.id).in_(people), condition)
        .distinct()
    )
    return set(session.execute(found).scalars())
