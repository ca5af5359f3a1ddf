"""The engine and the unit of work: one action, one transaction, one commit on the way out."""

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

if TYPE_CHECKING:
    from backend.bootstrap import Core

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",
    "PRAGMA wal_autocheckpoint = 16000",
    "PRAGMA cache_size = -4096",  # a connection: with 64 MB each a sender grew by 300 MB over 100 000 pushes
)

_RESTING_SINCE = "tocsin_resting_since"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a member, an API key, a device or the clock. `label` goes into the audit trail."""

    kind: str
    id: int | None = None
    label: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.label}".strip()


CLOCK = Actor("clock")
OPERATOR = Actor("operator", label="command line")


@dataclass(frozen=True, slots=True)
class Work:
    """One unit of work: the open transaction, who acts, in which app, and the one `now` of it."""

    core: "Core"
    session: Session
    actor: Actor
    now: datetime
    app: int | None = None

    @property
    def app_id(self) -> int:
        """The app acted in. Raises `LookupError` when the action belongs to none."""
        if self.app is None:
            raise LookupError("this action needs an app")
        return self.app

    @property
    def sqlite(self) -> bool:
        return self.session.get_bind().dialect.name == "sqlite"

    def within(self, app_id: int) -> "Work":
        """The same transaction, acting in another app."""
        return replace(self, app=app_id)


def make_engine(url: str, *, may_rest: float = 0.0, may_pause: float = 15.0) -> Engine:
    """An engine whose SQLite transactions say from the start whether they will write.

    A connection of the pool that has rested for `may_rest` seconds is asked whether it is still there before it is
    used again. Who serves people asks each time; for a sender that would be a tenth of its work, and it tries again anyway.
    PostgreSQL takes a transaction away whose process has said nothing for `may_pause` seconds: one that stands still
    in the middle of it would keep its locks, and what it holds could not be taken over.
    """
    if not url.startswith("sqlite"):
        options = f"-c idle_in_transaction_session_timeout={int(may_pause * 1000)}"
        engine = create_engine(url, pool_size=10, max_overflow=20, connect_args={"options": options})
        event.listen(engine, "handle_error", _lost_by_a_pause)
        event.listen(engine, "checkin", _remember_checkin)
        event.listen(engine, "checkout", partial(_ping_after_rest, engine, may_rest))
        return engine
    database = make_url(url).database
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=10, max_overflow=40, connect_args={"timeout": 10})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _lost_by_a_pause(context: ExceptionContext) -> None:
    """The driver files a transaction that was taken away under its own errors; it is as much a lost connection as any."""
    error = context.original_exception
    if isinstance(error, IdleInTransactionSessionTimeout):
        raise OperationalError(context.statement, {}, error, connection_invalidated=True) from error


def _remember_checkin(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_RESTING_SINCE] = time.monotonic()


def _ping_after_rest(
    engine: Engine, may_rest: float, connection: Any, record: ConnectionPoolEntry, _proxy: Any
) -> None:
    """A connection that has rested may be dead by now; the pool makes a new one when this says so."""
    if record.info.get(_RESTING_SINCE, math.inf) > time.monotonic() - may_rest:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """We begin transactions ourselves: the driver's own deferred ones fail when they turn to writing."""
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def unit_of_work(
    core: "Core", actor: Actor, app: int | None = None, *, write: bool = True, now: datetime | None = None
) -> Iterator[Work]:
    """Opens a transaction and commits it once at the end; any error rolls all of it back."""
    bind = core.engine if write else core.engine.execution_options(write=False)
    with Session(bind, expire_on_commit=False) as session:
        yield Work(core, session, actor, now or core.clock(), app)
        if write:
            session.commit()
