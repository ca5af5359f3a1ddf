"""Who gets tests, and what became of each test."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, and_, func, or_, select
from sqlmodel import Session, col

from backend.models import (
    Attempt,
    Delivery,
    Device,
    Dims,
    Member,
    Receipt,
    Run,
    Tester,
    User,
    Variant,
)
from backend.queries.stats import TEST


def listing(session: Session, app_id: int) -> Sequence[Row[Any]]:
    """Every tester with who they are and whose devices theirs are, by name."""
    columns: tuple[Any, ...] = (
        col(Tester.id), col(Tester.user_id), col(Tester.member_id), col(Tester.name), col(Tester.created_at),
        col(User.external_id), col(Member.email).label("member_email"), col(Member.name).label("member_name"),
    )  # fmt: skip
    found = (
        select(*columns)
        .join(User, col(User.id) == col(Tester.user_id))
        .outerjoin(Member, col(Member.id) == col(Tester.member_id))
        .where(col(Tester.app_id) == app_id)
    )
    return session.execute(found.order_by(func.lower(col(Tester.name)), col(Tester.id))).all()


def tester(session: Session, app_id: int, number: int) -> Tester | None:
    mine = (col(Tester.app_id) == app_id, col(Tester.id) == number)
    return session.execute(select(Tester).where(*mine)).scalar_one_or_none()


def these(session: Session, app_id: int, numbers: Collection[int]) -> dict[int, Tester]:
    """These testers of the app, by number."""
    mine = (col(Tester.app_id) == app_id, col(Tester.id).in_(numbers))
    return {row.id: row for row in session.execute(select(Tester).where(*mine)).scalars()}


def tester_of(session: Session, user: int) -> Tester | None:
    """The user as a tester of their app."""
    return session.execute(select(Tester).where(col(Tester.user_id) == user)).scalar_one_or_none()


def count(session: Session, app_id: int) -> int:
    return int(session.execute(select(func.count()).where(col(Tester.app_id) == app_id)).scalar_one())


def devices(session: Session, app_id: int, users: Sequence[int], numbers: Sequence[int] = ()) -> Sequence[Row[Any]]:
    """The devices of these users, those of raw tokens left out, and those with these numbers; the latest seen first."""
    columns: tuple[Any, ...] = (
        col(Device.id), col(Device.user_id), col(Device.platform), col(Device.provider), col(Device.model),
        col(Device.state), col(Device.reason), col(Device.permission), col(Device.environment), col(Device.last_seen),
        col(Device.credential_id), col(User.external_id),
    )  # fmt: skip
    theirs = and_(col(Device.user_id).in_(users), col(Device.ephemeral_until).is_(None))
    found = select(*columns).join(User, col(User.id) == col(Device.user_id))
    kept = found.where(col(Device.app_id) == app_id, or_(theirs, col(Device.id).in_(numbers)))
    return session.execute(kept.order_by(col(Device.last_seen).desc(), col(Device.id))).all()


def tests(session: Session, campaign_id: int, before: int | None, limit: int) -> Sequence[Run]:
    """A campaign's tests, the newest first, one more than the limit."""
    mine = select(Run).where(col(Run.campaign_id) == campaign_id, col(Run.kind) == TEST)
    mine = mine if before is None else mine.where(col(Run.id) < before)
    return session.execute(mine.order_by(col(Run.id).desc()).limit(limit + 1)).scalars().all()


def test(session: Session, campaign_id: int, number: int) -> Run | None:
    mine = (col(Run.campaign_id) == campaign_id, col(Run.kind) == TEST, col(Run.id) == number)
    return session.execute(select(Run).where(*mine)).scalar_one_or_none()


def outcomes(session: Session, runs: Sequence[int]) -> Sequence[Row[Any]]:
    """Every push of these tests with the device as it is now, in the order in which they were planned."""
    columns: tuple[Any, ...] = (
        col(Delivery.id), col(Delivery.run_id), col(Delivery.user_id), col(Delivery.device_id), col(Delivery.state),
        col(Delivery.reason), col(Delivery.locale), col(Delivery.attempts), col(Delivery.provider_ref),
        col(Delivery.body_hash), col(Delivery.ended_at), col(Run.created_at).label("asked_at"),
        col(User.external_id), col(Tester.name).label("tester_name"),
        col(Member.name).label("member_name"), col(Device.provider), col(Device.model),
        col(Dims.platform), col(Variant.name).label("variant"),
    )  # fmt: skip
    wording = (col(Variant.revision_id) == col(Run.revision_id)) & (col(Variant.position) == col(Delivery.variant))
    found = (
        select(*columns)
        .join(Run, col(Run.id) == col(Delivery.run_id))
        .outerjoin(User, col(User.id) == col(Delivery.user_id))
        .outerjoin(Tester, col(Tester.user_id) == col(Delivery.user_id))
        .outerjoin(Member, col(Member.id) == col(Tester.member_id))
        .outerjoin(Device, col(Device.id) == col(Delivery.device_id))
        .outerjoin(Dims, col(Dims.id) == col(Delivery.dims_id))
        .outerjoin(Variant, wording)
    )
    return session.execute(found.where(col(Delivery.run_id).in_(runs)).order_by(col(Delivery.id))).all()


def attempts(session: Session, deliveries: Sequence[int]) -> Sequence[Attempt]:
    """Providers' answers other than success, oldest first."""
    mine = select(Attempt).where(col(Attempt.delivery_id).in_(deliveries))
    return session.execute(mine.order_by(col(Attempt.id))).scalars().all()


def receipts(session: Session, deliveries: Sequence[int]) -> Sequence[Receipt]:
    mine = select(Receipt).where(col(Receipt.delivery_id).in_(deliveries))
    return session.execute(mine.order_by(col(Receipt.at), col(Receipt.id))).scalars().all()
