"""What one filling-in of a text reads and may spend, and how values read as text and as numbers."""

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from jinja2 import Environment, Undefined, UndefinedError, pass_context
from jinja2.runtime import Context

LONGEST: Final = 8192
"""Bytes that a filled-in text may have, and characters of one value on its way there."""
WORK: Final = 40_960
"""What filling in one text may cost: a unit a character that a filter or comparison reads (40 ns at worst)."""
EACH: Final = 16
_NEEDLE: Final = 64
_SEARCHES: Final = frozenset({"in", "notin"})
_NOT_SINGLE: Final = (list, dict, tuple, Undefined)
_COMPARED: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lteq": operator.le, "gt": operator.gt,
    "gteq": operator.ge,
}  # fmt: skip


class Filling(Context):
    """What the templates of one message read. `locale` and its `language` are how filters know what is spoken;
    `left` is what the text in hand may still cost."""

    def __init__(self, environment: Environment, variables: dict[str, Any], locale: str) -> None:
        super().__init__(environment, variables, None, {})
        self.locale, self.language, self.left = locale, locale.partition("-")[0], WORK

    def spend(self, cost: int) -> None:
        """Raises `ValueError` when the text takes more work than a push may."""
        self.left -= cost
        if self.left < 0:
            raise ValueError("takes too much work to fill in; use fewer filters or shorter values")


class Absent(UndefinedError):
    """A value is missing that the source names from `at` on."""

    def __init__(self, name: str, at: int | None) -> None:
        super().__init__(name)
        self.at = at


def charged(function: Callable[..., Any], dearer: int) -> Callable[..., Any]:
    """The filter, paid for by what it reads; of the values given to it a character costs `dearer`."""

    @pass_context
    def paid(filling: Filling, value: Any, *given: Any) -> Any:
        cost = EACH + (len(value) if isinstance(value, str | list) else 0)
        for one in given:
            if isinstance(one, str):
                cost += dearer * len(one)
        filling.spend(cost)
        return function(filling, value, *given)

    return paid


def compare(filling: Filling, first: Any, *others: Any) -> bool:
    """`a < b`, `a in b` and chains of them: `others` are operator and value in turn. Raises `ValueError`."""
    left = first
    for position in range(0, len(others), 2):
        kind, right = others[position], others[position + 1]
        if not _holds(filling, kind, left, right):
            return False
        left = right
    return True


def _holds(filling: Filling, kind: str, left: Any, right: Any) -> bool:
    left = _single(left)
    if kind in _SEARCHES:
        return _within(filling, left, right) is (kind == "in")
    filling.spend(EACH + (len(left) // EACH if isinstance(left, str) else 0))
    try:
        return bool(_COMPARED[kind](left, _single(right)))
    except TypeError as error:
        raise ValueError("compares values of different kinds") from error


def _within(filling: Filling, part: Any, whole: Any) -> bool:
    """A text in a text, or an item in a list."""
    if isinstance(whole, str):
        part = as_text(part)
        filling.spend(EACH + len(whole) * (1 + min(len(part), len(whole)) // _NEEDLE))
        return part in whole
    if isinstance(whole, list | tuple | dict):
        filling.spend(EACH + len(whole))
        return part in whole
    if isinstance(whole, Undefined):
        raise missing(whole)
    raise ValueError("in needs a text or a list to look in")


def _single(value: Any) -> Any:
    if isinstance(value, _NOT_SINGLE):
        if isinstance(value, Undefined):
            raise missing(value)
        raise ValueError("a list or map cannot be compared; name one item of it")  # noqa: TRY004 - told to authors
    return value


def missing(value: Undefined) -> Exception:
    """The error that an undefined value carries."""
    return value._undefined_exception(value._undefined_message)


def as_text(value: Any) -> str:
    """How a value reads in a message. Raises `ValueError` for lists, maps and too long texts."""
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise ValueError(f"a value has more than {LONGEST} characters")
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, Undefined):
        raise missing(value)
    if isinstance(value, datetime) or value is None:
        return value.isoformat() if value else ""
    raise ValueError(f"a {'list' if isinstance(value, list | tuple) else 'map'} cannot be shown; name one item of it")


def _number_text(value: float) -> str:
    """`5` for 5.0: JSON does not tell them apart, so neither does a message."""
    if not abs(value) < 1e300:
        raise ValueError("a number is too large to be shown")
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def number(value: Any) -> int | float:
    """The value as a number; a text of digits counts as one. Raises `ValueError`."""
    if isinstance(value, Undefined):
        raise missing(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value, re.ASCII):
        return float(value) if "." in value else int(value)
    raise ValueError("needs a number")


def joined(filling: Filling, left: Any, right: Any) -> Any:
    """The sum of two numbers, or two texts put together, which may not grow past what a field holds."""
    filling.spend(EACH)
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > LONGEST:
            raise ValueError(f"a value has more than {LONGEST} characters")
        return left + right
    return number(left) + number(right)
