"""`tocsin bench`: what a push costs from its row in the database to its answer, by provider and database.

The real planner and sender run in this process against a sink that takes everything (a process of its own), so
the CPU counted is that of everything the sender does: claim, read, decide, render, encode, encrypt, send, record.
The database server's own CPU is not in it. Where firebase-admin and aioapns are installed they send the same
number of pushes to the same sink, without any database.
"""

import asyncio
import contextlib
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from backend import bootstrap, migrate
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.dispatch import LeaseQueue
from backend.domain.vocabulary import ProviderName
from backend.services import campaigns, credentials, demo, planner, upkeep
from backend.services.sender import Sender
from backend.settings import Settings
from backend.simulator.authority import Authority, NotServing
from console import bench_peers
from console.worker import MAY_REST, collect_seldom

POSTGRESQL = "postgresql+psycopg://root@127.0.0.1:5432/postgres"
UNLIMITED = 1_000_000
LANES = {share[1]: share for share in demo.PLATFORMS}
CAMPAIGN = {
    "name": "Bench",
    "category": "marketing",
    "audience": {"everyone": True},
    "variants": [
        {
            "name": "A",
            "content": {
                "title": "Hi {{ user.name | default('there') }}, your picks are in",
                "body": "Twelve new things, chosen for you in {{ user.country | default('your country') }}.",
                "link": "https://shop.example/picks",
            },
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: `cpu_us` is this process's CPU microseconds a push."""

    who: str
    provider: str
    database: str
    pushes: int
    seconds: float
    per_second: int
    cpu_us: int


def run(pushes: int, rounds: int, postgresql: str | None, say: Callable[[str], None]) -> list[Figure]:
    """Every provider on every database that answers, then the peers; of several rounds the cheapest.

    A shared machine makes the others dearer by what its neighbours do: the least is what the work itself costs.
    """
    best: dict[tuple[str, str, str], Figure] = {}
    with _sink() as authority:
        for _ in range(rounds):
            for figure in _round(authority, pushes, postgresql, say):
                say(_line(figure))
                key = figure.who, figure.provider, figure.database
                best[key] = min(best.get(key, figure), figure, key=lambda each: each.cpu_us)
    return list(best.values())


def _round(authority: Authority, pushes: int, postgresql: str | None, say: Callable[[str], None]) -> Iterator[Figure]:
    for name in ProviderName:
        for database in ("SQLite", "PostgreSQL"):
            with contextlib.suppress(_Absent), _installation(database, postgresql, say) as core:
                yield _ours(core, authority, name, database, pushes)
    for peer in bench_peers.installed(say):
        measured = bench_peers.measure(peer, authority, pushes)
        yield _figure(peer.name, peer.provider, "none", pushes, measured.seconds, measured.cpu)


def table(figures: list[Figure]) -> str:
    """The figures for people."""
    made = Table(title="What a push costs")
    for heading in ("sender", "provider", "database", "pushes/s", "µs CPU a push"):
        made.add_column(heading, justify="left" if heading in {"sender", "provider", "database"} else "right")
    for each in figures:
        made.add_row(each.who, each.provider, each.database, f"{each.per_second:,}", f"{each.cpu_us:,}")
    console = Console()
    with console.capture() as captured:
        console.print(made)
    return captured.get()


def as_json(figures: list[Figure]) -> list[dict[str, Any]]:
    """The figures for programs."""
    return [asdict(figure) for figure in figures]


def _line(figure: Figure) -> str:
    where = f"{figure.who}, {figure.provider}, {figure.database}"
    return f"{where}: {figure.per_second:,} pushes/s, {figure.cpu_us:,} µs CPU a push"


class _Absent(Exception):
    """The database does not answer."""


@contextlib.contextmanager
def _sink() -> Iterator[Authority]:
    """The sink as a process; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "backend.simulator.sink", folder]
        with subprocess.Popen(command) as process:  # noqa: S603 - our own module
            try:
                yield _answering(Path(folder), process)
            finally:
                process.terminate()


def _answering(folder: Path, process: "subprocess.Popen[bytes]") -> Authority:
    for _ in range(400):
        with contextlib.suppress(NotServing):
            authority = Authority.load_or_create(folder)
            if authority.endpoints.pid == process.pid:
                return authority
        time.sleep(0.05)
    raise TimeoutError("the sink did not start")


@contextlib.contextmanager
def _installation(database: str, postgresql: str | None, say: Callable[[str], None]) -> Iterator[Core]:
    """An empty installation of its own, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, _database(database, folder, postgresql, say) as url:
        settings = Settings(url, Path(folder), (secrets.token_urlsafe(32),), allow_private_networks=True)
        core = bootstrap.build(settings, may_rest=MAY_REST)
        migrate.to_head(core.engine)
        try:
            yield core
        finally:
            core.close()


@contextlib.contextmanager
def _database(kind: str, folder: str, postgresql: str | None, say: Callable[[str], None]) -> Iterator[str]:
    if kind == "SQLite":
        yield f"sqlite:///{folder}/bench.db"
        return
    server, name = postgresql or POSTGRESQL, f"tocsin_bench_{secrets.token_hex(4)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as error:
        say(f"PostgreSQL is left out: {str(error.orig).splitlines()[0]}")
        raise _Absent from error
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def _ours(core: Core, authority: Authority, name: ProviderName, database: str, pushes: int) -> Figure:
    with core.work(OPERATOR) as work:
        app = demo.fill(work, authority, "bench", pushes, history=False, shares=[LANES[name]]).app
        inside = work.within(app.number)
        for lane in credentials.list_credentials(inside):
            credentials.set_rate(inside, lane.id, UNLIMITED)
        campaign = campaigns.create(inside, CAMPAIGN).row.id
        campaigns.launch(inside, campaign)
    planner.tick(core)
    collect_seldom()
    begun, cpu = time.monotonic(), time.process_time()
    asyncio.run(_sent(core))
    seconds, spent = time.monotonic() - begun, time.process_time() - cpu
    with core.reading(OPERATOR, app.number) as work:
        progress = campaigns.get(work, campaign).row.progress
    assert progress is not None
    return _figure("Tocsin", name, database, progress.accepted, seconds, spent)


async def _sent(core: Core) -> None:
    """Runs a sender until nothing is left to send."""
    stop = asyncio.Event()
    sending = asyncio.create_task(Sender(core, LeaseQueue(core), "bench").run(stop))
    while await asyncio.to_thread(upkeep.anything_alive, core):
        await asyncio.sleep(0.25)
    stop.set()
    await sending


def _figure(who: str, provider: str, database: str, pushes: int, seconds: float, cpu: float) -> Figure:
    return Figure(
        who, provider, database, pushes, round(seconds, 2), round(pushes / seconds), round(cpu / pushes * 1e6)
    )
