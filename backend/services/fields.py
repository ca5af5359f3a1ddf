"""What an app may write in a field, and the one way in which a wrong one is told."""

import math
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, TypeVar

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from backend.errors import FieldError, Invalid
from backend.services.strict import sentence

Model = TypeVar("Model", bound=BaseModel)

ME: Final = "me"
MAX_TEXT: Final = 1000
MAX_ITEMS: Final = 100
MAX_DEPTH: Final = 5
MAX_ATTRIBUTES: Final = 200
MAX_WHOLE: Final = 2**63 - 1
MAX_PROPERTIES: Final = 16_384
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_LOCALE: Final = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?(-[a-z0-9]{2,8})*", re.IGNORECASE)
_BROKEN: Final = re.compile("[\x00\ud800-\udfff]")
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """Control characters and lone surrogates break databases, logs and other people's terminals."""
    if _UNSAFE.search(text):
        raise ValueError("must not hold control characters or broken Unicode")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _user_id(text: str) -> str:
    if text == ME:
        raise ValueError("'me' stands for the proven user and cannot be anybody's id")
    return text


def _locale(tag: str) -> str:
    tag = tag.replace("_", "-")
    if not _LOCALE.fullmatch(tag):
        raise ValueError("must be a BCP 47 tag, such as pl or pt-BR")
    language, *rest = tag.split("-")
    return "-".join([language.lower(), *(_subtag(part) for part in rest)])


def _subtag(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _timezone(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be an IANA time zone, such as Europe/Warsaw")
    return name


def _country(code: str) -> str:
    if not re.fullmatch("[A-Za-z]{2}", code):
        raise ValueError("must be the two letters of ISO 3166, such as PL")
    return code.upper()


def _currency(code: str) -> str:
    if not re.fullmatch("[A-Za-z]{3}", code):
        raise ValueError("must be the three letters of ISO 4217, such as EUR")
    return code.upper()


def _moment(at: datetime) -> datetime:
    if not 1970 <= at.year < 2200:
        raise ValueError("must lie between the years 1970 and 2200")
    return at.astimezone(UTC)


Short = Annotated[
    str, StringConstraints(min_length=1, max_length=120), AfterValidator(clean), AfterValidator(_not_blank)
]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(clean), AfterValidator(_not_blank)
]
Version = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(clean)]
ExternalId = Annotated[
    str, StringConstraints(min_length=1, max_length=255), AfterValidator(clean), AfterValidator(_not_blank)
]
UserId = Annotated[ExternalId, AfterValidator(_user_id)]
Locale = Annotated[str, StringConstraints(max_length=35), AfterValidator(_locale)]
Timezone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_timezone)]
Country = Annotated[str, AfterValidator(_country)]
Currency = Annotated[str, AfterValidator(_currency)]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
Amount = Annotated[float, Field(allow_inf_nan=False)]


def parse(model: type[Model], data: object, *, prefix: str = "") -> Model:
    """The checked value. Raises `Invalid` naming each wrong field by its path."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise Invalid([_told(prefix, one) for one in error.errors()]) from error


def parse_json(model: type[Model], raw: bytes) -> Model:
    """The checked value of a JSON text. Raises `Invalid` as `parse` does."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise Invalid([_told("", one) for one in error.errors()]) from error


def _told(prefix: str, error: Any) -> FieldError:
    path = prefix
    for step in error["loc"]:
        path += f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" if path else _shown(step)
    return FieldError(path or "body", sentence(error))


def _shown(name: str) -> str:
    """A name that we were sent, fit to be sent back."""
    return name[:64].encode("utf-8", "replace").decode()


def attribute_problems(attributes: Mapping[str, Any], path: str = "attributes") -> list[FieldError]:
    """What is wrong with a user's attributes: names, and values that are no scalar or list of scalars."""
    problems = [FieldError(path, f"at most {MAX_ATTRIBUTES} at a time")] if len(attributes) > MAX_ATTRIBUTES else []
    for name, value in attributes.items():
        place = f"{path}.{_shown(name)}"
        if not _NAME.fullmatch(name):
            problems.append(FieldError(place, "a name has letters, digits, _ and -, starts with a letter, at most 64"))
        elif isinstance(value, dict):
            problems.append(FieldError(place, "must be text, a number, true, false, null or a list of these"))
        else:
            problems.extend(FieldError(place, problem) for problem in _value_problems(value, depth=MAX_DEPTH - 1))
    return problems


def property_problems(properties: Mapping[str, Any], path: str) -> list[FieldError]:
    """What is wrong with an event's properties: at most 16 kB of JSON, nested up to five levels deep."""
    if len(properties) > MAX_ITEMS:
        return [FieldError(path, f"holds more than {MAX_ITEMS} items")]
    for name, value in properties.items():
        if not (_is_plain(name) and _is_plain(value)):
            problems = list(_property_problems(properties, path))
            break
    else:
        problems = []  # as of nearly all
    if not problems and len(orjson.dumps(properties)) > MAX_PROPERTIES:
        return [FieldError(path, f"hold more than {MAX_PROPERTIES} bytes of JSON")]
    return problems


def _property_problems(properties: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    for name, value in properties.items():
        for problem in _text_problems(name):
            yield FieldError(path, f"a name: {problem}")
        for problem in _value_problems(value, depth=1):
            yield FieldError(f"{path}.{_shown(name)}", problem)


def _is_plain(value: Any) -> bool:
    """Whether there is certainly nothing wrong with it: a good scalar, or a list of them."""
    kind: type[Any] = type(value)
    if kind is str:
        return len(value) <= MAX_TEXT and not _BROKEN.search(value)
    if kind is int:
        return abs(value) <= MAX_WHOLE  # type: ignore[no-any-return]
    if kind is float:
        return math.isfinite(value)
    if kind is list:
        return len(value) <= MAX_ITEMS and all(type(item) is not list and _is_plain(item) for item in value)
    return value is None or kind is bool


def _value_problems(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield from _text_problems(value)
    elif isinstance(value, float) and not math.isfinite(value):
        yield "must be a finite number"
    elif isinstance(value, int) and abs(value) > MAX_WHOLE:
        yield "a whole number has at most 64 bits"
    elif isinstance(value, list | dict):
        yield from _collection_problems(value, depth)


def _collection_problems(value: list[Any] | dict[str, Any], depth: int) -> Iterator[str]:
    if depth >= MAX_DEPTH:
        yield "is nested too deeply"
        return
    if len(value) > MAX_ITEMS:
        yield f"holds more than {MAX_ITEMS} items"
        return
    if isinstance(value, dict):
        for name in value:
            yield from _text_problems(name)
    for item in value.values() if isinstance(value, dict) else value:
        yield from _value_problems(item, depth + 1)


def _text_problems(text: str) -> Iterator[str]:
    if len(text) > MAX_TEXT:
        yield f"text has at most {MAX_TEXT} characters"
    if _BROKEN.search(text):
        yield "must not hold null characters or broken Unicode"
