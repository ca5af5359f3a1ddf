"""How rows end that are not simply taken: too late, too often, in a refused lane, or while the database is away."""

import sqlite3
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from backend import scheduler
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.retry import MAX_TRIES
from backend.services import campaigns, credentials, holds, planner
from tests import factories
from tests.factories import Simulator, launched, shop
from tests.services.test_pipeline import run_state, sending, states, until
from tests.services.test_sender_flow import rows, wait_for

pytestmark = pytest.mark.slow


def short_lived(core: Core, app, seconds: int) -> str:
    """A launched campaign whose messages are of use for so long."""
    content = {"title": "Hello", "ttl_seconds": seconds}
    return launched(core, app, variants=[{"name": "A", "weight": 1, "content": content}])


def ahead(core: Core, **by: float) -> Core:
    """The same installation, its clock ahead."""
    return replace(core, clock=lambda: core.clock() + timedelta(**by))


def reasons(core: Core) -> dict[tuple[str, str], int]:
    return {
        (state, reason): n
        for state, reason, n in rows(core, "SELECT state, reason, count(*) FROM delivery GROUP BY state, reason")
    }


@pytest.mark.parametrize("where", ["paused", "held", "unclaimed"])
def test_a_message_that_outlives_its_use_while_waiting_is_expired_wherever_it_waits(
    core: Core, provider: Simulator, where: str
):
    app = shop(core, provider.authority, 60)
    campaign = short_lived(core, app, 600)
    planner.tick(core)
    audience = sum(states(core).values())
    with core.work(OPERATOR, app.number) as work:
        if where == "paused":
            campaigns.pause(work, campaign)
        if where == "held":
            for lane in credentials.list_credentials(work):
                holds.pause(work, lane.id)
    scheduler.settle(ahead(core, seconds=590))
    assert states(core)["planned"] == audience
    scheduler.settle(ahead(core, seconds=601))
    assert reasons(core) == {("expired", "ttl_passed"): audience}
    assert run_state(core, app, campaign) == "finished"
    assert not rows(core, "SELECT id FROM chunk WHERE state <> 'done'")


def test_the_longest_lived_wording_decides_when_the_clock_ends_rows(sqlite_core: Core, provider: Simulator):
    core = sqlite_core
    app = shop(core, provider.authority, 60)
    content = {"title": "Hello", "ttl_seconds": 60, "ios": {"ttl_seconds": 600}}
    launched(core, app, variants=[{"name": "A", "weight": 1, "content": content}])
    planner.tick(core)
    scheduler.settle(ahead(core, seconds=599))
    assert set(states(core)) == {"planned"}
    scheduler.settle(ahead(core, seconds=601))
    assert set(states(core)) == {"expired"}


def test_what_is_past_its_use_when_claimed_is_not_sent(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 60)
    campaign = short_lived(core, app, 600)
    planner.tick(core)
    with sending(ahead(core, seconds=700)):
        wait_for(lambda: not states(core)["planned"])
    assert set(states(core)) <= {"expired", "skipped"}
    assert provider.stats()["pairs"] == 0
    assert run_state(core, app, campaign) == "finished"


def test_a_retry_that_would_come_after_the_end_of_use_is_not_made(sqlite_core: Core, provider: Simulator):
    core = sqlite_core
    app = shop(core, provider.authority, 60)
    provider.behave(mix={name: {"503/ServiceUnavailable@3600": 1.0} for name in ("apns", "fcm", "webpush")})
    campaign = short_lived(core, app, 5)
    with sending(core):
        until(core, app, campaign, "finished")
    assert states(core)["expired"] > 40
    assert rows(core, "SELECT max(attempts) FROM delivery")[0][0] == 1


def test_retry_after_is_honoured_and_nobody_comes_back_early(core: Core, provider: Simulator):
    """At a hundredth of the waits: what matters is the instant, which is written down."""
    app = shop(core, provider.authority, 120)
    provider.behave(
        mix={"fcm": {"429/QUOTA_EXCEEDED@120": 0.5, "503/UNAVAILABLE@2": 0.3}, "apns": {"503/ServiceUnavailable": 0.5}}
    )
    campaign = launched(core, app)
    planner.tick(core)
    with sending(core):
        wait_for(lambda: {status for (status,) in rows(core, "SELECT DISTINCT status FROM attempt")} >= {429, 503})
        wait_for(lambda: not rows(core, "SELECT 1 FROM delivery WHERE state = 'planned' AND attempts = 0"))
        provider.behave()
        until(core, app, campaign, "finished", seconds=60)
    least = {429: 1.2, ("fcm", 503): 0.1, ("apns", 503): 9.0}
    tries = rows(
        core,
        "SELECT a.status, dv.provider, a.at, a.retry_at, a.number FROM attempt a JOIN delivery d ON d.id = a.delivery_id "
        "JOIN device dv ON dv.id = d.device_id WHERE a.retry_at IS NOT NULL",
    )
    assert {(row.status, row.provider) for row in tries} == {(429, "fcm"), (503, "fcm"), (503, "apns")}
    for row in tries:
        wait = (instant(row.retry_at) - instant(row.at)).total_seconds()
        asked = least.get(row.status) or least[row.provider, row.status]
        assert wait >= asked - 1e-3
        if row.provider == "fcm":
            assert wait <= asked * 1.1


