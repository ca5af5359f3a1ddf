"""What is known about one person and one campaign, beside the facts that the sender reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlmodel import Session, col

from backend.domain.vocabulary import DeliveryState, DeviceState, Permission, RunState
from backend.models import Campaign, Delivery, Device, Dims, Run, Segment, User

RECORDED = 50


def recorded(session: Session, campaign_id: int, user: int) -> Sequence[Row[Any]]:
    """What was written down of this campaign's pushes to a person, the newest first."""
    columns: tuple[Any, ...] = (
        col(Delivery.id), col(Delivery.run_id), col(Delivery.device_id), col(Delivery.state), col(Delivery.reason),
        col(Delivery.due_at), col(Delivery.ended_at), col(Dims.platform), col(Run.kind), col(Run.due_at).label("run_due"),
    )  # fmt: skip
    joined = select(*columns).join(Run, col(Run.id) == col(Delivery.run_id))
    mine = (col(Delivery.user_id) == user, col(Run.campaign_id) == campaign_id)
    found = joined.outerjoin(Dims, col(Dims.id) == col(Delivery.dims_id)).where(*mine)
    return session.execute(found.order_by(col(Delivery.id).desc()).limit(RECORDED)).all()


def counted(
    session: Session, user: int, run_id: int, since: datetime, now: datetime, priority: int
) -> Sequence[Row[Any]]:
    """(campaign, its name, category, at) of what `deliveries.recent` counts of one person, the oldest first."""
    waiting = and_(
        col(Delivery.state) == DeliveryState.PLANNED,
        col(Delivery.due_at) <= now,
        col(Run.priority) > priority,
        col(Run.state).in_((RunState.PLANNING, RunState.RUNNING)),
    )
    went = col(Delivery.state).in_((DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN))
    at = func.max(col(Delivery.due_at))
    keys = (col(Campaign.id), col(Campaign.name), col(Campaign.kind), col(Run.category_id))
    found = (
        select(*keys, at.label("at"))
        .join(Run, col(Run.id) == col(Delivery.run_id))
        .join(Campaign, col(Campaign.id) == col(Run.campaign_id))
        .where(col(Delivery.user_id) == user, col(Delivery.due_at) >= since, col(Run.counts), col(Run.id) != run_id)
        .where(or_(went, waiting))
        .group_by(col(Run.id), *keys)
        .order_by(at, col(Run.id))
    )
    return session.execute(found).all()


def in_audience(session: Session, user: int, condition: ColumnElement[bool]) -> tuple[bool, set[int]]:
    """Whether an audience takes a person on any device or without one, and the devices it takes them on."""
    pairs = select(col(User.id), col(Device.id)).outerjoin(Device, col(Device.user_id) == col(User.id))
    rows = session.execute(pairs.where(col(User.id) == user, condition)).all()
    return bool(rows), {device for _, device in rows if device is not None}


def twins(
    session: Session, app_id: int, condition: ColumnElement[bool], addresses: Sequence[bytes]
) -> dict[bytes, int]:
    """The first reachable device of an audience behind each address: a push goes to that one alone."""
    mine = (col(Device.app_id) == app_id, col(Device.address_index).in_(addresses), condition)
    usable = (col(Device.state) == DeviceState.ACTIVE, col(Device.permission) != Permission.DENIED)
    first = select(col(Device.address_index), func.min(col(Device.id))).join(User, col(User.id) == col(Device.user_id))
    found = first.where(*mine, *usable, col(Device.credential_id).is_not(None)).group_by(col(Device.address_index))
    return {index: int(number) for index, number in session.execute(found)}


def rules_of(session: Session, app_id: int, segment: int) -> Any | None:
    """A segment's rules as they are now, archived or not."""
    mine = (col(Segment.app_id) == app_id, col(Segment.id) == segment)
    return session.execute(select(col(Segment.rules)).where(*mine)).scalar_one_or_none()
