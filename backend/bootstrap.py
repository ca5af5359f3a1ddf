"""The composition root: the one place where settings, engine and key ring meet."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from backend import settings as settings_module
from backend.crypto import KeyRing
from backend.db import Actor, Work, make_engine, unit_of_work, utc_now
from backend.settings import Settings

LEAST_PAUSE = 15.0
"""Seconds for which a process may say nothing in the middle of a transaction, however short the leases."""


@dataclass(frozen=True, slots=True)
class Core:
    """What every face is handed. `clock` gives aware UTC; tests may hold it."""

    settings: Settings
    engine: Engine
    keyring: KeyRing
    clock: Callable[[], datetime] = field(default=utc_now)

    def work(self, actor: Actor, app: int | None = None) -> AbstractContextManager[Work]:
        """A unit of work that may write."""
        return unit_of_work(self, actor, app)

    def reading(self, actor: Actor, app: int | None = None) -> AbstractContextManager[Work]:
        """A unit of work that only reads: it never waits for a writer."""
        return unit_of_work(self, actor, app, write=False)

    def close(self) -> None:
        self.engine.dispose()


def build(settings: Settings | None = None, clock: Callable[[], datetime] = utc_now, *, may_rest: float = 0.0) -> Core:
    """Puts the product together from the environment or from given settings; `may_rest` as in `make_engine`."""
    settings = settings or settings_module.load()
    engine = make_engine(settings.database_url, may_rest=may_rest, may_pause=max(settings.lease_seconds, LEAST_PAUSE))
    return Core(settings, engine, KeyRing(settings.secret_keys), clock)
