"""What the app's own back end tells and asks about its people: batches, profiles, export, erasure."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import ServerCaller
from backend.services import subscribers
from backend.services.people import BatchResult
from backend.services.privacy import Export, UserProfile

MOST = 1000
router = APIRouter(tags=["Server"])
UserId = Annotated[str, Path(max_length=255, description="The app's own id of the user.")]


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


@router.post("/devices/batch", response_model_exclude_none=True)
def devices_batch(caller: ServerCaller, body: DevicesIn) -> BatchOut:
    """Registers many devices at once; a bad one spoils no other. No secret is told."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return BatchOut(subscribers.devices_batch(work, body.devices))


@router.post("/users/batch", response_model_exclude_none=True)
def users_batch(caller: ServerCaller, body: UsersIn) -> BatchOut:
    """Merges many users at once; a bad one spoils no other."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return BatchOut(subscribers.users_batch(work, body.users))


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
def erase_user(caller: ServerCaller, user_id: UserId) -> None:
    """Erases a person: devices, events and wishes go, the counts of what was sent stay."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        subscribers.erase_user(work, user_id)
