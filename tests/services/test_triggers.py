"""Event campaigns: exactly the sends that a plain oracle expects, whatever order things are told in."""

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from lane_world import KEYS, Clock, add_lane
from push_rows import count, value
from sqlalchemy import text
from sqlalchemy.event import listen
from trigger_oracle import Listener, Oracle, Told

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import NotFound
from backend.queries import triggers as queries
from backend.services import (
    analytics,
    apps,
    campaigns,
    ids,
    people,
    privacy,
    segmentation,
    subscribers,
    triggers,
)
from backend.services.events import EventIn
from backend.services.registration import DeviceIn
from tests.factories import definition

START = datetime(2026, 10, 23, 6, tzinfo=UTC)
"""Two days before Europe's clocks go back."""
NEVER = {"where": {}, "delay_seconds": 0, "wall": None, "cancel_event": None, "cancel_where": {}, "reentry": "always"}
ZONES = ("Europe/Warsaw", "Asia/Kolkata", "America/New_York", None)


def schedule(event: str, **more: Any) -> dict[str, Any]:
    return {"kind": "event", **NEVER, "event": event, **more}


class World:
    """An app with people, some with devices, whose clock the test holds."""

    def __init__(self, core: Core, app: apps.AppRow) -> None:
        self.clock = Clock()
        self.clock.now = START
        self.core, self.app = replace(core, clock=self.clock), app
        add_lane(self.core, app)
        self.devices: dict[str, str] = {}

    def work(self):
        return self.core.work(OPERATOR, self.app.number)

    def person(self, name: str, *, device: bool = True, zone: str | None = None, user_zone: str | None = None) -> None:
        with self.work() as work:
            people.put_user(work, people.ensure_user(work, name), people.UserIn(timezone=user_zone))
            if device:
                self.devices[name] = register(work, name, zone)

    def campaign(self, when: Mapping[str, Any], **changes: Any) -> str:
        with self.work() as work:
            made = campaigns.create(work, definition(schedule=dict(when), category="transactional", **changes)).row.id
            campaigns.launch(work, made)
        return made

    def number(self, campaign: str) -> int:
        with self.work() as work:
            return ids.number(work, ids.CAMPAIGN, campaign)

    def tell(self, *events: tuple[str, str], **more: Any) -> None:
        """Events (user, name), now."""
        with self.work() as work:
            subscribers.record_events(work, [EventIn(name=name, user_id=user, **more) for user, name in events])

    def entries(self, campaign: str) -> Counter[str]:
        with self.core.reading(OPERATOR, self.app.number) as work:
            return Counter(row.state for row in triggers.entries(work, campaign, limit=1000).items)

    def tick(self, **later: float) -> int:
        self.clock.tick(**later)
        return triggers.tick(self.core)


def register(work, name: str | None, zone: str | None = None) -> str:
    subscription = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{name}", "keys": KEYS}
    given = {"platform": "web", "subscription": subscription, "permission": "granted", "user_id": name}
    given |= {"timezone": zone} if zone else {}
    device = {key: one for key, one in given.items() if one is not None}
    return subscribers.register_device(work, DeviceIn.model_validate(device), trusted=True).device.id


@pytest.fixture
def world(core: Core, app: apps.AppRow) -> World:
    return World(core, app)


@pytest.fixture
def lite(sqlite_core: Core) -> World:
    with sqlite_core.work(OPERATOR) as work:
        made = apps.create_app(work, slug="shop")
    return World(sqlite_core, made)


SENT = {"minutes": 60, "then": "send"}
CAMPAIGNS: dict[str, tuple[dict[str, Any], dict[str, Any] ]] = {
    "cart": (
        schedule(
            "cart", where={"tier": 1}, delay_seconds=3600, cancel_event="purchase", cancel_where={"paid": True}
        ),
        {"minutes": 60, "then": "skip"},
    ),
    "once": (schedule("viewed", where={"plan": "gold"}, reentry="once"), SENT),
    "days": (schedule("viewed", wall="02:30", delay_seconds=1800, reentry={"days": 2}), SENT),
    "last": (schedule("viewed", delay_seconds=900, cancel_event="viewed"), SENT),
    "once_kept": (schedule("cart", where={"gift": True}, delay_seconds=60, cancel_event="purchase", reentry="once"), SENT),
}  # fmt: skip
TELLINGS, BATCHES, PEOPLE = 20_000, 48, 240
SPAN = timedelta(days=4)
OFF = (START + timedelta(days=2), START + timedelta(days=2, hours=5))
"""The machine takes events but does not tick: what falls due is late."""


