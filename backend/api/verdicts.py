"""Why somebody gets a campaign or does not."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from backend.api.deps import ServerCaller
from backend.services import verdicts
from backend.services.verdicts import PersonVerdict

router = APIRouter(tags=["Server"])
CampaignId = Annotated[str, Path(max_length=64)]
User = Annotated[str, Query(max_length=255, description="The app's own id of a person, or `usr_…`.")]


@router.get("/campaigns/{campaign_id}/explain", summary="Why somebody gets it or does not, rule by rule")
def explain_campaign(caller: ServerCaller, campaign_id: CampaignId, user_id: User) -> PersonVerdict:
    """Asked as of now, sent or not, by the rules of the sender; what was recorded of it stands beside it."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return verdicts.explain(work, campaign_id, user_id)
