"""The rules of APNs' request headers: Apple, "Sending notification requests to APNs"."""

import re
from collections.abc import Mapping

from backend.simulator.push import Refused

_TOPIC = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGITS = re.compile(r"[0-9]{1,12}")
_PRIORITIES = frozenset({"10", "5", "1"})

_SUFFIX: Mapping[str, str] = {
    "alert": "",
    "background": "",
    "complication": ".complication",
    "controls": ".push-type.controls",
    "fileprovider": ".pushkit.fileprovider",
    "liveactivity": ".push-type.liveactivity",
    "location": ".location-query",
    "mdm": "",
    "pushtotalk": ".voip-ptt",
    "voip": ".voip",
    "widgets": ".push-type.widgets",
}
_OTHER_SUFFIXES = tuple(suffix for suffix in _SUFFIX.values() if suffix)


def check_values(headers: Mapping[str, str]) -> None:
    """Those rules that look at one header only. Raises `Refused`."""
    identity = headers.get("apns-id")
    if identity is not None and not ID.fullmatch(identity):
        raise Refused(400, "BadMessageId", identity)
    expiration = headers.get("apns-expiration")
    if expiration is not None and not _DIGITS.fullmatch(expiration):
        raise Refused(400, "BadExpirationDate", expiration)
    collapse = headers.get("apns-collapse-id")
    if collapse is not None and not 1 <= len(collapse) <= 64:
        raise Refused(400, "BadCollapseId", collapse)
    priority = headers.get("apns-priority")
    if priority is not None and priority not in _PRIORITIES:
        raise Refused(400, "BadPriority", priority)


def check_type(headers: Mapping[str, str], topic: str) -> str:
    """The push type, which must fit the topic and the priority. Raises `Refused`."""
    push_type = headers.get("apns-push-type", "")
    if not topic:
        raise Refused(400, "MissingTopic")
    if not _TOPIC.fullmatch(topic):
        raise Refused(400, "BadTopic", topic)
    suffix = _SUFFIX.get(push_type)
    if suffix is None:
        raise Refused(400, "InvalidPushType", repr(push_type))
    if not topic.endswith(suffix) or (not suffix and topic.endswith(_OTHER_SUFFIXES)):
        raise Refused(400, "TopicDisallowed", f"{topic} for {push_type}")
    if push_type == "background" and headers.get("apns-priority", "10") != "5":
        raise Refused(400, "BadPriority", "background must have priority 5")
    return push_type
