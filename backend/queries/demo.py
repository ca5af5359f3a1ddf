"""Filling an app with a demo's rows: many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlmodel import Session, SQLModel, col

from backend.models import Delivery, Device, Dims, Segment, User

PAGE = 2_000


def add(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows in pages, past the ORM: a table costs half of what its class does."""
    table = model.__table__  # type: ignore[attr-defined]
    for start in range(0, len(rows), PAGE):
        session.execute(insert(table), list(rows[start : start + PAGE]))


def users(session: Session, app_id: int) -> dict[str, int]:
    """Number of each known user of the app, by its id."""
    known = select(col(User.external_id), col(User.id)).where(
        col(User.app_id) == app_id, col(User.external_id).is_not(None)
    )
    return {external: number for external, number in session.execute(known) if external and number}


def count_devices(session: Session, app_id: int) -> int:
    mine = (col(Device.app_id) == app_id, col(Device.ephemeral_until).is_(None))
    return int(session.execute(select(func.count()).where(*mine)).scalar_one())


def has_segments(session: Session, app_id: int) -> bool:
    """Whether the app ever had a segment, archived ones included."""
    return session.execute(select(col(Segment.id)).where(col(Segment.app_id) == app_id).limit(1)).first() is not None


@dataclass(frozen=True, slots=True)
class Reachable:
    """An active device with its user's bucket and how it looks: platform, country, language, app version."""

    id: int
    user_id: int
    bucket: int
    look: tuple[str, str, str, str]


def reachable(session: Session, app_id: int) -> list[Reachable]:
    """The app's active devices."""
    rows = session.execute(
        select(
            col(Device.id), col(Device.user_id), col(User.bucket), col(Device.platform), col(Device.country),
            col(Device.locale), col(Device.app_version),
        ).join(User, col(User.id) == col(Device.user_id)).where(col(Device.app_id) == app_id, col(Device.state) == "active").order_by(col(Device.id))
    )  # fmt: skip
    return [Reachable(i or 0, u, b, (p, c or "", lo or "", v or "")) for i, u, b, p, c, lo, v in rows]


def dims(session: Session, app_id: int) -> dict[tuple[str, str, str, str], int]:
    """Number of each interned look of the app's devices."""
    rows = session.execute(select(Dims).where(col(Dims.app_id) == app_id)).scalars()
    return {(row.platform, row.country, row.language, row.app_version): row.id for row in rows}


def deliveries(session: Session, run_id: int) -> list[tuple[int, str, int, Any]]:
    """(number, state, variant, ended at) of a run's deliveries."""
    rows = session.execute(
        select(col(Delivery.id), col(Delivery.state), col(Delivery.variant), col(Delivery.ended_at))
        .where(col(Delivery.run_id) == run_id)
        .order_by(col(Delivery.id))
    )
    return [(i or 0, s, v, e) for i, s, v, e in rows]
