"""How lanes are said to be doing, and what raises an alarm."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend import scheduler
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.pace import Bucket
from backend.domain.vocabulary import HeldKind, LaneState
from backend.errors import NotFound
from backend.models import Chunk, Credential, Delivery, Device, LaneReport, Pace, Run
from backend.services import alarms, apps, credentials, holds, ids, lane_health, lane_reports, processes
from backend.services.alarms import AlarmKind, Severity
from tests.services.lane_world import Clock, add_devices, add_lane, change, failed, host, planned, report, rows


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(core: Core, clock: Clock) -> Core:
    return replace(core, clock=clock)


@pytest.fixture
def lane(world: Core, app) -> int:
    """The number of the app's one lane."""
    return int(world.keyring.number(ids.CREDENTIAL, add_lane(world, app)) or 0)


def say(world: Core, lane: int, process: str = "sender a 1", **changes: Any) -> None:
    with world.work(OPERATOR) as work:
        lane_reports.write(work, process, {lane: report(**changes)})


def seen(world: Core, app) -> lane_health.Lane:
    with world.reading(OPERATOR, app.number) as work:
        return lane_health.lanes(work)[0]


def raised(world: Core, app) -> dict[str, alarms.Alarm]:
    with world.reading(OPERATOR, app.number) as work:
        return {alarm.kind.value: alarm for alarm in alarms.raised(work, lane_health.lanes(work, devices=False))}


def test_reports_of_several_processes_are_added_up(world: Core, app, lane: int):
    say(world, lane, accepted=1200, gone=30, reasons={"410 410": 30}, p50_ms=10.0, p95_ms=50.0, in_flight=7,
        hosts=[host("a", in_flight=5), host("b", "open", open_for=3.0, failures=9)])  # fmt: skip
    say(world, lane, "sender b 2", accepted=300, failed=30, retried=60, reasons={"410": 1, "429": 60}, p50_ms=20.0,
        p95_ms=90.0, in_flight=3, hosts=[host("a", "half_open", in_flight=1, failures=2)])  # fmt: skip
    traffic = seen(world, app).traffic
    assert (traffic.processes, traffic.accepted, traffic.gone, traffic.in_flight) == (2, 1500, 30, 10)
    assert (traffic.answers, traffic.errors, traffic.per_second) == (1620, 90, 27.0)
    assert dict(traffic.reasons) == {"429": 60, "410": 31}
    assert traffic.p95_ms == 90.0
    assert traffic.p50_ms == pytest.approx((10 * 1230 + 20 * 390) / 1620, abs=0.05)
    assert [(one.host, one.state, one.in_flight, one.failures) for one in traffic.hosts] == [
        ("b", "open", 0, 9), ("a", "half_open", 6, 2),
    ]  # fmt: skip


def test_what_nobody_renews_is_not_believed_and_goes(world: Core, app, lane: int, clock: Clock):
    say(world, lane, accepted=600)
    say(world, lane, accepted=60)
    assert seen(world, app).traffic.accepted == 60
    clock.tick(seconds=16)
    assert seen(world, app).traffic == lane_reports.QUIET
    clock.tick(seconds=45)
    with world.work(OPERATOR) as work:
        lane_reports.write(work, "sender b 2", {lane + 99: report()})  # of a credential that is gone
    assert rows(world, LaneReport, LaneReport.id > 0) == []


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
def test_a_rest_goes_on_between_two_reports(world: Core, app, lane: int, clock: Clock):
    say(world, lane, hosts=[host("a", "open", open_for=9.0)])
    clock.tick(seconds=4)
    assert seen(world, app).traffic.hosts[0].open_for == 5.0
    assert "the next try is in 5 s" in seen(world, app).sentence


