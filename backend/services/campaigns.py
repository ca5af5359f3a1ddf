"""Campaigns: drafted, launched, watched, stopped."""

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.domain import schedule
from backend.domain.vocabulary import CampaignState, HeldKind, PauseReason, RunState
from backend.errors import Conflict, FieldError, Invalid, NotFound, WrongState
from backend.models import Campaign, Revision, Run, Variant
from backend.queries import campaigns as queries
from backend.services import (
    apps,
    audit,
    content,
    definition,
    holds,
    ids,
    segment_shelf,
    segmentation,
    templates,
    topic_audience,
)
from backend.services import page as paging
from backend.services.page import Page
from backend.services.progress import Progress, of_runs

EDITABLE = (CampaignState.DRAFT, CampaignState.SCHEDULED)
DELETABLE = (CampaignState.DRAFT,)
ENDED = (CampaignState.FINISHED, CampaignState.CANCELLED)
COPY_SUFFIX = " (copy)"


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in a list; `progress` is that of its newest run."""

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


@dataclass(frozen=True, slots=True)
class CampaignDetail:
    """A campaign with its whole definition.

    `version` is what a save must name to be sure of its ground, `revision` the number of what was launched.
    """

    row: CampaignRow
    definition: dict[str, Any]
    version: int
    revision: int | None


def create(work: Work, data: Mapping[str, Any]) -> CampaignDetail:
    """A new draft. Raises `Invalid` naming each wrong field."""
    checked = definition.to_json(definition.parse(data))
    _check_references(work, checked)
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
    audit.record(work, "campaign.create", _public(work, campaign), name=campaign.name)
    return _detail(work, campaign)


def get(work: Work, campaign_id: str) -> CampaignDetail:
    """One campaign. Raises `NotFound`."""
    return _detail(work, find(work, campaign_id, lock=False))


def listing(
    work: Work, *, search: str = "", state: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[CampaignRow]:
    """Campaigns, newest first, with live progress of their newest run."""
    states = [state] if state else []
    found = queries.listing(
        work.session,
        work.app_id,
        search=search,
        states=states,
        before=paging.after(work, cursor),
        limit=paging.checked(limit),
    )
    rows = {row.id: row for row in _rows(work, found[:limit])}
    return paging.page(work, found, limit, lambda c: c.id, lambda c: rows[_public(work, c)])


def state_counts(work: Work) -> dict[str, int]:
    """How many campaigns are in each state: the numbers on the list's filter chips."""
    return queries.state_counts(work.session, work.app_id)


def update(work: Work, campaign_id: str, changes: Mapping[str, Any], *, version: int | None = None) -> CampaignDetail:
    """Saves changed top-level fields of a draft or scheduled campaign.

    Raises `Conflict` when `version` is not the newest: somebody else has saved in between.
    """
    campaign = find(work, campaign_id)
    _in_state(campaign, "change", EDITABLE)
    if version is not None and version != campaign.version:
        raise Conflict("Somebody else has saved this campaign since you opened it. Reload to see their version.")
    checked = definition.to_json(definition.parse({**campaign.definition, **changes}))
    _check_references(work, checked)
    campaign.definition = checked
    campaign.name = checked["name"]
    campaign.version += 1
    campaign.updated_at = work.now
    if campaign.state == CampaignState.SCHEDULED:
        campaign.revision_id = _revise(work, campaign).id
        campaign.due_at = schedule.due(checked["schedule"], work.now).at
    work.session.flush()
    return _detail(work, campaign)


def delete(work: Work, campaign_id: str) -> None:
    """Removes a draft for good; what has been launched is archived instead."""
    campaign = find(work, campaign_id)
    if campaign.state in ENDED:
        archive(work, campaign_id)
        return
    _in_state(campaign, "delete", (*DELETABLE, *ENDED))
    audit.record(work, "campaign.delete", campaign_id, name=campaign.name)
    audience = campaign.definition["audience"]
    work.session.delete(campaign)
    work.session.flush()
    segment_shelf.forget_own(work, audience)


def archive(work: Work, campaign_id: str) -> CampaignDetail:
    """Takes an ended campaign out of the list; its numbers stay."""
    campaign = find(work, campaign_id)
    _in_state(campaign, "archive", ENDED)
    campaign.state, campaign.archived_at = CampaignState.ARCHIVED, work.now
    audit.record(work, "campaign.archive", campaign_id)
    work.session.flush()
    return _detail(work, campaign)


def duplicate(work: Work, campaign_id: str) -> CampaignDetail:
    """A new draft with the same definition, to be sent now unless changed."""
    campaign = find(work, campaign_id)
    copied = copy.deepcopy(campaign.definition)
    copied["name"] = copied["name"][: 200 - len(COPY_SUFFIX)] + COPY_SUFFIX
    copied["schedule"] = {"kind": "now"}
    return create(work, copied)


