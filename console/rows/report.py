"""A campaign's report in words. Every number knows the deliveries behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.domain.metrics import Totals
from backend.services.analytics import ReasonCount, Report
from backend.services.campaigns import CampaignDetail
from backend.services.run_history import Waiting
from backend.services.words import REASONS
from console import routes, theme, words
from console.rows.campaigns import NO_LINE, CampaignLine, line
from console.rows.deliveries import PLATFORM_WORD

OF_TOPICS = "A topic gives no result for each device: delivered and opened say whether anybody reported it."
ENTRIES = {
    "waiting": ("Waiting", "Their time has not come yet."),
    "fired": ("Sent", "Their push has been planned; the numbers above say what came of it."),
    "cancelled": ("Called off", "The event that calls it off happened first, or the campaign ended."),
    "repeated": ("Not again", "The person has had it already, and may not get it again so soon."),
    "missed": ("Missed", "Its time had passed by more than the campaign allows."),
}
UNREACHABLE = {
    "no_device": "without a device",
    "unsubscribed": "unsubscribed",
    "invalid": "with only dead addresses",
    "no_credential": "without a credential to send through",
    "no_permission": "who do not allow pushes",
}


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step from audience to open; `width` in percent of the audience."""

    label: str
    value: str
    note: str
    hint: str
    width: float
    colour: str
    href: str


@dataclass(frozen=True, slots=True)
class Share:
    """A line of a breakdown: how many, what share, the rows behind it."""

    label: str
    note: str
    count: str
    percent: str
    hint: str
    width: float
    href: str


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A variant or platform: its audience, what was accepted and opened."""

    label: str
    audience: str
    accepted: str
    delivered: str
    opened: str
    opened_hint: str
    href: str


@dataclass(frozen=True, slots=True)
class EntryShare:
    """What became of the firings of an event campaign: how many are in a state, and what the state means."""

    state: str
    label: str
    note: str
    count: str


@dataclass(frozen=True, slots=True)
class ReportPage:
    """All of a report."""

    line: CampaignLine = NO_LINE
    steps: tuple[FunnelStep, ...] = ()
    losses: tuple[Share, ...] = ()
    platforms: tuple[Breakdown, ...] = ()
    variants: tuple[Breakdown, ...] = ()
    firings: tuple[EntryShare, ...] = ()
    waiting: str = ""
    remark: str = ""
    text: str = ""
    category: str = ""
    started: bool = False
    charted: bool = False


def report_page(detail: CampaignDetail, found: Report, held: Waiting, zone: str, now: datetime) -> ReportPage:
    totals = found.totals
    topics = detail.definition["audience"].get("topics")
    return ReportPage(
        line=line(detail.row, zone, now),
        steps=_funnel(detail.row.id, totals, "message" if topics else "device"),
        losses=tuple(_loss(detail.row.id, row, totals.audience) for row in found.by_reason),
        platforms=tuple(
            _breakdown(detail.row.id, PLATFORM_WORD.get(name, name or "–"), of_it, platform=name)
            for name, of_it in found.by_platform.items()
        ),
        variants=tuple(
            _breakdown(detail.row.id, f"Variant {row.name}", row.totals, variant=row.name) for row in found.by_variant
        ),
        firings=tuple(EntryShare(state, *ENTRIES[state], words.number(n)) for state, n in found.entries.items()),
        waiting=_waiting(held, zone, now),
        remark=OF_TOPICS if topics else unreachable(found.people_unreachable),
        text=_text(detail.definition),
        category=detail.row.category,
        started=bool(found.runs),
        charted=bool(found.series.times),
    )


def _waiting(held: Waiting, zone: str, now: datetime) -> str:
    """`1 204 pushes wait for their time: from Today, 20:00 to Tomorrow, 08:00.`"""
    if not held.count:
        return ""
    first, last = words.when(held.first, zone, now).short, words.when(held.last, zone, now).short
    who = "1 push waits for its time" if held.count == 1 else f"{words.number(held.count)} pushes wait for their time"
    return f"{who}: {first}." if first == last else f"{who}: from {first} to {last}."


def _funnel(campaign: str, totals: Totals, unit: str) -> tuple[FunnelStep, ...]:
    audience, accepted = totals.audience, totals.accepted
    units = unit if audience == 1 else f"{unit}s"
    steps = (
        ("Audience", audience, audience, f"{words.number(totals.open)} open" if totals.open else units, "", {}),
        ("Accepted", accepted, audience, words.percent(accepted, audience), "of the audience", {"state": "accepted"}),
        (
            "Delivered",
            totals.delivered,
            accepted,
            words.percent(totals.delivered, accepted),
            "accepted",
            {"receipt": "delivered"},
        ),
        ("Opened", totals.opened, accepted, words.percent(totals.opened, accepted), "accepted", {"receipt": "opened"}),
    )
    return tuple(
        FunnelStep(
            label=label,
            value=words.number(count),
            note=note if not of else f"{note} of {of.removeprefix('of ')}",
            hint=words.share(count, whole, of.removeprefix("of ")) if of else "",
            width=round(100 * count / audience, 1) if audience else 0.0,
            colour=theme.MEASURE[label.lower()],
            href=routes.deliveries(campaign_id=campaign, **filters),
        )
        for label, count, whole, note, of, filters in steps
    )


def _loss(campaign: str, row: ReasonCount, audience: int) -> Share:
    look = theme.DELIVERY[row.state]
    return Share(
        label=REASONS.get(row.reason) or (f"The provider said {row.reason}." if row.reason else look.word),
        note=f"{look.word} · {row.reason}" if row.reason and row.state == "failed" else look.word,
        count=words.number(row.count),
        percent=words.percent(row.count, audience),
        hint=words.share(row.count, audience, "devices"),
        width=round(100 * row.count / audience, 1) if audience else 0.0,
        href=routes.deliveries(campaign_id=campaign, state=row.state, reason=row.reason),
    )


def _breakdown(campaign: str, label: str, totals: Totals, **filters: str) -> Breakdown:
    return Breakdown(
        label=label,
        audience=words.number(totals.audience),
        accepted=words.number(totals.accepted),
        delivered=words.number(totals.delivered),
        opened=words.percent(totals.opened, totals.accepted),
        opened_hint=words.share(totals.opened, totals.accepted, "accepted"),
        href=routes.deliveries(campaign_id=campaign, **filters),
    )


def unreachable(people: Mapping[str, int]) -> str:
    """`120 more people matched but cannot be reached: 80 without a device, 40 unsubscribed.`"""
    some = {reason: count for reason, count in people.items() if count}
    if not some:
        return ""
    parts = ", ".join(f"{words.number(count)} {UNREACHABLE.get(reason, reason)}" for reason, count in some.items())
    return f"{words.plural(sum(some.values()), 'more person', 'more people')} matched but cannot be reached: {parts}."


def _text(definition: Mapping[str, Any]) -> str:
    content = definition["variants"][0].get("content") or {}
    return " · ".join(part for part in (content.get("title"), content.get("body")) if part)
