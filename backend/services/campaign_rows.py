"""A campaign as it is shown: found, with its state and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.domain import recurrence, schedule_words
from backend.errors import NotFound, WrongState
from backend.models import Campaign, Run
from backend.queries import campaigns as queries
from backend.services import approval_rows, ids, progress, segmentation
from backend.services.progress import Progress


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in a list. Of one that `repeats` (recurs, or answers an event) `due_at` is its next occasion, and
    `progress` adds up its runs; `schedule_text` is its schedule in words. With `own_clocks` it goes out on each
    person's own clock, and `due_at` is when the first of all clocks show its time. `approval` is how far the question
    whether a draft may be launched has come (`approval_rows.standings`).
    """

    id: str
    name: str
    state: str
    category: str
    audience_text: str
    variants: int
    created_at: datetime
    updated_at: datetime
    created_by: str
    due_at: datetime | None
    launched_at: datetime | None
    finished_at: datetime | None
    pause_reason: str | None
    pause_detail: str | None
    progress: Progress | None
    repeats: bool = False
    schedule_text: str = ""
    own_clocks: bool = False
    approval: str | None = None


@dataclass(frozen=True, slots=True)
class CampaignDetail:
    """A campaign with its whole definition.

    `version` is what a save must name to be sure of its ground, `revision` the number of what was launched.
    """

    row: CampaignRow
    definition: dict[str, Any]
    version: int
    revision: int | None


def find(work: Work, campaign_id: str, *, lock: bool = True) -> Campaign:
    """The campaign's row, locked to be changed. Raises `NotFound`."""
    found = queries.find(work.session, work.app_id, ids.number(work, ids.CAMPAIGN, campaign_id), lock=lock)
    if found is None:
        raise NotFound(f"There is no campaign {campaign_id}.")
    return found


def public(work: Work, campaign: Campaign) -> str:
    return ids.public(work, ids.CAMPAIGN, campaign.id)


def in_state(campaign: Campaign, verb: str, allowed: Sequence[str]) -> None:
    """Raises `WrongState` that names the states in which it would work."""
    if campaign.state not in allowed:
        raise WrongState(verb, campaign.state, allowed)


def detail(work: Work, campaign: Campaign) -> CampaignDetail:
    revision = queries.revision_number(work.session, campaign.revision_id) if campaign.revision_id else None
    return CampaignDetail(rows(work, [campaign])[0], dict(campaign.definition), campaign.version, revision)


def rows(work: Work, found: Sequence[Campaign]) -> list[CampaignRow]:
    """The campaigns with live progress: of their newest run, or (those that repeat) of all."""
    newest = queries.latest_runs(work.session, [campaign.id for campaign in found])
    paused = queries.paused_runs(work.session, [campaign.id for campaign in found])
    repeating = [campaign.id for campaign in found if campaign.repeats]
    moving = progress.of_campaigns(work, newest, repeating)
    asked = approval_rows.standings(work, found)
    return [
        _row(work, one, paused.get(one.id) or newest.get(one.id), moving.get(one.id), asked.get(one.id))
        for one in found
    ]


def _row(work: Work, campaign: Campaign, run: Run | None, moving: Progress | None, approval: str | None) -> CampaignRow:
    schedule = campaign.definition["schedule"]
    return CampaignRow(
        id=public(work, campaign),
        name=campaign.name,
        state=campaign.state,
        category=campaign.definition["category"],
        audience_text=segmentation.audience_text(work, campaign.definition["audience"]),
        variants=len(campaign.definition["variants"]),
        created_at=campaign.created_at,
        updated_at=campaign.updated_at,
        created_by=campaign.created_by,
        due_at=campaign.due_at,
        launched_at=campaign.launched_at,
        finished_at=campaign.finished_at,
        pause_reason=run.pause_reason if run else None,
        pause_detail=run.pause_detail if run else None,
        progress=moving,
        repeats=campaign.repeats,
        schedule_text=schedule_words.in_words(schedule),
        own_clocks=schedule["kind"] in ("local_time", "best_hour") or schedule.get("zone") == recurrence.OWN_ZONE,
        approval=approval,
    )