def launch(work: Work, campaign_id: str, *, expected_audience: int | None = None) -> CampaignDetail:
    """Freezes the definition as a revision and starts it, or schedules it for its time.

    `expected_audience` is the count that a person has confirmed; when the audience has moved by more
    than max(100, 2 %) since, nothing is launched.
    """
    campaign = find(work, campaign_id)
    _in_state(campaign, "launch", (CampaignState.DRAFT,))
    check_launchable(work, campaign.definition)
    size = segmentation.audience_size(work, campaign.definition["audience"]).devices
    if expected_audience is not None and abs(size - expected_audience) > max(100, expected_audience * 0.02):
        raise Conflict(f"The audience is now {size} devices, not the {expected_audience} that were confirmed.")
    due = schedule.due(campaign.definition["schedule"], work.now)
    campaign.revision_id = _revise(work, campaign).id
    campaign.launched_at, campaign.due_at = work.now, due.at
    campaign.state = CampaignState.RUNNING if due.immediate else CampaignState.SCHEDULED
    work.session.flush()
    if due.immediate:
        _start(work, campaign, due.at, estimate=size)
    audit.record(work, "campaign.launch", campaign_id, name=campaign.name, devices=size)
    return _detail(work, campaign)


def awaited(work: Work) -> tuple[bool, bool]:
    """Whether a scheduled campaign's time has come, and whether a run waits for its plan; takes no lock."""
    return queries.awaited(work.session, work.now)


def tick(work: Work) -> int:
    """Starts scheduled campaigns whose time has come; how many were started."""
    due = queries.due_campaigns(work.session, work.now)
    for campaign in due:
        _start_due(work.within(campaign.app_id), campaign)
    return len(due)


def _start_due(work: Work, campaign: Campaign) -> None:
    assert campaign.due_at is not None
    verdict = schedule.lateness(campaign.due_at, work.now, campaign.definition.get("late"))
    if verdict is schedule.Lateness.SKIP:
        campaign.state, campaign.finished_at = CampaignState.CANCELLED, work.now
        audit.record(work, "campaign.missed", _public(work, campaign), due_at=campaign.due_at.isoformat())
        return
    run = _start(work, campaign, campaign.due_at)
    campaign.state = CampaignState.RUNNING
    if verdict is schedule.Lateness.ASK:
        late = (
            f"It was due at {campaign.due_at:%Y-%m-%d %H:%M} UTC, when Tocsin was not running. Resume to send it now."
        )
        run.state, run.pause_reason, run.pause_detail = RunState.PAUSED, PauseReason.MEMBER, late
        campaign.state = CampaignState.PAUSED


def pause(work: Work, campaign_id: str) -> CampaignDetail:
    """Stops sending after the group that is on the network now; what is planned stays planned."""
    campaign = find(work, campaign_id)
    _in_state(campaign, "pause", (CampaignState.RUNNING,))
    run = queries.open_run(work.session, campaign.id)
    if run is not None and run.state != RunState.PAUSED:
        run.state, run.pause_reason, run.pause_detail = RunState.PAUSED, PauseReason.MEMBER, None
        run.activity_at = work.now
    campaign.state = CampaignState.PAUSED
    audit.record(work, "campaign.pause", campaign_id)
    work.session.flush()
    return _detail(work, campaign)


def resume(work: Work, campaign_id: str) -> CampaignDetail:
    """Goes on where the pause began."""
    campaign = find(work, campaign_id)
    _in_state(campaign, "resume", (CampaignState.PAUSED,))
    run = queries.open_run(work.session, campaign.id)
    campaign.state = CampaignState.RUNNING
    if run is not None:
        _resume_run(work, run)
    audit.record(work, "campaign.resume", campaign_id)
    work.session.flush()
    return _detail(work, campaign)


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
    _in_state(campaign, "cancel", (CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED))
    run = queries.open_run(work.session, campaign.id)
    if run is not None:
        run.state, run.finished_at, run.activity_at = RunState.CANCELLED, work.now, work.now
        run.pause_reason = run.pause_detail = None
        run.planned_at = run.planned_at or work.now
    campaign.state, campaign.finished_at = CampaignState.CANCELLED, work.now
    work.session.flush()
    audit.record(work, "campaign.cancel", campaign_id)
    return _detail(work, campaign)


def start_run(work: Work, campaign: Campaign, revision_id: int, *, kind: str, occasion: str) -> Run:
    """A run of an API message or a test, planned like any other."""
    run = Run(
        app_id=work.app_id,
        campaign_id=campaign.id,
        revision_id=revision_id,
        occasion=occasion,
        kind=kind,
        due_at=work.now,
        created_at=work.now,
        activity_at=work.now,
    )
    work.session.add(run)
    work.session.flush()
    return run


def _start(work: Work, campaign: Campaign, due_at: datetime, estimate: int | None = None) -> Run:
    run = start_run(work, campaign, campaign.revision_id or 0, kind="send", occasion="once")
    run.due_at, run.estimate = due_at, estimate
    run.throttle_per_minute = campaign.definition.get("throttle_per_minute")
    if (not_after := campaign.definition.get("not_after")) is not None:
        run.not_after = datetime.fromisoformat(not_after)
    work.session.flush()
    return run


