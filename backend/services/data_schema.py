"""What a template's `data.*` has to hold, as JSON Schema (draft 2020-12): a closed list of its keywords.

Left out is what can fetch (`$ref`), what can loop (`pattern`) and what nobody needs of a push.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError

from backend.errors import FieldError, Invalid

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
MAX_SCHEMA: Final = 16_384
MAX_SCHEMAS: Final = 100
MAX_DEPTH: Final = 8
MAX_DATA: Final = 16_384
MAX_VALUES: Final = 1_000
MAX_TOLD: Final = 100
"""Who gets a hundred things wrong need not hear of the next."""
KEYWORDS: Final = frozenset(
    {
        "$schema", "title", "description", "default", "examples", "type", "enum", "const", "properties", "required",
        "additionalProperties", "items", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format", "anyOf", "allOf", "oneOf",
    }
)  # fmt: skip
_LISTS: Final = ("anyOf", "allOf", "oneOf")
_SCHEMAS: Final = ("items", "additionalProperties")
_SENTENCES: Final = {
    "enum": "must be one of {value}",
    "const": "must be {value}",
    "minItems": "has fewer than {value} entries",
    "maxItems": "has more than {value} entries",
    "minLength": "has fewer than {value} characters",
    "maxLength": "has more than {value} characters",
    "minimum": "must be at least {value}",
    "maximum": "must be at most {value}",
    "exclusiveMinimum": "must be more than {value}",
    "exclusiveMaximum": "must be less than {value}",
    "multipleOf": "must be a multiple of {value}",
    "format": "must be a {value}",
    "anyOf": "fits none of the forms that it may have",
    "oneOf": "must fit exactly one of the forms that it may have",
    "additionalProperties": "must not be there",
}
_FORMATS: Final = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


def checked(schema: Mapping[str, Any], path: str = "data_schema") -> dict[str, Any]:
    """The schema, if it is one. Raises `Invalid` naming the keyword that is not (`data_schema.properties.id.type`)."""
    if len(_json(schema, path)) > MAX_SCHEMA:
        raise Invalid(path, f"is larger than {MAX_SCHEMA} bytes")
    found = list(_schemas(schema, path, 0))
    if len(found) > MAX_SCHEMAS:
        raise Invalid(path, f"has more than {MAX_SCHEMAS} parts")
    if problems := [one for where, part in found for one in _keyword_problems(part, where)]:
        raise Invalid(problems)
    if schema.get("type", "object") != "object":
        raise Invalid(f"{path}.type", "must be object: data is read as data.NAME")
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        raise Invalid(_path(path, error.absolute_path), _first_line(error)) from error
    return dict(schema)


def problems(schema: Mapping[str, Any] | None, data: Any, path: str = "data") -> list[FieldError]:
    """What is wrong with data, each by its path (`data.order.id`); without a schema only its size is looked at."""
    if not isinstance(data, Mapping):
        return [FieldError(path, "must be an object")]
    if len(_json(data, path)) > MAX_DATA:
        return [FieldError(path, f"is larger than {MAX_DATA} bytes of JSON")]
    if schema is None:
        return []
    if sum(1 for _ in _values(data)) > MAX_VALUES:
        return [FieldError(path, f"holds more than {MAX_VALUES} values")]
    validator = Draft202012Validator(dict(schema), format_checker=_FORMATS)
    found = [one for error in islice(validator.iter_errors(data), MAX_TOLD) for one in _told(error, path)]
    return sorted(dict.fromkeys(found), key=lambda one: one.field)


def required(schema: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names that data must have."""
    return tuple((schema or {}).get("required") or ())


def sample(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Data such as the schema describes, of its own examples; what has none is left out."""
    made = _sample(schema or {})
    return made if isinstance(made, dict) else {}


def _sample(schema: Any) -> Any:
    """None where nothing is said of it."""
    if not isinstance(schema, Mapping):
        return None
    for name in ("examples", "enum"):
        if isinstance(listed := schema.get(name), list) and listed:
            return listed[0]
    if (said := schema.get("const", schema.get("default"))) is not None:
        return said
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return None
    found = {name: _sample(one) for name, one in properties.items()}
    return {name: value for name, value in found.items() if value is not None}


def declares(schema: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether the schema names this value. Below what it does not describe further, anything may be."""
    if not path:
        return True
    inner = [one for name in _LISTS for one in schema.get(name) or ()]
    if any(declares(one, path) for one in inner if isinstance(one, Mapping) and one.get("properties")):
        return True
    named = schema.get("properties")
    if named is None:
        return not inner and schema.get("additionalProperties") is not False and bool(schema.get("type"))
    return path[0] in named and isinstance(named[path[0]], bool | Mapping) and _deeper(named[path[0]], path[1:])


def _deeper(schema: Any, path: Sequence[str]) -> bool:
    return bool(schema) if isinstance(schema, bool) else not schema or declares(schema, path)


def _json(value: Any, path: str) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, RecursionError) as error:
        raise Invalid(path, "must be JSON that is not nested too deeply") from error


def _schemas(schema: Any, path: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The schema and every schema in it, with paths. Raises `Invalid` for what is none, or lies too deep."""
    if isinstance(schema, bool) and depth:
        return
    if not isinstance(schema, Mapping):
        raise Invalid(path, "must be an object")
    if depth > MAX_DEPTH:
        raise Invalid(path, "is nested too deeply")
    yield path, schema
    properties = schema.get("properties")
    named = properties if isinstance(properties, Mapping) else {}
    inner = [(f"{path}.properties.{name}", one) for name, one in named.items()]
    inner += [(f"{path}.{name}", schema[name]) for name in _SCHEMAS if name in schema]
    for name in _LISTS:
        if isinstance(listed := schema.get(name), list):
            inner += [(f"{path}.{name}[{index}]", one) for index, one in enumerate(listed)]
    for where, one in inner:
        yield from _schemas(one, where, depth + 1)


def _keyword_problems(schema: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    for name, value in schema.items():
        if name not in KEYWORDS:
            yield FieldError(f"{path}.{name[:64]}", f"is not offered here; there are {', '.join(sorted(KEYWORDS))}")
        elif name == "$schema" and value != DRAFT:
            yield FieldError(f"{path}.$schema", f"must be {DRAFT}")
        elif name == "format" and not (isinstance(value, str) and value in _FORMATS.checkers):
            yield FieldError(f"{path}.format", f"must be one of {', '.join(_FORMATS.checkers)}")


def _values(value: Any) -> Iterator[Any]:
    yield value
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _values(one)


def _told(error: ValidationError, path: str) -> Iterator[FieldError]:
    """In our words; a missing or needless name is told as a field of its own."""
    where, kind = _path(path, error.absolute_path), str(error.validator)
    value: Any = error.validator_value
    given: Any = error.instance
    if kind == "required":
        yield from (FieldError(f"{where}.{name}", "is required") for name in value if name not in given)
    elif kind == "additionalProperties" and value is False:
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        yield from (FieldError(f"{where}.{name[:64]}", _SENTENCES[kind]) for name in given if name not in known)
    elif kind == "type":
        kinds = value if isinstance(value, list) else [value]
        yield FieldError(where, f"must be {' or '.join(kinds)}")
    else:
        yield FieldError(where, _SENTENCES.get(kind, "must not be there").replace("{value}", _short(value)))


def _short(value: Any) -> str:
    told = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return told if len(told) <= 200 else f"{told[:200]}…"


def _path(path: str, parts: Sequence[str | int]) -> str:
    return path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def _first_line(error: SchemaError) -> str:
    return str(error.message).splitlines()[0][:300]
