"""Static lists of users."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.services import lists
from backend.services.lists import ListIn, ListMember, ListRow, MembersChanged, MembersIn, Use

router = APIRouter(prefix="/lists", tags=["Server"])
ListId = Annotated[str, Path(max_length=64)]
Search = Annotated[str, Query(max_length=200)]


class FillIn(BaseModel):
    """Where people come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    segment_id: str = Field(max_length=64)


@router.post("", status_code=201)
def create_list(caller: ServerCaller, body: ListIn) -> ListRow:
    """Makes an empty list."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return lists.create(work, body)


@router.get("", response_model=PageOut[ListRow])
def get_lists(caller: ServerCaller, search: Search = "", limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The app's lists, newest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return lists.listing(work, search=search, cursor=cursor, limit=limit)


@router.get("/{list_id}")
def get_list(caller: ServerCaller, list_id: ListId) -> ListRow:
    """A list with its size."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return lists.get(work, list_id)


@router.patch("/{list_id}")
def rename_list(caller: ServerCaller, list_id: ListId, body: ListIn) -> ListRow:
    """Gives a list another name."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return lists.rename(work, list_id, body)


@router.delete("/{list_id}", status_code=204)
def archive_list(caller: ServerCaller, list_id: ListId) -> None:
    """Takes a list out of use, unless a segment or a campaign still needs it."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        lists.archive(work, list_id)


@router.get("/{list_id}/usage")
def get_usage(caller: ServerCaller, list_id: ListId) -> list[Use]:
    """The segments and campaigns that name the list."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return list(lists.usage(work, list_id))


@router.get("/{list_id}/members", response_model=PageOut[ListMember])
def get_members(
    caller: ServerCaller, list_id: ListId, search: Search = "", limit: Limit = DEFAULT, cursor: Cursor = None
) -> object:
    """The users of a list, those known longest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return lists.members(work, list_id, search=search, cursor=cursor, limit=limit)


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


@router.post("/{list_id}/fill")
def fill_list(caller: ServerCaller, list_id: ListId, body: FillIn) -> MembersChanged:
    """Puts everybody into the list for whom a segment is true now."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return lists.fill(work, list_id, body.segment_id)
