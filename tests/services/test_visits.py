"""Sessions are counted once by whatever begins them, and signs of life move forward only."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from push_rows import value

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps, fields, subscribers
from backend.services.subscribers import DeviceIn, DevicePatch, EventIn

TOKEN = "00ff" * 16
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class World:
    """One app whose clock the test holds, in minutes from noon."""

    def __init__(self, core: Core, app: apps.AppRow) -> None:
        self.core, self.app = core, app

    def at(self, minutes: float):
        moment = NOON + timedelta(minutes=minutes)
        return replace(self.core, clock=lambda: moment).work(OPERATOR, self.app.number)

    def register(self, minutes: float, token: str = TOKEN, *, trusted: bool = False, **more) -> str:
        given = fields.parse(DeviceIn, {"platform": "ios", "token": token, **more})
        with self.at(minutes) as work:
            return subscribers.register_device(work, given, trusted=trusted).device.id

    def change(self, minutes: float, device: str, *, present: bool = True, **patch) -> None:
        with self.at(minutes) as work:
            subscribers.update_device(work, device, fields.parse(DevicePatch, patch), present=present)

    def tell(self, minutes: float, *events: tuple[str, float], **whose) -> None:
        """Events (name, when), told at that time."""
        told = [EventIn(name=name, at=NOON + timedelta(minutes=at), **whose) for name, at in events]
        with self.at(minutes) as work:
            subscribers.record_events(work, told)

    def user(self, name: str = "ana"):
        with self.at(0) as work:
            return subscribers.get_user(work, name)

    @property
    def sessions(self) -> int:
        return self.user().sessions


@pytest.fixture
def world(core: Core, app: apps.AppRow) -> World:
    return World(core, app)


@pytest.fixture
def lite(sqlite_core: Core) -> World:
    with sqlite_core.work(OPERATOR) as work:
        return World(sqlite_core, apps.create_app(work, slug="shop"))


def start(at: float) -> tuple[str, float]:
    return "session_start", at


def test_a_registration_and_its_session_start_are_one_session(world):
    device = world.register(0, user_id="ana")
    world.tell(0.1, start(0.05), device_id=device)
    assert world.sessions == 1
    world.tell(41, start(40), device_id=device)
    world.register(41.5, user_id="ana")
    assert world.sessions == 2
    world.change(80, device, permission="granted")
    world.tell(81, start(80.5), device_id=device)
    assert world.sessions == 3


def test_a_session_start_of_a_named_user_counts_likewise(world):
    world.tell(1, start(0), user_id="ana")
    world.tell(21, start(20), user_id="ana")
    assert world.sessions == 1
    world.tell(61, start(60), user_id="ana")
    assert world.sessions == 2
    assert world.user().last_active == NOON + timedelta(minutes=60)


def test_sessions_that_are_told_late_count_and_move_nothing_back(world):
    device = world.register(600, user_id="ana")
    late = [start(0), ("seen", 10), ("seen", 25), start(45), start(120), start(599)]
    world.tell(601, *reversed(late), device_id=device)
    assert world.sessions == 1 + 2, "two starts fall into a half hour that was begun already"
    assert world.user().last_active == NOON + timedelta(minutes=600)
    assert world.user().devices[0].last_seen == NOON + timedelta(minutes=600)


def test_a_session_start_that_was_told_before_is_none(world):
    told = {"id": "s1", "name": "session_start", "user_id": "ana", "at": NOON}
    for minutes in (0, 50, 100):
        with world.at(minutes) as work:
            subscribers.record_events(work, [EventIn(**told), EventIn(**told)])
    assert world.sessions == 1


def test_other_events_are_signs_of_life_and_no_sessions(lite):
    device = lite.register(0, user_id="ana")
    lite.tell(100, ("seen", 99), device_id=device)
    assert (lite.sessions, lite.user().last_active) == (1, NOON + timedelta(minutes=99))
    assert lite.user().devices[0].last_seen == NOON + timedelta(minutes=99)
    lite.tell(200, ("seen", 50), device_id=device)
    assert lite.user().last_active == NOON + timedelta(minutes=99)


def test_each_of_a_persons_devices_has_visits_of_its_own(lite):
    lite.register(0, user_id="ana")
    lite.register(10, token="aa" * 32, user_id="ana")
    lite.register(31, user_id="ana")
    assert lite.sessions == 3
    assert lite.user().first_seen == NOON


def test_what_a_back_end_says_is_no_visit(lite):
    with lite.at(0) as work:
        subscribers.devices_batch(work, [{"platform": "ios", "token": TOKEN, "user_id": "ana"}])
    assert (lite.sessions, lite.user().last_active) == (0, None)
    device = lite.register(100, trusted=True, user_id="ana")
    lite.change(200, device, present=False, permission="granted")
    assert (lite.sessions, lite.user().last_active) == (0, None)
    lite.register(300, user_id="ana")
    assert (lite.sessions, lite.user().last_active) == (1, NOON + timedelta(minutes=300))


def test_an_anonymous_persons_sessions_go_with_them_when_they_sign_in(lite):
    device = lite.register(0)
    lite.register(100)
    lite.register(200, user_id="ana")
    assert (lite.sessions, lite.user().first_seen) == (3, NOON)
    lite.change(210, device, user_id=None)
    lite.change(220, device, user_id="ben")
    assert (lite.sessions, lite.user("ben").sessions) == (3, 0), "no half hour has passed since"


def test_a_stream_of_events_writes_signs_of_life_every_ten_seconds_at_most(lite):
    lite.tell(1, ("seen", 0), user_id="ana")
    lite.tell(1, ("seen", 0.1), user_id="ana")
    assert lite.user().last_active == NOON
    lite.tell(1, ("seen", 0.2), user_id="ana")
    assert lite.user().last_active == NOON + timedelta(minutes=0.2)


@pytest.mark.parametrize(
    ("before", "after"), [("invalid", ("active", None)), ("unsubscribed", ("unsubscribed", "member"))]
)
def test_registering_again_revives_a_dead_address_and_overrules_nobodys_no(lite, before, after):
    device = lite.register(0, user_id="ana", permission="granted")
    with lite.core.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE device SET state = '{before}', reason = 'member'")
    assert lite.register(5) == device
    again = lite.user().devices[0]
    assert (again.state, again.reason) == after
    assert (again.permission, again.user_id) == ("granted", "ana")
    lite.change(6, device, state="active")
    assert lite.user().devices[0].state == "active"


def test_a_new_token_brings_an_invalid_device_back_to_life_but_not_an_unsubscribed_one(lite):
    one = lite.register(0, user_id="ana")
    two = lite.register(0, token="aa" * 32, user_id="ana")
    lite.change(1, two, state="unsubscribed")
    with lite.core.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE device SET state = 'invalid', reason = 'gone' WHERE state = 'active'")
    lite.change(2, one, token="bb" * 32)
    lite.change(2, two, token="cc" * 32)
    assert {device.id: (device.state, device.reason) for device in lite.user().devices} == {
        one: ("active", None), two: ("unsubscribed", None),
    }  # fmt: skip


def test_a_device_moves_between_people_with_its_address_and_secret(lite):
    device = lite.register(0, user_id="ana")
    for name in ("ben", "ana", "cem"):
        assert lite.register(1, user_id=name) == device
        assert [one.id for one in lite.user(name).devices] == [device]
    assert lite.user().devices == lite.user("ben").devices == ()
    assert value(lite.core, "SELECT count(*) FROM device") == 1


def test_sandbox_and_production_are_two_devices_of_one_person(lite):
    lite.register(0, user_id="ana")
    lite.register(0, user_id="ana", environment="sandbox")
    assert sorted(device.environment for device in lite.user().devices) == ["production", "sandbox"]
