"""Who is held back together is not sent together, and not in the minutes in which everybody sends."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.experiment import SLOTS, salted, slot
from backend.domain.spread import AFTER_QUIET, after_quiet, calm_minutes, place

EIGHT = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "calm"),
    [
        (0, 30, (*range(3, 13), *range(18, 28))),
        (0, 13, tuple(range(3, 13))),
        (0, 4, (3,)),
        (0, 3, (0, 1, 2)),
        (0, 1, (0,)),
        (0, 0, (0,)),
        (5, 5, (0, 1, 2, 3, 4)),
        (57, 10, (0, 6, 7, 8, 9)),
        (12, 8, (0, 6, 7)),
        (13, 5, (0, 1, 2, 3, 4)),
    ],
)
def test_the_calm_minutes_are_two_away_from_each_quarter(start: int, minutes: int, calm: tuple[int, ...]):
    assert calm_minutes(EIGHT.replace(minute=start), minutes) == calm


def test_no_calm_minute_is_near_a_quarter():
    for start in range(60):
        for m in calm_minutes(EIGHT.replace(minute=start), 120):
            assert all((start + m - q) % 60 > 2 and (q - start - m) % 60 > 2 for q in (0, 15, 30, 45))


def test_a_place_is_the_slot_scaled_to_the_minutes():
    salt = salted("a test")
    for bucket in range(0, 2**32, 2**32 // 500):
        assert place(bucket, salt, (0, 1, 2)) == slot(bucket, salt) * 3 // SLOTS
        assert place(bucket, salt, (7,)) == 7


def test_those_held_to_one_end_are_spread_evenly_and_each_always_the_same():
    buckets = range(0, 2**32, 2**32 // 20_000)
    minutes = Counter((after_quiet(EIGHT, bucket) - EIGHT) // timedelta(minutes=1) for bucket in buckets)
    assert set(minutes) == set(calm_minutes(EIGHT, AFTER_QUIET))
    assert max(minutes.values()) < 1.3 * min(minutes.values())
    assert after_quiet(EIGHT, 77) == after_quiet(EIGHT, 77)


def test_the_place_of_a_person_is_part_of_the_contract():
    """Whoever has been deferred must be found at the same minute by the next version."""
    assert AFTER_QUIET == 30
    people = (0, 1, 2, 10**6, 4 * 10**9)
    assert [(after_quiet(EIGHT, bucket) - EIGHT) // timedelta(minutes=1) for bucket in people] == [12, 12, 18, 20, 20]
