"""What each column of a file becomes: guessed from its name and values, chosen by a person, carried out row by row."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from backend.domain.segment import moment
from backend.domain.vocabulary import ImportKind
from backend.errors import FieldError, Invalid

IGNORE: Final = "ignore"
ATTRIBUTE: Final = "attribute"
TYPES: Final = ("text", "number", "boolean", "date", "list", "given")
"""`given` takes a value of JSON Lines as it stands."""
PEOPLE: Final = ("user_id", "language", "country", "timezone", "lat", "lon", ATTRIBUTE)
DEVICE: Final = (
    "platform", "token", "fid", "endpoint", "p256dh", "auth", "provider", "environment", "user_id", "locale",
    "timezone", "country", "app_version", "os_version", "model", "permission",
)  # fmt: skip
TARGETS: Final = {
    ImportKind.USERS: PEOPLE,
    ImportKind.DEVICES: DEVICE,
    ImportKind.LIST: ("user_id",),
}
SECRET: Final = frozenset({"token", "fid", "endpoint", "p256dh", "auth"})
_NEEDED: Final = {ImportKind.USERS: "user_id", ImportKind.DEVICES: "platform", ImportKind.LIST: "user_id"}
_PREFIXES: Final = ("attributes.", "attribute.", "attr.")
_SAME: Final = {
    "user_id": "userid user uid id external_id externalid customer_id customerid user_name username",
    "language": "lang",
    "country": "country_code countrycode",
    "timezone": "time_zone tz",
    "lat": "latitude location.lat location.latitude",
    "lon": "lng long longitude location.lon location.lng",
    "platform": "os device_type",
    "token": "device_token push_token registration_token apns_token fcm_token",
    "endpoint": "subscription.endpoint",
    "p256dh": "subscription.keys.p256dh keys.p256dh",
    "auth": "subscription.keys.auth keys.auth",
    "locale": "language lang",
    "model": "device_model",
}
_NAMES: Final = {target: {target, *words.split()} for target, words in _SAME.items()}
_KNOWN_OF_EXPORT: Final = frozenset({"id", "sessions", "first_seen", "last_active", "devices", "other_attributes"})
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}")
_PLAIN_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,12})?")
_YES: Final = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
_WORDS: Final = frozenset(_YES) - {"1", "0"}
_FORMULA: Final = re.compile(r"'[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Field:
    """A column and what it becomes; `name` and `type` belong to an attribute."""

    column: str
    to: str = IGNORE
    name: str = ""
    type: str = "text"


def as_json(fields: Iterable[Field]) -> list[dict[str, str]]:
    return [asdict(one) for one in fields]


def from_json(stored: Iterable[Mapping[str, str]]) -> tuple[Field, ...]:
    return tuple(Field(**one) for one in stored)


def guess(
    kind: ImportKind, columns: Sequence[str], samples: Sequence[Sequence[Any]], remembered: Mapping[str, Field]
) -> tuple[Field, ...]:
    """A field for each column: as it was taken last time, else by its name; `samples` are its first values."""
    taken: set[str] = set()
    made = []
    for column, values in zip(columns, samples, strict=True):
        field = remembered.get(column) or _guessed(kind, column, values)
        key = field.name if field.to == ATTRIBUTE else field.to
        if field.to != IGNORE and key in taken:
            field = Field(column)
        taken.add(key)
        made.append(field)
    return tuple(made)


def _guessed(kind: ImportKind, column: str, values: Sequence[Any]) -> Field:
    plain = _plain(column)
    for target in TARGETS[kind]:
        if plain in _NAMES.get(target, {target}) and not (
            plain == "id" and str(next(iter(values), "")).startswith("usr_")
        ):
            return Field(column, target)
    if kind is not ImportKind.USERS or column.startswith("__") or plain in _KNOWN_OF_EXPORT:
        return Field(column)
    name = attribute_name(column)
    return Field(column, ATTRIBUTE, name, type_of(values)) if name else Field(column)


def _plain(column: str) -> str:
    return re.sub(r"[\s-]+", "_", column.strip().lower())


def attribute_name(column: str) -> str:
    """A name that an attribute may have, as near to the column's as can be; empty when nothing is left of it."""
    for prefix in _PREFIXES:
        column = column.removeprefix(prefix)
    ascii_only = unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", ascii_only.strip()).strip("_")[:64]
    return name if name[:1].isalpha() else f"_{name}"[:64] if name else ""


def type_of(values: Sequence[Any]) -> str:
    """What the first values of a column are; numbers with leading zeros or a plus are text, for they are codes."""
    given = [one for one in values if one not in ("", None)]
    if any(not isinstance(one, str) for one in given):
        return "given"
    texts = [one.strip() for one in given]
    tests: dict[str, Callable[[str], Any]] = {
        "number": _PLAIN_NUMBER.fullmatch,
        "boolean": lambda text: text.lower() in _WORDS,
        "date": _date_or_none,
        "list": lambda text: text.startswith("[") and text.endswith("]"),
    }
    return next((name for name, test in tests.items() if texts and all(test(text) for text in texts)), "text")


