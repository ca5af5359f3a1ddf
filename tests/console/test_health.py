"""The health page's states over a real database."""

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import HeldKind, Role
from backend.models import Credential, Delivery
from backend.services import credentials, holds, ids, lane_reports, processes
from console import routes
from console.rows import dead_letters as letters
from console.rows import health as rows
from console.states.dead_letters import DeadLettersState
from console.states.deliveries import DeliveryState
from console.states.health import HealthState
from tests.services.lane_world import add_devices, add_lane, change, failed, host, planned, report
from tests.services.lane_world import rows as found


@pytest.fixture
def admin(visitor):
    return visitor(Role.ADMIN)


@pytest.fixture
def lane(console, shop):
    return add_lane(console, shop)


@pytest.fixture
def sent(console, shop, lane):
    """A finished campaign to three browsers, all of which failed."""
    add_devices(console, shop, 3)
    made = planned(console, shop)
    failed(console, shop, made)
    return made


def number_of(console, lane: str) -> int:
    return int(console.keyring.number(ids.CREDENTIAL, lane) or 0)


async def test_all_is_well_when_nothing_waits(console, admin, lane):
    with console.work(OPERATOR) as unit:
        processes.beat(unit, "sender", "sender a 1")
    await admin.at("/health").do(HealthState.load)
    state = await admin.state(HealthState)
    assert (state.ready, state.alarms, state.summary.bad, state.summary.care) == (True, (), 0, 0)
    assert (state.summary.rate, state.summary.senders, state.lanes[0].state) == ("0/s", "1", "idle")
    assert [line.word for line in state.processes] == ["Sender"]


async def test_a_lane_is_opened_by_the_address_and_closed_again(console, admin, lane):
    with console.work(OPERATOR) as unit:
        said = report(accepted=9000, retried=1000, reasons={"429 429": 1000}, p50_ms=38.0, p95_ms=1400.0, in_flight=5,
                      hosts=[host("a", in_flight=5), host("b", "open", open_for=3.6)])  # fmt: skip
        lane_reports.write(unit, "sender a 1", {number_of(console, lane): said})
    await admin.at(f"/health?open={lane}&reason=500").do(HealthState.load)
    state = await admin.state(HealthState)
    line = state.lanes[0]
    assert (line.state, line.rate, line.errors, line.latency) == ("working", "167/s", "10.0%", "38 ms")
    assert line.latency_hint.endswith("1.4 s")
    assert (line.opened, line.href) == (True, "/health?reason=500")
    assert [(reason.reason, reason.count, reason.percent) for reason in state.detail.reasons] == [
        ("429", "1\u202f000", 10.0)
    ]
    assert [(one.host, one.detail) for one in state.detail.hosts] == [("b", "next try in 4 s"), ("a", "")]
    assert state.detail.devices == "0"
    for _ in range(3):
        await admin.do(HealthState.refresh)
    assert state.detail.devices == "0"  # counted at every tenth look only
    await admin.at("/health").do(HealthState.load)
    assert (state.lanes[0].opened, state.detail) == (False, rows.NO_LANE)
    assert state.lanes[0].href == f"/health?open={lane}"


async def test_a_lane_is_paused_resumed_limited_and_pruned_again(console, admin, shop, lane):
    with console.work(OPERATOR) as unit:
        told = {"quarantined_at": unit.now, "quarantine_reason": "Half of all addresses were called dead."}
        change(unit, Credential, Credential.id == number_of(console, lane), **told)
    await admin.at(f"/health?open={lane}").do(HealthState.load)
    state = await admin.state(HealthState)
    assert (state.lanes[0].quarantined, state.summary.care) == (True, 1)
    assert state.alarms[0].href == f"/health?open={lane}"
    await admin.do(HealthState.pause, lane)
    assert (state.lanes[0].state, state.lanes[0].stopped) == ("paused", True)
    await admin.do(HealthState.resume, lane)
    assert (state.lanes[0].state, state.lanes[0].stopped) == ("idle", False)
    await admin.do(HealthState.limit, lane, {"max_per_second": "25"})
    assert (state.detail.max_per_second, state.detail.rate_limit, state.limit_error) == ("25", "25/s", "")
    await admin.do(HealthState.limit, lane, {"max_per_second": "0"})
    assert "whole number from 1" in state.limit_error
    await admin.do(HealthState.limit, lane, {"max_per_second": "many"})
    assert "whole number" in state.limit_error
    await admin.do(HealthState.limit, lane, {"max_per_second": " "})
    assert (state.detail.max_per_second, state.limit_error) == ("", "")
    await admin.do(HealthState.prune_again, lane)
    assert (state.lanes[0].quarantined, state.alarms) == (False, ())


async def test_a_held_lane_leads_the_alarms(console, admin, shop, lane):
    with console.work(OPERATOR, shop.number) as unit:
        holds.hold(unit, number_of(console, lane), HeldKind.PROVIDER, "The push service refuses our key.")
        credentials.add_credential(unit, "webpush", {"subject": "mailto:b@example.test"})
        change(unit, Credential, Credential.id != number_of(console, lane), quarantined_at=unit.now)
    await admin.at("/health").do(HealthState.load)
    state = await admin.state(HealthState)
    assert [alarm.tone for alarm in state.alarms] == ["bad", "care"]
    assert "refuses our key" in state.alarms[0].sentence


