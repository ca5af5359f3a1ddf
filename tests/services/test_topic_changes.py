"""Telling the provider who is in which topic, against the simulator: everybody once, nobody lost, at a measured pace."""

import asyncio
import time
from collections import Counter

import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import HeldKind
from backend.services import credentials, holds, subscribers, topic_changes, topics
from backend.services.apps import AppRow
from backend.services.lanes import Lanes
from backend.services.topic_changes import TopicChanges
from backend.services.topics import Members
from tests.factories import Simulator


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A name of the test's own: the simulator remembers its topics."""
    return f"t{abs(hash(request.node.name))}"


def phones(core: Core, app: AppRow, provider: Simulator, count: int, *, dead: int = 0) -> list[str]:
    """Devices of one user, the first `dead` of them gone; their ids."""
    addresses = [provider.authority.device_address("fcm", number, dead=number < dead) for number in range(count)]
    given = [{"platform": "android", "user_id": "ann", **address} for address in addresses]
    with core.work(OPERATOR, app.number) as work:
        return [str(one.id) for one in subscribers.devices_batch(work, given)]


def want(core: Core, app: AppRow, name: str, *, wanted: bool = True) -> int:
    return topics.change(core, OPERATOR, app.number, name, Members(user_ids=("ann",)), wanted=wanted).changed


def states(core: Core) -> Counter[str]:
    with core.reading(OPERATOR) as work:
        return Counter(
            dict(work.session.execute(text("SELECT state, count(*) FROM topic_subscription GROUP BY state")).all())
        )


def column(core: Core, name: str) -> list:
    with core.reading(OPERATOR) as work:
        return list(work.session.execute(text(f"SELECT DISTINCT {name} FROM topic_subscription ORDER BY 1")).scalars())


def members(provider: Simulator, name: str) -> int:
    return provider.stats()["topics"].get(name, 0)


async def work_off(core: Core, *, seconds: float = 20, rest: int = 0) -> None:
    """Lets a process tell what is due until only `rest` changes wait."""
    lanes = Lanes(core.settings)
    changes = TopicChanges(core, lanes)
    deadline = time.monotonic() + seconds
    try:
        while states(core)["pending"] > rest:
            assert time.monotonic() < deadline, states(core)
            await asyncio.sleep(min(await changes.step(), 0.05))
    finally:
        await lanes.close()


def rested(core: Core) -> None:
    """As if the minutes had passed for which a lane's changes rest."""
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE topic_subscription SET not_before = changed_at WHERE state = 'pending'"))


async def steps(core: Core, count: int = 1) -> list[float]:
    lanes = Lanes(core.settings)
    changes = TopicChanges(core, lanes)
    try:
        return [await changes.step() for _ in range(count)]
    finally:
        await lanes.close()


async def test_a_topic_fills_and_empties(core: Core, shop: AppRow, provider: Simulator, topic: str):
    phones(core, shop, provider, 230)
    assert want(core, shop, topic) == 230
    await work_off(core)
    assert states(core) == {"subscribed": 230}
    assert members(provider, topic) == 230
    assert want(core, shop, topic, wanted=False) == 230
    await work_off(core)
    assert states(core) == {"unsubscribed": 230}
    assert members(provider, topic) == 0


async def test_several_processes_share_the_work(core: Core, shop: AppRow, provider: Simulator, topic: str):
    phones(core, shop, provider, 330)
    want(core, shop, topic)
    provider.behave(latency_ms=30)
    await asyncio.gather(work_off(core), work_off(core), work_off(core))
    assert states(core) == {"subscribed": 330}
    assert members(provider, topic) == 330
    assert column(core, "attempts") == [0]


