"""What one server process takes in over HTTP: `python -m tests.bench.ingest`, less than a minute for both databases.

The server is `tocsin up --workers 0`; clients are processes of their own that speak HTTP/1.1 over plain sockets,
so that next to nothing of the machine goes into them. Every figure is one line of JSON on standard output.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sqlalchemy import create_engine, text

from backend.bootstrap import Core, build
from backend.db import OPERATOR
from backend.domain.vocabulary import Scope
from backend.migrate import to_head
from backend.services import apps, fields, keys, subscribers
from backend.services.subscribers import DeviceIn, EventIn
from console.up import free_port
from tests.conftest import POSTGRES, SECRET, settings_for

PEOPLE = 20_000
CLIENTS = 2
CONNECTIONS = 64
BATCH = 1000
PREPARED = 60
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What the clients send: `size` events a request, by so many connections, as a back end or as devices."""

    name: str
    size: int
    connections: int
    headers: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """What came of it; `cpu_us` is the server's own CPU time an event, without the database's."""

    database: str
    load: str
    requests_per_second: float
    events_per_second: float
    p50_ms: float
    p95_ms: float
    refused: int
    cpu_us: float
    seconds: float


class Connection(asyncio.Protocol):
    """One keep-alive connection: writes the next request when the last one is answered."""

    def __init__(self, requests: "Iterator[bytes]", until: float) -> None:
        self._requests, self._until = requests, until
        self._held = b""
        self._sent = 0.0
        self.waits: list[float] = []
        self.refused = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        self._sent = time.perf_counter()
        request = next(self._requests, None) if time.time() < self._until else None
        if request is None:
            self._transport.close()
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, found, body = self._held.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._held = b""
        self.waits.append(time.perf_counter() - self._sent)
        self.refused += not head.startswith(b"HTTP/1.1 202")
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


def requests(load: Load, lane: int, lanes: int) -> Iterator[bytes]:
    """Requests that never repeat an event, each over the next people in turn."""
    header, number = load.headers[lane % len(load.headers)], 0
    mark = uuid.uuid4().hex[:8]
    own = "Tocsin-Device" in header
    while True:
        events = [
            one_event(f"{mark}-{number + n}", None if own else number * lanes + lane + n) for n in range(load.size)
        ]
        number += load.size
        body = json.dumps({"events": events}, separators=(",", ":")).encode()
        head = f"POST /api/v1/events HTTP/1.1\r\nHost: bench\r\n{header}Content-Type: application/json\r\n"
        yield f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def one_event(name: str, person: int | None) -> dict:
    said = {
        "id": name,
        "name": "product_viewed",
        "properties": {"sku": "A-1077", "price": 19.9, "in_stock": True, "tags": ["new", "sale"]},
        "value": 19.9,
        "currency": "EUR",
        "at": "2026-11-20T12:00:00.5+01:00",
    }
    return said if person is None else {**said, "user_id": f"person-{person % PEOPLE}"}


async def drive(load: Load, port: int, share: int, gate: Barrier, seconds: float) -> tuple[list[float], int]:
    """One client process: its share of the connections, for so long after all are ready."""
    prepared = [requests(load, lane, load.connections) for lane in range(share, load.connections, CLIENTS)]
    if load.size > 1:
        prepared = [iter([next(one) for _ in range(PREPARED)]) for one in prepared]
    gate.wait(120)
    loop, until = asyncio.get_running_loop(), time.time() + seconds
    made = [loop.create_connection(lambda one=one: Connection(one, until), "127.0.0.1", port) for one in prepared]
    held = [connection for _, connection in await asyncio.gather(*made)]
    await asyncio.gather(*(one.done for one in held))
    return [wait for one in held for wait in one.waits], sum(one.refused for one in held)


def _client(load: Load, port: int, share: int, gate: Barrier, seconds: float, out: "multiprocessing.Queue") -> None:
    out.put(asyncio.run(drive(load, port, share, gate, seconds)))