async def test_dead_letters_are_narrowed_by_the_address(admin, sent):
    await admin.at("/health").do(DeadLettersState.load)
    state = await admin.state(DeadLettersState)
    assert (len(state.rows), state.matched, state.following, state.first) == (3, "3", "", True)
    assert [option.label for option in state.options.reasons] == ["Any reason", "500 (3)"]
    assert (state.rows[0].said, state.rows[0].raw) == ("500", '{"reason": "x"}')
    answer = await admin.do(DeadLettersState.narrow, "campaign_id", sent.campaign)
    assert f"/health?campaign_id={sent.campaign}" in str(answer[0])
    await admin.at(f"/health?campaign_id={sent.campaign}&reason=timeout").do(DeadLettersState.load)
    assert (state.rows, state.matched) == ((), "0")
    await admin.at("/health?lane=crd_nothing").do(DeadLettersState.load)
    assert (state.rows, state.ready) == ((), True)
    assert await admin.do(DeadLettersState.narrow, "rows", "x") == []


async def test_one_is_retried_and_the_ticked_ones_are_dropped(console, admin, sent):
    await admin.at("/health").do(DeadLettersState.load)
    state = await admin.state(DeadLettersState)
    await admin.do(DeadLettersState.treat, "retry", sent.names[0])
    assert (state.told, len(state.rows)) == ("1 push is on the way again.", 2)
    await admin.do(DeadLettersState.pick_page, True)
    await admin.do(DeadLettersState.pick, sent.names[1], False)
    assert state.picked == (sent.names[2],)
    assert [row.picked for row in state.rows] == [True, False]
    await admin.do(DeadLettersState.show, sent.names[1])
    assert [row.opened for row in state.rows] == [False, True]
    await admin.do(DeadLettersState.treat, "drop", "picked")
    assert (state.told, state.picked) == ("1 push is off the list.", ())
    assert [row.id for row in state.rows] == [sent.names[1]]
    states = [row.state for row in found(console, Delivery, Delivery.run_id == sent.run)]
    assert states == ["planned", "failed", "failed"]


async def test_everything_that_matches_is_retried_and_what_was_left_is_said(console, admin, sent, monkeypatch):
    from backend.services import dead_letters

    monkeypatch.setattr(dead_letters, "MOST", 2)
    mine = found(console, Delivery, Delivery.id == sent.deliveries[0])[0]
    with console.work(OPERATOR) as unit:
        change(unit, Delivery, Delivery.id == mine.id, state="accepted")
    await admin.at("/health?reason=500").do(DeadLettersState.load)
    await admin.do(DeadLettersState.treat_all, "retry")
    state = await admin.state(DeadLettersState)
    assert state.told == "2 pushes are on the way again. 1 was left as it is: it has not failed."
    assert (state.busy, [row.refusal for row in state.rows]) == ("", ["It has not failed."])
    await admin.do(DeadLettersState.treat_all, "no such verb")
    await admin.do(DeadLettersState.treat_all, "drop")
    assert (state.told, state.matched) == ("1 push is off the list.", "0")


async def test_the_page_of_a_push_offers_to_retry_it(admin, sent):
    await admin.at(f"/deliveries/{sent.names[0]}").do(DeliveryState.load)
    state = await admin.state(DeliveryState)
    assert state.shown.dead_letter
    answer = await admin.do(DeliveryState.retry)
    assert "On its way again" in str(answer[0])
    assert (state.shown.dead_letter, state.shown.line.state) == (False, "planned")
    again = await admin.do(DeliveryState.retry)
    assert "not among the dead letters" in str(again[0])


async def test_an_editor_may_not_retry_from_the_page_of_a_push(visitor, sent):
    editor = visitor(Role.EDITOR)
    await editor.at(f"/deliveries/{sent.names[0]}").do(DeliveryState.load)
    assert "role does not allow" in str((await editor.do(DeliveryState.retry))[0])


def test_addresses_of_the_page_hold_what_is_chosen():
    assert routes.health() == "/health"
    assert routes.health(open="crd_x", reason="") == "/health?open=crd_x"


def test_what_was_left_is_said_by_reason():
    left = {"It has not failed.": 2, "The device is gone.": 1}
    said = "1\u202f200 pushes are on the way again. 3 were left as they are: 2 × it has not failed; 1 × the device is gone."
    assert letters.outcome("retry", 1200, left) == said
    assert letters.outcome("drop", 0, {"The device is gone.": 1}) == "1 was left as it is: the device is gone."


def test_long_queues_and_old_ones_are_said_in_words():
    assert rows._about(1_240_000, False) == "≈ 1\u202f240\u202f000"
    assert rows._about(0, False) == "0"
    assert rows._retrying(2) == "2 wait for another try"
