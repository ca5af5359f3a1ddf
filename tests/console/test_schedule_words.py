"""What a launch begins and what a report says of what waits, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain import schedule_words
from backend.services.run_history import Waiting
from backend.services.timing import SchedulePreview
from console.rows import launch_words, report

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NINE = datetime(2026, 12, 1, 8, tzinfo=UTC)
WARSAW = "Europe/Warsaw"


def shown(schedule, *dates):
    return SchedulePreview(schedule_words.in_words(schedule), dates, WARSAW, None)


LOCAL = {"kind": "local_time", "wall": "2026-12-01T09:00", "past": "skip"}
EVERY_DAY = {"kind": "recurring", "rrule": "FREQ=DAILY", "start": "2026-12-01T09:00", "until": None, "exclude": []}
CART = {
    "kind": "event", "event": "cart", "where": {}, "delay_seconds": 0, "wall": None, "cancel_event": None,
    "cancel_where": {}, "reentry": "always",
}  # fmt: skip


@pytest.mark.parametrize(
    ("schedule", "dates", "said", "button"),
    [
        ({"kind": "now"}, (), "At once", "Launch"),
        (
            {"kind": "at", "at": "2026-12-01T09:00:00+01:00"},
            (NINE,),
            "1 December 2026, 09:00 Europe/Warsaw",
            "Schedule",
        ),
        (
            LOCAL,
            (NINE,),
            "Starts 1 Dec 09:00 in each person's own time zone, first clocks at 30 Nov 19:00 UTC; "
            "whose clock is past it is left out.",
            "Schedule",
        ),
        (
            {"kind": "best_hour", "date": "2026-12-01"},
            (),
            "On 1 December 2026, at the hour at which each person opens most, first clocks at 30 Nov 10:00 UTC.",
            "Schedule",
        ),
        (
            {**EVERY_DAY, "zone": WARSAW},
            (NINE,),
            "Every day at 09:00, in the time zone Europe/Warsaw; first on Tue 1 Dec 2026, 09:00.",
            "Activate",
        ),
        (
            {**EVERY_DAY, "zone": "user"},
            (NINE,),
            "Every day at 09:00, in each person's own time zone; first clocks at 30 Nov 19:00 UTC.",
            "Activate",
        ),
        (CART, (), "When cart happens.", "Activate"),
    ],
    ids=lambda one: one.get("kind") if isinstance(one, dict) else "",
)
def test_a_launch_says_when(schedule, dates, said, button):
    assert launch_words.when(schedule, shown(schedule, *dates), WARSAW, NOW) == said
    assert launch_words.action(schedule["kind"]) == button


def test_a_launch_on_the_day_itself_says_that_it_has_begun_somewhere():
    schedule = {**LOCAL, "wall": "2026-11-21T18:00"}
    said = launch_words.when(schedule, shown(schedule, NINE), WARSAW, NOW)
    assert "begun already on the first clocks" in said


def test_what_has_no_date_to_come_says_so():
    found = SchedulePreview("", (), WARSAW, "It has no date to come.")
    assert launch_words.when({**EVERY_DAY, "zone": WARSAW}, found, WARSAW, NOW) == "It has no date to come."


def test_what_waits_is_told_with_its_first_and_last_time():
    hour = timedelta(hours=1)
    assert report._waiting(Waiting(), WARSAW, NOW) == ""
    one = Waiting(1, NOW + 8 * hour, NOW + 8 * hour)
    assert report._waiting(one, WARSAW, NOW) == "1 push waits for its time: Today, 21:00."
    many = Waiting(1204, NOW + 8 * hour, NOW + 19 * hour)
    said = "1\u202f204 pushes wait for their time: from Today, 21:00 to Tomorrow, 08:00."
    assert report._waiting(many, WARSAW, NOW) == said
