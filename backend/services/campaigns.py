"""Campaigns: drafted, launched, watched, stopped."""

import contextlib
import copy
from collections.abc import Mapping
from typing import Any

from backend.db import Work
from backend.domain import schedule
from backend.domain.vocabulary import CampaignState
from backend.errors import FieldError, Invalid, Stale
from backend.models import Campaign
from backend.queries import campaigns as queries
from backend.services import approvals, audit, clashes, definition, launching, occasions, revisions, segment_shelf
from backend.services import page as paging
from backend.services.campaign_rows import CampaignDetail, CampaignRow, detail, find, in_state, public, rows
from backend.services.halting import cancel, pause, resume
from backend.services.launching import launch, unschedule
from backend.services.occasions import awaited, tick
from backend.services.page import Page
from backend.services.revisions import check_content, check_launchable, freeze, revise

__all__ = [
    "CampaignDetail", "CampaignRow", "archive", "awaited", "cancel", "check_content", "check_launchable", "create",
    "delete", "duplicate", "find", "freeze", "get", "launch", "listing", "pause", "resume", "revise", "state_counts",
    "tick", "unschedule", "update",
]  # fmt: skip

EDITABLE = (CampaignState.DRAFT, CampaignState.SCHEDULED)
GOING_ON = (CampaignState.ACTIVE, CampaignState.PAUSED)
DELETABLE = (CampaignState.DRAFT,)
ENDED = (CampaignState.FINISHED, CampaignState.CANCELLED)
COPY_SUFFIX = " (copy)"


def create(work: Work, data: Mapping[str, Any]) -> CampaignDetail:
    """A new draft. Raises `Invalid` naming each wrong field."""
    checked = definition.to_json(definition.parse(data))
    revisions.check_references(work, checked)
    campaign = Campaign(
        app_id=work.app_id,
        name=checked["name"],
        definition=checked,
        created_at=work.now,
        updated_at=work.now,
        created_by=str(work.actor),
    )
    work.session.add(campaign)
    work.session.flush()
    audit.record(work, "campaign.create", public(work, campaign), name=campaign.name)
    return detail(work, campaign)


def get(work: Work, campaign_id: str) -> CampaignDetail:
    """One campaign. Raises `NotFound`."""
    return detail(work, find(work, campaign_id, lock=False))


def listing(
    work: Work,
    *,
    search: str = "",
    state: str | None = None,
    waiting: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CampaignRow]:
    """Campaigns, newest first, with live progress of their newest run; `waiting` for those that wait for approval."""
    states = [state] if state else []
    found = queries.listing(
        work.session,
        work.app_id,
        search=search,
        states=states,
        waiting=waiting,
        before=paging.after(work, cursor),
        limit=paging.checked(limit),
    )
    shown = {row.id: row for row in rows(work, found[:limit])}
    return paging.page(work, found, limit, lambda c: c.id, lambda c: shown[public(work, c)])


def state_counts(work: Work) -> dict[str, int]:
    """How many campaigns are in each state: the numbers on the list's filter chips."""
    return queries.state_counts(work.session, work.app_id)


def update(work: Work, campaign_id: str, changes: Mapping[str, Any], *, version: int | None = None) -> CampaignDetail:
    """Saves changed top-level fields of a campaign that has not begun, or repeats: then later runs follow them.

    Raises `Stale` when `version` is not the newest: somebody else has saved in between.
    """
    campaign = find(work, campaign_id)
    _changeable(campaign)
    approvals.check_changeable(work, campaign)
    if version is not None and version != campaign.version:
        raise _stale(campaign, changes)
    checked = definition.to_json(definition.parse({**campaign.definition, **changes}))
    revisions.check_references(work, checked)
    occasions.begin_due(work, campaign)
    _changeable(campaign)
    before = campaign.definition["schedule"]
    campaign.definition = checked
    campaign.name = checked["name"]
    campaign.version += 1
    campaign.updated_at = work.now
    if campaign.state != CampaignState.DRAFT:
        launching.relaunch(work, campaign, before)
        audit.record(work, "campaign.change", campaign_id, name=campaign.name, version=campaign.version)
    work.session.flush()
    return detail(work, campaign)


def _stale(campaign: Campaign, changes: Mapping[str, Any]) -> Stale:
    """Names each field that the late save would have made another, with what is saved now."""
    saved = campaign.definition
    wanted = {**saved, **changes}
    with contextlib.suppress(Invalid):  # what cannot be read is compared as it was sent
        wanted = definition.to_json(definition.parse(wanted))
    paths = clashes.differing(saved, wanted)
    wrong = [FieldError(clashes.field_of(path, saved), clashes.DIFFERS) for path in paths]
    return Stale(wrong, campaign.version, saved)


def _changeable(campaign: Campaign) -> None:
    in_state(campaign, "change", (*EDITABLE, *GOING_ON) if campaign.repeats else EDITABLE)


def delete(work: Work, campaign_id: str) -> None:
    """Removes a draft for good; what has been launched is archived instead."""
    campaign = find(work, campaign_id)
    if campaign.state in ENDED:
        archive(work, campaign_id)
        return
    in_state(campaign, "delete", (*DELETABLE, *ENDED))
    audit.record(work, "campaign.delete", campaign_id, name=campaign.name)
    audience = campaign.definition["audience"]
    work.session.delete(campaign)
    work.session.flush()
    segment_shelf.forget_own(work, audience)


def archive(work: Work, campaign_id: str) -> CampaignDetail:
    """Takes an ended campaign out of the list; its numbers stay."""
    campaign = find(work, campaign_id)
    in_state(campaign, "archive", ENDED)
    campaign.state, campaign.archived_at = CampaignState.ARCHIVED, work.now
    audit.record(work, "campaign.archive", campaign_id)
    work.session.flush()
    return detail(work, campaign)


def duplicate(work: Work, campaign_id: str) -> CampaignDetail:
    """A new draft with the same definition; a date of its own it does not keep, and would be sent now."""
    campaign = find(work, campaign_id)
    copied = copy.deepcopy(campaign.definition)
    copied["name"] = copied["name"][: 200 - len(COPY_SUFFIX)] + COPY_SUFFIX
    if not schedule.repeats(copied["schedule"]["kind"]):
        copied["schedule"] = {"kind": "now"}
    return create(work, copied)
