"""The sender at work: its window, who goes first, slow hosts, pauses, and a good end when it is told to stop."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import text

from backend import scheduler
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import ProviderName
from backend.services import campaigns, demo, messages, planner, segmentation, sender
from backend.services.apps import AppRow
from tests.factories import Simulator, launched, shop
from tests.services.test_pipeline import sending, states, until

pytestmark = pytest.mark.slow


def wait_for(check: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def rows(core: Core, statement: str, **values: Any) -> list[Any]:
    with core.engine.execution_options(write=False).connect() as connection:
        return list(connection.execute(text(statement), values).all())


def open_rows(core: Core) -> int:
    counted = states(core)
    return counted["planned"] + counted["sending"]


def windowed(core: Core, size: int) -> Core:
    return replace(core, settings=replace(core.settings, window=size))


@contextmanager
def watched(core: Core) -> Iterator[list[int]]:
    """How many rows were marked as being sent, looked at again and again."""
    seen, over = [], Event()

    def look() -> None:
        while not over.is_set():
            seen.append(rows(core, "SELECT count(*) FROM delivery WHERE state = 'sending'")[0][0])
            time.sleep(0.005)

    thread = Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_no_more_rows_are_marked_than_the_window_allows(core: Core, provider: Simulator):
    core = windowed(core, 50)
    app = shop(core, provider.authority, 700)
    provider.behave(latency_ms=20, jitter_ms=60, mix={"fcm": {"503/UNAVAILABLE@1": 0.1}})
    campaign = launched(core, app)
    with watched(core) as seen, sending(core):
        until(core, app, campaign, "finished", seconds=60)
    assert 20 < max(seen) <= 50
    assert provider.stats()["repeats"] == 0


def test_a_code_that_a_person_waits_for_overtakes_a_big_campaign(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 1_500)
    provider.behave(latency_ms=300)
    campaign = launched(core, app)
    planner.tick(core)
    with sending(core):
        wait_for(lambda: states(core)["accepted"] > 200)
        before = open_rows(core)
        with core.work(OPERATOR, app.number) as work:
            messages.send(work, {"user_ids": [f"u{n:07d}" for n in range(5)]}, content={"title": "Code 42"})
        planner.tick(core)
        code = (
            "SELECT count(*) FROM delivery d JOIN run r ON r.id = d.run_id "
            "WHERE r.kind = 'message' AND d.state IN ('planned', 'sending')"
        )
        wait_for(lambda: rows(core, code)[0][0] == 0)
        left = open_rows(core)
        with core.work(OPERATOR, app.number) as work:
            campaigns.cancel(work, campaign)
        scheduler.settle(core)
    assert left > 0
    assert before - left < 600  # what was on the network already, and a few batches more


def test_a_small_campaign_overtakes_a_big_one_in_the_same_lanes(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 2_000)
    provider.behave(latency_ms=300)
    big = launched(core, app)
    planner.tick(core)
    with sending(core):
        wait_for(lambda: states(core)["accepted"] > 100)
        small = launched(core, app, audience=few(core, app))
        until(core, app, small, "finished")
        left = open_rows(core)
        with core.work(OPERATOR, app.number) as work:
            assert campaigns.get(work, small).row.progress.audience > 20
            campaigns.cancel(work, big)
        scheduler.settle(core)
    assert left > 200


def few(core: Core, app: AppRow) -> dict[str, Any]:
    """An audience of about a twentieth of everybody."""
    rules = {"combinator": "and", "rules": [{"field": "user.country", "operator": "=", "value": "EG"}]}
    with core.work(OPERATOR, app.number) as work:
        return {"include": [segmentation.create(work, "Egypt", rules).id]}


class TwoHosts:
    """The simulated providers, every third browser at the second push service."""

    def __init__(self, authority: Any) -> None:
        self._authority = authority

    def __getattr__(self, name: str) -> Any:
        return getattr(self._authority, name)

    def device_address(self, provider: str, n: int, *, dead: bool = False) -> dict[str, Any]:
        host = "webpush2" if provider == "webpush" and n % 3 == 0 else ""
        return self._authority.device_address(provider, n, dead=dead, host=host)


def browsers(core: Core, provider: Simulator, devices: int) -> tuple[Core, AppRow]:
    """An app with browsers at two push services."""
    second = provider.authority.endpoints.webpush2.removeprefix("https://")
    core = replace(core, settings=replace(core.settings, push_hosts=(second,)))
    with core.work(OPERATOR) as work:
        app = demo.fill(
            work,
            TwoHosts(provider.authority),
            "shop",
            devices,
            history=False,
            shares=[("web", ProviderName.WEBPUSH, 1)],
        ).app
    return core, app


def test_a_slow_push_host_does_not_hold_up_the_other(core: Core, provider: Simulator):
    core, app = browsers(core, provider, 600)
    provider.behave(only={"webpush2": {"latency_ms": 2_000}})
    campaign = launched(core, app)
    planner.tick(core)
    with sending(core):
        begun = time.monotonic()
        wait_for(lambda: states(core)["accepted"] > 330, 60)
        most = time.monotonic() - begun
        until(core, app, campaign, "finished", seconds=90)
        everybody = time.monotonic() - begun
    assert everybody > 12  # 180 of them, 20 at a time, 2 s each
    assert most < everybody / 2
    assert provider.stats()["repeats"] == 0


def test_nothing_is_sent_two_seconds_after_a_pause_and_all_of_it_after_the_resume(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 900)
    provider.behave(latency_ms=100)
    campaign = launched(core, app)
    planner.tick(core)
    with sending(core):
        wait_for(lambda: states(core)["accepted"] > 100)
        with core.work(OPERATOR, app.number) as work:
            campaigns.pause(work, campaign)
        time.sleep(2)
        then = provider.stats()["pairs"]
        assert states(core)["sending"] == 0
        time.sleep(1)
        assert provider.stats()["pairs"] == then == states(core)["accepted"]
        with core.work(OPERATOR, app.number) as work:
            campaigns.resume(work, campaign)
        until(core, app, campaign, "finished", seconds=60)
    assert provider.stats()["repeats"] == 0
    assert provider.stats()["pairs"] == states(core)["accepted"]


def test_a_sender_that_is_told_to_stop_drains_and_the_next_one_goes_on(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 1_000)
    provider.behave(latency_ms=150)
    campaign = launched(core, app)
    planner.tick(core)
    for number in range(3):
        before = states(core)["accepted"]
        with sending(core, f"sender {number}"):
            wait_for(lambda before=before: states(core)["accepted"] > before + 20)
        assert states(core)["sending"] == 0
        assert not rows(core, "SELECT id FROM chunk WHERE state = 'leased'")
    assert states(core)["planned"] > 0
    with sending(core, "the last"):
        until(core, app, campaign, "finished", seconds=60)
    assert provider.stats()["repeats"] == 0
    assert provider.stats()["pairs"] == states(core)["accepted"]
    assert not rows(core, "SELECT id FROM delivery WHERE maybe_sent")


def test_a_drain_does_not_wait_for_a_provider_that_says_nothing(
    sqlite_core: Core, provider: Simulator, monkeypatch: pytest.MonkeyPatch
):
    core = sqlite_core
    monkeypatch.setattr(sender, "PATIENCE", 1.0)
    app = shop(core, provider.authority, 300)
    provider.behave(silence_after_accept=1.0)
    launched(core, app)
    planner.tick(core)
    with sending(core):
        wait_for(lambda: provider.stats()["pairs"] > 30)
        begun = time.monotonic()
    assert time.monotonic() - begun < 6
    counted = states(core)
    assert counted["sending"] == counted["accepted"] == 0
    doubtful = "SELECT count(*) FROM delivery WHERE maybe_sent AND reason = 'closed' AND state = 'planned'"
    assert rows(core, doubtful)[0][0] == provider.stats()["pairs"] > 30


def test_a_provider_that_is_down_costs_no_tries_and_is_not_stormed(sqlite_core: Core, provider: Simulator):
    core = sqlite_core
    app = shop(core, provider.authority, 900)
    provider.behave(down_seconds=8)
    campaign = launched(core, app)
    planner.tick(core)
    with sending(core):
        until(core, app, campaign, "finished", seconds=90)
    assert rows(core, "SELECT max(attempts) FROM delivery")[0][0] <= 5  # it is asked dozens of times meanwhile
    assert provider.stats()["repeats"] == 0
    assert states(core)["failed"] < 0.1 * states(core)["accepted"]
