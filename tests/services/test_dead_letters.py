"""Dead letters: found, sent again, dropped; the ledger stands through all of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from backend.bootstrap import Core
from backend.db import OPERATOR, Actor
from backend.errors import Invalid, NotFound
from backend.models import AuditEntry, Campaign, Chunk, DeadLetter, Delivery, Device, Run
from backend.services import campaigns, dead_letters, deliveries, ids, privacy, retention
from backend.services.dead_letters import Filters
from backend.services.finishing import finish
from tests.services.lane_world import Clock, Planned, add_devices, add_lane, change, failed, planned, rows

ADA = Actor("member", label="ada@example.test")


@pytest.fixture
def clock(core: Core) -> Clock:
    return Clock()


@pytest.fixture
def world(core: Core, clock: Clock) -> Core:
    """The core, with a clock that the test holds."""
    return replace(core, clock=clock)


@pytest.fixture
def sent(world: Core, app) -> Planned:
    """A finished campaign to three browsers, all of which failed."""
    add_lane(world, app)
    add_devices(world, app, 3)
    made = planned(world, app)
    failed(world, app, made)
    return made


def retried(world: Core, app, *args, **kwargs):
    with world.work(ADA, app.number) as work:
        return dead_letters.retry(work, *args, **kwargs)


def count(world: Core, table) -> int:
    with world.reading(OPERATOR) as work:
        return int(work.session.execute(select(func.count()).select_from(table)).scalar_one())


def test_they_are_listed_with_their_raw_reply_and_narrowed(world: Core, app, sent: Planned):
    other = planned(world, app, name="Other")
    failed(world, app, other, reason="timeout", raw="")
    with world.reading(OPERATOR, app.number) as work:
        first = dead_letters.listing(work, limit=4)
        rest = dead_letters.listing(work, limit=4, cursor=first.next)
        named = dead_letters.listing(work, Filters(campaign_id=sent.campaign))
        timeouts = dead_letters.listing(work, Filters(reason="timeout"))
        facets = dead_letters.facets(work)
        with pytest.raises(NotFound):
            dead_letters.listing(work, Filters(lane="crd_nothing"))
    assert [row.id for row in (*first.items, *rest.items)] == [*other.names[::-1], *sent.names[::-1]]
    assert [row.id for row in named.items] == sent.names[::-1]
    assert {row.reason_text for row in timeouts.items} == {"The provider did not answer in time."}
    row = named.items[0]
    assert (row.raw, row.status, row.user_id, row.platform, row.refusal) == ('{"reason": "x"}', 500, "u2", "web", None)
    assert row.lane_name == "mailto:ops@example.test"
    assert sorted((facet.campaign_name, facet.reason, facet.count) for facet in facets) == [
        ("Other", "timeout", 3), ("Spring sale", "500", 3),
    ]  # fmt: skip


def test_a_retry_plans_the_push_anew_and_its_run_goes_on(world: Core, app, sent: Planned):
    done = retried(world, app, sent.names[:1])
    assert (done.count, done.refused, done.next) == (1, (), None)
    again, *others = rows(world, Delivery, Delivery.run_id == sent.run)
    assert (again.state, again.attempts, again.reason, again.ended_at) == ("planned", 0, None, None)
    assert {row.state for row in others} == {"failed"}
    chunk = rows(world, Chunk, (Chunk.run_id == sent.run) & (Chunk.number == again.chunk))[0]
    assert (chunk.state, chunk.not_before, chunk.fence) == ("ready", world.clock(), 0)
    run = rows(world, Run, Run.id == sent.run)[0]
    assert (run.state, run.finished_at, run.next_chunk, run.activity_at) == ("running", None, 2, world.clock())
    campaign = rows(world, Campaign, Campaign.id == run.campaign_id)[0]
    assert (campaign.state, campaign.finished_at) == ("running", None)
    assert count(world, DeadLetter) == 2


def test_what_is_sent_again_no_longer_counts_against_its_run(world: Core, app, sent: Planned):
    retried(world, app)
    run = rows(world, Run, Run.id == sent.run)[0]
    assert (run.answered, run.errors) == (5, 0)


def test_the_story_of_a_push_says_who_put_it_back(world: Core, app, sent: Planned):
    with world.reading(OPERATOR, app.number) as work:
        assert deliveries.explain(work, sent.names[0]).dead_letter
    retried(world, app, sent.names[:1])
    with world.reading(OPERATOR, app.number) as work:
        told = deliveries.explain(work, sent.names[0])
    assert not told.dead_letter
    assert told.attempts == ()
    step = next(step for step in told.steps if "Put back" in step.title)
    assert "ada@example.test" in step.detail
    entry = rows(world, AuditEntry, AuditEntry.action == "dead_letters.retry")[0]
    assert (entry.actor, entry.subject, entry.detail["deliveries"]) == (str(ADA), sent.names[0], 1)


def test_many_share_chunks_of_five_hundred_in_their_lane(world: Core, app):
    add_lane(world, app)
    add_devices(world, app, 7)
    made = planned(world, app)
    failed(world, app, made)
    dead_letters.CHUNK_ROWS, kept = 3, dead_letters.CHUNK_ROWS
    try:
        retried(world, app)
    finally:
        dead_letters.CHUNK_ROWS = kept
    places = [row.chunk for row in rows(world, Delivery, Delivery.run_id == made.run)]
    assert sorted(places.count(number) for number in set(places)) == [1, 3, 3]
    ready = rows(world, Chunk, (Chunk.run_id == made.run) & (Chunk.state == "ready"))
    assert {chunk.number for chunk in ready} == set(places)


def test_everything_can_be_retried_page_by_page(world: Core, app, sent: Planned, monkeypatch):
    monkeypatch.setattr(dead_letters, "MOST", 2)
    first = retried(world, app)
    second = retried(world, app, cursor=first.next)
    assert (first.count, second.count, second.next) == (2, 1, None)
    assert first.next is not None


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("cancelled", "cancelled"),
        ("archived", "archived"),
        ("unsubscribed", "unsubscribed"),
        ("no lane", "lane is gone"),
        ("too late", "last moment"),
        ("ttl", "time to live"),
        ("answered", "not failed"),
    ],
)
def test_what_cannot_be_sent_any_more_is_refused_and_stays(world: Core, app, sent: Planned, clock: Clock, spoil, said):
    mine = rows(world, Delivery, Delivery.id == sent.deliveries[0])[0]
    with world.work(OPERATOR, app.number) as work:
        match spoil:
            case "cancelled":
                change(work, Run, Run.id == sent.run, state="cancelled")
            case "archived":
                campaigns.archive(work, sent.campaign)
            case "unsubscribed":
                change(work, Device, Device.id == mine.device_id, state="unsubscribed")
            case "no lane":
                change(work, Device, Device.id == mine.device_id, credential_id=None)
            case "too late":
                change(work, Run, Run.id == sent.run, not_after=work.now - timedelta(seconds=1))
            case "answered":
                change(work, Delivery, Delivery.id == mine.id, state="accepted")
    if spoil == "ttl":
        clock.tick(seconds=86_401)
    done = retried(world, app, sent.names[:1])
    assert (done.count, done.refused[0].id) == (0, sent.names[0])
    assert said in done.refused[0].reason
    assert count(world, DeadLetter) == 3
    assert rows(world, Run, Run.id == sent.run)[0].state in {"finished", "cancelled"}
    with world.reading(OPERATOR, app.number) as work:
        assert said in next(row for row in dead_letters.listing(work).items if row.id == sent.names[0]).refusal


def test_a_message_without_a_time_to_live_may_be_retried_for_five_minutes(world: Core, app, clock: Clock):
    add_lane(world, app)
    add_devices(world, app, 1)
    content = {"title": "Now", "ttl_seconds": 3600, "web": {"ttl_seconds": 0}}
    made = planned(world, app, variants=[{"name": "A", "weight": 1, "content": content}])
    failed(world, app, made)
    clock.tick(minutes=4)
    with world.reading(OPERATOR, app.number) as work:
        assert dead_letters.listing(work).items[0].refusal is None
    clock.tick(minutes=2)
    assert "time to live" in retried(world, app).refused[0].reason


def test_a_device_that_has_moved_is_reached_through_its_new_lane(world: Core, app, sent: Planned):
    lane = add_lane(world, app, "mailto:new@example.test")
    number = world.keyring.number(ids.CREDENTIAL, lane)
    with world.work(OPERATOR) as work:
        change(work, Device, Device.app_id == app.number, credential_id=number)
    assert retried(world, app).count == 3
    assert {chunk.credential_id for chunk in rows(world, Chunk, Chunk.state == "ready")} == {number}


def test_a_paused_run_stays_paused_with_one_more_chunk(world: Core, app, sent: Planned):
    with world.work(OPERATOR) as work:
        change(work, Run, Run.id == sent.run, state="paused", pause_reason="member")
        change(work, Campaign, Campaign.app_id == app.number, state="paused", finished_at=None)
    assert retried(world, app).count == 3
    assert rows(world, Run, Run.id == sent.run)[0].state == "paused"
    assert rows(world, Campaign, Campaign.app_id == app.number)[0].state == "paused"


def test_dropping_leaves_the_delivery_failed(world: Core, app, sent: Planned):
    with world.work(ADA, app.number) as work:
        one = dead_letters.drop(work, sent.names[:1])
        rest = dead_letters.drop(work, None, Filters(reason="500"))
        none = dead_letters.drop(work, sent.names[:1])
    assert (one.count, rest.count, none.count, none.refused[0].id) == (1, 2, 0, sent.names[0])
    assert {row.state for row in rows(world, Delivery, Delivery.run_id == sent.run)} == {"failed"}
    assert count(world, DeadLetter) == 0
    assert [
        entry.detail["deliveries"] for entry in rows(world, AuditEntry, AuditEntry.action == "dead_letters.drop")
    ] == [1, 2]


def test_another_apps_and_unknown_ones_are_not_there(world: Core, app, sent: Planned):
    from backend.services import apps

    with world.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    for verb in (dead_letters.retry, dead_letters.drop):
        with world.work(ADA, other.number) as work:
            done = verb(work, [sent.names[0], "dlv_nothing"])
            everything = verb(work, None)
        assert (done.count, [one.id for one in done.refused]) == (0, [sent.names[0], "dlv_nothing"])
        assert everything.count == 0
    assert count(world, DeadLetter) == 3


def test_a_thousand_names_are_the_most(world: Core, app):
    with world.reading(ADA, app.number) as work, pytest.raises(Invalid, match="1000"):
        dead_letters.drop(work, ["dlv_x"] * 1001)


def test_one_that_fails_again_is_there_again_with_its_last_word(world: Core, app, sent: Planned):
    retried(world, app)
    failed(world, app, sent, reason="timeout", raw="later")
    failed(world, app, sent, reason="413", raw="last\0")
    with world.reading(OPERATOR, app.number) as work:
        found = dead_letters.listing(work).items
    assert [(row.reason, row.raw) for row in found] == [("413", "last")] * 3


def test_they_go_after_thirty_days_and_with_the_person(world: Core, app, sent: Planned, clock: Clock):
    with world.work(OPERATOR, app.number) as work:
        privacy.erase_user(work, "u0")
    assert count(world, DeadLetter) == 2
    clock.tick(days=30, seconds=1)
    retention.sweep(world)
    assert count(world, DeadLetter) == 0


@pytest.mark.parametrize("kind", ["send", "message"])
def test_a_run_that_is_about_to_end_does_not_while_its_dead_letters_are_put_back(
    world: Core, app, sent: Planned, kind: str
):
    """The other process has seen no open row; it must look again when the retry has been committed."""
    with world.work(OPERATOR) as work:
        change(work, Run, Run.id == sent.run, state="running", kind=kind)
        change(work, Campaign, Campaign.app_id == app.number, state="running", finished_at=None)

    def end() -> bool:
        with world.work(OPERATOR) as work:
            return finish(work, sent.run)

    with ThreadPoolExecutor(1) as other:
        with world.work(ADA, app.number) as work:
            assert dead_letters.retry(work).count == 3
            ending = other.submit(end)
            time.sleep(0.5)
        assert ending.result(10) is False
    assert rows(world, Run, Run.id == sent.run)[0].state == "running"
