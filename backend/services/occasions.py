"""One occasion of a campaign becomes one run, and never two.

A campaign's row is locked while its occasion begins, its name is unique among the campaign's runs, and the next
occasion is counted from the last, not from the clock: so a tick may run twice, in two processes, or after a clock
that was put back, and each occasion is still sent once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from backend.db import Work
from backend.domain import schedule
from backend.domain.schedule import Lateness, Occasion
from backend.domain.vocabulary import CampaignState, CategoryKind, PauseReason, Priority, RunState
from backend.models import Campaign, Run
from backend.queries import campaigns as queries
from backend.services import audit, due_times, ids

URGENCY = {Priority.NORMAL: 0, Priority.HIGH: 1}


def start(
    work: Work,
    campaign: Campaign,
    revision_id: int,
    *,
    occasion: str,
    due_at: datetime,
    kind: str = "send",
    timing: Mapping[str, Any] | None = None,
    missed_before: datetime | None = None,
    estimate: int | None = None,
) -> Run:
    """The run of this occasion, to be planned by the next tick; `kind` is send, test or message.

    What it sends, how fast and until when comes from the revision. `timing` says how the due times of its rows
    differ from `due_at` (see `services/due_times.py`); rows due before `missed_before` expire as missed.
    """
    frozen = queries.revision(work.session, revision_id).definition
    category = queries.category(work.session, work.app_id, frozen["category"])
    mandatory = category is not None and category.kind == CategoryKind.MANDATORY
    run = Run(
        app_id=work.app_id,
        campaign_id=campaign.id,
        revision_id=revision_id,
        occasion=occasion,
        kind=kind,
        due_at=due_at,
        missed_before=missed_before,
        timing=spread_over(frozen, timing or {}, kind),
        category_id=category.id if category else None,
        priority=URGENCY[Priority(frozen["priority"])],
        counts=kind != "test" and not mandatory,
        estimate=estimate,
        created_at=work.now,
        activity_at=work.now,
        **({} if kind == "test" else _limits(frozen)),
    )
    work.session.add(run)
    work.session.flush()
    return run


def begin(
    work: Work,
    campaign: Campaign,
    occasion: Occasion,
    *,
    missed_before: datetime | None = None,
    estimate: int | None = None,
) -> Run | None:
    """Starts an occasion's run by the campaign's present revision; None when it has been started before."""
    if campaign.revision_id is None or queries.has_begun(work.session, campaign.id, occasion.name):
        return None
    timing = timing_of(work, occasion)
    if timing.get("past") == "skip":  # whose clock was past the time at the launch is left out
        missed_before = max(filter(None, (missed_before, datetime.fromisoformat(timing["from"]))))
    return start(
        work,
        campaign,
        campaign.revision_id,
        occasion=occasion.name,
        due_at=occasion.begins,
        timing=timing,
        missed_before=missed_before,
        estimate=estimate,
    )


def timing_of(work: Work, occasion: Occasion) -> dict[str, Any]:
    """What the due times of an occasion are made from; with the app's best hour where it takes one."""
    timing = dict(occasion.timing)
    if "date" in timing:
        timing["hour"] = due_times.best_hour(work, queries.app(work.session, work.app_id))
    return timing


def awaited(work: Work) -> tuple[bool, bool]:
    """Whether a campaign's time has come, and whether a run waits for its plan; takes no lock."""
    return queries.awaited(work.session, work.now)


def tick(work: Work) -> int:
    """Begins what is due; how many campaigns had something due."""
    due = queries.due_campaigns(work.session, work.now)
    for campaign in due:
        begin_due(work.within(campaign.app_id), campaign)
    return len(due)


def begin_due(work: Work, campaign: Campaign) -> None:
    """Begins what is due of one campaign, which the caller has locked; nothing when nothing is."""
    if campaign.due_at is None or campaign.due_at > work.now:
        return
    if campaign.state == CampaignState.SCHEDULED:
        _begin_once(work, campaign, campaign.due_at)
    elif campaign.state == CampaignState.ACTIVE:
        _begin_next(work, campaign, campaign.due_at)
    work.session.flush()