def tellings(world: World, chance: random.Random) -> list[tuple[datetime, Told]]:
    """(arrival, telling), in order of arrival: some late, some out of order, some told again with the same id."""
    zones = {f"u{n}": (ZONES[n % 4] if n % 3 else None, ZONES[(n + 1) % 4]) for n in range(PEOPLE)}
    for name, (zone, user_zone) in zones.items():
        world.person(name, device=bool(hash_of(name) % 10), zone=zone, user_zone=user_zone)
    found: list[tuple[datetime, Told]] = []
    while len(found) < TELLINGS:
        told, arrival = _told(world, chance, zones, len(found))
        found.append((arrival, told))
        while chance.random() < 0.25:
            found.append((arrival + timedelta(minutes=chance.choice((0, 1, 400))), told))
    return sorted(found[:TELLINGS], key=lambda one: one[0])


def hash_of(name: str) -> int:
    return int(name[1:])


def _told(world: World, chance: random.Random, zones: Mapping[str, Any], number: int) -> tuple[Told, datetime]:
    user = f"u{int(PEOPLE * chance.random() ** 2)}"
    at = START + timedelta(seconds=int(chance.uniform(-7200, SPAN.total_seconds())))
    delay = chance.choice((0, 0, 0, 1, 30, 90, 1500))
    by_device = user in world.devices and chance.random() < 0.5
    properties = {
        "n": f"{number:06d}",
        "tier": chance.choice((1, 1, 1.0, True, "1", 2)),
        "plan": chance.choice(("gold", "Gold", None, 1)),
        "gift": chance.choice((True, 1, "true")),
        "paid": chance.choice((True, True, "true", False)),
    }
    name = chance.choice(("cart", "cart", "purchase", "viewed", "other"))
    device_zone, user_zone = zones[user]
    told = Told(f"e{number:06d}", name, user, at, properties, device_zone if by_device else None, user_zone)
    return told, max(START, at) + timedelta(minutes=delay)


def said(world: World, told: Told) -> EventIn:
    whose = {"user_id": told.user} if told.device_zone is None else {"device_id": world.devices[told.user]}
    return EventIn(id=told.id, name=told.name, at=told.at, properties=told.properties, value=2.5, **whose)


@pytest.mark.slow
def test_twenty_thousand_tellings_send_exactly_what_the_oracle_sends(world: World, monkeypatch):
    monkeypatch.setattr(triggers, "PAGE", 150)  # several pages a tick
    made = {name: world.campaign(when, late=late) for name, (when, late) in CAMPAIGNS.items()}
    oracle = Oracle({name: Listener(when, late, START) for name, (when, late) in CAMPAIGNS.items()}, "UTC")
    arrivals = tellings(world, random.Random(26))
    for turn in range(1, BATCHES + 1):
        world.clock.now = START + SPAN * turn / BATCHES
        batch = [told for arrival, told in arrivals if arrival <= world.clock.now]
        arrivals = arrivals[len(batch) :]
        with world.work() as work:
            subscribers.record_events(work, [said(world, told) for told in batch])
        oracle.tell(batch)
        if not OFF[0] <= world.clock.now < OFF[1]:
            answer(world, oracle)
    world.clock.now += timedelta(days=3)
    with world.work() as work:
        subscribers.record_events(work, [said(world, told) for _, told in arrivals])
    oracle.tell([told for _, told in arrivals])
    answer(world, oracle)
    expected = {
        (name, firing.told.id): firing.state
        for name, listener in oracle.listeners.items()
        for firing in listener.firings
    }
    assert Counter(expected.values()).keys() == {"fired", "cancelled", "missed", "repeated"}
    assert outcome(world, made) == expected
    fired = Counter((name, event) for (name, event), state in expected.items() if state == "fired")
    users = {firing.told.id: firing.told.user for one in oracle.listeners.values() for firing in one.firings}
    assert sends(world, made) == {key: n for key, n in fired.items() if users[key[1]] in world.devices}


def answer(world: World, oracle: Oracle) -> None:
    """Ticks until nothing is due: whoever is owed several pushes gets one a run."""
    while triggers.tick(world.core):
        pass
    while oracle.tick(world.clock.now):
        pass


def outcome(world: World, made: Mapping[str, str]) -> dict[tuple[str, str], str]:
    names = {world.number(campaign): name for name, campaign in made.items()}
    with world.core.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT n.campaign_id, e.external_id, n.state FROM entry n JOIN event e ON e.id = n.event_id")
        ).all()
    assert len(rows) == count(world.core, "entry")
    return {(names[campaign], event): state for campaign, event, state in rows}