def instant(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def test_nobody_is_tried_for_ever_and_the_failed_are_kept_with_their_reply(sqlite_core: Core, provider: Simulator):
    core = sqlite_core
    app = shop(core, provider.authority, 30)
    provider.behave(mix={"webpush": {"429/TooManyRequests@0": 1.0}})
    with core.work(OPERATOR, app.number) as work:
        campaigns.launch(work, campaigns.create(work, factories.definition()).row.id)
    planner.tick(core)
    with core.engine.begin() as connection:
        connection.execute(text("UPDATE delivery SET attempts = :almost"), {"almost": MAX_TRIES - 1})
    with sending(core):
        wait_for(lambda: not states(core)["planned"] and not states(core)["sending"])
    failed = rows(core, "SELECT id FROM delivery WHERE state = 'failed' AND reason LIKE '429%'")
    assert failed
    letters = rows(core, "SELECT delivery_id, status, raw FROM dead_letter")
    assert {row.id for row in failed} <= {row.delivery_id for row in letters}
    assert {row.status for row in letters if row.delivery_id in {r.id for r in failed}} == {429}


def test_a_lane_that_a_member_pauses_stops_within_a_batch_and_the_others_go_on(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 900)
    provider.behave(latency_ms=100)
    campaign = launched(core, app)
    planner.tick(core)
    with core.reading(OPERATOR, app.number) as work:
        apns = next(
            lane for lane in credentials.list_credentials(work) if lane.provider == "apns" and lane.devices > 100
        )
        number = credentials.number_of(work, apns.id)
    left = (
        "SELECT count(*) FROM delivery d JOIN chunk c ON c.run_id = d.run_id AND c.number = d.chunk "
        "WHERE d.state = 'planned' AND c.credential_id = :lane"
    )
    with sending(core):
        wait_for(lambda: states(core)["accepted"] > 50)
        with core.work(OPERATOR, app.number) as work:
            holds.pause(work, apns.id)
        wait_for(lambda: states(core)["planned"] == rows(core, left, lane=number)[0][0], 40)
        waiting = rows(core, left, lane=number)[0][0]
        time.sleep(1)
        assert rows(core, left, lane=number)[0][0] == waiting > 0
        assert run_state(core, app, campaign) == "running"
        with core.work(OPERATOR, app.number) as work:
            holds.resume(work, apns.id)
        until(core, app, campaign, "finished", seconds=60)
    assert provider.stats()["repeats"] == 0


def test_a_receipt_tells_of_a_push_that_would_be_tried_again(sqlite_core: Core, provider: Simulator):
    core = sqlite_core
    app = shop(core, provider.authority, 60)
    campaign = launched(core, app)
    planner.tick(core)
    with core.engine.begin() as connection:
        connection.execute(text("UPDATE delivery SET maybe_sent = 1, attempts = 1"))
        connection.execute(
            text(
                "INSERT INTO receipt (delivery_id, type, action, at, received_at) "
                "SELECT id, 'delivered', '', due_at, due_at FROM delivery"
            )
        )
    with sending(core):
        until(core, app, campaign, "finished")
    assert set(states(core)) == {"accepted"}
    assert provider.stats()["pairs"] == 0


def test_another_program_that_holds_the_database_for_ten_seconds_costs_nobody_a_push(
    sqlite_core: Core, provider: Simulator
):
    core = sqlite_core
    app = shop(core, provider.authority, 700)
    provider.behave(latency_ms=50)
    campaign = launched(core, app)
    planner.tick(core)
    with sending(core):
        wait_for(lambda: states(core)["accepted"] > 50)
        other = sqlite3.connect(core.settings.database_url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(10.5)
        other.execute("ROLLBACK")
        other.close()
        until(core, app, campaign, "finished", seconds=60)
    counted, stats = states(core), provider.stats()
    assert counted["planned"] == counted["sending"] == 0
    assert stats["pairs"] == counted["accepted"]
    assert stats["repeats"] <= core.settings.window


def test_a_database_that_drops_its_connections_costs_nobody_a_push(postgres_core: Core, provider: Simulator):
    core = postgres_core
    app = shop(core, provider.authority, 900)
    provider.behave(latency_ms=50)
    campaign = launched(core, app)
    planner.tick(core)
    drop = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with sending(core):
        for number in range(6):
            wait_for(lambda number=number: states(core)["accepted"] > 100 * number)
            with core.engine.connect() as connection:
                connection.execute(drop)
        until(core, app, campaign, "finished", seconds=60)
    counted, stats = states(core), provider.stats()
    assert counted["planned"] == counted["sending"] == 0
    assert stats["pairs"] == counted["accepted"]
    assert stats["repeats"] <= 6 * core.settings.window
