"""What policies would have changed yesterday: the app's last full day, played again under them. Nothing is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import Field

from backend.db import Work
from backend.domain import caps as capping
from backend.domain import quiet, zones
from backend.domain import replay as domain
from backend.domain.guard import guardrail
from backend.domain.policy import Quiet
from backend.domain.replay import Replayed, Rules, Tally
from backend.errors import Invalid
from backend.models import App
from backend.queries import categories
from backend.queries import replay as queries
from backend.queries.replay import Span
from backend.services import policies, policy_words
from backend.services.policies import PoliciesIn
from backend.services.policy_shapes import CapIn, Caps, kept_caps

MOST: Final = 500_000
"""Deliveries that are replayed one by one; of more, those of one person in so many."""
BUCKETS: Final = 2**32


class PreviewIn(PoliciesIn):
    """Policies to try; what is not named is left out of the answer."""

    category_caps: dict[str, Caps] = Field(default={}, description="Caps to try by a category's slug.", max_length=20)


@dataclass(frozen=True, slots=True)
class HeldThen:
    """What quiet hours would have held back; `dropped` is the part whose campaigns drop instead of waiting."""

    pushes: int
    people: int
    dropped: int
    dropped_people: int
    text: str


@dataclass(frozen=True, slots=True)
class CapThen:
    """What caps would have skipped; `cap` is None of all of them together, `category` None of the app's own."""

    cap: dict[str, Any] | None
    category: str | None
    pushes: int
    people: int
    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """Sends or launches by the names of their campaigns, out of `of`."""

    names: tuple[str, ...]
    of: int
    text: str


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """A day played again. Of `sampled` above 1, one person in so many was looked at and counts are estimates.

    `pushes` and `people` are what went out; `note` says what is to be known about the figures.
    """

    day: date
    timezone: str
    pushes: int
    people: int
    sampled: int
    quiet_hours: HeldThen | None
    caps: tuple[CapThen, ...]
    error_limit_percent: Named | None
    launch_threshold: Named | None
    note: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """One set of caps to try: of the app or a category (its slug and number)."""

    rows: tuple[dict[str, Any], ...]
    slug: str | None = None
    category: int | None = None

    def to_try(self) -> domain.Caps:
        return domain.Caps(capping.caps(self.rows), self.category)


def preview(work: Work, given: PreviewIn) -> PolicyPreview:
    """What each policy that is named would have changed. Raises `Invalid` for a category that is not there."""
    app, named = policies.found(work), given.model_fields_set
    where = zones.zone(app.default_timezone)
    start, end = domain.yesterday(work.now, where)
    windows = policies.stored(given).get("quiet_hours", [])
    asked = _asked(work, given)
    reach = max((capping.look_back(one.to_try().caps) for one in asked), default=start - start)
    span = Span(work.app_id, start - reach, start, end)
    sampled, played = _played(work, app, span, windows, asked)
    return PolicyPreview(
        day=zones.today(start, where),
        timezone=app.default_timezone,
        pushes=played.sent.pushes,
        people=played.sent.people,
        sampled=sampled,
        quiet_hours=_held(played, windows, sampled) if "quiet_hours" in named else None,
        caps=tuple(_cap(one, tally, sampled) for one, tally in zip(asked, played.skipped, strict=True)),
        error_limit_percent=_stopped(work, span, given) if "error_limit_percent" in named else None,
        launch_threshold=_launches(work, span, given) if "launch_threshold" in named else None,
        note=_note(work, span, sampled, "caps" in named),
    )


def _asked(work: Work, given: PreviewIn) -> list[_Asked]:
    """Each cap alone, and where there are several all of them together."""
    known = {row.slug: row.id for row in categories.listing(work.session, work.app_id, archived=False)}
    if unknown := sorted(given.category_caps.keys() - known.keys()):
        raise Invalid(f"category_caps.{unknown[0]}", "is not a category of this app")
    groups: list[tuple[Sequence[CapIn], str | None]] = [(given.caps, None)]
    groups += [(given.category_caps[slug], slug) for slug in sorted(given.category_caps)]
    found = []
    for group, slug in groups:
        rows = kept_caps(group)
        sets = [(row,) for row in rows] + ([tuple(rows)] if len(rows) > 1 else [])
        found += [_Asked(one, slug, known[slug] if slug else None) for one in sets]
    return found


def _played(
    work: Work, app: App, span: Span, windows: Sequence[Mapping[str, Any]], asked: Sequence[_Asked]
) -> tuple[int, Replayed]:
    """Of how many people one was looked at, and what came of it for all of them."""
    rules = _rules(work, span)
    sampled = -(-queries.most(work.session, span) // MOST) or 1
    rows = _rows(work, app, span, BUCKETS // sampled if sampled > 1 else None)
    played = domain.replay(rows, rules, quiet.windows(windows), [one.to_try() for one in asked])
    if sampled == 1:
        return 1, played
    return sampled, played.times(sampled)


def _rules(work: Work, span: Span) -> dict[int, Rules]:
    launched = queries.definitions(work.session, span)
    return {row.id: _rule(row, launched[row.revision_id]) for row in queries.runs(work.session, span)}


def _rule(row: Any, definition: Mapping[str, Any]) -> Rules:
    mode = Quiet(definition.get("quiet_hours") or Quiet.HOLD)
    ignores = bool(definition.get("ignore_caps"))
    return Rules(row.category_id, bool(row.mandatory), mode, ignores, bool(row.counts))


def _rows(work: Work, app: App, span: Span, below: int | None) -> Iterator[domain.Row]:
    for row in queries.pushes(work.session, span, below):
        yield domain.Row(
            user=row.user_id,
            run=row.run_id,
            due_at=row.due_at,
            sent_at=row.ended_at,
            quiet_zone=zones.zone(row.device_zone, row.user_zone, app.default_timezone),
            day_zone=zones.zone(row.user_zone, row.device_zone, app.default_timezone),
            own=bool(row.own),
            ours=row.ended_at >= span.start,
        )


def _held(played: Replayed, windows: Sequence[Mapping[str, Any]], sampled: int) -> HeldThen:
    held, dropped = played.held, played.dropped
    text = policy_words.held(held.pushes, held.people, dropped.pushes, windows, sampled)
    return HeldThen(held.pushes, held.people, dropped.pushes, dropped.people, text)


def _cap(asked: _Asked, tally: Tally, sampled: int) -> CapThen:
    text = policy_words.skipped(tally.pushes, tally.people, sampled)
    single = asked.rows[0] if len(asked.rows) == 1 else None
    return CapThen(single, asked.slug, tally.pushes, tally.people, text)


def _stopped(work: Work, span: Span, given: PoliciesIn) -> Named:
    limit = given.error_limit_percent
    sends = queries.answers(work.session, span)
    names = tuple(row.name for row in sends if guardrail(row.answered, row.errors, limit))
    return Named(names, len(sends), policy_words.stopped(limit, names, len(sends)))


def _launches(work: Work, span: Span, given: PoliciesIn) -> Named:
    launches = queries.launches(work.session, span)
    names = tuple(row.name for row in launches if row.devices > given.launch_threshold)
    return Named(names, len(launches), policy_words.asked(names, len(launches)))


def _note(work: Work, span: Span, sampled: int, with_caps: bool) -> str:
    parts = [policy_words.sampled(sampled)] if sampled > 1 else []
    if with_caps and (kept := policy_words.kept_back(*queries.capped(work.session, span))):
        parts.append(kept)
    return " ".join(parts)
