"""Processes die without warning in the middle of a run; nobody is lost and repeats are bounded."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.bootstrap import Core, build
from backend.db import OPERATOR
from backend.services import campaigns
from tests import factories
from tests.conftest import SECRET, settings_for

pytestmark = pytest.mark.slow

DEVICES = 10_000
WINDOW = 200
KILLS = 3


def environment(core: Core) -> dict[str, str]:
    return {
        **os.environ,
        "TOCSIN_DATABASE_URL": core.settings.database_url,
        "TOCSIN_DATA_DIR": str(core.settings.data_dir),
        "TOCSIN_SECRET_KEYS": SECRET,
        "TOCSIN_LEASE_SECONDS": "2",
        "TOCSIN_RETRY_SCALE": "0.01",
        "TOCSIN_WINDOW": str(WINDOW),
        "TOCSIN_LOG_LEVEL": "WARNING",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(core: Core, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`tocsin up` with one sender, in a process group of its own."""
    command = [sys.executable, "-m", "console.cli", "up", "--port", str(free_port())]
    with log.open("ab") as out:
        process = subprocess.Popen(command, env=environment(core), stdout=out, stderr=out, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(25)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def senders(parent: int) -> list[int]:
    """The sender processes that this server has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            line = (stat.parent / "cmdline").read_bytes()
            if int(fields[1]) == parent and b"worker" in line:
                found.append(int(stat.parent.name))
    return found


def done(core: Core) -> int:
    with core.engine.connect() as connection:
        open_states = "('planned', 'sending')"
        return connection.execute(text(f"SELECT count(*) FROM delivery WHERE state NOT IN {open_states}")).scalar_one()


def wait_for(check, seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.02)


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Core:
    """A database that other processes may open as well, with a lease of two seconds."""
    core = request.getfixturevalue("sqlite_core" if request.param == "sqlite" else "postgres_core")
    return build(settings_for(core.settings.database_url, tmp_path))


@pytest.mark.timeout(240)
def test_killed_senders_and_a_killed_server_lose_nobody(installation: Core, tmp_path: Path):
    core, log, dice = installation, tmp_path / "up.log", random.Random(7)
    with factories.simulator(tmp_path / "simulator") as provider:
        provider.behave(latency_ms=30)
        app = factories.shop(core, provider.authority, DEVICES)
        with server(core, log) as first:
            wait_for(lambda: senders(first.pid), 60, log)
            campaign = factories.launched(core, app)
            for kill in range(1, KILLS + 1):
                wait_for(lambda goal=kill: done(core) > goal * 1_500 + dice.randrange(300), 60, log)
                wait_for(lambda: senders(first.pid), 20, log)
                os.kill(senders(first.pid)[0], signal.SIGKILL)
            wait_for(lambda: done(core) > 6_000, 60, log)
            orphans = senders(first.pid)
            first.kill()
            first.wait()
            wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), 25, log)
        with server(core, log):
            wait_for(lambda: state(core, app.number, campaign) == "finished", 90, log)
        stats = provider.stats()
    with core.engine.connect() as connection:
        counted = dict(connection.execute(text("SELECT state, count(*) FROM delivery GROUP BY state")).all())
        audience = connection.execute(text("SELECT audience FROM run")).scalar_one()
        maybe = connection.execute(text("SELECT count(*) FROM delivery WHERE maybe_sent")).scalar_one()
    core.close()
    assert sum(counted.values()) == audience > 0.9 * DEVICES
    assert counted.get("planned", 0) == counted.get("sending", 0) == 0
    assert stats["pairs"] == counted["accepted"]
    assert stats["repeats"] <= (KILLS + 1) * WINDOW
    assert stats["repeats"] <= maybe


def state(core: Core, app: int, campaign: str) -> str:
    with core.reading(OPERATOR, app) as work:
        return campaigns.get(work, campaign).row.state
