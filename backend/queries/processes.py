"""Heartbeats of the installation's processes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from backend.models import Process


def beat(session: Session, *, kind: str, name: str, address: str | None, now: datetime) -> None:
    """Writes a heartbeat; the name is unique, so several processes never disturb one another."""
    add = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = add(Process).values(kind=kind, name=name, address=address, started_at=now, heartbeat_at=now)
    session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"heartbeat_at": now, "address": address}))


def alive(session: Session, kind: str, since: datetime) -> list[str]:
    """Address, or name, of each process of the kind heard of since then; the newest first."""
    recent = (col(Process.kind) == kind, col(Process.heartbeat_at) >= since)
    rows = session.execute(select(Process).where(*recent).order_by(col(Process.started_at).desc())).scalars()
    return [row.address or row.name for row in rows]


def listing(session: Session) -> Sequence[Process]:
    """Every process that has not been forgotten, by kind and age."""
    rows = select(Process).order_by(col(Process.kind), col(Process.started_at), col(Process.id))
    return session.execute(rows).scalars().all()


def remove(session: Session, name: str) -> None:
    session.execute(delete(Process).where(col(Process.name) == name))


def forget(session: Session, before: datetime) -> None:
    session.execute(delete(Process).where(col(Process.heartbeat_at) < before))
