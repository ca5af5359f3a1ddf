"""How far a run is, from the delivery rows themselves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backend.db import Work
from backend.domain.vocabulary import RunState
from backend.models import Run
from backend.services import analytics, ids, reports


@dataclass(frozen=True, slots=True)
class Progress:
    """One run on its way. Counts are deliveries; `per_second` is the mean since it began to send.

    `throttle_per_minute` is what the campaign itself allows; nothing that is skipped counts towards it.
    """

    run_id: str
    state: str
    planned: bool
    audience: int
    open: int
    accepted: int
    failed: int
    skipped: int
    delivered: int
    opened: int
    per_second: float
    throttle_per_minute: int | None
    remaining_seconds: float | None

    @property
    def done(self) -> int:
        return self.accepted + self.failed + self.skipped


def of_campaigns(work: Work, newest: Mapping[int, Run], repeating: Collection[int]) -> dict[int, Progress]:
    """Progress by campaign: its newest run's; of those that repeat the counts are of all their runs."""
    of_newest = of_runs(work, list(newest.values()))
    found = {campaign: of_newest[run.id] for campaign, run in newest.items()}
    together = reports.totals_of_campaigns(work, [campaign for campaign in repeating if campaign in found])
    return found | {campaign: _counting(found[campaign], totals) for campaign, totals in together.items()}


def _counting(progress: Progress, totals: analytics.Totals) -> Progress:
    return replace(
        progress,
        audience=totals.audience,
        open=totals.open,
        accepted=totals.accepted,
        failed=totals.failed,
        skipped=totals.skipped,
        delivered=totals.delivered,
        opened=totals.opened,
    )


def of_runs(work: Work, runs: Sequence[Run]) -> dict[int, Progress]:
    """The progress of each run, by its number."""
    totals = analytics.totals_of_runs(work, [run.id for run in runs])
    return {run.id: _progress(work, run, totals[run.id]) for run in runs}


def _progress(work: Work, run: Run, totals: analytics.Totals) -> Progress:
    done = totals.accepted + totals.failed + totals.skipped
    rate = done / _seconds(run, work.now)
    moving = run.state == RunState.RUNNING and rate > 0
    return Progress(
        run_id=ids.public(work, ids.RUN, run.id),
        state=run.state,
        planned=run.planned_at is not None,
        audience=totals.audience if run.planned_at else (run.estimate or totals.audience),
        open=totals.open,
        accepted=totals.accepted,
        failed=totals.failed,
        skipped=totals.skipped,
        delivered=totals.delivered,
        opened=totals.opened,
        per_second=rate,
        throttle_per_minute=run.throttle_per_minute,
        remaining_seconds=_remaining(run, totals, rate) if moving else None,
    )


def _remaining(run: Run, totals: analytics.Totals, rate: float) -> float:
    """At the pace so far, but not faster than the throttle lets through what is going to be sent."""
    at_this_pace = totals.open / rate
    if not run.throttle_per_minute:
        return at_this_pace
    sent = totals.accepted + totals.failed
    to_send = totals.open * sent / (sent + totals.skipped)
    return max(at_this_pace, to_send * 60 / run.throttle_per_minute)


def _seconds(run: Run, now: datetime) -> float:
    if run.started_at is None:
        return 1.0
    return max(((run.finished_at or now) - run.started_at).total_seconds(), 0.1)