def measure(database: str, load: Load, port: int, pid: int, seconds: float) -> Figure:
    """Drives the server for so long."""
    out: multiprocessing.Queue = multiprocessing.Queue()
    gate = multiprocessing.Barrier(CLIENTS + 1)
    processes = [
        multiprocessing.Process(target=_client, args=(load, port, share, gate, seconds, out))
        for share in range(CLIENTS)
    ]
    for process in processes:
        process.start()
    gate.wait(120)
    begin, before = time.time(), cpu(pid)
    answers = [out.get(timeout=seconds + 60) for _ in processes]
    taken, spent = time.time() - begin, cpu(pid) - before
    for process in processes:
        process.join()
    waits = sorted(wait for one, _ in answers for wait in one)
    events = len(waits) * load.size
    cuts = statistics.quantiles(waits, n=20) if len(waits) > 1 else [0.0] * 19
    return Figure(
        database=database,
        load=load.name,
        requests_per_second=round(len(waits) / taken, 1),
        events_per_second=round(events / taken, 1),
        p50_ms=round(1000 * cuts[9], 1),
        p95_ms=round(1000 * cuts[18], 1),
        refused=sum(refused for _, refused in answers),
        cpu_us=round(1e6 * spent / events, 1),
        seconds=round(taken, 1),
    )


def cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields_[11]) + int(fields_[12])) / TICKS


@contextlib.contextmanager
def scratch(database: str, folder: Path) -> Iterator[str]:
    """The address of an empty database of this run's own."""
    if database == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    name = f"tocsin_bench_{uuid.uuid4().hex[:12]}"
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def fill(core: Core) -> tuple[str, tuple[str, ...]]:
    """People who have been heard of, and the headers by which a back end and some devices speak."""
    with core.work(OPERATOR) as work:
        made = apps.create_app(work, slug="bench")
    with core.work(OPERATOR, made.number) as work:
        for start in range(0, PEOPLE, BATCH):
            seen = [EventIn(**one_event(f"first-{number}", number)) for number in range(start, start + BATCH)]
            subscribers.record_events(work, seen)
        server, client = (keys.add_key(work, scope=scope)[1] for scope in (Scope.SERVER, Scope.CLIENT))
        devices = [_register(work, number) for number in range(CONNECTIONS)]
    spoken = (f"Authorization: Bearer {client}\r\nTocsin-Device: {one}\r\n" for one in devices)
    return f"Authorization: Bearer {server}\r\n", tuple(spoken)


def _register(work, number: int) -> str:
    given = fields.parse(DeviceIn, {"platform": "ios", "token": f"{number:064x}"})
    made = subscribers.register_device(work, given)
    return f"{made.device.id}.{made.secret}"


@contextlib.contextmanager
def server(core: Core, log: Path) -> Iterator[tuple[int, int]]:
    """`tocsin up` without senders on a free port; (port, pid)."""
    port = free_port()
    env = {**os.environ, **core.settings.child_environment(), "TOCSIN_SECRET_KEYS": SECRET}
    command = [sys.executable, "-m", "console.cli", "up", "--workers", "0", "--port", str(port)]
    with log.open("wb") as written, subprocess.Popen(command, env=env, stdout=written, stderr=written) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/health/ready", process, log)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(20)


def wait_for(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2).close()
            return
        time.sleep(0.1)
    raise SystemExit(log.read_text(errors="replace"))


def run(database: str, seconds: float) -> Iterator[Figure]:
    """Every load against one database."""
    with tempfile.TemporaryDirectory() as folder, scratch(database, Path(folder)) as url:
        core = build(settings_for(url, Path(folder)))
        to_head(core.engine)
        back_end, devices = fill(core)
        loads = (
            Load("single events, server key", 1, CONNECTIONS, (back_end,)),
            Load("single events, devices", 1, CONNECTIONS, devices),
            Load(f"batches of {BATCH}", BATCH, 4, (back_end,)),
        )
        with server(core, Path(folder) / "log") as (port, pid):
            for load in loads:
                yield measure(database, load, port, pid, seconds)
        core.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options.add_argument("--seconds", type=float, default=5.0, help="for each load")
    chosen = options.parse_args()
    for database in ("postgresql", "sqlite") if chosen.database == "both" else (chosen.database,):
        for figure in run(database, min(chosen.seconds, 8.0)):
            print(json.dumps(asdict(figure)), flush=True)


if __name__ == "__main__":
    main()
