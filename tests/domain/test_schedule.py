"""Schedules: which occasions they have, what is read back of them, and what is refused."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backend.domain import due_times, recurrence, schedule, schedule_words, spread
from backend.domain.experiment import slot
from backend.domain.recurrence import ScheduleError
from backend.domain.schedule import Lateness

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WARSAW = ZoneInfo("Europe/Warsaw")


def recurring(rrule: str, start: str = "2026-12-01T09:00", zone: str = "Europe/Warsaw", **more: Any) -> dict[str, Any]:
    return {"kind": "recurring", "rrule": rrule, "start": start, "zone": zone, "until": None, "exclude": [], **more}


def walls(rule: dict[str, Any], count: int = 4, after: str = "2026-01-01T00:00") -> list[str]:
    found = recurrence.parse(rule).walls(datetime.fromisoformat(after))
    return [wall.isoformat(timespec="minutes") for wall in islice(found, count)]


@pytest.mark.parametrize(
    ("rrule", "expected"),
    [
        ("FREQ=DAILY", ["2026-12-01T09:00", "2026-12-02T09:00", "2026-12-03T09:00", "2026-12-04T09:00"]),
        ("RRULE:freq=daily;", ["2026-12-01T09:00", "2026-12-02T09:00", "2026-12-03T09:00", "2026-12-04T09:00"]),
        ("FREQ=HOURLY;INTERVAL=20", ["2026-12-01T09:00", "2026-12-02T05:00", "2026-12-03T01:00", "2026-12-03T21:00"]),
        ("FREQ=WEEKLY;INTERVAL=2", ["2026-12-01T09:00", "2026-12-15T09:00", "2026-12-29T09:00", "2027-01-12T09:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2026-12-31T09:00", "2027-01-31T09:00", "2027-03-31T09:00", "2027-05-31T09:00"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["2026-12-25T09:00", "2027-01-29T09:00", "2027-02-26T09:00", "2027-03-26T09:00"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29T09:00", "2032-02-29T09:00", "2036-02-29T09:00",
                                                  "2040-02-29T09:00"]),
        ("FREQ=YEARLY;BYYEARDAY=-1", ["2026-12-31T09:00", "2027-12-31T09:00", "2028-12-31T09:00", "2029-12-31T09:00"]),
        ("FREQ=DAILY;BYHOUR=9,18;BYMINUTE=30", ["2026-12-01T09:30", "2026-12-01T18:30", "2026-12-02T09:30",
                                                 "2026-12-02T18:30"]),
        ("FREQ=DAILY;COUNT=2", ["2026-12-01T09:00", "2026-12-02T09:00"]),
        ("FREQ=DAILY;COUNT=1", ["2026-12-01T09:00"]),
        ("FREQ=DAILY;UNTIL=20261202", ["2026-12-01T09:00", "2026-12-02T09:00"]),
        ("FREQ=DAILY;UNTIL=20261202T085900", ["2026-12-01T09:00"]),
        ("FREQ=DAILY;UNTIL=20261202T090000", ["2026-12-01T09:00", "2026-12-02T09:00"]),
    ],
)  # fmt: skip
def test_a_rule_gives_wall_times(rrule: str, expected: list[str]):
    assert walls(recurring(rrule)) == expected


def test_days_may_be_left_out_and_an_end_set():
    assert walls(recurring("FREQ=DAILY", until="2026-12-03", exclude=["2026-12-02"])) == [
        "2026-12-01T09:00", "2026-12-03T09:00",
    ]  # fmt: skip
    assert walls(recurring("FREQ=DAILY", until="2026-12-02T08:59")) == ["2026-12-01T09:00"]
    assert walls(recurring("FREQ=DAILY;COUNT=3", exclude=["2026-12-02"])) == ["2026-12-01T09:00", "2026-12-03T09:00"]


@pytest.mark.parametrize("rrule", ["FREQ=HOURLY;INTERVAL=7", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO",
                                   "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO", "FREQ=MONTHLY;BYSETPOS=2;BYDAY=MO,TU",
                                   "FREQ=HOURLY;BYDAY=TU;BYHOUR=1,5"])  # fmt: skip
def test_a_rule_goes_on_in_step_however_long_ago_it_began(rrule: str):
    whole = walls(recurring(rrule, "2024-02-29T09:10"), 4000, "2024-01-01T00:00")
    for place in (0, 1, 17, len(whole) // 2, len(whole) - 4):
        assert walls(recurring(rrule, "2024-02-29T09:10"), 3, whole[place]) == whole[place + 1 : place + 4]


@pytest.mark.parametrize(
    ("rule", "field", "sentence"),
    [
        (recurring(""), "rrule", "does not know ''"),
        (recurring("FREQ=MINUTELY"), "rrule", "more than once an hour"),
        (recurring("FREQ=SECONDLY"), "rrule", "more than once an hour"),
        (recurring("FREQ=DAILY;BYMINUTE=0,30"), "rrule", "more than once an hour"),
        (recurring("FREQ=DAILY;BYSECOND=0"), "rrule", "does not know 'BYSECOND=0'"),
        (recurring("FREQ=DAILY;BYEASTER=0"), "rrule", "does not know 'BYEASTER=0'"),
        (recurring("BYDAY=MO"), "rrule", "needs a FREQ"),
        (recurring("FREQ=DAILY;FREQ=DAILY"), "rrule", "names FREQ twice"),
        (recurring("FREQ=OFTEN"), "rrule", "cannot be read at FREQ=OFTEN"),
        (recurring("FREQ=DAILY,WEEKLY"), "rrule", "cannot be read at FREQ=DAILY,WEEKLY"),
        (recurring("FREQ=DAILY;INTERVAL=0"), "rrule", "from 1 to 366"),
        (recurring("FREQ=DAILY;INTERVAL=367"), "rrule", "from 1 to 366"),
        (recurring("FREQ=DAILY;INTERVAL=2,3"), "rrule", "cannot be read at INTERVAL=2,3"),
        (recurring("FREQ=DAILY;COUNT=0"), "rrule", "from 1 to 10000"),
        (recurring("FREQ=DAILY;COUNT=10001"), "rrule", "from 1 to 10000"),
        (recurring("FREQ=DAILY;BYHOUR=24"), "rrule", "from 0 to 23"),
        (recurring("FREQ=DAILY;BYHOUR=-1"), "rrule", "from 0 to 23"),
        (recurring("FREQ=DAILY;BYMINUTE=60"), "rrule", "from 0 to 59"),
        (recurring("FREQ=DAILY;BYMONTH=13"), "rrule", "from 1 to 12"),
        (recurring("FREQ=DAILY;BYMONTHDAY=0"), "rrule", "from 1 to 31"),
        (recurring("FREQ=MONTHLY;BYDAY=6MO"), "rrule", "cannot be read at BYDAY=6MO"),
        (recurring("FREQ=WEEKLY;BYDAY=2MO"), "rrule", "in a month or a year only"),
        (recurring("FREQ=DAILY;BYSETPOS=1"), "rrule", "in weeks, months or years only"),
        (recurring("FREQ=HOURLY;BYSETPOS=1"), "rrule", "in weeks, months or years only"),
        (recurring("FREQ=DAILY;UNTIL=20270101T000000Z"), "rrule", "without a Z"),
        (recurring("FREQ=DAILY;UNTIL=20271301"), "rrule", "needs a date"),
        (recurring("FREQ=DAILY;UNTIL=20270101", until="2027-01-01"), "until", "say it once"),
        (recurring("FREQ=DAILY;COUNT=3;UNTIL=20270101"), "rrule", "both a COUNT and an end"),
        (recurring("FREQ=DAILY;COUNT=3", until="2027-01-01"), "rrule", "both a COUNT and an end"),
        (recurring("FREQ=DAILY", until="2026-11-30"), "rrule", "never comes up"),
        (recurring("FREQ=DAILY;COUNT=1", exclude=["2026-12-01"]), "rrule", "never comes up"),
        (recurring("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"), "rrule", "never comes up"),
        (recurring("FREQ=DAILY;BYMONTH=4;BYMONTHDAY=-31"), "rrule", "never comes up"),
        (recurring("FREQ=DAILY;BYYEARDAY=1;BYMONTH=12"), "rrule", "never comes up"),
        (recurring("FREQ=HOURLY;INTERVAL=24;BYHOUR=10"), "rrule", "never comes up"),
        (recurring("FREQ=HOURLY;BYWEEKNO=53;BYMONTH=6"), "rrule", "may have a BYWEEKNO in years only"),
        (recurring("FREQ=DAILY;INTERVAL=366;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "2000-01-01T09:00"), "rrule",
         "never comes up"),
    ],
)  # fmt: skip
def test_what_is_no_rule_says_why(rule: dict[str, Any], field: str, sentence: str):
    with pytest.raises(ScheduleError) as caught:
        recurrence.parse(rule)
    assert caught.value.field == field
    assert sentence in caught.value.message
    assert str(caught.value) == f"{field} {caught.value.message}"


def test_no_rule_goes_on_for_ever():
    assert walls(recurring("FREQ=YEARLY"), 5, "2196-12-31T23:59") == ["2197-12-01T09:00", "2198-12-01T09:00",
                                                                     "2199-12-01T09:00"]  # fmt: skip
    last = {**recurring("FREQ=DAILY", "2199-12-31T23:59", zone="user")}
    assert [one.name for one in schedule.following(last, NOW)] == ["2199-12-31T23:59"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (recurring("FREQ=WEEKLY;BYDAY=TU", zone="user", until="2027-03-31"),
         "Every Tuesday at 09:00, in each person's own time zone, until 31 March 2027"),
        (recurring("FREQ=DAILY"), "Every day at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR"), "Every weekday at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=WEEKLY;BYDAY=SU,MO"), "Every Monday and Sunday at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=WEEKLY"), "Every week on Tuesday at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR"),
         "Every 2 weeks on weekdays at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=WEEKLY;INTERVAL=3;BYDAY=FR"), "Every 3 weeks on Friday at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=DAILY;BYDAY=FR;BYMONTHDAY=13"),
         "Every Friday on the 13th at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=HOURLY"), "Every hour on the hour, in the time zone Europe/Warsaw"),
        (recurring("FREQ=HOURLY", "2026-12-01T09:05"), "Every hour at 5 minutes past, in the time zone Europe/Warsaw"),
        (recurring("FREQ=HOURLY;INTERVAL=6"),
         "Every 6 hours on the hour, counted from 1 December 2026 at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=HOURLY;BYHOUR=9,10,22;BYMINUTE=5"),
         "Every day at 09:05, 10:05 and 22:05, in the time zone Europe/Warsaw"),
        (recurring("FREQ=MONTHLY"), "Every month on the 1st at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=MONTHLY;BYMONTHDAY=1,2,3,4,11,12,13,21,22,23,-1,-2"),
         "Every month on the 1st, 2nd, 3rd, 4th, 11th, 12th, 13th, 21st, 22nd, 23rd, last day and 2nd from the end day "
         "at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=MONTHLY;BYDAY=2TU,-1FR"),
         "Every month on the second Tuesday and the last Friday at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=MONTHLY;BYDAY=MO"), "Every month on every Monday at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
         "Every month on the last weekday at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1,6"),
         "Every month on the first and 6th Saturday or Sunday at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=MONTHLY;BYSETPOS=2;BYHOUR=8,9"),
         "Every month on the second of its days at 08:00 and 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=YEARLY"), "Every year on 1 December at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=YEARLY;BYMONTH=3,4"), "Every year on the 1st of March and April at 09:00, in the time zone "
         "Europe/Warsaw"),
        (recurring("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"),
         "Every year on the 29th of February at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=DAILY;BYMONTH=1,12"), "Every day in January and December at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=YEARLY;BYYEARDAY=1,-1"),
         "Every year on the 1st and last day of the year at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"),
         "Every year on every Monday in the 20th week of the year at 09:00, in the time zone Europe/Warsaw"),
        (recurring("FREQ=DAILY;COUNT=1"), "Every day at 09:00, in the time zone Europe/Warsaw, 1 time"),
        (recurring("FREQ=DAILY;COUNT=9", exclude=["2026-12-03", "2026-12-02"]),
         "Every day at 09:00, in the time zone Europe/Warsaw, 9 times, not on 2 December 2026 and 3 December 2026"),
        ({"kind": "now"}, "At once"),
        ({"kind": "at", "at": "2026-12-01T09:00:00+01:00"}, "On 1 December 2026 at 09:00 (UTC+01:00)"),
        ({"kind": "local_time", "wall": "2026-12-01T09:00"}, "On 1 December 2026 at 09:00, on each person's own clock"),
        ({"kind": "best_hour", "date": "2026-12-01"},
         "On 1 December 2026, at the hour at which each person opens most"),
        ({"kind": "event", "event": "cart"}, "When cart happens"),
        ({"kind": "event", "event": "cart", "where": {"a": True, "b": 2}, "delay_seconds": 90_061, "wall": "09:00",
          "cancel_event": "buy", "cancel_where": {"c": "x"}, "reentry": {"days": 1}},
         "When cart happens with a = true and b = 2, 1 day 1 hour 1 minute 1 second later, at the next 09:00 on the "
         "person's own clock, unless buy with c = x happens first, at most once a day"),
        ({"kind": "event", "event": "cart", "delay_seconds": 7200, "cancel_event": "buy", "reentry": "once"},
         "When cart happens, 2 hours later, unless buy happens first, once for each person"),
    ],
)  # fmt: skip
def test_a_schedule_is_read_back_in_words(rule: dict[str, Any], words: str):
    assert schedule_words.in_words(rule) == words


def test_occasions_have_names_of_their_own_and_say_when_they_begin_and_end():
    fixed, own = recurring("FREQ=DAILY"), recurring("FREQ=DAILY", zone="user")
    first = schedule.first(fixed, NOW)
    assert first is not None
    assert (first.name, first.begins) == ("2026-12-01T08:00:00+00:00", datetime(2026, 12, 1, 8, tzinfo=UTC))
    assert (first.ends, first.timing) == (first.begins, {})
    first = schedule.first(own, NOW)
    assert first is not None
    assert (first.name, first.timing) == ("2026-12-01T09:00", {"wall": "2026-12-01T09:00"})
    assert first.begins == datetime(2026, 11, 30, 19, tzinfo=UTC)
    assert first.ends == datetime(2026, 12, 1, 21, tzinfo=UTC)
    assert schedule.first({"kind": "event", "event": "x"}, NOW) is None
    now = schedule.first({"kind": "now"}, NOW)
    assert now is not None
    assert (now.name, now.begins, now.ends, now.timing) == ("once", NOW, NOW, {})
    assert schedule.first(recurring("FREQ=DAILY;COUNT=1"), datetime(2026, 12, 1, 8, tzinfo=UTC)) is None


def test_what_goes_around_the_world_begins_at_once_where_it_has_begun():
    local = {"kind": "local_time", "wall": "2026-12-01T09:00", "past": "skip"}
    best = {"kind": "best_hour", "date": "2026-12-01"}
    for when, begins, ends in (
        (local, datetime(2026, 11, 30, 19, tzinfo=UTC), datetime(2026, 12, 1, 21, tzinfo=UTC)),
        (best, datetime(2026, 11, 30, 10, tzinfo=UTC), datetime(2026, 12, 2, 12, tzinfo=UTC)),
    ):
        early, late = schedule.first(when, NOW), schedule.first(when, begins + HOUR)
        assert early is not None
        assert late is not None
        assert (early.begins, early.ends, early.name) == (begins, ends, "once")
        assert (late.begins, late.ends) == (begins + HOUR, ends)
        assert late.timing["from"] == (begins + HOUR).isoformat()
        assert not schedule.has_passed(when, ends)
        assert schedule.has_passed(when, ends + timedelta(seconds=1))
    assert schedule.due(local, NOW) == datetime(2026, 11, 30, 19, tzinfo=UTC)


def test_what_has_passed_is_known_of_each_kind():
    at = {"kind": "at", "at": "2026-11-21T13:00:00+01:00"}
    assert not schedule.has_passed(at, NOW)
    assert schedule.has_passed(at, NOW + timedelta(seconds=1))
    assert not schedule.has_passed({"kind": "now"}, NOW)
    assert not schedule.has_passed({"kind": "event", "event": "x"}, NOW)
    once = recurring("FREQ=DAILY;COUNT=1")
    assert not schedule.has_passed(once, NOW)
    assert schedule.has_passed(once, NOW + 30 * DAY)
    assert schedule.due({"kind": "event", "event": "x"}, NOW) is None
    assert schedule.due({"kind": "at", "at": "2026-11-21T13:00:00+01:00"}, NOW) == NOW
    with pytest.raises(ScheduleError, match="needs an offset"):
        schedule.instant_of({"at": "2026-11-21T13:00:00"})
    assert schedule.repeats("now", "event")
    assert schedule.repeats("recurring")
    assert not schedule.repeats("now", "at", "local_time", "best_hour")


def test_what_is_overdue_begins_with_the_one_that_was_awaited():
    rule = recurring("FREQ=DAILY")
    eight = datetime(2026, 12, 1, 8, tzinfo=UTC)
    begins = [one.begins for one in schedule.overdue(rule, eight, eight + 2 * DAY)]
    assert begins == [eight, eight + DAY, eight + 2 * DAY]
    assert schedule.overdue(rule, eight, eight - HOUR) == []
    assert [one.begins for one in schedule.overdue(rule, eight, eight)] == [eight]
    assert schedule.after(rule, eight) == eight + DAY
    assert schedule.after(recurring("FREQ=DAILY;COUNT=1"), eight) is None


@pytest.mark.parametrize(
    ("late", "minutes", "verdict"),
    [
        (None, 60, Lateness.SEND), (None, 61, Lateness.SKIP), ({}, 61, Lateness.SKIP),
        ({"minutes": 5, "then": "send"}, 6, Lateness.SEND), ({"minutes": 5, "then": "ask"}, 5, Lateness.SEND),
        ({"minutes": 5, "then": "ask"}, 6, Lateness.ASK), ({"minutes": 0, "then": "skip"}, 0, Lateness.SEND),
        ({"minutes": 0, "then": "skip"}, 2, Lateness.SKIP),
    ],
)  # fmt: skip
def test_late_is_later_than_the_campaign_allows(late: Any, minutes: int, verdict: Lateness):
    assert schedule.lateness(NOW, NOW + timedelta(minutes=minutes), late) is verdict


def test_the_next_dates_are_shown_on_a_clock_at_home():
    rule = recurring("FREQ=WEEKLY;BYDAY=TU", "2026-12-01T09:00")
    shown = schedule.dates(rule, NOW, WARSAW)
    assert [one.astimezone(WARSAW).isoformat() for one in shown] == [
        f"{day}T09:00:00+01:00" for day in ("2026-12-01", "2026-12-08", "2026-12-15", "2026-12-22", "2026-12-29")
    ]
    tokyo = ZoneInfo("Asia/Tokyo")
    assert schedule.dates({**rule, "zone": "user"}, NOW, tokyo)[0] == datetime(2026, 12, 1, tzinfo=UTC)
    assert schedule.dates({"kind": "local_time", "wall": "2026-12-01T09:00"}, NOW, tokyo) == (
        datetime(2026, 12, 1, tzinfo=UTC),
    )
    assert schedule.dates({"kind": "at", "at": "2026-12-01T09:00:00+01:00"}, NOW, tokyo) == (
        datetime(2026, 12, 1, 8, tzinfo=UTC),
    )
    assert schedule.dates({"kind": "now"}, NOW, tokyo) == schedule.dates({"kind": "event"}, NOW, tokyo) == ()
    assert len(schedule.dates(rule, NOW, tokyo, 2)) == 2


def test_a_row_is_due_by_its_own_clock_and_its_place_in_the_spread():
    at = datetime(2026, 12, 1, 8, 0, 0, 5, tzinfo=UTC)
    assert due_times.base({}, at, WARSAW) == at
    assert due_times.base({"spread": 30}, at, WARSAW) == at.replace(microsecond=0, second=1)
    timing = {"date": "2026-12-01", "hour": 18, "from": at.isoformat()}
    assert due_times.base(timing, at, WARSAW) == datetime(2026, 12, 1, 17, tzinfo=UTC)
    assert due_times.base(timing, at, WARSAW, 10) == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert due_times.base(timing, at, WARSAW, 9) == at.replace(microsecond=0, second=1)
    assert due_times.base({**timing, "from": "2026-12-01T08:00:00+00:00"}, at, WARSAW, 9) == at.replace(microsecond=0)


def test_a_spread_keeps_clear_of_the_busy_minutes_and_gives_each_person_one():
    start = datetime(2026, 12, 1, 8, tzinfo=UTC)
    placed = [
        due_times.due({"spread": 60}, start, WARSAW, bucket=number * 2_654_435 % 2**32, campaign_id=7, hour=None)
        for number in range(2000)
    ]
    minutes = {(one - start) // timedelta(minutes=1) for one in placed}
    assert minutes == {minute for minute in range(60) if 2 < minute % 15 < 13}
    assert max(placed.count(one) for one in set(placed)) < 100
    calm = spread.calm_minutes(start, 60)
    place = slot(12345, spread.campaign_salt(7)) * len(calm) // 10_000
    due = due_times.due({"spread": 60}, start, WARSAW, bucket=12345, campaign_id=7, hour=None)
    assert due == start + timedelta(minutes=calm[place])
    assert due_times.due({}, start, WARSAW, bucket=12345, campaign_id=7, hour=None) == start
    assert spread.campaign_salt(7) != spread.campaign_salt(8)
