"""The closed list of filters and tests that a template may use.

Jinja's own filters are not offered: some loop over what they are given, some call methods. A filter
that cannot use its value raises `ValueError` with a sentence for the author.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from inspect import signature
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

LONGEST = 8192
"""Characters that one value or one filled-in field may have."""

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "PLN": "zł", "INR": "₹", "KRW": "₩", "UAH": "₴", "TRY": "₺"}
_WHOLE = {"JPY", "KRW", "VND", "CLP", "ISK", "HUF"}
_POINT_GROUPS = {"de", "es", "it", "nl", "pt", "id", "da", "tr", "el"}
_SPACE_GROUPS = {"fr", "pl", "cs", "sk", "ru", "uk", "sv", "nb", "no", "fi", "bg", "hu", "lt", "lv", "et"}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DIRECTIVE = re.compile(r"%(.)")


def _default(value: Any, fallback: Any = "", also_empty: bool = False) -> Any:
    return fallback if isinstance(value, Undefined) or (also_empty and not value) else value


def _truncate(value: Any, length: int = 80, end: str = "…") -> str:
    text, ending = as_text(value), as_text(end)
    if not isinstance(length, int) or not len(ending) <= length <= LONGEST:
        raise ValueError(f"truncate needs a length between {len(ending)} and {LONGEST}")
    return text if len(text) <= length else text[: length - len(ending)].rstrip() + ending


def _round(value: Any, digits: int = 0) -> float | int:
    if not isinstance(digits, int) or not 0 <= digits <= 10:
        raise ValueError("round needs a number of digits between 0 and 10")
    rounded = round(number(value), digits)
    return rounded if digits else int(rounded)


@pass_context
def _currency(context: Context, value: Any, code: str = "USD") -> str:
    """`1,234.50` with the currency's sign before or after it, as the message's language writes it."""
    amount, language = number(value), _language(context)
    code = as_text(code).upper()
    digits = f"{abs(amount):,.{0 if code in _WHOLE else 2}f}"
    sign, minus = _SYMBOLS.get(code, code), "-" if amount < 0 else ""
    if language in _POINT_GROUPS | _SPACE_GROUPS:
        groups = "." if language in _POINT_GROUPS else "\u00a0"
        return minus + digits.translate({ord(","): groups, ord("."): ","}) + f"\u00a0{sign}"
    return f"{minus}{sign}{digits}" if len(sign) == 1 else f"{minus}{digits}\u00a0{sign}"


def _date(value: Any, form: str = "%Y-%m-%d", zone: str | None = None) -> str:
    """A time in RFC 3339 (or a date) by the directives %Y %y %m %d %e %H %M %S %B %b %A %a %%.

    Names of months and days are English. Times are told in `zone`, UTC without one.
    """
    moment = _moment(value)
    try:
        moment = moment.astimezone(ZoneInfo(zone)) if zone else moment
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {as_text(zone)[:64]!r}") from error
    return _DIRECTIVE.sub(lambda match: _part(moment, match[1]), as_text(form))


def _part(moment: datetime, directive: str) -> str:
    if directive in "YymdHMS%":
        return moment.strftime(f"%{directive}") if directive != "Y" else f"{moment.year:04}"
    month, day = _MONTHS[moment.month - 1], _DAYS[moment.weekday()]
    names = {"e": str(moment.day), "B": month, "b": month[:3], "A": day, "a": day[:3]}
    if directive not in names:
        raise ValueError(f"date does not know %{directive}")
    return names[directive]


def _moment(value: Any) -> datetime:
    if isinstance(value, Undefined):
        raise missing(value)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(as_text(value))
    except ValueError as error:
        raise ValueError(f"date needs a time in RFC 3339, not {as_text(value)[:40]!r}") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@pass_context
def _plural(context: Context, count: Any, one: str, few: str, many: str | None = None) -> str:
    """The form that goes with a count: two forms (`item, items`), or three for Slavic languages."""
    amount, language = abs(number(count)), _language(context)
    if many is None:
        return one if amount == 1 or (language == "fr" and amount < 2) else few
    if amount == 1 or (language in {"ru", "uk", "sr", "hr", "be"} and amount % 10 == 1 and amount % 100 != 11):
        return one
    if language in {"cs", "sk"}:
        return few if amount in {2, 3, 4} else many
    return few if amount % 10 in {2, 3, 4} and amount % 100 not in {12, 13, 14} else many


def _language(context: Context) -> str:
    return str(context.parent.get("__locale__", "")).split("-")[0]


def _length(value: Any) -> int:
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise missing(value) if isinstance(value, Undefined) else ValueError("length needs a text or a list")


def _of_text(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: change(as_text(value))


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
    if abs(value) >= 1e300:
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


FILTERS: dict[str, Callable[..., Any]] = {
    "default": _default,
    "upper": _of_text(str.upper),
    "lower": _of_text(str.lower),
    "title": _of_text(str.title),
    "capitalize": _of_text(str.capitalize),
    "trim": _of_text(str.strip),
    "truncate": _truncate,
    "round": _round,
    "currency": _currency,
    "date": _date,
    "plural": _plural,
    "length": _length,
}


def _arity(function: Callable[..., Any]) -> tuple[int, int]:
    """How few and how many values a filter takes beside the one it filters."""
    given = [one for one in signature(function).parameters.values() if one.name not in {"context", "value", "count"}]
    return sum(one.default is one.empty for one in given), len(given)


ARITY = {name: _arity(function) for name, function in FILTERS.items()}


def _undefined(value: Any) -> bool:
    return isinstance(value, Undefined)


TESTS: dict[str, Callable[[Any], bool]] = {
    "defined": lambda value: not _undefined(value),
    "undefined": _undefined,
    "none": _undefined,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
