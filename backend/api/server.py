"""For the app's own back end: campaigns, messages, and what became of each push."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from starlette.responses import Response

from backend.api.campaign_shapes import (
    CampaignOut,
    CampaignSummary,
    DeliveryExplained,
    LaunchIn,
    MessageIn,
    MessageOut,
    campaign,
)
from backend.api.deps import ServerCaller
from backend.api.idempotency import KeyHeader, once
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.db import Work
from backend.domain.vocabulary import CampaignState, Platform
from backend.errors import Invalid
from backend.services import analytics, campaigns, deliveries, messages, preflight, preflight_devices
from backend.services.analytics import Report
from backend.services.deliveries import DeliveryRow
from backend.services.preflight import Preflight
from backend.services.preflight_devices import PreflightDevice

router = APIRouter(tags=["Server"])
Id = Annotated[str, Path(max_length=64)]
AnyId = Annotated[str | None, Query(max_length=255)]
Word = Annotated[str | None, Query(max_length=64)]
Definition = Annotated[dict[str, Any], Body()]
_SCHEMA = {"$ref": "#/components/schemas/CampaignDefinition"}
DEFINED = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}


@router.post(
    "/campaigns", status_code=201, response_model=CampaignOut, summary="Draft a campaign", openapi_extra=DEFINED
)
def create_campaign(caller: ServerCaller, body: Definition, key: KeyHeader = None) -> Response:
    """Nothing is sent before it is launched."""

    def act(work: Work) -> CampaignOut:
        return campaign(campaigns.create(work, body))

    return once(caller, "POST /campaigns", key, body, act, status=201)


@router.get("/campaigns", response_model=PageOut[CampaignSummary], summary="Campaigns, newest first")
def list_campaigns(
    caller: ServerCaller,
    search: Annotated[str, Query(max_length=200, description="Part of the name.")] = "",
    state: CampaignState | None = None,
    waiting: Annotated[bool, Query(description="Only drafts that wait for a second member's approval.")] = False,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> object:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return campaigns.listing(work, search=search, state=state, waiting=waiting, cursor=cursor, limit=limit)


@router.get("/campaigns/{campaign_id}", summary="One campaign")
def get_campaign(caller: ServerCaller, campaign_id: Id) -> CampaignOut:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return campaign(campaigns.get(work, campaign_id))


@router.patch("/campaigns/{campaign_id}", summary="Change a campaign that has not begun, or repeats")
def change_campaign(caller: ServerCaller, campaign_id: Id, body: Definition) -> CampaignOut:
    """Any top-level fields of `CampaignDefinition`. Of a recurring or event campaign that is active it makes a new
    revision, which later runs send; one that goes out once cannot be changed any more. Where a second member approves
    launches, only a draft can be changed. With `version`, 409 when somebody else has saved since."""
    changes = dict(body)
    version = changes.pop("version", None)
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise Invalid("version", "must be the whole number that the campaign was read with")
    with caller.core.work(caller.actor, caller.app_id) as work:
        return campaign(campaigns.update(work, campaign_id, changes, version=version))


@router.delete("/campaigns/{campaign_id}", status_code=204, summary="Delete a draft, archive what has ended")
def delete_campaign(caller: ServerCaller, campaign_id: Id) -> None:
    with caller.core.work(caller.actor, caller.app_id) as work:
        campaigns.delete(work, campaign_id)


@router.post("/campaigns/{campaign_id}/preflight", summary="What a launch now would do")
def preflight_campaign(caller: ServerCaller, campaign_id: Id) -> Preflight:
    """Every device's fate and the largest bodies, by the code that sends, and what stands in the way of a launch or
    wants a look. Nothing is written. It takes about two seconds for ten thousand devices."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return preflight.preflight(work, campaign_id)


