"""Static lists of users."""

from typing import Annotated

from fastapi import APIRouter, Path

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.services import lists
from backend.services.lists import ListIn, ListRow, MembersChanged, MembersIn

router = APIRouter(prefix="/lists", tags=["Server"])
ListId = Annotated[str, Path(max_length=64)]


@router.post("", status_code=201)
def create_list(caller: ServerCaller, body: ListIn) -> ListRow:
    """Makes an empty list."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return lists.create(work, body)


@router.get("", response_model=PageOut[ListRow])
def get_lists(caller: ServerCaller, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The app's lists, newest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return lists.listing(work, cursor=cursor, limit=limit)


@router.get("/{list_id}")
def get_list(caller: ServerCaller, list_id: ListId) -> ListRow:
    """A list with its size."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return lists.get(work, list_id)


@router.post("/{list_id}/members")
def add_members(caller: ServerCaller, list_id: ListId, body: MembersIn) -> MembersChanged:
    """Puts users into a list; ids that no user has are told and not added."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return lists.add_members(work, list_id, body.user_ids)


@router.delete("/{list_id}/members")
def remove_members(caller: ServerCaller, list_id: ListId, body: MembersIn) -> MembersChanged:
    """Takes users out of a list."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return lists.remove_members(work, list_id, body.user_ids)
