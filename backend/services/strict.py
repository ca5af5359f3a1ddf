"""Documents read strictly: unknown fields and wrong types are refused, each named by its path."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer
from pydantic_core import PydanticCustomError

from backend.errors import FieldError, Invalid

_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a field here",
    "string_type": "must be a text",
    "string_unicode": "holds half a character (a lone surrogate)",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "none_required": "must be null",
}


class Strict(BaseModel):
    """A document with these fields and no others; nothing is converted in silence."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Partial(Strict):
    """A layer that is written out with just the fields that it was given."""

    @model_serializer(mode="wrap")
    def _given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}


Model = TypeVar("Model", bound=Strict)


def refused(message: str, at: int | None = None, length: int | None = None) -> PydanticCustomError:
    """A sentence of ours as pydantic's error (braces would be read as its own template), and where in the text."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": message, "at": at, "length": length})


def read(model: type[Model], data: Any, path: str = "") -> Model:
    """The document as a model. Raises `Invalid` naming each wrong field, its path beginning with `path`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise Invalid([_field_error(one, path) for one in error.errors(include_url=False)]) from error


def _field_error(error: Any, path: str) -> FieldError:
    told = error.get("ctx") or {}
    return FieldError(_path(error["loc"], path) or "body", sentence(error), told.get("at"), told.get("length"))


def _path(parts: Sequence[str | int], path: str) -> str:
    """`variants[0].content.title`; pydantic marks a wrong key of a map with `[key]`."""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":
            path += f".{part}" if path else part
    return path


def sentence(error: Any) -> str:
    """What pydantic found wrong, in our words."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "literal_error":
        return f"must be one of {context['expected']}"
    if kind in {"greater_than_equal", "less_than_equal", "less_than", "greater_than"}:
        return re.sub("^Input should", "must", str(error["msg"]))
    if kind in {"too_long", "string_too_long"}:
        return f"has more than {context['max_length']} {'characters' if kind != 'too_long' else 'entries'}"
    if kind in {"too_short", "string_too_short"}:
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    told = re.sub("^Input should", "must", str(error["msg"]).removeprefix("Value error, "))
    return _SENTENCES.get(kind) or told[:1].lower() + told[1:]