def check(kind: ImportKind, columns: Sequence[str], fields: Sequence[Field]) -> None:
    """Raises `Invalid` naming each field that cannot be so."""
    if [one.column for one in fields] != list(columns):
        raise Invalid("fields", "must name every column of the file once, in its order")
    errors, seen = [], dict[str, str]()
    for place, field in enumerate(fields):
        if problem := _problem(kind, field):
            errors.append(FieldError(f"fields[{place}]", problem))
        key = f"attribute {field.name}" if field.to == ATTRIBUTE else field.to
        if field.to != IGNORE and key in seen:
            errors.append(FieldError(f"fields[{place}]", f"{seen[key]!r} becomes {key} already"))
        seen[key] = field.column
    if _NEEDED[kind] not in seen:
        errors.append(FieldError("fields", f"one column must become {_NEEDED[kind]}"))
    if ("lat" in seen) != ("lon" in seen):
        errors.append(FieldError("fields", "a place needs both lat and lon"))
    if errors:
        raise Invalid(errors)


def _problem(kind: ImportKind, field: Field) -> str | None:
    if field.to != IGNORE and field.to not in TARGETS[kind]:
        return f"cannot become {field.to[:40]!r}; there are {', '.join((*TARGETS[kind], IGNORE))}"
    if field.to != ATTRIBUTE:
        return None
    if field.name != attribute_name(field.name) or not field.name:
        return "needs an attribute's name: letters, digits, _ and -, starting with a letter, at most 64"
    return None if field.type in TYPES else f"has no type {field.type[:40]!r}; there are {', '.join(TYPES)}"


@dataclass(frozen=True, slots=True)
class _Step:
    """Where a column's value goes and what makes it: `key` is of the item, or (`attribute`) of its attributes."""

    place: int
    column: str
    key: str
    attribute: bool
    convert: Callable[[Any], Any]


class Converter:
    """Makes an item of the batch verbs out of a row. Raises `Invalid` naming the columns that cannot be read."""

    def __init__(self, kind: ImportKind, fields: Sequence[Field]) -> None:
        self._kind = kind
        self._steps = [_step(place, one) for place, one in enumerate(fields) if one.to != IGNORE]
        self._columns = {one.column for one in fields}

    def item(self, values: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(values, Mapping):
            found = [(step, values[step.column]) for step in self._steps if step.column in values]
        else:
            found = _cells(self._steps, values)
        made, attributes = _converted(found)
        if isinstance(values, Mapping) and self._kind is ImportKind.USERS:
            attributes |= self._rest(values)
        if attributes:
            made["attributes"] = attributes
        return _placed(made)

    def _rest(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes of JSON Lines that the first rows did not have are taken as they stand."""
        more = [name for name in values if name not in self._columns and name.startswith("attributes.")]
        return {name.removeprefix("attributes."): values[name] for name in more}


def _cells(steps: Sequence[_Step], values: Sequence[str]) -> list[tuple[_Step, Any]]:
    """What a row of CSV says: an empty cell says nothing; an apostrophe that keeps a spreadsheet from calculating goes."""
    count, found = len(values), []
    for step in steps:
        if step.place < count and (cell := values[step.place].strip()):
            if cell[0] == "'" and _FORMULA.match(cell):
                cell = cell[1:]
            found.append((step, cell))
    return found


def _converted(found: Iterable[tuple[_Step, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    made: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    errors = []
    for step, value in found:
        try:
            (attributes if step.attribute else made)[step.key] = None if value is None else step.convert(value)
        except ValueError as error:
            errors.append(FieldError(step.column, str(error)))
    if errors:
        raise Invalid(errors)
    return made, attributes


def _step(place: int, field: Field) -> _Step:
    if field.to == ATTRIBUTE:
        return _Step(place, field.column, field.name, True, _CONVERT[field.type])
    return _Step(place, field.column, field.to, False, _float if field.to in ("lat", "lon") else _text)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


def _placed(item: dict[str, Any]) -> dict[str, Any]:
    """Coordinates become a location, the parts of a browser's address a subscription."""
    if "lat" in item or "lon" in item:
        place = {name: item.pop(name) for name in ("lat", "lon") if name in item}
        item["location"] = None if all(value is None for value in place.values()) else place
    parts = {name: item.pop(name) for name in ("endpoint", "p256dh", "auth") if name in item}
    if endpoint := parts.pop("endpoint", None):
        item["subscription"] = {"endpoint": endpoint, "keys": parts}
    return item


def _float(value: Any) -> float:
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        raise ValueError("must be a number, such as 12.5")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError("is too large") from error


def _number(value: Any) -> float | int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else _float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if (found := _YES.get(str(value).lower())) is None:
        raise ValueError("must be true or false, yes or no, 1 or 0")
    return found


def _date_or_none(text: str) -> str | None:
    """RFC 3339; a time without an offset is taken for UTC."""
    text = text.replace(" ", "T", 1)
    return next((one for one in (text, f"{text}Z") if moment(one)), None)


def _date(value: Any) -> str:
    if (found := _date_or_none(str(value))) is None:
        raise ValueError("must be a date such as 2026-12-01 or 2026-12-01T09:00:00Z")
    return found


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    text = str(value)
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("is not a JSON list") from error
        return found if isinstance(found, list) else [found]
    parted = next((one for one in "|;," if one in text), "|")
    return [part.strip() for part in text.split(parted) if part.strip()]


_CONVERT: Final[dict[str, Callable[[Any], Any]]] = {
    "text": lambda value: json.dumps(value) if isinstance(value, list | dict | bool) else str(value),
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "list": _list,
    "given": lambda value: value,
}
