"""Templates: content kept for reuse, in versions."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.api.problems import DOCUMENTED
from backend.services import templates
from backend.services.templates import TemplateRow, TemplateState

router = APIRouter(prefix="/templates", tags=["Server"], responses=DOCUMENTED)
TemplateId = Annotated[str, Path(max_length=64)]
Search = Annotated[str, Query(max_length=200, description="A part of the name.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Content = Annotated[dict[str, Any], Field(description="As in a campaign's variant.")]


class TemplateIn(BaseModel):
    """A template to keep."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    content: Content


class TemplateChange(BaseModel):
    """What becomes different; other content makes a new version."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    content: Content | None = None


class Versions(BaseModel):
    """All versions of a template, newest first."""

    items: list[TemplateState]
    next: None = None


@router.post("", status_code=201)
def create_template(caller: ServerCaller, body: TemplateIn) -> TemplateRow:
    """Keeps content under a name; a wrong field is named by its path, such as `content.title`."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return templates.create(work, body.name, body.content)


@router.get("", response_model=PageOut[TemplateRow])
def get_templates(caller: ServerCaller, search: Search = "", limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The app's templates, newest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return templates.listing(work, search=search, cursor=cursor, limit=limit)


@router.get("/{template_id}")
def get_template(caller: ServerCaller, template_id: TemplateId) -> TemplateRow:
    """A template as it is now."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return templates.get(work, template_id)


@router.get("/{template_id}/versions")
def get_versions(caller: ServerCaller, template_id: TemplateId) -> Versions:
    """Every version that the template has had."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return Versions(items=list(templates.versions(work, template_id)))


@router.patch("/{template_id}")
def change_template(caller: ServerCaller, template_id: TemplateId, body: TemplateChange) -> TemplateRow:
    """Another name or content; campaigns that were launched keep the content they had."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return templates.save(work, template_id, name=body.name, content=body.content)


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
