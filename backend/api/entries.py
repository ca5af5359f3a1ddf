"""What events have begun: the firings of an event campaign."""

from typing import Annotated

from fastapi import APIRouter, Path

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.domain.vocabulary import EntryState
from backend.services import triggers
from backend.services.triggers import EntryRow

router = APIRouter(tags=["Server"])


@router.get(
    "/campaigns/{campaign_id}/entries",
    response_model=PageOut[EntryRow],
    summary="Who has entered an event campaign, newest first",
)
def list_entries(
    caller: ServerCaller,
    campaign_id: Annotated[str, Path(max_length=64)],
    state: EntryState | None = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> object:
    """One entry for each event that the campaign answers: it waits until `due_at`, then is `fired` (by the run
    `run_id`), `cancelled`, `repeated` (the person has had it already) or `missed`."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return triggers.entries(work, campaign_id, state=state, cursor=cursor, limit=limit)
