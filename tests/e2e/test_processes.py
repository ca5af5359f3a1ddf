"""`tocsin up` starts everything, stops everything, and leaves nobody behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.up import free_port
from tests.conftest import SECRET

pytestmark = pytest.mark.slow


def children(group: int) -> list[str]:
    """Command lines of the processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == group and fields[0] != "Z":
                found.append((stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.fixture
def up(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    port = free_port()
    env = {**os.environ, "TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_SECRET_KEYS": SECRET}
    command = [sys.executable, "-m", "console.cli", "up", "--demo", "--port", str(port), "--workers", "2"]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    base = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 90
    while not answers(base):
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline, (tmp_path / "log").read_text()
        time.sleep(0.1)
    yield process, base
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    log.close()


def answers(base: str) -> bool:
    with contextlib.suppress(OSError):
        return json.load(urllib.request.urlopen(base + "/health/ready", timeout=2))["status"] == "ready"
    return False


def gone(group: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while children(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_ctrl_c_stops_everything(up):
    process, _ = up
    assert len(children(process.pid)) == 4  # the server, two senders, the simulator
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    assert process.wait(25) == 0
    assert gone(process.pid, 2), children(process.pid)


def test_a_killed_server_leaves_no_orphan(up):
    process, _ = up
    process.kill()
    process.wait()
    assert gone(process.pid, 25), children(process.pid)


def test_a_killed_sender_is_started_again(up):
    process, base = up
    before = [line for line in children(process.pid) if "cli worker " in line]
    for stat in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            mine = int((stat.parent / "stat").read_text().rpartition(")")[2].split()[3]) == process.pid
            if mine and b"cli\0worker\0" in stat.read_bytes():
                os.kill(int(stat.parent.name), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while len([line for line in children(process.pid) if "cli worker " in line]) < len(before):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while not answers(base):
        assert time.monotonic() < deadline + 20
        time.sleep(0.1)
    process.terminate()
    assert process.wait(25) == 0
