"""What is sent when: the days of an app, with what went out, what is planned, and how much that is for a person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from typing import Any, Final
from zoneinfo import ZoneInfo

from backend.db import Work
from backend.domain import schedule, zones
from backend.domain.recurrence import ScheduleError
from backend.domain.vocabulary import RunState
from backend.errors import Invalid
from backend.models import Campaign
from backend.queries import calendar as queries
from backend.queries import campaigns as campaign_queries
from backend.services import ids
from backend.services.calendar_people import People

LONGEST: Final = 62
YEARS: Final = range(1970, 2200)
MOST_A_CAMPAIGN: Final = 24 * LONGEST
EACH: Final = "each person's"


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A send on a day: `sent` when it has begun, else planned.

    `at` is when it begins, `clock` how its time reads: `09:00`, `each person's 09:00`, `each person's best hour`,
    `when events come`. `people` are those it is for, None where that is not known yet; `known` says that they were
    counted when it was planned, else they are those of today. `devices` are those of a send that has begun.
    """

    campaign_id: str
    name: str
    state: str
    category: str
    sent: bool
    day: date
    at: datetime
    clock: str
    people: int | None
    known: bool
    devices: int | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class CalendarBand:
    """A campaign without days of its own: it sends whenever its event comes."""

    campaign_id: str
    name: str
    state: str
    category: str
    event: str


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of the app's zone. `per_person` are the day's pushes to people by the people who can be reached, and
    `in_several` the share of people in two or more of the day's audiences, from a sample; None where not known.
    """

    day: date
    entries: tuple[CalendarEntry, ...]
    people: int | None
    per_person: float | None
    in_several: float | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days from `start` to `end`, both included. `reachable` are the people who can be sent to now."""

    start: date
    end: date
    today: date
    timezone: str
    reachable: int | None
    days: tuple[CalendarDay, ...]
    whenever: tuple[CalendarBand, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry with what its people are counted from."""

    entry: CalendarEntry
    audience: Mapping[str, Any]
    run: int | None = None
    ended: bool = False


def between(work: Work, start: date, end: date) -> Calendar:
    """The days from `start` to `end`. Raises `Invalid` for more than two months, and years that nobody plans for."""
    if not (start.year in YEARS and end.year in YEARS):
        raise Invalid("from", f"must lie in the years {YEARS[0]} to {YEARS[-1]}")
    if not 0 <= (end - start).days < LONGEST:
        raise Invalid("to", f"must lie 0 to {LONGEST - 1} days after from")
    name = campaign_queries.app(work.session, work.app_id).default_timezone
    where = zones.zone(name)
    ahead = queries.ahead(work.session, work.app_id)
    span = (start, end)
    placed = [*_begun(work, where, span), *_ticks(work, where, span), *_planned(work, ahead, where, span)]
    people = People(work)
    reachable = people.reachable()
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    by_day = {day: sorted((one for one in placed if one.entry.day == day), key=_order) for day in days}
    return Calendar(
        start=start,
        end=end,
        today=zones.today(work.now, where),
        timezone=name,
        reachable=reachable,
        days=tuple(_day(people, day, found, reachable) for day, found in by_day.items()),
        whenever=tuple(_band(work, one) for one in ahead if one.definition["schedule"]["kind"] == "event"),
    )


def _order(one: _Placed) -> tuple[datetime, str]:
    return one.entry.at, one.entry.name


def _day(people: People, day: date, placed: Sequence[_Placed], reachable: int | None) -> CalendarDay:
    entries = tuple(_counted(people, one) for one in placed)
    known = [entry.people for entry in entries if entry.people is not None]
    total = sum(known) if len(known) == len(entries) else None
    return CalendarDay(
        day=day,
        entries=entries,
        people=total,
        per_person=total / reachable if total is not None and reachable else None,
        in_several=people.in_several([one.audience for one in placed]),
    )


def _counted(people: People, one: _Placed) -> CalendarEntry:
    if one.run is not None:
        return replace(one.entry, people=people.of_run(one.run, one.ended), known=True)
    if one.entry.sent:
        return one.entry  # what events have set off: its people came one by one
    return replace(one.entry, people=people.of(one.audience))


def _begun(work: Work, where: ZoneInfo, span: tuple[date, date]) -> Iterator[_Placed]:
    """Sends that have begun; one for people's own clocks is on the day that they read."""
    start, end = _instants(span, where, margin=timedelta(days=1))
    for row in queries.runs(work.session, work.app_id, start, end):
        wall = row.timing.get("wall") or row.timing.get("date")
        day = date.fromisoformat(wall[:10]) if wall else zones.today(row.due_at, where)
        if span[0] <= day <= span[1]:
            planning = row.run_state == RunState.PLANNING
            entry = _entry(
                work, row, row.campaign_id, day, row.due_at, _clock_of(row.timing, row.due_at, where),
                sent=True, devices=row.estimate if planning else row.audience, run_id=ids.public(work, ids.RUN, row.id),
            )  # fmt: skip
            ended = row.run_state in (RunState.FINISHED, RunState.CANCELLED)
            yield _Placed(entry, row.definition["audience"], None if planning else row.id, ended)


def _ticks(work: Work, where: ZoneInfo, span: tuple[date, date]) -> Iterator[_Placed]:
    """What events have set off, one entry a campaign and day."""
    found: dict[tuple[int, date], tuple[Any, int]] = {}
    for row in queries.ticks(work.session, work.app_id, *_instants(span, where)):
        key = (row.campaign_id, zones.today(row.hour, where))
        found[key] = (row, found.get(key, (row, 0))[1] + int(row.devices))
    for (number, day), (row, devices) in found.items():
        entry = _entry(
            work, row, number, day, zones.midnight(day, where), "when events came", sent=True, devices=devices
        )
        if devices and span[0] <= day <= span[1]:
            yield _Placed(replace(entry, people=devices), row.definition["audience"])


def _planned(work: Work, ahead: Sequence[Campaign], where: ZoneInfo, span: tuple[date, date]) -> Iterator[_Placed]:
    for campaign in ahead:
        for day, at, clock in _occasions(work, campaign, where, span):
            if span[0] <= day <= span[1]:
                entry = _entry(work, campaign, campaign.id, day, at, clock, sent=False)
                yield _Placed(entry, campaign.definition["audience"])


def _occasions(
    work: Work, campaign: Campaign, where: ZoneInfo, span: tuple[date, date]
) -> Iterator[tuple[date, datetime, str]]:
    """(day, instant, clock) of what a campaign has yet to begin; nothing of one whose times cannot be read."""
    planned, kind = campaign.definition["schedule"], campaign.definition["schedule"]["kind"]
    try:
        if kind == "recurring":
            start, end = _instants(span, where, margin=timedelta(days=1))
            if last := campaign.definition.get("not_after"):
                end = min(end, datetime.fromisoformat(last))
            upcoming = schedule.following(planned, max(work.now, start))
            for place, one in enumerate(takewhile(lambda one: one.begins < end, upcoming)):
                if place == MOST_A_CAMPAIGN:
                    return
                yield _moment(one.timing, one.begins, where)
        elif kind != "event" and campaign.state == "scheduled" and (first := schedule.first(planned, work.now)):
            yield _moment(first.timing, first.begins, where)
    except (ScheduleError, ValueError):
        return


def _moment(timing: Mapping[str, Any], begins: datetime, where: ZoneInfo) -> tuple[date, datetime, str]:
    wall = timing.get("wall") or timing.get("date")
    if not wall:
        return zones.today(begins, where), begins, f"{begins.astimezone(where):%H:%M}"
    local = datetime.fromisoformat(wall)
    return local.date(), zones.instant(local, where), _clock_of(timing, begins, where)


def _clock_of(timing: Mapping[str, Any], begins: datetime, where: ZoneInfo) -> str:
    if wall := timing.get("wall"):
        return f"{EACH} {wall[11:16]}"
    return f"{EACH} best hour" if timing.get("date") else f"{begins.astimezone(where):%H:%M}"


def _instants(span: tuple[date, date], where: ZoneInfo, margin: timedelta = timedelta(0)) -> tuple[datetime, datetime]:
    """When the first day begins and the last one is over, wider by a margin: clocks elsewhere have other days."""
    end = datetime.combine(span[1], time()) + timedelta(days=1)
    return zones.midnight(span[0], where) - margin, zones.instant(end, where) + margin


def _entry(
    work: Work, campaign: Any, number: int, day: date, at: datetime, clock: str,
    *, sent: bool, devices: int | None = None, run_id: str | None = None,
) -> CalendarEntry:  # fmt: skip
    return CalendarEntry(
        campaign_id=ids.public(work, ids.CAMPAIGN, number),
        name=campaign.name,
        state=campaign.state,
        category=campaign.definition["category"],
        sent=sent,
        day=day,
        at=at,
        clock=clock,
        people=None,
        known=False,
        devices=devices,
        run_id=run_id,
    )


def _band(work: Work, campaign: Campaign) -> CalendarBand:
    event = campaign.definition["schedule"]["event"]
    public = ids.public(work, ids.CAMPAIGN, campaign.id)
    return CalendarBand(public, campaign.name, campaign.state, campaign.definition["category"], event)
