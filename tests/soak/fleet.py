"""An installation with sender processes that a trial may kill, freeze and restart."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import create_engine, text

from backend import scheduler
from backend.bootstrap import Core, build
from backend.db import OPERATOR
from backend.migrate import to_head
from backend.services import campaigns
from tests.conftest import POSTGRES, SECRET, settings_for

LEASE = 5.0
"""Seconds. A third of the default, so that a trial does not wait for ever, and long enough for a busy machine."""
WINDOW = 200
DATABASES = ("sqlite", "postgresql")


@contextlib.contextmanager
def installation(database: str, folder: Path, *, lease: float = LEASE) -> Iterator[Core]:
    """A migrated database of a trial's own, gone afterwards."""
    with _sqlite(folder) if database == "sqlite" else _postgresql() as url:
        core = build(settings_for(url, folder, TOCSIN_WINDOW=str(WINDOW), TOCSIN_LEASE_SECONDS=str(lease)))
        to_head(core.engine)
        try:
            yield core
        finally:
            core.close()


@contextlib.contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'trial.db'}"


@contextlib.contextmanager
def _postgresql() -> Iterator[str]:
    name = f"tocsin_trial_{uuid.uuid4().hex[:12]}"
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def environment(core: Core) -> dict[str, str]:
    """What another process of the same installation is started with."""
    return {
        **core.settings.child_environment(),
        "TOCSIN_SECRET_KEYS": SECRET,
        "TOCSIN_LEASE_SECONDS": str(core.settings.lease_seconds),
        "TOCSIN_RETRY_SCALE": str(core.settings.retry_scale),
        "TOCSIN_WINDOW": str(core.settings.window),
        "TOCSIN_LOG_LEVEL": "WARNING",
    }


@dataclass
class Worker:
    """One `tocsin worker`."""

    process: "subprocess.Popen[bytes]"

    @property
    def name(self) -> str:
        """What it calls itself in the database."""
        return f"sender {socket.gethostname()} {self.process.pid}"

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """kill -9, and no longer there when this returns."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def drain(self) -> float:
        """SIGTERM; how many seconds it took to end in good order."""
        begun = time.monotonic()
        self.process.terminate()
        assert self.process.wait(30) == 0
        return time.monotonic() - begun


class Fleet:
    """So many workers on one installation. Leaving the block ends them; none of them may have complained."""

    def __init__(self, core: Core, folder: Path, size: int) -> None:
        self._core, self.log, self._size = core, folder / "senders.log", size
        self.workers: list[Worker] = []

    def __enter__(self) -> Self:
        self.fill()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for worker in self.workers:
            worker.wake()
            worker.process.terminate()
        for worker in self.workers:
            try:
                worker.process.wait(25)
            except subprocess.TimeoutExpired:
                worker.kill()
        if kind is None:
            complaints = self.complaints()
            assert not complaints, complaints

    def complaints(self) -> str:
        """What the workers said that nobody should ever hear of: errors, with what stands below them."""
        text = self.log.read_text(errors="replace")
        first = min((at for at in (text.find(" ERROR "), text.find("Traceback")) if at >= 0), default=-1)
        return text[max(0, first - 200) : first + 3000] if first >= 0 else ""

    def fill(self) -> None:
        """Starts a new worker for each that has ended."""
        self.workers = [worker for worker in self.workers if worker.alive]
        while len(self.workers) < self._size:
            self.hire()

    def hire(self) -> Worker:
        command = [sys.executable, "-m", "console.cli", "worker"]
        with self.log.open("ab") as out:
            process = subprocess.Popen(command, env=environment(self._core), stdout=out, stderr=out)
        self.workers.append(Worker(process))
        return self.workers[-1]

    def ready(self, seconds: float = 60) -> None:
        """Waits until each worker has said that it lives."""
        names = {worker.name for worker in self.workers}
        self.wait(lambda: names <= {name for (name,) in rows(self._core, "SELECT name FROM process")}, seconds)

    def in_flight(self) -> dict[str, int]:
        """How many rows each worker, dead or alive, is sending as the database knows it."""
        busy = (
            "SELECT c.owner, count(*) FROM delivery d JOIN chunk c ON c.run_id = d.run_id AND c.number = d.chunk "
            "WHERE d.state = 'sending' GROUP BY c.owner"
        )
        return dict(rows(self._core, busy))

    def busy(self) -> list[Worker]:
        """The living workers that have pushes on the network now."""
        sending = self.in_flight()
        return [worker for worker in self.workers if worker.alive and sending.get(worker.name)]

    def wait(self, check: Callable[[], object], seconds: float) -> None:
        wait_for(check, seconds, lambda: self.log.read_text(errors="replace")[-3000:])


def wait_for(check: Callable[[], object], seconds: float, explain: Callable[[], str]) -> None:
    """Returns once `check` holds; fails with what `explain` says when it does not in time."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)


@contextlib.contextmanager
def clockwork(core: Core) -> Iterator[None]:
    """The scheduler's ticks, in a thread of their own."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def tick() -> None:
        async with scheduler.running(core):
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(tick()))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def rows(core: Core, statement: str, **values: object) -> list[tuple]:
    """What a read-only statement gives."""
    with core.engine.execution_options(write=False).connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def scalar(core: Core, statement: str, **values: object) -> int:
    return rows(core, statement, **values)[0][0]


def change(core: Core, statement: str, **values: object) -> None:
    with core.engine.begin() as connection:
        connection.execute(text(statement), values)


def ended(core: Core) -> int:
    """How many deliveries are in a final state."""
    return scalar(core, "SELECT count(*) FROM delivery WHERE state NOT IN ('planned', 'sending')")


def campaign_state(core: Core, app: int, campaign: str) -> str:
    with core.reading(OPERATOR, app) as work:
        return campaigns.get(work, campaign).row.state


def processes_of(parent: int) -> list[int]:
    """The sender processes that this process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            line = (stat.parent / "cmdline").read_bytes()
            if int(fields[1]) == parent and b"worker" in line:
                found.append(int(stat.parent.name))
    return found


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
