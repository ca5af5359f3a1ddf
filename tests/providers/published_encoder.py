"""The same message in Google's own library for servers, in the spelling of our bodies."""

import re
from decimal import Decimal
from typing import Any

import orjson
from firebase_admin import messaging
from firebase_admin._messaging_encoder import MessageEncoder

from backend.domain.message import Action, Address, Message
from backend.domain.vocabulary import Platform, Priority
from backend.providers.naming import collapse_id, topic

_DURATION = re.compile(r"\d+(\.\d+)?s")
_OPAQUE = {"data", "headers", "payload"}
"""Maps whose names are the sender's, not Google's."""


def theirs(message: Message, address: Address) -> dict[str, Any]:
    """What firebase-admin writes for the message, spelt as JSON of the API is."""
    made = messaging.Message(data=_data(message), **_platform(message))
    setattr(made, address.kind, address.value)
    return spelt(orjson.loads(MessageEncoder().encode(made)))


def spelt(value: Any, opaque: bool = False) -> Any:
    """One spelling for two that mean the same: names, capitals of priorities, fractions of seconds, empty maps."""
    if isinstance(value, list):
        return [spelt(each, opaque) for each in value]
    if isinstance(value, dict):
        pairs = {(k if opaque else _camel(k)): _field(k, v, opaque) for k, v in value.items()}
        return {k: v for k, v in pairs.items() if v not in (None, [], {})}
    return value


def _field(name: str, value: Any, opaque: bool) -> Any:
    if opaque or name in _OPAQUE:
        return spelt(value, True)
    if name == "priority":
        return value.upper()
    if isinstance(value, list) and value and all(isinstance(v, str) and _DURATION.fullmatch(v) for v in value):
        return [_milliseconds(each) for each in value]
    if isinstance(value, str) and name.lower().endswith("duration"):
        return _milliseconds(value)
    return spelt(value)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def _milliseconds(duration: str) -> int:
    return round(Decimal(duration[:-1]) * 1_000)


def _platform(message: Message) -> dict[str, Any]:
    if message.platform is Platform.IOS:
        image = None if message.silent else message.image
        options = messaging.APNSFCMOptions(image=image) if image else None
        payload = messaging.APNSPayload(aps(message))
        return {"apns": messaging.APNSConfig(headers=_apns_headers(message), payload=payload, fcm_options=options)}
    if message.platform is Platform.WEB:
        return {"webpush": _webpush(message)}
    shown = messaging.Notification(message.title or None, message.body or None, message.image)
    return {"android": _android(message)} | ({"notification": shown} if _by_system(message) else {})


def _by_system(message: Message) -> bool:
    return not message.silent and message.options.get("mode") != "data"


def _tag(message: Message) -> str:
    return message.collapse_key or message.identity


def _data(message: Message) -> dict[str, str]:
    """The app's own data and what the encoder adds for it, which no schema speaks of."""
    own = message.options
    extra: dict[str, Any] = {"link": message.link}
    told = orjson.dumps(_buttons(message)).decode() if message.actions else None
    if message.platform is Platform.IOS:
        extra |= {"image": message.image, "actions": told}
    elif message.platform is Platform.ANDROID and not message.silent and own.get("mode") == "data":
        extra |= {
            "title": message.title, "subtitle": message.subtitle, "body": message.body, "image": message.image,
            "actions": told, "tag": _tag(message), "thread": message.thread, "channel_id": own.get("channel_id"),
            "sound": message.sound, "badge": None if message.badge is None else str(message.badge),
        }  # fmt: skip
    return {**message.data, **{k: v for k, v in extra.items() if v}, "m": message.m, "t": message.t}


def _buttons(message: Message) -> list[dict[str, str]]:
    return [{"id": a.id, "title": a.title} | ({"link": a.link} if a.link else {}) for a in message.actions]


def _android(message: Message) -> messaging.AndroidConfig:
    own, high = message.options, message.priority is Priority.HIGH and not message.silent
    label = own.get("analytics_label")
    return messaging.AndroidConfig(
        collapse_key=message.collapse_key,
        priority="high" if high else "normal",
        ttl=message.ttl_seconds,
        restricted_package_name=own.get("restricted_package_name"),
        notification=_android_notification(message) if _by_system(message) else None,
        fcm_options=messaging.AndroidFCMOptions(label) if label else None,
        direct_boot_ok=own.get("direct_boot_ok"),
    )


