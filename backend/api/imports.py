"""Imports: files of users, devices and list members, taken in in the background."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from backend.api import uploads
from backend.api.deps import Caller, ServerCaller
from backend.api.exports import FILE, streamed
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.api.problems import FieldProblem
from backend.api.uploads import Received
from backend.domain.vocabulary import ImportKind
from backend.services import export, import_jobs
from backend.services.import_jobs import ImportRow, Preview
from backend.services.import_reader import MAX_COLUMNS

router = APIRouter(prefix="/imports", tags=["Server"])
upload = APIRouter(prefix="/imports", tags=["Server"])
ImportId = Annotated[str, Path(max_length=64)]
_BINARY = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "required": ["file"], "properties": {"file": _BINARY, "kind": {"type": "string"}}}
BODY = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": _FORM}, "text/csv": {"schema": _BINARY}},
    }
}


class FieldIn(BaseModel):
    """A column of the file and what it becomes: one of the fields of its kind, `attribute` or `ignore`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(max_length=200)
    to: str = Field(default="ignore", max_length=40)
    name: str = Field(default="", max_length=64, description="Of an attribute.")
    type: str = Field(default="text", max_length=20, description="Of an attribute: text, number, boolean, date, list.")


class ImportChanges(BaseModel):
    """What is given changes; `header` and `delimiter` have the columns guessed afresh."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: list[FieldIn] | None = Field(default=None, max_length=MAX_COLUMNS)
    header: bool | None = None
    delimiter: str | None = Field(default=None, max_length=1)
    list_id: str | None = Field(default=None, max_length=64)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken: its number (the first is 1) and why."""

    row: int
    problems: tuple[FieldProblem, ...]


@dataclass(frozen=True, slots=True)
class CheckOut:
    """What taking in the first thousand rows would do; `refusals` are the first of them."""

    rows: int
    added: int
    changed: int
    refused: int
    refusals: tuple[RefusedRow, ...]


@upload.post("", status_code=201, openapi_extra=BODY, summary="Upload a file of users, devices or list members")
async def upload_file(
    caller: ServerCaller,
    request: Request,
    kind: ImportKind | None = None,
    filename: Annotated[str, Query(max_length=255)] = "",
    list_id: Annotated[str | None, Query(max_length=64)] = None,
) -> ImportRow:
    """CSV (`,` `;` tab or `|`, UTF-8, UTF-16 or Windows-1252) or JSON Lines, up to 2 GB, as the body itself or as the
    file of a form. Nothing is taken in before it is started."""
    received = await uploads.receive(request)
    asked = {"kind": kind, "list_id": list_id, "filename": filename, **received.fields}
    return await asyncio.to_thread(add, caller, received, asked)


def add(caller: Caller, received: Received, asked: dict[str, str | None]) -> ImportRow:
    """An import of what has arrived; a file that cannot be read is taken away again."""
    with uploads.discarding(caller.core, received), caller.core.work(caller.actor, caller.app_id) as work:
        return import_jobs.add(
            work,
            received.arrived,
            kind=asked["kind"] or "",
            filename=received.filename or asked["filename"] or "",
            list_id=asked["list_id"],
        )


@router.get("", response_model=PageOut[ImportRow])
def get_imports(caller: ServerCaller, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The app's imports, newest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return import_jobs.listing(work, cursor=cursor, limit=limit)


@router.get("/{import_id}")
def get_import(caller: ServerCaller, import_id: ImportId) -> ImportRow:
    """An import and how far it is."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return import_jobs.get(work, import_id)


@router.get("/{import_id}/preview")
def preview_import(caller: ServerCaller, import_id: ImportId) -> Preview:
    """The first twenty rows as they are read."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return import_jobs.preview(work, import_id)


@router.patch("/{import_id}")
def change_import(caller: ServerCaller, import_id: ImportId, body: ImportChanges) -> ImportRow:
    """Says what the columns become, before it is started."""
    fields = None if body.fields is None else [one.model_dump() for one in body.fields]
    with caller.core.work(caller.actor, caller.app_id) as work:
        return import_jobs.change(
            work, import_id, fields=fields, header=body.header, delimiter=body.delimiter, list_id=body.list_id
        )


@router.post("/{import_id}/check")
def check_import(caller: ServerCaller, import_id: ImportId) -> CheckOut:
    """What taking in the first thousand rows would do; nothing is written."""
    found = import_jobs.check(caller.core, caller.actor, caller.app_id, import_id)
    told = tuple(RefusedRow(one.row, tuple(map(FieldProblem.model_validate, one.problems))) for one in found.refusals)
    return CheckOut(found.rows, found.added, found.changed, found.refused, told)


@router.post("/{import_id}/start")
def start_import(caller: ServerCaller, import_id: ImportId) -> ImportRow:
    """Takes the file in, in the background."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return import_jobs.start(work, import_id)


@router.post("/{import_id}/pause")
def pause_import(caller: ServerCaller, import_id: ImportId) -> ImportRow:
    """Stops after the rows under way."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return import_jobs.pause(work, import_id)


@router.post("/{import_id}/resume")
def resume_import(caller: ServerCaller, import_id: ImportId) -> ImportRow:
    """Goes on where it stopped."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return import_jobs.resume(work, import_id)


@router.post("/{import_id}/cancel")
def cancel_import(caller: ServerCaller, import_id: ImportId) -> ImportRow:
    """Ends it for good; what was taken in stays."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return import_jobs.cancel(work, import_id)


@router.get("/{import_id}/refusals.csv", response_class=StreamingResponse, responses=FILE)
def get_refusals(caller: ServerCaller, import_id: ImportId) -> StreamingResponse:
    """The rows that were not taken: number, reason, columns."""
    return streamed(export.refusals(caller.core, caller.actor, caller.app_id, import_id))
