"""Dead letters in words: a line of the list, what narrows it, what became of some."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backend.services.dead_letters import DeadLetterRow, Facet, Refusal
from console import routes, words
from console.rows.deliveries import ANONYMOUS, PLATFORM_WORD
from console.words import When


@dataclass(frozen=True, slots=True)
class Chosen:
    """What narrows the list, as in the address; `lane` is a credential's id."""

    campaign_id: str = ""
    lane: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A value to narrow by, and how many have it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Options:
    """What the list can be narrowed by."""

    campaigns: tuple[Option, ...] = ()
    lanes: tuple[Option, ...] = ()
    reasons: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class LetterLine:
    """A push that failed though its device was not at fault."""

    id: str
    href: str
    user: str
    platform: str
    platform_word: str
    campaign: str
    campaign_href: str
    lane: str
    said: str
    text: str
    raw: str
    attempts: str
    at: When
    refusal: str
    picked: bool = False
    opened: bool = False


def letter_line(row: DeadLetterRow, zone: str, now: datetime) -> LetterLine:
    sent_by_api = row.run_id.startswith("msg_")  # it has no campaign that people know
    said = " ".join(dict.fromkeys(part for part in (str(row.status or ""), row.reason) if part))
    return LetterLine(
        id=row.id,
        href=routes.delivery(row.id),
        user=row.user_id or ANONYMOUS,
        platform=row.platform,
        platform_word=PLATFORM_WORD.get(row.platform, row.platform),
        campaign=row.campaign_name,
        campaign_href=routes.delivery(row.id) if sent_by_api else routes.campaign(row.campaign_id),
        lane=row.lane_name,
        said=said or "No answer",
        text=row.reason_text,
        raw=row.raw,
        attempts=words.number(row.attempts),
        at=words.when(row.at, zone, now),
        refusal=row.refusal or "",
    )


def marked(rows: Sequence[LetterLine], picked: Sequence[str], opened: str) -> tuple[LetterLine, ...]:
    return tuple(replace(row, picked=row.id in picked, opened=row.id == opened) for row in rows)


def matched(facets: Sequence[Facet], chosen: Chosen) -> int:
    """How many the filters match."""
    return sum(facet.count for facet in facets if _fits(facet, chosen))


def options(facets: Sequence[Facet], chosen: Chosen) -> Options:
    """What each filter may be set to, under the other ones."""
    return Options(
        _options(facets, chosen, "campaign_id", lambda it: it.campaign_name, "Any campaign"),
        _options(facets, chosen, "lane", lambda it: it.lane_name, "Any lane"),
        _options(facets, chosen, "reason", lambda it: it.reason, "Any reason"),
    )


def _options(
    facets: Sequence[Facet], chosen: Chosen, name: str, label: Callable[[Facet], str], every: str
) -> tuple[Option, ...]:
    """The values of one filter under the other ones, the most frequent first."""
    others = replace(chosen, **{name: ""})
    counts: Counter[tuple[str, str]] = Counter()
    for facet in facets:
        if _fits(facet, others) or getattr(facet, name) == getattr(chosen, name):
            counts[getattr(facet, name), label(facet)] += facet.count
    found = [
        Option(value, f"{text or 'Other'} ({words.number(count)})") for (value, text), count in counts.most_common()
    ]
    return (Option("", every), *found)


def _fits(facet: Facet, chosen: Chosen) -> bool:
    wanted = ((facet.campaign_id, chosen.campaign_id), (facet.lane, chosen.lane), (facet.reason, chosen.reason))
    return all(not value or has == value for has, value in wanted)


def outcome(verb: str, count: int, refused: Mapping[str, int]) -> str:
    """`12 pushes are on the way again. 3 were left as they are: 2 × its campaign was cancelled; 1 × …`"""
    deed = {"retry": "on the way again", "drop": "off the list"}[verb]
    done = f"{words.plural(count, 'push is', 'pushes are')} {deed}." if count else ""
    total = sum(refused.values())
    reasons = {f"{why[:1].lower()}{why[1:].rstrip('.')}": count for why, count in refused.items()}
    if total == 1:
        return f"{done} 1 was left as it is: {next(iter(reasons))}.".strip()
    left = "; ".join(f"{words.number(count)} × {why}" for why, count in reasons.items())
    return f"{done} {words.number(total)} were left as they are: {left}.".strip() if total else done


def reasons_of(refused: Sequence[Refusal]) -> Counter[str]:
    return Counter(refusal.reason for refusal in refused)
