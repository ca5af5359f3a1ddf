"""Retention: how long an app keeps what it has gathered, by kind, and the sweep that removes the rest.

Deliveries and receipts are never deleted: a campaign's report is counted from them, by variant, platform
and reason, and would change. After `deliveries` days they forget whom they went to instead; every number
stands, but the person's history, the answers of providers and segment rules on pushes lose them.
Preferences with all their changes, consents, devices and profiles stay for as long as the person does.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from backend.bootstrap import Core
from backend.db import CLOCK, Work
from backend.errors import FieldError
from backend.queries import retention as queries

PAGE: Final = 5_000
BUDGET: Final = 10.0
"""Seconds that a sweep may take; what is left is for the next one. It rests as long as it works."""
MOST_DAYS: Final = 36_500

Verb = Callable[[Work], int]


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of thing that is kept for `days` (None: for ever) where the app says nothing, and for `least` at least."""

    days: int | None
    least: int = 1


KEPT: Final[Mapping[str, Kept]] = {
    "events": Kept(395),
    "deliveries": Kept(None, least=30),
    "attempts": Kept(30),
    "imports": Kept(30),
    "audit": Kept(730, least=90),
}
"""`attempts` are the raw answers of providers and the dead letters with them, `imports` the refused rows of files,
`audit` who did what: not to be had away in a hurry."""


def effective(stored: Mapping[str, Any]) -> dict[str, int | None]:
    """The days of each kind, the app's own or the default; None is for ever."""
    return {name: stored.get(name, kind.days) for name, kind in KEPT.items()}


def merged(stored: Mapping[str, Any], changes: Mapping[str, int | None]) -> dict[str, int | None]:
    """What the app has to remember after a change: only what differs from the defaults."""
    days = {**effective(stored), **changes}
    return {name: value for name, value in days.items() if value != KEPT[name].days}


def problems(changes: Mapping[str, Any]) -> Iterator[FieldError]:
    """What is wrong with days by kind."""
    for name, days in changes.items():
        kind = KEPT.get(name)
        if kind is None:
            yield FieldError(f"retention.{name[:64]}", f"is none of {', '.join(KEPT)}")
        elif days is not None and not (_whole(days) and kind.least <= days <= MOST_DAYS):
            yield FieldError(
                f"retention.{name}",
                f"must be a whole number of days from {kind.least} to {MOST_DAYS}, or nothing: for ever",
            )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def sweep(core: Core, *, budget: float = BUDGET) -> int:
    """Removes what has had its time, a page a transaction; how many rows. Any number of processes may call it."""
    with core.reading(CLOCK) as work:
        kept = {row.id: effective(row.retention) for row in queries.apps(work.session)}
        verbs = list(_verbs(work, kept))
    end = time.monotonic() + budget
    return sum(_emptied(core, verb, end) for verb in verbs)


def _emptied(core: Core, verb: Verb, end: float) -> int:
    """Calls a verb until it finds less than a page, or time is up."""
    removed = 0
    while (began := time.monotonic()) < end:
        with core.work(CLOCK) as work:
            page = verb(work)
        removed += page
        if page < PAGE:
            break
        time.sleep(min(time.monotonic() - began, 1.0))
    return removed


def _verbs(work: Work, kept: Mapping[int, Mapping[str, int | None]]) -> Iterator[Verb]:
    """Each removes one page of one kind."""
    for app, days in kept.items():
        if (events := days["events"]) is not None:
            yield from (_events(app, name, events) for name in queries.event_names(work.session, app))
        if (imports := days["imports"]) is not None:
            yield _refusals(app, imports)
        if (audit := days["audit"]) is not None:
            yield _audit(app, audit)
        if (deliveries := days["deliveries"]) is not None:
            yield _Forgetting(app, deliveries)
    yield _audit(None, KEPT["audit"].days or MOST_DAYS)
    yield from _answers(kept)


def _answers(kept: Mapping[int, Mapping[str, int | None]]) -> Iterator[Verb]:
    """Apps that keep answers equally long are swept together; all of them at once without asking whose each one is."""
    alike: dict[int | None, list[int]] = {}
    for app, own in kept.items():
        alike.setdefault(own["attempts"], []).append(app)
    for days, apps in alike.items():
        if days is not None:
            chosen = apps if len(alike) > 1 else None
            yield _attempts(chosen, days)
            yield _letters(chosen, days)


def _attempts(apps: list[int] | None, days: int) -> Verb:
    return lambda work: queries.attempts(work.session, apps, _ago(work, days), PAGE)


def _letters(apps: list[int] | None, days: int) -> Verb:
    return lambda work: queries.dead_letters(work.session, apps, _ago(work, days), PAGE)


def _events(app: int, name: str, days: int) -> Verb:
    return lambda work: queries.events(work.session, app, name, _ago(work, days), PAGE)


def _refusals(app: int, days: int) -> Verb:
    return lambda work: queries.refusals(work.session, app, _ago(work, days), PAGE)


def _audit(app: int | None, days: int) -> Verb:
    return lambda work: queries.audit(work.session, app, _ago(work, days), PAGE)


@dataclass(slots=True)
class _Forgetting:
    """Remembers the run that it has come to, so that no page looks at the runs before it again."""

    app: int
    days: int
    run: int = 0

    def __call__(self, work: Work) -> int:
        rows = queries.known_deliveries(work.session, self.app, _ago(work, self.days), self.run, PAGE)
        if rows:
            contexts = {row.context_id for row in rows if row.context_id is not None}
            queries.forget_people(work.session, [row.id for row in rows], contexts)
            self.run = rows[-1].run_id
        return len(rows)


def _ago(work: Work, days: int) -> datetime:
    return work.now - timedelta(days=days)
