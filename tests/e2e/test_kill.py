"""Processes die, freeze and lose their database in the middle of a run; nobody is lost and repeats are bounded.

The short form of `make soak`: the same trials with fewer devices.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.bootstrap import Core, build
from tests import factories
from tests.conftest import settings_for
from tests.soak import freeze, kill, trouble
from tests.soak.books import Balance
from tests.soak.fleet import LEASE, WINDOW, campaign_state, ended, processes_of, wait_for
from tests.soak.measure import server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ON_SQLITE = pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("installation", ["postgresql"], indirect=True)
"""Where one database is enough here; `make soak` has both."""


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Core]:
    """A database that other processes may open as well."""
    core = request.getfixturevalue("sqlite_core" if request.param == "sqlite" else "postgres_core")
    waits = {"TOCSIN_LEASE_SECONDS": str(LEASE), "TOCSIN_RETRY_SCALE": "0.002"}
    environment = {"TOCSIN_WINDOW": str(WINDOW), **waits}
    opened = build(settings_for(core.settings.database_url, tmp_path, **environment))
    yield opened
    opened.close()


def test_senders_killed_in_mid_run_lose_nobody(installation: Core, tmp_path: Path):
    """`retry` on one database, `never_twice` on the other; `make soak` has all four."""
    choice = "retry" if installation.settings.is_sqlite else "never_twice"
    trial = kill.Trial(devices=3_000, kills=5, on_unknown=choice, per_minute=30_000, patience=120)
    kill.killed(installation, tmp_path, trial).check()


@ON_POSTGRESQL
def test_senders_replaced_one_after_the_other_lose_and_repeat_nobody(installation: Core, tmp_path: Path):
    trial = kill.Trial(devices=2_000, kills=0, senders=2, reset_after_accept=0.0, per_minute=12_000, patience=120)
    kill.rolled(installation, tmp_path, trial).check()


@ON_POSTGRESQL
def test_a_frozen_sender_that_wakes_changes_nothing(installation: Core, tmp_path: Path):
    freeze.frozen(installation, tmp_path, stop=8.0, devices=1_500).check()


@ON_SQLITE
def test_pause_and_cancel_are_heard_within_two_seconds(installation: Core, tmp_path: Path):
    trouble.halted(installation, tmp_path, devices=4_000).check()


def test_a_database_that_goes_away_loses_nobody(installation: Core, tmp_path: Path):
    patient = build(settings_for(installation.settings.database_url, tmp_path, TOCSIN_LEASE_SECONDS="20"))
    trouble.cut_off(patient, tmp_path, devices=1_500, cuts=1 if patient.settings.is_sqlite else 4).check()
    patient.close()


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_a_killed_server_loses_nobody(installation: Core, tmp_path: Path):
    """Its sender drains by itself, and the next server's sender does the rest."""
    core, log = installation, tmp_path / "up.log"
    with factories.simulator(tmp_path / "simulator") as provider:
        provider.behave(latency_ms=100)
        app = factories.shop(core, provider.authority, 2_000)
        with server(core, log) as first:
            wait_for(lambda: processes_of(first.pid), 60, log.read_text)
            campaign = factories.launched(core, app, throttle_per_minute=12_000)
            wait_for(lambda: ended(core) > 400, 60, log.read_text)
            orphans = processes_of(first.pid)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), 25, log.read_text)
        assert campaign_state(core, app.number, campaign) == "running"
        with server(core, log):
            wait_for(lambda: campaign_state(core, app.number, campaign) == "finished", 90, log.read_text)
        balance = Balance.of(core, provider)
    balance.check()
    assert balance.repeats == 0
