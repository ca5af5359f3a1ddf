"""What people have said yes or no to, told by the app or its back end."""

from fastapi import APIRouter

from backend.again import anew
from backend.api.deps import Caller, ClientCaller
from backend.api.ingest import UserId
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.db import Work
from backend.domain.vocabulary import Scope
from backend.services import consents, subscribers
from backend.services.consents import ConsentIn, ConsentRow

router = APIRouter(tags=["Ingest"])


@router.get("/users/{user_id}/consents", response_model=PageOut[ConsentRow])
def get_consents(caller: ClientCaller, user_id: UserId, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The person's consents, what was recorded last first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return consents.listing(work, _person(work, caller, user_id), cursor=cursor, limit=limit)


@router.post("/users/{user_id}/consents", status_code=201)
@anew
def add_consent(caller: ClientCaller, user_id: UserId, body: ConsentIn) -> ConsentRow:
    """Writes a yes or no down, for good: another word on the same purpose is another entry."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return consents.add(work, _person(work, caller, user_id, create=True), body)


def _person(work: Work, caller: Caller, user_id: str, *, create: bool = False) -> int:
    """With a client key, the person who is proven; the device's own with `me`."""
    trusted = caller.scope is not Scope.CLIENT
    speaker = subscribers.speaker(work, trusted, caller.device_header, caller.user_header)
    return subscribers.person(work, speaker, user_id, create=create)
