"""Questions that somebody waits for end in time: what takes longer is given up, with an answer."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from backend.errors import TooSlow

SECONDS: Final = 5.0
_STEPS: Final = 50_000
"""Instructions of SQLite between two looks at the clock: a few milliseconds."""
_CANCELLED: Final = "57014"
_ROOMY: Final = "SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL work_mem = '64MB'"
_AS_BEFORE: Final = "; ".join(
    f"SET LOCAL {name} TO DEFAULT" for name in ("jit", "max_parallel_workers_per_gather", "work_mem")
)


@contextmanager
def limited(session: Session, seconds: float = SECONDS) -> Iterator[None]:
    """Raises `TooSlow` when what is asked of the database within takes longer than that; the transaction can go on.

    On PostgreSQL the time is each statement's own.
    """
    connection = session.connection()
    within = _sqlite if connection.dialect.name == "sqlite" else _postgres
    try:
        with roomy(session), within(connection, seconds):
            yield
    except OperationalError as error:
        if _given_up(error.orig):
            raise TooSlow from error
        raise


@contextmanager
def roomy(session: Session) -> Iterator[None]:
    """PostgreSQL may sort in memory, and does the work in one process without compiling anything first.

    Parallel workers each gathered the same set of users again: 1.1 s for an event rule that takes 0.5 s alone.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        yield
        return
    with connection.begin_nested():  # which takes the settings back where a statement fails
        connection.exec_driver_sql(_ROOMY)
        yield
        connection.exec_driver_sql(_AS_BEFORE)


def _given_up(error: Any) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorname == "SQLITE_INTERRUPT"
    return getattr(error, "sqlstate", None) == _CANCELLED


@contextmanager
def _sqlite(connection: Connection, seconds: float) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    until = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def _postgres(connection: Connection, seconds: float) -> Iterator[None]:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
    yield
    connection.exec_driver_sql("SET LOCAL statement_timeout TO DEFAULT")
