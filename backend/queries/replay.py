"""What went out in a time, person by person: what a day is replayed from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlmodel import Session, col

from backend.domain.vocabulary import AddressKind, CampaignKind, CategoryKind, DeliveryState
from backend.models import Campaign, Category, Delivery, Device, Revision, Run, User

LONGEST: Final = timedelta(days=30)
"""A run that was made longer ago sends no more: without such an end every run there ever was is looked at."""
COUNTED: Final = (DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Span:
    """A day of an app, and since when what went before it matters."""

    app_id: int
    since: datetime
    start: datetime
    end: datetime


def _runs(span: Span) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Run.app_id) == span.app_id,
        col(Run.kind) != "test",
        col(Run.created_at) >= span.since - LONGEST,
        col(Run.created_at) < span.end,
        or_(col(Run.finished_at).is_(None), col(Run.finished_at) >= span.since),
    )


def most(session: Session, span: Span) -> int:
    """At most so many deliveries went out then: what was planned for these runs."""
    return int(session.execute(select(func.coalesce(func.sum(Run.audience), 0)).where(*_runs(span))).scalar_one())


def runs(session: Session, span: Span) -> Sequence[Row[Any]]:
    """(id, revision, category, mandatory, counts) of the runs of that time."""
    mandatory = func.coalesce(col(Category.kind) == CategoryKind.MANDATORY, False)
    columns = (col(Run.id), col(Run.revision_id), col(Run.category_id), mandatory.label("mandatory"), col(Run.counts))
    return (
        session.execute(
            select(*columns).outerjoin(Category, col(Category.id) == col(Run.category_id)).where(*_runs(span))
        )
    ).all()


def definitions(session: Session, span: Span) -> dict[int, Any]:
    """What was launched, by revision."""
    named = select(col(Run.revision_id)).where(*_runs(span))
    rows = session.execute(select(col(Revision.id), col(Revision.definition)).where(col(Revision.id).in_(named)))
    return {row.id: row.definition for row in rows}


def pushes(session: Session, span: Span, below: int | None) -> Iterator[Row[Any]]:
    """What went out to people then, person by person, of each what was due first, then what wins.

    With `below` only of people whose bucket is smaller. Read in pieces: a day may have half a million.
    """
    statement = _pushes(span)
    if below is not None:
        statement = statement.where(col(User.bucket) < below)
    yield from session.execute(statement.execution_options(yield_per=5_000))


def _pushes(span: Span) -> Select[Any]:
    delivery = (col(Delivery.user_id), col(Delivery.run_id), col(Delivery.due_at), col(Delivery.ended_at))
    zones: tuple[Any, ...] = (col(Device.timezone).label("device_zone"), col(User.timezone).label("user_zone"))
    day = and_(col(Delivery.state) == DeliveryState.ACCEPTED, col(Delivery.ended_at) >= span.start)
    before = and_(col(Delivery.state).in_(COUNTED), col(Delivery.ended_at) < span.start)
    return (
        select(*delivery, col(Delivery.state), *zones, col(User.quiet_hours).is_not(None).label("own"))
        .join(Run, col(Run.id) == col(Delivery.run_id))
        .join(User, col(User.id) == col(Delivery.user_id))
        .outerjoin(Device, col(Device.id) == col(Delivery.device_id))
        .where(*_runs(span), func.coalesce(col(Device.address_kind), "") != AddressKind.TOPIC)
        .where(col(Delivery.ended_at) < span.end, or_(day, and_(before, col(Delivery.due_at) >= span.since)))
        .order_by(col(Delivery.user_id), col(Delivery.due_at), col(Run.priority).desc(), col(Run.id), col(Delivery.id))
    )


def capped(session: Session, span: Span) -> tuple[int, int]:
    """Pushes of that day that caps have kept back, and the people they were for."""
    day = (col(Delivery.ended_at) >= span.start, col(Delivery.ended_at) < span.end)
    found = select(func.count(), func.count(col(Delivery.user_id).distinct())).join(
        Run, col(Run.id) == col(Delivery.run_id)
    )
    mine = (*_runs(span), *day, col(Delivery.state) == DeliveryState.SKIPPED, col(Delivery.reason) == "capped")
    pushed, people = session.execute(found.where(*mine)).one()
    return int(pushed), int(people)


def answers(session: Session, span: Span) -> Sequence[Row[Any]]:
    """(campaign, its name, answered, errors) of each send of that day that had answers."""
    sent = (col(Run.kind) == "send", col(Run.answered) > 0)
    active = or_(col(Run.activity_at).is_(None), col(Run.activity_at) >= span.start)
    columns = (col(Campaign.id), col(Campaign.name), col(Run.answered), col(Run.errors))
    joined = select(*columns).join(Campaign, col(Campaign.id) == col(Run.campaign_id))
    return session.execute(joined.where(*_runs(span), *sent, active).order_by(col(Run.id))).all()


def launches(session: Session, span: Span) -> Sequence[Row[Any]]:
    """(campaign, its name, devices of its first run) of the launches of that day that have a run."""
    first = (
        select(func.min(col(Run.id)))
        .where(col(Run.campaign_id) == col(Campaign.id), col(Run.kind) == "send")
        .correlate(Campaign)
        .scalar_subquery()
    )
    day = (col(Campaign.launched_at) >= span.start, col(Campaign.launched_at) < span.end)
    devices = func.coalesce(func.nullif(col(Run.audience), 0), col(Run.estimate), 0)
    statement = select(col(Campaign.id), col(Campaign.name), devices.label("devices")).join(Run, col(Run.id) == first)
    mine = (col(Campaign.app_id) == span.app_id, col(Campaign.kind) == CampaignKind.CAMPAIGN, *day)
    return session.execute(statement.where(*mine).order_by(col(Campaign.id))).all()
