"""Simulated people: what they do, and that every receipt reaches the API however often it stumbles."""

import asyncio
import contextlib
import datetime as dt
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from simulator_client import REMOVE, declarative, running

from backend.domain.vocabulary import ProviderName
from backend.simulator.ledger import Ledger
from backend.simulator.people import Habits, People
from backend.simulator.push import Push
from backend.simulator.wire import Host

QUICK = Habits(deliver_after=(0.0, 0.01), display_after=(0.0, 0.01), decide_after=(0.0, 0.02))
EAGER = Habits(
    delivered=1, displayed=1, opened=1, action=1, deliver_after=(0, 0), display_after=(0, 0), decide_after=(0, 0)
)


@dataclass
class Inbox:
    """An HTTP/1.1 server that takes receipts as Tocsin's API does."""

    statuses: list[int] = field(default_factory=list)
    """Answers to give first, in order; 0 closes the connection instead."""
    receipts: list[dict[str, Any]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    connections: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length: ")[1].split("\r\n")[0])
                body = orjson.loads(await reader.readexactly(length))
                self.paths.add(head.split(" ")[1])
                status = self.statuses.pop(0) if self.statuses else 202
                if not status:
                    break
                if status == 202:
                    self.receipts += body["receipts"]
                    self.batches.append(len(body["receipts"]))
                answer = orjson.dumps({"accepted": len(body["receipts"]), "duplicates": 1, "refused": 0})
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(answer)) + answer)
        writer.close()

    def types(self) -> Counter[str]:
        return Counter(receipt["type"] for receipt in self.receipts)


@contextlib.asynccontextmanager
async def inbox(*statuses: int) -> AsyncIterator[Inbox]:
    box = Inbox(list(statuses))
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    box.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield box
    finally:
        server.close()


@contextlib.asynccontextmanager
async def people(url: str | None, habits: Habits = QUICK, seed: int = 1) -> AsyncIterator[People]:
    crowd = People(url, seed=seed, habits=habits)
    task = asyncio.create_task(crowd.live())
    yield crowd
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def settled(crowd: People, seconds: float = 5) -> dict[str, int]:
    async with asyncio.timeout(seconds):
        while crowd.stats()["pending"]:
            await asyncio.sleep(0.01)
    return crowd.stats()


def pushes(count: int, **fields: Any) -> list[Push]:
    return [Push(f"device {n}", f"m{n}", f"t{n}", **fields) for n in range(count)]


async def test_people_do_what_their_habits_say_and_every_receipt_arrives():
    async with inbox() as box, people(box.url) as crowd:
        for push in pushes(2000, actions=("buy", "later")):
            crowd.react(push)
        stats = await settled(crowd)
    types = box.types()
    assert {name: stats[name] for name in types} == types
    assert stats["posted"] == types.total() == sum(box.batches)
    assert (stats["failed"], box.paths, max(box.batches) <= 50) == (0, {"/api/v1/receipts"}, True)
    assert 1800 <= types["delivered"] <= 1880
    assert 0.95 <= types["displayed"] / types["delivered"] <= 0.99
    assert 0.20 <= types["opened"] / types["displayed"] <= 0.28
    assert 0.02 <= types["action"] / types["opened"] <= 0.11
    assert 0.11 <= types["dismissed"] / types["displayed"] <= 0.19
    assert {receipt["action"] for receipt in box.receipts if "action" in receipt} == {"buy", "later"}
    assert box.connections <= 4


async def test_a_receipt_carries_the_pushs_own_proof_and_its_moment():
    before = time.time()
    async with inbox() as box, people(box.url, EAGER) as crowd:
        crowd.react(Push("d", "the id", "the proof", actions=("buy",)))
        await settled(crowd)
    assert [receipt["type"] for receipt in box.receipts] == ["delivered", "displayed", "opened", "action"]
    assert {(receipt["m"], receipt["t"]) for receipt in box.receipts} == {("the id", "the proof")}
    for receipt in box.receipts:
        assert before - 1 <= dt.datetime.fromisoformat(receipt["at"]).timestamp() <= time.time() + 1
        assert receipt["at"].endswith("+00:00")


async def test_a_silent_push_is_delivered_and_never_seen():
    async with inbox() as box, people(box.url, EAGER) as crowd:
        crowd.react(Push("d", "m", "t", visible=False))
        await settled(crowd)
    assert box.types() == {"delivered": 1}


async def test_the_seed_decides():
    async def run(seed: int) -> list[tuple[str, str]]:
        async with inbox() as box, people(box.url, seed=seed) as crowd:
            for push in pushes(100):
                crowd.react(push)
            await settled(crowd)
        return sorted((receipt["m"], receipt["type"]) for receipt in box.receipts)

    first, again, other = await run(1), await run(1), await run(2)
    assert first == again != other


async def test_nothing_is_lost_while_the_api_restarts():
    async with inbox(503, 0, 429, 500, 404) as box, people(box.url, EAGER) as crowd:
        for push in pushes(200):
            crowd.react(push)
        stats = await settled(crowd, 15)
    assert box.types() == {"delivered": 200, "displayed": 200, "opened": 200}
    assert (stats["posted"], stats["failed"]) == (600, 0)


async def test_nothing_is_lost_while_nobody_listens():
    async with inbox() as box:
        url = box.url
    async with people(url, EAGER) as crowd:
        crowd.react(Push("d", "m", "t"))
        await asyncio.sleep(0.3)
        assert crowd.stats()["pending"] == 3
        server = await asyncio.start_server(box.serve, "127.0.0.1", int(url.rpartition(":")[2]))
        await settled(crowd)
        server.close()
    assert box.types().total() == 3