async def test_the_dead_are_pruned_and_said_to_be(core: Core, shop: AppRow, provider: Simulator, topic: str):
    devices = phones(core, shop, provider, 3, dead=1)
    want(core, shop, topic)
    want(core, shop, f"{topic}_2")
    await work_off(core)
    assert states(core) == {"failed": 2, "subscribed": 4}
    with core.reading(OPERATOR, shop.number) as work:
        gone, here, _ = (subscribers.get_device(work, device) for device in devices)
        told = topics.get(work, topic)
    assert (gone.state, gone.reason, here.state) == ("invalid", "UNREGISTERED", "active")
    assert {place.state for place in gone.topics} == {"failed"}
    assert {place.reason for place in gone.topics} <= {"UNREGISTERED", "device_gone"}
    assert (told.subscribed, told.failed) == (2, 1)


async def test_who_was_removed_is_taken_out_of_the_topic(core: Core, shop: AppRow, provider: Simulator, topic: str):
    devices = phones(core, shop, provider, 2)
    want(core, shop, topic)
    await work_off(core)
    with core.work(OPERATOR, shop.number) as work:
        subscribers.remove_device(work, devices[0])
    await work_off(core)
    assert members(provider, topic) == 1
    with core.work(OPERATOR, shop.number) as work:
        subscribers.erase_user(work, "ann")
    await work_off(core)
    assert members(provider, topic) == 0


async def test_what_is_not_taken_now_is_told_again(core: Core, shop: AppRow, provider: Simulator, topic: str):
    phones(core, shop, provider, 40)
    want(core, shop, topic)
    provider.behave(mix={"topics": {"503/UNAVAILABLE": 0.2, "500/INTERNAL": 0.1}})
    await work_off(core, seconds=30)
    assert states(core) == {"subscribed": 40}
    assert members(provider, topic) == 40
    assert max(column(core, "attempts")) > 0


async def test_tries_are_bounded(core: Core, shop: AppRow, provider: Simulator, topic: str, monkeypatch):
    monkeypatch.setattr(topic_changes, "MAX_TRIES", 2)
    phones(core, shop, provider, 2)
    want(core, shop, topic)
    provider.behave(mix={"topics": {"503/UNAVAILABLE": 1.0}})
    await work_off(core)
    assert states(core) == {"failed": 2}
    assert column(core, "reason") == ["UNAVAILABLE"]
    provider.behave()
    assert want(core, shop, topic) == 2
    await work_off(core)
    assert states(core) == {"subscribed": 2}


async def test_a_full_project_rests_as_long_as_it_is_told(core: Core, shop: AppRow, provider: Simulator, topic: str):
    phones(core, shop, provider, 130)
    want(core, shop, topic)
    provider.behave(mix={"topics": {"429/QUOTA_EXCEEDED@3600": 1.0}})
    await steps(core)
    provider.behave()
    waits = await steps(core, 2)
    assert waits == [topic_changes.IDLE] * 2, "the rows that were not asked rest as well"
    assert members(provider, topic) == 0
    with core.reading(OPERATOR) as work:
        soonest = work.session.execute(text("SELECT min(not_before) FROM topic_subscription")).scalar_one()
    assert str(soonest)[:19] > str(core.clock())[:19]


async def test_an_answer_that_never_comes_is_asked_for_again(
    core: Core, shop: AppRow, provider: Simulator, topic: str, monkeypatch
):
    monkeypatch.setattr(topic_changes, "ANSWER_SECONDS", 0.3)
    phones(core, shop, provider, 6)
    want(core, shop, topic)
    provider.behave(latency_ms=2_000)
    await steps(core)
    assert column(core, "reason") == ["timeout"]
    assert states(core) == {"pending": 6}
    provider.behave()
    await work_off(core)
    assert (states(core), members(provider, topic)) == ({"subscribed": 6}, 6)


async def test_who_is_not_believed_stops_the_lane_with_a_sentence(
    core: Core, shop: AppRow, provider: Simulator, topic: str
):
    phones(core, shop, provider, 3)
    want(core, shop, topic)
    provider.behave(mix={"oauth": {"400/invalid_grant": 1.0}})
    await steps(core)
    with core.reading(OPERATOR, shop.number) as work:
        (lane,) = credentials.list_credentials(work)
    assert lane.held
    assert "Google" in (lane.reason or "")
    assert (states(core), column(core, "attempts")) == ({"pending": 3}, [0])
    provider.behave()
    with core.work(OPERATOR, shop.number) as work:
        holds.release(work, credentials.number_of(work, lane.id))
    rested(core)
    await work_off(core)
    assert members(provider, topic) == 3


