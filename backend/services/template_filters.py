"""The closed list of filters and tests that a template may use.

Jinja's own filters are not offered: some loop over what they are given, some call methods. A filter
that cannot use its value raises `ValueError` with a sentence for the author.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from inspect import signature
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Undefined

from backend.services import template_dates as dates
from backend.services.template_filling import LONGEST, Filling, as_text, charged, missing, number

_SYMBOLS = {
    "EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "PLN": "zł", "INR": "₹", "KRW": "₩", "UAH": "₴", "TRY": "₺",
    "BRL": "R$", "CZK": "Kč", "ILS": "₪", "VND": "₫", "PHP": "₱", "NGN": "₦",
}  # fmt: skip
_WHOLE = {"JPY", "KRW", "VND", "CLP", "ISK", "HUF"}
_POINT_GROUPS = {"de", "es", "it", "nl", "pt", "id", "da", "tr", "el"}
_SPACE_GROUPS = {"fr", "pl", "cs", "sk", "ru", "uk", "sv", "nb", "no", "fi", "bg", "hu", "lt", "lv", "et"}
_SIGN_FIRST = {"nl", "tr", "pt-BR"}
_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
_AFTER_APOSTROPHE = re.compile(r"(?<=[^\W\d_]{2}['’])[^\W\d_]")
_APOSTROPHES = 100
_ROUNDING = Context(prec=330, rounding=ROUND_HALF_UP)
_DOTTED = str.maketrans({"i": "İ"})
_DOTLESS = str.maketrans({"I": "ı", "İ": "i"})
_DOTTED_LANGUAGES = {"tr", "az"}
_LONGEST_SIGN = 64
_DEARER = {"date": 16}
"""What a character of the values given to a filter costs, where that is more than one unit: each may be a directive."""
_JOINED = frozenset("\u200d\ufe0f\u20e3\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")


def _default(_filling: Filling, value: Any, fallback: Any = "", also_empty: bool = False) -> Any:
    return fallback if isinstance(value, Undefined) or (also_empty and not value) else value


def _upper(filling: Filling, value: Any) -> str:
    text = as_text(value)
    return (text.translate(_DOTTED) if filling.language in _DOTTED_LANGUAGES else text).upper()


def _lower(filling: Filling, value: Any) -> str:
    text = as_text(value)
    return (text.translate(_DOTLESS) if filling.language in _DOTTED_LANGUAGES else text).lower()


def _title(_filling: Filling, value: Any) -> str:
    """`Don't` and `O'Neill`: after an apostrophe a capital follows only a single letter."""
    text = as_text(value).title()
    return _AFTER_APOSTROPHE.sub(lambda letter: letter[0].lower(), text, count=_APOSTROPHES)


def _capitalize(_filling: Filling, value: Any) -> str:
    return as_text(value).capitalize()


def _trim(_filling: Filling, value: Any) -> str:
    return as_text(value).strip()


def _truncate(_filling: Filling, value: Any, length: int = 80, end: str = "…") -> str:
    """At most so many characters, `end` among them; what belongs to one sign (an emoji of several parts) stays whole."""
    text, ending = as_text(value), as_text(end)
    if type(length) is not int or not len(ending) <= length <= LONGEST:
        raise ValueError(f"truncate needs a length between {len(ending)} and {LONGEST}")
    if len(text) <= length:
        return text
    cut = length - len(ending)
    return text[: _whole_signs(text, cut)].rstrip() + ending


def _whole_signs(text: str, cut: int) -> int:
    """The last place up to `cut` where a sign ends; `cut` itself where there is none near it."""
    for end in range(cut, max(0, cut - _LONGEST_SIGN), -1):
        joins = text[end] in _JOINED or text[end - 1] == "\u200d" or unicodedata.combining(text[end])
        if not joins:
            return end
    return cut


def _round(_filling: Filling, value: Any, digits: int = 0) -> float | int:
    """Halves go up, as people expect of a price."""
    if type(digits) is not int or not 0 <= digits <= 10:
        raise ValueError("round needs a number of digits between 0 and 10")
    rounded = _rounded(number(value), digits)
    return float(rounded) if digits else int(rounded)


def _rounded(amount: float, digits: int) -> Decimal:
    return Decimal(repr(amount)).quantize(Decimal(1).scaleb(-digits), context=_ROUNDING)


def _currency(filling: Filling, value: Any, code: str = "USD") -> str:
    """`1,234.50` with the currency's sign before or after it, as the message's language writes it."""
    code = as_text(code).upper()
    amount = _rounded(number(value), 0 if code in _WHOLE else 2)
    digits, minus = f"{abs(amount):,}", "-" if amount < 0 else ""
    sign, language = _SYMBOLS.get(code, code), filling.language
    if language in _POINT_GROUPS | _SPACE_GROUPS:
        groups = "." if language in _POINT_GROUPS else "\u00a0"
        local = digits.translate({ord(","): groups, ord("."): ","})
        first = language in _SIGN_FIRST or filling.locale in _SIGN_FIRST
        return f"{minus}{sign}\u00a0{local}" if first else f"{minus}{local}\u00a0{sign}"
    return f"{minus}{sign}{digits}" if len(sign) == 1 else f"{minus}{digits}\u00a0{sign}"


def _date(filling: Filling, value: Any, form: str = "%Y-%m-%d", zone: str | None = None) -> str:
    """A time in RFC 3339 (or a date) by the directives %Y %y %m %d %e %H %M %S %B %b %A %a %%.

    Names of months and days are in the message's language where `template_dates` has them. Times are told in
    `zone`, UTC without one.
    """
    moment = _moment(value)
    moment = moment.astimezone(_zone(as_text(zone))) if zone else moment
    return _DIRECTIVE.sub(lambda match: _part(moment, match[1], filling.language), as_text(form))


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name[:64]!r}") from error


def _part(moment: datetime, directive: str, language: str) -> str:
    if directive in "YymdHMS%":
        return moment.strftime(f"%{directive}") if directive != "Y" else f"{moment.year:04}"
    month, day = dates.month(moment, language), dates.day(moment, language)
    names = {"e": str(moment.day), "B": month, "b": dates.shortened(month), "A": day, "a": dates.shortened(day)}
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


def _plural(filling: Filling, count: Any, one: str, few: str, many: str | None = None) -> str:
    """The form that goes with a count: two forms (`item, items`), or three for Slavic and Baltic languages."""
    amount, language = abs(number(count)), filling.language
    if many is None:
        return one if amount == 1 or (language in {"fr", "pt"} and amount < 2) else few
    teens = 11 <= amount % 100 <= 19
    if language == "lt":
        return one if amount % 10 == 1 and not teens else few if amount % 10 >= 2 and not teens else many
    if amount == 1 or (language in {"ru", "uk", "sr", "hr", "bs", "be"} and amount % 10 == 1 and not teens):
        return one
    if language in {"cs", "sk"}:
        return few if amount in {2, 3, 4} else many
    return few if amount % 10 in {2, 3, 4} and not teens else many


def _length(_filling: Filling, value: Any) -> int:
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise missing(value) if isinstance(value, Undefined) else ValueError("length needs a text or a list")


_OWN: dict[str, Callable[..., Any]] = {
    "default": _default,
    "upper": _upper,
    "lower": _lower,
    "title": _title,
    "capitalize": _capitalize,
    "trim": _trim,
    "truncate": _truncate,
    "round": _round,
    "currency": _currency,
    "date": _date,
    "plural": _plural,
    "length": _length,
}
FILTERS: dict[str, Callable[..., Any]] = {
    name: charged(function, _DEARER.get(name, 1)) for name, function in _OWN.items()
}


def _arity(function: Callable[..., Any]) -> tuple[int, int]:
    """How few and how many values a filter takes beside the one it filters."""
    given = list(signature(function).parameters.values())[2:]
    return sum(one.default is one.empty for one in given), len(given)


ARITY = {name: _arity(function) for name, function in _OWN.items()}


def _undefined(value: Any) -> bool:
    return isinstance(value, Undefined)


TESTS: dict[str, Callable[[Any], bool]] = {
    "defined": lambda value: not _undefined(value),
    "undefined": _undefined,
    "none": _undefined,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
