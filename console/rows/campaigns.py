"""A campaign as a line of a list, with its live progress."""

from dataclasses import dataclass
from datetime import datetime

from backend.domain.vocabulary import CampaignState, PauseReason
from backend.services.campaigns import CampaignRow
from backend.services.progress import Progress
from console import routes, words
from console.words import NEVER, When

LIVE = (CampaignState.RUNNING, CampaignState.PAUSED)


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
    `failed` is where its failed deliveries are listed.
    """

    id: str = ""
    name: str = ""
    href: str = routes.CAMPAIGNS
    state: str = CampaignState.DRAFT
    audience: str = ""
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


NO_LINE = CampaignLine()
_NEXT = {
    PauseReason.CREDENTIAL: "The send goes on by itself once the credential works again. Resume tries it at once.",
}


def line(row: CampaignRow, zone: str, now: datetime) -> CampaignLine:
    """The list's line of a campaign."""
    moment, at = _moment(row)
    progress = row.progress
    return CampaignLine(
        id=row.id,
        name=row.name,
        href=routes.edit_campaign(row.id) if row.state == CampaignState.DRAFT else routes.campaign(row.id),
        state=row.state,
        audience=row.audience_text,
        moment=moment,
        when=words.when(at, zone, now),
        by=_person(row.created_by),
        pause=" ".join(filter(None, (row.pause_detail, _NEXT.get(row.pause_reason or "")))),
        pause_reason=row.pause_reason or "",
        failed=routes.deliveries(campaign_id=row.id, state="failed") if progress and progress.failed else "",
        progress=progress_line(progress, live=row.state in LIVE),
        accepted=words.number(progress.accepted) if progress else words.NOTHING,
        opened=words.percent(progress.opened, progress.accepted) if progress else words.NOTHING,
        opened_hint=words.share(progress.opened, progress.accepted, "accepted") if progress else "",
    )


def _moment(row: CampaignRow) -> tuple[str, datetime | None]:
    if row.state == CampaignState.SCHEDULED:
        return "Goes out", row.due_at
    if row.state == CampaignState.FINISHED:
        return "Finished", row.finished_at
    if row.state == CampaignState.CANCELLED:
        return "Cancelled", row.finished_at
    if row.launched_at is not None:
        return "Launched", row.launched_at
    return "Edited", row.updated_at


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
