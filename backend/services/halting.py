"""A campaign under way is stopped for a while or for good, with every run of it."""

from backend.db import Work
from backend.domain.vocabulary import CampaignState, HeldKind, PauseReason, RunState
from backend.models import Campaign, Run
from backend.queries import campaigns as queries
from backend.queries import results
from backend.services import audit, holds, occasions, triggers
from backend.services.campaign_rows import CampaignDetail, detail, find, in_state

UNDER_WAY = (CampaignState.RUNNING, CampaignState.ACTIVE)


def pause(work: Work, campaign_id: str) -> CampaignDetail:
    """Stops sending after the group that is on the network now; what is planned stays planned.

    A campaign that repeats begins no new run; an event campaign goes on collecting what it will answer.
    """
    campaign = find(work, campaign_id)
    in_state(campaign, "pause", UNDER_WAY)
    for run in queries.open_runs(work.session, campaign.id):
        if run.state != RunState.PAUSED or run.pause_reason == PauseReason.CREDENTIAL:  # which would go on by itself
            run.state, run.pause_reason, run.pause_detail = RunState.PAUSED, PauseReason.MEMBER, None
            run.activity_at = work.now
    campaign.state = CampaignState.PAUSED
    audit.record(work, "campaign.pause", campaign_id)
    work.session.flush()
    return detail(work, campaign)


def resume(work: Work, campaign_id: str) -> CampaignDetail:
    """Goes on where the pause began. What a pause made late follows the campaign's own `late`."""
    campaign = find(work, campaign_id)
    in_state(campaign, "resume", (CampaignState.PAUSED,))
    campaign.state = CampaignState.ACTIVE if campaign.repeats else CampaignState.RUNNING
    for run in queries.open_runs(work.session, campaign.id):
        if run.state == RunState.PAUSED:
            _resume_run(work, run)
    if campaign.definition["schedule"]["kind"] == "event":
        results.count_anew(work.session, campaign.id)
    occasions.finish_if_over(work, campaign)
    audit.record(work, "campaign.resume", campaign_id)
    work.session.flush()
    return detail(work, campaign)


def _resume_run(work: Work, run: Run) -> None:
    """A member has looked: answers are counted anew, and lanes that their provider had shut may try again."""
    lanes = queries.lanes_of(work.session, run.id) if run.pause_reason == PauseReason.CREDENTIAL else []
    run.state = RunState.RUNNING if run.planned_at else RunState.PLANNING
    run.pause_reason = run.pause_detail = None
    run.answered = run.errors = 0
    run.activity_at = work.now
    work.session.flush()
    for number in lanes:
        holds.release(work, number, [HeldKind.PROVIDER])


def cancel(work: Work, campaign_id: str) -> CampaignDetail:
    """Ends it for good: what is not on the network now is never sent."""
    campaign = find(work, campaign_id)
    in_state(campaign, "cancel", (CampaignState.SCHEDULED, *UNDER_WAY, CampaignState.PAUSED))
    for run in queries.open_runs(work.session, campaign.id):
        run.state, run.finished_at, run.activity_at = RunState.CANCELLED, work.now, work.now
        run.pause_reason = run.pause_detail = None
        run.planned_at = run.planned_at or work.now
    _end(work, campaign)
    audit.record(work, "campaign.cancel", campaign_id)
    return detail(work, campaign)


def _end(work: Work, campaign: Campaign) -> None:
    campaign.state, campaign.finished_at = CampaignState.CANCELLED, work.now
    if campaign.repeats:
        campaign.due_at = None
        triggers.stop(work, campaign.id)
    work.session.flush()
