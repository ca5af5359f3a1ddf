"""How sending goes: lanes, what needs a look, and the dead letters. For whoever runs the installation."""

from typing import Annotated

from fastapi import APIRouter, Query

from backend.api.admin import Id, InChosen
from backend.api.deps import Caller
from backend.api.lane_shapes import (
    AlarmOut,
    DeadLetterOut,
    DeadLettersIn,
    Dropped,
    LaneChange,
    LaneOut,
    ProcessOut,
    RefusalOut,
    Retried,
)
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.services import alarms, credentials, dead_letters, holds, lane_health
from backend.services.dead_letters import Done, Filters

router = APIRouter(tags=["Admin"])
Named = Annotated[str | None, Query(max_length=64)]
Word = Annotated[str | None, Query(max_length=120)]


@router.get("/lanes", summary="How each lane of the app is doing")
def list_lanes(caller: InChosen) -> PageOut[LaneOut]:
    """A lane is a credential: what one provider connection pool serves. Counts of `traffic` are of the last minute."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return PageOut(items=[LaneOut.model_validate(lane) for lane in lane_health.lanes(work)])


@router.get("/lanes/{credential}", summary="How one lane is doing")
def get_lane(caller: InChosen, credential: Id) -> LaneOut:
    return _lane(caller, credential)


@router.patch("/lanes/{credential}", summary="Set a lane's own limit")
def change_lane(caller: InChosen, credential: Id, body: LaneChange) -> LaneOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        credentials.set_rate(work, credential, body.max_per_second)
    return _lane(caller, credential)


@router.post("/lanes/{credential}/pause", summary="Stop a lane; what it has to send waits")
def pause_lane(caller: InChosen, credential: Id) -> LaneOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        holds.pause(work, credential)
    return _lane(caller, credential)


@router.post("/lanes/{credential}/resume", summary="Let a lane go that a member or its provider stopped")
def resume_lane(caller: InChosen, credential: Id) -> LaneOut:
    """Runs that waited for nothing else go on."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        holds.resume(work, credential)
    return _lane(caller, credential)


@router.post("/lanes/{credential}/prune", summary="End a quarantine: dead addresses are pruned again")
def prune_lane(caller: InChosen, credential: Id) -> LaneOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        credentials.prune_again(work, credential)
    return _lane(caller, credential)


@router.get("/alarms", summary="What needs a look, the worst first")
def list_alarms(caller: InChosen) -> PageOut[AlarmOut]:
    """Of the app: campaigns that do not move, lanes that stand still, certificates that end; senders that are gone."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        found = alarms.raised(work, lane_health.lanes(work, devices=False))
        return PageOut(items=[AlarmOut.model_validate(alarm) for alarm in found])


@router.get("/processes", summary="Servers and senders by their heartbeat")
def list_processes(caller: InChosen) -> PageOut[ProcessOut]:
    """The whole installation's."""
    with caller.core.reading(caller.actor) as work:
        return PageOut(items=[ProcessOut.model_validate(row) for row in alarms.list_processes(work)])


@router.get("/dead-letters", summary="Pushes that failed though their device was not at fault")
def list_dead_letters(
    caller: InChosen,
    campaign_id: Named = None,
    lane: Named = None,
    reason: Word = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> PageOut[DeadLetterOut]:
    """The newest deliveries first, kept for 30 days."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        found = dead_letters.listing(work, Filters(campaign_id, lane, reason), cursor=cursor, limit=limit)
        return PageOut[DeadLetterOut].model_validate(found)


@router.post("/dead-letters/retry", summary="Send dead letters again")
def retry_dead_letters(caller: InChosen, body: DeadLettersIn) -> Retried:
    """Each waits in its lane again, its tries counted from nought; a run that had finished goes on until they are done.

    Refused where the campaign was cancelled, the device or its lane is gone, or the message's life is over.
    """
    with caller.core.work(caller.actor, caller.app_id) as work:
        done = dead_letters.retry(work, body.ids, _filters(body), cursor=body.cursor)
    return Retried(retried=done.count, refused=_refused(done), next=done.next)


@router.post("/dead-letters/drop", summary="Take dead letters off the list")
def drop_dead_letters(caller: InChosen, body: DeadLettersIn) -> Dropped:
    """The deliveries stay failed."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        done = dead_letters.drop(work, body.ids, _filters(body), cursor=body.cursor)
    return Dropped(dropped=done.count, refused=_refused(done), next=done.next)


def _lane(caller: Caller, credential: str) -> LaneOut:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return LaneOut.model_validate(lane_health.lane(work, credential))


def _filters(body: DeadLettersIn) -> Filters:
    return Filters(body.campaign_id, body.lane, body.reason)


def _refused(done: Done) -> list[RefusalOut]:
    return [RefusalOut.model_validate(one) for one in done.refused]
