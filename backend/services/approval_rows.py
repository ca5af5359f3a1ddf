"""The question whether a draft may be launched, as it is shown, and whether it is still about the same draft."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.db import Work
from backend.domain.vocabulary import ApprovalState, CampaignState
from backend.errors import Invalid, NotFound
from backend.models import Approval, Campaign
from backend.queries import approvals as queries
from backend.queries import campaigns
from backend.services import ids, revisions

CHANGED = "changed"
"""Beside the states: it was asked or approved, and the draft is another one now."""


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """One question and its answer. `changed` says that the draft is no longer what was asked about, so that an answer
    counts for nothing; `devices` is how many the audience had when it was asked.
    """

    id: str
    state: ApprovalState
    changed: bool
    devices: int
    note: str
    asked_by: str
    asked_at: datetime
    answer: str
    answered_by: str | None
    answered_at: datetime | None


def row(work: Work, found: Approval, now_hash: str | None) -> ApprovalRow:
    return ApprovalRow(
        id=ids.public(work, ids.APPROVAL, found.id),
        state=ApprovalState(found.state),
        changed=found.content_hash != now_hash,
        devices=found.audience,
        note=found.note,
        asked_by=found.asked_by,
        asked_at=found.asked_at,
        answer=found.answer,
        answered_by=found.answered_by,
        answered_at=found.answered_at,
    )


def content_hash(work: Work, campaign: Campaign) -> str | None:
    """What a launch now would freeze, in short; None while something that it names is gone."""
    try:
        return revisions.freeze(work, campaign.definition)[1]
    except (Invalid, NotFound):
        return None


def is_required(work: Work) -> bool:
    """Whether this app's launches are approved by a second member."""
    return campaigns.app(work.session, work.app_id).approval_required


def standings(work: Work, found: Sequence[Campaign]) -> dict[int, str]:
    """How far each draft's newest question has come: an `ApprovalState` or `CHANGED`, by the campaign's number.

    Those that nobody has asked about are left out, and all of them where no launch needs an approval.
    """
    drafts = {one.id: one for one in found if one.state == CampaignState.DRAFT}
    newest = queries.newest(work.session, list(drafts)) if drafts and is_required(work) else {}
    return {number: _standing(work, drafts[number], last) for number, last in newest.items()}


def _standing(work: Work, campaign: Campaign, last: Approval) -> str:
    stands = last.state in (ApprovalState.ASKED, ApprovalState.APPROVED)
    return CHANGED if stands and content_hash(work, campaign) != last.content_hash else last.state