def _android_notification(message: Message) -> messaging.AndroidNotification:
    own = message.options
    light = own.get("light")
    same = ("icon", "color", "click_action", "channel_id", "sticky", "local_only", "visibility")
    words = ("ticker", "title_loc_key", "title_loc_args", "body_loc_key", "body_loc_args")
    return messaging.AndroidNotification(
        sound=message.sound,
        tag=_tag(message),
        priority=own.get("notification_priority"),
        vibrate_timings_millis=own.get("vibrate_ms"),
        light_settings=messaging.LightSettings(light["color"], light["on_ms"], light["off_ms"]) if light else None,
        notification_count=message.badge,
        **{name: own.get(name) for name in same},
        **{name: own.get(name) or None for name in words},
    )


def _webpush(message: Message) -> messaging.WebpushConfig:
    own = message.options
    usual = "low" if message.silent else "high" if message.priority is Priority.HIGH else "normal"
    headers = {
        "TTL": str(message.ttl_seconds),
        "Urgency": own.get("urgency") or usual,
        "Topic": topic(_tag(message)),
    }
    if message.silent:
        return messaging.WebpushConfig(headers=headers)
    link = message.link if (message.link or "").startswith("https://") else None
    return messaging.WebpushConfig(
        headers=headers,
        notification=_webpush_notification(message),
        fcm_options=messaging.WebpushFCMOptions(link) if link else None,
    )


def _webpush_notification(message: Message) -> messaging.WebpushNotification:
    """A browser takes what is false for what is not said, and none shakes that is mute."""
    own = message.options
    return messaging.WebpushNotification(
        title=message.title or None,
        body=message.body or None,
        image=message.image,
        tag=_tag(message),
        language=message.locale,
        direction=own.get("dir"),
        icon=own.get("icon"),
        badge=own.get("badge_icon"),
        renotify=own.get("renotify") or None,
        silent=own.get("muted") or None,
        require_interaction=own.get("require_interaction") or None,
        vibrate=None if own.get("muted") else own.get("vibrate_ms"),
        actions=[_button(action) for action in message.actions],
    )


def _button(action: Action) -> messaging.WebpushNotificationAction:
    return messaging.WebpushNotificationAction(action.id, action.title, action.icon)


def _apns_headers(message: Message) -> dict[str, str]:
    high = message.priority is Priority.HIGH and not message.silent
    return {
        "apns-push-type": "background" if message.silent else "alert",
        "apns-priority": "10" if high else "5",
        "apns-expiration": str(int(message.expires_at.timestamp()) if message.ttl_seconds else 0),
        "apns-collapse-id": collapse_id(_tag(message)),
    }


def aps(message: Message) -> messaging.Aps:
    """Apple's part; what the library has no name for yet goes by Apple's, as its `custom_data`."""
    if message.silent:
        return messaging.Aps(content_available=True)
    own, volume = message.options, message.options.get("critical_volume")
    critical = messaging.CriticalSound(message.sound or "default", critical=True, volume=volume)
    named = {
        "interruption-level": own.get("interruption_level"),
        "relevance-score": own.get("relevance_score"),
        "target-content-id": own.get("target_content_id") or None,
        "filter-criteria": own.get("filter_criteria") or None,
    }
    return messaging.Aps(
        alert=_alert(message),
        badge=message.badge,
        sound=message.sound if volume is None else critical,
        content_available=own.get("content_available"),
        category=own.get("action_category"),
        thread_id=message.thread,
        mutable_content=own.get("mutable_content") is not False,
        custom_data={name: value for name, value in named.items() if value is not None},
    )


def _alert(message: Message) -> messaging.ApsAlert:
    own = message.options
    subtitle = {"subtitle-loc-key": own.get("subtitle_loc_key"), "subtitle-loc-args": own.get("subtitle_loc_args")}
    return messaging.ApsAlert(
        title=message.title or None,
        subtitle=message.subtitle or None,
        body=message.body or None,
        loc_key=own.get("body_loc_key"),
        loc_args=own.get("body_loc_args"),
        title_loc_key=own.get("title_loc_key"),
        title_loc_args=own.get("title_loc_args"),
        launch_image=own.get("launch_image"),
        custom_data={name: value for name, value in subtitle.items() if value},
    )


def payload(message: Message) -> dict[str, Any]:
    """The whole of what Apple is sent, by the library's encoder."""
    made = messaging.APNSPayload(aps(message))
    beside = {"image": message.image, "link": message.link, "actions": _buttons(message)}
    made.custom_data = message.data | {"m": message.m, "t": message.t} | {k: v for k, v in beside.items() if v}
    return MessageEncoder.encode_apns_payload(made)
