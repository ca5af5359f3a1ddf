"""Our bodies beside what is published: Google's discovery document, Google's own library for servers,
W3C's declarative push message. Any content that is taken at save must come out right for every platform."""

import re
from dataclasses import replace
from typing import Any

import orjson
import published_encoder
import published_schemas
import pytest
from hypothesis import HealthCheck, assume, given, settings
from published_contents import CONTENTS, PRIORITIES, sent
from samples import APNS_TOKEN, FCM_TOKEN, FCM_TOPIC, FID, Browser, full, message

from backend.domain.message import Address, Message
from backend.domain.vocabulary import Platform, Priority
from backend.errors import Invalid, TemplateError
from backend.providers import apns, fcm, webpush
from backend.providers.base import TooLarge
from backend.services.content import parse_content

SOMEONE = Browser().address("https://fcm.googleapis.com/fcm/send/x")
REQUEST = {"$ref": "SendMessageRequest"}
ENCODERS: dict[str, tuple[Any, Address, int]] = {
    "apns": (apns, APNS_TOKEN, 4_096),
    "fcm": (fcm, FCM_TOKEN, 4_096),
    "fcm topic": (fcm, FCM_TOPIC, 2_048),
    "webpush": (webpush, SOMEONE, 3_993),
}


def any_content(test: Any) -> Any:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=300, deadline=None, suppress_health_check=slow)(given(CONTENTS, PRIORITIES)(test))


def encoded(by: str, made: Message) -> dict[str, Any]:
    encoder, address, _ = ENCODERS[by]
    try:
        return orjson.loads(encoder.encode(made, address))
    except TooLarge:
        assume(False)
        raise


@any_content
def test_fcm_is_what_the_discovery_document_allows(content: dict[str, Any], priority: Priority) -> None:
    made = {platform: sent(content, platform, priority) for platform in Platform}
    for each in made.values():
        assert published_schemas.violations(encoded("fcm", each), REQUEST) == []


@any_content
def test_fcm_for_a_topic_is_what_the_discovery_document_allows(content: dict[str, Any], priority: Priority) -> None:
    android, *others = (
        sent(content, platform, priority) for platform in (Platform.ANDROID, Platform.IOS, Platform.WEB)
    )
    whole = encoded("fcm topic", replace(android, others=tuple(others)))
    assert published_schemas.violations(whole, REQUEST) == []


@any_content
def test_a_topic_shows_each_platform_its_own_words(content: dict[str, Any], priority: Priority) -> None:
    """What stands once for all platforms shows on each that does not say it in its own part."""
    android, ios, web = (
        sent(content, platform, priority) for platform in (Platform.ANDROID, Platform.IOS, Platform.WEB)
    )
    told = encoded("fcm topic", replace(android, others=(ios, web)))["message"]
    shared = told.get("notification", {})
    if not web.silent:
        assert words(shared | told["webpush"]["notification"]) == words(said_by(web))
    if not ios.silent:
        alert = told["apns"]["payload"]["aps"].get("alert", shared)
        picture = told["apns"].get("fcmOptions", shared).get("image")
        assert words({**alert, "image": picture}) == words(said_by(ios))
    assert shared == {} or not (android.silent or ios.silent or web.silent)


def words(shown: dict[str, Any]) -> dict[str, str]:
    return {name: shown[name] for name in ("title", "body", "image") if shown.get(name)}


def said_by(made: Message) -> dict[str, Any]:
    return {"title": made.title, "body": made.body, "image": made.image}


@any_content
def test_fcm_is_what_google_s_library_writes(content: dict[str, Any], priority: Priority) -> None:
    for platform in Platform:
        made = sent(content, platform, priority)
        assert published_encoder.spelt(encoded("fcm", made)["message"]) == published_encoder.theirs(made, FCM_TOKEN)


@any_content
def test_apns_is_what_google_s_library_writes(content: dict[str, Any], priority: Priority) -> None:
    made = sent(content, Platform.IOS, priority)
    assert encoded("apns", made) == published_encoder.payload(made)


@any_content
def test_a_web_push_is_declarative_once_it_leads_somewhere(content: dict[str, Any], priority: Priority) -> None:
    """One without a link says no `navigate`: the site's worker shows it, and a tap opens nothing."""
    made = sent(content, Platform.WEB, priority)
    told = encoded("webpush", made)
    if made.silent:
        assert not told.keys() & {"web_push", "notification"}
        return
    if made.link is None:
        assert "notification.navigate: missing" in published_schemas.undeclarative(told)
        for each in (told["notification"], *told["notification"].get("actions", [])):
            each.setdefault("navigate", "https://x.example/")
    assert published_schemas.undeclarative(told) == []


def test_an_installation_is_named_as_google_s_library_does() -> None:
    made = full(Platform.ANDROID)
    ours = orjson.loads(fcm.encode(made, FID))["message"]
    assert published_encoder.spelt(ours) == published_encoder.theirs(made, FID)


