"""SIGSTOP: a sender stands still for longer than its lease and wakes when others have its work."""

import contextlib
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from backend.bootstrap import Core
from tests import factories
from tests.soak.books import Balance, taken
from tests.soak.fleet import Fleet, Worker, campaign_state, clockwork, ended, rows, scalar
from tests.soak.transitions import doubled, noted

SLACK = 5.0
STREAMS = 2
LONGEST_LOCK = 20.0
"""Seconds after which PostgreSQL has surely taken a transaction away from who stands still in it."""


@dataclass(frozen=True)
class Frozen:
    """What came of it. `in_flight` rows were the frozen worker's, `waiting` of them had not left it yet; it took
    `takeover` seconds until others had them.

    `late` were sent once more after it woke, though others had finished them by then; `doubled` were written
    to after their end.
    """

    in_flight: int
    waiting: int
    takeover: float
    late: int
    doubled: int
    repeated_elsewhere: int
    balance: Balance
    seconds: float
    lease: float

    def check(self) -> None:
        self.balance.check()
        assert 0 < self.waiting <= self.in_flight
        assert self.takeover <= self.lease + SLACK
        assert self.balance.repeats <= self.in_flight - self.waiting, self
        assert (self.late, self.doubled, self.repeated_elsewhere) == (0, 0, 0), self


def frozen(
    core: Core, folder: Path, *, stop: float, devices: int, on_unknown: str = "retry", senders: int = 2
) -> Frozen:
    """A run that lasts longer than one of its senders stands still.

    The providers take few requests at once, so that some of its rows still wait for their turn when it freezes.
    """
    with factories.simulator(folder / "simulator") as provider, noted(core):
        provider.behave(latency_ms=300, streams=STREAMS)
        app = factories.shop(core, provider.authority, devices)
        with Fleet(core, folder, senders) as fleet, clockwork(core):
            fleet.ready()
            campaign = factories.launched(core, app, on_unknown=on_unknown)
            launched = time.monotonic()
            fleet.wait(lambda: ended(core) > devices / 20 and fleet.busy(), 60)
            victim = _stopped(core, fleet, anywhere=stop > LONGEST_LOCK)
            begun = time.monotonic()
            held = _in_hand(core, victim.name)
            time.sleep(1)
            waiting = held - taken(core, provider.pairs()).keys()
            fleet.wait(lambda: not _chunks(core, victim.name), stop)
            takeover = time.monotonic() - begun
            time.sleep(max(0.0, stop - takeover))
            finished = held & _final(core)
            before = taken(core, provider.pairs())
            victim.wake()
            fleet.wait(lambda: campaign_state(core, app.number, campaign) == "finished", 120 + 2 * stop)
            assert all(worker.alive for worker in fleet.workers)
            seconds = time.monotonic() - launched
            after = taken(core, provider.pairs())
            twice = doubled(core)
        balance = Balance.of(core, provider)
    return Frozen(
        in_flight=len(held),
        waiting=len(waiting),
        takeover=takeover,
        late=_grown(before, after, finished),
        doubled=len(twice),
        repeated_elsewhere=len(balance.repeated - held),
        balance=balance,
        seconds=seconds,
        lease=core.settings.lease_seconds,
    )


def _stopped(core: Core, fleet: Fleet, *, anywhere: bool) -> Worker:
    """A worker that was frozen with pushes on the network.

    On SQLite not in the middle of a write: it would keep the file's one lock, and everybody out, until it wakes.
    On PostgreSQL `anywhere`, if there is time until its transaction is taken away.
    """
    while True:
        fleet.wait(fleet.busy, 60)
        victim = fleet.busy()[0]
        victim.freeze()
        if (_writable(core) if core.settings.is_sqlite else anywhere or not _halfway(core)) and fleet.in_flight().get(
            victim.name
        ):
            return victim
        victim.wake()
        time.sleep(0.05)


def _halfway(core: Core) -> int:
    """Whether somebody stands still in the middle of a transaction."""
    time.sleep(0.3)
    still = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
    return scalar(core, f"{still} AND state_change < now() - interval '250 ms'")


def _writable(core: Core) -> bool:
    path = core.settings.database_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
    return True


def _in_hand(core: Core, owner: str) -> set[int]:
    mine = (
        "SELECT d.id FROM delivery d JOIN chunk c ON c.run_id = d.run_id AND c.number = d.chunk "
        "WHERE d.state = 'sending' AND c.owner = :owner"
    )
    return {number for (number,) in rows(core, mine, owner=owner)}


def _chunks(core: Core, owner: str) -> int:
    return scalar(core, "SELECT count(*) FROM chunk WHERE owner = :owner", owner=owner)


def _final(core: Core) -> set[int]:
    return {n for (n,) in rows(core, "SELECT id FROM delivery WHERE state NOT IN ('planned', 'sending')")}


def _grown(before: Counter[int], after: Counter[int], among: set[int]) -> int:
    return sum(after[number] > before[number] for number in among)
