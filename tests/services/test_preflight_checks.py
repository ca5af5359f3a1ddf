"""What a pre-flight says before a launch: what blocks it, what wants a look, and what has changed."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Conflict, Invalid
from backend.models import App, Credential, Delivery, Device, Run, User
from backend.services import apps, campaigns, credentials, holds, lists, preflight, preflight_devices, segmentation
from backend.services.apps import AppRow
from backend.services.preflight import Preflight, Progress
from backend.services.preflight_checks import Problem
from tests.factories import definition
from tests.services.lane_world import Clock, add_devices, add_lane, change, planned
from tests.services.preflight_crowd import crowd

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PEOPLE = 12
HELLO = {"title": "Hello", "body": "There", "link": "https://shop.example/"}


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.now = NOW
    return made


@pytest.fixture
def town(core: Core, app: AppRow, clock: Clock) -> Core:
    core = replace(core, clock=clock)
    add_lane(core, app)
    add_devices(core, app, PEOPLE)
    return core


def content(**more: Any) -> list[dict[str, Any]]:
    return [{"name": "A", "weight": 1, "content": {**HELLO, **more}}]


def draft(core: Core, app: AppRow, **changes: Any) -> str:
    with core.work(OPERATOR, app.number) as work:
        return campaigns.create(work, definition(**{"variants": content(), **changes})).row.id


def check(core: Core, app: AppRow, campaign: str) -> Preflight:
    with core.reading(OPERATOR, app.number) as work:
        return preflight.preflight(work, campaign)


def found(core: Core, app: AppRow, **changes: Any) -> list[Problem]:
    return check(core, app, draft(core, app, **changes)).problems


def test_a_plain_send_has_nothing_in_its_way(town: Core, app: AppRow):
    told = check(town, app, draft(town, app))
    assert (told.audience, told.send, told.reached, told.problems) == (PEOPLE, PEOPLE, PEOPLE, [])
    assert (told.by_platform, told.by_locale, told.lacking) == ({"web": PEOPLE}, {"en": PEOPLE}, {})
    assert 0 < told.largest_payload["web"] < told.payload_limit["web"] == 3993
    assert (told.since_last, told.skipped_later, told.deferred_until) == (None, {}, [])


def test_a_missing_value_blocks_with_its_count_field_and_an_example(town: Core, app: AppRow):
    with town.work(OPERATOR) as work:
        change(work, User, User.id % 3 == 0, attributes={"name": "Ana"})
    campaign = draft(town, app, variants=content(title="Hi {{ user.name }}"))
    told = check(town, app, campaign)
    (wrong,) = told.problems
    lacking = PEOPLE * 2 // 3
    assert (wrong.field, wrong.blocking, wrong.devices) == ("variants[0].content.title", True, lacking)
    assert "name" in wrong.message
    assert f"{lacking} devices, such as dev_" in wrong.message
    with town.reading(OPERATOR, app.number) as work:
        behind = preflight_devices.devices(work, campaign, outcome=str(wrong.reason), limit=1000)
    assert len(behind.items) == lacking
    assert wrong.example == behind.items[0].device_id
    assert "name" in behind.items[0].detail


def test_who_is_held_has_a_text_too(town: Core, app: AppRow):
    """A mistake in it is found before the night, not after it."""
    with town.work(OPERATOR) as work:
        change(work, App, App.id == app.number, quiet_hours=[{"start": "11:00", "end": "13:00"}])
    told = check(town, app, draft(town, app, variants=content(title="Hi {{ user.name }}")))
    assert (told.send, told.deferred, told.skipped) == (0, PEOPLE, {})
    assert told.skipped_later == {"template_error": PEOPLE}
    assert (told.reached, told.problems[0].blocking, told.problems[0].devices) == (0, True, PEOPLE)
    assert sum(one.devices for one in told.deferred_until) == PEOPLE
    for one in told.deferred_until:
        assert one.at is not None
        assert NOW + timedelta(hours=1) <= one.at < NOW + timedelta(hours=2)
        assert one.at.minute % 15 == one.at.second == 0


def test_too_large_blocks_and_says_by_how_much(town: Core, app: AppRow):
    told = check(town, app, draft(town, app, variants=content(body="é" * 3_000)))
    (wrong,) = told.problems
    assert (wrong.field, wrong.reason, wrong.devices) == ("variants[0].content", "too_large", PEOPLE)
    assert told.largest_payload["web"] > told.payload_limit["web"]
    assert f"{told.largest_payload['web']} bytes, at most 3993" in wrong.message


LANES: list[tuple[dict[str, Any], str, bool]] = [
    ({"expires_at": NOW - timedelta(days=1)}, "has expired: its certificate ended on 19 November 2026", True),
    ({"sealed_secret": b"nothing opens this"}, "cannot be opened", True),
    ({"expires_at": NOW + timedelta(days=1)}, "", False),
]


@pytest.mark.parametrize(("values", "said", "blocking"), LANES)
def test_a_dead_credential_blocks(town: Core, app: AppRow, values: dict[str, Any], said: str, blocking: bool):
    with town.work(OPERATOR) as work:
        change(work, Credential, Credential.app_id == app.number, **values)
    told = found(town, app)
    assert [(one.blocking, one.devices) for one in told] == ([(blocking, PEOPLE)] if said else [])
    assert all(said in one.message for one in told)


def test_a_lane_that_its_provider_holds_blocks_and_a_paused_one_does_not(town: Core, app: AppRow):
    with town.work(OPERATOR, app.number) as work:
        (known,) = credentials.list_credentials(work)
        lane = credentials.number_of(work, known.id)
        holds.hold(work, lane, "provider", "Its key was revoked.")
    (held,) = found(town, app)
    assert (held.blocking, "Its key was revoked." in held.message) == (True, True)
    with town.work(OPERATOR, app.number) as work:
        holds.release(work, lane)
        holds.pause(work, known.id)
    (paused,) = found(town, app)
    assert (paused.blocking, paused.devices, paused.field) == (False, PEOPLE, held.field)


def test_a_certificate_that_ends_before_the_send_wants_a_look(town: Core, app: AppRow):
    with town.work(OPERATOR) as work:
        change(work, Credential, Credential.app_id == app.number, expires_at=NOW + timedelta(days=3))
    at = {"kind": "at", "at": (NOW + timedelta(days=5)).isoformat()}
    (wrong,) = found(town, app, schedule=at)
    assert (wrong.blocking, "expires before the send" in wrong.message) == (False, True)


def test_languages_that_were_begun_and_those_that_are_read(town: Core, app: AppRow):
    with town.work(OPERATOR) as work:
        change(work, Device, Device.id % 3 == 0, locale="pl-PL")
        change(work, Device, Device.id % 3 == 1, locale="de")
    a_third = PEOPLE // 3
    (lacking,) = found(town, app)
    assert (lacking.field, lacking.devices, lacking.blocking) == ("variants[0].content.locales", 2 * a_third, False)
    assert "no text for de (4), pl (4): 8 devices would get the one in en" in lacking.message
    (empty, missing) = found(town, app, variants=content(locales={"pl": {}}))
    assert (empty.blocking, empty.field) == (True, "variants[0].content.locales.pl")
    assert "for de (4): 4 devices" in missing.message
    half, _ = found(town, app, variants=content(locales={"pl": {"title": "Cześć"}}))
    assert (half.blocking, half.devices) == (False, a_third)
    assert "no body of its own" in half.message
    whole = check(town, app, draft(town, app, variants=content(locales={"pl": {"title": "Cześć", "body": "Tu"}})))
    assert (whole.by_locale, whole.lacking) == ({"en": PEOPLE - a_third, "pl": a_third}, {"de": a_third})


def test_nobody_blocks_what_goes_out_once_and_not_what_looks_again(town: Core, app: AppRow):
    with town.work(OPERATOR, app.number) as work:
        empty = lists.create(work, lists.ListIn(name="Nobody yet")).id
    audience = {"include": [empty]}
    (wrong,) = found(town, app, audience=audience)
    assert (wrong.field, wrong.blocking) == ("audience", True)
    weekly = {"kind": "recurring", "rrule": "FREQ=WEEKLY", "start": "2026-12-01T09:00", "zone": "UTC", "exclude": []}
    (later,) = found(town, app, audience=audience, schedule=weekly)
    assert (later.field, later.blocking) == ("audience", False)


def test_what_a_careful_colleague_would_say(town: Core, app: AppRow):
    with town.work(OPERATOR) as work:
        change(work, Device, Device.id % 4 != 0, permission="denied")
    (denied,) = found(town, app)
    assert (denied.reason, denied.devices, denied.blocking) == ("no_permission", PEOPLE * 3 // 4, False)
    with town.work(OPERATOR) as work:
        change(work, Device, Device.app_id == app.number, permission="granted")
    bare = [{"name": "A", "weight": 1, "content": {"title": "Hello"}}]
    (nowhere,) = found(town, app, variants=bare)
    assert (nowhere.field, nowhere.devices) == ("variants[0].content.link", PEOPLE)
    with town.work(OPERATOR, app.number) as work:
        apps.update_app(work, app.number, website="https://shop.example/")
    assert found(town, app, variants=bare) == []
    slow = {"throttle_per_minute": 1, "not_after": (NOW + timedelta(minutes=5)).isoformat()}
    (late,) = found(town, app, **slow)
    assert (late.field, late.devices) == ("throttle_per_minute", PEOPLE - 5)
    two = [*content(), {"name": "B", "weight": 1, "content": HELLO}]
    (blind,) = found(town, app, variants=two)
    assert (blind.field, blind.blocking) == ("conversion", False)


def test_a_gone_segment_is_told_and_nothing_is_walked(town: Core, app: AppRow):
    with town.work(OPERATOR, app.number) as work:
        rules = {"combinator": "and", "rules": []}
        gone = segmentation.create(work, "Gone", rules).id
    campaign = draft(town, app, audience={"include": [gone]})
    with town.work(OPERATOR) as work:
        work.session.execute(text("UPDATE segment SET archived_at = :now"), {"now": "2026-11-20 12:00:00.000000+00:00"})
    told = check(town, app, campaign)
    assert (told.audience, [one.field for one in told.problems]) == (0, ["audience.include[0]"])


def test_the_last_run_stands_beside_it(town: Core, app: AppRow, clock: Clock):
    sent = planned(town, app, variants=content())
    gone = sent.deliveries[:3]
    with town.work(OPERATOR) as work:
        over = {"ended_at": clock.now}
        change(work, Delivery, Delivery.run_id == sent.run, state="accepted", **over)
        change(work, Delivery, Delivery.id.in_(gone), state="skipped", reason="capped", **over)
        change(work, Run, Run.id == sent.run, state="finished", finished_at=clock.now)
        change(work, Device, Device.id == 1, permission="denied")
    since = check(town, app, sent.campaign).since_last
    assert since is not None
    assert (since.audience, since.send, since.skipped) == (PEOPLE, PEOPLE - 3, {"capped": 3})
    assert (since.audience_change, since.send_change) == (0, 2)
    assert since.skipped_change == {"capped": -3, "no_permission": 1}


def test_a_launch_is_of_what_was_checked(town: Core, app: AppRow):
    campaign = draft(town, app)
    told = check(town, app, campaign)
    with town.work(OPERATOR, app.number) as work:
        campaigns.update(work, campaign, {"name": "Another"})
    with pytest.raises(Conflict, match="changed since it was checked"), town.work(OPERATOR, app.number) as work:
        campaigns.launch(work, campaign, expected_audience=told.audience, version=told.version)
    with pytest.raises(Conflict, match="now 12 devices, not the 113 that"), town.work(OPERATOR, app.number) as work:
        campaigns.launch(work, campaign, expected_audience=113)
    with town.work(OPERATOR, app.number) as work:
        again = preflight.preflight(work, campaign)
        assert campaigns.launch(work, campaign, expected_audience=112, version=again.version).row.state == "running"


def test_an_unknown_outcome_is_refused(town: Core, app: AppRow):
    with pytest.raises(Invalid, match="outcome"), town.reading(OPERATOR, app.number) as work:
        preflight_devices.devices(work, draft(town, app), outcome="nonsense")


def test_five_thousand_devices_are_told_page_by_page_in_little_time(core: Core, app: AppRow, clock: Clock):
    """The bound is a multiple of plain work here and now, so that a busy machine does not fail it."""
    core = replace(core, clock=clock)
    crowd(core, app, 5_000)
    variants = content(
        title="Hi {{ user.name | default('you') }}", locales={"pl": {"title": "Cześć {{ user.name }}", "body": "Tu"}}
    )
    campaign = draft(core, app, variants=variants)
    with core.reading(OPERATOR, app.number) as work:
        begun = time.thread_time()
        *steps, last = preflight.steps(work, campaign)
        spent = time.thread_time() - begun
    assert isinstance(last, Preflight)
    assert (last.audience, last.send + last.deferred, last.problems) == (5_000, 5_000, [])
    assert [one.done for one in steps if isinstance(one, Progress)] == [0, 2_000, 4_000, 5_000]
    assert all(isinstance(one, Progress) and one.of == 5_000 for one in steps)
    yard = _yardstick()
    print(f"{spent:.2f} s, {spent / yard:.1f} yards")
    assert spent < 40 * yard


def _yardstick() -> float:
    """Seconds of this machine, as it is now, for a fixed piece of plain work (some 40 ms)."""
    row = {"title": "Hello", "body": "There", "n": list(range(40))}
    begun = time.thread_time()
    for _ in range(4_000):
        json.loads(json.dumps(row))
    return time.thread_time() - begun
