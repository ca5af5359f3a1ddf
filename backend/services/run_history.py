"""The runs of one campaign, a page at a time, and what of them waits for its time."""

from dataclasses import dataclass
from datetime import datetime

from backend.db import Work
from backend.domain.metrics import Totals
from backend.models import Run
from backend.queries import run_history as queries
from backend.services import campaigns, ids, reports
from backend.services import page as paging
from backend.services.page import Page


@dataclass(frozen=True, slots=True)
class RunRow:
    """One occasion of a campaign and what came of it; `due_at` is when its first people were due."""

    id: str
    occasion: str
    state: str
    pause_detail: str | None
    due_at: datetime
    finished_at: datetime | None
    totals: Totals


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a later time in open runs: held through quiet hours, or not yet due where the person is."""

    count: int = 0
    first: datetime | None = None
    last: datetime | None = None


def listing(work: Work, campaign_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[RunRow]:
    """A campaign's runs, newest first; tests are left out. Raises `NotFound`."""
    campaign = campaigns.find(work, campaign_id, lock=False)
    found = queries.runs(work.session, campaign.id, paging.after(work, cursor), paging.checked(limit))
    totals = reports.totals_of_runs(work, [run.id for run in found[:limit]])
    return paging.page(work, found, limit, lambda run: run.id, lambda run: _row(work, run, totals[run.id]))


def waiting(work: Work, campaign_id: str) -> Waiting:
    """What of the campaign's open runs goes out later. Raises `NotFound`."""
    campaign = campaigns.find(work, campaign_id, lock=False)
    count, first, last = queries.waiting(work.session, campaign.id, work.now)
    return Waiting(count, first, last)


def _row(work: Work, run: Run, totals: Totals) -> RunRow:
    return RunRow(
        id=ids.public(work, ids.RUN, run.id),
        occasion=run.occasion,
        state=run.state,
        pause_detail=run.pause_detail,
        due_at=run.due_at,
        finished_at=run.finished_at,
        totals=totals,
    )
