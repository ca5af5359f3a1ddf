"""Pictures looked at before they are sent: what they are, and our own copies for the console's preview."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field
from starlette.responses import Response

from backend.api.campaign_shapes import Given
from backend.api.deps import OPEN, ServerCaller
from backend.api.files import member
from backend.domain.picture import PictureVerdict
from backend.services import picture_shelf, pictures

router = APIRouter(prefix="/pictures", tags=["Server"])
shelf = APIRouter(prefix="/pictures", tags=["Console"], dependencies=[OPEN], include_in_schema=False)

CONFINED = {
    "Cache-Control": "private, max-age=86400, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class PictureIn(Given):
    """The address of a picture, as a content's `image` has it."""

    url: str = Field(max_length=pictures.LONGEST, description="https only; redirects are not followed.")


@dataclass(frozen=True, slots=True)
class PictureOut:
    """A picture as it lies at its address now."""

    url: str
    type: str
    bytes: int
    width: int
    height: int
    ratio: str
    animated: bool
    verdicts: tuple[PictureVerdict, ...]


@router.post("/check", summary="What a picture is, and what each platform does with it")
async def check_picture(caller: ServerCaller, body: PictureIn) -> PictureOut:
    """Fetched from here, judged by its bytes. 422 says why it cannot be shown: not reached, redirected, no picture."""
    found = await pictures.look(caller.core, caller.app_id, body.url)
    told = {name: getattr(found, name) for name in PictureOut.__slots__}
    return PictureOut(**told)


@shelf.get("/{key}")
def picture_copy(request: Request, key: Annotated[str, Path(max_length=64)]) -> Response:
    """Our copy of a picture, for members who may write in the app that they have open."""
    who = member(request)
    return Response(picture_shelf.get(who.core, who.app_id, key), media_type="image/webp", headers=CONFINED)
