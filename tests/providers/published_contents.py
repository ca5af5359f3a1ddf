"""Contents as people and programs may write them, drawn at random within what `parse_content` takes."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from backend.domain.content import Wording, locale_chain
from backend.domain.message import Message
from backend.domain.vocabulary import Platform, Priority
from backend.services.content import parse_content
from backend.services.rendering import Envelope, render

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
VARIABLES = {"user": {"id": "u1", "name": "Zoë 🎈"}, "device": {}, "event": {}, "data": {}, "app": {"name": "Shop"}}
_HTTPS = st.sampled_from(["https://x.example/i.png", "https://x.example/ż?a=1&b={{ user.id }}", "https://x.example"])
_LINKS = st.one_of(_HTTPS, st.sampled_from(["shop://sale/{{ user.id }}", "http://x.example/a", "HTTPS://X.example/b"]))
_FIXED = st.sampled_from(["https://x.example/icon.png", "https://cdn.example/b.svg#x"])
_SIGNS = st.characters(exclude_categories=["Cs"], exclude_characters="{}")


def _some(**fields: Any) -> Any:
    return st.fixed_dictionaries({}, optional=fields)


def _written(most: int = 40) -> Any:
    """A text that is never empty, with whatever signs and sometimes a variable."""
    return st.builds(
        "".join, st.tuples(st.sampled_from(["A", "Ż", "{{ user.name }}", "שלום"]), st.text(_SIGNS, max_size=most))
    )


_NAMES = st.text("aZ0_ .:/-", max_size=12).map("n{}".format)
_RESOURCES = st.text("aZ0_.-", max_size=12).map("r{}".format)
_COLOURS = st.text("019afAF", min_size=6, max_size=6).map("#{}".format)
_MILLISECONDS = st.integers(0, 60_000)
_RATIOS = st.floats(0, 1)
_ARGUMENTS = st.lists(_written(10), max_size=3)
_FLAGS = st.booleans()
_ACTIONS = st.lists(
    st.fixed_dictionaries(
        {"id": st.text("aZ0_.-", min_size=1, max_size=8), "title": _written(12)},
        optional={"link": _LINKS, "icon": _FIXED},
    ),
    max_size=4,
    unique_by=lambda action: action["id"],
)
_DATA = st.dictionaries(
    st.sampled_from(["k", "ż", "a b", "self", "title", "data", "x-1", "\U0001f388"]),
    st.one_of(st.text(_SIGNS, max_size=20), st.integers(), _FLAGS, st.floats(-1e9, 1e9), st.just("{{ user.id }}")),
    max_size=5,
)
_ANY_LAYER = {
    "title": _written(), "subtitle": _written(), "body": _written(120) | st.just(""), "image": st.none() | _HTTPS, "link": _LINKS,
    "actions": _ACTIONS, "data": _DATA, "badge": st.integers(0, 99_999), "sound": st.none() | _NAMES,
    "silent": _FLAGS, "ttl_seconds": st.integers(0, 2_419_200), "collapse_key": _written(10) | st.just("sale_1"),
    "thread": _written(20),
}  # fmt: skip
_IOS = {
    "interruption_level": st.sampled_from(["passive", "active", "time-sensitive", "critical"]),
    "relevance_score": _RATIOS, "action_category": _NAMES, "critical_volume": _RATIOS, "mutable_content": _FLAGS,
    "content_available": _FLAGS, "target_content_id": _written(), "filter_criteria": _written(),
    "launch_image": _RESOURCES, "title_loc_key": _NAMES, "subtitle_loc_key": _NAMES, "body_loc_key": _NAMES,
    "title_loc_args": _ARGUMENTS, "subtitle_loc_args": _ARGUMENTS, "body_loc_args": _ARGUMENTS,
}  # fmt: skip
_ANDROID = {
    "mode": st.sampled_from(["notification", "data"]), "channel_id": _NAMES, "icon": _RESOURCES, "color": _COLOURS,
    "visibility": st.sampled_from(["private", "public", "secret"]),
    "notification_priority": st.sampled_from(["min", "low", "default", "high", "max"]), "click_action": _NAMES,
    "ticker": _written(), "sticky": _FLAGS, "local_only": _FLAGS, "vibrate_ms": st.lists(_MILLISECONDS, max_size=5),
    "light": st.fixed_dictionaries({"color": _COLOURS, "on_ms": _MILLISECONDS, "off_ms": _MILLISECONDS}),
    "direct_boot_ok": _FLAGS, "restricted_package_name": _RESOURCES,
    "analytics_label": st.text("aZ0-_.~%", min_size=1, max_size=50), "title_loc_key": _NAMES, "body_loc_key": _NAMES,
    "title_loc_args": _ARGUMENTS, "body_loc_args": _ARGUMENTS,
}  # fmt: skip
_WEB = {
    "require_interaction": _FLAGS, "renotify": _FLAGS, "icon": _FIXED, "badge_icon": _FIXED,
    "dir": st.sampled_from(["auto", "ltr", "rtl"]), "urgency": st.sampled_from(["very-low", "low", "normal", "high"]),
    "vibrate_ms": st.lists(_MILLISECONDS, max_size=5), "muted": _FLAGS,
}  # fmt: skip
_TAGS = st.sampled_from(["pl", "pl-PL", "en", "zh-Hant-TW"])


def _keyed(layer: dict[str, Any]) -> dict[str, Any]:
    """Arguments mean something beside the key of their text only; Google's library refuses them alone."""
    return {name: v for name, v in layer.items() if not name.endswith("_args") or f"{name[:-4]}key" in layer}


def _section(own: dict[str, Any]) -> Any:
    layer = _some(**(_ANY_LAYER | own)).map(_keyed)
    return _some(**(_ANY_LAYER | own), locales=st.dictionaries(_TAGS, layer, max_size=1)).map(_keyed)


CONTENTS = st.fixed_dictionaries(
    {"title": _written()},
    optional={name: kind for name, kind in _ANY_LAYER.items() if name != "title"}
    | {"locales": st.dictionaries(_TAGS, _some(**_ANY_LAYER), max_size=2)}
    | {"ios": _section(_IOS), "android": _section(_ANDROID), "web": _section(_WEB)},
)
PRIORITIES = st.sampled_from(list(Priority))


def sent(content: dict[str, Any], platform: Platform, priority: Priority = Priority.NORMAL) -> Message:
    """The message that a device of a Polish reader gets, by the way every push goes."""
    envelope = Envelope("dlv_1", "k1.sig", "identity-1", NOW, priority)
    chain = locale_chain("pl-PL", None, "en")
    wording = Wording(parse_content(content))
    return render(wording, platform=platform, locales=chain, variables=VARIABLES, envelope=envelope)
