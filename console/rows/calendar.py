"""The calendar as a page shows it: weeks of days, each with its sends and how much that is for a person."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from backend.services.calendar import EACH, Calendar, CalendarBand, CalendarDay, CalendarEntry
from console import routes, words

MONTH, WEEK = "month", "week"
SHOWN: Final = 3
FULL: Final = 3.0
"""Pushes a person a day at which the bar of a day is full."""
MUCH: Final = 2.0
NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A send on a day; `brief` is its time where there is little room."""

    key: str = ""
    name: str = ""
    clock: str = ""
    brief: str = ""
    state: str = ""
    people: str = ""
    hint: str = ""
    href: str = ""
    sent: bool = False


@dataclass(frozen=True, slots=True)
class DayCell:
    """A day: `lines` fit in its cell, `rest` wait behind `more`. `load` is the bar in percent."""

    key: str = ""
    number: str = ""
    name: str = ""
    today: bool = False
    inside: bool = True
    past: bool = False
    lines: tuple[EntryLine, ...] = ()
    every: tuple[EntryLine, ...] = ()
    more: str = ""
    load: float = 0.0
    tone: str = ""
    per_person: str = ""
    hint: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class WeekLine:
    """Seven days from Monday on."""

    key: str = ""
    days: tuple[DayCell, ...] = ()


@dataclass(frozen=True, slots=True)
class BandLine:
    """A campaign that sends whenever its event comes."""

    name: str = ""
    event: str = ""
    state: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """A month or a week, and the ways from it."""

    title: str = ""
    view: str = MONTH
    zone: str = ""
    reachable: str = ""
    weeks: tuple[WeekLine, ...] = ()
    agenda: tuple[DayCell, ...] = ()
    bands: tuple[BandLine, ...] = ()
    previous: str = ""
    following: str = ""
    today: str = ""
    month: str = ""
    week: str = ""
    nothing: bool = False


def span(view: str, day: date) -> tuple[date, date]:
    """From Monday to Sunday: the weeks that a month touches, or one."""
    first, last = (day.replace(day=1), _next_month(day) - timedelta(days=1)) if view == MONTH else (day, day)
    return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())


def calendar_page(found: Calendar, view: str, day: date) -> CalendarPage:
    cells = tuple(_cell(one, found, view, day) for one in found.days)
    weeks = tuple(WeekLine(cells[place].key, cells[place : place + 7]) for place in range(0, len(cells), 7))
    before = (day.replace(day=1) - timedelta(days=1)).replace(day=1) if view == MONTH else day - timedelta(days=7)
    after = _next_month(day) if view == MONTH else day + timedelta(days=7)
    reachable = words.plural(found.reachable, "person", "people") if found.reachable is not None else ""
    return CalendarPage(
        title=_title(view, found, day),
        view=view,
        zone=found.timezone,
        reachable=f"{reachable} can be reached" if reachable else "People are still being counted",
        weeks=weeks,
        agenda=tuple(cell for cell in cells if cell.inside and (cell.every or cell.today)),
        bands=tuple(map(_band, found.whenever)),
        previous=routes.calendar(view=view, date=before.isoformat()),
        following=routes.calendar(view=view, date=after.isoformat()),
        today=routes.calendar(view=view),
        month=routes.calendar(view=MONTH, date=day.isoformat()),
        week=routes.calendar(view=WEEK, date=day.isoformat()),
        nothing=not any(cell.every for cell in cells) and not found.whenever,
    )


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _title(view: str, found: Calendar, day: date) -> str:
    if view == MONTH:
        return f"{day:%B %Y}"
    month = "" if found.start.month == found.end.month else f" {found.start:%B}"
    return f"{found.start.day}{month} – {found.end.day} {found.end:%B %Y}"


def _cell(one: CalendarDay, found: Calendar, view: str, day: date) -> DayCell:
    lines = tuple(map(_line, one.entries))
    fits = len(lines) if view == WEEK or len(lines) <= SHOWN else SHOWN - 1
    rest = len(lines) - fits
    per_person = one.per_person or 0.0
    return DayCell(
        key=one.day.isoformat(),
        number=str(one.day.day),
        name=f"{one.day:%A}, {one.day.day} {one.day:%B}",
        today=one.day == found.today,
        inside=view == WEEK or (one.day.year, one.day.month) == (day.year, day.month),
        past=one.day < found.today,
        lines=lines[:fits],
        every=lines,
        more=f"+{rest} more" if rest else "",
        load=round(min(per_person / FULL, 1.0) * 100, 1),
        tone="amber" if per_person > MUCH else "",
        per_person=f"{per_person:{'.0f' if per_person >= 10 else '.1f'}} a person"
        if lines and one.per_person is not None
        else "",
        hint=_hint(one, found),
        href=routes.calendar(view=WEEK, date=one.day.isoformat()),
    )


def _hint(one: CalendarDay, found: Calendar) -> str:
    """The exact numbers behind the bar."""
    if not one.entries:
        return ""
    if one.per_person is None or one.people is None:
        return "The people of this day are still being counted."
    told = (
        f"{words.plural(one.people, 'push', 'pushes')} to people, {one.per_person:.2f} for each of the "
        f"{words.number(found.reachable)} who can be reached."
    )
    if one.in_several is not None:
        told += f" {one.in_several:.1%} are in two or more audiences of this day."
    return told


def _line(entry: CalendarEntry) -> EntryLine:
    people = _people(entry)
    hint = f"{entry.clock} · {entry.name} · {entry.category}" + (f" · {people}" if people else "")
    return EntryLine(
        key=f"{entry.campaign_id} {entry.run_id} {entry.at.isoformat()}",
        name=entry.name,
        clock=entry.clock,
        brief=entry.clock.replace(EACH, "local").replace("local best hour", "best hour").removeprefix("when "),
        state=entry.state,
        people=people,
        hint=hint,
        href=routes.campaign(entry.campaign_id),
        sent=entry.sent,
    )


def _people(entry: CalendarEntry) -> str:
    """What is an estimate says so."""
    if entry.people is not None:
        return ("" if entry.known else "about ") + words.plural(entry.people, "person", "people")
    return words.plural(entry.devices, "device") if entry.devices is not None else ""


def _band(band: CalendarBand) -> BandLine:
    return BandLine(band.name, band.event, band.state, routes.campaign(band.campaign_id))


def asked_day(text: str, today: date) -> date:
    """The day that an address names, or today."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return today
    return found if 2000 <= found.year <= 2100 else today
