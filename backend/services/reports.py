"""What came of one campaign, and how far runs are: counted from the rows, so exact at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backend.db import Work
from backend.domain.metrics import MEASURE_OF_STATE, OUTCOMES, Measure, Rate, Totals, rates, totals
from backend.domain.vocabulary import CampaignKind
from backend.errors import NotFound
from backend.models import Campaign, Run
from backend.queries import overview as app_queries
from backend.queries import rollups, stats
from backend.services import cells as folding
from backend.services import ids, report_cells, triggers
from backend.services.cells import Cell, ReasonCount
from backend.services.timeline import EPOCH, HOUR, MINUTE, Found, Timeline, floor, step_for, timeline

FRESH: Final = timedelta(days=1)
SHOWN_RUNS: Final = 200
MANY: Final = 200
"""With more runs than this the rows are not all read: 20 000 of five people each took seconds."""
CHARTED: Final = (Measure.ACCEPTED, Measure.DELIVERED, Measure.OPENED)


@dataclass(frozen=True, slots=True)
class VariantTotals:
    """One wording, by its place in the revision and its name there."""

    position: int
    name: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class RunReport:
    """One occasion. While it is planning its audience still grows, and `estimate` says to about what."""

    id: str
    state: str
    pause_reason: str | None
    audience: int
    estimate: int | None
    people_unreachable: Mapping[str, int]
    totals: Totals
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """A campaign's runs together and apart; test runs are left out.

    `states` has all eight delivery states; `rates` are shares by measure (`domain.metrics.rates`).
    `people_unreachable` (reason → people) adds up the runs, beside the audience and never in it.
    `runs` are the newest 200, totals are of all. `series` has accepted, delivered and opened by the
    minute while every run is younger than a day and they are few (counted with the rest), else by the
    hour (rolled up).
    `entries` (state → firings) is of an event campaign, empty for any other.
    """

    campaign_id: str
    name: str
    state: str
    totals: Totals
    rates: Mapping[str, Rate]
    states: Mapping[str, int]
    by_variant: tuple[VariantTotals, ...]
    by_platform: Mapping[str, Totals]
    by_reason: tuple[ReasonCount, ...]
    runs: tuple[RunReport, ...]
    people_unreachable: Mapping[str, int]
    series: Timeline
    entries: Mapping[str, int]


def report(work: Work, campaign_id: str) -> Report:
    """Everything about a campaign's pushes, from the rows. Raises `NotFound`."""
    campaign = _campaign(work, campaign_id)
    runs = stats.runs(work.session, campaign.id or 0, SHOWN_RUNS + 1)
    many = len(runs) > MANY
    fresh = not many and all(work.now - run.created_at < FRESH for run in runs)
    cells = _cells(work, campaign.id or 0, many)
    whole = folding.total(cells)
    platforms = folding.total_by(cells, lambda cell: cell.platform)
    return Report(
        campaign_id=campaign_id,
        name=campaign.name,
        state=campaign.state,
        totals=whole,
        rates=rates(whole),
        states=folding.states(cells),
        by_variant=_by_variant(work, cells),
        by_platform=dict(sorted(platforms.items())),
        by_reason=folding.reasons(cells),
        runs=_run_reports(work, runs[:SHOWN_RUNS], None if many else cells),
        people_unreachable=folding.people(stats.unreachable(work.session, campaign.id or 0)),
        series=_chart(_by_minute(work, campaign), MINUTE) if fresh else _chart(_by_hour(work, campaign), HOUR),
        entries=triggers.counts(work, campaign.id or 0),
    )


def totals_of_runs(work: Work, run_ids: Collection[int]) -> dict[int, Totals]:
    """The totals of each run asked for: from the rows while anything may change, then from the roll-up,
    which has come to the same numbers and costs nothing however large the run was."""
    wanted = set(run_ids)
    if not wanted:
        return {}
    live = rollups.unsettled(work.session, wanted)
    words: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for run_id, word, count in stats.live_totals(work.session, live) if live else ():
        words[run_id].append((word, count))
    found = {run_id: folding.added_up(words[run_id]) for run_id in live}
    return found | _rolled(work, wanted - live)


