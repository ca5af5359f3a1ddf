"""What the charts show, for programs."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from backend.api.deps import ServerCaller
from backend.services import analytics
from backend.services.analytics import Measure, Overview, Timeline

router = APIRouter(prefix="/stats", tags=["Server"])
USUAL: Final = (Measure.ACCEPTED, Measure.DELIVERED, Measure.OPENED)
USUAL_SPAN: Final = timedelta(days=30)

Days = Annotated[int, Query(description="How far back, 1 to 366; up to 2 are shown by the hour, more by the UTC day.")]
Measures = Annotated[list[Measure], Query(max_length=len(Measure), description="May be given several times.")]
Start = Annotated[AwareDatetime | None, Query(description="With an offset; 30 days before the end when absent.")]
End = Annotated[AwareDatetime | None, Query(description="With an offset; now when absent.")]
Breakdown = Annotated[
    Literal["none", "platform", "campaign", "variant"],
    Query(description="The ten largest lines are shown, the others added up; variants need a campaign."),
]
CampaignId = Annotated[str | None, Query(max_length=64)]


@router.get("/overview", summary="The app's figures over a time and the time before")
def overview(caller: ServerCaller, days: Days = 30) -> Overview:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return analytics.overview(work, days)


@router.get("/series", summary="Counts over time, by the hour or the UTC day")
def series(
    caller: ServerCaller,
    measure: Measures = list(USUAL),  # noqa: B006 - FastAPI copies it
    start: Start = None,
    end: End = None,
    bucket: Literal["hour", "day"] = "day",
    breakdown: Breakdown = "none",
    campaign_id: CampaignId = None,
) -> Timeline:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        until = end or work.now
        since = start or until - USUAL_SPAN
        return analytics.series(work, measure, since, until, bucket, breakdown, campaign_id)
