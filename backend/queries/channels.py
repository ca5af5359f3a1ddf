"""How far each platform of an app has come: seen in the devices that registered last."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, select
from sqlmodel import Session, col

from backend.domain.vocabulary import DeliveryState
from backend.models import Credential, Delivery, Device, Receipt


def providers(session: Session, app_id: int) -> set[str]:
    """The providers for which the app has a credential in use."""
    mine = (col(Credential.app_id) == app_id, col(Credential.status) == "active")
    return set(session.execute(select(col(Credential.provider)).where(*mine).distinct()).scalars())


def latest_devices(
    session: Session, app_id: int, platform: str, limit: int
) -> Sequence[Row[tuple[int, int, datetime]]]:
    """(device, user, registered) of the platform's devices with the highest numbers; those of raw addresses are nobody's."""
    mine = (col(Device.app_id) == app_id, col(Device.platform) == platform, col(Device.ephemeral_until).is_(None))
    columns = (col(Device.id), col(Device.user_id), col(Device.registered_at))
    return session.execute(select(*columns).where(*mine).order_by(col(Device.id).desc()).limit(limit)).all()


def reached(session: Session, devices: Sequence[Row[Any]]) -> tuple[bool, bool]:
    """Whether a push to any of these devices was accepted, and whether any of them reported one. By user: that has the index."""
    users: Collection[int] = {row.user_id for row in devices}
    theirs = (col(Delivery.user_id).in_(users), col(Delivery.device_id).in_([row.id for row in devices]))
    accepted = exists().where(*theirs, col(Delivery.state) == DeliveryState.ACCEPTED)
    reported = exists().where(*theirs, col(Receipt.delivery_id) == col(Delivery.id))
    row = session.execute(select(accepted, reported)).one()
    return bool(row[0]), bool(row[1])
