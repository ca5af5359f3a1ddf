"""FCM: the body for each platform, mode and kind of address."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from samples import EXPIRES, FCM_TOKEN, FCM_TOPIC, FID, full, message

from backend.domain.message import Address
from backend.domain.vocabulary import Platform, Priority
from backend.providers import fcm
from backend.providers.base import TooLarge
from backend.simulator import fcm_rules, fcm_schema


def body(made: Any, address: Any = FCM_TOKEN) -> dict[str, Any]:
    whole = orjson.loads(fcm.encode(made, address))
    assert set(whole) == {"message"}
    return whole["message"]


def test_the_target_is_a_token_or_an_installation() -> None:
    assert body(message(Platform.ANDROID))["token"] == FCM_TOKEN.value
    made = body(message(Platform.ANDROID), FID)
    assert made["fid"] == FID.value
    assert "token" not in made


def test_a_notification_by_the_system() -> None:
    made = body(full(Platform.ANDROID, options={"channel_id": "promo"}, priority=Priority.HIGH))
    assert made == {
        "token": FCM_TOKEN.value,
        "notification": {"title": "Hi", "body": "There", "image": "https://x.example/i.png"},
        "data": {"k": "v", "link": "https://x.example/sale", "m": "dlv_1", "t": "k1.sig"},
        "android": {
            "priority": "HIGH",
            "ttl": "3600s",
            "notification": {"tag": "identity-1", "channelId": "promo", "sound": "ping", "notificationCount": 3},
        },
    }


def test_the_collapse_key_is_the_tag_and_collapses() -> None:
    android = body(message(Platform.ANDROID, collapse_key="sale"))["android"]
    assert (android["collapseKey"], android["notification"]["tag"]) == ("sale", "sale")
    assert "collapseKey" not in body(message(Platform.ANDROID))["android"]


def test_data_mode_leaves_everything_to_the_app() -> None:
    made = body(full(Platform.ANDROID, options={"mode": "data", "channel_id": "promo"}, priority=Priority.HIGH))
    assert "notification" not in made
    assert made["android"] == {"priority": "HIGH", "ttl": "3600s"}
    assert orjson.loads(made["data"].pop("actions"))[0] == {
        "id": "buy", "title": "Buy", "link": "https://x.example/buy",
    }  # fmt: skip
    assert made["data"] == {
        "k": "v", "title": "Hi", "subtitle": "Sub", "body": "There", "image": "https://x.example/i.png",
        "link": "https://x.example/sale", "tag": "identity-1", "thread": "orders", "channel_id": "promo",
        "sound": "ping", "badge": "3", "m": "dlv_1", "t": "k1.sig",
    }  # fmt: skip


def test_silent_is_data_only_and_never_urgent() -> None:
    made = body(message(Platform.ANDROID, silent=True, data={"k": "v"}, priority=Priority.HIGH))
    assert made == {
        "token": FCM_TOKEN.value,
        "data": {"k": "v", "m": "dlv_1", "t": "k1.sig"},
        "android": {"priority": "NORMAL", "ttl": "3600s"},
    }


def test_ios_through_fcm() -> None:
    made = body(full(Platform.IOS, options={"action_category": "SALE"}))
    assert set(made) == {"token", "data", "apns"}
    assert made["apns"]["headers"] == {
        "apns-push-type": "alert",
        "apns-priority": "5",
        "apns-expiration": str(int(EXPIRES.timestamp())),
        "apns-collapse-id": "identity-1",
    }
    assert made["apns"]["payload"]["aps"]["category"] == "SALE"
    assert made["apns"]["payload"]["aps"]["mutable-content"] == 1
    assert made["apns"]["fcmOptions"] == {"image": "https://x.example/i.png"}
    assert (made["data"]["image"], made["data"]["m"]) == ("https://x.example/i.png", "dlv_1")


def test_silent_through_fcm_is_background_on_ios_and_of_low_urgency_on_the_web() -> None:
    ios = body(full(Platform.IOS, silent=True, priority=Priority.HIGH))
    assert ios["apns"]["payload"] == {"aps": {"content-available": 1}}
    assert (ios["apns"]["headers"]["apns-push-type"], ios["apns"]["headers"]["apns-priority"]) == ("background", "5")
    assert set(ios) == {"token", "data", "apns"}
    assert "fcmOptions" not in ios["apns"]
    web = body(full(Platform.WEB, silent=True, priority=Priority.HIGH))
    assert web["webpush"] == {"headers": {"TTL": "3600", "Urgency": "low", "Topic": "identity-1"}}
    own = body(full(Platform.WEB, silent=True, options={"urgency": "high"}))
    assert own["webpush"]["headers"]["Urgency"] == "high"


def test_a_topic_says_shared_words_once() -> None:
    android = full(Platform.ANDROID, options={"channel_id": "promo"})
    others = (full(Platform.IOS, subtitle="", options={"action_category": "SALE"}), full(Platform.WEB, title="Other"))
    made = body(replace(android, others=others), FCM_TOPIC)
    assert made["topic"] == FCM_TOPIC.value
    assert made["notification"] == {"title": "Hi", "body": "There", "image": "https://x.example/i.png"}
    assert made["android"]["notification"]["channelId"] == "promo"
    assert "alert" not in made["apns"]["payload"]["aps"]
    assert made["apns"]["payload"]["aps"]["category"] == "SALE"
    assert made["webpush"]["notification"]["title"] == "Other"
    assert "body" not in made["webpush"]["notification"]
    assert orjson.loads(made["data"]["actions"])[1] == {"id": "later", "title": "Later"}
    assert (made["data"]["m"], made["data"]["t"]) == ("dlv_1", "k1.sig")


def test_a_topic_gives_each_platform_its_own_words_where_android_has_none() -> None:
    others = (full(Platform.IOS), full(Platform.WEB))
    made = body(full(Platform.ANDROID, options={"mode": "data"}, others=others), FCM_TOPIC)
    assert "notification" not in made
    assert made["apns"]["payload"]["aps"]["alert"] == {"title": "Hi", "subtitle": "Sub", "body": "There"}
    assert (made["webpush"]["notification"]["title"], made["data"]["title"]) == ("Hi", "Hi")


def test_a_topic_shows_nothing_where_it_is_silent() -> None:
    others = (message(Platform.IOS, silent=True), message(Platform.WEB))
    made = body(message(Platform.ANDROID, others=others), FCM_TOPIC)
    assert "notification" not in made
    assert made["android"]["notification"] == {"tag": "identity-1", "title": "Hi", "body": "There"}
    assert made["apns"]["payload"] == {"aps": {"content-available": 1}}
    assert made["webpush"]["notification"]["title"] == "Hi"


def test_a_topic_without_other_wordings_reaches_every_platform() -> None:
    made = body(message(Platform.ANDROID), FCM_TOPIC)
    assert set(made) == {"topic", "data", "notification", "android", "apns", "webpush"}


def test_a_topic_holds_half_of_what_a_device_does() -> None:
    with pytest.raises(TooLarge) as caught:
        fcm.encode(message(Platform.ANDROID, body="x" * 2_048), FCM_TOPIC)
    assert caught.value.limit == 2_048
    room = 2_048 - (caught.value.size - 2_048)
    assert fcm.encode(message(Platform.ANDROID, body="x" * room), FCM_TOPIC)
    with pytest.raises(TooLarge):
        fcm.encode(message(Platform.ANDROID, body="x" * (room + 1)), FCM_TOPIC)


LOOKS: dict[Platform, dict[str, Any]] = {
    Platform.IOS: {
        "interruption_level": "critical", "relevance_score": 0.5, "action_category": "SALE", "critical_volume": 0.7,
        "mutable_content": True, "content_available": True, "target_content_id": "x", "filter_criteria": "y",
        "launch_image": "z", "title_loc_key": "K", "title_loc_args": ["a"], "subtitle_loc_key": "S",
        "subtitle_loc_args": ["b"], "body_loc_key": "B", "body_loc_args": ["c"],
    },
    Platform.ANDROID: {
        "channel_id": "promo", "icon": "i", "color": "#aabbcc", "visibility": "secret", "notification_priority": "max",
        "click_action": "OPEN", "ticker": "t", "sticky": True, "local_only": True, "vibrate_ms": [0, 250, 1],
        "light": {"color": "#112233", "on_ms": 5, "off_ms": 1_500}, "direct_boot_ok": True,
        "restricted_package_name": "com.example", "analytics_label": "spring-2026", "title_loc_key": "K",
        "title_loc_args": ["a"], "body_loc_key": "B", "body_loc_args": ["c"],
    },
    Platform.WEB: {
        "require_interaction": True, "renotify": True, "icon": "https://x.example/i.png", "dir": "rtl",
        "badge_icon": "https://x.example/b.png", "urgency": "very-low", "vibrate_ms": [100, 50], "muted": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("address", [FCM_TOKEN, FID, FCM_TOPIC], ids=lambda address: address.kind)
@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("mode", ["notification", "data"])
@pytest.mark.parametrize("silent", [False, True])
def test_every_body_is_what_the_schema_allows(address: Address, platform: Platform, mode: str, silent: bool) -> None:
    """The schema is Google's, as the simulator checks it: `fcm_schema` for shapes, `fcm_rules` for values."""
    for make in (message, full):
        for key in (None, "the sale of spring"):
            own = LOOKS[platform] | {"mode": mode}
            others = tuple(make(p, silent=silent, options=LOOKS[p]) for p in (Platform.IOS, Platform.WEB))
            made = make(platform, silent=silent, options=own, collapse_key=key, others=others)
            whole = orjson.loads(fcm.encode(made, address))
            assert fcm_schema.violations(whole) == []
            assert fcm_rules.violations(fcm_schema.normal(whole)["message"]) == []


