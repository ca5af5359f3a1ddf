"""Which languages a campaign's audience reads."""

from typing import Annotated

from fastapi import APIRouter, Path

from backend.api.deps import ServerCaller
from backend.services import audience_languages
from backend.services.audience_languages import AudienceLanguages

router = APIRouter(tags=["Server"])
CampaignId = Annotated[str, Path(max_length=64)]


@router.get("/campaigns/{campaign_id}/languages", summary="Which languages its audience reads")
def campaign_languages(caller: ServerCaller, campaign_id: CampaignId) -> AudienceLanguages:
    """The devices of the audience as it is now, by the languages they are set to: best first, with wider forms.

    A device reads the first of these that the content speaks, else the content's own texts.
    """
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return audience_languages.of_campaign(work, campaign_id)
