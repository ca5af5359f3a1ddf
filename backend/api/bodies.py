"""Bodies as they come in: what no database stores is refused at the door, with its place in the body."""

import asyncio
import json
import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from backend.errors import FieldError, Invalid

Model = TypeVar("Model", bound=BaseModel)

_ESCAPES = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_EXPONENT = re.compile(rb"\d[eE]\+?\d{3}")
_TEXT = "holds a character that cannot be stored"
_NUMBER = "must be a finite number"
_ENCODING = "must be JSON in UTF-8"
_PLACE = re.compile(r"^(?P<what>.*) at line (?P<line>\d+) column (?P<column>\d+)$")
_SHOWN = 20
LONG = 32_768
"""Bytes from which a body is read in a thread: 1000 events would keep everybody else waiting for 10 ms."""


async def storable(request: Request) -> None:
    """Refuses NUL, halves of surrogate pairs, NaN and infinities, in the address as in the body."""
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise Invalid("url", _TEXT)
    body = await request.body()
    wrong = await asyncio.to_thread(_refused, body) if len(body) > LONG else _refused(body)
    if wrong:
        raise Invalid(wrong)


async def read(model: type[Model], request: Request) -> Model:
    """The body as this model; wrong fields are told as those of any other route are."""
    body = await request.body()
    try:
        if len(body) > LONG:
            return await asyncio.to_thread(model.model_validate_json, body)
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError([_as_told(one, body) for one in error.errors(include_url=False)]) from error


def _as_told(error: Any, body: bytes) -> dict[str, Any]:
    """An error of pydantic's as the framework would have told it: JSON that cannot be read by its character."""
    if error["type"] != "json_invalid":
        return {**error, "loc": ("body", *error["loc"])}
    place = _PLACE.match(error["ctx"]["error"])
    if place is None:
        return {**error, "loc": ("body", 0)}
    before = body.split(b"\n")[: int(place["line"]) - 1]
    character = sum(len(line) + 1 for line in before) + int(place["column"]) - 1
    return {**error, "loc": ("body", max(0, character)), "ctx": {"error": place["what"]}}


def _refused(body: bytes) -> list[FieldError]:
    """What is wrong with a body; one that holds nothing suspicious is not looked at twice.

    Python's own reader of JSON takes UTF-16 and halves of surrogate pairs written as bytes, which nobody could store.
    """
    if not _is_utf8(body):
        return [FieldError("body", _ENCODING)]
    if not _is_suspect(body):
        return []
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return []  # whoever reads the body says what is wrong with it
    return [problem for problem, _ in zip(_wrong(value), range(_SHOWN), strict=False)]


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body  # UTF-16 of plain letters is good UTF-8, but for its NULs


def _is_suspect(body: bytes) -> bool:
    """Escapes of NUL and of surrogates, and numbers that may be none. The plain searches come first: they are fast."""
    if b"\\u" in body and _ESCAPES.search(body):
        return True
    return b"NaN" in body or b"Infinity" in body or _EXPONENT.search(body) is not None


def _wrong(value: Any) -> Iterator[FieldError]:
    """Walks without recursion: a body may be nested deeper than our stack."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and _is_broken(value):
            yield FieldError(path or "body", _TEXT)
        elif isinstance(value, float) and not math.isfinite(value):
            yield FieldError(path or "body", _NUMBER)
        elif isinstance(value, list):
            waiting += [(f"{path}[{index}]", item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            waiting += [(path, name) for name in value if _is_broken(name)]
            waiting += [(f"{path}.{name}".removeprefix("."), item) for name, item in value.items()]


def _is_broken(text: str) -> bool:
    return _BROKEN.search(text) is not None


_BROKEN = re.compile("[\x00\ud800-\udfff]")
