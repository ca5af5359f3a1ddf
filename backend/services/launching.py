"""A draft is launched: at once, for its time, or to go on by its rule or its event."""

from collections.abc import Mapping
from typing import Any

from backend.db import Work
from backend.domain import schedule
from backend.domain.vocabulary import CampaignState
from backend.errors import Conflict, Invalid
from backend.models import Campaign
from backend.services import approvals, audit, occasions, revisions, segmentation, triggers
from backend.services.campaign_rows import CampaignDetail, detail, find, in_state


def tolerance(audience: int) -> float:
    """By how many devices an audience of this size may have moved since a person confirmed it: max(100, 2 %)."""
    return max(100, audience * 0.02)


def launch(
    work: Work, campaign_id: str, *, expected_audience: int | None = None, version: int | None = None
) -> CampaignDetail:
    """Freezes the definition as a revision and starts it, or schedules it for its time.

    `expected_audience` is the count that a person has confirmed, `version` the campaign's that was checked: when the
    audience has moved by more than its `tolerance` since, or somebody has saved, nothing is launched. A recurring
    campaign first goes out at its first time after now.
    """
    campaign = find(work, campaign_id)
    in_state(campaign, "launch", (CampaignState.DRAFT,))
    if version is not None and version != campaign.version:
        raise Conflict("It has been changed since it was checked: look at it again, then launch it.")
    revisions.check_launchable(work, campaign.definition)
    size = segmentation.audience_size(work, campaign.definition["audience"]).devices
    if expected_audience is not None and abs(size - expected_audience) > tolerance(expected_audience):
        raise Conflict(f"The audience is now {size} devices, not the {expected_audience} that were confirmed.")
    revision = revisions.revise(work, campaign, campaign.definition)
    if waits_for := approvals.required(work, campaign, revision.content_hash):
        raise Conflict(waits_for)
    campaign.revision_id, campaign.launched_at = revision.id, work.now
    _set_going(work, campaign, estimate=size)
    work.session.flush()
    audit.record(work, "campaign.launch", campaign_id, name=campaign.name, devices=size)
    return detail(work, campaign)


def _set_going(work: Work, campaign: Campaign, *, estimate: int) -> None:
    when = campaign.definition["schedule"]
    occasion = schedule.first(when, work.now)
    campaign.repeats = schedule.repeats(when["kind"])
    campaign.due_at = occasion.begins if occasion else None
    if campaign.repeats:
        campaign.state = CampaignState.ACTIVE
        if when["kind"] == "event":
            triggers.listen(work, campaign, when)
    elif occasion is not None and occasion.begins > work.now:
        campaign.state = CampaignState.SCHEDULED
    else:
        assert occasion is not None
        campaign.state = CampaignState.RUNNING
        occasions.begin(work, campaign, occasion, estimate=estimate)


def unschedule(work: Work, campaign_id: str) -> CampaignDetail:
    """Back to a draft, as long as nothing has begun."""
    campaign = find(work, campaign_id)
    in_state(campaign, "unschedule", (CampaignState.SCHEDULED,))
    campaign.state = CampaignState.DRAFT
    campaign.due_at = campaign.launched_at = campaign.revision_id = None
    audit.record(work, "campaign.unschedule", campaign_id, name=campaign.name)
    work.session.flush()
    return detail(work, campaign)


def relaunch(work: Work, campaign: Campaign, before: Mapping[str, Any]) -> None:
    """A campaign that waits or repeats goes on by the definition it has now; what has begun stays as it was.

    `before` is the schedule that it had. What came due while it was paused stays due, unless that is changed. One that
    waits for its time counts as launched now: what its schedule says of the past is said of this moment.
    """
    when, kind = campaign.definition["schedule"], before["kind"]
    if when["kind"] != kind and schedule.repeats(kind, when["kind"]):
        raise Invalid("schedule.kind", f"must stay {kind}; cancel it and launch another")
    awaited = campaign.due_at if campaign.repeats and when == before else None
    revisions.check_launchable(work, campaign.definition, awaited=awaited)
    campaign.revision_id = revisions.revise(work, campaign, campaign.definition).id
    if not campaign.repeats:
        campaign.launched_at = work.now
    if when != before:
        campaign.due_at = schedule.due(when, work.now)
    if when["kind"] == "event":
        triggers.listen(work, campaign, when)
