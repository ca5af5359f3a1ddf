"""The platform's own fields of a message in each provider's spelling, as tables: name of ours → name of theirs.

A field that is taken at save is in a table here or in an encoder; a test holds the two together.
"""

from collections.abc import Mapping
from typing import Any

from backend.domain.message import Message
from backend.domain.vocabulary import Priority

Options = Mapping[str, Any]

_ALERT = {
    "title_loc_key": "title-loc-key",
    "title_loc_args": "title-loc-args",
    "subtitle_loc_key": "subtitle-loc-key",
    "subtitle_loc_args": "subtitle-loc-args",
    "body_loc_key": "loc-key",
    "body_loc_args": "loc-args",
    "launch_image": "launch-image",
}
_APS = {"target_content_id": "target-content-id", "filter_criteria": "filter-criteria"}
_ANDROID = {
    "icon": "icon",
    "color": "color",
    "click_action": "clickAction",
    "ticker": "ticker",
    "sticky": "sticky",
    "local_only": "localOnly",
    "title_loc_key": "titleLocKey",
    "title_loc_args": "titleLocArgs",
    "body_loc_key": "bodyLocKey",
    "body_loc_args": "bodyLocArgs",
}
_ANDROID_CONFIG = {"direct_boot_ok": "directBootOk", "restricted_package_name": "restrictedPackageName"}
_WEB = {"renotify": "renotify", "badge_icon": "badge", "muted": "silent", "vibrate_ms": "vibrate"}


def alert(options: Options) -> dict[str, Any]:
    """What joins `aps.alert`: texts from the app's own resources."""
    return _renamed(options, _ALERT)


def aps(options: Options) -> dict[str, Any]:
    """What joins `aps` beside the alert."""
    return _renamed(options, _APS) | ({"content-available": 1} if options.get("content_available") else {})


def sound(name: str | None, options: Options) -> str | dict[str, Any] | None:
    """The sound's name, or Apple's critical one with its volume (0 to 1)."""
    volume = options.get("critical_volume")
    return name if volume is None else {"critical": 1, "name": name or "default", "volume": volume}


def android(options: Options) -> dict[str, Any]:
    """What joins FCM's `android`."""
    made = _renamed(options, _ANDROID_CONFIG)
    if label := options.get("analytics_label"):
        made["fcmOptions"] = {"analyticsLabel": label}
    return made


def android_notification(options: Options) -> dict[str, Any]:
    """What joins FCM's `android.notification`."""
    made = _renamed(options, _ANDROID)
    if visibility := options.get("visibility"):
        made["visibility"] = visibility.upper()
    if priority := options.get("notification_priority"):
        made["notificationPriority"] = f"PRIORITY_{priority.upper()}"
    if pattern := options.get("vibrate_ms"):
        made["vibrateTimings"] = [_duration(pause) for pause in pattern]
    if light := options.get("light"):
        made["lightSettings"] = _light(light)
    return made


def web(options: Options) -> dict[str, Any]:
    """What joins a browser's notification; one that makes no sound may not shake either (Notifications API, 2.8)."""
    made = _renamed(options, _WEB)
    if made.get("silent"):
        made.pop("vibrate", None)
    return made


def urgency(message: Message) -> str:
    """RFC 8030's urgency: the message's own, else low for what nobody sees, else by its priority."""
    own: str | None = message.options.get("urgency")
    if own or message.silent:
        return own or "low"
    return "high" if message.priority is Priority.HIGH else "normal"


def _renamed(options: Options, names: Mapping[str, str]) -> dict[str, Any]:
    if not options:
        return {}
    return {theirs: options[ours] for ours, theirs in names.items() if options.get(ours) not in (None, "", [])}


def _duration(milliseconds: int) -> str:
    return f"{milliseconds / 1000:g}s"


def _light(light: Mapping[str, Any]) -> dict[str, Any]:
    red, green, blue = (int(light["color"][start : start + 2], 16) / 255 for start in (1, 3, 5))
    return {
        "color": {"red": red, "green": green, "blue": blue, "alpha": 1},
        "lightOnDuration": _duration(light["on_ms"]),
        "lightOffDuration": _duration(light["off_ms"]),
    }
