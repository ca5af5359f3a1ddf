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


def build(settings: Settings | None = None, clock: Callable[[], datetime] = utc_now) -> Core:
    """Puts the product together from the environment or from given settings."""
    settings = settings or settings_module.load()
    return Core(settings, make_engine(settings.database_url), KeyRing(settings.secret_keys), clock)