ASKEW: list[tuple[str, Any]] = [
    ("android.priority", "high"),
    ("android.ttl", "3600"),
    ("android.ttl", 3_600),
    ("android.direct_boot_ok", True),
    ("android.directBootOk", "true"),
    ("android.notification.visibility", "public"),
    ("android.notification.notificationCount", 2**31),
    ("android.notification.notificationCount", "3"),
    ("android.notification.vibrateTimings", ["0.25"]),
    ("android.notification.bodyLocArgs", [1]),
    ("android.notification.lightSettings", {"color": {"red": "1"}}),
    ("android.notification.eventTime", "today"),
    ("data.n", 1),
    ("notification.subtitle", "x"),
    ("notification", []),
    ("webpush.headers.TTL", 60),
    ("webpush.fcmOptions", {"link": None}),
    ("apns.payload", "aps"),
    ("to", "x"),
]


@pytest.mark.parametrize(("where", "value"), ASKEW, ids=[f"{where}={value!r}" for where, value in ASKEW])
def test_the_discovery_document_refuses(where: str, value: Any) -> None:
    made = orjson.loads(fcm.encode(full(Platform.ANDROID, others=(full(Platform.IOS), full(Platform.WEB))), FCM_TOPIC))
    assert published_schemas.violations(made, REQUEST) == []
    *parents, name = where.split(".")
    inner = made["message"]
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    assert [w for w in published_schemas.violations(made, REQUEST) if w.startswith(f".message.{where}")]


UNDECLARED: list[tuple[str, Any]] = [
    ("web_push", 8031), ("web_push", "8030"), ("app_badge", -1), ("app_badge", "3"), ("mutable", 1),
    ("notification", "x"), ("notification.title", ""), ("notification.title", None), ("notification.navigate", "/sale"),
    ("notification.navigate", 5), ("notification.dir", "left"), ("notification.require_interaction", True),
    ("notification.silent", "yes"), ("notification.vibrate", [-1]), ("notification.vibrate", 200),
    ("notification.icon", "icon.png"), ("notification.tag", 7), ("notification.actions", [{"action": "a", "title": "A"}]),
]  # fmt: skip


@pytest.mark.parametrize(("where", "value"), UNDECLARED, ids=[f"{where}={value!r}" for where, value in UNDECLARED])
def test_the_push_api_refuses(where: str, value: Any) -> None:
    made = orjson.loads(webpush.encode(full(Platform.WEB), SOMEONE))
    assert published_schemas.undeclarative(made) == []
    inner, _, name = where.rpartition(".")
    (made[inner] if inner else made)[name] = value
    assert [wrong for wrong in published_schemas.undeclarative(made) if wrong.startswith(where)]


RESERVED = ["from", "message_type", "gcm", "m", "t", "aps", "link", "image", "actions", "google.x", "googley", "gcm.n"]
BUTTON = {"id": "buy", "title": "Buy"}
REFUSED: list[tuple[str, Any]] = [
    *((f"data/{key}", "x") for key in RESERVED),
    *((f"{platform}/data/{key}", "x") for platform in Platform for key in ("aps", "from")),
    ("ios/locales/pl/data/m", "x"),
    ("data/" + "k" * 129, "x"), ("data/\u202ek", "x"), ("data/k", ["nested"]), ("data/k", None), ("data/k", "x" * 8_193),
    ("data", {f"k{n}": "x" for n in range(101)}),
    ("title", "x" * 8_193), ("subtitle", "ż" * 4_097), ("body", "x" * 8_193), ("body", 1), ("title", "{{ user.name"),
    ("image", "http://x.example/i.png"), ("image", "https://x.example/" + "x" * 8_193), ("link", "javascript:alert(1)"),
    ("link", "https://x.example/" + "x" * 2_048), ("link", "no scheme"), ("link", "intent://x"),
    ("actions", [BUTTON | {"id": str(n)} for n in range(5)]), ("actions", [BUTTON, BUTTON]),
    ("actions/0/id", "a b"), ("actions/0/id", "x" * 65), ("actions/0/title", ""), ("actions/0/link", "data:x"),
    ("actions/0/icon", "http://x.example/i.png"), ("actions/0/icon", "https://x.example/{{ user.id }}"),
    ("actions/0/label", "x"), ("badge", -1), ("badge", 100_000), ("badge", "3"), ("sound", "x" * 129), ("silent", 1),
    ("sound", "/etc"), ("ttl_seconds", -1), ("ttl_seconds", 2_419_201), ("ttl_seconds", 1.5), ("thread", "x" * 201),
    ("collapse_key", "x" * 65), ("collapse_key", "ż" * 33), ("colour", "red"), ("locales/p", {}),
    ("locales", {f"a{chr(97 + n // 26)}{chr(97 + n % 26)}": {} for n in range(101)}), ("locales/pl/mode", "data"),
    ("ios/interruption_level", "loud"), ("ios/relevance_score", 1.1), ("ios/relevance_score", float("nan")),
    ("ios/critical_volume", -0.1), ("ios/action_category", ""), ("ios/target_content_id", "x" * 201),
    ("ios/filter_criteria", "x" * 201), ("ios/launch_image", "../x"), ("ios/title_loc_key", "x" * 129),
    ("ios/title_loc_args", ["x"] * 11), ("ios/body_loc_args/0", 1), ("ios/mutable_content", 1),
    ("ios/content_available", "yes"), ("ios/channel_id", "promo"), ("ios/badge", 100_000),
    ("android/mode", "both"), ("android/visibility", "PUBLIC"), ("android/notification_priority", "PRIORITY_MAX"),
    ("android/color", "red"), ("android/color", "#12345"), ("android/icon", "a/b"), ("android/ticker", "x" * 201),
    ("android/vibrate_ms", [1] * 21), ("android/vibrate_ms/0", 60_001), ("android/vibrate_ms/0", 0.5),
    ("android/light/color", "#12"), ("android/light/on_ms", -1), ("android/light/off_ms", 60_001),
    ("android/analytics_label", "a b"), ("android/analytics_label", "x" * 51), ("android/channel_id", "x" * 129),
    ("android/click_action", "\n"), ("android/restricted_package_name", " x"), ("android/sticky", "no"),
    ("android/local_only", 0), ("android/direct_boot_ok", "yes"), ("android/body_loc_args", ["x"] * 11),
    ("web/dir", "left"), ("web/urgency", "urgent"), ("web/icon", "/icon.png"), ("web/badge_icon", "http://x.example/b"),
    ("web/vibrate_ms", [1] * 21), ("web/vibrate_ms/0", -1), ("web/renotify", 1), ("web/muted", "on"),
    ("web/require_interaction", "true"), ("web/locales/pl/dir", "up"), ("android/locales/pl/visibility", "hidden"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "value"), REFUSED, ids=[f"{w[:40]}={str(v)[:20]!r}" for w, v in REFUSED])
