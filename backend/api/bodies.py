"""What no database stores is refused at the door, with its place in the body."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from fastapi import Request

from backend.errors import FieldError, Invalid

_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|NaN|Infinity|[eE]\+?\d{3}")
"""Escapes of NUL and of surrogates, and numbers that may be none: everything else is not looked at twice."""
_TEXT = "holds a character that cannot be stored"
_NUMBER = "must be a finite number"
_SHOWN = 20


async def storable(request: Request) -> None:
    """Refuses NUL, halves of surrogate pairs, NaN and infinities, in the address as in the body."""
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise Invalid("url", _TEXT)
    body = await request.body()
    if not _SUSPECT.search(body):
        return
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return  # whoever reads the body says what is wrong with it
    if wrong := list(_wrong(value)):
        raise Invalid(wrong[:_SHOWN])


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
    return any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)
