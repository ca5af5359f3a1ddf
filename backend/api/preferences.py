"""What people want to hear, and when: told and asked by apps, pages and back ends."""

from fastapi import APIRouter

from backend.again import anew
from backend.api.deps import Caller, ClientCaller
from backend.api.ingest import DeviceId, UserId
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.db import Work
from backend.domain.vocabulary import Scope
from backend.services import preference_history, preference_link, preferences, subscribers
from backend.services.preference_history import ChangeRow
from backend.services.preference_link import LinkIn, LinkRow
from backend.services.preferences import DevicePreferencesIn, DevicePreferencesRow, PreferencesIn, PreferencesRow
from backend.services.subscribers import Speaker

router = APIRouter(tags=["Ingest"])


@router.get("/users/{user_id}/preferences")
def get_preferences(caller: ClientCaller, user_id: UserId) -> PreferencesRow:
    """What the user wants to hear, and when."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return preferences.get(work, _person(work, caller, user_id))


@router.put("/users/{user_id}/preferences")
@anew
def put_preferences(caller: ClientCaller, user_id: UserId, body: PreferencesIn) -> PreferencesRow:
    """Changes what is given; a mandatory category cannot be switched off.

    Quiet hours with the same start and end mean never quiet; `null` goes back to the app's default.
    """
    with caller.core.work(caller.actor, caller.app_id) as work:
        return preferences.put(work, _person(work, caller, user_id, create=True), body)


@router.get("/users/{user_id}/preferences/history", response_model=PageOut[ChangeRow])
def preferences_history(caller: ClientCaller, user_id: UserId, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """What was changed, when and by whom, the latest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return preference_history.listing(work, _person(work, caller, user_id), cursor=cursor, limit=limit)


@router.post("/users/{user_id}/preferences-link")
def preferences_link(caller: ClientCaller, user_id: UserId, body: LinkIn | None = None) -> LinkRow:
    """The address of the user's own preference page, which needs no sign-in: for a settings screen, a footer, a push.

    Whoever has it may change these preferences until it expires, so give it to nobody else.
    """
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return preference_link.make(work, _person(work, caller, user_id), (body or LinkIn()).expires_in_days)


@router.get("/devices/{device_id}/preferences")
def get_device_preferences(caller: ClientCaller, device_id: DeviceId) -> DevicePreferencesRow:
    """What was said for the device, and what holds on it."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        subscribers.check_device(work, _speaker(work, caller), device_id)
        return preferences.of_device(work, device_id)


@router.put("/devices/{device_id}/preferences")
def put_device_preferences(
    caller: ClientCaller, device_id: DeviceId, body: DevicePreferencesIn
) -> DevicePreferencesRow:
    """Changes what is said for the device: true and false stand before its user's word, null follows the user again."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        subscribers.check_device(work, _speaker(work, caller), device_id)
        return preferences.put_device(work, device_id, body)


def _person(work: Work, caller: Caller, user_id: str, *, create: bool = False) -> int:
    return subscribers.person(work, _speaker(work, caller), user_id, create=create)


def _speaker(work: Work, caller: Caller) -> Speaker:
    return subscribers.speaker(work, caller.scope is not Scope.CLIENT, caller.device_header, caller.user_header)
