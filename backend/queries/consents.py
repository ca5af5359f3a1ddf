"""What people have said yes or no to."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from backend.models import Consent


def add(
    session: Session, app_id: int, user: int, *, purpose: str, given: bool, at: datetime, how: str, by: str,
    now: datetime,
) -> Consent:  # fmt: skip
    row = Consent(
        app_id=app_id, user_id=user, purpose=purpose, given=given, at=at, how=how, recorded_at=now, recorded_by=by
    )
    session.add(row)
    session.flush()
    return row


def of_user(session: Session, user: int, before: int | None, limit: int) -> Sequence[Consent]:
    """What was recorded last comes first; one more than the limit."""
    mine = select(Consent).where(col(Consent.user_id) == user)
    mine = mine if before is None else mine.where(col(Consent.id) < before)
    return session.execute(mine.order_by(col(Consent.id).desc()).limit(limit + 1)).scalars().all()


def every(session: Session, user: int) -> Sequence[Consent]:
    """All of a person's, oldest first."""
    mine = select(Consent).where(col(Consent.user_id) == user)
    return session.execute(mine.order_by(col(Consent.at), col(Consent.id))).scalars().all()
