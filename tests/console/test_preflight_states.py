"""The composer's last step: a pre-flight that is watched and stopped, its numbers, and the launch it leads to."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import campaigns, subscribers
from backend.services.apps import AppRow
from backend.services.preflight import HeldUntil, Preflight, Progress
from backend.services.preflight_checks import Problem
from backend.services.preflight_past import SinceLast
from backend.services.registration import DeviceIn
from backend.services.timing import SchedulePreview
from console import routes, theme
from console.rows import launch as rows
from console.rows.launch_problems import remark
from console.states import preflight_run
from console.states.compose import ComposeState
from console.states.launch import DONE, RUNNING, STOPPED, LaunchState
from console.states.launch_devices import LaunchDevicesState
from tests.factories import definition
from tests.services.lane_world import add_devices, add_lane

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHOWN = SchedulePreview("At once", (), "UTC", None)
PEOPLE = 3


@pytest.fixture
def editor(visitor):
    return visitor(Role.EDITOR)


@pytest.fixture
def work(console, shop):
    return lambda: console.work(OPERATOR, shop.number)


@pytest.fixture
def people(console, shop):
    add_lane(console, shop)
    add_devices(console, shop, PEOPLE)


@pytest.fixture
def drafted(editor, people, work):
    """Makes a draft with this content and opens it; its id."""

    async def make(**content):
        with work() as unit:
            name = campaigns.create(unit, definition(variants=[{"content": {"title": "Hi", **content}}])).row.id
        editor.at(routes.edit_campaign(name))
        for handler in (LaunchState.enter, ComposeState.load):
            await editor.do(handler)
        return name

    return make


def one_more(work, name: str):
    device = {"platform": "web", "user_id": name, "permission": "granted"}
    keys = {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    }
    subscription = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{name}", "keys": keys}
    with work() as unit:
        made = DeviceIn.model_validate({**device, "subscription": subscription})
        subscribers.register_device(unit, made, holder=None, trusted=True)


async def test_the_numbers_lead_to_their_devices_and_these_to_their_people(editor, drafted):
    await drafted(title="Hi {{ user.name }}")
    await editor.do(LaunchState.review)
    launch = await editor.state(LaunchState)
    assert (launch.stage, launch.check.possible) == (DONE, False)
    (wrong,) = launch.check.blocking
    assert (wrong.place, wrong.step, wrong.count, wrong.outcome) == ("Title", "message", "3 devices", "template_error")
    skipped = next(part for part in launch.check.parts if part.outcome == "template_error")
    assert (skipped.count, skipped.percent) == ("3", "100.0%")
    answers = await editor.do(LaunchDevicesState.show, skipped.outcome, skipped.label)
    assert "further" in str(answers[0])
    await editor.do(LaunchDevicesState.further)
    devices = await editor.state(LaunchDevicesState)
    assert (devices.open, devices.busy, devices.more, devices.problem) == (True, False, False, "")
    assert [one.name for one in devices.devices] == ["u0", "u1", "u2"]
    assert all(one.href.startswith("/people/usr_") for one in devices.devices)
    await editor.do(LaunchDevicesState.show, "nonsense", "")
    await editor.do(LaunchDevicesState.further)
    assert (devices.devices, "outcome" in devices.problem) == ((), True)
    await editor.do(LaunchDevicesState.close)
    assert not devices.open


async def test_a_launch_looks_again_where_the_audience_has_moved_a_little(editor, drafted, work):
    campaign = await drafted()
    await editor.do(LaunchState.review)
    one_more(work, "late")
    answers = await editor.do(LaunchState.launch)
    assert routes.campaign(campaign) in str(answers[-1])
    assert (await editor.state(LaunchState)).check.audience == PEOPLE + 1


async def test_a_launch_stops_where_something_is_in_the_way_now(editor, drafted, work):
    campaign = await drafted(title="Hi {{ user.name | default('you') }}")
    await editor.do(LaunchState.review)
    launch = await editor.state(LaunchState)
    far = replace(launch.check, audience=1_000, count=1_000)
    launch.check = far
    assert not await editor.do(LaunchState.launch)
    assert launch.problem.startswith("The audience has moved from 1\u202f000 to 3 devices")
    assert (launch.launching, launch.check.audience, launch.typed) == (False, PEOPLE, "")
    with work() as unit:
        assert campaigns.get(unit, campaign).row.state == "draft"
    assert await editor.do(LaunchState.launch), "looked at again, it may go"


async def test_what_somebody_else_has_saved_since_is_not_launched(editor, drafted, work):
    campaign = await drafted()
    await editor.do(LaunchState.review)
    with work() as unit:
        campaigns.update(unit, campaign, {"name": "Theirs"})
    assert not await editor.do(LaunchState.launch)
    assert "changed since it was checked" in (await editor.state(LaunchState)).problem


async def test_a_pre_flight_can_be_stopped_and_its_late_answer_is_dropped(editor, drafted, monkeypatch):
    await drafted()
    launch = await editor.state(LaunchState)
    stages = []

    async def stopping(self):
        yield Progress(1, 3, 0.5)
        stages.append((launch.stage, launch.progress.done))
        await editor.do(LaunchState.stop)
        yield Progress(2, 3, 1.0)
        raise AssertionError("it goes on though it was stopped")

    monkeypatch.setattr(preflight_run.Run, "watch", stopping)
    await editor.do(LaunchState.review)
    assert stages == [(RUNNING, "1 of 3 devices")]
    assert (launch.stage, launch.check) == (STOPPED, rows.Check())
    assert not await editor.do(LaunchState.launch)


async def test_another_campaigns_pre_flight_is_forgotten_and_this_ones_kept(editor, drafted):
    campaign = await drafted()
    await editor.do(LaunchState.review)
    launch = await editor.state(LaunchState)
    await editor.do(LaunchState.enter)
    assert launch.stage == DONE
    editor.at(routes.edit_campaign("cmp_other"))
    await editor.do(LaunchState.enter)
    assert (launch.stage, launch.check) == ("", rows.Check())
    editor.at(routes.edit_campaign(campaign))


async def test_what_is_not_saved_is_not_checked(editor, drafted):
    await drafted()
    compose = await editor.state(ComposeState)
    compose.saved = "unsaved"
    answers = await editor.do(LaunchState.review)
    assert "Not saved yet" in str(answers[0])
    assert (await editor.state(LaunchState)).stage == ""


FOUND = Preflight(
    audience=5_000, send=4_000, deferred=500, skipped={"capped": 300, "no_permission": 200},
    people_unreachable={"no_device": 80, "unsubscribed": 0, "no_credential": 4},
    by_platform={"ios": 3_000, "web": 2_000}, largest_payload={"ios": 4_200, "web": 3_700, "android": 900},
    problems=[Problem("variants[0].content.title", "x", blocking=False, devices=4)], notes=[], members=0,
    skipped_later={"capped": 20},
    deferred_until=[HeldUntil(datetime(2026, 11, 21, 7, tzinfo=UTC), 400), HeldUntil(None, 100)],
    by_locale={"en": 4_000, "pl": 480}, lacking={"de": 10},
    payload_limit={"ios": 4_096, "web": 3_993, "android": 4_096},
    since_last=SinceLast("run_x", NOW, 4_900, 4_500, {"capped": 400}, 100, -20, {"capped": -80, "stale": 200}),
    version=3,
)  # fmt: skip


def test_a_pre_flight_in_words(shop: AppRow):
    shown = rows.check_of(FOUND, SHOWN, {**definition(), "schedule": {"kind": "now"}}, shop, NOW, "saved then")
    assert shown.headline == "4\u202f480 of 5\u202f000 devices would get it"
    assert [(one.outcome, one.count, one.percent) for one in shown.parts] == [
        ("send", "4\u202f000", "80.0%"),
        ("deferred", "500", "10.0%"),
        ("capped", "300", "6.0%"),
        ("no_permission", "200", "4.0%"),
    ]
    assert shown.parts[1].note.startswith("20 of them would not get it then (20: ")
    assert [(one.label, one.count, one.width) for one in shown.held] == [
        ("Tomorrow, 08:00", "400", 100.0),
        ("Later", "100", 25.0),
    ]
    assert [(one.label, one.count) for one in shown.unreachable] == [
        ("Without a device", "80"),
        ("Without a credential to send through", "4"),
    ]
    assert [(one.label, one.tone) for one in shown.sizes] == [
        ("iOS", theme.BAD),
        ("Web", theme.CARE),
        ("Android", ""),
    ]
    assert shown.largest == {"ios": 4_200, "android": 900, "web": 3_700}
    assert [(one.before, one.change, one.tone) for one in shown.changes] == [
        ("4\u202f900", "+100", ""),
        ("4\u202f500", "−20", theme.CARE),
        ("0", "+200", theme.CARE),
        ("400", "−80", theme.GOOD),
    ]
    assert (shown.possible, len(shown.warnings), shown.saved, shown.version) == (True, 1, "saved then", 3)


def test_a_topics_largest_body_is_every_platforms(shop: AppRow):
    found = replace(FOUND, largest_payload={"topic": 1_800}, payload_limit={"topic": 2_048})
    shown = rows.check_of(found, SHOWN, {**definition(), "schedule": {"kind": "now"}}, shop, NOW)
    assert shown.largest == {"ios": 1_800, "android": 1_800, "web": 1_800}


def test_how_far_it_is_is_told_with_rate_and_rest():
    assert rows.progress_line(Progress(0, 100, 0.0)).waiting
    line = rows.progress_line(Progress(20_000, 100_000, 4.0))
    assert (line.percent, line.done) == (20.0, "20\u202f000 of 100\u202f000 devices")
    assert (line.rate, line.left) == ("5\u202f000/s", "about 16 s left")


def test_a_problem_knows_where_it_is_mended():
    lane = remark(Problem("credentials.crd_x", "FCM shop is held", blocking=True, devices=7))
    assert (lane.place, lane.step, lane.href, lane.tone) == ("Credential", "", routes.health(open="crd_x"), theme.BAD)
    pace = remark(Problem("throttle_per_minute", "at 1 a minute", blocking=False))
    assert (pace.place, pace.step, pace.count, pace.message) == ("Speed", "delivery", "", "at 1 a minute")
    success = remark(Problem("conversion", "no event counts as success", blocking=False))
    assert (success.place, success.step) == ("Conversion", "")  # the console has no field for it to lead to
    locales = remark(Problem("variants[0].content.locales.pl", "x", blocking=True))
    assert (locales.place, locales.step) == ("Languages", "message")
