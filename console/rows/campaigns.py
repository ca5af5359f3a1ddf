"""A campaign as a line of a list, with its live progress."""

from dataclasses import dataclass
from datetime import datetime

from backend.domain import schedule_words
from backend.domain.vocabulary import ApprovalState, CampaignState, PauseReason
from backend.services.approvals import CHANGED
from backend.services.campaigns import CampaignRow
from backend.services.progress import Progress
from console import routes, words
from console.words import NEVER, When

LIVE = (CampaignState.RUNNING, CampaignState.PAUSED)
REPEATING = (CampaignState.ACTIVE, CampaignState.PAUSED)
ASKED = (ApprovalState.ASKED, ApprovalState.APPROVED, ApprovalState.DECLINED, CHANGED)
AT_ONCE = schedule_words.in_words({"kind": "now"})


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """How far a run is, in words; `percent` is of the audience."""

    shown: bool = False
    waiting: bool = False
    percent: float = 0.0
    done: str = ""
    rate: str = ""
    held: str = ""
    left: str = ""
    detail: str = ""


NO_PROGRESS = ProgressLine()


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign in a list. `moment` says what happened last or comes next, and `when`.

    `pause` says why it stands still and what to do; `pause_reason` who or what stopped it;
    `failed` is where its failed deliveries are listed. `schedule` says when one goes out that is not sent at once,
    `about` that and to whom. `approval` is how far the question whether a draft may be launched has come.
    """

    id: str = ""
    name: str = ""
    href: str = routes.CAMPAIGNS
    state: str = CampaignState.DRAFT
    audience: str = ""
    repeats: bool = False
    schedule: str = ""
    about: str = ""
    moment: str = ""
    when: When = NEVER
    by: str = ""
    pause: str = ""
    pause_reason: str = ""
    failed: str = ""
    progress: ProgressLine = NO_PROGRESS
    accepted: str = words.NOTHING
    opened: str = words.NOTHING
    opened_hint: str = ""
    approval: str = ""


NO_LINE = CampaignLine()
FIRST_CLOCKS = "First clocks"
_NEXT = {
    PauseReason.CREDENTIAL: "The send goes on by itself once the credential works again. Resume tries it at once.",
}


def line(row: CampaignRow, zone: str, now: datetime) -> CampaignLine:
    """The list's line of a campaign."""
    moment, at = _moment(row)
    progress = row.progress
    approval = row.approval if row.approval in ASKED else ""
    schedule = "" if row.schedule_text == AT_ONCE else row.schedule_text
    return CampaignLine(
        id=row.id,
        name=row.name,
        href=_place(row, approval),
        state=row.state,
        audience=row.audience_text,
        repeats=row.repeats,
        schedule=schedule,
        about=" · ".join(filter(None, (row.audience_text, schedule))),
        moment=moment,
        when=words.when(at, zone, now),
        by=_person(row.created_by),
        pause=" ".join(filter(None, (row.pause_detail, _NEXT.get(row.pause_reason or "")))),
        pause_reason=row.pause_reason or "",
        failed=routes.deliveries(campaign_id=row.id, state="failed") if progress and progress.failed else "",
        progress=progress_line(progress, live=is_live(row)),
        accepted=words.number(progress.accepted) if progress else words.NOTHING,
        opened=words.percent(progress.opened, progress.accepted) if progress else words.NOTHING,
        opened_hint=words.share(progress.opened, progress.accepted, "accepted") if progress else "",
        approval=approval,
    )


def _place(row: CampaignRow, approval: str) -> str:
    """A draft opens in the composer, where there is something to answer or to read of an answer: at that."""
    if row.state != CampaignState.DRAFT:
        return routes.campaign(row.id)
    return routes.edit_campaign(row.id, step="launch" if approval else "")


def is_live(row: CampaignRow) -> bool:
    """Whether something of it is on its way now."""
    if row.repeats:
        return row.state in REPEATING and row.progress is not None and row.progress.open > 0
    return row.state in LIVE


def _moment(row: CampaignRow) -> tuple[str, datetime | None]:
    if row.state in REPEATING and row.repeats:
        return (
            (FIRST_CLOCKS if row.own_clocks else "Next", row.due_at)
            if row.due_at
            else ("Listening since", row.launched_at)
        )
    known = {
        CampaignState.SCHEDULED: (FIRST_CLOCKS if row.own_clocks else "Goes out", row.due_at),
        CampaignState.FINISHED: ("Finished", row.finished_at),
        CampaignState.CANCELLED: ("Cancelled", row.finished_at),
    }
    return known.get(CampaignState(row.state)) or (
        ("Launched", row.launched_at) if row.launched_at else ("Edited", row.updated_at)
    )


def _person(actor: str) -> str:
    return actor.removeprefix("member ")


def progress_line(progress: Progress | None, *, live: bool) -> ProgressLine:
    """The bar of a run that is on its way; hidden for one that is over."""
    if progress is None or not live:
        return NO_PROGRESS
    waiting = not progress.planned
    left = words.duration(progress.remaining_seconds)
    moving = progress.remaining_seconds is not None
    return ProgressLine(
        shown=True,
        waiting=waiting,
        percent=round(100 * progress.done / progress.audience, 1) if progress.audience else 0.0,
        done="Gathering the audience"
        if waiting
        else f"{words.number(progress.done)} of {words.number(progress.audience)}",
        rate=words.per_second(progress.per_second) if moving else "",
        held=f"held to {words.number(throttle)} a minute" if (throttle := progress.throttle_per_minute) else "",
        left=f"{left} left" if moving else "",
        detail=f"{words.number(progress.accepted)} accepted, {words.number(progress.failed)} failed, {words.number(progress.skipped)} skipped",
    )
