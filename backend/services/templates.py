"""Templates: content kept for reuse, each save a version. Filling in is `rendering`, offered here as well.

A template may say by JSON Schema what its `data.*` has to hold; whoever sends it is held to that.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec

from backend.db import Work
from backend.domain.content import clean
from backend.errors import FieldError, Invalid, NotFound, Stale, TemplateError
from backend.models import Template, TemplateVersion
from backend.queries import campaigns as apps
from backend.queries import templates as queries
from backend.services import audit, blocks, clashes, content_rules, content_uses, ids, page, rendering
from backend.services import data_schema as schemas
from backend.services import template_engine as engine
from backend.services.content import parse_content
from backend.services.page import Page
from backend.services.rendering import Envelope, Links, content_problems, render, user_variables
from backend.services.segment_uses import Use

__all__ = [
    "Envelope",
    "Links",
    "TemplateError",
    "TemplateRow",
    "TemplateState",
    "all_uses",
    "archive",
    "bring_back",
    "content_of",
    "content_problems",
    "create",
    "data_read",
    "duplicate",
    "get",
    "listing",
    "problems_of",
    "render",
    "required_data",
    "restore",
    "save",
    "user_variables",
    "uses",
    "versions",
    "wrong",
]

COPY_SUFFIX = " (copy)"
Given = ParamSpec("Given")


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template as it is now. `warnings` are the `data.*` that its texts read and its schema does not name, `saved_by`
    is who made this version."""

    id: str
    name: str
    version: int
    content: Mapping[str, Any]
    data_schema: Mapping[str, Any] | None
    warnings: tuple[FieldError, ...]
    created_at: datetime
    updated_at: datetime
    saved_by: str


@dataclass(frozen=True, slots=True)
class TemplateState:
    """One version of a template; `restored_from` is the version that it repeats."""

    version: int
    content: Mapping[str, Any]
    data_schema: Mapping[str, Any] | None
    restored_from: int | None
    created_at: datetime
    created_by: str


def create(
    work: Work, name: str, content: Mapping[str, Any], data_schema: Mapping[str, Any] | None = None
) -> TemplateRow:
    """A new template. Raises `Invalid` naming each wrong field (`content.title`, `data_schema.properties.id.type`)."""
    checked, schema = _checked_content(work, content), _checked_schema(data_schema)
    template = Template(
        app_id=work.app_id, name=_checked_name(name), version=1, created_at=work.now, updated_at=work.now
    )
    work.session.add(template)
    work.session.flush()
    row = _row(work, template, _add_version(work, template, checked, schema))
    audit.record(work, "template.created", row.id, name=row.name)
    return row


def save(
    work: Work,
    template_id: str,
    *,
    name: str | None = None,
    content: Mapping[str, Any] | None = None,
    data_schema: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> TemplateRow:
    """Another name, or another content or schema as a new version; the same makes none. An empty schema takes it away.

    Raises `Stale` when `version` is not the newest: somebody else has saved in between.
    """
    template, newest = _find(work, template_id, lock=True)
    if version is not None and version != newest.version:
        raise _stale(template.name, newest, name, content, data_schema)
    checked = newest.content if content is None else _checked_content(work, content)
    schema = newest.data_schema if data_schema is None else _checked_schema(data_schema)
    template.name = template.name if name is None else _checked_name(name)
    newest = _next_version(work, template, newest, checked, schema)
    audit.record(work, "template.changed", template_id, name=template.name, version=template.version)
    return _row(work, template, newest)


def restore(work: Work, template_id: str, version: int) -> TemplateRow:
    """A new version that repeats an old one; none where the newest says the same. Raises `NotFound`."""
    template, newest = _find(work, template_id, lock=True)
    old = queries.version(work.session, template.id or 0, version)
    if old is None:
        raise NotFound(f"The template {template.name!r} has no version {version}.")
    checked = _checked_content(work, old.content)
    newest = _next_version(work, template, newest, checked, old.data_schema, restored_from=version)
    audit.record(work, "template.restored", template_id, name=template.name, version=version)
    return _row(work, template, newest)


def wrong(work: Work, content: Mapping[str, Any], data_schema: Mapping[str, Any] | None = None) -> list[FieldError]:
    """Why `create` and `save` would not have this content or this schema. Nothing is written."""
    return _refusals(_checked_content, work, content) + _refusals(_checked_schema, data_schema)


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
        TemplateState(one.version, one.content, one.data_schema, one.restored_from, one.created_at, one.created_by)
        for one in queries.versions(work.session, template.id or 0)
    )


def duplicate(work: Work, template_id: str) -> TemplateRow:
    """A new template with the same content and schema."""
    template, newest = _find(work, template_id)
    name = template.name[: 200 - len(COPY_SUFFIX)] + COPY_SUFFIX
    return create(work, name, newest.content, newest.data_schema)


def archive(work: Work, template_id: str) -> None:
    """Takes a template away; what was launched with it keeps its own copy."""
    template, _ = _find(work, template_id)
    template.archived_at = work.now
    work.session.flush()
    audit.record(work, "template.archived", template_id, name=template.name)


