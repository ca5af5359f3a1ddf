"""Requests that may come twice: the first of them writes a row, the others find it."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from backend.models import IdempotencyKey
from backend.queries.accounts import count


def claim(session: Session, **values: Any) -> int | None:
    """Writes the row of a first request and gives its number; None when there is one already.

    On PostgreSQL a twin at the same instant waits here until the first has committed.
    """
    add = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = add(IdempotencyKey).values(**values).on_conflict_do_nothing().returning(col(IdempotencyKey.id))
    return session.execute(row).scalar_one_or_none()


def find(session: Session, app_id: int, route: str, key: str) -> IdempotencyKey | None:
    same = and_(
        col(IdempotencyKey.app_id) == app_id, col(IdempotencyKey.route) == route, col(IdempotencyKey.key) == key
    )
    return session.execute(select(IdempotencyKey).where(same)).scalar_one_or_none()


def take_over(session: Session, number: int, claimed_at: datetime, now: datetime) -> bool:
    """Claims a row whose process has died; False when somebody else was first."""
    held = _held(number, claimed_at)
    return count(session.execute(update(IdempotencyKey).where(held).values(created_at=now))) == 1


def finish(session: Session, number: int, claimed_at: datetime, status: int, answer: dict[str, Any]) -> bool:
    """Writes the answer; False when the row has been taken over meanwhile."""
    held = _held(number, claimed_at)
    written = update(IdempotencyKey).where(held).values(status=status, answer=answer)
    return count(session.execute(written)) == 1


def release(session: Session, number: int, claimed_at: datetime) -> None:
    session.execute(delete(IdempotencyKey).where(_held(number, claimed_at)))


def forget(session: Session, before: datetime) -> int:
    return count(session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < before)))


def _held(number: int, claimed_at: datetime) -> Any:
    return and_(
        col(IdempotencyKey.id) == number,
        col(IdempotencyKey.created_at) == claimed_at,
        col(IdempotencyKey.status).is_(None),
    )
