"""Nothing that a platform's section takes is dropped on the way: each field changes what the provider is told,
and the provider's own rules, as the simulator keeps them, accept it."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from backend.domain.content import Wording
from backend.domain.message import Address, Message
from backend.domain.vocabulary import AddressKind, Platform, ProviderName
from backend.providers import apns, fcm, webpush
from backend.services.content import AndroidFields, Fields, IosFields, WebFields, parse_content
from backend.services.rendering import Envelope, render
from backend.simulator import apns_payload, declarative, fcm_rules, fcm_schema

EXAMPLES: dict[Platform, dict[str, Any]] = {
    Platform.IOS: {
        "interruption_level": "time-sensitive",
        "relevance_score": 0.5,
        "action_category": "SALE",
        "critical_volume": 0.8,
        "mutable_content": False,
        "content_available": True,
        "target_content_id": "screen-{{ user.id }}",
        "filter_criteria": "work",
        "launch_image": "launch.png",
        "title_loc_key": "T",
        "title_loc_args": ["{{ user.id }}"],
        "subtitle_loc_key": "S",
        "subtitle_loc_args": ["x"],
        "body_loc_key": "B",
        "body_loc_args": ["x"],
    },
    Platform.ANDROID: {
        "mode": "data",
        "channel_id": "promo",
        "icon": "ic_sale",
        "color": "#FF8800",
        "visibility": "private",
        "notification_priority": "high",
        "click_action": "OPEN",
        "ticker": "{{ user.id }}",
        "sticky": True,
        "local_only": True,
        "vibrate_ms": [0, 200, 100],
        "light": {"color": "#00FF00", "on_ms": 500, "off_ms": 1500},
        "direct_boot_ok": True,
        "restricted_package_name": "com.example.app",
        "analytics_label": "spring",
        "title_loc_key": "T",
        "title_loc_args": ["x"],
        "body_loc_key": "B",
        "body_loc_args": ["x"],
    },
    Platform.WEB: {
        "require_interaction": True,
        "renotify": True,
        "icon": "https://x.example/i.png",
        "badge_icon": "https://x.example/b.png",
        "dir": "rtl",
        "urgency": "very-low",
        "vibrate_ms": [100, 50],
        "muted": True,
    },
}
MODELS = {Platform.IOS: IosFields, Platform.ANDROID: AndroidFields, Platform.WEB: WebFields}
ADDRESS = {
    Platform.IOS: Address(ProviderName.APNS, AddressKind.TOKEN, "ab" * 32),
    Platform.ANDROID: Address(ProviderName.FCM, AddressKind.TOKEN, "token"),
    Platform.WEB: Address(ProviderName.WEBPUSH, AddressKind.SUBSCRIPTION, "https://push.example/1"),
}


def told(platform: Platform, section: dict[str, Any]) -> tuple[bytes, Message]:
    content = parse_content({"title": "Hello", "body": "There", "link": "https://x.example", str(platform): section})
    envelope = Envelope("dlv_1", "t", "identity", datetime(2026, 11, 21, tzinfo=UTC))
    variables = {"user": {"id": "u1"}}
    made = render(Wording(content), platform=platform, locales=("en",), variables=variables, envelope=envelope)
    encode = {Platform.IOS: apns.encode, Platform.ANDROID: fcm.encode, Platform.WEB: webpush.encode}[platform]
    body = encode(made, ADDRESS[platform])
    return body + (repr(webpush.headers(made)).encode() if platform is Platform.WEB else b""), made


def accepted(platform: Platform, message: Message) -> None:
    if platform is Platform.IOS:
        apns_payload.check(orjson.loads(apns.encode(message, ADDRESS[platform])), "alert")
    elif platform is Platform.WEB:
        declarative.read(webpush.encode(message, ADDRESS[platform]), "device")
    if platform is not Platform.IOS:
        body = orjson.loads(fcm.encode(message, ADDRESS[Platform.ANDROID]))
        assert not fcm_schema.violations(body)
        assert not fcm_rules.violations(fcm_schema.normal(body)["message"])


@pytest.mark.parametrize("platform", list(Platform))
def test_there_is_an_example_of_every_field(platform: Platform):
    own = MODELS[platform].model_fields.keys() - Fields.model_fields.keys()
    assert own == EXAMPLES[platform].keys()


@pytest.mark.parametrize(
    ("platform", "field"), [(platform, field) for platform in Platform for field in EXAMPLES[platform]]
)
def test_the_provider_is_told(platform: Platform, field: str):
    section = {field: EXAMPLES[platform][field]}
    with_it, message = told(platform, section)
    assert with_it != told(platform, {})[0]
    accepted(platform, message)


@pytest.mark.parametrize("platform", list(Platform))
def test_all_of_them_together_are_accepted(platform: Platform):
    section = {name: value for name, value in EXAMPLES[platform].items() if name != "mode"}
    accepted(platform, told(platform, section)[1])


def test_a_muted_notification_does_not_shake():
    made = orjson.loads(
        webpush.encode(told(Platform.WEB, {"muted": True, "vibrate_ms": [100]})[1], ADDRESS[Platform.WEB])
    )
    assert "vibrate" not in made["notification"]
