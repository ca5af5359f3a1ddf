"""When an event is answered, to the second and across clock changes, and what becomes of a firing."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.domain import trigger
from backend.domain.vocabulary import EntryState

WARSAW = ZoneInfo("Europe/Warsaw")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("event", "delay", "wall", "expected"),
    [
        ("2026-11-20T12:00:00+00:00", 0, None, "2026-11-20T12:00:00+00:00"),
        ("2026-11-20T12:00:00+00:00", 90, None, "2026-11-20T12:01:30+00:00"),
        ("2026-11-20T08:59:59+01:00", 0, "09:00", "2026-11-20T09:00:00+01:00"),
        ("2026-11-20T09:00:00+01:00", 0, "09:00", "2026-11-20T09:00:00+01:00"),
        ("2026-11-20T09:00:01+01:00", 0, "09:00", "2026-11-21T09:00:00+01:00"),
        ("2026-11-20T08:00:00+01:00", 7200, "09:00", "2026-11-21T09:00:00+01:00"),
        ("2026-12-31T23:30:00+01:00", 0, "00:15", "2027-01-01T00:15:00+01:00"),
        ("2026-10-25T00:10:00+02:00", 0, "02:30", "2026-10-25T02:30:00+02:00"),  # the first of the two
        ("2026-10-25T02:30:01+02:00", 0, "02:30", "2026-10-26T02:30:00+01:00"),  # not the second of them
        ("2026-03-29T01:59:00+01:00", 0, "02:30", "2026-03-29T03:00:00+02:00"),  # there is no 02:30 that day
        ("2026-03-29T03:00:01+02:00", 0, "02:30", "2026-03-30T02:30:00+02:00"),
        ("2026-03-28T09:00:00+01:00", 86_400, None, "2026-03-29T10:00:00+02:00"),  # a day is 24 hours
    ],
)
def test_it_is_due_after_the_delay_or_at_the_next_local_time(event, delay, wall, expected):
    found = trigger.due(at(event), {"delay_seconds": delay, "wall": wall}, WARSAW)
    assert found == at(expected)


def test_a_day_that_a_zone_left_out_still_has_its_wall_time():
    """Samoa had no 30 December 2011: its 09:00 is the instant at which the 31st began."""
    found = trigger.due(at("2011-12-29T23:00:00-10:00"), {"wall": "09:00"}, ZoneInfo("Pacific/Apia"))
    assert found == at("2011-12-31T00:00:00+14:00")


def judged(**facts):
    plain = {"called_off": False, "missed_before": None, "apart": timedelta(), "fired": ()}
    return trigger.judge(NOON, NOON + timedelta(hours=1), **{**plain, **facts})


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, EntryState.FIRED),
        ({"called_off": True, "missed_before": NOON + timedelta(days=1)}, EntryState.CANCELLED),
        ({"missed_before": NOON + timedelta(hours=1)}, EntryState.FIRED),
        ({"missed_before": NOON + timedelta(hours=1, seconds=1), "apart": None, "fired": [NOON]}, EntryState.MISSED),
        ({"fired": [NOON]}, EntryState.FIRED),
        ({"apart": None}, EntryState.FIRED),
        ({"apart": None, "fired": [NOON - timedelta(days=900)]}, EntryState.REPEATED),
        ({"apart": timedelta(days=2), "fired": [NOON - timedelta(days=2)]}, EntryState.FIRED),
        ({"apart": timedelta(days=2), "fired": [NOON - timedelta(days=1)]}, EntryState.REPEATED),
        ({"apart": timedelta(days=2), "fired": [NOON + timedelta(days=1)]}, EntryState.REPEATED),
        ({"apart": timedelta(days=2), "fired": [NOON + timedelta(days=2)]}, EntryState.FIRED),
    ],
)
def test_what_becomes_of_a_firing(facts, expected):
    assert judged(**facts) is expected


def test_reentry_is_read_as_a_distance():
    assert trigger.around("once") is None
    assert trigger.around("always") == timedelta()
    assert trigger.around({"days": 7}) == timedelta(days=7)
