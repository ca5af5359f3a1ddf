"""A second member's word before a launch, in apps that want one.

A question is about exactly one definition: its hash is that of what a launch would freeze, templates and segments
included. Whatever changes it makes an approval void, and putting it back makes it valid again. Members answer, in the
console; keys may ask, and launch what has been approved.
"""

from dataclasses import dataclass

from backend.db import Work
from backend.domain.content import clean
from backend.domain.vocabulary import ApprovalState, CampaignState, Role
from backend.errors import Conflict, Invalid, NotAllowed, NotFound
from backend.models import Approval, Campaign
from backend.queries import accounts
from backend.queries import approvals as queries
from backend.services import audit, ids, revisions, segmentation
from backend.services.approval_rows import CHANGED, ApprovalRow, content_hash, is_required, row, standings
from backend.services.campaign_rows import find, in_state, public

__all__ = [
    "CHANGED", "ApprovalRow", "Approvals", "approve", "ask", "check_changeable", "decline", "of", "required",
    "standings", "waiting", "withdraw",
]  # fmt: skip

MAX_TEXT = 1000
STANDING = (ApprovalState.ASKED, ApprovalState.APPROVED)
ASK = "In this app a second member approves each launch: ask for approval."
WAITS = "It waits for the approval of a second member."
CHANGED_SINCE = "It has changed since it was {}: ask for approval again."


@dataclass(frozen=True, slots=True)
class Approvals:
    """What was asked and answered about a campaign, newest first.

    `blocked` says why it may not be launched yet, None when it may, and `fixed` why what has been launched cannot be
    changed; `approvers` are the addresses of the members who
    may answer the newest question (or would, if whoever looks asked now), `may_answer` whether whoever looks is one.
    """

    required: bool
    blocked: str | None
    fixed: str | None
    approvers: tuple[str, ...]
    may_answer: bool
    history: tuple[ApprovalRow, ...]


def of(work: Work, campaign_id: str) -> Approvals:
    """Everything about a campaign's approval. Raises `NotFound`."""
    campaign = find(work, campaign_id, lock=False)
    now_hash = content_hash(work, campaign)
    found = queries.history(work.session, campaign.id)
    open_one = found[0] if found and found[0].state == ApprovalState.ASKED else None
    asked_by = open_one.asked_by if open_one else str(work.actor)
    approvers = _approvers(work, campaign, asked_by)
    return Approvals(
        required=is_required(work),
        blocked=required(work, campaign, now_hash) if campaign.state == CampaignState.DRAFT else None,
        fixed=_fixed(work, campaign),
        approvers=tuple(approvers.values()),
        may_answer=open_one is not None and work.actor.kind == "member" and work.actor.id in approvers,
        history=tuple(row(work, one, now_hash) for one in found),
    )


def waiting(work: Work) -> int:
    """How many drafts of this app wait for an answer; none where no launch needs one."""
    return queries.waiting(work.session, work.app_id) if is_required(work) else 0


def required(work: Work, campaign: Campaign, frozen_hash: str | None = None) -> str | None:
    """Why a launch must wait, None when it may go.

    Call it with the campaign locked, and with the hash of what is launched where that is known already: another
    template or segment may be saved between two looks.
    """
    if not is_required(work):
        return None
    last = queries.newest(work.session, [campaign.id]).get(campaign.id)
    if last is None or last.state == ApprovalState.WITHDRAWN:
        return ASK
    if last.state == ApprovalState.DECLINED:
        return f"{_name(last.answered_by)} declined to approve it: “{last.answer}” Change it and ask again."
    if last.content_hash != (frozen_hash or content_hash(work, campaign)):
        return CHANGED_SINCE.format("approved" if last.state == ApprovalState.APPROVED else "asked about")
    return WAITS if last.state == ApprovalState.ASKED else None


def check_changeable(work: Work, campaign: Campaign) -> None:
    """What goes out later goes out as it was approved. Raises `Conflict` for anything but a draft."""
    if wrong := _fixed(work, campaign):
        raise Conflict(wrong)


def _fixed(work: Work, campaign: Campaign) -> str | None:
    if campaign.state == CampaignState.DRAFT or not is_required(work):
        return None
    way = "Duplicate it, have the copy approved and launched, and cancel this one."
    if campaign.state == CampaignState.SCHEDULED:
        way = "Unschedule it, change the draft, and ask for approval again."
    return f"In this app a launch is approved by a second member, exactly as it is. {way}"


def ask(work: Work, campaign_id: str, note: str = "") -> Approvals:
    """Asks the other members whether this draft, as it is now, may be launched; an earlier question is withdrawn.

    Raises `Conflict` where nothing is to be asked, `Invalid` while it could not be launched anyway.
    """
    campaign = find(work, campaign_id)
    in_state(campaign, "ask for approval", (CampaignState.DRAFT,))
    if not is_required(work):
        raise Conflict("Launches of this app need no approval.")
    revisions.check_launchable(work, campaign.definition)
    now_hash = revisions.freeze(work, campaign.definition)[1]
    _make_way(work, campaign, now_hash)
    question = Approval(
        app_id=work.app_id,
        campaign_id=campaign.id,
        content_hash=now_hash,
        audience=segmentation.audience_size(work, campaign.definition["audience"]).devices,
        note=_text(note, "note"),
        asked_by=str(work.actor),
        asked_at=work.now,
    )
    work.session.add(question)
    work.session.flush()
    audit.record(work, "approval.ask", campaign_id, name=campaign.name, devices=question.audience)
    return of(work, campaign_id)


