"""People as files: everybody, a segment, a list; made while they are sent."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from starlette.responses import StreamingResponse

from backend.api.deps import ServerCaller
from backend.services import export
from backend.services.export import Export

router = APIRouter(tags=["Server"])
Id = Annotated[str, Path(max_length=64)]
Format = Annotated[Literal["csv", "jsonl"], Query(description="CSV, or JSON Lines.")]
Bom = Annotated[bool, Query(description="Begin with a byte order mark, by which Excel knows UTF-8.")]
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"text/csv": {}, "application/x-ndjson": {}}}
}


@router.get("/users/export", response_class=StreamingResponse, responses=FILE)
def export_users(caller: ServerCaller, format: Format = "csv", bom: Bom = False) -> StreamingResponse:  # noqa: A002
    """Everybody of the app: profile, attributes, platforms and states of their devices."""
    return streamed(export.everyone(caller.core, caller.actor, caller.app_id, format, bom=bom))


@router.get("/segments/{segment_id}/export", response_class=StreamingResponse, responses=FILE)
def export_segment(
    caller: ServerCaller,
    segment_id: Id,
    format: Format = "csv",  # noqa: A002
    bom: Bom = False,
) -> StreamingResponse:
    """The people for whom the segment is true now."""
    return streamed(export.segment(caller.core, caller.actor, caller.app_id, segment_id, format, bom=bom))


@router.get("/lists/{list_id}/export", response_class=StreamingResponse, responses=FILE)
def export_list(
    caller: ServerCaller,
    list_id: Id,
    format: Format = "csv",  # noqa: A002
    bom: Bom = False,
) -> StreamingResponse:
    """The people of the list."""
    return streamed(export.static_list(caller.core, caller.actor, caller.app_id, list_id, format, bom=bom))


def streamed(made: Export) -> StreamingResponse:
    """The file as a download; whatever its name holds stays inside the header."""
    plain = "".join(char if (char.isalnum() and char.isascii()) or char in "-_. " else "_" for char in made.filename)
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(made.filename, safe='')}"
    headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
    return StreamingResponse(made.pieces, media_type=made.media_type, headers=headers)
