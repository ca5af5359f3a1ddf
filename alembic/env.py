"""Runs migrations on the connection that `backend.migrate` hands over, or on the configured database."""

from typing import Any

from sqlalchemy import Connection, Index
from sqlmodel import SQLModel

from alembic import context
from backend import models, settings
from backend.db import make_engine

assert models.__all__, "the tables are known by importing them"


def here(connection: Connection, thing: Any) -> bool:
    """An index of a kind that only PostgreSQL has is looked for nowhere else."""
    of_postgres = isinstance(thing, Index) and "postgresql_using" in thing.dialect_kwargs
    return connection.dialect.name == "postgresql" or not of_postgres


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=True,
        include_object=lambda thing, *_: here(connection, thing),
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    engine = make_engine(settings.load().database_url)
    with engine.connect() as own:
        migrate(own)
    engine.dispose()
