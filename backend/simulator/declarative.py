"""What a browser makes of the plaintext: the Declarative Web Push shape (W3C Push API, "declarative push
message"; members of `notification` as in the Notifications API)."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from backend.simulator.push import Push, button_ids, collapse_of

_FORBIDDEN_SCHEMES = {"javascript", "data", "vbscript", "blob", "file"}


class NotDeclarative(Exception):
    """The message says what is wrong."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _url(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and parts.scheme not in _FORBIDDEN_SCHEMES


def _link(value: Any) -> bool:
    """Icons and images may be relative to the site."""
    return _url(value) or (isinstance(value, str) and value.startswith("/"))


def _badge(value: Any) -> bool:
    return _whole(value) or (isinstance(value, str) and value.isdecimal())


def _wholes(value: Any) -> bool:
    return isinstance(value, list) and all(_whole(each) for each in value)


def _actions(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and not _wrong(each, _ACTION) for each in value)


_ACTION: dict[str, Callable[[Any], bool]] = {"action": _text, "title": _text, "navigate": _url, "icon": _link}
_NOTIFICATION: dict[str, Callable[[Any], bool]] = {
    "title": lambda value: isinstance(value, str) and value != "",
    "body": _text,
    "navigate": _url,
    "lang": _text,
    "dir": lambda value: value in {"auto", "ltr", "rtl"},
    "tag": _text,
    "silent": _flag,
    "renotify": _flag,
    "require_interaction": _flag,
    "requireInteraction": _flag,
    "icon": _link,
    "image": _link,
    "badge": _link,
    "app_badge": _badge,
    "timestamp": _whole,
    "vibrate": _wholes,
    "data": lambda _: True,
    "actions": _actions,
}


def _wrong(value: Mapping[str, Any], rules: Mapping[str, Callable[[Any], bool]]) -> str | None:
    for key, content in value.items():
        check = rules.get(key)
        if check is None:
            return f"unknown member {key!r}"
        if not check(content):
            return f"{key!r} has a wrong value: {content!r}"
    return None


def read(plaintext: bytes, target: str, topic: str = "") -> Push:
    """The push that the browser shows, or that only the site's service worker reads: one that is marked
    `silent` and has no notification. `topic` is the header's. Raises `NotDeclarative`.
    """
    try:
        message = orjson.loads(plaintext)
    except orjson.JSONDecodeError as error:
        raise NotDeclarative(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise NotDeclarative("not a JSON object")
    wrong = _wrong_around(message)
    if wrong is not None:
        raise NotDeclarative(wrong)
    if message.get("silent") is True and not message.keys() & {"web_push", "notification"}:
        return Push(target, message.get("m", ""), message.get("t", ""), topic, visible=False)
    return _shown(message, target, topic)


def _shown(message: Mapping[str, Any], target: str, topic: str) -> Push:
    if message.get("web_push") != 8030:
        raise NotDeclarative("web_push is not 8030")
    notification = message.get("notification")
    if not isinstance(notification, dict) or "title" not in notification:
        raise NotDeclarative("a notification with a title is needed")
    wrong = _wrong(notification, _NOTIFICATION)
    if wrong is not None:
        raise NotDeclarative(wrong)
    actions = button_ids(notification.get("actions"))
    collapse = collapse_of(topic, notification.get("tag"))
    return Push(target, message.get("m", ""), message.get("t", ""), collapse, actions=actions)


def _wrong_around(message: Mapping[str, Any]) -> str | None:
    rules = {"app_badge": _badge, "mutable": _flag, "m": _text, "t": _text}
    return _wrong({key: message[key] for key in rules if key in message}, rules)
