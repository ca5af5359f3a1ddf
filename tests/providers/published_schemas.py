"""What is published of the shapes of pushes, made into checks: Google's discovery documents, W3C's Push API."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import orjson

_FORMATS = {
    "google-duration": re.compile(r"-?\d{1,12}(\.\d{1,9})?s", re.ASCII),
    "google-datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII),
    "int64": re.compile(r"-?\d{1,19}", re.ASCII),
}
_RANGES = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1)}


@cache
def fcm() -> dict[str, Any]:
    """The schemas of FCM's HTTP v1 API as Google's own client brings them along."""
    document = files("googleapiclient").joinpath("discovery_cache/documents/fcm.v1.json").read_bytes()
    return orjson.loads(document)["schemas"]


def violations(value: Any, schema: Mapping[str, Any], path: str = "") -> list[str]:
    """The places where the value is not what the schema says; a field it does not know is one."""
    if "$ref" in schema:
        return violations(value, fcm()[schema["$ref"]], path)
    kind = schema["type"]
    if kind == "object":
        return _object(value, schema, path) if isinstance(value, dict) else [f"{path}: no object"]
    if kind == "array":
        if not isinstance(value, list):
            return [f"{path}: no array"]
        return [w for i, each in enumerate(value) for w in violations(each, schema["items"], f"{path}[{i}]")]
    return [] if _SCALARS[kind](value, schema) else [f"{path}: {value!r} is no {kind} {schema.get('format', '')}"]


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> list[str]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    wrong: list[str] = []
    for name, each in value.items():
        of = known.get(name, rest)
        wrong += [f"{path}.{name}: unknown"] if of is None else violations(each, of, f"{path}.{name}")
    return wrong


def _string(value: Any, schema: Mapping[str, Any]) -> bool:
    form = _FORMATS.get(schema.get("format", ""))
    if not isinstance(value, str) or value not in schema.get("enum", [value]):
        return False
    return form is None or form.fullmatch(value) is not None


def _integer(value: Any, schema: Mapping[str, Any]) -> bool:
    low, high = _RANGES[schema["format"]]
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


_SCALARS: dict[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "string": _string,
    "integer": _integer,
    "number": lambda value, _: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value, _: isinstance(value, bool),
    "any": lambda *_: True,
}


# W3C Push API, "declarative push message": members, and the steps of its parser


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _absolute(value: Any) -> bool:
    parts = urlsplit(value) if isinstance(value, str) else None
    return parts is not None and bool(parts.scheme) and bool(parts.netloc or parts.path)


def _vibration(value: Any) -> bool:
    return isinstance(value, list) and all(map(_whole(2**32 - 1), value))


def _buttons(value: Any) -> bool:
    return isinstance(value, list) and all(
        _members(each, _ACTION, {"action", "title", "navigate"}, "") == [] for each in value
    )


_ACTION = {"action": _text, "title": _text, "navigate": _absolute, "icon": _absolute}
_NOTIFICATION = {
    "title": lambda value: isinstance(value, str) and value != "",
    "dir": lambda value: value in ("auto", "ltr", "rtl"),
    "lang": _text, "body": _text, "navigate": _absolute, "tag": _text, "image": _absolute, "icon": _absolute,
    "badge": _absolute, "vibrate": _vibration, "timestamp": _whole(2**64 - 1), "renotify": _flag, "silent": _flag,
    "requireInteraction": _flag, "data": lambda _: True, "actions": _buttons,
}  # fmt: skip
_AROUND = {"web_push": lambda value: value == 8030, "app_badge": _whole(2**64 - 1), "mutable": _flag}


def undeclarative(message: Mapping[str, Any]) -> list[str]:
    """Why a browser would not show the message by itself; members beside the published ones are the site's own."""
    around = {name: value for name, value in message.items() if name in _AROUND}
    wrong = _members(around, _AROUND, {"web_push"}, "")
    shown = message.get("notification")
    if not isinstance(shown, dict):
        return [*wrong, "notification: no object"]
    wrong += _members(shown, _NOTIFICATION, {"title", "navigate"}, "notification.")
    if shown.get("silent") and "vibrate" in shown:
        wrong.append("notification.vibrate: of a silent one")
    if shown.get("renotify") and not shown.get("tag"):
        wrong.append("notification.renotify: without a tag")
    return wrong


def _members(value: Any, rules: Mapping[str, Any], needed: set[str], path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: no object"]
    missing = [f"{path}{name}: missing" for name in sorted(needed - value.keys())]
    unknown = [f"{path}{name}: unknown" for name in value if name not in rules]
    return missing + unknown + [f"{path}{n}: {v!r}" for n, v in value.items() if n in rules and not rules[n](v)]
