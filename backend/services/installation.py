"""Whether this installation can work, and the figures that a monitoring system wants of it."""

from dataclasses import dataclass
from functools import lru_cache

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
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
        with core.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except DBAPIError:
        return "The database does not answer."
    if current != newest_schema():
        return f"The schema is at {current or 'nothing'}, this version needs {newest_schema()}: run `tocsin migrate`."
    return None


@lru_cache(maxsize=1)
def newest_schema() -> str | None:
    """The revision that this version's code is written for."""
    return ScriptDirectory.from_config(migrate.config()).get_current_head()


def backlog(work: Work) -> Backlog:
    """How much is due and not yet done."""
    count, oldest = chunks.backlog(work.session, work.now)
    return Backlog(count, (work.now - oldest).total_seconds() if oldest else 0.0)
