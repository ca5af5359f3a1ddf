"""What FCM asks of a well-formed message's values: targets, reserved keys, lifetimes, links, size.

The rules take a message as `fcm_schema.normal` gives it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import orjson

from backend.simulator import apns_headers, topic_condition
from backend.simulator.fcm_schema import Violation, snake
from backend.simulator.push import Refused

TARGETS = ("fid", "token", "topic", "condition")
LIMIT, TOPIC_LIMIT = 4096, 2048
_LONGEST_TTL = 2_419_200
_LABEL = re.compile(r"[a-zA-Z0-9-_.~%]{1,50}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_WEB_HEADERS: Mapping[str, Callable[[str], bool]] = {
    "ttl": lambda text: text.isdecimal() and int(text) <= _LONGEST_TTL,
    "urgency": lambda text: text in {"very-low", "low", "normal", "high"},
    "topic": lambda text: re.fullmatch(r"[A-Za-z0-9_-]{1,32}", text) is not None,
}
_SHOWN = frozenset({"alert", "badge", "sound"})

Message = Mapping[str, Any]


def target(message: Message) -> str:
    """`token`, `fid`, `topic` or `condition`; only for a message without violations."""
    return next(name for name in TARGETS if name in message)


def violations(message: Message) -> list[Violation]:
    """Everything that the values break."""
    return [violation for rule in _RULES for violation in rule(message)]


def _one_target(message: Message) -> Iterator[Violation]:
    given = [name for name in message if name in TARGETS]
    if not given:
        yield Violation("message", "Recipient of the message is not set.")
    for name in given[1:]:
        yield Violation(
            "message",
            f"Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set '{name}'",
        )


def _topics(message: Message) -> Iterator[Violation]:
    topic, condition = message.get("topic"), message.get("condition")
    if topic is not None and not topic_condition.NAME.fullmatch(topic):
        yield Violation("message.topic", "Malformed topic name")
    if condition is None:
        return
    try:
        topic_condition.parse(condition)
    except topic_condition.BadCondition:
        yield Violation("message.condition", "Invalid condition expression provided.")


def _one_android(message: Message) -> Iterator[Violation]:
    if "android" in message and "androidV2" in message:
        yield Violation("message.android_v2", "Only one of android and android_v2 can be set.")


def _data(message: Message) -> Iterator[Violation]:
    for path in ("data", "android.data", "androidV2.data", "webpush.data"):
        for key in _at(message, path) or {}:
            if key in {"from", "message_type"} or key.startswith(("google", "gcm")):
                yield Violation(f"{_field(path)}[0].key", f"Invalid data payload key: {key}")


def _lifetimes(message: Message) -> Iterator[Violation]:
    for path in ("android.ttl", "androidV2.ttl"):
        ttl = _at(message, path)
        if ttl is not None and not 0 <= float(ttl[:-1]) <= _LONGEST_TTL:
            yield Violation(_field(path), "TTL must be between 0 and 2419200 seconds")


def _links(message: Message) -> Iterator[Violation]:
    link = _at(message, "webpush.fcmOptions.link")
    if link is not None and not link.startswith("https://"):
        yield Violation("message.webpush.fcm_options.link", "Link must be an HTTPS URL")
    for path in ("notification.image", "android.notification.image", "apns.fcmOptions.image"):
        image = _at(message, path)
        if image is not None and not image.startswith(("https://", "http://")):
            yield Violation(_field(path), "Image must be a URL")


def _to_apple(message: Message) -> Iterator[Violation]:
    """What FCM hands on to APNs: its headers, and that data alone does not wake an iPhone at once."""
    headers = {name.lower(): value for name, value in (_at(message, "apns.headers") or {}).items()}
    try:
        apns_headers.check_values(headers)
    except Refused as refused:
        yield Violation("message.apns.headers", f"{refused.reason}: {refused.detail}")
    aps = (_at(message, "apns.payload") or {}).get("aps", {})
    if not isinstance(aps, dict):
        yield Violation("message.apns.payload", "aps is not an object")
        return
    silent = "content-available" in aps and not _SHOWN & aps.keys() and "notification" not in message
    if silent and headers.get("apns-priority") != "5":
        yield Violation("message.apns.headers", "A background notification must have apns-priority 5")


def _to_browsers(message: Message) -> Iterator[Violation]:
    for name, value in (_at(message, "webpush.headers") or {}).items():
        good = _WEB_HEADERS.get(name.lower())
        if good is not None and not good(value):
            yield Violation("message.webpush.headers", f"{name} has a wrong value: {value}")


def _looks(message: Message) -> Iterator[Violation]:
    for path in ("android.notification.color", "androidV2.remoteNotification.notification.color"):
        colour = _at(message, path)
        if colour is not None and not _COLOUR.fullmatch(colour):
            yield Violation(_field(path), "Color must be in the form #RRGGBB")
    for owner in ("", "android.", "androidV2.", "apns.", "webpush."):
        label = _at(message, f"{owner}fcmOptions.analyticsLabel")
        if label is not None and not _LABEL.fullmatch(label):
            yield Violation(_field(f"{owner}fcmOptions.analyticsLabel"), "Invalid analytics label")


def _size(message: Message) -> Iterator[Violation]:
    """The documents do not say how fields count, so the whole message does, without its target."""
    rest = {key: value for key, value in message.items() if key not in TARGETS}
    limit = TOPIC_LIMIT if "topic" in message or "condition" in message else LIMIT
    if len(orjson.dumps(rest)) > limit:
        yield Violation("message", "Android message is too big")


_RULES: tuple[Callable[[Message], Iterator[Violation]], ...] = (
    _one_target,
    _topics,
    _one_android,
    _data,
    _lifetimes,
    _links,
    _to_apple,
    _to_browsers,
    _looks,
    _size,
)


@cache
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _at(message: Message, path: str) -> Any:
    """What the message has there, or None. Only the last name of a path may hold anything but an object."""
    value: Any = message
    for name in _names(path):
        value = value.get(name)
        if value is None:
            return None
    return value


def _field(path: str) -> str:
    """The way Google spells a path back."""
    return "message." + ".".join(snake(name) for name in path.split("."))
