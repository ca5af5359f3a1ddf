"""From an event to the provider: `python -m tests.bench.triggers`, about a minute for both databases.

A server process, one sender process and the simulator; events come one a request over HTTP, at a steady rate, and
each is answered by a push. The time is taken from when the request is due to be written until the push's
outcome is in the database, so it is rather too long than too short. One line of JSON a database on standard output.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from backend.bootstrap import Core, build
from backend.db import OPERATOR
from backend.migrate import to_head
from backend.services import keys
from tests import faceless, factories
from tests.bench.ingest import scratch
from tests.conftest import settings_for

DEVICES = 4_000
CONNECTIONS = 32
PATIENCE = 30.0
ANSWER: dict[str, Any] = {
    "name": "Your basket", "category": "transactional", "schedule": {"kind": "event", "event": "cart_abandoned"},
    "variants": [{"name": "A", "weight": 1, "content": {"title": "Still there", "body": "{{ event.sku }}"}}],
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """What came of it; times are from the request to the outcome. `pushes` are deliveries, accepted or not;
    `unanswered` events were of people whose last device the simulator had just called dead."""

    database: str
    events: int
    per_second: float
    runs: int
    pushes: int
    unanswered: int
    p50_ms: float
    p95_ms: float
    max_ms: float


async def drive(base: str, key: str, users: list[str], rate: int, seconds: float) -> dict[str, float]:
    """When (wall clock) each event was due to be told, by its sku: at a steady rate, whatever the answers take.

    Plain sockets, so that next to nothing of the machine goes into the client.
    """
    told: dict[str, float] = {}
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
    lanes = [asyncio.create_task(_lane(base, waiting)) for _ in range(CONNECTIONS)]
    begun = time.time()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.time()))
        told[f"A-{number}"] = due
        waiting.put_nowait(_request(key, random.choice(users), f"A-{number}"))
    for _ in lanes:
        waiting.put_nowait(None)
    await asyncio.gather(*lanes)
    return told


def _request(key: str, user: str, sku: str) -> bytes:
    event = {"name": "cart_abandoned", "user_id": user, "properties": {"sku": sku}}
    body = json.dumps({"events": [event]})
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def _lane(base: str, waiting: "asyncio.Queue[bytes | None]") -> None:
    """One keep-alive connection: writes the next request when the last one is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
    while (request := await waiting.get()) is not None:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 202"), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length[15:]))
    writer.close()


def settled(core: Core) -> list[tuple[str, float]]:
    """(sku, when its outcome was written) of every push, once none is open any more."""
    deadline = time.monotonic() + PATIENCE
    done = text(
        "SELECT (SELECT count(*) FROM entry WHERE state = 'waiting') + (SELECT count(*) FROM delivery WHERE state IN ('planned', 'sending'))"
    )
    while time.monotonic() < deadline:
        with core.engine.connect() as connection:
            if not connection.execute(done).scalar_one():
                break
        time.sleep(0.2)
    epoch = "CAST(strftime('%s', d.ended_at) AS REAL) + CAST(substr(d.ended_at, 20) AS REAL)"
    ended = epoch if core.settings.is_sqlite else "CAST(extract(epoch FROM d.ended_at) AS double precision)"
    with core.engine.connect() as connection:
        rows = connection.execute(
            text(
                f"SELECT c.data -> 'event' ->> 'sku', {ended} FROM delivery d JOIN context c ON c.id = d.context_id "
                "WHERE d.ended_at IS NOT NULL"
            )
        )
        return [(sku, at) for sku, at in rows]


def measure(database: str, rate: int, seconds: float) -> Figure:
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch(database, Path(folder)) as url,
        factories.simulator(Path(folder) / "simulator") as provider,
    ):
        core = build(settings_for(url, Path(folder)))
        to_head(core.engine)
        app = factories.shop(core, provider.authority, DEVICES)
        factories.launched(core, app, **ANSWER)
        users, key = reachable(core, app.number)
        log = Path(folder) / "log"
        with faceless.server(core, log) as (_, base), faceless.sender(core, log):
            begun = time.time()
            told = asyncio.run(drive(base, key, users, rate, seconds))
            taken = time.time() - begun
            ended = settled(core)
        figure = summary(core, database, told, ended, taken)
        core.close()
    return figure


def reachable(core: Core, app: int) -> tuple[list[str], str]:
    """People with a device that works, and a server key."""
    with core.work(OPERATOR, app) as work:
        found = work.session.execute(
            text(
                'SELECT DISTINCT u.external_id FROM "user" u JOIN device d ON d.user_id = u.id '
                "WHERE d.state = 'active' AND d.permission = 'granted' AND u.external_id IS NOT NULL"
            )
        ).scalars()
        return list(found), keys.add_key(work, scope="server")[1]


def summary(core: Core, database: str, told: dict[str, float], ended: list[tuple[str, float]], taken: float) -> Figure:
    waits = sorted(at - told[sku] for sku, at in ended)
    with core.engine.connect() as connection:
        runs = connection.execute(text("SELECT count(*) FROM run")).scalar_one()
    return Figure(
        database=database,
        events=len(told),
        per_second=round(len(told) / taken, 1),
        runs=runs,
        pushes=len(ended),
        unanswered=len(told.keys() - {sku for sku, _ in ended}),
        p50_ms=round(1000 * waits[len(waits) // 2]),
        p95_ms=round(1000 * waits[int(len(waits) * 0.95)]),
        max_ms=round(1000 * waits[-1]),
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options.add_argument("--seconds", type=float, default=15.0)
    options.add_argument("--rate", type=int, default=200)
    chosen = options.parse_args()
    for database in ("postgresql", "sqlite") if chosen.database == "both" else (chosen.database,):
        print(json.dumps(asdict(measure(database, chosen.rate, min(chosen.seconds, 60.0)))), flush=True)


if __name__ == "__main__":
    main()
