"""Numbers and times as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from console import words

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("gone", "short"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=7), "7 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=30), "Yesterday, 07:00"),
        (timedelta(days=10), "11 Nov, 13:00"),
        (timedelta(days=400), "17 Oct 2025, 14:00"),
        (timedelta(minutes=-5), "in 6 min"),
        (timedelta(days=-1), "Tomorrow, 13:00"),
    ],
)
def test_a_time_is_short_beside_other_words(gone, short):
    assert words.when(NOW - gone, "Europe/Warsaw", NOW).short == short


def test_a_time_is_exact_with_its_zone_on_hover():
    assert words.when(NOW, "Europe/Warsaw", NOW).exact == "21 November 2026, 13:00:00 CET"
    assert words.when(NOW, "America/Sao_Paulo", NOW).exact.endswith("UTC-03")
    assert words.when(None, "UTC", NOW) == words.NEVER


def test_numbers_are_separated_and_shares_name_what_they_are_of():
    assert words.number(1234567) == "1\u202f234\u202f567"
    assert words.percent(1, 3) == "33.3%"
    assert words.percent(0, 0) == words.NOTHING
    assert words.share(1, 3, "accepted") == "1 of 3 accepted"
    assert words.plural(1, "person", "people") == "1 person"
    assert words.plural(2000, "device") == "2\u202f000 devices"


def test_waiting_times_are_as_exact_as_one_needs():
    assert [words.duration(s) for s in (None, 0.2, 59, 90, 7500)] == ["–", "1 s", "59 s", "2 min", "2 h 5 min"]
    assert [words.per_second(r) for r in (3.21, 820.4)] == ["3.2/s", "820/s"]


def test_initials_come_from_name_or_address():
    assert words.initials("Ada Lindqvist", "") == "AL"
    assert words.initials("", "jo.doe@example.test") == "JD"
    assert words.initials("", "") == "?"