def bring_back(work: Work, template_id: str) -> TemplateRow:
    """An archived template, in use again. Raises `NotFound`."""
    number = ids.number(work, ids.TEMPLATE, template_id)
    pair = queries.find(work.session, work.app_id, number, archived=True)
    if pair is None:
        raise NotFound(f"There is no archived template {template_id}.")
    pair[0].archived_at = None
    work.session.flush()
    audit.record(work, "template.brought_back", template_id, name=pair[0].name)
    return _row(work, pair[0], pair[1])


def content_of(work: Work, template_id: str) -> dict[str, Any]:
    """The newest content. Raises `NotFound`."""
    return dict(_find(work, template_id)[1].content)


def words_of(work: Work, variant: Mapping[str, Any]) -> dict[str, Any]:
    """What a variant says, in its own words or its template's as they are now. Raises `NotFound`."""
    return content_of(work, variant["template_id"]) if variant.get("template_id") else dict(variant["content"])


def uses(work: Work, template_id: str) -> tuple[Use, ...]:
    """The campaigns that have yet to end and name the template. Raises `NotFound`."""
    _find(work, template_id)
    return all_uses(work).get(template_id, ())


def data_read(content: Mapping[str, Any]) -> tuple[str, ...]:
    """What the texts read of `data`, by its first name: `order` of `data.order.id`."""
    found = (use.path for _, text in rendering.texts(content, "content") for use in engine.reads(text))
    return tuple(sorted({path[1] for path in found if path[0] == "data" and len(path) > 1}))


def all_uses(work: Work) -> dict[str, tuple[Use, ...]]:
    """Every use of the app's templates, by the id of the template used."""
    return content_uses.of_templates(work)


def problems_of(work: Work, template_id: str | None, data: Any) -> list[FieldError]:
    """What is wrong with data by the template's schema (`data.order.id`); without one its size alone counts.

    Raises `NotFound`.
    """
    schema = _find(work, template_id)[1].data_schema if template_id else None
    return schemas.problems(schema, data)


def required_data(work: Work, template_id: str) -> tuple[str, ...]:
    """The names that `data` must have. Raises `NotFound`."""
    return schemas.required(_find(work, template_id)[1].data_schema)


def _find(work: Work, template_id: str, *, lock: bool = False) -> tuple[Template, TemplateVersion]:
    number = ids.number(work, ids.TEMPLATE, template_id)
    if lock:
        queries.lock(work.session, number)
    pair = queries.find(work.session, work.app_id, number)
    if pair is None:
        raise NotFound(f"There is no template {template_id}.")
    return pair[0], pair[1]


def _stale(
    saved_name: str,
    newest: TemplateVersion,
    name: str | None,
    content: Mapping[str, Any] | None,
    data_schema: Mapping[str, Any] | None,
) -> Stale:
    """Names each field that the late save would have made another, with what is saved now."""
    saved = {"name": saved_name, "content": newest.content, "data_schema": newest.data_schema}
    text = newest.content if content is None else content
    with contextlib.suppress(Invalid):  # what cannot be read is compared as it was sent
        text = parse_content(text)
    schema = newest.data_schema if data_schema is None else data_schema or None
    paths = clashes.differing(saved, {"name": name or saved_name, "content": text, "data_schema": schema})
    return Stale([FieldError(".".join(path), clashes.DIFFERS) for path in paths], newest.version, saved)


def _next_version(
    work: Work,
    template: Template,
    newest: TemplateVersion,
    content: dict[str, Any],
    schema: dict[str, Any] | None,
    restored_from: int | None = None,
) -> TemplateVersion:
    """A version that says this; the newest where it does already."""
    template.updated_at = work.now
    if (content, schema) != (newest.content, newest.data_schema):
        template.version += 1
        newest = _add_version(work, template, content, schema, restored_from)
    work.session.flush()
    return newest


def _add_version(
    work: Work,
    template: Template,
    content: dict[str, Any],
    schema: dict[str, Any] | None,
    restored_from: int | None = None,
) -> TemplateVersion:
    version = TemplateVersion(
        template_id=template.id,
        version=template.version,
        content=content,
        data_schema=schema,
        restored_from=restored_from,
        created_at=work.now,
        created_by=str(work.actor)[:400],
    )
    work.session.add(version)
    work.session.flush()
    return version


def _checked_content(work: Work, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as it is kept: its blocks must be there, and its links such as the app allows."""
    checked = parse_content(content)
    schemes = frozenset(apps.app(work.session, work.app_id).link_schemes)
    if wrong := content_rules.problems(checked, schemes, "content"):
        raise Invalid(wrong)
    blocks.expand(work, checked)
    return checked


def _checked_schema(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return schemas.checked(schema) if schema else None


def _refusals(check: Callable[Given, object], *args: Given.args, **kwargs: Given.kwargs) -> list[FieldError]:
    try:
        check(*args, **kwargs)
    except Invalid as error:
        return error.errors
    return []


def _warnings(version: TemplateVersion) -> tuple[FieldError, ...]:
    schema = version.data_schema
    if schema is None:
        return ()
    return tuple(
        FieldError(field, f"reads {'.'.join(use.path)}, which data_schema does not name", use.at, use.length)
        for field, text in rendering.texts(version.content, "content")
        for use in engine.reads(text)
        if use.path[0] == "data" and not schemas.declares(schema, use.path[1:])
    )


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
        data_schema=version.data_schema,
        warnings=_warnings(version),
        created_at=template.created_at,
        updated_at=template.updated_at,
        saved_by=version.created_by,
    )
