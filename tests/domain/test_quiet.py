"""Quiet hours against an oracle that looks at each minute of a person's clock."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.domain import quiet, zones
from backend.domain.quiet import EVERY_DAY, WEEKDAYS, Window, minutes, until, windows

NIGHT = windows([{"start": "22:00", "end": "08:00"}])
LISBON = ZoneInfo("Europe/Lisbon")
MINUTE = timedelta(minutes=1)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC")
EDGES = {
    "Europe/Berlin": ("2026-03-27", "2026-10-23"),
    "America/New_York": ("2026-03-06", "2026-10-30"),
    "Australia/Lord_Howe": ("2026-04-03", "2026-10-02"),
    "Asia/Kolkata": ("2026-03-27",),
    "America/Santiago": ("2026-04-03", "2026-09-04"),
    "UTC": ("2026-03-27",),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_windows_are_read_as_they_are_written():
    assert windows(
        [{"start": "22:05", "end": "08:00", "days": ["mon", "sun"]}, {"start": "13:00", "end": "14:30"}]
    ) == (
        Window(22 * 60 + 5, 480, frozenset({0, 6})),
        Window(780, 870, EVERY_DAY),
    )
    assert windows([{"start": "01:00", "end": "02:00", "days": []}]) == windows([{"start": "01:00", "end": "02:00"}])
    assert windows([]) == ()
    assert minutes("00:00") == 0
    assert minutes("23:59") == 1439
    assert [sorted(windows([{"start": "1:00", "end": "2:00", "days": [day]}])[0].days) for day in WEEKDAYS] == [
        [number] for number in range(7)
    ]


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-20T21:59:59.999999", None),
        ("2026-11-20T22:00", "2026-11-21T08:00"),
        ("2026-11-21T00:00", "2026-11-21T08:00"),
        ("2026-11-21T07:59:59.999999", "2026-11-21T08:00"),
        ("2026-11-21T08:00", None),
    ],
)
def test_a_night_holds_from_its_start_to_its_end(now: str, end: str | None):
    assert until(NIGHT, ZoneInfo("UTC"), at(now)) == (end and at(end))


def test_a_window_belongs_to_the_day_on_which_it_begins():
    friday = windows([{"start": "22:00", "end": "08:00", "days": ["fri"]}])
    utc = ZoneInfo("UTC")
    assert until(friday, utc, at("2026-11-20T23:00")) == at("2026-11-21T08:00")
    assert until(friday, utc, at("2026-11-21T07:00")) == at("2026-11-21T08:00")
    assert until(friday, utc, at("2026-11-20T07:00")) is None
    assert until(friday, utc, at("2026-11-21T23:00")) is None


def test_windows_that_touch_are_one_and_those_that_do_not_are_two():
    utc = ZoneInfo("UTC")
    touching = windows([{"start": "22:00", "end": "06:00"}, {"start": "06:00", "end": "09:00"}])
    assert until(touching, utc, at("2026-11-20T23:00")) == at("2026-11-21T09:00")
    apart = windows([{"start": "22:00", "end": "06:00"}, {"start": "06:01", "end": "09:00"}])
    assert until(apart, utc, at("2026-11-20T23:00")) == at("2026-11-21T06:00")
    nested = windows([{"start": "22:00", "end": "09:00"}, {"start": "23:00", "end": "01:00"}])
    assert until(nested, utc, at("2026-11-20T23:30")) == at("2026-11-21T09:00")


@pytest.mark.parametrize("rows", [[], [{"start": "08:00", "end": "08:00"}], [{"start": "00:00", "end": "00:00"}]])
def test_a_window_without_length_is_never_quiet(rows: list[dict[str, str]]):
    assert all(until(windows(rows), LISBON, at(f"2026-11-20T{hour:02}:00")) is None for hour in range(24))


def test_windows_around_the_clock_are_endless():
    always = windows([{"start": "00:00", "end": "12:00"}, {"start": "12:00", "end": "00:00"}])
    now = at("2026-11-20T10:30")
    end = until(always, LISBON, now)
    assert end is not None
    assert now + quiet.ENDLESS <= end < now + quiet.ENDLESS + timedelta(days=1)


def test_six_quiet_days_are_not_endless():
    """The longest quiet that a week can have and still end: all but an hour of it."""
    rows = [{"start": "00:00", "end": "12:00", "days": list(WEEKDAYS)}]
    rows += [{"start": "12:00", "end": "00:00", "days": list(WEEKDAYS[:6])}]
    rows += [{"start": "13:00", "end": "00:00", "days": ["sun"]}]
    utc = ZoneInfo("UTC")
    assert until(windows(rows), utc, at("2026-11-22T13:00")) == at("2026-11-29T12:00")
    assert until(windows(rows), utc, at("2026-11-22T12:59")) is None


def test_the_night_of_a_change_of_clocks_is_an_hour_shorter_or_longer():
    berlin = ZoneInfo("Europe/Berlin")
    assert until(NIGHT, berlin, at("2026-03-28T21:00")) == at("2026-03-29T06:00")
    assert until(NIGHT, berlin, at("2026-10-24T20:00")) == at("2026-10-25T07:00")


def test_a_window_inside_a_gap_begins_and_ends_with_it():
    berlin = ZoneInfo("Europe/Berlin")
    skipped = windows([{"start": "02:15", "end": "02:45"}])
    assert until(skipped, berlin, at("2026-03-29T01:00")) is None
    reaching = windows([{"start": "02:15", "end": "03:30"}])
    assert until(reaching, berlin, at("2026-03-29T01:00")) == at("2026-03-29T01:30")
    assert until(reaching, berlin, at("2026-03-29T00:59:59")) is None


def test_an_hour_that_a_zone_has_twice_is_quiet_the_first_time():
    berlin = ZoneInfo("Europe/Berlin")
    early = windows([{"start": "02:00", "end": "02:30"}])
    assert until(early, berlin, at("2026-10-25T00:10")) == at("2026-10-25T00:30")
    assert until(early, berlin, at("2026-10-25T01:10")) is None


def shows(where: ZoneInfo, wall: datetime, clock: dict[datetime, datetime]) -> datetime:
    """By looking: the first minute at which a clock there shows this time, or one after it when it never does."""
    return next(instant for instant, shown in clock.items() if shown >= wall)


def clocks(where: ZoneInfo, first: date, days: int) -> dict[datetime, datetime]:
    """Each minute and what the clock shows; what it shows after going back is behind what it has shown."""
    begin = datetime.combine(first, time(), UTC) - timedelta(days=2)
    minute_by_minute = [begin + MINUTE * n for n in range((days + 6) * 1440)]
    shown, furthest = {}, datetime.min
    for instant in minute_by_minute:
        furthest = max(furthest, instant.astimezone(where).replace(tzinfo=None))
        shown[instant] = furthest
    return shown


def spans(rows: list[dict], where: ZoneInfo, first: date, days: int) -> list[tuple[datetime, datetime]]:
    """Every quiet span of these days, one by one."""
    clock = clocks(where, first, days)
    found = []
    for ahead in range(-1, days + 1):
        day = first + timedelta(days=ahead)
        for row in rows:
            if row["start"] == row["end"] or WEEKDAYS[day.weekday()] not in row.get("days", WEEKDAYS):
                continue
            over = day + timedelta(days=1) if row["end"] < row["start"] else day
            ends = [
                shows(where, datetime.combine(d, time.fromisoformat(row[name])), clock)
                for d, name in ((day, "start"), (over, "end"))
            ]
            found.append((ends[0], ends[1]))
    return found


CASES = [(zone, day) for zone in ZONES for day in EDGES[zone]]


@pytest.mark.parametrize(("zone", "day"), CASES)
def test_each_quarter_of_a_week_is_as_an_oracle_says(zone: str, day: str):
    """Around a change of clocks, with windows drawn at random: short ones, nights, by weekday, touching."""
    chance, where, first = random.Random(zone + day), ZoneInfo(zone), date.fromisoformat(day)
    for _ in range(3):
        times = [f"{chance.randrange(24):02}:{chance.choice((0, 15, 30, 45)):02}" for _ in range(3)]
        rows: list[dict] = [
            {"start": times[0], "end": times[1]},
            {"start": times[1], "end": times[2], "days": chance.sample(WEEKDAYS, chance.randint(1, 5))},
        ]
        quiet_spans, given = spans(rows, where, first, 7), windows(rows)
        for step in range(0, 4 * 24 * 60, 15):
            now = datetime.combine(first, time(), UTC) + MINUTE * (step + chance.randrange(15))
            over, end = now, None
            while later := [e for b, e in quiet_spans if b <= over < e]:
                over = end = max(later)
                if over - now > timedelta(days=2):
                    break
            if end is not None and end - now > timedelta(days=2):
                continue  # longer than the oracle can see
            assert until(given, where, now) == end, (rows, now)


def test_the_answer_is_remembered_for_each_zone_and_moment():
    utc = ZoneInfo("UTC")
    now = at("2026-11-20T23:00")
    assert until(NIGHT, utc, now) == at("2026-11-21T08:00")
    assert until(NIGHT, ZoneInfo("Asia/Tokyo"), now) is None
    assert until(windows([{"start": "22:00", "end": "07:00"}]), utc, now) == at("2026-11-21T07:00")
    assert until(NIGHT, utc, now + timedelta(hours=9)) is None


def test_a_zone_is_the_first_that_is_known():
    assert zones.zone(None, "", "Mars/Olympus", "Asia/Tokyo", "Europe/Berlin") == ZoneInfo("Asia/Tokyo")
    assert zones.zone("../../etc/passwd", "Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert zones.zone(None) == ZoneInfo("UTC")
