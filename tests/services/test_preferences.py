"""Preferences: a word on categories, quiet hours, a pause."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.db import OPERATOR
from backend.errors import Gone, Invalid, NotAllowed, NotFound
from backend.services import (
    apps,
    categories,
    fields,
    preference_history,
    preference_link,
    preferences,
    subscribers,
)
from backend.services.categories import CategoryIn
from backend.services.preferences import DevicePreferencesIn, PreferencesIn

EVERYTHING = {"transactional": True, "updates": True, "marketing": True}


def put(core, app, **changes):
    with core.work(OPERATOR, app.number) as work:
        user = subscribers.ensure_user(work, "ana")
        return preferences.put(work, user, fields.parse(PreferencesIn, changes))


def test_the_apps_defaults_hold_until_the_user_says_a_word(core, app):
    with core.work(OPERATOR, app.number) as work:
        categories.create(work, CategoryIn(slug="digest", name="Digest", kind="marketing", default="opted_out"))
    assert put(core, app).categories == {**EVERYTHING, "digest": False}
    assert put(core, app, categories={"digest": True, "marketing": False}).categories["digest"]
    again = put(core, app, categories={"marketing": True, "transactional": True})
    assert again.categories == {**EVERYTHING, "digest": True}


def test_quiet_hours_and_the_pause_are_set_kept_and_cleared(sqlite_core):
    core = sqlite_core
    with core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    night = {"start": "22:00", "end": "07:30", "timezone": "Europe/Warsaw"}
    until = "2026-12-01T09:00:00+01:00"
    assert put(core, app, quiet_hours=night).quiet_hours == night
    both = put(core, app, paused_until=until)
    assert (both.quiet_hours, both.paused_until) == (night, datetime(2026, 12, 1, 8, tzinfo=UTC))
    assert put(core, app, quiet_hours=None).quiet_hours is None
    assert put(core, app).paused_until is not None
    assert put(core, app, paused_until=None).paused_until is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"categories": {"transactional": False}}, "categories.transactional"),
        ({"categories": {"nothing": True}}, "categories.nothing"),
        ({"categories": {"marketing": "perhaps"}}, "categories.marketing"),
        ({"quiet_hours": {"start": "25:00", "end": "07:00"}}, "quiet_hours.start"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "timezone": "Mars"}}, "quiet_hours.timezone"),
        ({"quiet_hours": {"start": "22:00"}}, "quiet_hours.end"),
        ({"paused_until": "2026-12-01T09:00:00"}, "paused_until"),
        ({"mute": True}, "mute"),
    ],
)
def test_a_wrong_wish_is_named_and_nothing_is_written(sqlite_core, changes, field):
    with sqlite_core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    with pytest.raises(Invalid) as caught:
        put(sqlite_core, app, **changes)
    assert [error.field for error in caught.value.errors] == [field]
    assert put(sqlite_core, app).categories == EVERYTHING


def test_another_apps_user_has_no_preferences_here(sqlite_core):
    with sqlite_core.work(OPERATOR) as work:
        app, other = apps.create_app(work, slug="shop"), apps.create_app(work, slug="other")
    with sqlite_core.work(OPERATOR, app.number) as work:
        user = subscribers.ensure_user(work, "ana")
    with sqlite_core.work(OPERATOR, other.number) as work, pytest.raises(NotFound):
        preferences.get(work, user)


def phone(core, app, user="ana", token="a" * 64):
    with core.work(OPERATOR, app.number) as work:
        given = subscribers.DeviceIn(platform="ios", token=token, user_id=user)
        return subscribers.register_device(work, given, trusted=True).device.id


def say(core, app, device, **categories):
    with core.work(OPERATOR, app.number) as work:
        return preferences.put_device(work, device, DevicePreferencesIn(categories=categories))


def changes(core, app, user="ana"):
    with core.reading(OPERATOR, app.number) as work:
        number = subscribers.ensure_user(work, user)
        rows = preference_history.listing(work, number).items
    return [(row.what, row.device_id, row.before, row.after) for row in rows]


def test_on_a_device_its_own_word_stands_before_its_users(core, app):
    device, other = phone(core, app), phone(core, app, token="b" * 64)
    put(core, app, categories={"marketing": False})
    said = say(core, app, device, marketing=True, updates=False)
    assert said.categories == {"transactional": None, "updates": False, "marketing": True}
    assert said.holds == {"transactional": True, "updates": False, "marketing": True}
    with core.reading(OPERATOR, app.number) as work:
        assert preferences.of_device(work, other).holds == {**EVERYTHING, "marketing": False}
    again = say(core, app, device, marketing=None, transactional=True)
    assert (again.categories["marketing"], again.holds["marketing"]) == (None, False)
    with core.work(OPERATOR, app.number) as work, pytest.raises(Invalid) as error:
        preferences.put_device(work, device, DevicePreferencesIn(categories={"transactional": False, "x": None}))
    assert [one.field for one in error.value.errors] == ["categories.x", "categories.transactional"]


def test_real_changes_are_kept_with_what_when_and_by_whom_and_others_are_not(core, app):
    device = phone(core, app)
    night = {"start": "22:00", "end": "07:00", "days": ["sun", "mon"]}
    for _ in range(2):
        put(core, app, categories={"marketing": False, "transactional": True}, quiet_hours=night)
        say(core, app, device, marketing=True)
    put(core, app, paused_until="2030-01-01T00:00:00Z")
    put(core, app, quiet_hours=None)
    say(core, app, device, marketing=None, updates=None)
    kept = {"start": "22:00", "end": "07:00", "days": ["mon", "sun"], "timezone": None}
    assert changes(core, app) == [
        ("category:marketing", device, True, None),
        ("quiet_hours", None, kept, None),
        ("paused_until", None, None, "2030-01-01T00:00:00+00:00"),
        ("category:marketing", device, None, True),
        ("quiet_hours", None, None, kept),
        ("category:marketing", None, None, False),
    ]
    with core.reading(OPERATOR, app.number) as work:
        page = preference_history.listing(work, subscribers.ensure_user(work, "ana"), limit=4)
        rest = preference_history.listing(work, subscribers.ensure_user(work, "ana"), limit=4, cursor=page.next)
    assert (len(page.items), len(rest.items), rest.next) == (4, 2, None)
    assert {row.by for row in page.items} == {str(OPERATOR)}


def test_every_day_and_no_day_are_written_alike_and_never_quiet_is_a_word_of_its_own(sqlite_core):
    with sqlite_core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    plain = {"start": "22:00", "end": "07:00", "timezone": None}
    for days in (week, [], None):
        assert put(sqlite_core, app, quiet_hours={**plain, "days": days}).quiet_hours == plain
    never = {"start": "00:00", "end": "00:00", "timezone": None}
    assert put(sqlite_core, app, quiet_hours=never).quiet_hours == never
    assert len(changes(sqlite_core, app)) == 2


def test_a_merge_brings_the_history_along_and_device_words_stay_with_the_device(core, app):
    with core.work(OPERATOR, app.number) as work:
        device = subscribers.register_device(work, subscribers.DeviceIn(platform="ios", token="c" * 64)).device.id
        anonymous = subscribers.get_device(work, device)
        assert anonymous.user_id is None
    say(core, app, device, marketing=False)
    with core.work(OPERATOR, app.number) as work:
        subscribers.update_device(work, device, subscribers.DevicePatch(user_id="ana"))
    assert changes(core, app) == [("category:marketing", device, None, False)]
    assert say(core, app, device).holds["marketing"] is False


def test_a_link_is_signed_for_one_person_of_one_app(core, app):
    with core.work(OPERATOR, app.number) as work:
        ana = subscribers.ensure_user(work, "ana")
        made = preference_link.make(work, ana, 7)
        token = made.url.rsplit("/", 1)[1]
        holder = preference_link.opened(work, token)
        assert (holder.app_id, holder.user) == (app.number, ana)
        assert timedelta(days=6, hours=23) < made.expires_at - work.now <= timedelta(days=7)
        subscribers.erase_user(work, "ana")
        with pytest.raises(Gone):
            preference_link.opened(work, token)
        with pytest.raises(NotAllowed):
            preference_link.opened(work, token[:-1] + ("A" if token[-1] != "A" else "B"))