async def test_an_account_that_may_not_change_topics_may_still_send(
    core: Core, shop: AppRow, provider: Simulator, topic: str
):
    phones(core, shop, provider, 2)
    want(core, shop, topic)
    provider.behave(mix={"topics": {"403/PERMISSION_DENIED": 1.0}})
    await steps(core)
    with core.reading(OPERATOR, shop.number) as work:
        (lane,) = credentials.list_credentials(work)
    assert not lane.held
    assert column(core, "reason") == ["PERMISSION_DENIED"]
    assert (states(core), column(core, "attempts")) == ({"pending": 2}, [0])


async def test_a_lane_that_stands_still_is_left_alone(core: Core, shop: AppRow, provider: Simulator, topic: str):
    phones(core, shop, provider, 2)
    want(core, shop, topic)
    with core.work(OPERATOR, shop.number) as work:
        number = credentials.active_for(work, "fcm", "production")
        holds.hold(work, number, HeldKind.MEMBER, "Paused by a member.")
    await steps(core, 2)
    assert column(core, "reason") == ["lane_held"]
    with core.work(OPERATOR, shop.number) as work:
        holds.release(work, number)
    rested(core)
    await work_off(core)
    assert members(provider, topic) == 2


async def test_a_device_whose_credential_is_gone_is_said_to_fail(
    core: Core, shop: AppRow, provider: Simulator, topic: str
):
    phones(core, shop, provider, 1)
    want(core, shop, topic)
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE device SET credential_id = NULL"))
    await steps(core)
    assert (states(core), column(core, "reason")) == ({"failed": 1}, ["no_credential"])


async def test_the_pace_is_one_for_all_processes(
    core: Core, shop: AppRow, provider: Simulator, topic: str, monkeypatch
):
    monkeypatch.setattr(topic_changes, "PER_SECOND", 40.0)
    phones(core, shop, provider, 60)
    want(core, shop, topic)
    began = time.monotonic()
    await asyncio.gather(work_off(core), work_off(core))
    assert time.monotonic() - began >= 0.8 * (60 - 20) / 40, "the bucket holds half a second's worth"
    assert members(provider, topic) == 60


async def test_idle_takes_no_lock_and_an_order_to_stop_is_heard(sqlite_core: Core, caplog):
    with sqlite_core.engine.connect() as writing:
        assert await steps(sqlite_core, 3) == [topic_changes.IDLE] * 3
        writing.rollback()
    stop = asyncio.Event()
    running = asyncio.create_task(TopicChanges(sqlite_core, Lanes(sqlite_core.settings)).run(stop))
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(running, 1.5)
    assert not caplog.records


async def test_a_credential_that_cannot_be_opened_spoils_no_other(
    core: Core, shop: AppRow, provider: Simulator, topic: str
):
    phones(core, shop, provider, 2)
    with core.work(OPERATOR, shop.number) as work:
        first = credentials.active_for(work, "fcm", "production")
        credentials.add_credential(work, "fcm", provider.authority.fcm_credential_body(), trusted=True)
        second = credentials.active_for(work, "fcm", "production")
        work.session.execute(
            text("UPDATE credential SET sealed_secret = :junk WHERE id = :id"), {"junk": b"\x01" * 40, "id": first}
        )
        work.session.execute(
            text("UPDATE device SET credential_id = :id WHERE id = (SELECT max(id) FROM device)"), {"id": second}
        )
    want(core, shop, topic)
    await work_off(core, rest=1)
    assert (states(core), members(provider, topic)) == ({"subscribed": 1, "pending": 1}, 1)
