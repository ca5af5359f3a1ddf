"""What may stand in an APNs payload, and what must for each push type.

Keys and types: Apple, "Generating a remote notification" and "Starting and updating Live Activities with
ActivityKit push notifications".
"""

from collections.abc import Callable, Mapping
from typing import Any

from backend.simulator.push import Refused

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return _whole(value) and value >= 0


def _one(value: Any) -> bool:
    return _whole(value) and value == 1


def _part(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


_ALERT: dict[str, Check] = {
    "title": _text,
    "subtitle": _text,
    "body": _text,
    "launch-image": _text,
    "title-loc-key": _text,
    "title-loc-args": _texts,
    "subtitle-loc-key": _text,
    "subtitle-loc-args": _texts,
    "loc-key": _text,
    "loc-args": _texts,
}
_SOUND: dict[str, Check] = {"critical": lambda value: _whole(value) and value in {0, 1}, "name": _text, "volume": _part}


def _text_or(rules: Mapping[str, Check]) -> Check:
    return lambda value: isinstance(value, str) or (isinstance(value, dict) and _wrong(value, rules) is None)


_APS: dict[str, Check] = {
    "alert": _text_or(_ALERT),
    "badge": _count,
    "sound": _text_or(_SOUND),
    "thread-id": _text,
    "category": _text,
    "content-available": _one,
    "mutable-content": _one,
    "target-content-id": _text,
    "interruption-level": _one_of("passive", "active", "time-sensitive", "critical"),
    "relevance-score": _part,
    "filter-criteria": _text,
    "timestamp": _count,
    "event": _one_of("start", "update", "end"),
    "content-state": _object,
    "stale-date": _count,
    "dismissal-date": _count,
    "attributes-type": _text,
    "attributes": _object,
    "input-push-token": _one,
    "input-push-channel": _text,
    "content-changed": lambda value: value is True,
}
_SHOWN = frozenset({"alert", "badge", "sound"})


def _wrong(value: Mapping[str, Any], rules: Mapping[str, Check]) -> str | None:
    """The first key that is unknown or has a wrong value."""
    for key, content in value.items():
        check = rules.get(key)
        if check is None:
            return f"unknown key {key!r}"
        if not check(content):
            return f"{key!r} has a wrong value: {content!r}"
    return None


def check(payload: Mapping[str, Any], push_type: str) -> None:
    """Raises `Refused` where the payload breaks a rule or does not fit its push type."""
    aps = payload.get("aps", {})
    if not isinstance(aps, dict):
        raise Refused(400, "BadPayload", "aps is not an object")
    wrong = _wrong(aps, _APS)
    if wrong is not None:
        raise Refused(400, "BadPayload", f"aps: {wrong}")
    fits = _FITS.get(push_type)
    if fits is not None and (why := fits(aps)):
        raise Refused(400, "InvalidPushType", f"{push_type}: {why}")
    if push_type == "mdm" and not isinstance(payload.get("mdm"), str):
        raise Refused(400, "InvalidPushType", "mdm: needs the push magic under mdm")


def _fits_alert(aps: Mapping[str, Any]) -> str:
    return "" if _SHOWN & aps.keys() else "needs alert, badge or sound"


def _fits_background(aps: Mapping[str, Any]) -> str:
    return "" if aps.keys() == {"content-available"} else "must have content-available 1 and nothing else"


def _fits_live_activity(aps: Mapping[str, Any]) -> str:
    needed = {"timestamp", "event", "content-state"}
    if aps.get("event") == "start":
        needed |= {"attributes-type", "attributes", "alert"}
    missing = sorted(needed - aps.keys())
    return f"needs {', '.join(missing)}" if missing else ""


def _fits_widgets(aps: Mapping[str, Any]) -> str:
    return "" if "content-changed" in aps else "needs content-changed"


_FITS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "alert": _fits_alert,
    "background": _fits_background,
    "liveactivity": _fits_live_activity,
    "controls": _fits_widgets,
    "widgets": _fits_widgets,
}
