"""Planning: who is addressed and in which chunk. Nothing is decided here; that is done at claim."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_

from backend.bootstrap import Core
from backend.db import CLOCK, Work
from backend.domain import experiment
from backend.domain.vocabulary import CampaignState, PauseReason, RunState
from backend.errors import TocsinError
from backend.models import Run
from backend.queries import campaigns, endings, planning
from backend.services import due_times, segmentation, topic_audience

PAGE = 20_000
WORTH_ANALYSING = 5_000


def tick(core: Core) -> int:
    """Plans every run that waits for it, page by page, each page in its own transaction; pages written."""
    with core.reading(CLOCK) as work:
        waiting = campaigns.planning_runs(work.session)
    pages = 0
    for run_id, app_id in waiting:
        try:
            pages += _plan(core, run_id, app_id)
        except TocsinError as error:
            _stop(core, run_id, error.detail)
    return pages


def _plan(core: Core, run_id: int, app_id: int) -> int:
    """Plans one run to its end; pages written."""
    pages, more = 0, True
    while more:
        with core.work(CLOCK, app_id) as work:
            more = plan_page(work, run_id)
        pages += 1
    _analyse(core, run_id)
    return pages


def _stop(core: Core, run_id: int, why: str) -> None:
    """A run that cannot be planned waits for a member and says why; the runs behind it go on."""
    with core.work(CLOCK) as work:
        paused = {"state": RunState.PAUSED, "pause_reason": PauseReason.GUARDRAIL, "pause_detail": why}
        campaigns.set_run(work.session, run_id, [RunState.PLANNING], **paused)
        campaigns.pause_campaign_of(work.session, run_id, work.now)


def plan_page(work: Work, run_id: int) -> bool:
    """Plans the next page of a run; whether there may be more. False too when another planner has it."""
    run = planning.lock_run(work.session, run_id)
    if run is None:
        return False
    facts = campaigns.run_facts(work.session, run_id)
    page = planning.PlanPage(
        run_id=run_id,
        app_id=run.app_id,
        due_at=run.due_at,
        first_chunk=run.next_chunk,
        cursor=run.plan_cursor,
        limit=PAGE,
        ends=experiment.bounds([variant.weight for variant in facts.variants]),
        salt=experiment.variant_salt(run.campaign_id, facts.revision.content_hash),
    )
    audience = _audience(work, run, facts.revision.definition)
    timed = replace(page, timetable=due_times.timetable(work, run, facts.app, planning.on_page(page, audience)))
    planned = planning.plan_page(work.session, timed, audience)
    planning.advance(work.session, run, planned)
    if planned.rows == PAGE:
        return True
    _complete(work, run_id, facts)
    return False


def _audience(work: Work, run: Run, definition: Mapping[str, Any]) -> ColumnElement[bool]:
    if run.kind != "send":
        return planning.targets_of(run.id)
    if topics := definition["audience"].get("topics"):
        return planning.only(topic_audience.devices(work, topics))
    audience = segmentation.audience_where(work, definition["audience"])
    return and_(planning.targets_of(run.id), audience) if run.timing.get("targets") else audience


def _complete(work: Work, run_id: int, facts: campaigns.RunFacts) -> None:
    """The audience is known: sending may begin."""
    unreachable = facts.run.people_unreachable
    if facts.run.kind == "send" and not facts.run.timing.get("targets"):
        unreachable = segmentation.audience_size(work, facts.revision.definition["audience"]).people_unreachable
    campaigns.set_run(
        work.session,
        run_id,
        [RunState.PLANNING],
        state=RunState.RUNNING,
        planned_at=work.now,
        started_at=work.now,
        activity_at=work.now,
        people_unreachable=dict(unreachable),
    )
    campaigns.set_campaign_of(work.session, run_id, [CampaignState.SCHEDULED], state=CampaignState.RUNNING)


def _analyse(core: Core, run_id: int) -> None:
    """PostgreSQL reads a fresh run 45 times slower before it knows how large it is (measured)."""
    if core.settings.is_sqlite:
        return
    with core.work(CLOCK) as work:
        if endings.count(work.session, run_id) >= WORTH_ANALYSING:
            planning.analyse(work.session)
