"""Which parts of this installation are alive, by their own heartbeat."""

from datetime import timedelta

from backend.db import Work
from backend.queries import processes as queries

SILENT = timedelta(seconds=15)
FORGOTTEN = timedelta(days=1)


def beat(work: Work, kind: str, name: str, address: str | None = None) -> None:
    """Says that a process lives; the first time makes its row."""
    queries.beat(work.session, kind=kind, name=name, address=address, now=work.now)


def leave(work: Work, name: str) -> None:
    """Says that a process has ended in good order."""
    queries.remove(work.session, name)


def alive(work: Work, kind: str) -> list[str]:
    """The addresses (or names) of the processes of a kind that have been heard of lately."""
    return queries.alive(work.session, kind, work.now - SILENT)


def forget(work: Work) -> None:
    """Removes processes that have been silent for a day."""
    queries.forget(work.session, work.now - FORGOTTEN)
