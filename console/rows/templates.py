"""Templates as lines: the list, the versions of one, where it is used, and how a program sends it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.domain.three_way import Path
from backend.services import clashes, data_schema
from backend.services.content import parse_content
from backend.services.segment_uses import Use
from backend.services.templates import TemplateRow, TemplateState
from console import routes, words
from console.rows import clash
from console.rows.segments import Link
from console.rows.template_draft import SCHEMA, document
from console.words import NEVER, When

DEFAULTS = parse_content({"title": "x"})
SECTIONS = ("locales", "ios", "android", "web")
MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A template in the list; `said` is what it is about, `used` how often, `used_by` where."""

    id: str = ""
    name: str = ""
    href: str = routes.TEMPLATES
    said: str = ""
    version: int = 0
    by: str = ""
    saved: When = NEVER
    used: str = ""
    used_by: str = ""


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version; `changes` says what it changed from the one before, `newest` that it is in use."""

    number: int = 0
    href: str = routes.TEMPLATES
    by: str = ""
    saved: When = NEVER
    changes: str = ""
    restored_from: int = 0
    newest: bool = False


@dataclass(frozen=True, slots=True)
class CompareLine:
    """A field in two versions."""

    label: str
    one: str
    other: str
    differs: bool


NO_VERSION = VersionLine()


def line(row: TemplateRow, uses: Sequence[Use], zone: str, now: datetime) -> TemplateLine:
    return TemplateLine(
        id=row.id,
        name=row.name,
        href=routes.template(row.id),
        said=row.content.get("title") or row.content.get("body") or "",
        version=row.version,
        by=person(row.saved_by),
        saved=words.when(row.updated_at, zone, now),
        used=words.plural(len(uses), "campaign") if uses else "",
        used_by=", ".join(use.name for use in uses[:MOST_NAMED]) + (" …" if len(uses) > MOST_NAMED else ""),
    )


def person(actor: str) -> str:
    """Who it was, without what kind of actor that is."""
    return actor.removeprefix("member ")


def versions(states: Sequence[TemplateState], template_id: str, zone: str, now: datetime) -> tuple[VersionLine, ...]:
    """Newest first, as they come."""
    before = [*states[1:], None]
    return tuple(
        VersionLine(
            number=one.version,
            href=routes.template(template_id, version="" if at == 0 else str(one.version)),
            by=person(one.created_by),
            saved=words.when(one.created_at, zone, now),
            changes=_changes(one, earlier),
            restored_from=one.restored_from or 0,
            newest=at == 0,
        )
        for at, (one, earlier) in enumerate(zip(states, before, strict=True))
    )


def _changes(one: TemplateState, before: TemplateState | None) -> str:
    if before is None:
        return "The first one"
    labels = list(
        dict.fromkeys(clash.label_of(path, 1) for path in clashes.differing(_document(before), _document(one)))
    )
    named = ", ".join(labels[:MOST_NAMED])
    more = len(labels) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def compared(one: TemplateState, other: TemplateState) -> tuple[CompareLine, ...]:
    """Every field that either of them says; those that differ come first. What both leave alone is left out."""
    sides = (_document(one), _document(other))
    paths = dict.fromkeys(path for side in sides for path in _said(side))
    told = [(path, _at(sides[0], path), _at(sides[1], path)) for path in paths]
    lines = [
        CompareLine(
            clash.label_of(path, 1), clash.value_words(path, mine), clash.value_words(path, theirs), mine != theirs
        )
        for path, mine, theirs in told
        if mine != theirs or mine not in (None, "", [], {}, DEFAULTS.get(path[-1]))
    ]
    return tuple(sorted(lines, key=lambda found: not found.differs))


def _said(side: Mapping[str, Any]) -> Iterator[Path]:
    yield from _fields(side["variants"][0]["content"], ("variants", "A", "content"))
    yield (SCHEMA,)


def _fields(layer: Mapping[str, Any], path: Path) -> Iterator[Path]:
    """Every field of a content, those of its languages and platforms too."""
    for name, value in layer.items():
        if isinstance(value, Mapping) and (name in SECTIONS or path[-1] == "locales"):
            yield from _fields(value, (*path, name))
        else:
            yield (*path, name)


def _document(state: TemplateState) -> dict[str, Any]:
    return document("", state.content, state.data_schema)


def _at(side: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What stands at a path of a document; None where there is nothing."""
    found: Any = {**side, "variants": {one["name"]: one for one in side["variants"]}}
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def uses(found: Iterable[Use]) -> tuple[Link, ...]:
    """Where a template or block is used; what has been launched keeps the text it was launched with."""
    return tuple(map(_use, found))


def _use(use: Use) -> Link:
    if use.kind == "template":
        return Link(use.name, routes.template(use.id), "Template")
    if use.frozen:
        return Link(use.name, routes.campaign(use.id), f"{use.state.capitalize()}: keeps the text it was launched with")
    return Link(use.name, routes.edit_campaign(use.id), "Draft: takes the text as it is at launch")


def snippet(base_url: str, template_id: str, schema: Mapping[str, Any] | None) -> str:
    """How a program sends the template to one user, with the schema's own examples as data."""
    body: dict[str, Any] = {"to": {"user_ids": ["u-1001"]}, "template_id": template_id, "category": "transactional"}
    if data := data_schema.sample(schema):
        body["data"] = data
    text = json.dumps(body, indent=2, ensure_ascii=False).replace("'", "'\\''")
    return (
        f"curl {base_url}/api/v1/messages \\\n"
        '  -H "Authorization: Bearer $TOCSIN_SERVER_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{text}'"
    )