def test_web_through_fcm() -> None:
    made = body(full(Platform.WEB, options={"require_interaction": True}))
    assert made["webpush"] == {
        "headers": {"TTL": "3600", "Urgency": "normal", "Topic": "identity-1"},
        "notification": {
            "title": "Hi", "body": "There", "image": "https://x.example/i.png", "tag": "identity-1", "lang": "pl-PL",
            "requireInteraction": True,
            "actions": [{"action": "buy", "title": "Buy"}, {"action": "later", "title": "Later"}],
        },
        "fcmOptions": {"link": "https://x.example/sale"},
    }  # fmt: skip
    assert "fcmOptions" not in body(message(Platform.WEB, link="app://x"))["webpush"]


@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("changes", [{}, {"silent": True}, {"options": {"mode": "data"}}])
def test_data_values_are_strings(platform: Platform, changes: dict[str, Any]) -> None:
    made = body(full(platform, **changes))
    assert all(isinstance(value, str) for value in made["data"].values())


@pytest.mark.parametrize(("ttl", "said"), [(0, "0s"), (90, "90s"), (9_999_999, "2419200s")])
def test_ttl(ttl: int, said: str) -> None:
    assert body(message(Platform.ANDROID, ttl_seconds=ttl))["android"]["ttl"] == said


def test_the_address_does_not_count_for_the_size() -> None:
    with pytest.raises(TooLarge) as caught:
        fcm.encode(message(Platform.ANDROID, body="x" * 4_096), FCM_TOKEN)
    room = 4_096 - (caught.value.size - 4_096)
    assert len(fcm.encode(message(Platform.ANDROID, body="x" * room), FCM_TOKEN)) > 4_096
    with pytest.raises(TooLarge):
        fcm.encode(message(Platform.ANDROID, body="x" * (room + 1)), FCM_TOKEN)
