"""The console's files: what a browser uploads and downloads past the websocket, proven by the session's cookie."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from backend.api import uploads
from backend.api.auth import is_cross_site
from backend.api.deps import OPEN, VISITOR, Caller, core_of
from backend.api.exports import streamed
from backend.api.imports import add
from backend.domain.vocabulary import Role, Scope
from backend.errors import NotAllowed, NotAuthenticated, NotFound
from backend.services import export, members
from backend.services.export import Export
from backend.services.members import Viewer

router = APIRouter(prefix="/files", tags=["Console"], dependencies=[OPEN], include_in_schema=False)
Format = Literal["csv", "jsonl"]
Word = Annotated[str, Query(max_length=255)]


class Uploaded(BaseModel):
    """Where to go on with a file."""

    id: str


@router.post("/imports", status_code=201)
async def upload(request: Request, kind: Word = "", filename: Word = "", list_id: Word = "") -> Uploaded:
    """A file for an import, as the body itself."""
    caller = await asyncio.to_thread(member, request)
    received = await uploads.receive(request)
    asked: dict[str, str | None] = {"kind": kind, "filename": filename, "list_id": list_id or None}
    return Uploaded(id=(await asyncio.to_thread(add, caller, received, asked)).id)


@router.get("/imports/{import_id}/refusals.csv")
def refusals(request: Request, import_id: str) -> StreamingResponse:
    return _sent(request, lambda who: export.refusals(who.core, who.actor, who.app_id, import_id))


@router.get("/export/people")
def people(request: Request, format: Format = "csv") -> StreamingResponse:  # noqa: A002
    return _sent(request, lambda who: export.everyone(who.core, who.actor, who.app_id, format, bom=True))


@router.get("/export/segments/{segment_id}")
def segment(request: Request, segment_id: str, format: Format = "csv") -> StreamingResponse:  # noqa: A002
    return _sent(request, lambda who: export.segment(who.core, who.actor, who.app_id, segment_id, format, bom=True))


@router.get("/export/lists/{list_id}")
def static_list(request: Request, list_id: str, format: Format = "csv") -> StreamingResponse:  # noqa: A002
    return _sent(request, lambda who: export.static_list(who.core, who.actor, who.app_id, list_id, format, bom=True))


def _sent(request: Request, made: Callable[[Caller], Export]) -> StreamingResponse:
    return streamed(made(member(request)))


def member(request: Request) -> Caller:
    """The signed-in member as somebody who acts in the app they have open. Raises what the API answers with.

    Who may change people may also carry them out: an editor.
    """
    if is_cross_site(request):
        raise NotAllowed("This was asked for by a page of another site.")
    viewer = _viewer(request)
    if not viewer.may(Role.EDITOR):
        raise NotAllowed
    if viewer.app is None:
        raise NotFound("There is no app yet.")
    return Caller(core_of(request), 0, viewer.app.number, Scope.SERVER, viewer.actor)


def _viewer(request: Request) -> Viewer:
    token = request.cookies.get(members.COOKIE)
    with core_of(request).reading(VISITOR) as work:
        found = members.viewer(work, token) if token else None
    if found is None:
        raise NotAuthenticated("Sign in to the console.")
    return found
