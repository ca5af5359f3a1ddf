"""Credentials, and what hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, exists, func, or_, select, update
from sqlalchemy import delete as delete_from
from sqlmodel import Session, col

from backend.domain.vocabulary import AddressKind, ChunkState, CredentialStatus, DeviceState, ProviderName
from backend.models import Chunk, Credential, Device
from backend.queries.accounts import count


@dataclass(frozen=True, slots=True)
class Use:
    """Who would miss a credential."""

    devices: int
    active_devices: int
    open_chunks: int


def by_number(session: Session, number: int) -> Credential | None:
    return session.execute(
        select(Credential).where(col(Credential.id) == number).execution_options(populate_existing=True)
    ).scalar_one_or_none()


def of_app(session: Session, app_id: int) -> Sequence[Credential]:
    rows = select(Credential).where(col(Credential.app_id) == app_id).order_by(col(Credential.id))
    return session.execute(rows).scalars().all()


def device_counts(session: Session, app_id: int) -> dict[int, int]:
    """How many devices are bound to each of the app's credentials; one pass by the credential's index.

    Rows that stand for topics are no devices, and so few that they are counted apart.
    """
    bound = select(col(Device.credential_id), func.count()).group_by(col(Device.credential_id))
    own = col(Device.credential_id).in_(select(col(Credential.id)).where(col(Credential.app_id) == app_id))
    topics = (col(Device.app_id) == app_id, col(Device.platform) == AddressKind.TOPIC)
    standing = {row[0]: row[1] for row in session.execute(bound.where(*topics))}
    found = [(row[0], row[1]) for row in session.execute(bound.where(own))]
    return {number: devices - standing.get(number, 0) for number, devices in found if number is not None}


def newest_active(session: Session, app_id: int, provider: str, environment: str) -> int | None:
    active = (
        select(func.max(col(Credential.id)))
        .where(col(Credential.app_id) == app_id, col(Credential.provider) == provider)
        .where(col(Credential.environment) == environment, col(Credential.status) == CredentialStatus.ACTIVE)
    )
    found: int | None = session.execute(active).scalar_one()
    return found


def limit(session: Session, number: int) -> tuple[ProviderName, int | None]:
    """Whose lane it is, and how many pushes a second a member allows it."""
    row = select(col(Credential.provider), col(Credential.max_per_second)).where(col(Credential.id) == number)
    provider, most = session.execute(row).one()
    return ProviderName(provider), most


def belongs(session: Session, number: int, app_id: int) -> bool:
    """Whether there is such a credential, and in this app."""
    mine = exists().where(col(Credential.id) == number, col(Credential.app_id) == app_id)
    return bool(session.execute(select(mine)).scalar_one())


def quarantine(session: Session, number: int, reason: str, now: datetime) -> bool:
    """Stops pruning on a lane; False when it is stopped already, or a member trusts the lane for now."""
    fresh = (
        col(Credential.quarantined_at).is_(None),
        or_(col(Credential.trusted_until).is_(None), col(Credential.trusted_until) <= now),
    )
    statement = update(Credential).where(col(Credential.id) == number, *fresh)
    values = {"quarantined_at": now, "quarantine_reason": reason}
    return count(session.execute(statement.values(**values).execution_options(synchronize_session=False))) == 1


def quarantined(session: Session, number: int) -> bool:
    shut = exists().where(col(Credential.id) == number, col(Credential.quarantined_at).is_not(None))
    return bool(session.execute(select(shut)).scalar_one())


def change(session: Session, number: int, **values: Any) -> None:
    session.execute(update(Credential).where(col(Credential.id) == number).values(**values))


def bind_waiting(session: Session, row: Credential, *, both_worlds: bool) -> int:
    """Gives the app's devices without a credential to this one; how many."""
    waiting = (
        update(Device)
        .where(
            col(Device.app_id) == row.app_id,
            col(Device.credential_id).is_(None),
            col(Device.provider) == row.provider,
        )
        .values(credential_id=row.id)
        .execution_options(synchronize_session=False)
    )
    if not both_worlds:
        waiting = waiting.where(col(Device.environment) == row.environment)
    return count(session.execute(waiting))


def use(session: Session, number: int) -> Use:
    """Counts the devices bound to a credential and the chunks that still go through it."""
    active = func.coalesce(func.sum((col(Device.state) == DeviceState.ACTIVE).cast(Integer)), 0)
    bound = (col(Device.credential_id) == number, col(Device.platform) != AddressKind.TOPIC)
    devices = session.execute(select(func.count(), active).where(*bound)).one()
    waiting = select(func.count()).where(col(Chunk.credential_id) == number, col(Chunk.state) != ChunkState.DONE)
    return Use(int(devices[0]), int(devices[1]), int(session.execute(waiting).scalar_one()))


def delete(session: Session, number: int) -> None:
    """Removes a credential with the finished chunks that went through it; deliveries stay as they are."""
    session.execute(delete_from(Credential).where(col(Credential.id) == number))
