"""The FCM HTTP v1 message as data, and a parser as strict as Google's.

Transcribed from the discovery document `fcm.v1`, revision 20261023. A field's kind is one of `string`,
`boolean`, `int32`, `float`, `duration`, `datetime`, `any`, an enumeration (`=A|B`), a message (`@Name`), a
list (`KIND[]`) or a map from strings (`{KIND}`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
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
    "TopicSubscription": {"createTime": "datetime", "name": "string", "topicName": "string"},
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


def read(body: Any, kind: str = "@SendMessageRequest") -> tuple[Any, list[Violation]]:
    """A parsed body with its fields in camelCase and without nulls (the keys of maps stay), and everything in it
    that the schema forbids.
    """
    wrong: list[Violation] = []
    return _reader(kind)(body, "", "", wrong), wrong


def violations(body: Any) -> list[Violation]:
    """Everything in a parsed body that the schema forbids; empty where it is well formed."""
    return read(body)[1]


def normal(body: Any) -> Any:
    """A body without violations with its fields in camelCase and without nulls; the keys of maps stay."""
    return read(body)[0]


@lru_cache(maxsize=1024)
def snake(name: str) -> str:
    """Google's parser takes `snake_case` too, and spells paths back in it."""
    return _CAPITAL.sub(lambda match: f"_{match[0].lower()}", name)


Reader = Callable[[Any, str, str, list[Violation]], Any]
"""Gives a value in its normal form; it is handed its parent's path, its own key and the list of what is wrong."""


@cache
def _reader(kind: str) -> Reader:
    if kind == "any":
        return lambda value, *_: value
    if kind.endswith("[]"):
        return _list_reader(kind[:-2])
    if kind.startswith("{"):
        return _map_reader(kind[1:-1])
    if kind.startswith("@"):
        return _message_reader(kind[1:])
    return _scalar_reader(kind)


def _scalar_reader(kind: str) -> Reader:
    fits, name = (_one_of(kind[1:]), "TYPE_ENUM") if kind.startswith("=") else (_SCALARS[kind], _NATIVE[kind])

    def read_scalar(value: Any, parent: str, key: str, wrong: list[Violation]) -> Any:
        if not fits(value):
            wrong.append(_invalid(_join(parent, key), name, value))
        return value

    return read_scalar


def _one_of(words: str) -> Callable[[Any], bool]:
    """SDKs send lower case, which Google takes too."""
    known = frozenset(words.split("|"))
    return lambda value: isinstance(value, str) and value.upper() in known


def _list_reader(kind: str) -> Reader:
    read_one = _reader(kind)

    def read_list(value: Any, parent: str, key: str, wrong: list[Violation]) -> Any:
        if isinstance(value, list):
            return [read_one(each, parent, f"{key}[{index}]", wrong) for index, each in enumerate(value)]
        wrong.append(_invalid(_join(parent, key), "list", value))
        return value

    return read_list


def _map_reader(kind: str) -> Reader:
    def read_map(value: Any, parent: str, key: str, wrong: list[Violation]) -> Any:
        if not isinstance(value, dict):
            wrong.append(_invalid(_join(parent, key), "map", value))
        elif kind == "string":
            for index, each in enumerate(value.values()):
                if not isinstance(each, str):
                    wrong.append(_invalid(f"{_join(parent, key)}[{index}].value", "TYPE_STRING", each))
        return value

    return read_map


def _message_reader(name: str) -> Reader:
    fields: dict[str, tuple[str, str, str]] = {}
    for field, kind in MESSAGES[name].items():
        fields[field] = fields[snake(field)] = (field, snake(field), kind)

    def read_message(value: Any, parent: str, key: str, wrong: list[Violation]) -> Any:
        path = _join(parent, key)
        if not isinstance(value, dict):
            wrong.append(_invalid(path, f"type.googleapis.com/google.firebase.fcm.v1.{name}", value))
            return value
        made = {}
        for given, content in value.items():
            known = fields.get(given)
            if known is None:
                at = f" at '{path}'" if path else ""
                said = f'Invalid JSON payload received. Unknown name "{given}"{at}: Cannot find field.'
                wrong.append(Violation(path, said))
            elif content is not None:
                field, spelt, kind = known
                made[field] = _reader(kind)(content, path, spelt, wrong)
        return made

    return read_message


def _join(parent: str, key: str) -> str:
    return f"{parent}.{key}" if parent else key


def _invalid(path: str, kind: str, value: Any) -> Violation:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return Violation(path, f"Invalid value at '{path}' ({kind}), {shown}")
