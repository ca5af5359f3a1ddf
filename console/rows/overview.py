"""The overview's figures in words."""

from dataclasses import dataclass
from datetime import datetime

from backend.domain.metrics import Rate
from backend.services.analytics import Overview
from console import routes, words

PERIODS = (("7", "7 days"), ("30", "30 days"), ("90", "90 days"))


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the overview: its value, a note below, what it is a share of, the rows behind it."""

    value: str = words.NOTHING
    note: str = ""
    hint: str = ""
    href: str = routes.DELIVERIES


@dataclass(frozen=True, slots=True)
class Figures:
    """What leads the overview."""

    accepted: Figure = Figure()
    delivered: Figure = Figure()
    opened: Figure = Figure()
    failed: Figure = Figure()
    devices: Figure = Figure()
    period: str = ""
    busy: bool = False
    quiet: bool = False


def figures(found: Overview, zone: str) -> Figures:
    """The five figures over the period."""
    totals, before = found.totals, found.before
    return Figures(
        accepted=Figure(
            words.number(totals.accepted),
            _trend(totals.accepted, before.accepted, found.days),
            _asked(found.rates["accepted"], "begun in this time"),
            routes.deliveries(state="accepted"),
        ),
        delivered=_rate(found.rates["delivered"], "delivered", receipt="delivered"),
        opened=_rate(found.rates["opened"], "opened", receipt="opened"),
        failed=_rate(found.rates["failed"], "failed", of="of the audience", state="group:failed"),
        devices=Figure(
            words.number(found.reachable_devices),
            words.plural(found.users, "person", "people"),
            f"{words.number(found.active_users)} of them active in this time",
            "",
        ),
        period=f"{_day(found.start, zone)} to {_day(found.end, zone)}",
        busy=found.open_runs > 0,
        quiet=totals.audience == 0 and totals.accepted == 0,
    )


def waiting(count: int) -> str:
    """How many drafts wait for a second member; nothing of none."""
    if not count:
        return ""
    return f"{words.plural(count, 'campaign waits', 'campaigns wait')} for approval"


def _rate(rate: Rate, what: str, of: str = "of accepted", **filters: str) -> Figure:
    return Figure(
        words.percent(rate.count, rate.of),
        f"{words.number(rate.count)} {what}",
        _asked(rate, of.removeprefix("of ")),
        routes.deliveries(**filters),
    )


def _asked(rate: Rate, of: str) -> str:
    return words.share(rate.count, rate.of, of)


def _trend(count: int, before: int, days: int) -> str:
    if not before:
        return f"in {days} days"
    change = 100 * (count - before) / before
    sign = "+" if change >= 0 else "−"
    return f"{sign}{abs(change):.1f}% vs period before"


def _day(at: datetime, zone: str) -> str:
    from zoneinfo import ZoneInfo

    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y}"
