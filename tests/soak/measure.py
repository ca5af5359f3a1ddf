"""What an idle installation costs, and how a sender grows with its work."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.bootstrap import Core
from console.up import free_port
from tests import factories
from tests.soak.fleet import (
    Fleet,
    campaign_state,
    clockwork,
    cpu_seconds,
    environment,
    processes_of,
    resident,
    scalar,
    wait_for,
)

MIB = 1024 * 1024


@dataclass(frozen=True)
class Idle:
    """Shares of one core over `seconds`."""

    seconds: float
    server: float
    sender: float

    def check(self) -> None:
        assert self.server < 0.01, self
        assert self.sender < 0.01, self


@dataclass(frozen=True)
class Growth:
    """Memory of a sender in MiB when it was warm and after so many sends more."""

    sends: int
    warm: float
    after: float
    per_second: float

    def check(self) -> None:
        assert self.after - self.warm < 50, self


@contextlib.contextmanager
def server(core: Core, log: Path, workers: int = 1) -> Iterator["subprocess.Popen[bytes]"]:
    """`tocsin up`, in a process group of its own."""
    command = [sys.executable, "-m", "console.cli", "up", "--port", str(free_port()), "--workers", str(workers)]
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


def idle(core: Core, folder: Path, seconds: float = 30.0) -> Idle:
    """CPU of `tocsin up` and of its sender while nobody wants anything; an app with devices is there."""
    log = folder / "up.log"
    with factories.simulator(folder / "simulator") as provider:
        factories.shop(core, provider.authority, 1_000)
    with server(core, log) as process:
        wait_for(lambda: "Tocsin is ready" in log.read_text(), 120, log.read_text)
        wait_for(lambda: processes_of(process.pid), 30, log.read_text)
        time.sleep(15)
        pids = [process.pid, processes_of(process.pid)[0]]
        before = [cpu_seconds(pid) for pid in pids]
        time.sleep(seconds)
        spent = [cpu_seconds(pid) - was for pid, was in zip(pids, before, strict=True)]
    return Idle(seconds, spent[0] / seconds, spent[1] / seconds)


def growth(core: Core, folder: Path, *, devices: int = 20_000, rounds: int = 5) -> Growth:
    """Memory of one sender after a first campaign, and after `rounds` more of them."""
    with factories.simulator(folder / "simulator") as provider:
        app = factories.shop(core, provider.authority, devices)
        with Fleet(core, folder, 1) as fleet, clockwork(core):
            fleet.ready()

            def send() -> None:
                campaign = factories.launched(core, app)
                fleet.wait(lambda: campaign_state(core, app.number, campaign) == "finished", 600)

            sender = fleet.workers[0].process.pid
            send()
            warm, sent, begun = resident(sender), _sent(core), time.monotonic()
            for _ in range(rounds):
                send()
            seconds = time.monotonic() - begun
            sends = _sent(core) - sent
            return Growth(sends, warm / MIB, resident(sender) / MIB, sends / seconds)


def _sent(core: Core) -> int:
    return scalar(core, "SELECT count(*) FROM delivery WHERE state = 'accepted'")
