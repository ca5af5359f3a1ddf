"""The room of figures: one campaign's report, live progress, the app's overview, series for charts.

`domain.metrics` says what each measure counts. Reports and progress count the rows themselves; the
overview and series add up the roll-up, which follows within seconds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backend.db import Work
from backend.domain.metrics import Counts, Measure, Rate, Totals, counts, rates
from backend.domain.vocabulary import DeviceState, Permission
from backend.errors import Invalid, NotFound
from backend.models import Campaign
from backend.queries import overview as queries
from backend.queries import stats
from backend.queries.overview import Span
from backend.services import ids
from backend.services.cells import ReasonCount
from backend.services.reports import Report, RunReport, VariantTotals, report, totals_of_runs
from backend.services.timeline import DAY, HOUR, Found, Line, Timeline, ceiling, floor, timeline

__all__ = [
    "Counts", "DeviceCount", "Line", "Measure", "Overview", "Rate", "ReasonCount", "Report", "RunReport", "Timeline",
    "Totals", "VariantTotals", "overview", "report", "series", "totals_of_runs",
]  # fmt: skip

MAX_DAYS: Final = 366
MAX_BUCKETS: Final = 2_000
MAX_LINES: Final = 10
RECENT: Final = 8
BUCKETS: Final[Mapping[str, timedelta]] = {"hour": HOUR, "day": DAY}
BREAKDOWNS: Final = ("none", "platform", "campaign", "variant")
OTHER: Final = ("other", "Other")


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """The app's devices of a platform in a state; `reachable` are active and have not denied permission."""

    platform: str
    state: str
    count: int
    reachable: int


@dataclass(frozen=True, slots=True)
class Overview:
    """An app over `days` days up to now, and over the same time before.

    `totals` and `before` say what happened in the time: they are the sums of the series. `rates` and
    `rates_before` say what became of the pushes that were begun in it, whenever it did: an open of
    yesterday's push never counts against today's, and no rate passes 100 %.
    `users` are all of the app's, anonymous ones too; `active_users` were active within the time.
    `recent_campaigns` are ids, the newest run first.
    """

    days: int
    start: datetime
    end: datetime
    totals: Counts
    before: Counts
    rates: Mapping[str, Rate]
    rates_before: Mapping[str, Rate]
    series: Timeline
    devices: tuple[DeviceCount, ...]
    reachable_devices: int
    users: int
    active_users: int
    open_runs: int
    recent_campaigns: tuple[str, ...]


def overview(work: Work, days: int = 30) -> Overview:
    """The app's figures; by the hour for up to two days, else by the day (UTC). Raises `Invalid`."""
    if not 1 <= days <= MAX_DAYS:
        raise Invalid("days", f"must be between 1 and {MAX_DAYS}")
    now_span = _span(work, days)
    length = timedelta(days=days)
    before = Span(work.app_id, now_span.start - length, now_span.end - length)
    devices = _devices(work)
    users, active = queries.users(work.session, work.app_id, now_span.start)
    return Overview(
        days=days,
        start=now_span.start,
        end=now_span.end,
        totals=counts(queries.counted(work.session, now_span)),
        before=counts(queries.counted(work.session, before)),
        rates=rates(counts(queries.counted_of_runs_begun(work.session, now_span))),
        rates_before=rates(counts(queries.counted_of_runs_begun(work.session, before))),
        series=_timeline(work, now_span, list(Measure), "hour" if days <= 2 else "day", "none"),
        devices=devices,
        reachable_devices=sum(row.reachable for row in devices),
        users=users,
        active_users=active,
        open_runs=queries.runs_alive(work.session, work.app_id),
        recent_campaigns=_recent(work),
    )


def _span(work: Work, days: int) -> Span:
    """The present bucket and those before it; up to the present hour, so that the time before is as long."""
    end = floor(work.now, HOUR) + HOUR
    if days <= 2:
        return Span(work.app_id, end - timedelta(days=days), end)
    return Span(work.app_id, floor(work.now, DAY) - timedelta(days=days - 1), end)


def _devices(work: Work) -> tuple[DeviceCount, ...]:
    every: Counter[tuple[str, str]] = Counter()
    reachable: Counter[tuple[str, str]] = Counter()
    for platform, state, permission, count in queries.devices(work.session, work.app_id):
        every[platform, state] += count
        if state == DeviceState.ACTIVE and permission != Permission.DENIED:
            reachable[platform, state] += count
    return tuple(DeviceCount(*key, count, reachable[key]) for key, count in sorted(every.items()))


