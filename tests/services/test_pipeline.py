"""A campaign from launch to its last outcome, against the simulator over real HTTP/2."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from backend import scheduler
from backend.bootstrap import Core
from backend.db import CLOCK, OPERATOR
from backend.dispatch import LeaseQueue
from backend.services import campaigns, deliveries, messages, planner, preflight, upkeep
from backend.services.sender import Sender
from tests import factories
from tests.factories import Simulator, launched, shop


@contextmanager
def sending(core: Core, name: str = "sender") -> Iterator[None]:
    """A sender at work in a thread of its own, drained at the end."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(Sender(core, LeaseQueue(core), name).run(stop)))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()
        loop.close()


def states(core: Core) -> Counter[str]:
    with core.engine.connect() as connection:
        return Counter(dict(connection.execute(text("SELECT state, count(*) FROM delivery GROUP BY state")).all()))


def run_state(core: Core, app, campaign: str) -> str:
    with core.reading(OPERATOR, app.number) as work:
        return campaigns.get(work, campaign).row.state


def until(core: Core, app, campaign: str, *wanted: str, seconds: float = 30) -> None:
    import time

    deadline = time.monotonic() + seconds
    while (state := run_state(core, app, campaign)) not in wanted:
        assert time.monotonic() < deadline, f"still {state}: {states(core)}"
        planner.tick(core)
        scheduler.settle(core)
        time.sleep(0.05)


def test_every_device_of_the_audience_ends_in_one_state(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 900)
    campaign = launched(core, app)
    with sending(core):
        until(core, app, campaign, "finished")
    with core.reading(OPERATOR, app.number) as work:
        progress = campaigns.get(work, campaign).row.progress
        dead = work.session.execute(
            text(
                "SELECT count(*) FROM device WHERE reason IN ('Unregistered', 'UNREGISTERED', '410') AND state = 'invalid' AND state_at > :then"
            ),
            {"then": "2000-01-01"},
        ).scalar_one()
    assert progress.open == 0
    assert progress.accepted + progress.failed + progress.skipped == progress.audience > 800
    stats = provider.stats()
    assert stats["pairs"] == progress.accepted
    assert stats["repeats"] == 0
    assert 0 < progress.failed <= dead


def test_a_paused_run_sends_nothing_and_a_resumed_one_the_rest(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 600)
    campaign = launched(core, app)
    planner.tick(core)
    with core.work(OPERATOR, app.number) as work:
        campaigns.pause(work, campaign)
    with sending(core):
        import time

        time.sleep(1)
        assert provider.stats()["pairs"] == 0
        with core.work(OPERATOR, app.number) as work:
            campaigns.resume(work, campaign)
        until(core, app, campaign, "finished")
    assert provider.stats()["pairs"] == states(core)["accepted"] > 500
    assert provider.stats()["repeats"] == 0


def test_a_cancelled_run_ends_with_every_row_accounted_for(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 1500)
    provider.behave(latency_ms=20)
    campaign = launched(core, app)
    planner.tick(core)
    with sending(core):
        import time

        while not states(core)["accepted"]:
            time.sleep(0.01)
        with core.work(OPERATOR, app.number) as work:
            campaigns.cancel(work, campaign)
        upkeep.end_rows(core)
    upkeep.end_rows(core)
    counted = states(core)
    assert counted["cancelled"] > 0
    assert counted["planned"] == counted["sending"] == 0
    assert counted["accepted"] == provider.stats()["pairs"]
    with core.reading(OPERATOR, app.number) as work:
        progress = campaigns.get(work, campaign).row.progress
    assert progress.accepted + progress.failed + progress.skipped == progress.audience == sum(counted.values())


def test_a_provider_that_is_down_leaves_deliveries_due_later(sqlite_core: Core, tmp_path):
    core = sqlite_core
    with factories.simulator(tmp_path / "down") as gone:
        app = shop(core, gone.authority, 60)
    campaign = launched(core, app)
    planner.tick(core)
    with sending(core):
        import time

        deadline = time.monotonic() + 10
        while not attempts(core) and time.monotonic() < deadline:
            time.sleep(0.05)
    waiting = states(core)
    assert waiting["planned"] > 0
    assert waiting["failed"] == waiting["unknown"] == waiting["sending"] == 0
    with factories.simulator(tmp_path / "down") as back, sending(core):
        until(core, app, campaign, "finished")
        assert back.stats()["pairs"] == states(core)["accepted"] > 40


def attempts(core: Core) -> int:
    with core.engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM attempt")).scalar_one()


@pytest.mark.parametrize(("on_unknown", "lost", "repeated"), [("never_twice", True, False), ("retry", False, True)])
def test_an_answer_that_never_comes_follows_the_campaigns_choice(
    sqlite_core: Core, provider: Simulator, on_unknown: str, lost: bool, repeated: bool
):
    core = sqlite_core
    app = shop(core, provider.authority, 400)
    provider.behave(reset_after_accept=0.05)
    campaign = launched(core, app, on_unknown=on_unknown)
    with sending(core):
        until(core, app, campaign, "finished", seconds=60)
    counted, stats = states(core), provider.stats()
    assert bool(counted["unknown"]) is lost
    assert bool(stats["repeats"]) is repeated
    assert stats["pairs"] == counted["accepted"] + counted["unknown"]


