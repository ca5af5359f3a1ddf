"""A town of people with wishes, and an oracle of what they get, written without the rules that it tries.

The oracle knows no `domain.policy`, `quiet`, `caps`, `spread` or `zones`: it looks a clock up minute by minute and
goes through each person's pushes in the order of time. The one thing that both share is the documented slot hash.
"""

import hashlib
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from backend.domain.experiment import salted, slot

ZONES = (
    "Africa/Cairo", "Africa/Lagos", "America/Anchorage", "America/Bogota", "America/Chicago", "America/Halifax",
    "America/Los_Angeles", "America/New_York", "America/Santiago", "America/Sao_Paulo", "America/St_Johns",
    "Asia/Dubai", "Asia/Jakarta", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tehran", "Asia/Tokyo",
    "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin", "Europe/London", "Pacific/Auckland",
    "Pacific/Honolulu",
)  # fmt: skip
HOME = "Europe/Berlin"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
APP_WINDOWS = ({"start": "22:00", "end": "08:00"}, {"start": "13:00", "end": "14:15", "days": ["sat", "sun"]})
APP_CAPS = ({"kind": "rolling", "pushes": 3, "hours": 24}, {"kind": "gap", "minutes": 45})
CATEGORY_CAPS = ({"kind": "daily", "pushes": 2}, {"kind": "rolling", "pushes": 2, "hours": 30})
HOLDOUT, UNSEEN_DAYS = 7.5, 30
OWN_WINDOWS = (
    {"start": "21:30", "end": "09:00"},
    {"start": "23:00", "end": "02:30"},
    {"start": "00:00", "end": "00:00"},
    {"start": "18:00", "end": "23:45", "timezone": "Asia/Tokyo"},
    {"start": "12:00", "end": "06:00", "days": ["sat"]},
    {"start": "09:00", "end": "08:55", "timezone": "Europe/Berlin"},
    {"start": "02:15", "end": "02:45"},
    {"start": "20:00", "end": "10:00", "days": ["sat", "sun"], "timezone": "Mars/Olympus"},
)
NEWS, OFFERS = "news", "offers"


@dataclass
class Phone:
    number: int
    zone: str | None
    word: bool | None = None
    permission: str = "granted"
    dies: bool = False
    twin_of: int | None = None
    seen: datetime = datetime.min


@dataclass
class Person:
    number: int
    bucket: int
    zone: str | None
    quiet: dict | None
    paused_until: datetime | None
    wish: bool | None
    phones: list[Phone]
    past: list["Past"] = field(default_factory=list)


@dataclass(frozen=True)
class Past:
    """A push of an earlier run to one phone of a person."""

    run: str
    phone: int
    at: datetime
    state: str


@dataclass(frozen=True)
class PastRun:
    """An earlier run: whether caps count it, and whether it goes before others."""

    category: str | None
    counts: bool = True
    rank: int = 0
    state: str = "finished"


PAST_RUNS = {
    "yesterday": PastRun(OFFERS),
    "this morning": PastRun(OFFERS),
    "the news": PastRun(NEWS),
    "without a category": PastRun(None),
    "a code": PastRun(OFFERS, counts=False),
    "more urgent": PastRun(OFFERS, rank=1, state="running"),
    "more urgent, but paused": PastRun(OFFERS, rank=1, state="paused"),
    "no more urgent": PastRun(OFFERS, rank=0, state="running"),
}
ENDED = ("accepted", "accepted", "accepted", "unknown", "sending", "failed", "skipped", "expired", "cancelled")
WAITING = ("planned", "planned", "cancelled")


def town(count: int, now: datetime) -> list[Person]:
    """So many people, always the same ones; phones are numbered from 1 in the order of their owners."""
    chance = random.Random(f"{count} {now}")
    people, phones = [], 0
    for number in range(1, count + 1):
        owned = []
        for _ in range(1 + (chance.random() < 0.2)):
            phones += 1
            owned.append(_phone(chance, phones, now))
        zone = chance.choice(ZONES) if chance.random() < 0.85 else None
        if len(owned) == 2 and chance.random() < 0.1:
            owned[1].twin_of = owned[0].number
        person = Person(
            number=number,
            bucket=chance.getrandbits(32),
            zone=zone,
            quiet=chance.choice(OWN_WINDOWS) if chance.random() < 0.3 else None,
            paused_until=now + chance.choice((-HOUR, timedelta(0), 5 * HOUR, 90 * HOUR))
            if chance.random() < 0.1
            else None,
            wish=chance.choice((True, False)) if chance.random() < 0.3 else None,
            phones=owned,
        )
        person.past = list(_past(chance, person, now))
        people.append(person)
    return people