def sends(world: World, made: Mapping[str, str]) -> Counter[tuple[str, str]]:
    """(campaign, event's id) of every push, by what its template would read."""
    names = {world.number(campaign): name for name, campaign in made.items()}
    with world.core.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT r.campaign_id, c.data -> 'event' ->> 'n', d.run_id, d.user_id FROM delivery d "
                "JOIN run r ON r.id = d.run_id JOIN context c ON c.id = d.context_id"
            )
        ).all()
    assert len(rows) == count(world.core, "delivery")
    assert len({(run, user) for *_, run, user in rows}) == len(rows)  # nobody twice in a run
    return Counter((names[campaign], f"e{event}") for campaign, event, *_ in rows)


def test_a_paused_campaign_collects_and_answers_when_it_goes_on(world: World):
    world.person("ana")
    campaign = world.campaign(schedule("seen"))
    with world.work() as work:
        campaigns.pause(work, campaign)
    world.tell(("ana", "seen"))
    assert world.tick(minutes=5) == 0
    assert world.entries(campaign) == {"waiting": 1}
    with world.work() as work:
        campaigns.resume(work, campaign)
    assert world.tick() == 1
    assert world.entries(campaign) == {"fired": 1}


def test_a_cancelled_campaign_calls_off_what_waits_and_hears_nothing_more(world: World):
    world.person("ana")
    campaign = world.campaign(schedule("seen", delay_seconds=600))
    world.tell(("ana", "seen"))
    with world.work() as work:
        campaigns.cancel(work, campaign)
    world.tell(("ana", "seen"))
    assert world.tick(hours=1) == 0
    assert world.entries(campaign) == {"cancelled": 1}


def test_a_changed_campaign_answers_what_waits_and_a_new_event_from_then_on(world: World):
    world.person("ana")
    campaign = world.campaign(schedule("seen", delay_seconds=600))
    world.tell(("ana", "seen"))
    world.clock.tick(minutes=1)
    with world.work() as work:
        campaigns.update(work, campaign, {"schedule": schedule("bought")})
    world.tell(("ana", "bought"), at=world.clock.now - timedelta(seconds=30))
    world.tell(("ana", "bought"), ("ana", "seen"))
    assert world.tick(hours=1) == 1  # one run each
    assert world.tick() == 1
    assert world.entries(campaign) == {"fired": 2}


def test_the_same_event_heard_again_is_heard_since_the_first_launch(world: World):
    world.person("ana")
    campaign = world.campaign(schedule("seen"))
    then = world.clock.now
    world.clock.tick(minutes=10)
    with world.work() as work:
        campaigns.update(work, campaign, {"schedule": schedule("seen", delay_seconds=60)})
    world.tell(("ana", "seen"), at=then)
    world.tell(("ana", "seen"), at=then - timedelta(seconds=1))
    assert world.tick() == 1


def test_whoever_has_no_device_has_had_it_and_nobody_is_lost_in_the_sum(world: World):
    world.person("ana")
    world.person("ben", device=False)
    campaign = world.campaign(schedule("seen", reentry="once"))
    world.tell(("ana", "seen"), ("ben", "seen"))
    world.tick()
    assert world.entries(campaign) == {"fired": 2}
    assert count(world.core, "delivery") == count(world.core, "context") == 1
    assert "no_device" in value(world.core, "SELECT CAST(people_unreachable AS text) FROM run")
    with world.work() as work:
        register(work, "ben")
    world.tell(("ben", "seen"))
    world.tick()
    assert world.entries(campaign) == {"fired": 2, "repeated": 1}


def test_whoever_is_outside_the_audience_gets_nothing_and_leaves_no_trace(world: World):
    world.person("ana")
    world.person("ben", user_zone="Asia/Kolkata")
    rules = {"combinator": "and", "rules": [{"field": "user.timezone", "operator": "=", "value": "Asia/Kolkata"}]}
    with world.work() as work:
        segment = segmentation.create(work, "There", rules).id
    world.campaign(schedule("seen"), audience={"include": [segment]})
    world.tell(("ana", "seen"), ("ben", "seen"))
    world.tick()
    assert count(world.core, "delivery") == count(world.core, "context") == 1


def test_a_template_reads_the_event_and_its_properties_win(world: World):
    world.person("ana")
    world.campaign(schedule("bought"))
    world.tell(("ana", "bought"), value=12.5, currency="EUR", properties={"sku": "A-1", "currency": "points"})
    world.tick()
    with world.core.engine.connect() as connection:
        said = connection.execute(text("SELECT data ->> 'event' FROM context")).scalar_one()
    expected = {"name": "bought", "at": START.isoformat(), "value": 12.5, "currency": "points", "sku": "A-1"}
    assert orjson.loads(said) == expected