async def test_what_the_api_refuses_for_good_is_counted_as_failed():
    async with inbox(422) as box, people(box.url, EAGER) as crowd:
        crowd.react(Push("d", "m", "t"))
        stats = await settled(crowd)
    assert (stats["failed"], stats["posted"], box.receipts) == (3, 0, [])


async def test_gives_up_in_the_end_and_says_so(caplog: pytest.LogCaptureFixture):
    habits = Habits(delivered=1, displayed=0, deliver_after=(0, 0), give_up_after=0.3)
    async with inbox(*[503] * 9) as box, people(box.url, habits) as crowd:
        crowd.react(Push("d", "m", "t"))
        stats = await settled(crowd)
    assert (stats["failed"], stats["posted"]) == (1, 0)
    assert "gave up on 1 receipts" in caplog.text


async def test_without_an_address_nobody_reacts():
    async with people(None) as crowd:
        crowd.react(Push("d", "m", "t"))
        assert crowd.stats()["delivered"] == 0


FCM_TO_IOS = {
    "headers": {"apns-priority": "10", "apns-collapse-id": "one"},
    "payload": {"aps": {"alert": {"title": "Hi"}}, "actions": [{"id": "buy", "title": "Buy"}]},
}
FCM_TO_WEB = {
    "headers": {"TTL": "60", "Topic": "one"},
    "notification": {"title": "Hi", "tag": "one", "actions": [{"action": "buy", "title": "Buy"}]},
    "data": {"m": "b", "t": "tf"},
}
TO_AN_ID = {"m": "v", "t": "tf", "title": "Hi", "actions": '["buy"]'}
ANDROID_V2 = {
    "remoteNotification": {"mutableContent": True, "notification": {"title": "Hi", "tag": "one"}},
    "data": {"m": "2", "t": "tf", "actions": '["buy"]'},
}


def fcm_only(simulator: Any, **sections: Any) -> Any:
    """A message with these sections and nothing for other platforms."""
    base = {"notification": REMOVE, "android": REMOVE, "data": REMOVE}
    if "fid" in sections:
        base |= {"token": REMOVE}
    return simulator.fcm({"message": simulator.fcm_message(**(base | sections))})


def messages() -> list[tuple[str, Callable[[Any], Any]]]:
    buttons = [{"id": "buy", "title": "Buy"}]
    visible = {"aps": {"alert": "Hi"}, "m": "a", "t": "ta", "actions": buttons}
    data = {"m": "f", "t": "tf", "actions": orjson.dumps(buttons).decode()}
    web = declarative({"m": "w", "t": "tw"}, actions=[{"action": "buy", "title": "Buy"}])
    return [
        ("apns", lambda simulator: simulator.apns(visible)),
        ("fcm", lambda simulator: simulator.fcm({"message": simulator.fcm_message(data=data)})),
        (
            "fcm data only",
            lambda simulator: simulator.fcm(
                {"message": simulator.fcm_message(data=data | {"m": "d", "title": "Hi"}, notification=REMOVE)}
            ),
        ),
        ("webpush", lambda simulator: simulator.webpush(web)),
        ("fcm to iOS", lambda simulator: fcm_only(simulator, apns=FCM_TO_IOS, data={"m": "i", "t": "tf"})),
        ("fcm of the second kind", lambda simulator: fcm_only(simulator, androidV2=ANDROID_V2)),
        ("fcm to the web", lambda simulator: fcm_only(simulator, webpush=FCM_TO_WEB)),
        (
            "fcm to an id",
            lambda simulator: fcm_only(simulator, fid=simulator.device("fcm", kind="fid")["fid"], data=TO_AN_ID),
        ),
    ]


async def test_pushes_over_the_wire_become_receipts_once(tmp_path: Path):
    async with inbox() as box, running(tmp_path, box.url, habits=EAGER) as simulator:
        for _, send in messages():
            for _ in range(2):
                assert (await send(simulator)).is_success
        async with asyncio.timeout(5):
            while (stats := await simulator.stats())["people"]["pending"]:
                await asyncio.sleep(0.02)
    assert (stats["pairs"], stats["repeats"]) == (8, 8)
    assert box.types() == {"delivered": 8, "displayed": 8, "opened": 8, "action": 8}
    fcm = {(m, "tf") for m in "fdib2v"}
    assert {(r["m"], r["t"]) for r in box.receipts} == fcm | {("a", "ta"), ("w", "tw")}
    assert stats["people"]["posted"] == 32


async def test_slow_people_take_their_time(tmp_path: Path):
    habits = Habits(delivered=1, displayed=0, deliver_after=(0.01, 0.01))
    async with inbox() as box, running(tmp_path, box.url, habits=habits) as simulator:
        await simulator.behave(receipt_slowness=1000)
        await simulator.apns()
        await asyncio.sleep(0.15)
        people = (await simulator.stats())["people"]
        assert (people["delivered"], people["pending"], box.receipts) == (1, 1, [])
        await simulator.http.post(f"{simulator.endpoints.apns}/simulator/reset")
        assert (await simulator.stats())["people"]["pending"] == 0


def test_the_ledger_stays_bounded_and_still_knows_recent_pairs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backend.simulator.ledger._GENERATION", 100)
    ledger = Ledger()
    for n in range(1000):
        assert ledger.accept(Host.APNS, ProviderName.APNS, Push("device", str(n)))
    assert not ledger.accept(Host.APNS, ProviderName.APNS, Push("device", "999"))
    assert not ledger.accept(Host.APNS, ProviderName.APNS, Push("device", "850"))
    assert len(ledger._young) + len(ledger._old) <= 200
    assert (ledger.pairs, ledger.repeats) == (1000, 2)