@router.get(
    "/campaigns/{campaign_id}/preflight/devices",
    response_model=PageOut[PreflightDevice],
    summary="The devices behind a number of the pre-flight",
)
def list_preflight_devices(
    caller: ServerCaller,
    campaign_id: Id,
    outcome: Annotated[
        str,
        Query(max_length=64, description="`send`, `deferred`, or the reason for which devices would be skipped."),
    ],
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> object:
    """In the order in which they came. A page may be short, or empty, and have a `next` all the same: so many devices
    are looked at for one answer."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return preflight_devices.devices(work, campaign_id, outcome=outcome, cursor=cursor, limit=limit)


@router.post("/campaigns/{campaign_id}/launch", response_model=CampaignOut, summary="Launch, or schedule for its time")
def launch_campaign(
    caller: ServerCaller, campaign_id: Id, body: LaunchIn | None = None, key: KeyHeader = None
) -> Response:
    given = (body or LaunchIn()).model_dump()

    def act(work: Work) -> CampaignOut:
        return campaign(campaigns.launch(work, campaign_id, **given))

    return once(caller, f"POST /campaigns/{campaign_id}/launch", key, given, act)


@router.post("/campaigns/{campaign_id}/unschedule", summary="Make a scheduled campaign a draft again")
def unschedule_campaign(caller: ServerCaller, campaign_id: Id) -> CampaignOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return campaign(campaigns.unschedule(work, campaign_id))


@router.post("/campaigns/{campaign_id}/pause", summary="Stop after what is on the network now")
def pause_campaign(caller: ServerCaller, campaign_id: Id) -> CampaignOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return campaign(campaigns.pause(work, campaign_id))


@router.post("/campaigns/{campaign_id}/resume", summary="Go on where the pause began")
def resume_campaign(caller: ServerCaller, campaign_id: Id) -> CampaignOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return campaign(campaigns.resume(work, campaign_id))


@router.post("/campaigns/{campaign_id}/cancel", summary="End it for good")
def cancel_campaign(caller: ServerCaller, campaign_id: Id) -> CampaignOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return campaign(campaigns.cancel(work, campaign_id))


@router.post("/campaigns/{campaign_id}/duplicate", status_code=201, summary="A new draft that says the same")
def duplicate_campaign(caller: ServerCaller, campaign_id: Id) -> CampaignOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return campaign(campaigns.duplicate(work, campaign_id))


@router.get("/campaigns/{campaign_id}/report", summary="What became of it")
def report_campaign(caller: ServerCaller, campaign_id: Id) -> Report:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return analytics.report(work, campaign_id)


@router.post("/messages", status_code=202, response_model=MessageOut, summary="Send a transactional message")
def send_message(caller: ServerCaller, body: MessageIn, key: KeyHeader = None) -> Response:
    """To users, devices or raw tokens. A raw token becomes a device that no segment sees, for 30 days."""
    given = body.model_dump()

    def act(work: Work) -> MessageOut:
        return MessageOut.model_validate(messages.send(work, **given))

    return once(caller, "POST /messages", key, given, act, status=202)


@router.get("/deliveries", response_model=PageOut[DeliveryRow], summary="Pushes and their fates, newest first")
def list_deliveries(
    caller: ServerCaller,
    campaign_id: AnyId = None,
    run_id: AnyId = None,
    user_id: AnyId = None,
    device_id: AnyId = None,
    state: Annotated[
        str | None,
        Query(max_length=32, description="A state, or `group:failed`, `group:skipped`, `group:open` as totals count."),
    ] = None,
    reason: Word = None,
    platform: Platform | None = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> object:
    named = {"campaign_id": campaign_id, "run_id": run_id, "user_id": user_id, "device_id": device_id}
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return deliveries.search(
            work, **named, state=state, reason=reason, platform=platform, cursor=cursor, limit=limit
        )


@router.get("/deliveries/{delivery_id}", summary="One push, explained")
def explain_delivery(caller: ServerCaller, delivery_id: Id) -> DeliveryExplained:
    """Every decision with its reason, the body (marked when it is as sent), provider replies, receipts."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return DeliveryExplained.of(deliveries.explain(work, delivery_id))