def _make_way(work: Work, campaign: Campaign, now_hash: str) -> None:
    """One question at a time: what stands for the same draft stays, what stands for another one ends."""
    last = queries.newest(work.session, [campaign.id]).get(campaign.id)
    if last is None or last.state not in STANDING:
        return
    if last.content_hash == now_hash:
        asked = last.state == ApprovalState.ASKED
        raise Conflict("It has been asked already, and nothing has changed since." if asked else "It is approved.")
    _settle(work, last, ApprovalState.WITHDRAWN, "")


def withdraw(work: Work, campaign_id: str) -> Approvals:
    """Takes the question back, or an approval that has not been used. Raises `Conflict` when there is none."""
    campaign = find(work, campaign_id)
    in_state(campaign, "withdraw an approval", (CampaignState.DRAFT,))
    last = queries.newest(work.session, [campaign.id]).get(campaign.id)
    if last is None or last.state not in STANDING:
        raise Conflict("There is no question to withdraw.")
    _settle(work, last, ApprovalState.WITHDRAWN, "")
    audit.record(work, "approval.withdraw", campaign_id, name=campaign.name)
    return of(work, campaign_id)


def approve(work: Work, approval_id: str, comment: str = "", *, version: int | None = None) -> Approvals:
    """A second member's yes to exactly what was asked about, and to the draft's `version` that they have looked at.

    Raises `NotAllowed` for whoever may not answer, `Conflict` when it was answered, or the draft has changed.
    """
    question, campaign = _open(work, approval_id)
    if version is not None and version != campaign.version:
        raise Conflict("It has been saved since you opened it: reload the page to see what you would approve.")
    if content_hash(work, campaign) != question.content_hash:
        raise Conflict(CHANGED_SINCE.format("asked about"))
    return _answered(work, question, campaign, ApprovalState.APPROVED, _text(comment, "comment"))


def decline(work: Work, approval_id: str, comment: str) -> Approvals:
    """A second member's no, with what would have to change. Raises as `approve` does, and `Invalid` without a word."""
    question, campaign = _open(work, approval_id)
    text = _text(comment, "comment")
    if not text:
        raise Invalid("comment", "say what would have to change")
    return _answered(work, question, campaign, ApprovalState.DECLINED, text)


def _open(work: Work, approval_id: str) -> tuple[Approval, Campaign]:
    """The question, still open, with its campaign locked: two members may answer at the same moment."""
    number = ids.number(work, ids.APPROVAL, approval_id)
    campaign_number = queries.campaign_of(work.session, work.app_id, number)
    if campaign_number is None:
        raise NotFound("There is no such question.")
    campaign = find(work, ids.public(work, ids.CAMPAIGN, campaign_number))
    in_state(campaign, "answer", (CampaignState.DRAFT,))
    question = queries.newest(work.session, [campaign.id])[campaign.id]
    if question.id != number or question.state != ApprovalState.ASKED:
        raise Conflict("This question is no longer open: it was answered, withdrawn or asked anew.")
    if work.actor.kind != "member" or work.actor.id not in _approvers(work, campaign, question.asked_by):
        raise NotAllowed("A second member approves: another one than who asked, with the role of an editor or above.")
    return question, campaign


def _answered(work: Work, question: Approval, campaign: Campaign, state: ApprovalState, text: str) -> Approvals:
    _settle(work, question, state, text)
    verb = "approve" if state == ApprovalState.APPROVED else "decline"
    campaign_id = public(work, campaign)
    audit.record(work, f"approval.{verb}", campaign_id, name=campaign.name, asked_by=question.asked_by)
    return of(work, campaign_id)


def _settle(work: Work, question: Approval, state: ApprovalState, text: str) -> None:
    question.state, question.answer = state, text
    question.answered_by, question.answered_at = str(work.actor), work.now
    work.session.flush()


def _approvers(work: Work, campaign: Campaign, asked_by: str) -> dict[int, str]:
    """Who may answer: editors and above, but not who asked; where a program asked, not who drafted it either."""
    barred = {asked_by} if asked_by.startswith("member ") else {asked_by, campaign.created_by}
    held: dict[int, tuple[str, list[Role]]] = {}
    for member, place, _slug, _seen in accounts.member_rows(work.session, work.app_id):
        if member.disabled_at is None and f"member {member.email}" not in barred:
            held.setdefault(member.id, (member.email, []))[1].append(Role(place.role))
    return {
        number: email for number, (email, roles) in held.items() if any(one.rank >= Role.EDITOR.rank for one in roles)
    }


def _name(actor: str | None) -> str:
    return (actor or "").removeprefix("member ")


def _text(given: str, field: str) -> str:
    text = clean(given).strip()
    if len(text) > MAX_TEXT:
        raise Invalid(field, f"may have at most {MAX_TEXT} characters")
    return text
