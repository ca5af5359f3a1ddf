"""Topics: Firebase's own lists of devices, kept from here or by a device itself."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import Caller, ClientCaller, ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.domain.vocabulary import Scope
from backend.services import subscribers, topics
from backend.services.fields import ExternalId
from backend.services.topics import DeviceTopic, Members, TopicChanged, TopicRow

router = APIRouter()
Name = Annotated[
    str, Path(max_length=1000, description="Letters, digits and `-_.~%`, at most 900, without `/topics/`.")
]
DeviceId = Annotated[str, Path(max_length=64)]
MOST = 10_000


class MembersIn(BaseModel):
    """Whom a change is about: everybody that any of these names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_ids: list[ExternalId] = Field(default_factory=list, max_length=MOST)
    device_ids: list[Annotated[str, Field(max_length=64)]] = Field(default_factory=list, max_length=MOST)
    segment_id: Annotated[str, Field(max_length=64)] | None = None
    list_id: Annotated[str, Field(max_length=64)] | None = None

    def members(self) -> Members:
        return Members(tuple(self.user_ids), tuple(self.device_ids), self.segment_id, self.list_id)


@router.get("/topics", tags=["Server"], response_model=PageOut[TopicRow])
def get_topics(
    caller: ServerCaller,
    search: Annotated[str, Query(max_length=900, description="Part of the name.")] = "",
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> object:
    """The app's topics with their devices, newest first. What apps subscribe to by Firebase's own SDK is not known."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return topics.listing(work, search=search, cursor=cursor, limit=limit)


@router.get("/topics/{topic}", tags=["Server"])
def get_topic(caller: ServerCaller, topic: Name) -> TopicRow:
    """A topic with its devices: subscribed, waiting for a change, or refused."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return topics.get(work, topic)


@router.post("/topics/{topic}/subscribe", tags=["Server"], status_code=202)
def subscribe(caller: ServerCaller, topic: Name, body: MembersIn) -> TopicChanged:
    """Puts devices into a topic, as they are now; Firebase is told within moments. Only FCM has topics: the other
    devices are counted as `unsupported`."""
    return _change(caller, topic, body, wanted=True)


@router.post("/topics/{topic}/unsubscribe", tags=["Server"], status_code=202)
def unsubscribe(caller: ServerCaller, topic: Name, body: MembersIn) -> TopicChanged:
    """Takes devices out of a topic, whoever has put them in."""
    return _change(caller, topic, body, wanted=False)


def _change(caller: Caller, topic: str, body: MembersIn, *, wanted: bool) -> TopicChanged:
    return topics.change(caller.core, caller.actor, caller.app_id, topic, body.members(), wanted=wanted)


@router.put("/devices/{device_id}/topics/{topic}", tags=["Ingest"], status_code=202)
def join(caller: ClientCaller, device_id: DeviceId, topic: Name) -> DeviceTopic:
    """Puts a device into a topic: with a client key, the one that speaks."""
    return _put(caller, device_id, topic, wanted=True)


@router.delete("/devices/{device_id}/topics/{topic}", tags=["Ingest"], status_code=202)
def leave(caller: ClientCaller, device_id: DeviceId, topic: Name) -> DeviceTopic:
    """Takes a device out of a topic."""
    return _put(caller, device_id, topic, wanted=False)


def _put(caller: Caller, device_id: str, topic: str, *, wanted: bool) -> DeviceTopic:
    trusted = caller.scope is not Scope.CLIENT
    with caller.core.work(caller.actor, caller.app_id) as work:
        speaker = subscribers.speaker(work, trusted, caller.device_header, caller.user_header)
        subscribers.check_device(work, speaker, device_id)
        return topics.put(work, device_id, topic, wanted=wanted)