@pytest.mark.parametrize(
    ("hosts", "state", "said"),
    [
        ([], LaneState.IDLE, "Nothing waits"),
        ([host()], LaneState.IDLE, "Nothing waits"),
        ([host("a", in_flight=1)], LaneState.WORKING, "Pushes go out."),
        ([host("a", in_flight=1), host("b", "open")], LaneState.WORKING, "1 of 2 hosts not answering (b)"),
        ([host("a", "open", open_for=4.4)], LaneState.RESTING, "a is not answering; the next try is in 4 s"),
        ([host("a", "open", open_for=9), host("b", "open", open_for=2)], LaneState.RESTING, "All 2 hosts"),
        ([host("a", "half_open")], LaneState.HALF_OPEN, "One push"),
    ],
)
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
def test_the_breaker_shows_in_the_state(world: Core, app, lane: int, hosts, state, said):
    say(world, lane, hosts=hosts, in_flight=sum(one["in_flight"] for one in hosts))
    found = seen(world, app)
    assert found.state is state
    assert said in found.sentence


def test_who_stopped_a_lane_is_said_and_comes_first(world: Core, app, lane: int):
    say(world, lane, hosts=[host("a", "open")])
    with world.work(OPERATOR, app.number) as work:
        holds.hold(work, lane, HeldKind.PROVIDER, "The push service refuses our key.")
    found = seen(world, app)
    assert (found.state, found.sentence) == (LaneState.HELD, "The push service refuses our key.")
    assert found.held_until is not None
    alarm = raised(world, app)["lane_held"]
    assert (alarm.severity, alarm.lane) == (Severity.BAD, found.id)
    assert alarm.sentence == "Web Push mailto:ops@example.test: The push service refuses our key."
    with world.work(OPERATOR, app.number) as work:
        holds.resume(work, found.id)
        holds.pause(work, found.id)
    assert seen(world, app).state is LaneState.PAUSED
    assert "lane_paused" not in raised(world, app)  # nothing waits for it


def test_a_slowed_lane_is_no_ramping_one(world: Core, app, lane: int, clock: Clock):
    with world.work(OPERATOR, app.number) as work:
        credentials.set_rate(work, ids.public(work, ids.CREDENTIAL, lane), 100)
        bucket = Bucket(10.0, work.now, share=0.5, ramp_started_at=work.now, slowed_at=work.now)
        work.session.add(Pace(name=f"lane:{lane}", **{name: getattr(bucket, name) for name in Bucket.__slots__}))
    say(world, lane, accepted=60, in_flight=3)
    found = seen(world, app)
    assert (found.state, found.rate_limit, found.max_per_second) == (LaneState.SLOWED, 50.0, 100)
    assert "50%" in found.sentence
    clock.tick(seconds=30)
    say(world, lane, accepted=60, in_flight=3)
    assert seen(world, app).rate_limit == 75.0
    with world.work(OPERATOR) as work:
        change(work, Pace, Pace.name == f"lane:{lane}", slowed_at=None)
    found = seen(world, app)
    assert (found.state, found.sentence) == (LaneState.WORKING, "Growing to its full rate: 75% now.")


def test_the_queue_is_counted_by_the_row(world: Core, app, lane: int, clock: Clock):
    add_devices(world, app, 5)
    sent = planned(world, app)
    first, second, third, *_ = sent.deliveries
    with world.work(OPERATOR) as work:
        later = {"run_id": sent.run, "credential_id": lane, "priority": 0, "state": "ready", "fence": 0}
        work.session.add(Chunk(**later, number=7, not_before=work.now + timedelta(minutes=5)))
        change(work, Delivery, Delivery.id.in_([first, second]), chunk=7)
        change(work, Delivery, Delivery.id == first, attempts=1)
        change(work, Delivery, Delivery.id == third, state="accepted")
    since = clock.now
    clock.tick(seconds=20)
    found = seen(world, app)
    assert (found.rows_due, found.rows_retrying, found.exact, found.oldest_due) == (2, 1, True, since)


