"""Templates: content kept for reuse, each save a version. Filling in is `rendering`, offered here as well."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.domain.content import clean
from backend.errors import Invalid, NotFound, TemplateError
from backend.models import Template, TemplateVersion
from backend.queries import templates as queries
from backend.services import audit, ids, page
from backend.services.content import parse_content
from backend.services.page import Page
from backend.services.rendering import Envelope, content_problems, render, user_variables

__all__ = [
    "Envelope",
    "TemplateError",
    "TemplateRow",
    "TemplateState",
    "archive",
    "content_of",
    "content_problems",
    "create",
    "duplicate",
    "get",
    "listing",
    "render",
    "save",
    "user_variables",
    "versions",
]

COPY_SUFFIX = " (copy)"


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template as it is now."""

    id: str
    name: str
    version: int
    content: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TemplateState:
    """One version of a template."""

    version: int
    content: Mapping[str, Any]
    created_at: datetime
    created_by: str


def create(work: Work, name: str, content: Mapping[str, Any]) -> TemplateRow:
    """A new template. Raises `Invalid` naming each wrong field (`content.title`)."""
    checked = parse_content(content)
    template = Template(
        app_id=work.app_id, name=_checked_name(name), version=1, created_at=work.now, updated_at=work.now
    )
    work.session.add(template)
    work.session.flush()
    row = _row(work, template, _add_version(work, template, checked))
    audit.record(work, "template.created", row.id, name=row.name)
    return row


def save(
    work: Work, template_id: str, *, name: str | None = None, content: Mapping[str, Any] | None = None
) -> TemplateRow:
    """Another name, or another content as a new version; the same content makes none."""
    template, newest = _find(work, template_id)
    checked = newest.content if content is None else parse_content(content)
    template.name = template.name if name is None else _checked_name(name)
    template.updated_at = work.now
    if checked != newest.content:
        template.version += 1
        newest = _add_version(work, template, checked)
    work.session.flush()
    audit.record(work, "template.changed", template_id, name=template.name, version=template.version)
    return _row(work, template, newest)


def get(work: Work, template_id: str) -> TemplateRow:
    """A template of the app. Raises `NotFound`."""
    return _row(work, *_find(work, template_id))


def listing(work: Work, *, search: str = "", cursor: str | None = None, limit: int = 50) -> Page[TemplateRow]:
    """The app's templates, newest first."""
    found = queries.listing(work.session, work.app_id, clean(search), page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda pair: pair[0].id or 0, lambda pair: _row(work, pair[0], pair[1]))


def versions(work: Work, template_id: str) -> tuple[TemplateState, ...]:
    """Every version, newest first."""
    template, _ = _find(work, template_id)
    return tuple(
        TemplateState(one.version, one.content, one.created_at, one.created_by)
        for one in queries.versions(work.session, template.id or 0)
    )


def duplicate(work: Work, template_id: str) -> TemplateRow:
    """A new template with the same content."""
    template, newest = _find(work, template_id)
    return create(work, template.name[: 200 - len(COPY_SUFFIX)] + COPY_SUFFIX, newest.content)


def archive(work: Work, template_id: str) -> None:
    """Takes a template away; what was launched with it keeps its own copy."""
    template, _ = _find(work, template_id)
    template.archived_at = work.now
    work.session.flush()
    audit.record(work, "template.archived", template_id, name=template.name)


def content_of(work: Work, template_id: str) -> dict[str, Any]:
    """The newest content. Raises `NotFound`."""
    return dict(_find(work, template_id)[1].content)


def _find(work: Work, template_id: str) -> tuple[Template, TemplateVersion]:
    pair = queries.find(work.session, work.app_id, ids.number(work, ids.TEMPLATE, template_id))
    if pair is None:
        raise NotFound(f"There is no template {template_id}.")
    return pair[0], pair[1]


def _add_version(work: Work, template: Template, content: dict[str, Any]) -> TemplateVersion:
    version = TemplateVersion(
        template_id=template.id,
        version=template.version,
        content=content,
        created_at=work.now,
        created_by=str(work.actor)[:400],
    )
    work.session.add(version)
    work.session.flush()
    return version


def _checked_name(name: str) -> str:
    if not (cleaned := clean(name).strip()) or len(cleaned) > 200:
        raise Invalid("name", "must have 1 to 200 characters")
    return cleaned


def _row(work: Work, template: Template, version: TemplateVersion) -> TemplateRow:
    return TemplateRow(
        id=ids.public(work, ids.TEMPLATE, template.id or 0),
        name=template.name,
        version=version.version,
        content=version.content,
        created_at=template.created_at,
        updated_at=template.updated_at,
    )
