"""A member's second thoughts at full speed, and databases that go away in the middle of a run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import campaigns
from tests import factories
from tests.factories import Simulator
from tests.soak.books import Balance
from tests.soak.fleet import Fleet, campaign_state, clockwork, ended, scalar

GRACE = 2.0
WATCHED = 2.0
LOCKED = 11.0
"""Seconds: longer than a writer waits for SQLite's lock before it gives up."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Halted:
    """`last` is how many seconds after the word the provider took the last push; `late` came after two seconds,
    `left` were not sent at all."""

    verb: str
    last: float
    late: int
    left: int


@dataclass(frozen=True)
class Halts:
    """A pause and a cancel at full speed."""

    halts: tuple[Halted, ...]
    balance: Balance

    def check(self) -> None:
        self.balance.check()
        assert self.balance.repeats == 0
        for halt in self.halts:
            assert halt.late == 0, halt
            assert halt.left > 0, halt


def halted(core: Core, folder: Path, *, devices: int, senders: int = 2) -> Halts:
    """Pauses a run that goes as fast as it can, resumes it, and cancels it."""
    with factories.simulator(folder / "simulator") as provider:
        app = factories.shop(core, provider.authority, devices)
        with Fleet(core, folder, senders) as fleet, clockwork(core):
            fleet.ready()
            campaign = factories.launched(core, app)

            def act(verb: Callable[..., object]) -> None:
                with core.work(OPERATOR, app.number) as work:
                    verb(work, campaign)

            fleet.wait(lambda: ended(core) > devices * 0.15, 60)
            paused = _halt(core, provider, lambda: act(campaigns.pause), "pause")
            act(campaigns.resume)
            fleet.wait(lambda: ended(core) > devices * 0.5, 60)
            cancelled = _halt(core, provider, lambda: act(campaigns.cancel), "cancel")
            fleet.wait(lambda: not _open(core), 30)
        return Halts((paused, cancelled), Balance.of(core, provider))


def _halt(core: Core, provider: Simulator, act: Callable[[], None], verb: str) -> Halted:
    act()
    said = time.monotonic()
    last, count, in_time = 0.0, _arrived(provider), None
    while (now := time.monotonic() - said) < GRACE + WATCHED:
        if (arrived := _arrived(provider)) > count:
            count, last = arrived, now
        if now < GRACE:
            in_time = count
        time.sleep(0.05)
    assert in_time is not None
    unsent = "SELECT count(*) FROM delivery WHERE state IN ('planned', 'sending', 'cancelled')"
    return Halted(verb, last, count - in_time, scalar(core, unsent))


def _arrived(provider: Simulator) -> int:
    stats = provider.stats()
    return stats["pairs"] + stats["repeats"]


def _open(core: Core) -> int:
    return scalar(core, "SELECT count(*) FROM delivery WHERE state IN ('planned', 'sending')")


@dataclass(frozen=True)
class CutOff:
    """A run whose database went away `cuts` times; `alive`: the senders lived through it."""

    cuts: int
    alive: bool
    balance: Balance

    def check(self) -> None:
        self.balance.check()
        assert self.alive
        assert self.balance.repeats == 0, self


def cut_off(core: Core, folder: Path, *, devices: int, cuts: int, senders: int = 2) -> CutOff:
    """A run during which the database goes away: on PostgreSQL every session is ended so many times, on SQLite
    another writer holds the lock for longer than anybody waits for it."""
    with factories.simulator(folder / "simulator") as provider:
        provider.behave(latency_ms=100)
        app = factories.shop(core, provider.authority, devices)
        with Fleet(core, folder, senders) as fleet, clockwork(core):
            fleet.ready()
            campaign = factories.launched(core, app, throttle_per_minute=max(60, devices * 3))
            for cut in range(1, cuts + 1):
                due = 0.7 * devices * cut / (cuts + 1)
                fleet.wait(lambda due=due: _tried(lambda: ended(core) >= due), 120)
                _cut(core)
            fleet.wait(lambda: _tried(lambda: campaign_state(core, app.number, campaign) == "finished"), 180)
            alive = all(worker.alive for worker in fleet.workers)
        return CutOff(cuts, alive, Balance.of(core, provider))


def _tried(look: Callable[[], Answer]) -> Answer | None:
    """What a look at the database gives; None while it is away for us as well."""
    try:
        return look()
    except OperationalError:
        return None


def _cut(core: Core) -> None:
    others = create_engine(core.settings.database_url, isolation_level="AUTOCOMMIT")
    with others.connect() as connection:
        if core.settings.is_sqlite:
            connection.execute(text("BEGIN IMMEDIATE"))
            time.sleep(LOCKED)
            connection.execute(text("ROLLBACK"))
        else:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
    others.dispose()