def _phone(chance: random.Random, number: int, now: datetime) -> Phone:
    return Phone(
        number=number,
        zone=chance.choice((*ZONES, "Nowhere/Land")) if chance.random() < 0.8 else None,
        word=chance.choice((True, False)) if chance.random() < 0.15 else None,
        permission=chance.choices(("granted", "unknown", "denied"), (8, 1, 0.5))[0],
        dies=chance.random() < 0.03,
        seen=now - timedelta(days=chance.choices((0, 3, 29.5, 30, 31, 200), (5, 5, 1, 0.3, 0.3, 0.3))[0]),
    )


def _past(chance: random.Random, person: Person, now: datetime) -> Iterator[Past]:
    for name, run in PAST_RUNS.items():
        if chance.random() < 0.6:
            continue
        states = ENDED if run.state == "finished" else WAITING
        for phone in person.phones:
            ago = chance.choice((20 * MINUTE, 45 * MINUTE, HOUR * chance.randrange(40), 24 * HOUR, 30 * HOUR))
            at = now - ago if run.state == "finished" else now + chance.choice((-1, 1)) * ago / 2
            yield Past(name, phone.number, at, chance.choice(states))


# The oracle


@cache
def clock(zone: str, begin: datetime, days: int) -> tuple[list[datetime], list[datetime]]:
    """The minutes of some days, and the furthest that a clock there has shown by each."""
    where, minutes = ZoneInfo(zone), [begin + MINUTE * n for n in range(days * 1440)]
    shown, furthest = [], datetime.min
    for minute in minutes:
        furthest = max(furthest, minute.astimezone(where).replace(tzinfo=None))
        shown.append(furthest)
    return minutes, shown


def instant(zone: str, wall: datetime) -> datetime:
    """The first minute at which a clock shows this time, or a later one where it never does."""
    begin = datetime.combine(wall.date() - timedelta(days=2), time(), UTC)
    minutes, shown = clock(zone, begin, 5)
    return minutes[bisect_left(shown, wall)]


@cache
def spans(zone: str, start: str, end: str, days: tuple[str, ...], day: date) -> tuple[tuple[datetime, datetime], ...]:
    """When one window that begins on a day is quiet: one span, or none."""
    if start == end or WEEKDAYS[day.weekday()] not in days:
        return ()
    over = day if end > start else day + timedelta(days=1)
    return (
        (
            instant(zone, datetime.combine(day, time.fromisoformat(start))),
            instant(zone, datetime.combine(over, time.fromisoformat(end))),
        ),
    )


@cache
def quiet_end(zone: str, windows: tuple[tuple[str, str, tuple[str, ...]], ...], now: datetime) -> datetime | None:
    """Minute by minute, as it were: as long as some window holds, look again when it ends."""
    at, end = now, None
    while True:
        today = at.astimezone(ZoneInfo(zone)).date()
        held = [
            span[1]
            for start, stop, days in windows
            for back in (1, 0)
            for span in spans(zone, start, stop, days, today - timedelta(days=back))
            if span[0] <= at < span[1]
        ]
        if not held:
            return end
        at = end = max(held)


def known(*names: str | None) -> str:
    return next(name for name in names if name in ZONES)


@dataclass(frozen=True)
class Push:
    """A run under trial. Those with a rank go first at each instant."""

    name: str
    rank: int
    category: str | None
    due_at: datetime
    not_after: datetime | None = None
    mandatory: bool = False


Fate = tuple[str, str | None, datetime]
"""State, reason and when it was due at last."""


def fates(
    person: Person, pushes: Sequence[Push], held_out: dict[str, bool], addressed: set[int]
) -> dict[tuple[str, int], Fate]:
    """What becomes of each push to each phone of a person: one after the other, as time goes by.

    What has a rank goes to the `addressed` phones only.
    """
    order = {push.name: push for push in pushes}
    waiting = [
        (push.due_at, -push.rank, phone.number, push.name)
        for push in pushes
        for phone in person.phones
        if not push.rank or phone.number in addressed
    ]
    phones = {phone.number: phone for phone in person.phones}
    got: list[tuple[str, datetime]] = []
    done: dict[tuple[str, int], Fate] = {}
    while waiting:
        waiting.sort()
        now, rank, number, name = waiting.pop(0)
        push, phone = order[name], phones[number]
        behind = {(n, p): at for at, _, p, n in waiting if n != name}
        said = verdict(person, phone, push, now, held_out[name], _counted(person, push, pushes, got, behind, now))
        if isinstance(said, datetime):
            waiting.append((said, rank, number, name))
            continue
        if said is None:
            got.append((name, now))
        done[name, number] = ("accepted", None, now) if said is None else (*said, now)
    return done


