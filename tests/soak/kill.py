"""kill -9 and SIGTERM in the middle of a run."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backend.bootstrap import Core
from tests import factories
from tests.soak.books import Balance
from tests.soak.fleet import WINDOW, Fleet, campaign_state, change, clockwork, ended, scalar

FAULTS = {
    "apns": {"429/TooManyRequests": 0.02, "503/ServiceUnavailable": 0.02, "500/InternalServerError": 0.01},
    "fcm": {"429/QUOTA_EXCEEDED": 0.02, "503/UNAVAILABLE": 0.02, "500/INTERNAL": 0.01},
    "webpush": {"429/@1": 0.02, "503/": 0.02, "500/": 0.01},
}
"""One answer in twenty is a 429 or a 5xx."""
DRAIN = 20.0


@dataclass(frozen=True)
class Trial:
    """What is done to whom. `per_minute` is the campaign's throttle, so that a run lasts long enough to be disturbed."""

    devices: int = 20_000
    senders: int = 3
    kills: int = 20
    on_unknown: str = "retry"
    seed: int = 1
    latency_ms: float = 300.0
    per_minute: int = 60_000
    reset_after_accept: float = 0.01
    patience: float = 240.0


@dataclass
class Report:
    """What came of a trial. `in_flight` has, for each kill, how many rows the victim was sending; `drains` how many
    seconds each SIGTERM took."""

    trial: Trial
    in_flight: list[int] = field(default_factory=list)
    drains: list[float] = field(default_factory=list)
    seconds: float = 0.0
    balance: Balance | None = None

    def check(self) -> None:
        """The promises: nobody lost; no more repeats than were in flight at the kills and unsure by themselves."""
        trial, balance = self.trial, self.balance
        assert balance is not None
        balance.check()
        assert len(self.in_flight) == trial.kills
        assert all(seconds <= DRAIN for seconds in self.drains), self.drains
        assert all(0 < count <= WINDOW for count in self.in_flight), self.in_flight
        assert balance.repeats <= self.bound, (balance, self.in_flight)

    @property
    def bound(self) -> int:
        """How many pushes may have come twice."""
        assert self.balance is not None
        return 0 if self.trial.on_unknown == "never_twice" else sum(self.in_flight) + self.balance.doubts


def killed(core: Core, folder: Path, trial: Trial, *, say: Callable[[str], None] = lambda _: None) -> Report:
    """A run in which random senders are killed at random moments, each with pushes on the network."""
    dice, report = random.Random(trial.seed), Report(trial)

    def disturb(fleet: Fleet) -> None:
        moments = sorted(dice.uniform(0.04, 0.9) for _ in range(trial.kills))
        audience = scalar(core, "SELECT audience FROM run")
        for moment in moments:
            fleet.wait(lambda due=moment: ended(core) >= due * audience, trial.patience)
            fleet.fill()
            victim = None
            while victim is None:
                fleet.wait(fleet.busy, trial.patience)
                victim = _strike(fleet, dice)
            report.in_flight.append(victim)
            fleet.fill()
            say(f"kill {len(report.in_flight)} at {ended(core)}: {victim} in flight")

    return _run(core, folder, trial, report, disturb)


def _strike(fleet: Fleet, dice: random.Random) -> int | None:
    """Kills a busy worker; what it was sending at that moment. None when it had just become idle."""
    busy = fleet.busy()
    if not busy:
        return None
    victim = dice.choice(busy)
    victim.kill()
    return fleet.in_flight().get(victim.name)


def rolled(core: Core, folder: Path, trial: Trial) -> Report:
    """A run in which each sender in turn is asked to drain and replaced, three times round.

    The trial has no kills and no answers that never come, so that every repeat would be the restarts' own.
    """
    report = Report(trial)

    def disturb(fleet: Fleet) -> None:
        turns = 3 * trial.senders
        audience = scalar(core, "SELECT audience FROM run")
        for turn in range(turns):
            fleet.wait(lambda due=(turn + 1) / (turns + 2): ended(core) >= due * audience, trial.patience)
            oldest = fleet.workers[0]
            fleet.wait(lambda worker=oldest: worker in fleet.busy() or ended(core) == audience, trial.patience)
            report.drains.append(oldest.drain())
            fleet.fill()

    return _run(core, folder, trial, report, disturb)


def _run(core: Core, folder: Path, trial: Trial, report: Report, disturb: Callable[[Fleet], None]) -> Report:
    with factories.simulator(folder / "simulator") as provider:
        provider.behave(
            latency_ms=trial.latency_ms, mix=FAULTS, reset_after_accept=trial.reset_after_accept, seed=trial.seed
        )
        app = factories.shop(core, provider.authority, trial.devices)
        change(core, "UPDATE app SET error_limit_percent = 0")
        with Fleet(core, folder, trial.senders) as fleet, clockwork(core):
            fleet.ready()
            begun = time.monotonic()
            campaign = factories.launched(core, app, on_unknown=trial.on_unknown, throttle_per_minute=trial.per_minute)
            fleet.wait(lambda: campaign_state(core, app.number, campaign) == "running" and ended(core), 60)
            disturb(fleet)
            fleet.wait(lambda: campaign_state(core, app.number, campaign) == "finished", trial.patience)
            report.seconds = time.monotonic() - begun
        report.balance = Balance.of(core, provider)
    return report