def test_a_refused_credential_holds_its_lane_and_then_pauses_the_run_instead_of_burning_it(
    sqlite_core: Core, provider: Simulator
):
    core = sqlite_core
    app = shop(core, provider.authority, 300)
    provider.behave(mix={"apns": {"403/InvalidProviderToken": 1.0}})
    campaign = launched(core, app)
    with sending(core):
        until(core, app, campaign, "paused")
    with core.engine.connect() as connection:
        refused = "SELECT state, count(*) FROM delivery WHERE reason = 'InvalidProviderToken' GROUP BY state"
        assert set(dict(connection.execute(text(refused)).all())) == {"planned"}
    with core.reading(OPERATOR, app.number) as work:
        row = campaigns.get(work, campaign).row
    assert row.pause_reason == "credential"
    assert "Apple does not believe the token" in (row.pause_detail or "")
    provider.behave()
    with core.work(OPERATOR, app.number) as work:
        campaigns.resume(work, campaign)
    with sending(core):
        until(core, app, campaign, "finished")
    assert states(core)["planned"] == 0


def test_a_dead_workers_chunk_is_adopted_and_its_late_results_refused(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 40)
    launched(core, app)
    planner.tick(core)
    queue = LeaseQueue(core)
    held = queue.claim("dead", 10, [])
    assert held
    with core.work(CLOCK) as work:
        work.session.execute(text("UPDATE delivery SET state = 'sending'"))
        work.session.execute(text("UPDATE chunk SET lease_until = :past"), {"past": "2020-01-01 00:00:00.000000+00"})
    assert queue.adopt() == len(held)
    counted = states(core)
    assert counted["sending"] == 0
    assert counted["planned"] == sum(counted.values())
    assert queue.extend(held) == set()


def test_planning_twice_changes_nothing_and_pages_join_without_a_seam(core: Core, provider: Simulator, monkeypatch):
    app = shop(core, provider.authority, 530)
    launched(core, app)
    monkeypatch.setattr(planner, "PAGE", 100)
    assert planner.tick(core) >= 5
    with core.engine.connect() as connection:
        rows, devices = connection.execute(text("SELECT count(*), count(DISTINCT device_id) FROM delivery")).one()
        active = connection.execute(text("SELECT count(*) FROM device WHERE state = 'active'")).scalar_one()
        chunked = connection.execute(
            text("SELECT count(*) FROM delivery d JOIN chunk c ON c.run_id = d.run_id AND c.number = d.chunk")
        ).scalar_one()
        audience = connection.execute(text("SELECT audience FROM run")).scalar_one()
    assert rows == devices == active == chunked == audience
    assert planner.tick(core) == 0


def test_preflight_says_what_the_run_will_do(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 300)
    with core.work(OPERATOR, app.number) as work:
        made = campaigns.create(
            work,
            factories.definition(
                variants=[{"name": "A", "weight": 1, "content": {"title": "Hi {{ user.name }}", "body": "…"}}]
            ),
        ).row.id
        told = preflight.preflight(work, made)
        campaigns.launch(work, made)
    with sending(core):
        until(core, app, made, "finished")
    with core.engine.connect() as connection:
        skipped = dict(
            connection.execute(
                text("SELECT reason, count(*) FROM delivery WHERE state = 'skipped' GROUP BY reason")
            ).all()
        )
    assert told.skipped == skipped
    assert told.skipped["template_error"] > 0
    assert told.send + sum(told.skipped.values()) == told.audience == sum(states(core).values())
    assert max(told.largest_payload.values()) < 4096


def test_messages_and_tests_go_out_and_explain_themselves(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 60)
    with core.work(OPERATOR, app.number) as work:
        sent = messages.send(
            work, {"user_ids": ["u0000001"]}, content={"title": "Code {{ data.code }}"}, data={"code": 42}
        )
        made = campaigns.create(work, factories.definition()).row.id
        tried = messages.send_test(work, made, user_ids=["u0000002"])
    assert sent.deliveries
    assert tried.deliveries
    with sending(core):
        import time

        while states(core)["planned"] or states(core)["sending"]:
            time.sleep(0.05)
    with core.reading(OPERATOR, app.number) as work:
        told = deliveries.explain(work, sent.deliveries[0])
        assert "Code 42" in told.body
        assert told.body_as_sent
        assert campaigns.get(work, made).row.progress is None
        found = deliveries.search(work, user_id="u0000001")
    assert {row.id for row in found.items} == set(sent.deliveries)


def test_a_second_try_is_as_urgent_as_the_first(sqlite_core: Core, provider: Simulator):
    core = sqlite_core
    app = shop(core, provider.authority, 60)
    provider.behave(mix={"apns": {"503/ServiceUnavailable": 1.0}})
    with core.work(OPERATOR, app.number) as work:
        messages.send(work, {"user_ids": [f"u{n:07d}" for n in range(20)]}, content={"title": "Code"})
    with sending(core):
        import time

        deadline = time.monotonic() + 10
        while not attempts(core) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert attempts(core)
    with core.engine.connect() as connection:
        urgency = connection.execute(text("SELECT DISTINCT priority, number > 2 FROM chunk")).all()
    assert {priority for priority, _ in urgency} == {10}
    assert any(later for _, later in urgency)
