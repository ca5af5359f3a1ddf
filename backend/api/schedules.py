"""What a schedule means, before anything is launched by it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import Field

from backend.api.campaign_shapes import Told
from backend.api.deps import ServerCaller
from backend.services import timing

router = APIRouter(tags=["Server"])
_EXAMPLE = {"kind": "recurring", "rrule": "FREQ=WEEKLY;BYDAY=TU", "start": "2026-12-01T09:00", "zone": "user"}


class SchedulePreviewOut(Told):
    """A schedule read back."""

    words: str = Field(description="The schedule as a sentence; empty where it cannot be read.")
    dates: list[datetime] = Field(
        description="Its next five times; on people's own clocks: those of a clock in `zone`."
    )
    zone: str = Field(description="The time zone in which to show the dates.")
    problem: str | None = Field(description="Why it cannot be launched like this.")


@router.post("/schedules/preview", summary="A schedule in words, with its next dates")
def preview_schedule(
    caller: ServerCaller, body: Annotated[dict[str, Any], Body(examples=[_EXAMPLE])]
) -> SchedulePreviewOut:
    """The `schedule` of a campaign. A wrong one is no error here: `problem` says what is wrong with it."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return SchedulePreviewOut.model_validate(timing.preview(work, body))