def test_a_long_queue_is_estimated_by_its_chunks(world: Core, app, lane: int, monkeypatch):
    add_devices(world, app, 5)
    planned(world, app)
    monkeypatch.setattr(lane_health, "COUNTED_ROWS", 400)
    found = seen(world, app)
    assert (found.rows_due, found.exact) == (500, False)


def test_a_queue_that_a_member_paused_waits_for_the_member_and_not_for_the_lane(world: Core, app, lane: int):
    add_devices(world, app, 2)
    sent = planned(world, app)
    with world.work(OPERATOR) as work:
        change(work, Run, Run.id == sent.run, state="paused", pause_reason="member")
    assert seen(world, app).rows_due == 0
    with world.work(OPERATOR) as work:
        change(work, Run, Run.id == sent.run, pause_reason="credential")
    assert seen(world, app).rows_due == 2


def test_devices_dead_ones_and_dead_letters_are_counted(world: Core, app, lane: int, clock: Clock):
    add_devices(world, app, 4)
    failed(world, app, planned(world, app))
    device = rows(world, Device, Device.app_id == app.number)
    with world.work(OPERATOR) as work:
        dead = {"state": "invalid", "state_at": work.now - timedelta(days=2)}
        change(work, Device, Device.id == device[0].id, **dead)
        change(work, Device, Device.id == device[1].id, **{**dead, "state_at": work.now - timedelta(days=8)})
    found = seen(world, app)
    assert (found.devices, found.pruned_in_week, found.dead_letters) == (4, 1, 4)
    with world.reading(OPERATOR, app.number) as work:
        assert lane_health.lanes(work, devices=False)[0].devices is None


def test_another_apps_lane_is_not_there(world: Core, app, lane: int):
    with world.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    name = world.keyring.public_id(ids.CREDENTIAL, lane)
    with world.reading(OPERATOR, other.number) as work:
        assert lane_health.lanes(work) == []
        for missing in (name, "crd_nothing"):
            with pytest.raises(NotFound):
                lane_health.lane(work, missing)
    with world.reading(OPERATOR) as work:
        assert [found.id for found in lane_health.lanes(work)] == [name]


def test_a_campaign_that_does_not_move_raises_an_alarm_within_a_minute(world: Core, app, lane: int, clock: Clock):
    add_devices(world, app, 2)
    sent = planned(world, app)
    clock.tick(seconds=50)
    assert "stalled_run" not in raised(world, app)
    clock.tick(seconds=6)
    alarm = raised(world, app)["stalled_run"]
    assert (alarm.severity, alarm.campaign_id, alarm.campaign_name) == (Severity.BAD, sent.campaign, "Spring sale")
    assert "none has moved for 56 s" in alarm.sentence
    assert seen(world, app).state is LaneState.STALLED
    with world.work(OPERATOR) as work:
        change(work, Run, Run.id == sent.run, activity_at=work.now)
    assert "stalled_run" not in raised(world, app)


@pytest.mark.parametrize("why", ["held lane", "paused run", "later chunk", "slow throttle"])
def test_what_waits_for_a_reason_is_not_stalled(world: Core, app, lane: int, clock: Clock, why: str):
    add_devices(world, app, 2)
    sent = planned(world, app)
    clock.tick(seconds=90)
    with world.work(OPERATOR, app.number) as work:
        match why:
            case "held lane":
                holds.hold(work, lane, HeldKind.MEMBER, "Paused.")
            case "paused run":
                change(work, Run, Run.id == sent.run, state="paused", pause_reason="member")
            case "later chunk":
                change(work, Chunk, Chunk.run_id == sent.run, not_before=work.now - timedelta(seconds=30))
            case "slow throttle":
                change(work, Run, Run.id == sent.run, throttle_per_minute=1)
    assert "stalled_run" not in raised(world, app)


def test_a_frozen_worker_leaves_a_stalled_run(world: Core, app, lane: int, clock: Clock):
    """A chunk that somebody holds and nobody moves is stuck all the same."""
    add_devices(world, app, 2)
    sent = planned(world, app)
    with world.work(OPERATOR) as work:
        change(work, Chunk, Chunk.run_id == sent.run, state="leased", lease_until=work.now + timedelta(hours=1))
    clock.tick(seconds=60)
    assert "stalled_run" in raised(world, app)


