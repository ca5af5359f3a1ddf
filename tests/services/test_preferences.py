"""Preferences: a word on categories, quiet hours, a pause."""

from datetime import UTC, datetime

import pytest

from backend.db import OPERATOR
from backend.errors import Invalid, NotFound
from backend.services import apps, fields, preferences, subscribers
from backend.services.preferences import PreferencesIn

EVERYTHING = {"transactional": True, "updates": True, "marketing": True}


def put(core, app, **changes):
    with core.work(OPERATOR, app.number) as work:
        user = subscribers.ensure_user(work, "ana")
        return preferences.put(work, user, fields.parse(PreferencesIn, changes))


def test_the_apps_defaults_hold_until_the_user_says_a_word(core, app):
    with core.work(OPERATOR, app.number) as work:
        apps.create_category(work, "digest", "Digest", "marketing", "opted_out")
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
