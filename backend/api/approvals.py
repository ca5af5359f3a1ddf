"""A second member's word before a launch: asked for by members and programs, given by members."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import ServerCaller
from backend.services import approvals
from backend.services.approvals import Approvals

router = APIRouter(prefix="/campaigns/{campaign_id}/approval", tags=["Server"])
Id = Annotated[str, Path(max_length=64)]


class AskIn(BaseModel):
    """What to tell the members who are asked."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=approvals.MAX_TEXT)


@router.get("", summary="Whether a launch waits for a second member, and what was asked and answered")
def get_approval(caller: ServerCaller, campaign_id: Id) -> Approvals:
    """`blocked` is why it may not be launched yet, null when it may; `history` has the newest question first.

    Members answer in the console, under their own name. No route does that: a key is not a person, and a second
    pair of eyes is what is asked for.
    """
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return approvals.of(work, campaign_id)


@router.post("", status_code=201, summary="Ask the members whether this draft may be launched")
def ask_for_approval(caller: ServerCaller, campaign_id: Id, body: AskIn | None = None) -> Approvals:
    """It is asked about the draft exactly as it is now; any later change makes the answer void. 409 where launches
    need no approval (`approval_required` of the app), or where the same has been asked already."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return approvals.ask(work, campaign_id, body.note if body else "")


@router.post("/withdraw", summary="Take the question back, or an approval that was not used")
def withdraw_approval(caller: ServerCaller, campaign_id: Id) -> Approvals:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return approvals.withdraw(work, campaign_id)
