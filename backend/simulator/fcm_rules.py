"""What FCM asks of a well-formed message's values: targets, reserved keys, lifetimes, links, size.

The rules take a message as `fcm_schema.normal` gives it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import orjson

from backend.simulator.fcm_schema import Violation, snake

TARGETS = ("fid", "token", "topic", "condition")
LIMIT, TOPIC_LIMIT = 4096, 2048
_LONGEST_TTL = 2_419_200
_TOPIC = re.compile(r"[a-zA-Z0-9-_.~%]{1,900}")
_CONDITION_TOPIC = re.compile(r"'([^']*)' in topics")
_LABEL = re.compile(r"[a-zA-Z0-9-_.~%]{1,50}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_MOST_TOPICS = 5

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
    if topic is not None and not _TOPIC.fullmatch(topic):
        yield Violation("message.topic", "Malformed topic name")
    if condition is None:
        return
    topics = _CONDITION_TOPIC.findall(condition)
    if not 1 <= len(topics) <= _MOST_TOPICS or not all(_TOPIC.fullmatch(each) for each in topics):
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
