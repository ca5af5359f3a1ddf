"""A template as the browser holds it while it is written: the draft of a message, with a name and a schema of its data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.errors import FieldError, Invalid
from backend.services import data_schema
from console.rows.content_form import draft_json, parse_draft
from console.rows.delivery_errors import sentence_of

SCHEMA = "data_schema"
LONGEST = 200
BROKEN = FieldError(SCHEMA, "is no JSON yet: finish it, or undo it")


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What is wrong with the schema: its path there (`properties.id.type`, empty for all of it) and a sentence."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What is wrong with a template beside its texts, and what those read of `data`."""

    name: str = ""
    schema: tuple[SchemaProblem, ...] = ()
    other: str = ""
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """What a browser sent: made from `version`, at `edit`. `broken` when the schema's text is no JSON."""

    of: str = ""
    version: int = 0
    edit: int = 0
    name: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    schema: dict[str, Any] | None = None
    broken: bool = False

    @property
    def document(self) -> dict[str, Any]:
        return document(self.name, self.content, self.schema)


def document(name: str, content: Mapping[str, Any], data_schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """A template in the shape of a campaign's definition, so that two editors' changes are told apart alike."""
    schema = dict(data_schema) if data_schema else None
    return {"name": name, "variants": [{"name": "A", "content": dict(content)}], SCHEMA: schema}


def parts(made: Mapping[str, Any]) -> dict[str, Any]:
    """A document as the service takes it; an empty schema takes it away."""
    return {"name": made["name"], "content": made["variants"][0]["content"], SCHEMA: made[SCHEMA] or {}}


def draft_of(made: Mapping[str, Any], of: str, version: int, revision: int, default_locale: str) -> dict[str, Any]:
    """The draft for the browser; `version` is the one that it is made from."""
    content = made["variants"][0]["content"]
    held = draft_json([content], of=of, revision=revision, default_locale=default_locale)
    return {**held, "name": made["name"], "schema": made[SCHEMA], "version": version}


def parse(data: Any) -> Typed:
    """Reads what the browser sent; the content itself is judged where it is saved."""
    data = data if isinstance(data, Mapping) else {}
    sent, version, schema = parse_draft(data), data.get("version"), data.get("schema")
    return Typed(
        of=sent.of,
        version=version if isinstance(version, int) and not isinstance(version, bool) else 0,
        edit=sent.edit,
        name=str(data.get("name") or "")[: LONGEST + 1],
        content=sent.content,
        schema=dict(schema) if isinstance(schema, Mapping) and schema else None,
        broken=bool(data.get("broken")),
    )


def sample_of(data: Any) -> dict[str, Any] | None:
    """The data with which a template's draft is shown: the examples of its schema. None of any other draft."""
    if not isinstance(data, Mapping) or "schema" not in data:
        return None
    try:
        return data_schema.sample(data_schema.checked(parse(data).schema or {}))
    except Invalid:
        return {}


def judged(errors: Sequence[FieldError], reads: Sequence[str] = ()) -> Judged:
    """What is about no text, in its place."""
    schema = [one for one in errors if one.field.split(".")[0] == SCHEMA]
    other = [one for one in errors if one.field.split(".")[0] not in (SCHEMA, "name", "content")]
    return Judged(
        name=next((sentence_of(one.message) for one in errors if one.field == "name"), ""),
        schema=tuple(SchemaProblem(one.field[len(SCHEMA) + 1 :], sentence_of(one.message)) for one in schema),
        other="; ".join(sentence_of(one.message) for one in other),
        reads=tuple(reads),
    )
