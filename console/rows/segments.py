"""Segments as lines of a list, the numbers beside the builder, and where a segment is used."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import quote

from backend.services.segment_shelf import Shelved
from backend.services.segment_uses import Use
from backend.services.segmentation import Estimate
from console import routes, words
from console.rows.deliveries import PLATFORM_WORD
from console.words import NEVER, When

PAGE: Final = 50
COUNTING: Final = "…"
REASON: Final = {
    "no_permission": "do not allow pushes",
    "unsubscribed": "unsubscribed",
    "invalid": "dead address",
    "no_credential": "no credential to send through",
    "no_device": "no device",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A name that leads somewhere, with a word beside it."""

    label: str
    href: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """A segment in the list. `people` and `reachable` are counted after the rest is shown."""

    id: str
    name: str
    href: str
    sentence: str
    used: str
    used_by: str
    changed: When = NEVER
    people: str = COUNTING
    reachable: str = COUNTING

    def counted(self, size: Estimate | None) -> "SegmentLine":
        people, reachable = (None, None) if size is None else (size.users, size.reachable)
        return replace(self, people=words.number(people), reachable=words.number(reachable))


@dataclass(frozen=True, slots=True)
class Share:
    """A number with what it is of."""

    label: str
    count: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the rules come to: people of all, devices that a push would reach, those that it would not, and why."""

    people: str = words.NOTHING
    of: str = ""
    percent: float = 0.0
    reachable: str = words.NOTHING
    platforms: tuple[Share, ...] = ()
    unreachable: tuple[Share, ...] = ()
    stranded: tuple[Share, ...] = ()
    sample: tuple[Link, ...] = ()
    more: str = ""


NO_NUMBERS: Final = Numbers()


def line(one: Shelved, zone: str, now: datetime) -> SegmentLine:
    """The list's line of a segment."""
    row = one.segment
    return SegmentLine(
        id=row.id,
        name=row.name,
        href=routes.segment(row.id),
        sentence=sentence(row.description),
        used=words.plural(len(one.uses), "place") if one.uses else words.NOTHING,
        used_by=", ".join(use.name for use in one.uses[:5]),
        changed=words.when(row.archived_at or row.updated_at, zone, now),
    )


def sentence(description: str) -> str:
    """A description as a sentence of its own: without brackets around the whole, and with a capital."""
    if description.startswith("(") and description.endswith(")") and "(" not in description[1:]:
        description = description[1:-1]
    return f"{description[:1].upper()}{description[1:]}"


def numbers(found: Estimate) -> Numbers:
    """The estimate as it stands beside the builder."""
    shown = len(found.sample)
    return Numbers(
        people=words.number(found.users),
        of=f"{words.percent(found.users, found.total_users)} of {words.plural(found.total_users, 'person', 'people')}",
        percent=round(100 * found.users / found.total_users, 1) if found.total_users else 0.0,
        reachable=words.number(found.reachable),
        platforms=tuple(
            Share(PLATFORM_WORD.get(name, name), words.number(count), name)
            for name, count in found.reachable_by_platform.items()
            if count
        ),
        unreachable=_reasons(found.unreachable),
        stranded=_reasons(found.people_unreachable),
        sample=tuple(Link(user_id, routes.person(quote(user_id, safe=""))) for user_id in found.sample),
        more=f"and {words.number(found.users - shown)} more" if found.users > shown > 0 else "",
    )


def _reasons(counts: Mapping[str, int]) -> tuple[Share, ...]:
    some = sorted(((count, reason) for reason, count in counts.items() if count), reverse=True)
    return tuple(Share(REASON.get(reason, reason), words.number(count), reason) for count, reason in some)


def uses(found: Iterable[Use]) -> tuple[Link, ...]:
    """Where a segment is used; a campaign on its way keeps the rules it was launched with."""
    return tuple(map(_use, found))


def _use(use: Use) -> Link:
    if use.kind == "segment":
        return Link(use.name, routes.segment(use.id), "Segment that builds on this one")
    if use.frozen:
        return Link(
            use.name, routes.campaign(use.id), f"{use.state.capitalize()}: keeps the rules it was launched with"
        )
    return Link(use.name, routes.edit_campaign(use.id), "Draft: takes the rules as they are at launch")


def page_of(lines: Sequence[SegmentLine], number: int) -> tuple[SegmentLine, ...]:
    """One page of the list, counted from 0."""
    return tuple(lines[number * PAGE : (number + 1) * PAGE])
