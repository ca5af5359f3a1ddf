"""What the app's own back end tells and asks about its people: batches, a search, profiles, export, erasure.

`user_id` in a path is the app's own id, or ours (`usr_…`), which anonymous people have too.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.again import anew
from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.domain.vocabulary import Platform
from backend.errors import Invalid
from backend.services import people_search, person, subscribers
from backend.services.people import BatchResult
from backend.services.people_search import Filters, Found, TokenHealth
from backend.services.person import EventRow, Membership, PushRow
from backend.services.privacy import Export, UserProfile

MOST = 1000
router = APIRouter(tags=["Server"])
UserId = Annotated[str, Path(max_length=255, description="The app's own id of the user, or ours.")]
Search = Annotated[
    str,
    Query(
        max_length=4096,
        description="A user id or its beginning, an address, a `usr_`, `dev_` or `dlv_` id, `name:value`.",
    ),
]
Attribute = Annotated[str | None, Query(max_length=64, description="An attribute's name, with `value`.")]
Value = Annotated[
    str | None, Query(max_length=1000, description="As text; `30` and `true` also find a number, a truth.")
]
Token = Annotated[str | None, Query(max_length=4096, description="A device token, installation id or endpoint.")]
DeviceKind = Annotated[str | None, Query(max_length=32, description="`reachable` or `unsubscribed`.")]
OfPlatform = Annotated[Platform | None, Query(description="People with such a device.")]
Anonymous = Annotated[bool, Query(description="Only people whom the app has not named.")]


class Body(BaseModel):
    """A body that takes no field it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UsersIn(Body):
    """Up to 1000 users, each `{user_id, attributes?, language?, timezone?, country?, location?}`."""

    users: list[Any] = Field(max_length=MOST)


class DevicesIn(Body):
    """Up to 1000 devices, each as in `POST /devices`."""

    devices: list[Any] = Field(max_length=MOST)


@dataclass(frozen=True, slots=True)
class BatchOut:
    """What became of each item, in the order sent."""

    results: list[BatchResult]


@dataclass(frozen=True, slots=True)
class SwitchedOut:
    """How many devices were switched."""

    devices: int


@router.post("/devices/batch", response_model_exclude_none=True)
@anew
def devices_batch(caller: ServerCaller, body: DevicesIn) -> BatchOut:
    """Registers many devices at once; a bad one spoils no other. No secret is told."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return BatchOut(subscribers.devices_batch(work, body.devices))


@router.post("/users/batch", response_model_exclude_none=True)
@anew
def users_batch(caller: ServerCaller, body: UsersIn) -> BatchOut:
    """Merges many users at once; a bad one spoils no other."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return BatchOut(subscribers.users_batch(work, body.users))


@router.get("/users")
def find_users(
    caller: ServerCaller,
    search: Search = "",
    attribute: Attribute = None,
    value: Value = None,
    token: Token = None,
    device: DeviceKind = None,
    platform: OfPlatform = None,
    anonymous: Anonymous = False,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> Found:
    """People found, or all of them, newest active first.

    `looked` says that only so many were looked at for this page: there may be more behind `next`.
    """
    filters = Filters(device, platform, anonymous)
    if (attribute is None) != (value is None):
        raise Invalid("value" if value is None else "attribute", "is needed: name an attribute and its value")
    with caller.core.reading(caller.actor, caller.app_id) as work:
        if token:
            return people_search.token(work, token)
        if attribute is not None and value is not None:
            return people_search.attribute(work, attribute, value, filters, cursor=cursor, limit=limit)
        return people_search.search(work, search, filters, cursor=cursor, limit=limit)


@router.get("/token-health")
def token_health(caller: ServerCaller) -> TokenHealth:
    """How good the addresses are that the app holds, by platform, and the lanes whose dead ones are doubted."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return people_search.health(work)


@router.get("/users/{user_id}")
def get_user(caller: ServerCaller, user_id: UserId) -> UserProfile:
    """A user's profile with devices."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return subscribers.get_user(work, user_id)


@router.get("/users/{user_id}/export")
def export_user(caller: ServerCaller, user_id: UserId) -> Export:
    """Everything held about a person."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return subscribers.export_user(work, user_id)


@router.delete("/users/{user_id}", status_code=204)
@anew
def erase_user(caller: ServerCaller, user_id: UserId) -> None:
    """Erases a person: devices, events and wishes go, the counts of what was sent stay."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        subscribers.erase_user(work, user_id)


@router.get("/users/{user_id}/events", response_model=PageOut[EventRow])
def user_events(caller: ServerCaller, user_id: UserId, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """What a person did, the latest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return person.events(work, user_id, cursor=cursor, limit=limit)


@router.get("/users/{user_id}/pushes", response_model=PageOut[PushRow])
def user_pushes(caller: ServerCaller, user_id: UserId, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """What was meant for a person, the newest first: those that were not sent say why."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return person.pushes(work, user_id, cursor=cursor, limit=limit)


@router.get("/users/{user_id}/segments")
def user_segments(caller: ServerCaller, user_id: UserId) -> Membership:
    """The segments that a person is in now, of the 50 changed last."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return person.segments(work, user_id)


@router.post("/users/{user_id}/unsubscribe")
@anew
def unsubscribe_user(caller: ServerCaller, user_id: UserId) -> SwitchedOut:
    """Switches off all devices of a person; a device that its app registers again is on again."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return SwitchedOut(person.unsubscribe(work, user_id))


@router.post("/users/{user_id}/resubscribe")
@anew
def resubscribe_user(caller: ServerCaller, user_id: UserId) -> SwitchedOut:
    """Takes `unsubscribe` back; what the person has switched off stays off."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return SwitchedOut(person.resubscribe(work, user_id))
