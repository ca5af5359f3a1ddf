"""Sends that are held back or stop themselves, with the real sender against the simulator."""

import time

import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import campaigns, credentials, planner
from backend.services.apps import AppRow
from tests.factories import Simulator, launched, shop
from tests.services.test_pipeline import sending, states, until

pytestmark = pytest.mark.slow


def pause_of(core: Core, app: AppRow, campaign: str) -> tuple[str | None, str]:
    with core.reading(OPERATOR, app.number) as work:
        row = campaigns.get(work, campaign).row
    return row.pause_reason, row.pause_detail or ""


def test_a_throttled_campaign_keeps_to_its_number(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 400)
    launched(core, app, throttle_per_minute=1_200)
    planner.tick(core)
    begun = time.monotonic()
    with sending(core):
        time.sleep(5)
    seconds = time.monotonic() - begun
    assert 40 < provider.stats()["pairs"] <= 20 * (seconds + 1)


def test_a_lane_keeps_to_its_members_limit_and_the_others_go_on(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 400)
    with core.work(OPERATOR, app.number) as work:
        slow = next(row for row in credentials.list_credentials(work) if row.provider == "apns" and row.devices > 100)
        credentials.set_rate(work, slow.id, 10)
        number = credentials.number_of(work, slow.id)
    campaign = launched(core, app)
    planner.tick(core)
    sent = text(
        "SELECT count(*) FROM delivery JOIN chunk ON chunk.run_id = delivery.run_id AND chunk.number = delivery.chunk "
        "WHERE delivery.state = 'accepted' AND chunk.credential_id = :lane"
    )
    others = text("SELECT count(*) FROM delivery WHERE state = 'planned'")
    begun = time.monotonic()
    with sending(core):
        time.sleep(4)
    seconds = time.monotonic() - begun
    with core.engine.connect() as connection:
        assert 10 < connection.execute(sent, {"lane": number}).scalar_one() <= 10 * (seconds + 1)
        assert connection.execute(others).scalar_one() < slow.devices
    with core.work(OPERATOR, app.number) as work:
        credentials.set_rate(work, slow.id, None)
    with sending(core):
        until(core, app, campaign, "finished")


def test_a_send_with_too_many_errors_pauses_itself_and_goes_on_by_a_members_word(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 900)
    provider.behave(mix={"apns": {"400/BadExpirationDate": 1.0}})
    campaign = launched(core, app)
    with sending(core):
        until(core, app, campaign, "paused")
    why, sentence = pause_of(core, app, campaign)
    assert why == "guardrail"
    assert "answers were errors" in sentence
    assert states(core)["planned"] > 0
    provider.behave()
    with core.work(OPERATOR, app.number) as work:
        campaigns.resume(work, campaign)
    with sending(core):
        until(core, app, campaign, "finished")


def test_a_provider_gone_mad_does_not_empty_the_app(core: Core, provider: Simulator):
    app = shop(core, provider.authority, 900)
    with core.engine.connect() as connection:
        dead = "SELECT count(*) FROM device WHERE state = 'invalid'"
        before = connection.execute(text(dead)).scalar_one()
    provider.behave(mix={"apns": {"410/Unregistered": 1.0}})
    campaign = launched(core, app)
    with sending(core):
        until(core, app, campaign, "finished")
    with core.reading(OPERATOR, app.number) as work:
        lanes = [row for row in credentials.list_credentials(work) if row.provider == "apns" and row.devices > 100]
        lost = work.session.execute(text(dead)).scalar_one() - before
    assert lanes
    assert all(row.quarantined_at and "called dead" in (row.quarantine_reason or "") for row in lanes)
    assert lost < 50 * len(lanes) + 40  # the other lanes have their usual share
