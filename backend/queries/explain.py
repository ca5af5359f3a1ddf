"""Deliveries for people: searched in pages, and one with all that happened to it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, select
from sqlmodel import Session, col

from backend.models import Attempt, Campaign, Delivery, Device, Dims, Receipt, Run, User, Variant

COLUMNS: tuple[Any, ...] = (
    col(Delivery.id), col(Delivery.run_id), col(Delivery.device_id), col(Delivery.state), col(Delivery.reason),
    col(Delivery.locale), col(Delivery.attempts), col(Delivery.maybe_sent), col(Delivery.due_at),
    col(Delivery.ended_at), col(Delivery.body_hash), col(Delivery.provider_ref),
    col(Run.campaign_id), col(Run.kind), col(Run.created_at).label("run_created_at"), col(Run.planned_at),
    col(Campaign.name).label("campaign_name"), col(Campaign.kind).label("campaign_kind"),
    col(User.external_id).label("user"), col(Dims.platform), col(Dims.country), col(Dims.app_version),
    col(Variant.name).label("variant"), col(Device.provider), col(Device.credential_id),
    col(Device.environment), col(Device.address_kind), col(Device.sealed_address),
)  # fmt: skip


def _joined(app_id: int) -> Select[Any]:
    return (
        select(*COLUMNS)
        .join(Run, col(Run.id) == col(Delivery.run_id))
        .join(Campaign, col(Campaign.id) == col(Run.campaign_id))
        .outerjoin(User, col(User.id) == col(Delivery.user_id))
        .outerjoin(Device, col(Device.id) == col(Delivery.device_id))
        .outerjoin(Dims, col(Dims.id) == col(Delivery.dims_id))
        .outerjoin(
            Variant,
            (col(Variant.revision_id) == col(Run.revision_id)) & (col(Variant.position) == col(Delivery.variant)),
        )
        .where(col(Run.app_id) == app_id)
    )


def search(
    session: Session,
    app_id: int,
    *,
    campaign_id: int | None,
    run_id: int | None,
    user: str | None,
    device_id: int | None,
    states: Sequence[str],
    reason: str | None,
    platform: str | None,
    variant: str | None,
    receipt: str | None,
    before: int | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Newest first, one more than the limit. `receipt` keeps deliveries that have such a receipt (any: `delivered`)."""
    found = _joined(app_id)
    equal = [
        (col(Run.campaign_id), campaign_id), (col(Delivery.run_id), run_id), (col(User.external_id), user),
        (col(Delivery.device_id), device_id), (col(Delivery.reason), reason), (col(Dims.platform), platform),
        (col(Variant.name), variant),
    ]  # fmt: skip
    for column, value in equal:
        if value is not None:
            found = found.where(column == value)
    if states:
        found = found.where(col(Delivery.state).in_(states))
    if receipt:
        found = found.where(_has(receipt))
    if before is not None:
        found = found.where(col(Delivery.id) < before)
    return session.execute(found.order_by(col(Delivery.id).desc()).limit(limit + 1)).all()


def _has(receipt: str) -> Any:
    kinds = () if receipt == "delivered" else (col(Receipt.type) == receipt,)
    return select(col(Receipt.id)).where(col(Receipt.delivery_id) == col(Delivery.id), *kinds).exists()


def one(session: Session, app_id: int, delivery_id: int) -> Row[Any] | None:
    return session.execute(_joined(app_id).where(col(Delivery.id) == delivery_id)).one_or_none()


def attempts(session: Session, delivery_id: int) -> Sequence[Attempt]:
    mine = select(Attempt).where(col(Attempt.delivery_id) == delivery_id)
    return session.execute(mine.order_by(col(Attempt.id))).scalars().all()


def receipts(session: Session, delivery_id: int) -> Sequence[Receipt]:
    mine = select(Receipt).where(col(Receipt.delivery_id) == delivery_id)
    return session.execute(mine.order_by(col(Receipt.at), col(Receipt.id))).scalars().all()
