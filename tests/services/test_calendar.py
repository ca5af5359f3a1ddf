"""The calendar: what went out, what is planned, on which day, for how many people, and how much that is for each."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from stats_history import add, at, campaign, platforms, run_of

from backend.db import OPERATOR
from backend.errors import Invalid
from backend.models import App, Campaign, Credential, Delivery, User
from backend.services import calendar, calendar_people
from backend.services.calendar_people import Memory
from tests.factories import definition
from tests.services.test_people_search import add_device

NOW = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 16), date(2026, 11, 29)
PLUS = {"combinator": "and", "rules": [{"field": "attr.plan", "operator": "=", "value": "plus"}]}


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """Nothing is remembered from one test to the next."""
    fresh = Memory()
    monkeypatch.setattr(calendar_people, "_memory", fresh)
    return fresh


@pytest.fixture
def warsaw(core, app):
    """Ten people with a device, two of them on `plus`, and one with none."""
    with core.work(OPERATOR, app.number) as work:
        work.session.get(App, app.number).default_timezone = "Europe/Warsaw"
        lane = Credential(
            app_id=app.number, provider="fcm", environment="production", sealed_secret=b"-", created_at=NOW,
            updated_at=NOW,
        )  # fmt: skip
        work.session.add(lane)
        work.session.flush()
        for number in range(11):
            plan = {"plan": "plus" if number < 2 else "free"}
            user = User(app_id=app.number, external_id=f"p{number}", bucket=number, attributes=plan, first_seen=NOW)
            work.session.add(user)
            work.session.flush()
            if number < 10:
                add_device(work, user.id, "ios", token=f"{number}", credential_id=lane.id)
    return app


def planned(core, app, name, schedule, *, state="scheduled", audience=None, **values):
    """A campaign that has yet to send."""
    data = definition(name=name, schedule=schedule, audience=audience or {"everyone": True})
    row = Campaign(app_id=app.number, name=name, state=state, definition=data, created_at=NOW, updated_at=NOW, **values)
    return add(core, row)


def between(core, app, first=FIRST, last=LAST, now=NOW):
    with at(core, now).reading(OPERATOR, app.number) as work:
        return calendar.between(work, first, last)


def told(found):
    return [(str(day.day), entry.name, entry.clock) for day in found.days for entry in day.entries]


def test_what_is_planned_once_is_on_its_day(core, warsaw):
    planned(core, warsaw, "Fixed", {"kind": "at", "at": "2026-11-23T23:30:00+00:00"})
    planned(core, warsaw, "Local", {"kind": "local_time", "wall": "2026-11-24T09:00", "past": "skip"})
    planned(core, warsaw, "Best", {"kind": "best_hour", "date": "2026-11-25"})
    planned(core, warsaw, "Draft", {"kind": "at", "at": "2026-11-23T23:30:00+00:00"}, state="draft")
    found = between(core, warsaw)
    assert told(found) == [
        ("2026-11-24", "Fixed", "00:30"),
        ("2026-11-24", "Local", "each person's 09:00"),
        ("2026-11-25", "Best", "each person's best hour"),
    ]
    assert (found.timezone, found.today, found.reachable) == ("Europe/Warsaw", date(2026, 11, 21), 10)


def test_what_recurs_is_on_each_of_its_days_to_come(core, warsaw):
    rule = {
        "kind": "recurring",
        "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "start": "2026-11-03T09:00",
        "until": None,
        "exclude": [],
    }
    planned(core, warsaw, "Weekly", {**rule, "zone": "user"}, state="active", repeats=True)
    planned(core, warsaw, "Fixed", {**rule, "zone": "America/New_York"}, state="paused", repeats=True)
    found = between(core, warsaw, date(2026, 11, 1), date(2026, 12, 2))
    assert told(found) == [
        ("2026-11-24", "Weekly", "each person's 09:00"),
        ("2026-11-24", "Fixed", "15:00"),
        ("2026-12-01", "Weekly", "each person's 09:00"),
        ("2026-12-01", "Fixed", "15:00"),
    ]
    assert {entry.state for day in found.days for entry in day.entries} == {"active", "paused"}


def test_what_waits_for_an_event_has_no_day(core, warsaw):
    planned(core, warsaw, "Cart", {"kind": "event", "event": "cart_abandoned"}, state="active", repeats=True)
    found = between(core, warsaw)
    assert [(band.name, band.event) for band in found.whenever] == [("Cart", "cart_abandoned")]
    assert told(found) == []


def test_what_went_out_is_told_with_its_people(core, warsaw):
    made = campaign(core, warsaw.number, "Past")
    with core.work(OPERATOR) as work:
        work.session.get(Campaign, made.id).definition = definition()
    began = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
    run = run_of(core, made, began=began, due_at=began, audience=3)
    local = run_of(
        core, made, began=began, due_at=began, audience=1, timing={"wall": "2026-11-19T08:00", "past": "skip"}
    )
    for name in ("tick:a", "tick:b"):
        run_of(core, made, began=began, due_at=began + timedelta(days=2), audience=4, occasion=name)
    run_of(core, made, began=began, due_at=began, audience=9, kind="test")
    dims = platforms(core, warsaw.number)["ios"]
    add(
        core,
        *(
            Delivery(run_id=one, user_id=user, device_id=device, chunk=1, dims_id=dims, due_at=began, state="accepted")
            for one, user, device in ((run.id, 1, 1), (run.id, 1, 2), (run.id, 2, 3), (local.id, 3, 4))
        ),
    )
    found = between(core, warsaw)
    entries = {(str(e.day), e.clock): (e.sent, e.people, e.devices, e.known) for d in found.days for e in d.entries}
    assert entries == {
        ("2026-11-18", "10:30"): (True, 2, 3, True),
        ("2026-11-19", "each person's 08:00"): (True, 1, 1, True),
        ("2026-11-20", "when events came"): (True, 8, 8, False),
    }


def test_pushes_per_person_and_who_is_in_several_audiences(core, warsaw):
    from backend.services import segmentation

    with core.work(OPERATOR, warsaw.number) as work:
        plus = segmentation.create(work, "Plus", PLUS).id
    at_nine = {"kind": "at", "at": "2026-11-23T08:00:00+00:00"}
    planned(core, warsaw, "All", at_nine)
    planned(core, warsaw, "Plus", at_nine, audience={"include": [plus]})
    twice = {"kind": "at", "at": "2026-11-26T08:00:00+00:00"}
    for name in ("First", "Again"):
        planned(core, warsaw, name, twice)
    planned(core, warsaw, "Alone", {"kind": "at", "at": "2026-11-24T08:00:00+00:00"})
    days = {str(day.day): day for day in between(core, warsaw).days}
    busy, calm, free = days["2026-11-23"], days["2026-11-24"], days["2026-11-25"]
    assert {entry.name: (entry.people, entry.known) for entry in busy.entries} == {
        "All": (10, False),
        "Plus": (2, False),
    }
    assert (busy.people, busy.per_person) == (12, 1.2)
    assert busy.in_several == pytest.approx(2 / 11)
    assert days["2026-11-26"].in_several == pytest.approx(10 / 11), "the same audience twice is two audiences"
    assert (calm.people, calm.per_person, calm.in_several) == (10, 1.0, None)
    assert (free.people, free.per_person) == (0, 0.0)


def test_a_segment_that_is_gone_or_slow_leaves_the_number_out(core, warsaw, monkeypatch):
    planned(core, warsaw, "Lost", {"kind": "at", "at": "2026-11-23T08:00:00+00:00"}, audience={"include": ["seg_x"]})
    found = between(core, warsaw)
    assert [(d.people, d.per_person) for d in found.days if d.entries] == [(None, None)]
    monkeypatch.setattr(calendar_people, "SECONDS", 0.0)
    monkeypatch.setattr(calendar_people, "_memory", Memory())
    assert between(core, warsaw).reachable is None


def test_counts_are_kept_for_a_while_and_only_so_many(core, warsaw, memory, monkeypatch):
    assert between(core, warsaw).reachable == 10
    with core.work(OPERATOR, warsaw.number) as work:
        work.session.delete(work.session.get(User, 1))
    assert between(core, warsaw).reachable == 10
    monkeypatch.setattr(calendar_people, "FRESH", 0.0)
    assert between(core, warsaw).reachable == 9
    monkeypatch.setattr(calendar_people, "KEPT", 3)
    for number in range(10):
        memory.put(number, number)
    assert len(memory._kept) == 3


def test_only_so_many_days_at_once(core, app):
    for last in (FIRST - timedelta(days=1), FIRST + timedelta(days=62)):
        with pytest.raises(Invalid):
            between(core, app, FIRST, last)


def test_a_recurrence_is_not_drawn_past_the_campaigns_last_moment(core, warsaw):
    daily = {"kind": "recurring", "rrule": "FREQ=DAILY", "start": "2026-11-22T09:00", "zone": "Europe/Warsaw"}
    planned(core, warsaw, "Daily", daily, state="active", repeats=True)
    assert len([entry for day in between(core, warsaw).days for entry in day.entries]) == 8
    with core.work(OPERATOR, warsaw.number) as work:
        kept = work.session.execute(select(Campaign)).scalar_one()
        kept.definition = {**kept.definition, "not_after": "2026-11-24T09:00:00+00:00"}
    assert len([entry for day in between(core, warsaw).days for entry in day.entries]) == 3