def test_due_pushes_without_a_sender_raise_an_alarm(world: Core, app, lane: int, clock: Clock):
    assert raised(world, app) == {}
    add_devices(world, app, 2)
    planned(world, app)
    assert raised(world, app)["no_sender"].severity is Severity.BAD
    with world.work(OPERATOR) as work:
        processes.beat(work, "sender", "sender a 1")
    assert "no_sender" not in raised(world, app)
    clock.tick(seconds=16)
    assert "no_sender" in raised(world, app)


def test_a_backlog_older_than_five_minutes_and_a_paused_lane_with_work_are_told(
    world: Core, app, lane: int, clock: Clock
):
    add_devices(world, app, 2)
    planned(world, app)
    since = clock.now
    with world.work(OPERATOR, app.number) as work:
        holds.pause(work, ids.public(work, ids.CREDENTIAL, lane))
    clock.tick(minutes=5)
    found = raised(world, app)
    assert (found["backlog"].since, found["lane_paused"].since) == (since, since)


@pytest.mark.parametrize(("answers", "told"), [(90, False), (100, True), (101, False)])
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
def test_errors_are_told_when_they_are_many_of_many(world: Core, app, lane: int, answers: int, told: bool):
    errors = 10
    say(world, lane, accepted=answers - errors, retried=errors, reasons={"429 429": 8, "503 503": 2})
    found = raised(world, app).get("lane_erring")
    assert (found is not None) is told
    if found:
        assert found.sentence.endswith("10% of the last minute's answers were errors, most often 429.")


@pytest.mark.parametrize(
    ("days", "severity", "said"),
    [(31, None, ""), (29, Severity.CARE, "in 29 days"), (6, Severity.BAD, "in 6 days"), (-1, Severity.BAD, "expired")],
)
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
def test_a_certificate_that_ends_is_told_in_time(world: Core, app, lane: int, days: int, severity, said: str):
    with world.work(OPERATOR) as work:
        change(work, Credential, Credential.id == lane, expires_at=work.now + timedelta(days=days, minutes=1))
    found = raised(world, app).get("credential_expiring")
    assert (found.severity if found else None) is severity
    assert said in (found.sentence if found else "")


def test_a_quarantine_is_an_alarm_until_it_is_lifted(world: Core, app, lane: int):
    with world.work(OPERATOR) as work:
        told = {"quarantined_at": work.now, "quarantine_reason": "Half of all addresses were called dead."}
        change(work, Credential, Credential.id == lane, **told)
    alarm = raised(world, app)[AlarmKind.QUARANTINE]
    assert "Half of all addresses" in alarm.sentence
    with world.work(OPERATOR, app.number) as work:
        credentials.prune_again(work, alarm.lane or "")
    assert raised(world, app) == {}


def test_processes_are_alive_or_silent(world: Core, clock: Clock):
    with world.work(OPERATOR) as work:
        processes.beat(work, "sender", "sender a 1")
    clock.tick(seconds=10)
    with world.work(OPERATOR) as work:
        processes.beat(work, "server", "server a 2", "http://127.0.0.1:3000")
    clock.tick(seconds=10)
    with world.reading(OPERATOR) as work:
        found = alarms.list_processes(work)
    assert [(one.kind, one.alive, one.address) for one in found] == [
        ("sender", False, None), ("server", True, "http://127.0.0.1:3000"),
    ]  # fmt: skip


@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
def test_a_server_that_ends_in_good_order_leaves_no_silent_process(core: Core):
    with core.work(OPERATOR) as work:
        processes.beat(work, "server", "server a 2")
    scheduler.leave(core, "server a 2")
    with core.reading(OPERATOR) as work:
        assert alarms.list_processes(work) == []
