"""A day that has been, again under other rules: what quiet hours would have held, what a cap would have skipped. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

from backend.domain import caps, quiet, zones
from backend.domain.caps import Cap, Sent
from backend.domain.policy import Quiet
from backend.domain.quiet import Windows


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run says about quiet hours and caps. `counts` is false of what caps do not count."""

    category: int | None
    mandatory: bool
    quiet_hours: Quiet
    ignore_caps: bool
    counts: bool

    @property
    def quietable(self) -> bool:
        return not self.mandatory and self.quiet_hours is not Quiet.IGNORE

    @property
    def capped(self) -> bool:
        return self.counts and not self.mandatory and not self.ignore_caps


@dataclass(frozen=True, slots=True)
class Row:
    """A push to one device that went out: when it was due and when it was sent, by whose clock quiet hours and days
    go. `ours` is false of what came before the day. `own` people have named quiet hours of their own.
    """

    user: int
    run: int
    due_at: datetime
    sent_at: datetime
    quiet_zone: ZoneInfo
    day_zone: ZoneInfo
    own: bool
    ours: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """Pushes to devices, and the people they were for."""

    pushes: int = 0
    people: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.pushes + other.pushes, self.people + other.people)

    def times(self, factor: int) -> "Tally":
        return Tally(self.pushes * factor, self.people * factor)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What went out, what quiet hours would have held back (and of that dropped for good), what each set of caps
    would have skipped.
    """

    sent: Tally
    held: Tally
    dropped: Tally
    skipped: tuple[Tally, ...]

    def times(self, factor: int) -> "Replayed":
        """What is known of one person in so many, for all of them."""
        skipped = tuple(one.times(factor) for one in self.skipped)
        return Replayed(self.sent.times(factor), self.held.times(factor), self.dropped.times(factor), skipped)


@dataclass(frozen=True, slots=True)
class Caps:
    """Caps on all pushes, or (`category`) on those of one category."""

    caps: tuple[Cap, ...]
    category: int | None = None


def replay(rows: Iterable[Row], runs: Mapping[int, Rules], windows: Windows, asked: Sequence[Caps]) -> Replayed:
    """The day under these windows and under each of these sets of caps alone.

    `rows` come person by person, of each in order of what was due first, then what wins.
    """
    held_then = _holder(windows)
    sent = held = dropped = Tally()
    skipped = [Tally() for _ in asked]
    for _, found in groupby(rows, key=lambda row: row.user):
        mine = list(found)
        day = [row for row in mine if row.ours]
        holds = [row for row in day if runs[row.run].quietable and not row.own and held_then(row)]
        sent += _tally(day)
        held += _tally(holds)
        dropped += _tally([row for row in holds if runs[row.run].quiet_hours is Quiet.DROP])
        if day:
            skipped = [old + _capped(mine, runs, one) for old, one in zip(skipped, asked, strict=True)]
    return Replayed(sent, held, dropped, tuple(skipped))


def _tally(rows: Sequence[Row]) -> Tally:
    return Tally(len(rows), 1 if rows else 0)


def _holder(windows: Windows) -> Callable[[Row], bool]:
    """Whether a moment is quiet somewhere; windows begin and end on minutes, so the minute tells."""

    @lru_cache(maxsize=200_000)
    def quiet_at(where: ZoneInfo, minute: datetime) -> bool:
        return quiet.until(windows, where, minute) is not None

    if not windows:
        return lambda _row: False
    return lambda row: quiet_at(row.quiet_zone, row.sent_at.replace(second=0, microsecond=0))


def _capped(rows: Sequence[Row], runs: Mapping[int, Rules], asked: Caps) -> Tally:
    """One person's pushes of the day that find no room; a run counts once, by its first device."""
    passed: list[Sent] = []
    fate: dict[int, bool] = {}
    pushes = 0
    reach = caps.look_back(asked.caps)
    for row in rows:
        rules = runs[row.run]
        if not rules.counts or asked.category not in (None, rules.category):
            continue
        if row.run not in fate:
            recent = [one for one in passed if one.at > row.due_at - reach]
            full = row.ours and rules.capped and caps.reached(asked.caps, recent, row.day_zone, row.due_at) is not None
            fate[row.run] = full
            passed = recent if full else [*recent, Sent(row.due_at, rules.category)]
        pushes += fate[row.run] and row.ours
    return Tally(pushes, 1 if pushes else 0)


def yesterday(now: datetime, where: ZoneInfo) -> tuple[datetime, datetime]:
    """The last full day there, from its first instant to its last (exclusive)."""
    today = zones.today(now, where)
    return zones.midnight(today.fromordinal(today.toordinal() - 1), where), zones.midnight(today, where)
