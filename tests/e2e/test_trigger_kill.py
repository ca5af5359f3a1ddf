"""The server is killed again and again while events come in and are answered; everybody still gets exactly their own."""

import asyncio
import random
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps, keys, triggers
from tests import faceless
from tests.factories import launched
from tests.services.lane_world import add_devices, add_lane

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PEOPLE, EVENTS, KILLS, TELLERS = 60, 1_500, 4, 12
SENT = {"minutes": 60, "then": "send"}


def answering(core: Core, app: apps.AppRow, name: str, **schedule: Any) -> None:
    when = {"kind": "event", "event": "cart", **schedule}
    launched(core, app, name=name, category="transactional", schedule=when, late=SENT)


def told() -> list[dict[str, Any]]:
    """Carts of just now; those of every third person were paid for a second later, which is told before them."""
    then = datetime.now(UTC)
    carts = [
        {"id": f"cart-{n}", "name": "cart", "user_id": f"u{n % PEOPLE}", "properties": {"n": n}, "at": then.isoformat()}
        for n in range(EVENTS)
    ]
    later = (then + timedelta(seconds=1)).isoformat()
    time.sleep(2)  # what is said to come later than now counts as now
    paid = [{"id": f"paid-{n}", "name": "paid", "user_id": f"u{n}", "at": later} for n in range(0, PEOPLE, 3)]
    return [*paid, *carts]


class Installation:
    """A server that is replaced whenever it is killed; whoever speaks to it asks for its address each time."""

    def __init__(self, core: Core, log: Path) -> None:
        self.core, self.log = core, log
        self.base = ""
        self.done = 0
        self.retried = 0

    async def killed_and_replaced(self, ended: asyncio.Event) -> None:
        chance = random.Random(9)
        for turn in range(KILLS + 1):
            with faceless.server(self.core, self.log) as (process, self.base):
                while not ended.is_set() and (turn == KILLS or self.done < (turn + 1) * EVENTS // (KILLS + 2)):
                    await asyncio.sleep(0.005)
                if turn < KILLS:
                    await asyncio.sleep(chance.random() / 3)  # anywhere between two ticks
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                else:
                    await asyncio.to_thread(self.settle)

    def settle(self) -> None:
        deadline = time.monotonic() + 60
        waiting = text("SELECT count(*) FROM entry WHERE state = 'waiting'")
        while time.monotonic() < deadline:
            with self.core.engine.connect() as connection:
                if not connection.execute(waiting).scalar_one():
                    return
            time.sleep(0.1)

    async def tell(self, key: str, events: list[dict[str, Any]]) -> None:
        """Until the last one is answered; what is not answered is told again."""
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(headers=headers, timeout=5) as http:
            while events:
                batch = [events.pop() for _ in range(min(3, len(events)))]
                while not await self._answered(http, batch):
                    self.retried += 1
                    await asyncio.sleep(0.05)
                self.done += len(batch)

    async def _answered(self, http: httpx.AsyncClient, batch: list[dict[str, Any]]) -> bool:
        try:
            answer = await http.post(f"{self.base}/api/v1/events", json={"events": batch})
        except httpx.HTTPError:
            return False
        assert answer.status_code == 202, answer.text
        return True


async def all_told(installation: Installation, key: str) -> None:
    events, ended = told(), asyncio.Event()
    first, rest = events[: PEOPLE // 3], events[PEOPLE // 3 :]
    life = asyncio.create_task(installation.killed_and_replaced(ended))
    while not installation.base:
        await asyncio.sleep(0.01)
    await installation.tell(key, first)
    await asyncio.gather(*(installation.tell(key, rest) for _ in range(TELLERS)))
    ended.set()
    await life


async def test_a_server_killed_while_it_takes_in_and_answers_loses_and_doubles_nothing(
    core: Core, app: apps.AppRow, tmp_path: Path
):
    add_lane(core, app)
    add_devices(core, app, PEOPLE)
    answering(core, app, "each")
    answering(core, app, "unpaid", cancel_event="paid", delay_seconds=2)
    answering(core, app, "once", reentry="once")
    with core.work(OPERATOR, app.number) as work:
        key = keys.add_key(work, scope="server")[1]
    installation = Installation(core, tmp_path / "log")
    await all_told(installation, key)
    while triggers.tick(core):
        pass
    assert installation.retried > 0
    assert sends(core, "each") == Counter(range(EVENTS))
    assert sends(core, "unpaid") == Counter(n for n in range(EVENTS) if n % PEOPLE % 3)
    once = sends(core, "once")
    assert Counter(n % PEOPLE for n in once.elements()) == Counter(range(PEOPLE))


def sends(core: Core, campaign: str) -> Counter[int]:
    """What the pushes of a campaign say, by the number in their event."""
    with core.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT CAST(c.data -> 'event' ->> 'n' AS integer) FROM delivery d JOIN run r ON r.id = d.run_id "
                "JOIN campaign a ON a.id = r.campaign_id JOIN context c ON c.id = d.context_id WHERE a.name = :name"
            ),
            {"name": campaign},
        )
        return Counter(rows.scalars())