def _counted(
    person: Person,
    push: Push,
    pushes: Sequence[Push],
    got: list[tuple[str, datetime]],
    behind: dict[tuple[str, int], datetime],
    now: datetime,
) -> list[tuple[datetime, str | None]]:
    """(when, category) of the pushes of other runs that count, a run once: by its latest one."""
    latest: dict[str, tuple[datetime, str | None]] = {}

    def add(run: str, at: datetime, category: str | None) -> None:
        latest[run] = max(latest.get(run, (at, category)), (at, category), key=lambda one: one[0])

    for old in person.past:
        run = PAST_RUNS[old.run]
        waits = old.state == "planned" and old.at <= now and run.rank > push.rank and run.state == "running"
        if run.counts and (waits or old.state in ("sending", "accepted", "unknown")):
            add(old.run, old.at, run.category)
    others = {other.name: other for other in pushes if other.name != push.name and not other.mandatory}
    for name, at in got:
        if name in others:
            add(name, at, others[name].category)
    for (name, _), at in behind.items():
        if name in others and at <= now and others[name].rank > push.rank:
            add(name, at, others[name].category)
    return list(latest.values())


def verdict(
    person: Person, phone: Phone, push: Push, now: datetime, held_out: bool, counted: list[tuple[datetime, str | None]]
) -> datetime | tuple[str, str] | None:
    """When it is due instead, or (state, reason), or None: it is sent."""
    if push.not_after is not None and now > push.not_after:
        return "expired", "too_late"
    if phone.dies:
        return "skipped", "unsubscribed"
    if phone.permission == "denied":
        return "skipped", "no_permission"
    if phone.twin_of is not None and not _gone(person, phone.twin_of):
        return "skipped", "duplicate_device"
    if not push.mandatory:
        wanted = phone.word if phone.word is not None else person.wish
        if push.category == OFFERS and wanted is False:
            return "skipped", "category_off"
        if person.paused_until is not None and person.paused_until > now:
            return "skipped", "paused_by_user"
    if held_out:
        return "skipped", "holdout"
    if now - phone.seen > timedelta(days=UNSEEN_DAYS):
        return "skipped", "stale"
    return None if push.mandatory else _quiet(person, phone, push, now) or _full(person, phone, push, now, counted)


def _gone(person: Person, number: int) -> bool:
    first = next(phone for phone in person.phones if phone.number == number)
    return first.dies or first.permission == "denied"


def _quiet(person: Person, phone: Phone, push: Push, now: datetime) -> datetime | tuple[str, str] | None:
    rows = APP_WINDOWS if person.quiet is None else (person.quiet,)
    own = None if person.quiet is None else person.quiet.get("timezone")
    zone = known(own, phone.zone, person.zone, HOME)
    windows = tuple((row["start"], row["end"], tuple(row.get("days", WEEKDAYS))) for row in rows)
    end = quiet_end(zone, windows, now)
    if end is None:
        return None
    calm = [minute for minute in range(30) if 3 <= (end.minute + minute) % 15 <= 12]
    until = end + MINUTE * calm[slot(person.bucket, salted("quiet")) * len(calm) // 10_000]
    if quiet_end(zone, windows, until) is not None:
        until = end
    return ("skipped", "quiet_hours") if push.not_after is not None and until > push.not_after else until


def _full(
    person: Person, phone: Phone, push: Push, now: datetime, counted: list[tuple[datetime, str | None]]
) -> tuple[str, str] | None:
    today = ZoneInfo(known(person.zone, phone.zone, HOME))
    alike = [one for one in counted if one[1] == push.category]
    of_category = CATEGORY_CAPS if push.category == OFFERS else ()
    for caps, pushes in ((APP_CAPS, counted), (of_category, alike)):
        for cap in caps:
            if cap["kind"] == "daily":
                day = now.astimezone(today).date()
                inside, most = sum(at.astimezone(today).date() >= day for at, _ in pushes), cap["pushes"]
            elif cap["kind"] == "rolling":
                inside, most = sum(at > now - HOUR * cap["hours"] for at, _ in pushes), cap["pushes"]
            else:
                inside, most = sum(at > now - MINUTE * cap["minutes"] for at, _ in pushes), 1
            if inside >= most:
                return "skipped", "capped"
    return None


def address(phone: Phone) -> bytes:
    """What a phone is found by: that of its twin, for the second registration of one phone."""
    return hashlib.sha256(str(phone.twin_of or phone.number).encode()).digest()
