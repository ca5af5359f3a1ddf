"""Removing what is only kept for a time, in pages: never one huge statement."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, exists, func, select, text, tuple_, update
from sqlmodel import Session, col

from backend.domain.vocabulary import EntryState, RunState
from backend.models import (
    App,
    Attempt,
    AuditEntry,
    Context,
    DeadLetter,
    Delivery,
    Entry,
    Event,
    IdempotencyKey,
    ImportJob,
    ImportRefusal,
    MemberSession,
    Run,
)

IMPORTS_ENDED: Final = ("finished", "cancelled", "failed")
_UNTRACKED = {"synchronize_session": False}


def sweep(session: Session, *, now: datetime, keys: datetime) -> None:
    """Deletes idempotency keys and ended sessions that have had their time: of a day, so few."""
    for gone in (
        delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < keys),
        delete(MemberSession).where(col(MemberSession.expires_at) < now),
    ):
        session.execute(gone.execution_options(**_UNTRACKED))


def apps(session: Session) -> Sequence[Row[Any]]:
    """(id, retention) of every app, archived ones too."""
    return session.execute(select(col(App.id), col(App.retention)).order_by(col(App.id))).all()


def event_names(session: Session, app_id: int) -> list[str]:
    """The kinds of events that there are, by one look into the index each."""
    found = text(
        "WITH RECURSIVE n(name) AS (SELECT min(name) FROM event WHERE app_id = :app UNION ALL "
        "SELECT (SELECT min(name) FROM event WHERE app_id = :app AND name > n.name) FROM n WHERE n.name IS NOT NULL) "
        "SELECT name FROM n WHERE name IS NOT NULL"
    )
    return list(session.execute(found, {"app": app_id}).scalars())


def events(session: Session, app_id: int, name: str, before: datetime, limit: int) -> int:
    """Deletes a page of events, and what ended entries have kept of them; one whose entry still waits stays."""
    awaited = exists().where(col(Entry.event_id) == col(Event.id), col(Entry.state) == EntryState.WAITING)
    mine = (col(Event.app_id) == app_id, col(Event.name) == name, col(Event.at) < before, ~awaited)
    gone = list(session.execute(select(col(Event.id)).where(*mine).limit(limit)).scalars())
    if not gone:
        return 0
    emptied = update(Entry).where(col(Entry.event_id).in_(gone)).values(context={})
    session.execute(emptied.execution_options(**_UNTRACKED))
    return _count(session.execute(delete(Event).where(col(Event.id).in_(gone)).execution_options(**_UNTRACKED)))


def attempts(session: Session, app_ids: Collection[int] | None, before: datetime, limit: int) -> int:
    """Deletes a page of raw provider answers of these apps, or of all."""
    page = select(col(Attempt.id)).where(col(Attempt.at) < before).limit(limit)
    if app_ids is not None:
        page = page.join(Delivery, col(Delivery.id) == col(Attempt.delivery_id))
        page = page.join(Run, col(Run.id) == col(Delivery.run_id)).where(col(Run.app_id).in_(app_ids))
    return _count(session.execute(delete(Attempt).where(col(Attempt.id).in_(page)).execution_options(**_UNTRACKED)))


def dead_letters(session: Session, app_ids: Collection[int] | None, before: datetime, limit: int) -> int:
    """Deletes a page of dead letters: they hold the same answers."""
    page = select(col(DeadLetter.delivery_id)).where(col(DeadLetter.at) < before).limit(limit)
    page = page if app_ids is None else page.where(col(DeadLetter.app_id).in_(app_ids))
    gone = delete(DeadLetter).where(col(DeadLetter.delivery_id).in_(page))
    return _count(session.execute(gone.execution_options(**_UNTRACKED)))


def audit(session: Session, app_id: int | None, before: datetime, limit: int) -> int:
    """Deletes a page of the audit trail: of an app, or (None) of what belongs to none."""
    mine = col(AuditEntry.app_id).is_(None) if app_id is None else col(AuditEntry.app_id) == app_id
    page = select(col(AuditEntry.id)).where(mine, col(AuditEntry.at) < before).limit(limit)
    gone = delete(AuditEntry).where(col(AuditEntry.id).in_(page))
    return _count(session.execute(gone.execution_options(**_UNTRACKED)))


def refusals(session: Session, app_id: int, before: datetime, limit: int) -> int:
    """Deletes a page of the refused rows of imports that ended before; how many were refused stays with the import."""
    ended = func.coalesce(col(ImportJob.finished_at), col(ImportJob.created_at)) < before
    job = tuple_(col(ImportRefusal.job_id), col(ImportRefusal.row))
    page = (
        select(col(ImportRefusal.job_id), col(ImportRefusal.row))
        .join(ImportJob, col(ImportJob.id) == col(ImportRefusal.job_id))
        .where(col(ImportJob.app_id) == app_id, col(ImportJob.state).in_(IMPORTS_ENDED), ended)
        .limit(limit)
    )
    return _count(session.execute(delete(ImportRefusal).where(job.in_(page)).execution_options(**_UNTRACKED)))


def known_deliveries(session: Session, app_id: int, before: datetime, after_run: int, limit: int) -> Sequence[Row[Any]]:
    """(id, run, context) of a page of deliveries of ended runs that still say whom they went to."""
    old = (col(Run.app_id) == app_id, col(Run.finished_at) < before, col(Run.id) >= after_run)
    ended = col(Run.state).in_((RunState.FINISHED, RunState.CANCELLED))
    found = select(col(Delivery.id), col(Delivery.run_id), col(Delivery.context_id)).join(
        Run, col(Run.id) == col(Delivery.run_id)
    )
    page = found.where(*old, ended, col(Delivery.device_id).is_not(None)).order_by(col(Run.id)).limit(limit)
    return session.execute(page).all()


def forget_people(session: Session, deliveries: Collection[int], contexts: Collection[int]) -> None:
    """Takes the people out of deliveries, with what providers said of them and what their texts were filled in with."""
    theirs = col(Delivery.id).in_(deliveries)
    session.execute(
        update(Attempt).where(col(Attempt.delivery_id).in_(deliveries)).values(raw="").execution_options(**_UNTRACKED)
    )
    session.execute(
        delete(DeadLetter).where(col(DeadLetter.delivery_id).in_(deliveries)).execution_options(**_UNTRACKED)
    )
    nobody = update(Delivery).where(theirs).values(user_id=None, device_id=None, context_id=None)
    session.execute(nobody.execution_options(**_UNTRACKED))
    session.execute(delete(Context).where(col(Context.id).in_(contexts)).execution_options(**_UNTRACKED))


def _count(result: Any) -> int:
    return int(result.rowcount)
