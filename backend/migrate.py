"""Brings a database's schema to the newest version; safe to run from several processes at once."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from alembic import command

HERE = Path(__file__).resolve().parent.parent
LOCK = 7_206_314  # any number that nobody else locks


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; the migrations lie beside the package."""
    made = Config()
    made.set_main_option("script_location", str(HERE / "alembic"))
    made.attributes["connection"] = connection
    return made


def behind(engine: Engine) -> str | None:
    """The schema's version when it is not the newest ("empty" before the first migration), else None."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return None if current == head else (current or "empty")


def to_head(engine: Engine) -> None:
    """Upgrades to the newest schema; a second process waits until the first is done."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
        command.upgrade(config(connection), "head")
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()
