"""What is written into FCM's message: one body for each platform, and one for all who follow a topic.

Fields: Google's discovery document `fcm.v1`. What `data` holds, Firebase puts at the top level of an iOS
app's payload, beside `aps`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from backend.domain.message import Action, Address, Message
from backend.domain.vocabulary import AddressKind, Platform, Priority
from backend.providers import apns, options
from backend.providers.base import TooLarge
from backend.providers.naming import topic

LIMIT = 4_096
TOPIC_LIMIT = 2_048
LONGEST_TTL = 2_419_200

_TARGETS = {AddressKind.FID: b"fid", AddressKind.TOPIC: b"topic"}


def encode(message: Message, address: Address) -> bytes:
    """The request body.

    Raises `TooLarge` when the message, without its target, is over 4 096 bytes, or 2 048 for a topic.
    """
    to_topic = address.kind is AddressKind.TOPIC
    inner = orjson.dumps(_for_topic(message) if to_topic else _message(message))
    limit = TOPIC_LIMIT if to_topic else LIMIT
    if len(inner) > limit:
        raise TooLarge(len(inner), limit)
    return b"%b%b}" % (_head(address), inner[1:])


def counted(body: bytes, address: Address) -> int:
    """How many bytes of what `encode` gave count against the limit: all but the target and what is around it."""
    return len(body) - len(_head(address))


def _head(address: Address) -> bytes:
    target = _TARGETS.get(address.kind, b"token")
    return b'{"message":{"%b":%b,' % (target, orjson.dumps(address.value))


def _for_topic(message: Message) -> dict[str, Any]:
    """Android's message with what iOS and browsers want beside it.

    Where every platform shows the push with a title, text and picture if Android's system does, its words
    stand once for all, and the others repeat only what they say differently.
    """
    made, others = _message(message), message.others or _alike(message)
    if "notification" in made and not all(_has_own(other, made["notification"]) for other in others):
        made["android"]["notification"] |= made.pop("notification")
    shared = made.get("notification", {})
    for other in others:
        if other.platform is Platform.IOS:
            made["apns"] = _apns(other)
            alert = {name: text for name, text in shared.items() if name != "image"}
            _leave_out(made["apns"]["payload"]["aps"], {"alert": alert})
        elif other.platform is Platform.WEB:
            made["webpush"] = _webpush(other)
            _leave_out(made["webpush"].get("notification", {}), shared)
    if message.actions:
        made["data"]["actions"] = _actions(message)
    return made


def _alike(message: Message) -> tuple[Message, ...]:
    return tuple(replace(message, platform=platform, options={}) for platform in (Platform.IOS, Platform.WEB))


def _has_own(other: Message, shared: Mapping[str, str]) -> bool:
    """Whether nothing of Android's would show on a platform that says nothing in its place."""
    return not other.silent and shared.keys() <= _texts(other).keys()


def _leave_out(fields: dict[str, Any], said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        if fields.get(name) == value:
            del fields[name]


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"data": _data(message)}
    if message.platform is Platform.IOS:
        made["apns"] = _apns(message)
    elif message.platform is Platform.WEB:
        made["webpush"] = _webpush(message)
    else:
        made["android"] = _android(message)
        if _shown_by_system(message):
            made["notification"] = _texts(message)
    return made


def _shown_by_system(message: Message) -> bool:
    return not message.silent and message.options.get("mode", "notification") == "notification"


def _data(message: Message) -> dict[str, str]:
    """What the app's code reads; in data mode that is the whole message. All values are strings."""
    shown = {"link": message.link}
    if message.platform is Platform.IOS:
        shown |= {"image": message.image, "actions": _actions(message)}
    elif message.platform is Platform.ANDROID and not message.silent and not _shown_by_system(message):
        shown |= _data_only(message)
    return {**message.data, **{k: v for k, v in shown.items() if v}, "m": message.m, "t": message.t}


def _data_only(message: Message) -> dict[str, str | None]:
    return {
        "title": message.title,
        "subtitle": message.subtitle,
        "body": message.body,
        "image": message.image,
        "actions": _actions(message),
        "tag": _tag(message),
        "thread": message.thread,
        "channel_id": message.options.get("channel_id"),
        "sound": message.sound,
        "badge": None if message.badge is None else str(message.badge),
    }


def _actions(message: Message) -> str | None:
    actions = apns.extras(message).get("actions")
    return orjson.dumps(actions).decode() if actions else None


def _tag(message: Message) -> str:
    return message.collapse_key or message.identity


def _texts(message: Message) -> dict[str, str]:
    texts = {"title": message.title, "body": message.body, "image": message.image}
    return {name: text for name, text in texts.items() if text}


def _ttl(message: Message) -> int:
    return min(max(message.ttl_seconds, 0), LONGEST_TTL)


def _android(message: Message) -> dict[str, Any]:
    urgent = message.priority is Priority.HIGH and not message.silent
    made: dict[str, Any] = {"priority": "HIGH" if urgent else "NORMAL", "ttl": f"{_ttl(message)}s"}
    if message.collapse_key:
        made["collapseKey"] = message.collapse_key
    made |= options.android(message.options)
    if _shown_by_system(message):
        shown = {
            "tag": _tag(message),
            "channelId": message.options.get("channel_id"),
            "sound": message.sound,
            "notificationCount": message.badge,
        }
        fields = {name: value for name, value in shown.items() if value not in (None, "")}
        made["notification"] = fields | options.android_notification(message.options)
    return made


def _apns(message: Message) -> dict[str, Any]:
    """The picture is named for Firebase's own service extension too."""
    made: dict[str, Any] = {"headers": dict(apns.headers(message)), "payload": {"aps": apns.aps(message)}}
    if message.image and not message.silent:
        made["fcmOptions"] = {"image": message.image}
    return made


def _webpush(message: Message) -> dict[str, Any]:
    headers = {"TTL": str(_ttl(message)), "Urgency": options.urgency(message), "Topic": topic(_tag(message))}
    made: dict[str, Any] = {"headers": headers}
    if message.silent:
        return made
    shown: dict[str, Any] = {**_texts(message), "tag": _tag(message), "lang": message.locale}
    if message.options.get("require_interaction"):
        shown["requireInteraction"] = True
    if message.actions:
        shown["actions"] = [_button(action) for action in message.actions]
    looks = {name: message.options.get(name) for name in ("dir", "icon")} | options.web(message.options)
    made["notification"] = {name: value for name, value in (shown | looks).items() if value}
    if message.link and message.link.startswith("https://"):
        made["fcmOptions"] = {"link": message.link}
    return made


def _button(action: Action) -> dict[str, str]:
    """A browser's button; where it leads has no place in FCM's message."""
    return {"action": action.id, "title": action.title} | ({"icon": action.icon} if action.icon else {})
