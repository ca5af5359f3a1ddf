"""Whether this installation can work, and the figures that a monitoring system wants of it."""

from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from backend import migrate
from backend.bootstrap import Core
from backend.db import Work
from backend.queries import chunks


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that is due. `seconds` is how long its oldest part has been waiting."""

    chunks: int
    seconds: float


def problem(core: Core) -> str | None:
    """One sentence on why requests cannot be served, None when they can."""
    try:
        behind = migrate.behind(core.engine)
    except DBAPIError:
        return "The database does not answer."
    return f"The schema is at {behind}: run `tocsin migrate`." if behind else None


def backlog(work: Work) -> Backlog:
    """How much is due and not yet done."""
    count, oldest = chunks.backlog(work.session, work.now)
    return Backlog(count, (work.now - oldest).total_seconds() if oldest else 0.0)
