"""Removing what is only kept for a time."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from backend.models import Attempt, DeadLetter, IdempotencyKey, MemberSession


def sweep(session: Session, *, now: datetime, attempts: datetime, keys: datetime) -> None:
    """Deletes raw provider answers, dead letters, idempotency keys and ended sessions that have had their time."""
    for gone in (
        delete(Attempt).where(col(Attempt.at) < attempts),
        delete(DeadLetter).where(col(DeadLetter.at) < attempts),
        delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < keys),
        delete(MemberSession).where(col(MemberSession.expires_at) < now),
    ):
        session.execute(gone.execution_options(synchronize_session=False))
