"""Content blocks as lines, and what a browser types into one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.errors import FieldError
from backend.services.blocks import BlockRow
from backend.services.segment_uses import Use
from console import routes, words
from console.rows.delivery_errors import sentence_of
from console.rows.templates import person
from console.words import NEVER, When

MOST = 100


@dataclass(frozen=True, slots=True)
class BlockLine:
    """A block in the list: how texts call it, what it says, in which languages besides, and how often it is used."""

    id: str = ""
    name: str = ""
    call: str = ""
    href: str = routes.BLOCKS
    text: str = ""
    languages: str = ""
    used: str = ""
    by: str = ""
    saved: When = NEVER


@dataclass(frozen=True, slots=True)
class BlockText:
    """What the form begins with; another `revision` makes it begin anew. A `fresh` one has yet to get its name."""

    id: str = ""
    revision: int = 0
    fresh: bool = False
    name: str = ""
    text: str = ""
    locales: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlockProblem:
    """What is wrong with a text of the form (`text`, `locales.pl`) or its name; at which characters, -1 for all."""

    field: str
    message: str
    at: int = -1
    length: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What one person reads of the text in one language, or why they read nothing."""

    language: str
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What a browser sent."""

    id: str = ""
    name: str = ""
    text: str = ""
    locales: dict[str, str] = field(default_factory=dict)


def line(row: BlockRow, uses: Sequence[Use], zone: str, now: datetime) -> BlockLine:
    return BlockLine(
        id=row.id,
        name=row.name,
        call=f"{{{{ block.{row.name} }}}}",
        href=routes.block(row.id),
        text=row.text,
        languages=", ".join(sorted(row.locales)),
        used=_used(uses),
        by=person(row.updated_by),
        saved=words.when(row.updated_at, zone, now),
    )


def _used(uses: Sequence[Use]) -> str:
    counts = [(sum(one.kind == kind for one in uses), kind) for kind in ("campaign", "template")]
    return ", ".join(words.plural(count, kind) for count, kind in counts if count)


def parse(data: Any) -> Said:
    """Reads what the browser sent; the texts themselves are judged where they are saved."""
    data = data if isinstance(data, Mapping) else {}
    locales = data.get("locales")
    said = locales.items() if isinstance(locales, Mapping) else ()
    return Said(
        id=str(data.get("id") or ""),
        name=str(data.get("name") or ""),
        text=str(data.get("text") or ""),
        locales={str(tag): str(text or "") for tag, text in list(said)[:MOST]},
    )


def problems(errors: Sequence[FieldError]) -> tuple[BlockProblem, ...]:
    return tuple(
        BlockProblem(one.field, sentence_of(one.message), -1 if one.at is None else one.at, one.length or 0)
        for one in errors
    )