def test_an_anonymous_persons_entries_go_with_them_when_they_are_known(world: World):
    world.person("ana")
    campaign = world.campaign(schedule("seen", reentry="once"))
    world.tell(("ana", "seen"))
    world.tick()
    with world.work() as work:
        device = register(work, None)
        subscribers.record_events(work, [EventIn(name="seen", device_id=device)])
        subscribers.update_device(work, device, subscribers.DevicePatch(user_id="ana"))
    world.tick()
    assert world.entries(campaign) == {"fired": 1, "repeated": 1}
    assert count(world.core, "user") == 1


def test_an_erased_person_leaves_no_entry(world: World):
    world.person("ana")
    world.campaign(schedule("seen"))
    world.tell(("ana", "seen"), properties={"mark": "secret"})
    with world.work() as work:
        privacy.erase_user(work, "ana")
    assert world.tick() == 0
    assert count(world.core, "entry") == 0


def test_two_ticks_at_once_answer_each_event_once(world: World):
    names = [f"u{n}" for n in range(40)]
    for name in names:
        world.person(name)
    campaign = world.campaign(schedule("seen"))
    world.tell(*((name, "seen") for name in names))
    threads = [threading.Thread(target=triggers.tick, args=(world.core,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.entries(campaign) == {"fired": 40}
    assert (count(world.core, "delivery"), count(world.core, "run")) == (40, 1)


@pytest.mark.parametrize("dies", ["add_targets", "forget_unread", "end"])
def test_a_tick_that_dies_half_way_leaves_nothing_behind(world: World, monkeypatch, dies: str):
    world.person("ana")
    campaign = world.campaign(schedule("seen"))
    world.tell(("ana", "seen"))
    with monkeypatch.context() as patch:
        patch.setattr(queries, dies, power_cut)
        with pytest.raises(PowerCutError):
            world.tick()
    assert world.entries(campaign) == {"waiting": 1}
    assert [count(world.core, table) for table in ("run", "context", "message_target", "delivery")] == [0, 0, 0, 0]
    assert world.tick() == 1
    assert count(world.core, "delivery") == 1


class PowerCutError(Exception):
    """The process is gone."""


def power_cut(*_: Any) -> None:
    raise PowerCutError


def test_an_app_that_listens_for_nothing_pays_one_query_for_its_events(lite: World):
    lite.person("ana")
    seen: list[str] = []
    listen(lite.core.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    lite.tell(("ana", "seen"))
    assert [statement for statement in seen if "entry" in statement] == []
    assert len([statement for statement in seen if "event_trigger" in statement]) == 1


def test_entries_are_listed_in_pages_by_state_and_of_the_own_app_only(lite: World):
    for name in ("ana", "ben"):
        lite.person(name)
    campaign = lite.campaign(schedule("seen", delay_seconds=60, reentry="once"))
    lite.tell(("ana", "seen"), ("ana", "seen"), ("ben", "seen"))
    lite.tick(minutes=2)
    with lite.core.reading(OPERATOR, lite.app.number) as work:
        page = triggers.entries(work, campaign, limit=2)
        rest = triggers.entries(work, campaign, limit=2, cursor=page.next)
        assert [len(page.items), len(rest.items), rest.next] == [2, 1, None]
        (repeated,) = triggers.entries(work, campaign, state="repeated").items
        assert (repeated.user_id, repeated.run_id) == ("ana", None)
        assert repeated.due_at - repeated.event_at == timedelta(minutes=1)
        report = analytics.report(work, campaign)
        assert report.entries == {"waiting": 0, "fired": 2, "cancelled": 0, "repeated": 1, "missed": 0}
    with lite.core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    with lite.core.reading(OPERATOR, other.number) as work, pytest.raises(NotFound):
        triggers.entries(work, campaign)


def test_of_events_of_one_instant_that_cancel_each_other_one_is_answered(world: World):
    world.person("ana")
    campaign = world.campaign(schedule("seen", delay_seconds=60, cancel_event="seen"))
    world.tell(("ana", "seen"), ("ana", "seen"), ("ana", "seen"))
    world.tick(minutes=2)
    assert world.entries(campaign) == {"fired": 1, "cancelled": 2}


def test_whoever_is_owed_more_than_one_push_gets_them_in_their_order(world: World, monkeypatch):
    """The second waits for the next run; the third, on a page of its own, must not overtake it."""
    monkeypatch.setattr(triggers, "PAGE", 2)
    world.person("ana")
    campaign = world.campaign(schedule("seen", reentry={"days": 2}), late={"minutes": 60, "then": "send"})
    for days in (0, 3, 1):
        world.clock.tick(days=days)
        world.tell(("ana", "seen"))
    assert world.tick() == 1
    assert world.tick() == 2
    with world.core.reading(OPERATOR, world.app.number) as work:
        found = triggers.entries(work, campaign).items
    assert [row.state for row in sorted(found, key=lambda row: row.event_at)] == ["fired", "fired", "repeated"]
