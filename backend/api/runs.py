"""The runs of a campaign: what went out each time."""

from typing import Annotated

from fastapi import APIRouter, Path

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.services import run_history
from backend.services.run_history import RunRow, Waiting

router = APIRouter(tags=["Server"])
Id = Annotated[str, Path(max_length=64)]


@router.get("/campaigns/{campaign_id}/runs", response_model=PageOut[RunRow], summary="Its runs, newest first")
def list_runs(caller: ServerCaller, campaign_id: Id, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """One run for each occasion. Of an event campaign each run gathers what was due in one moment."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return run_history.listing(work, campaign_id, cursor=cursor, limit=limit)


@router.get("/campaigns/{campaign_id}/waiting", summary="What of it goes out later")
def count_waiting(caller: ServerCaller, campaign_id: Id) -> Waiting:
    """How many pushes of open runs wait for their time: held through quiet hours, or not yet due where people are.
    `first` and `last` say when."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return run_history.waiting(work, campaign_id)