def totals_of_campaigns(work: Work, campaign_ids: Collection[int]) -> dict[int, Totals]:
    """The totals of all runs of each campaign, settled ones from the roll-up: a thousand runs cost as one."""
    if not campaign_ids:
        return {}
    live = rollups.unsettled_of(work.session, campaign_ids)
    words: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for run_id, word, count in stats.live_totals(work.session, set(live)) if live else ():
        words[live[run_id]].append((word, count))
    rolled: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for campaign, measure, count in rollups.rolled_totals_of(work.session, campaign_ids, set(live)):
        rolled[campaign][measure] = count
    return {one: folding.added_up(words[one]) + totals(rolled[one]) for one in campaign_ids}


def _rolled(work: Work, run_ids: Collection[int]) -> dict[int, Totals]:
    measured: dict[int, dict[str, int]] = {run_id: {} for run_id in run_ids}
    for run_id, measure, count in rollups.rolled_totals(work.session, run_ids) if run_ids else ():
        measured[run_id][measure] = count
    return {run_id: totals(found) for run_id, found in measured.items()}


def _campaign(work: Work, campaign_id: str) -> Campaign:
    """Messages have a campaign too, but a hidden one: it has no report."""
    number = ids.number(work, ids.CAMPAIGN, campaign_id)
    found = stats.campaign(work.session, work.app_id, number)
    if found is None or found.kind != CampaignKind.CAMPAIGN:
        raise NotFound(f"There is no campaign {campaign_id[:40]!r}.")
    return found


def _cells(work: Work, campaign_id: int, many: bool) -> list[Cell]:
    if many:
        return report_cells.of_many_runs(work, campaign_id)
    return report_cells.from_rows(work, stats.runs_of(campaign_id))


def _by_variant(work: Work, cells: Sequence[Cell]) -> tuple[VariantTotals, ...]:
    """Revisions may name the same place differently; then each name has its own line."""
    revisions = stats.revisions(work.session, {cell.run_id for cell in cells})
    names = stats.variant_names(work.session, set(revisions.values()))
    found = folding.total_by(cells, lambda c: (c.variant, names.get((revisions[c.run_id], c.variant), "")))
    return tuple(VariantTotals(position, name, of_it) for (position, name), of_it in sorted(found.items()))


def _run_reports(work: Work, runs: Sequence[Run], cells: Sequence[Cell] | None) -> tuple[RunReport, ...]:
    """Where the cells are of many runs they do not tell one from another."""
    if cells is None:
        found = totals_of_runs(work, [run.id for run in runs])
    else:
        found = folding.total_by(cells, lambda cell: cell.run_id)
    return tuple(_run_report(work, run, found.get(run.id or 0, Totals())) for run in runs)


def _run_report(work: Work, run: Run, of_it: Totals) -> RunReport:
    return RunReport(
        id=ids.public(work, ids.RUN, run.id or 0),
        state=run.state,
        pause_reason=run.pause_reason,
        audience=of_it.audience,
        estimate=run.estimate,
        people_unreachable=run.people_unreachable,
        totals=of_it,
        due_at=run.due_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def _by_minute(work: Work, campaign: Campaign) -> list[Found]:
    runs = stats.runs_of(campaign.id or 0)
    accepted = stats.rows(work.session, stats.outcomes(runs, "minute", states=OUTCOMES[Measure.ACCEPTED]))
    received = stats.rows(work.session, stats.responses(runs, "minute", measures=CHARTED))
    return [(row.minute, MEASURE_OF_STATE.get(row[1], row[1]), "", row[-1]) for row in (*accepted, *received)]


def _by_hour(work: Work, campaign: Campaign) -> list[Found]:
    span = app_queries.Span(work.app_id, campaign.created_at, work.now + HOUR, campaign.id)
    return list(app_queries.points(work.session, span, "hour", CHARTED, "none"))


def _chart(found: Sequence[Found], finest: timedelta) -> Timeline:
    """From the first thing that happened to the last one, in at most a few hundred steps."""
    lines = [(measure.value, "", "") for measure in CHARTED]
    if not found:
        return timeline((), lines, EPOCH, EPOCH, finest)
    first, last = min(row[0] for row in found), max(row[0] for row in found)
    step = step_for(last - first, finest)
    return timeline(found, lines, floor(first, step), floor(last, step) + step, step)