def test_what_no_provider_takes_is_refused_at_save_by_its_field(where: str, value: Any) -> None:
    content: dict[str, Any] = {"title": "Hi", "actions": [dict(BUTTON)], "data": {}, "locales": {"pl": {}}}
    for platform in (Platform.ANDROID, Platform.WEB):
        content[platform] = {"data": {}, "locales": {"pl": {"data": {}}}, "vibrate_ms": [1]}
    content["ios"] = {"body_loc_args": ["x"], "data": {}, "locales": {"pl": {"data": {}}}}
    content["android"]["light"] = {"color": "#112233", "on_ms": 1, "off_ms": 1}
    assert parse_content(content)
    *parents, name = where.split("/")
    inner: Any = content
    for parent in parents:
        inner = inner[int(parent) if isinstance(inner, list) else parent]
    inner[int(name) if isinstance(inner, list) else name] = value
    with pytest.raises(Invalid) as caught:
        parse_content(content)
    assert {error.field for error in caught.value.errors} == {
        "content." + re.sub(r"/(\d+)", r"[\1]", where).replace("/", ".")
    }


FILLED: list[tuple[str, dict[str, Any]]] = [
    ("collapse_key", {"collapse_key": "{{ user.name }}" * 9}),
    ("link", {"link": "{{ user.id }}"}),
    ("link", {"link": "https://x.example/" + "{{ user.name }}" * 500}),
    ("image", {"image": "{{ user.id }}https://x.example/i.png"}),
    ("actions[0].title", {"actions": [{"id": "a", "title": "{{ '' }}"}]}),
    ("body", {"title": "", "body": "{{ '' }}"}),
    ("data.k", {"data": {"k": "{{ user.nobody }}"}}),
]


@pytest.mark.parametrize(("field", "content"), FILLED)
@pytest.mark.parametrize("platform", list(Platform))
def test_what_no_provider_takes_once_filled_in_is_refused_by_its_field(
    field: str, content: dict[str, Any], platform: Platform
) -> None:
    with pytest.raises(TemplateError) as caught:
        sent({"title": "Hi"} | content, platform)
    assert [error.field for error in caught.value.errors] == [field]


@pytest.mark.parametrize("by", list(ENCODERS))
@pytest.mark.parametrize("field", ["title", "body", "data"])
@pytest.mark.parametrize("platform", list(Platform))
def test_what_is_over_the_provider_s_limit_is_refused_with_its_size(by: str, field: str, platform: Platform) -> None:
    encoder, address, limit = ENCODERS[by]
    grown: Any = {"k": "x" * limit} if field == "data" else "x" * limit
    with pytest.raises(TooLarge) as caught:
        encoder.encode(message(platform, **{field: grown}), address)
    assert (caught.value.limit, caught.value.size > limit) == (limit, True)