def freeze(work: Work, data: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The definition as it would be launched, templates and segments copied into it, and its hash."""
    frozen = copy.deepcopy(dict(data))
    for variant in frozen["variants"]:
        if variant.get("template_id"):
            variant["content"] = templates.content_of(work, variant["template_id"])
    frozen["audience"] = segmentation.freeze(work, frozen["audience"])
    return frozen, hashlib.sha256(json.dumps(frozen, sort_keys=True).encode()).hexdigest()


def revise(work: Work, campaign: Campaign, data: Mapping[str, Any]) -> Revision:
    """The immutable revision with exactly this definition."""
    frozen, digest = freeze(work, data)
    known = queries.same_revision(work.session, campaign.id, digest)
    return known or _new_revision(work, campaign, frozen, digest)


def _new_revision(work: Work, campaign: Campaign, frozen: dict[str, Any], digest: str) -> Revision:
    revision = Revision(
        campaign_id=campaign.id,
        number=queries.next_revision_number(work.session, campaign.id),
        definition=frozen,
        content_hash=digest,
        created_at=work.now,
        created_by=str(work.actor),
    )
    work.session.add(revision)
    work.session.flush()
    for position, variant in enumerate(frozen["variants"]):
        named = {"name": variant["name"], "weight": variant["weight"], "content": variant["content"]}
        work.session.add(Variant(revision_id=revision.id, position=position, **named))
    work.session.flush()
    return revision


def _revise(work: Work, campaign: Campaign) -> Revision:
    return revise(work, campaign, campaign.definition)


def find(work: Work, campaign_id: str, *, lock: bool = True) -> Campaign:
    """The campaign's row, locked to be changed. Raises `NotFound`."""
    found = queries.find(work.session, work.app_id, ids.number(work, ids.CAMPAIGN, campaign_id), lock=lock)
    if found is None:
        raise NotFound(f"There is no campaign {campaign_id}.")
    return found


def _public(work: Work, campaign: Campaign) -> str:
    return ids.public(work, ids.CAMPAIGN, campaign.id)


def _in_state(campaign: Campaign, verb: str, allowed: Sequence[str]) -> None:
    if campaign.state not in allowed:
        raise WrongState(verb, campaign.state, allowed)


def _check_references(work: Work, data: Mapping[str, Any]) -> None:
    """What the definition names must exist in this app."""
    slugs = [category.slug for category in apps.list_categories(work)]
    if data["category"] not in slugs:
        raise Invalid("category", f"is not a category of this app; it has {', '.join(slugs)}")
    for position, variant in enumerate(data["variants"]):
        if variant.get("template_id"):
            _template_exists(work, variant["template_id"], f"variants[{position}].template_id")
    segmentation.audience_where(work, data["audience"])


def _template_exists(work: Work, template_id: str, field: str) -> None:
    try:
        templates.content_of(work, template_id)
    except NotFound as error:
        raise Invalid(field, "is not a template of this app") from error


def check_launchable(work: Work, data: Mapping[str, Any]) -> None:
    """Checked again at launch: segments, templates and categories may have gone since the draft was saved."""
    check_content(work, data)
    topic_audience.check_reachable(work, data["audience"].get("topics") or (), "audience.topics")
    due = schedule.due(data["schedule"], work.now)
    if not due.immediate and due.at < work.now:
        raise Invalid("schedule.at", "has passed; choose a time to come, or send it now")
    not_after = data.get("not_after")
    if not_after and datetime.fromisoformat(not_after) <= max(due.at, work.now):
        raise Invalid("not_after", "is before the send would begin")


def check_content(work: Work, data: Mapping[str, Any]) -> None:
    """What a test send needs as well: everything named exists, and there is something to say."""
    definition.parse(data)
    _check_references(work, data)
    _says_something(work, data["variants"])


def _says_something(work: Work, variants: Sequence[Mapping[str, Any]]) -> None:
    """A push that shows nothing is a mistake unless it is silent on purpose."""
    wrong: list[FieldError] = []
    for position, variant in enumerate(variants):
        text = templates.content_of(work, variant["template_id"]) if variant.get("template_id") else variant["content"]
        wrong += content.wordless(text, f"variants[{position}].content")
    if wrong:
        raise Invalid(wrong)


def _detail(work: Work, campaign: Campaign) -> CampaignDetail:
    revision = queries.revision_number(work.session, campaign.revision_id) if campaign.revision_id else None
    return CampaignDetail(_rows(work, [campaign])[0], dict(campaign.definition), campaign.version, revision)


def _rows(work: Work, found: Sequence[Campaign]) -> list[CampaignRow]:
    runs = queries.latest_runs(work.session, [campaign.id for campaign in found])
    progress = of_runs(work, list(runs.values()))
    return [_row(work, campaign, runs.get(campaign.id), progress) for campaign in found]


def _row(work: Work, campaign: Campaign, run: Run | None, progress: Mapping[int, Progress]) -> CampaignRow:
    return CampaignRow(
        id=_public(work, campaign),
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
        progress=progress.get(run.id) if run else None,
    )
