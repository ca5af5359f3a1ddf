"""The FCM HTTP v1 message as data, and a parser as strict as Google's.

Transcribed from the discovery document `fcm.v1`, revision 20261023. A field's kind is one of `string`,
`boolean`, `int32`, `float`, `duration`, `datetime`, `any`, an enumeration (`=A|B`), a message (`@Name`), a
list (`KIND[]`) or a map from strings (`{KIND}`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_PRIORITIES = "=PRIORITY_UNSPECIFIED|PRIORITY_MIN|PRIORITY_LOW|PRIORITY_DEFAULT|PRIORITY_HIGH|PRIORITY_MAX"
_VISIBILITIES = "=VISIBILITY_UNSPECIFIED|PRIVATE|PUBLIC|SECRET"
_LOCALISED = {
    "body": "string",
    "bodyLocArgs": "string[]",
    "bodyLocKey": "string",
    "title": "string",
    "titleLocArgs": "string[]",
    "titleLocKey": "string",
}
_ANDROID_LOOKS = {
    **_LOCALISED,
    "channelId": "string",
    "clickAction": "string",
    "color": "string",
    "defaultLightSettings": "boolean",
    "defaultSound": "boolean",
    "defaultVibrateTimings": "boolean",
    "eventTime": "datetime",
    "icon": "string",
    "image": "string",
    "lightSettings": "@LightSettings",
    "localOnly": "boolean",
    "notificationCount": "int32",
    "notificationPriority": _PRIORITIES,
    "sound": "string",
    "sticky": "boolean",
    "tag": "string",
    "ticker": "string",
    "vibrateTimings": "duration[]",
    "visibility": _VISIBILITIES,
}
_ANDROID_CARRIAGE = {
    "bandwidthConstrainedOk": "boolean",
    "collapseKey": "string",
    "data": "{string}",
    "directBootOk": "boolean",
    "fcmOptions": "@AndroidFcmOptions",
    "restrictedPackageName": "string",
    "restrictedSatelliteOk": "boolean",
    "ttl": "duration",
}

MESSAGES: Mapping[str, Mapping[str, str]] = {
    "SendMessageRequest": {"message": "@Message", "validateOnly": "boolean"},
    "Message": {
        "android": "@AndroidConfig",
        "androidV2": "@AndroidConfigV2",
        "apns": "@ApnsConfig",
        "condition": "string",
        "data": "{string}",
        "fcmOptions": "@FcmOptions",
        "fid": "string",
        "name": "string",
        "notification": "@Notification",
        "token": "string",
        "topic": "string",
        "webpush": "@WebpushConfig",
    },
    "Notification": {"body": "string", "image": "string", "title": "string"},
    "AndroidConfig": {
        **_ANDROID_CARRIAGE,
        "notification": "@AndroidNotification",
        "priority": "=NORMAL|HIGH",
    },
    "AndroidNotification": {
        **_ANDROID_LOOKS,
        "bypassProxyNotification": "boolean",
        "proxy": "=PROXY_UNSPECIFIED|ALLOW|DENY|IF_PRIORITY_LOWERED",
    },
    "LightSettings": {"color": "@Color", "lightOffDuration": "duration", "lightOnDuration": "duration"},
    "Color": {"alpha": "float", "blue": "float", "green": "float", "red": "float"},
    "AndroidConfigV2": {
        **_ANDROID_CARRIAGE,
        "backgroundSync": "@AndroidBackgroundSyncMessage",
        "remoteNotification": "@AndroidRemoteNotification",
    },
    "AndroidBackgroundSyncMessage": {},
    "AndroidRemoteNotification": {
        "mutableContent": "boolean",
        "notification": "@AndroidNotificationV2",
        "useAsV1DataMessage": "boolean",
    },
    "AndroidNotificationV2": {**_ANDROID_LOOKS, "id": "int32"},
    "ApnsConfig": {
        "fcmOptions": "@ApnsFcmOptions",
        "headers": "{string}",
        "liveActivityToken": "string",
        "payload": "{any}",
    },
    "ApnsFcmOptions": {"analyticsLabel": "string", "image": "string"},
    "WebpushConfig": {
        "data": "{string}",
        "fcmOptions": "@WebpushFcmOptions",
        "headers": "{string}",
        "notification": "{any}",
    },
    "WebpushFcmOptions": {"analyticsLabel": "string", "link": "string"},
    "FcmOptions": {"analyticsLabel": "string"},
    "AndroidFcmOptions": {"analyticsLabel": "string"},
}

_CAPITAL = re.compile(r"[A-Z]")
_DURATION = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?s")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_NATIVE = {
    "string": "TYPE_STRING",
    "boolean": "TYPE_BOOL",
    "int32": "TYPE_INT32",
    "float": "TYPE_FLOAT",
    "duration": "type.googleapis.com/google.protobuf.Duration",
    "datetime": "type.googleapis.com/google.protobuf.Timestamp",
}


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "int32": lambda value: isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31,
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "duration": lambda value: isinstance(value, str) and _DURATION.fullmatch(value) is not None,
    "datetime": lambda value: isinstance(value, str) and _DATETIME.fullmatch(value) is not None,
}


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong at `field` (`message.android.ttl`), in Google's words."""

    field: str
    description: str


