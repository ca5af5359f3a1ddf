"""Files on their way in: who works on which, how far it is, and the rows that were refused."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, or_, select, update
from sqlmodel import Session, col

from backend.domain.vocabulary import ImportState
from backend.models import ImportJob, ImportRefusal
from backend.queries.json_fields import entry

ENDED = (ImportState.FINISHED, ImportState.CANCELLED, ImportState.FAILED)


def find(session: Session, app_id: int, number: int) -> ImportJob | None:
    mine = (col(ImportJob.app_id) == app_id, col(ImportJob.id) == number)
    return session.execute(select(ImportJob).where(*mine)).scalar_one_or_none()


def by_number(session: Session, number: int) -> ImportJob | None:
    return session.execute(select(ImportJob).where(col(ImportJob.id) == number)).scalar_one_or_none()


def listing(session: Session, app_id: int, before: int | None, limit: int) -> Sequence[ImportJob]:
    """The app's imports, newest first, one more than the limit."""
    chosen = select(ImportJob).where(col(ImportJob.app_id) == app_id)
    if before is not None:
        chosen = chosen.where(col(ImportJob.id) < before)
    return session.execute(chosen.order_by(col(ImportJob.id).desc()).limit(limit + 1)).scalars().all()


def last_started(session: Session, app_id: int, kind: str, limit: int) -> Sequence[ImportJob]:
    """The latest imports of a kind that were begun, newest first: how their columns were taken is remembered."""
    mine = (col(ImportJob.app_id) == app_id, col(ImportJob.kind) == kind, col(ImportJob.started_at).is_not(None))
    return (
        session.execute(select(ImportJob).where(*mine).order_by(col(ImportJob.id).desc()).limit(limit)).scalars().all()
    )


def change(session: Session, number: int, expected: Collection[str], **values: Any) -> bool:
    """Changes a job that is in one of these states; whether it was. Waits for a page that is being taken in."""
    mine = (col(ImportJob.id) == number, col(ImportJob.state).in_(expected))
    changed = update(ImportJob).where(*mine).values(**values).execution_options(synchronize_session=False)
    return int(session.execute(changed).rowcount) == 1  # type: ignore[attr-defined]


def waiting(session: Session, owner: str, now: datetime) -> list[tuple[int, str]]:
    """(number, file) of the running jobs that nobody else has, the oldest first."""
    free = or_(col(ImportJob.lease_until).is_(None), col(ImportJob.lease_until) < now, col(ImportJob.owner) == owner)
    chosen = select(col(ImportJob.id), col(ImportJob.path)).where(col(ImportJob.state) == ImportState.RUNNING, free)
    return [(number, path) for number, path in session.execute(chosen.order_by(col(ImportJob.id)))]


def hold(session: Session, number: int, owner: str, now: datetime, until: datetime, at: int | None = None) -> bool:
    """Takes or keeps a running job by compare-and-set; `at` is where the next page must begin.

    Done first in a page's transaction: on PostgreSQL its row lock keeps pause and other workers waiting.
    """
    free = or_(col(ImportJob.lease_until).is_(None), col(ImportJob.lease_until) < now, col(ImportJob.owner) == owner)
    mine = [col(ImportJob.id) == number, col(ImportJob.state) == ImportState.RUNNING]
    mine += [free] if at is None else [col(ImportJob.owner) == owner, col(ImportJob.bytes_done) == at]
    held = update(ImportJob).where(*mine).values(owner=owner, lease_until=until)
    return int(session.execute(held.execution_options(synchronize_session=False)).rowcount) == 1  # type: ignore[attr-defined]


def advance(session: Session, number: int, bytes_done: int, **counted: int) -> None:
    """Counts a page in; in the transaction that wrote its rows."""
    values: dict[str, Any] = {name: getattr(ImportJob, name) + more for name, more in counted.items()}
    moved = update(ImportJob).where(col(ImportJob.id) == number).values(bytes_done=bytes_done, **values)
    session.execute(moved.execution_options(synchronize_session=False))


def add_refusals(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        session.execute(insert(ImportRefusal), list(rows))


def refusals(session: Session, number: int, after: int, limit: int) -> Sequence[Row[Any]]:
    """A page of the refused rows of a job, in the order of the file."""
    columns = (col(ImportRefusal.row), col(ImportRefusal.raw), col(ImportRefusal.problems))
    mine = (col(ImportRefusal.job_id) == number, col(ImportRefusal.row) > after)
    return session.execute(select(*columns).where(*mine).order_by(col(ImportRefusal.row)).limit(limit)).all()


def forget_person(session: Session, app_id: int, external_id: str) -> None:
    """Removes the refused rows that were about this user; how many were refused stays with the import.

    A row is a person's by the column that was taken for the user's id; it stands there as it did in the file.
    """
    sqlite = session.get_bind().dialect.name == "sqlite"
    jobs = select(col(ImportJob.id), col(ImportJob.mapping)).where(
        col(ImportJob.app_id) == app_id, col(ImportJob.rows_refused) > 0
    )
    for number, mapping in session.execute(jobs).all():
        for field in mapping.get("fields", ()):
            if field["to"] == "user_id":
                named = entry(col(ImportRefusal.raw), field["column"], sqlite=sqlite)
                theirs = named.text(lambda text: func.trim(text).in_((external_id, f"'{external_id}")))
                gone = delete(ImportRefusal).where(col(ImportRefusal.job_id) == number, theirs)
                session.execute(gone.execution_options(synchronize_session=False))


def kept_refusals(session: Session, number: int) -> int:
    counted = select(func.count()).select_from(ImportRefusal).where(col(ImportRefusal.job_id) == number)
    return int(session.execute(counted).scalar_one())


def leftovers(session: Session, abandoned_before: datetime) -> list[tuple[int, str]]:
    """(number, file) of jobs whose file is of no use any more: they have ended, or nobody cared for them since then."""
    never = and_(
        col(ImportJob.state).in_((ImportState.UPLOADED, ImportState.FAILED)),
        col(ImportJob.created_at) < abandoned_before,
    )
    over = and_(col(ImportJob.path) != "", or_(col(ImportJob.state).in_(ENDED[:2]), never))
    return [
        (number, path) for number, path in session.execute(select(col(ImportJob.id), col(ImportJob.path)).where(over))
    ]
