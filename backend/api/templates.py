"""Templates: content kept for reuse, in versions, and what their texts may read."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.api.problems import DOCUMENTED
from backend.services import templates, variables
from backend.services.segment_uses import Use
from backend.services.templates import TemplateRow, TemplateState
from backend.services.variables import Variables

router = APIRouter(prefix="/templates", tags=["Server"], responses=DOCUMENTED)
TemplateId = Annotated[str, Path(max_length=64)]
EventName = Annotated[str | None, Query(max_length=120, description="The event that a campaign waits for.")]
Search = Annotated[str, Query(max_length=200, description="A part of the name.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Content = Annotated[dict[str, Any], Field(description="As in a campaign's variant.")]
Schema = Annotated[
    dict[str, Any],
    Field(
        description="JSON Schema (draft 2020-12) of what `data.*` has to hold. `POST /messages` is held to it. In an event "
        "campaign `data.*` reads the event, its properties beside `name`, `at`, `value` and `currency`, so that one "
        "template serves both. Empty: none."
    ),
]


class TemplateIn(BaseModel):
    """A template to keep."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    content: Content
    data_schema: Schema | None = None


class TemplateChange(BaseModel):
    """What becomes different; another content or schema makes a new version."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    content: Content | None = None
    data_schema: Schema | None = None
    version: Annotated[
        int | None,
        Field(
            ge=1, description="The version that you have changed: 409 where there is a newer one, with what it says."
        ),
    ] = None


class Restored(BaseModel):
    """Which version to go back to."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class Uses(BaseModel):
    """The campaigns (and for a block the templates) that use something; of a frozen one what was launched stays."""

    items: list[Use]
    next: None = None


class Versions(BaseModel):
    """All versions of a template, newest first."""

    items: list[TemplateState]
    next: None = None


@router.post("", status_code=201)
def create_template(caller: ServerCaller, body: TemplateIn) -> TemplateRow:
    """Keeps content under a name; a wrong field is named by its path, such as `content.title`.

    `warnings` in the answer name the `data.*` that its texts read and its `data_schema` does not have.
    """
    with caller.core.work(caller.actor, caller.app_id) as work:
        return templates.create(work, body.name, body.content, body.data_schema)


@router.get("", response_model=PageOut[TemplateRow])
def get_templates(caller: ServerCaller, search: Search = "", limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The app's templates, newest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return templates.listing(work, search=search, cursor=cursor, limit=limit)


@router.get("/variables")
def get_variables(caller: ServerCaller, event: EventName = None) -> Variables:
    """What texts may read, by group, with examples of the app's own; its blocks; and the filters.

    Of events those of every kind, or of the one that is named: an event campaign waits for it.
    """
    schedule = {"kind": "event", "event": event} if event else None
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return variables.listing(work, schedule)


@router.get("/{template_id}")
def get_template(caller: ServerCaller, template_id: TemplateId) -> TemplateRow:
    """A template as it is now."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return templates.get(work, template_id)


@router.get("/{template_id}/versions")
def get_versions(caller: ServerCaller, template_id: TemplateId) -> Versions:
    """Every version that the template has had: who made it and when, and which one it repeats (`restored_from`)."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return Versions(items=list(templates.versions(work, template_id)))


@router.patch("/{template_id}")
def change_template(caller: ServerCaller, template_id: TemplateId, body: TemplateChange) -> TemplateRow:
    """Another name, content or schema; campaigns that were launched keep the content they had."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return templates.save(work, template_id, **body.model_dump(exclude_unset=True))


@router.post("/{template_id}/restore")
def restore_template(caller: ServerCaller, template_id: TemplateId, body: Restored) -> TemplateRow:
    """Makes a new version that repeats an old one."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return templates.restore(work, template_id, body.version)


@router.get("/{template_id}/uses")
def get_template_uses(caller: ServerCaller, template_id: TemplateId) -> Uses:
    """The campaigns that name the template and have yet to end."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return Uses(items=list(templates.uses(work, template_id)))


@router.post("/{template_id}/duplicate", status_code=201)
def duplicate_template(caller: ServerCaller, template_id: TemplateId) -> TemplateRow:
    """A new template with the same content."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return templates.duplicate(work, template_id)


@router.delete("/{template_id}", status_code=204)
def archive_template(caller: ServerCaller, template_id: TemplateId) -> None:
    """Takes a template away."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        templates.archive(work, template_id)


@router.post("/{template_id}/bring-back")
def bring_back_template(caller: ServerCaller, template_id: TemplateId) -> TemplateRow:
    """Brings an archived template back."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return templates.bring_back(work, template_id)
