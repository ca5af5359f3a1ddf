"""One person: what they did, what was sent to them, where they belong, and switching their devices."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, select, tuple_, update
from sqlmodel import Session, col

from backend.domain.vocabulary import DeviceState
from backend.models import (
    Attempt,
    AuditEntry,
    Campaign,
    Context,
    Delivery,
    Device,
    Dims,
    Entry,
    Event,
    Run,
    Segment,
    User,
    UserList,
    UserListMember,
    Variant,
)
from backend.queries.people import Spot


def since(session: Session, user: int) -> dict[int, datetime | None]:
    """device → since when it is in its state."""
    mine = select(col(Device.id), col(Device.state_at)).where(col(Device.user_id) == user)
    return {number: at for number, at in session.execute(mine) if number is not None}


def events(session: Session, user: int, behind: Spot | None, limit: int) -> Sequence[Row[Any]]:
    """What a person did, the latest first, one more than the limit."""
    columns = (
        col(Event.id), col(Event.name), col(Event.at), col(Event.received_at), col(Event.device_id),
        col(Event.properties), col(Event.value), col(Event.currency), col(Event.external_id),
    )  # fmt: skip
    place = (col(Event.at), col(Event.id))
    found: Any = select(*columns).where(col(Event.user_id) == user)
    found = found if behind is None else found.where(tuple_(*place) < tuple_(behind.active, behind.id))
    return session.execute(found.order_by(*(one.desc() for one in place)).limit(limit + 1)).all()


def pushes(session: Session, user: int, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """What was meant for a person, the newest first, one more than the limit."""
    variant = (col(Variant.revision_id) == col(Run.revision_id)) & (col(Variant.position) == col(Delivery.variant))
    found: Any = (
        select(
            col(Delivery.id), col(Delivery.device_id), col(Delivery.state), col(Delivery.reason), col(Delivery.due_at),
            col(Delivery.ended_at), col(Run.campaign_id), col(Run.kind), col(Campaign.name).label("campaign_name"),
            col(Campaign.kind).label("campaign_kind"), col(Variant.name).label("variant"), col(Dims.platform),
        )
        .join(Run, col(Run.id) == col(Delivery.run_id))
        .join(Campaign, col(Campaign.id) == col(Run.campaign_id))
        .outerjoin(Variant, variant)
        .outerjoin(Dims, col(Dims.id) == col(Delivery.dims_id))
        .where(col(Delivery.user_id) == user)
    )  # fmt: skip
    found = found if before is None else found.where(col(Delivery.id) < before)
    return session.execute(found.order_by(col(Delivery.id).desc()).limit(limit + 1)).all()


def lists(session: Session, user: int) -> Sequence[Row[Any]]:
    """(id, name) of the lists that the person is in."""
    names = select(col(UserList.id), col(UserList.name))
    mine = names.join(UserListMember, col(UserListMember.list_id) == col(UserList.id))
    kept = (col(UserListMember.user_id) == user, col(UserList.archived_at).is_(None))
    return session.execute(mine.where(*kept).order_by(col(UserList.name), col(UserList.id))).all()


def newest_segments(session: Session, app_id: int, limit: int) -> Sequence[Row[Any]]:
    """(id, name, rules) of the segments changed last."""
    mine = (col(Segment.app_id) == app_id, col(Segment.archived_at).is_(None))
    found = select(col(Segment.id), col(Segment.name), col(Segment.rules)).where(*mine)
    return session.execute(found.order_by(col(Segment.updated_at).desc(), col(Segment.id).desc()).limit(limit)).all()


def holds(session: Session, user: int, conditions: Sequence[ColumnElement[bool]]) -> list[bool]:
    """Which of the conditions are true for the person on any device (or without one), in one statement."""
    if not conditions:
        return []
    flags = [func.max(case((condition, 1), else_=0)) for condition in conditions]
    pairs = select(*flags).select_from(User).outerjoin(Device, col(Device.user_id) == col(User.id))
    return [bool(flag) for flag in session.execute(pairs.where(col(User.id) == user)).one()]


def switch(
    session: Session, user: int, *, now: datetime, old: str, new: str, reason: str | None, because: str | None = None
) -> list[int]:
    """Moves the person's devices in one state (for the reason `because`, if given) into another; which."""
    mine = [col(Device.user_id) == user, col(Device.state) == old, col(Device.ephemeral_until).is_(None)]
    mine += [] if because is None else [col(Device.reason) == because]
    changed = update(Device).where(*mine).values(state=new, reason=reason, state_at=now).returning(col(Device.id))
    return list(session.execute(changed.execution_options(synchronize_session=False)).scalars())


def active_devices(session: Session, user: int) -> int:
    mine = (col(Device.user_id) == user, col(Device.state) == DeviceState.ACTIVE, col(Device.ephemeral_until).is_(None))
    return int(session.execute(select(func.count()).select_from(Device).where(*mine)).scalar_one())


def entries(session: Session, user: int) -> Sequence[Row[Any]]:
    """(campaign, state, event's time, due, created, context) of the event campaigns that the person has entered."""
    columns = (
        col(Entry.campaign_id), col(Entry.state), col(Entry.event_at), col(Entry.due_at), col(Entry.created_at),
        col(Entry.context),
    )  # fmt: skip
    return session.execute(select(*columns).where(col(Entry.user_id) == user).order_by(col(Entry.id))).all()


def attempts(session: Session, user: int) -> Sequence[Row[Any]]:
    """(delivery, at, number, outcome, status, reason) of every provider's answer to the person's pushes."""
    columns = (
        col(Attempt.delivery_id), col(Attempt.at), col(Attempt.number), col(Attempt.outcome), col(Attempt.status),
        col(Attempt.reason),
    )  # fmt: skip
    mine = select(*columns).join(Delivery, col(Delivery.id) == col(Attempt.delivery_id))
    return session.execute(mine.where(col(Delivery.user_id) == user).order_by(col(Attempt.id))).all()


def contexts(session: Session, user: int) -> dict[int, Any]:
    """delivery → what its text was filled in with beside the profile."""
    mine = select(col(Delivery.id), col(Context.data)).join(Context, col(Context.id) == col(Delivery.context_id))
    return {number: data for number, data in session.execute(mine.where(col(Delivery.user_id) == user)) if number}


def audit_of(session: Session, app_id: int, subjects: Collection[str]) -> Sequence[AuditEntry]:
    """What members and programs did to these, oldest first; the app's whole trail is read for it."""
    mine = (col(AuditEntry.app_id) == app_id, col(AuditEntry.subject).in_(subjects))
    return session.execute(select(AuditEntry).where(*mine).order_by(col(AuditEntry.id))).scalars().all()