def _begin_once(work: Work, campaign: Campaign, due_at: datetime) -> None:
    occasion = schedule.first(campaign.definition["schedule"], campaign.launched_at or due_at)
    assert occasion is not None
    campaign.state = CampaignState.RUNNING
    if not _by_policy(work, campaign, occasion):
        _record_missed(work, campaign, [occasion])
        campaign.state, campaign.finished_at = CampaignState.CANCELLED, work.now


def _begin_next(work: Work, campaign: Campaign, due_at: datetime) -> None:
    """The latest occasion that is due follows the campaign's policy; older ones were missed, and nobody gets two.

    On people's own clocks even an older one goes to those whose time is still to come.
    """
    when = campaign.definition["schedule"]
    due = schedule.overdue(when, due_at, work.now)
    missed = [
        occasion
        for occasion, following in pairwise(due)
        if not _to_the_rest(work, campaign, occasion, following.begins - occasion.begins)
    ]
    if due and not _by_policy(work, campaign, due[-1]):
        missed.append(due[-1])
    if missed:
        _record_missed(work, campaign, missed)
    campaign.due_at = _to_come(campaign.definition, due[-1].begins if due else work.now)
    finish_if_over(work, campaign)


def _to_come(definition: Mapping[str, Any], begun: datetime) -> datetime | None:
    """When the next occasion begins after this one; None when that was the last, or the next is past the last moment."""
    found, not_after = schedule.after(definition["schedule"], begun), definition.get("not_after")
    over = found is not None and not_after is not None and found > datetime.fromisoformat(not_after)
    return None if over else found


def _by_policy(work: Work, campaign: Campaign, occasion: Occasion) -> bool:
    """Begins an occasion that is due, late or not; whether any of it is sent."""
    late = campaign.definition.get("late")
    verdict = schedule.lateness(occasion.begins, work.now, late)
    if verdict is Lateness.SKIP:
        return _to_the_rest(work, campaign, occasion)
    run = begin(work, campaign, occasion)
    if run is not None and verdict is Lateness.ASK:
        run.state, run.pause_reason = RunState.PAUSED, PauseReason.MEMBER
        run.pause_detail = (
            f"It was due at {occasion.begins:%Y-%m-%d %H:%M} UTC and could not begin then. Resume to send it now."
        )
        campaign.state = CampaignState.PAUSED
    return True


def _to_the_rest(work: Work, campaign: Campaign, occasion: Occasion, apart: timedelta = timedelta.max) -> bool:
    """Begins a late occasion for those whose own time is not missed yet; whether there can be any.

    The next occasion comes `apart` from it: those for whom that one has come too get that one only.
    """
    missed_before = work.now - min(apart, schedule.grace(campaign.definition.get("late")))
    if occasion.ends <= missed_before:
        return False
    begin(work, campaign, occasion, missed_before=missed_before)
    return True


def _record_missed(work: Work, campaign: Campaign, missed: Sequence[Occasion]) -> None:
    span = {"due_at": missed[0].begins.isoformat(), "until": missed[-1].begins.isoformat()}
    name = ids.public(work, ids.CAMPAIGN, campaign.id)
    audit.record(work, "campaign.missed", name, occasions=len(missed), **span)


def finish_if_over(work: Work, campaign: Campaign) -> None:
    """Ends a recurring campaign whose rule has no more occasions, once none of its runs is open."""
    work.session.flush()
    queries.finish_campaign(work.session, campaign.id, work.now)


def spread_over(definition: Mapping[str, Any], timing: Mapping[str, Any], kind: str = "send") -> dict[str, Any]:
    """The timing with the campaign's spread; a test goes out at once, whatever the campaign spreads."""
    minutes = None if kind == "test" else definition.get("spread_minutes")
    return {**timing, **({"spread": minutes} if minutes else {})}


def _limits(frozen: Mapping[str, Any]) -> dict[str, Any]:
    not_after = frozen.get("not_after")
    return {
        "throttle_per_minute": frozen.get("throttle_per_minute"),
        "not_after": datetime.fromisoformat(not_after) if not_after else None,
    }
