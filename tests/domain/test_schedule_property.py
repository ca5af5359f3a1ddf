"""Every wall time is one instant: 40 zones over 10 years against the zone database itself, both edges of the clock."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest

from backend.domain import due_times, recurrence, schedule

ZONES = (
    "Europe/Warsaw", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Chisinau", "Europe/Istanbul",
    "Atlantic/Azores", "Africa/Casablanca", "Africa/Cairo", "Africa/Johannesburg", "Africa/Windhoek", "Asia/Beirut",
    "Asia/Jerusalem", "Asia/Tehran", "Asia/Gaza", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Pyongyang", "Asia/Tokyo",
    "Asia/Ulaanbaatar", "Australia/Adelaide", "Australia/Eucla", "Australia/Lord_Howe", "Australia/Sydney",
    "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Marquesas",
    "Pacific/Norfolk", "Pacific/Pago_Pago", "Pacific/Tongatapu", "America/Caracas", "America/Havana",
    "America/Los_Angeles", "America/New_York", "America/Nuuk", "America/Santiago", "America/Sao_Paulo",
    "America/St_Johns",
)  # fmt: skip
BEGIN, END = datetime(2010, 1, 1), datetime(2020, 1, 1)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    found = at.astimezone(zone).utcoffset()
    assert found is not None
    return found


@cache
def changes(name: str) -> list[tuple[datetime, timedelta, timedelta]]:
    """(instant, offset before, offset after) of each change of a zone's clock, found by looking at every three hours."""
    zone, found = ZoneInfo(name), []
    at = BEGIN.replace(tzinfo=UTC) - 4 * DAY
    while at < END.replace(tzinfo=UTC) + 4 * DAY:
        before, after = offset(zone, at), offset(zone, at + 3 * HOUR)
        if before != after:
            edge = next(
                at + timedelta(minutes=m) for m in range(181) if offset(zone, at + timedelta(minutes=m)) == after
            )
            found.append((edge, before, after))
        at += 3 * HOUR
    return found


def oracle(name: str, wall: datetime) -> datetime:
    """The first instant at which the clock shows the wall time, else the first after the clock jumped over it."""
    known, naive = changes(name), wall.replace(tzinfo=UTC)
    near = [change for change in known if abs(change[0] - naive) < 3 * DAY]
    if not near:
        place = bisect_right([change[0] for change in known], naive)
        return naive - (known[place - 1][2] if place else known[0][1] if known else offset(ZoneInfo(name), naive))
    offsets = {one for _, before, after in near for one in (before, after)}
    shown = [at for one in offsets if offset(ZoneInfo(name), at := naive - one) == one]
    jumped = [edge for edge, before, after in near if edge + before <= naive < edge + after]
    return min(shown) if shown else jumped[0]


def rule(name: str, rrule: str, start: datetime = BEGIN) -> dict[str, object]:
    text = start.isoformat(timespec="minutes")
    return {"kind": "recurring", "rrule": rrule, "start": text, "zone": name, "until": None, "exclude": []}


def edges(name: str) -> list[datetime]:
    """The hours of two days about each change of the clock, on that clock."""
    days = [(edge + before).replace(tzinfo=None, hour=0, minute=0, second=0) for edge, before, _ in changes(name)]
    inside = [day for day in days if BEGIN + DAY <= day <= END - 2 * DAY]
    return [day + hour * HOUR + timedelta(minutes=30) for day in inside for hour in range(-24, 48)]


def test_the_zones_have_both_edges_of_the_clock_and_a_day_that_never_was():
    assert len(ZONES) == 40
    known = [change for name in ZONES for change in changes(name)]
    assert len([one for one in known if one[2] > one[1]]) > 150
    assert len([one for one in known if one[2] < one[1]]) > 150
    assert any(after - before == DAY for _, before, after in changes("Pacific/Apia"))


@pytest.mark.parametrize("name", ZONES)
def test_a_daily_rule_meets_each_day_of_ten_years_once(name: str):
    start = BEGIN + 2 * HOUR + timedelta(minutes=30)
    found = recurrence.parse(rule(name, "FREQ=DAILY;COUNT=3652", start)).instants(BEGIN.replace(tzinfo=UTC) - 3 * DAY)
    expected = [oracle(name, start + number * DAY) for number in range(3652)]
    assert [at for _, at in found] == sorted(set(expected))
    assert len(set(expected)) == 3652


@pytest.mark.parametrize("name", ZONES)
def test_an_hourly_rule_meets_each_hour_about_the_edges_once(name: str):
    for first in edges(name)[::72]:
        walls = [first + hour * HOUR for hour in range(72)]
        known = rule(name, "FREQ=HOURLY", first)
        begin, last = oracle(name, first), oracle(name, walls[-1])
        found = list(takewhile(lambda one, last=last: one.begins <= last, schedule.following(known, begin - HOUR / 60)))
        assert [one.begins for one in found] == sorted({oracle(name, wall) for wall in walls})
        assert len({one.name for one in found}) == len(found)
        for one in found[::7]:  # whoever begins again in the middle goes on behind what has been
            assert schedule.after(known, one.begins) == next(
                (o.begins for o in found if o.begins > one.begins), None
            ) or (one is found[-1])


@pytest.mark.parametrize("name", ZONES)
def test_peoples_own_clocks_and_hours_agree_with_the_zone_about_the_edges(name: str):
    zone, launched = ZoneInfo(name), datetime(2009, 1, 1, tzinfo=UTC)
    for wall in edges(name):
        local = {"wall": wall.isoformat(timespec="minutes")}
        asked = {**local, "past": "next_day", "from": launched.isoformat()}
        hourly = {"date": wall.date().isoformat(), "hour": 18, "from": launched.isoformat()}
        hour = wall.replace(minute=0)
        assert due_times.base(local, launched, zone) == due_times.base(asked, launched, zone) == oracle(name, wall)
        assert due_times.base(hourly, launched, zone, hour.hour) == oracle(name, hour)
        occasion = schedule.first({"kind": "local_time", "past": "skip", **local}, launched)
        assert occasion is not None
        assert occasion.begins <= oracle(name, wall)
        assert oracle(name, wall) <= occasion.ends + DAY  # a day that never was is shown when it would be over


@pytest.mark.parametrize("name", ZONES)
def test_whoever_is_past_it_gets_the_same_time_of_the_next_day(name: str):
    zone = ZoneInfo(name)
    for wall in edges(name)[::5]:
        for hours in (1, 20, 30):
            launched = oracle(name, wall) + hours * HOUR
            timing = {"wall": wall.isoformat(timespec="minutes"), "from": launched.isoformat()}
            days = (oracle(name, wall + number * DAY) for number in range(1, 4))
            assert due_times.base({**timing, "past": "next_day"}, launched, zone) == next(
                d for d in days if d >= launched
            )
            assert due_times.base({**timing, "past": "send_now"}, launched, zone) == launched
            assert due_times.base({**timing, "past": "skip"}, launched, zone) == oracle(name, wall)
