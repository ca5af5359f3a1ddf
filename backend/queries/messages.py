"""The targets of API messages and tests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from backend.domain.vocabulary import DeviceState
from backend.models import Context, Delivery, Device, MessageTarget, User


def devices_of_users(session: Session, app_id: int, external_ids: Sequence[str]) -> list[int]:
    """The active devices of the named users."""
    if not external_ids:
        return []
    statement = (
        select(col(Device.id))
        .join(User, col(User.id) == col(Device.user_id))
        .where(
            col(User.app_id) == app_id,
            col(User.external_id).in_(external_ids),
            col(Device.state) == DeviceState.ACTIVE,
        )
    )
    return [number for number in session.execute(statement).scalars() if number is not None]


def known_devices(session: Session, app_id: int, numbers: Sequence[int]) -> list[int]:
    """Which of these numbers are devices of the app."""
    if not numbers:
        return []
    statement = select(col(Device.id)).where(col(Device.app_id) == app_id, col(Device.id).in_(numbers))
    return [number for number in session.execute(statement).scalars() if number is not None]


def add_context(session: Session, app_id: int, data: Mapping[str, Any], now: datetime) -> int:
    """Keeps what the templates of a message read; its number."""
    context = Context(app_id=app_id, data=dict(data), created_at=now)
    session.add(context)
    session.flush()
    return context.id


def add_targets(session: Session, run_id: int, devices: Sequence[int], context_id: int | None) -> None:
    rows = [{"run_id": run_id, "device_id": device, "context_id": context_id} for device in devices]
    if rows:
        session.execute(insert(MessageTarget), rows)


def delivery_ids(session: Session, run_id: int) -> list[int]:
    statement = select(col(Delivery.id)).where(col(Delivery.run_id) == run_id).order_by(col(Delivery.id))
    return [number for number in session.execute(statement).scalars() if number is not None]