def violations(message: Any, kind: str = "@SendMessageRequest") -> list[Violation]:
    """Everything in a parsed body that the schema forbids; empty where it is well formed."""
    return list(_check(message, kind, ""))


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """Google's parser takes `snake_case` too."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest) if rest else name


@lru_cache(maxsize=1024)
def snake(name: str) -> str:
    """Google spells paths back in `snake_case`."""
    return _CAPITAL.sub(lambda match: f"_{match[0].lower()}", name)


def normal(value: Any, kind: str = "@SendMessageRequest") -> Any:
    """A body without violations with its fields in camelCase and without nulls; the keys of maps stay."""
    if not kind.startswith("@"):
        return value
    known = MESSAGES[kind[1:]]
    return {camel(name): normal(content, known[camel(name)]) for name, content in value.items() if content is not None}


def _check(value: Any, kind: str, path: str) -> Iterator[Violation]:
    if value is None or kind == "any":
        return
    if kind.endswith("[]"):
        yield from _check_list(value, kind[:-2], path)
    elif kind.startswith("{"):
        yield from _check_map(value, kind[1:-1], path)
    elif kind.startswith("@"):
        yield from _check_message(value, kind[1:], path)
    elif not _fits(value, kind):
        name = "TYPE_ENUM" if kind.startswith("=") else _NATIVE[kind]
        yield _invalid(path, name, value)


def _check_list(value: Any, kind: str, path: str) -> Iterator[Violation]:
    if not isinstance(value, list):
        yield _invalid(path, "list", value)
        return
    for index, each in enumerate(value):
        yield from _check(each, kind, f"{path}[{index}]")


def _check_map(value: Any, kind: str, path: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield _invalid(path, "map", value)
        return
    for index, each in enumerate(value.values()):
        if kind == "string" and not isinstance(each, str):
            yield _invalid(f"{path}[{index}].value", "TYPE_STRING", each)


def _check_message(value: Any, name: str, path: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield _invalid(path, f"type.googleapis.com/google.firebase.fcm.v1.{name}", value)
        return
    known = MESSAGES[name]
    for key, content in value.items():
        kind = known.get(camel(key))
        if kind is None:
            at = f" at '{path}'" if path else ""
            yield Violation(path, f'Invalid JSON payload received. Unknown name "{key}"{at}: Cannot find field.')
        else:
            yield from _check(content, kind, f"{path}.{snake(key)}" if path else snake(key))


def _fits(value: Any, kind: str) -> bool:
    if kind.startswith("="):
        return isinstance(value, str) and value.upper() in kind[1:].split("|")
    return _SCALARS[kind](value)


def _invalid(path: str, kind: str, value: Any) -> Violation:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return Violation(path, f"Invalid value at '{path}' ({kind}), {shown}")
