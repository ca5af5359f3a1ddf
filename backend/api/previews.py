"""A push before it is sent: its exact bytes for one device, and who is worth looking through."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from backend.api.campaign_shapes import Given, Told
from backend.api.deps import ServerCaller
from backend.api.problems import FieldProblem
from backend.domain.vocabulary import Platform
from backend.services import inspector, telling
from backend.services.inspector import Whom
from backend.services.payload_costs import Cost, Trim
from backend.services.telling import Telling

router = APIRouter(tags=["Server"])
Id = Annotated[str, Path(max_length=64)]
Variant = Annotated[str | None, Query(max_length=64, description="Its name; the first where none is given.")]
Content = Annotated[dict[str, Any], Field(description="As in a campaign's variant.")]


class WhomIn(Given):
    """For whom: a device; a user and their device; or, where neither is given, nobody in particular."""

    user_id: str | None = Field(None, max_length=255, description="The app's own id of a user, or ours (`usr_…`).")
    device_id: str | None = Field(None, max_length=64)
    platform: Platform | None = Field(
        None, description="Which of the user's devices: the last seen of this platform. iOS where nobody is given."
    )
    locale: str | None = Field(None, max_length=35, description="A language in the place of theirs.")

    def whom(self) -> Whom:
        return Whom(self.user_id, self.device_id, self.platform, self.locale)


class CampaignPreviewIn(WhomIn):
    """Which of a campaign's wordings, and for whom."""

    variant: str | None = Field(None, max_length=64, description="Its name; the first where none is given.")
    content: Content | None = Field(None, description="A draft that takes the place of what is saved.")


class ContentPreviewIn(WhomIn):
    """Content alone, and for whom."""

    content: Content
    data: dict[str, Any] | None = Field(None, description="What the texts read as `data`.")


class ActionShown(Told):
    """A button."""

    id: str
    title: str
    link: str | None
    icon: str | None


class MessageShown(Told):
    """What the device is told, filled in."""

    title: str
    subtitle: str
    body: str
    image: str | None
    link: str | None
    actions: list[ActionShown]
    data: dict[str, str]
    badge: int | None
    sound: str | None
    silent: bool
    collapse_key: str | None
    thread: str | None
    options: dict[str, Any] = Field(description="The platform's own fields.")


class PreviewOut(Told):
    """One push as one device would get it. Nothing is written, nothing is sent."""

    platform: str
    provider: str
    user_id: str | None
    device_id: str | None = Field(description="Null where an example of an address stood in for a device.")
    locale: str = Field(description="The language that was chosen.")
    chain: list[str] = Field(description="The languages that were tried, best first.")
    message: MessageShown | None = Field(description="Null where it cannot be filled in for this device.")
    problems: list[FieldProblem] = Field(description="What stands in the way, each with the field to change.")
    body: str = Field(
        description="The exact body (of Web Push before it is encrypted), but that the device's address is masked by "
        "as many characters. Empty where it is too large."
    )
    bytes: int = Field(description="Of the body.")
    counted: int = Field(description="How many of them count against the limit: FCM does not count the address.")
    limit: int
    topic: str | None = Field(
        description="Of a campaign to topics: the one whose body this is. It is the same for every follower, whomever "
        "it is asked for; `message` is what `platform` shows of it."
    )
    own: dict[str, str] = Field(
        description="What is the delivery's own in `body`: a real send has others of the same length there."
    )
    headers: dict[str, str] = Field(description="What goes beside the body, but for the proof of who is sending.")
    fields: list[Cost] = Field(description="What each field costs of the counted bytes, the dearest first.")
    trim: Trim | None = Field(description="Where there is little room or none: which field to shorten by how much.")


@router.post("/campaigns/{campaign_id}/preview", summary="A campaign's push for one device")
def preview_campaign(caller: ServerCaller, campaign_id: Id, body: CampaignPreviewIn | None = None) -> PreviewOut:
    """By the renderer and the encoder that send. Texts that read an event are filled in by a likely one."""
    asked = body or CampaignPreviewIn()
    with caller.core.reading(caller.actor, caller.app_id) as work:
        shown = inspector.of_campaign(work, campaign_id, asked.whom(), variant=asked.variant, text=asked.content)
        return PreviewOut.model_validate(shown)


@router.post("/content/preview", summary="Content as one device would get it")
def preview_content(caller: ServerCaller, body: ContentPreviewIn) -> PreviewOut:
    """What is wrong with the content is told in `problems`."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return PreviewOut.model_validate(inspector.of_content(work, body.content, body.whom(), said=body.data))


@router.get("/campaigns/{campaign_id}/recipients", summary="Whom to look through")
def telling_recipients(caller: ServerCaller, campaign_id: Id, variant: Variant = None) -> Telling:
    """People of the audience who show best what the text does: with the shortest and the longest text, without a value
    that it reads, who read from right to left, and with the most bytes."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return telling.recipients(work, campaign_id, variant=variant)
