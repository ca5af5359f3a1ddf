"""What apps and browsers tell: devices, users, events, receipts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from backend.again import anew
from backend.api import bodies
from backend.api.deps import OPEN, Caller, ClientCaller
from backend.api.groups import event_log, receipt_log
from backend.db import Work
from backend.domain.vocabulary import Scope
from backend.services import fields, subscribers
from backend.services.events import Told
from backend.services.people import UserRow
from backend.services.receipts import ReceiptIn, ReceiptResult
from backend.services.subscribers import (
    DeviceIn,
    DevicePatch,
    DeviceRow,
    EventIn,
    EventsResult,
    Speaker,
    UserIn,
)

MOST = 1000
router = APIRouter(tags=["Ingest"])
DeviceId = Annotated[str, Path(max_length=64)]
UserId = Annotated[str, Path(max_length=255, description="The app's own id of the user, or `me`.")]


class Body(BaseModel):
    """A body that takes no field it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EventsIn(Body):
    """Up to 1000 events; with a client key, an event that names nobody is the speaking device's own."""

    events: list[EventIn] = Field(max_length=MOST)


class ReceiptsIn(BaseModel):
    """Up to 1000 receipts."""

    receipts: list[ReceiptIn] = Field(max_length=MOST)


@dataclass(frozen=True, slots=True)
class RegisteredOut:
    """The device's id, and its secret for whoever may know it."""

    id: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WebPushKeyOut:
    """`applicationServerKey` of `PushManager.subscribe`."""

    public_key: str


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    """A JSON schema without references: inside an OpenAPI document they would point elsewhere."""
    if isinstance(schema, list):
        return [_inlined(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].removeprefix("#/$defs/")], parts)
    return {name: _inlined(item, parts) for name, item in schema.items() if name != "$defs"}


def _documented(model: type[BaseModel]) -> dict[str, Any]:
    """The body of a route that reads it itself, for OpenAPI."""
    schema = model.model_json_schema()
    content = {"application/json": {"schema": _inlined(schema, schema["$defs"])}}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/events", status_code=202, openapi_extra=_documented(EventsIn))
async def record_events(request: Request, caller: ClientCaller) -> EventsResult:
    """Records what users did; an event whose `id` the app has used before is a duplicate."""
    body = await bodies.read(EventsIn, request)
    told = Told(caller.app_id, body.events, _trusted(caller), caller.device_header, caller.user_header)
    return await event_log(request.app).submit(told)


@router.post("/receipts", status_code=202, dependencies=[OPEN], openapi_extra=_documented(ReceiptsIn))
async def record_receipts(request: Request) -> ReceiptResult:
    """Records what devices did with their pushes. No key is needed: `t` proves each. Any content type is taken, so
    that a page's `navigator.sendBeacon` works without a preflight."""
    body = fields.parse_json(ReceiptsIn, await request.body())
    return await receipt_log(request.app).submit(body.receipts)


@router.post("/devices", status_code=201, response_model_exclude_none=True)
@anew
def register_device(caller: ClientCaller, body: DeviceIn, response: Response) -> RegisteredOut:
    """Registers an address; 200 when a device has it already. The secret is told to new devices, to whoever shows
    it, and to server keys, who get a new one in its place."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        speaker = subscribers.speaker(work, _trusted(caller), None, caller.user_header)
        if body.user_id is not None:
            subscribers.check_names(speaker, body.user_id)
        holder = subscribers.shown_secret(caller.device_header)
        made = subscribers.register_device(work, body, holder=holder, trusted=speaker.trusted)
    response.status_code = 201 if made.created else 200
    return RegisteredOut(made.device.id, made.secret)


@router.get("/devices/{device_id}")
def get_device(caller: ClientCaller, device_id: DeviceId) -> DeviceRow:
    """A device: with a client key, the one that speaks."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        subscribers.check_device(work, _speaker(work, caller), device_id)
        return subscribers.get_device(work, device_id)


@router.patch("/devices/{device_id}")
@anew
def update_device(caller: ClientCaller, device_id: DeviceId, body: DevicePatch) -> DeviceRow:
    """Changes what the body names; `user_id: null` signs out, which makes a fresh anonymous user."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        speaker = _speaker(work, caller)
        subscribers.check_device(work, speaker, device_id)
        if body.user_id is not None:
            subscribers.check_names(speaker, body.user_id)
        return subscribers.update_device(work, device_id, body, present=not speaker.trusted)


@router.delete("/devices/{device_id}", status_code=204)
@anew
def remove_device(caller: ClientCaller, device_id: DeviceId) -> None:
    """Removes a device; nothing is sent to it any more."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        subscribers.check_device(work, _speaker(work, caller), device_id)
        subscribers.remove_device(work, device_id)


@router.put("/users/{user_id}")
@anew
def put_user(caller: ClientCaller, user_id: UserId, body: UserIn) -> UserRow:
    """Merges what is given into the profile of a user, made if there is none; null removes."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        speaker = _speaker(work, caller)
        number = subscribers.person(work, speaker, user_id, create=True)
        return subscribers.put_user(work, number, body, present=not speaker.trusted)


@router.get("/webpush-key")
def webpush_key(caller: ClientCaller) -> WebPushKeyOut:
    """The key that a browser subscribes with."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return WebPushKeyOut(subscribers.webpush_key(work))


def _speaker(work: Work, caller: Caller) -> Speaker:
    return subscribers.speaker(work, _trusted(caller), caller.device_header, caller.user_header)


def _trusted(caller: Caller) -> bool:
    return caller.scope is not Scope.CLIENT