def _recent(work: Work) -> tuple[str, ...]:
    numbers = queries.recent_campaigns(work.session, work.app_id, RECENT)
    return tuple(ids.public(work, ids.CAMPAIGN, number) for number in numbers)


def series(
    work: Work,
    measures: Sequence[str],
    start: datetime,
    end: datetime,
    bucket: str = "day",
    breakdown: str = "none",
    campaign_id: str | None = None,
) -> Timeline:
    """Counts over time from the roll-up, from the bucket of `start` (aware) to the one before `end`.

    `breakdown` is none, platform, campaign or variant; the ten largest lines of a measure are shown and
    the others added up in one with the key `other`. Raises `Invalid`, `NotFound`.
    """
    step = _checked(measures, start, end, bucket, breakdown)
    campaign = _campaign(work, campaign_id) if campaign_id else None
    if breakdown == "variant" and campaign is None:
        raise Invalid("breakdown", "by variant needs a campaign_id: variants are a campaign's own")
    span = Span(work.app_id, floor(start, step), ceiling(end, step), campaign.id if campaign else None)
    if (span.end - span.start) / step > MAX_BUCKETS:
        raise Invalid("start", f"makes more than {MAX_BUCKETS} points; take a larger bucket or a shorter time")
    return _timeline(work, span, [Measure(name) for name in dict.fromkeys(measures)], bucket, breakdown)


def _campaign(work: Work, campaign_id: str) -> Campaign:
    """Any campaign of the app, the carrier of its messages too."""
    found = stats.campaign(work.session, work.app_id, ids.number(work, ids.CAMPAIGN, campaign_id))
    if found is None:
        raise NotFound(f"There is no campaign {campaign_id[:40]!r}.")
    return found


def _checked(measures: Sequence[str], start: datetime, end: datetime, bucket: str, breakdown: str) -> timedelta:
    if not measures or not set(measures) <= {measure.value for measure in Measure}:
        raise Invalid("measure", f"must be one or more of {', '.join(Measure)}")
    if bucket not in BUCKETS:
        raise Invalid("bucket", f"must be one of {', '.join(BUCKETS)}")
    if breakdown not in BREAKDOWNS:
        raise Invalid("breakdown", f"must be one of {', '.join(BREAKDOWNS)}")
    for name, instant in (("start", start), ("end", end)):
        if instant.tzinfo is None:
            raise Invalid(name, "must say its offset from UTC, as in 2026-12-01T09:00:00+01:00")
    if start >= end:
        raise Invalid("end", "must be after start")
    return BUCKETS[bucket]


def _timeline(work: Work, span: Span, measures: Sequence[Measure], bucket: str, breakdown: str) -> Timeline:
    found = queries.points(work.session, span, bucket, measures, breakdown)
    ranked = [""] if breakdown == "none" else _ranked(found)
    keys = _public_keys(work, span, breakdown, ranked[:MAX_LINES])
    drawn = [(at, measure, keys.get(key, OTHER)[0], count) for at, measure, key, count in found]
    shown = dict.fromkeys(keys.get(key, OTHER) for key in ranked)
    lines = [(measure.value, key, label) for measure in measures for key, label in shown]
    return timeline(drawn, lines, span.start, span.end, BUCKETS[bucket])


def _ranked(found: Sequence[Found]) -> list[str]:
    """The keys of a breakdown, the largest first."""
    sizes: Counter[str] = Counter()
    for _at, _measure, key, count in found:
        sizes[key] += count
    return sorted(sizes, key=lambda key: (-sizes[key], key))


def _public_keys(work: Work, span: Span, breakdown: str, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The breakdown's key in the roll-up → what the outside calls it, and what a person reads."""
    if breakdown == "campaign":
        names = queries.campaign_names(work.session, span.app_id, [int(key) for key in keys])
        return {key: (ids.public(work, ids.CAMPAIGN, int(key)), names[int(key)]) for key in keys}
    if breakdown == "variant":
        names = queries.latest_variant_names(work.session, span.campaign_id or 0)
        return {key: (key, names.get(int(key), key)) for key in keys}
    return {key: (key, key) for key in keys}
