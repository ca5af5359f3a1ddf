"""Frequency caps: each kind on both sides of each of its edges."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.domain.caps import Cap, CapKind, Sent, caps, count, look_back, reached, room

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
UTC_ZONE, BERLIN, TOKYO = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
TWO_IN_SIX_HOURS = Cap(CapKind.ROLLING, 2, 6)
ONE_A_DAY = Cap(CapKind.DAILY, 1)
AN_HOUR_BETWEEN = Cap(CapKind.GAP, 60)


def sent(*ago: timedelta, category: int | None = None, now: datetime = NOW) -> tuple[Sent, ...]:
    return tuple(Sent(now - one, category) for one in ago)


def test_caps_are_read_as_they_are_written():
    rows = [
        {"kind": "rolling", "pushes": 3, "hours": 24},
        {"kind": "daily", "pushes": 2},
        {"kind": "gap", "minutes": 90},
    ]
    assert caps(rows) == (Cap(CapKind.ROLLING, 3, 24), Cap(CapKind.DAILY, 2, 0), Cap(CapKind.GAP, 90, 0))
    assert caps([]) == ()


@pytest.mark.parametrize(
    ("given", "reach"),
    [
        ((), timedelta(0)),
        ((TWO_IN_SIX_HOURS,), timedelta(hours=6)),
        ((ONE_A_DAY,), timedelta(hours=26)),
        ((AN_HOUR_BETWEEN,), timedelta(hours=1)),
        ((AN_HOUR_BETWEEN, Cap(CapKind.ROLLING, 5, 168), ONE_A_DAY), timedelta(days=7)),
    ],
)
def test_how_far_back_matters(given: tuple[Cap, ...], reach: timedelta):
    assert look_back(given) == reach


@pytest.mark.parametrize(("cap", "fits"), [(TWO_IN_SIX_HOURS, 2), (ONE_A_DAY, 1), (AN_HOUR_BETWEEN, 1)])
def test_how_many_fit(cap: Cap, fits: int):
    assert room(cap) == fits


HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("cap", "pushes", "full"),
    [
        (TWO_IN_SIX_HOURS, sent(), False),
        (TWO_IN_SIX_HOURS, sent(HOURS), False),
        (TWO_IN_SIX_HOURS, sent(HOURS, 2 * HOURS), True),
        (TWO_IN_SIX_HOURS, sent(HOURS, 2 * HOURS, 3 * HOURS), True),
        (TWO_IN_SIX_HOURS, sent(HOURS, 6 * HOURS), False),
        (TWO_IN_SIX_HOURS, sent(HOURS, 6 * HOURS - TICK), True),
        (TWO_IN_SIX_HOURS, sent(HOURS, 6 * HOURS + TICK), False),
        (AN_HOUR_BETWEEN, sent(), False),
        (AN_HOUR_BETWEEN, sent(HOURS), False),
        (AN_HOUR_BETWEEN, sent(HOURS - TICK), True),
        (AN_HOUR_BETWEEN, sent(timedelta(0)), True),
        (ONE_A_DAY, sent(), False),
        (ONE_A_DAY, sent(12 * HOURS), True),
        (ONE_A_DAY, sent(12 * HOURS + TICK), False),
        (Cap(CapKind.DAILY, 2), sent(HOURS), False),
        (Cap(CapKind.DAILY, 2), sent(HOURS, 12 * HOURS), True),
        (Cap(CapKind.DAILY, 2), sent(HOURS, 13 * HOURS), False),
        (Cap(CapKind.ROLLING, 0, 1), sent(), True),
    ],
)
def test_both_sides_of_each_edge(cap: Cap, pushes: tuple[Sent, ...], full: bool):
    assert reached([cap], pushes, UTC_ZONE, NOW) == (cap if full else None)


def test_the_first_cap_that_is_full_is_named():
    both = [ONE_A_DAY, AN_HOUR_BETWEEN]
    assert reached(both, sent(HOURS / 2), UTC_ZONE, NOW) == ONE_A_DAY
    assert reached(both, sent(13 * HOURS), UTC_ZONE, NOW) is None
    assert reached([TWO_IN_SIX_HOURS, AN_HOUR_BETWEEN], sent(HOURS / 2), UTC_ZONE, NOW) == AN_HOUR_BETWEEN
    assert reached([], sent(HOURS), UTC_ZONE, NOW) is None


@pytest.mark.parametrize(
    ("where", "now", "begun"),
    [
        (UTC_ZONE, "2026-11-21T12:00", "2026-11-21T00:00"),
        (TOKYO, "2026-11-21T12:00", "2026-11-20T15:00"),
        (TOKYO, "2026-11-21T15:00", "2026-11-21T15:00"),
        (TOKYO, "2026-11-21T14:59", "2026-11-20T15:00"),
        (BERLIN, "2026-03-29T21:59", "2026-03-28T23:00"),  # the day of 23 hours
        (BERLIN, "2026-03-29T22:00", "2026-03-29T22:00"),
        (BERLIN, "2026-10-25T22:59", "2026-10-24T22:00"),  # the day of 25 hours
        (BERLIN, "2026-10-25T23:00", "2026-10-25T23:00"),
        (ZoneInfo("America/Santiago"), "2026-09-06T12:00", "2026-09-06T04:00"),  # its midnight is skipped
        (ZoneInfo("America/Santiago"), "2026-09-06T03:59", "2026-09-05T04:00"),
    ],
)
def test_a_day_is_the_persons_own(where: ZoneInfo, now: str, begun: str):
    moment, first = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, begun))
    assert count(ONE_A_DAY, [Sent(first, None)], where, moment) == 1
    assert count(ONE_A_DAY, [Sent(first - TICK, None)], where, moment) == 0
    assert moment - first < look_back([ONE_A_DAY])


def test_a_count_is_of_all_categories_that_are_given():
    pushes = sent(HOURS, category=1) + sent(2 * HOURS, category=2) + sent(30 * HOURS)
    assert count(ONE_A_DAY, pushes, UTC_ZONE, NOW) == 2
    assert count(Cap(CapKind.ROLLING, 1, 48), pushes, UTC_ZONE, NOW) == 3
    assert count(AN_HOUR_BETWEEN, pushes, UTC_ZONE, NOW) == 0
