"""Consents: written down for good, asked for by whoever may, and gone with the person."""

from datetime import timedelta

import pytest
from sqlmodel import select

from backend.db import OPERATOR
from backend.errors import Invalid
from backend.models import Consent
from backend.services import apps, consents, fields, preferences, subscribers
from backend.services.consents import ConsentIn
from backend.services.preferences import PreferencesIn


def add(core, app, user="ana", **given):
    with core.work(OPERATOR, app.number) as work:
        number = subscribers.ensure_user(work, user)
        return consents.add(work, number, fields.parse(ConsentIn, {"purpose": "marketing", "given": True, **given}))


def test_each_word_is_an_entry_and_the_last_one_said_holds(core, app):
    add(core, app, at="2026-05-01T10:00:00+02:00", how="sign-up form, version 3")
    add(core, app, given=False, at="2026-06-01T10:00:00+02:00")
    add(core, app, at="2026-04-01T10:00:00+02:00", how="told late")
    with core.reading(OPERATOR, app.number) as work:
        number = subscribers.person(work, subscribers.speaker(work, True, None, None), "ana")
        page = consents.listing(work, number, limit=2)
        assert [row.how for row in page.items] == ["told late", ""]
        assert [row.how for row in consents.listing(work, number, cursor=page.next).items] == [
            "sign-up form, version 3"
        ]
        every = consents.every(work, number)
    assert [row.given for row in every] == [True, True, False]
    assert not consents.latest(every)["marketing"].given
    assert {row.recorded_by for row in every} == {str(OPERATOR)}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"purpose": " "}, "purpose"),
        ({"purpose": "x" * 65}, "purpose"),
        ({"given": "perhaps"}, "given"),
        ({"mood": 1}, "mood"),
    ],
)
def test_a_wrong_one_is_refused(sqlite_core, given, field):
    with pytest.raises(Invalid) as caught:
        add(sqlite_core, shop(sqlite_core), **given)
    assert caught.value.errors[0].field == field


def shop(core):
    with core.work(OPERATOR) as work:
        return apps.create_app(work, slug="shop")


def test_nobody_has_consented_tomorrow(sqlite_core):
    app, tomorrow = shop(sqlite_core), sqlite_core.clock() + timedelta(days=1)
    with pytest.raises(Invalid):
        add(sqlite_core, app, at=tomorrow.isoformat())


def test_a_change_of_preferences_records_one_only_when_asked(core, app):
    with core.work(OPERATOR, app.number) as work:
        number = subscribers.ensure_user(work, "ana")
        preferences.put(work, number, fields.parse(PreferencesIn, {"categories": {"marketing": False}}))
        assert consents.every(work, number) == ()
        asked = {"categories": {"marketing": True}, "record_consent": "by phone"}
        preferences.put(work, number, fields.parse(PreferencesIn, asked))
        (entry,) = consents.every(work, number)
        assert (entry.purpose, entry.given, entry.how) == ("marketing", True, "by phone")
        assert preferences.wishes(work, number)[2].said_by == str(OPERATOR)


def test_they_go_with_the_person(core, app):
    add(core, app)
    with core.work(OPERATOR, app.number) as work:
        subscribers.erase_user(work, "ana")
        assert work.session.exec(select(Consent.id)).all() == []
