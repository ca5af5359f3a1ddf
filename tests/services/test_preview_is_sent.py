"""What the inspector shows is what the test sends, and what arrives: byte for byte, over a thousand devices."""

import hashlib
import random
import time
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR, Work
from backend.services import campaigns, credentials, ids, inspector, messages, subscribers
from backend.services.apps import AppRow
from backend.services.inspector import Preview, Whom
from tests.factories import Simulator, definition
from tests.services.test_pipeline import sending

DEVICES, CAMPAIGNS = 1_000, 40
EACH = DEVICES // CAMPAIGNS
KINDS = (
    ("ios", "apns", "token"), ("android", "fcm", "token"), ("web", "webpush", ""), ("ios", "fcm", "token"),
    ("web", "fcm", "token"), ("android", "fcm", "fid"),
)  # fmt: skip
HOSTILE = (
    "Zoë", "👩‍👩‍👧‍👦 Łucja", "\u202eflipped\u202c", "a\ufeffb\u2066c", '"quoted" \\ back\\u0041', "{{ 7 }}{% raw %}",
    "שלום עולם", "مرحبا", "line\nbreak\ttab", "𝒳\U0010ffff", "</script><b>", "\u2028\u2029\x85", "x" * 200,
)  # fmt: skip
LOCALES = ("pl-PL", "ar", "he-IL", "en-GB", "pt-BR", "pt", "zz-notatag", None)
TEXTS = (
    "Hi {{ user.name | default('there') }}", "{{ app.name }}: {{ user.plan | default('–') | upper }} 🎉", "Plain",
    "{% if user.vip | default(false) %}For you, {{ user.id }}{% else %}For all{% endif %}", "{{ device.locale | default('?') }} \"x\" \\",
    "Ż {{ user.name | default('') | truncate(12) }}!",
)  # fmt: skip
LINKS = ("https://x.example/a?u={{ user.id }}", "shop://sale/1", None)


def layer(dice: random.Random, *, words: bool = False) -> dict[str, Any]:
    """Some fields of a layer; with `words` always a title."""
    made: dict[str, Any] = {"title": dice.choice(TEXTS)} if words or dice.random() < 0.5 else {}
    fields = {
        "subtitle": dice.choice(TEXTS), "body": dice.choice(TEXTS), "link": dice.choice(LINKS),
        "image": "https://x.example/{{ user.id }}.png", "badge": dice.randrange(100), "sound": "default",
        "data": {"k": dice.choice(TEXTS), "ż": "1"}, "ttl_seconds": dice.choice((0, 3_600, 86_400)),
        "collapse_key": dice.choice(("sale", "{{ user.id }}")), "thread": "news",
        "actions": [{"id": "buy", "title": dice.choice(TEXTS) + ".", "link": "https://x.example/b"}, {"id": "no", "title": "No"}],
    }  # fmt: skip
    return made | {name: value for name, value in fields.items() if dice.random() < 0.35}


def wording(dice: random.Random) -> dict[str, Any]:
    tags = dice.sample(["pl", "ar", "he", "pt-BR", "pt"], dice.randrange(4))
    return {
        **layer(dice, words=True),
        "silent": dice.random() < 0.1,
        "locales": {tag: layer(dice) for tag in tags},
        "ios": {**layer(dice), "interruption_level": dice.choice(("active", "time-sensitive")), "relevance_score": 0.5},
        "android": {**layer(dice), "mode": dice.choice(("notification", "data")), "channel_id": "promo"},
        "web": {
            **layer(dice),
            "require_interaction": dice.random() < 0.5,
            "locales": {"ar": {**layer(dice), "dir": "rtl"}},
        },
    }


@pytest.fixture
def shop(core: Core, app: AppRow, provider: Simulator) -> AppRow:
    """An app with a lane to each provider, and a thousand people with a device each."""
    authority, dice = provider.authority, random.Random(6)
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "apns", authority.apns_credential_body("com.example.shop"), trusted=True)
        credentials.add_credential(work, "fcm", authority.fcm_credential_body(), trusted=True)
        credentials.add_credential(
            work, "webpush", authority.webpush_credential_body("mailto:a@b.example"), trusted=True
        )
        people = [person(dice, number) for number in range(DEVICES)]
        assert all(one.id for one in subscribers.users_batch(work, people))
        devices = [device(provider, dice, number) for number in range(DEVICES)]
        assert all(one.id for one in subscribers.devices_batch(work, devices))
    return app


def person(dice: random.Random, number: int) -> dict[str, Any]:
    known = {"name": dice.choice(HOSTILE), "plan": dice.choice(HOSTILE), "vip": dice.random() < 0.5}
    attributes = {name: value for name, value in known.items() if dice.random() < 0.8}
    return {"user_id": f"u{number} ü", "attributes": attributes, "language": dice.choice(("pl", "ar", None))}


def device(provider: Simulator, dice: random.Random, number: int) -> dict[str, Any]:
    platform, through, kind = KINDS[number % len(KINDS)]
    own = provider.authority.device_address(through, number, kind=kind or "token")
    facts = {"locale": dice.choice(LOCALES), "permission": "granted", "user_id": f"u{number} ü"}
    return {"platform": platform, "provider": through, **own, **facts}


def address(provider: Simulator, number: int) -> str:
    """The token or installation id that FCM's body names; of no matter for the others."""
    _, through, kind = KINDS[number % len(KINDS)]
    return str(provider.authority.device_address(through, number, kind=kind or "token").get(kind, ""))


def tried(work: Work, dice: random.Random) -> dict[str, str]:
    """Campaigns with two wordings, each tried on some of the devices: delivery → campaign."""
    devices = work.session.execute(text("SELECT id FROM device ORDER BY id")).scalars().all()
    found: dict[str, str] = {}
    for number in range(CAMPAIGNS):
        variants = [{"name": name, "weight": 50, "content": wording(dice)} for name in "AB"]
        made = campaigns.create(work, definition(name=f"n{number}", category="transactional", variants=variants)).row.id
        mine = [ids.public(work, ids.DEVICE, one) for one in devices[number * EACH : (number + 1) * EACH]]
        found |= dict.fromkeys(messages.send_test(work, made, device_ids=mine).deliveries, made)
    return found


def all_sent(core: Core) -> dict[str, Any]:
    """Every delivery's row by number, once none is open."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with core.engine.connect() as connection:
            rows = connection.execute(
                text("SELECT id, state, reason, variant, device_id, body_hash FROM delivery")
            ).all()
        if not any(row.state in ("planned", "sending") for row in rows):
            return {row.id: row for row in rows}
        time.sleep(0.1)
    raise AssertionError("not all was sent")


def as_sent(shown: Preview, m: str, t: str, own: str) -> bytes:
    """The body with what the delivery and its device have of their own, and nothing else, in its place."""
    body = shown.body.replace(shown.own["m"], m).replace(shown.own["t"], t)
    if shown.provider == "fcm":
        hidden = "*" * (len(orjson.dumps(own)) - 2)
        assert body.count(f'"{hidden}"') == 1
        body = body.replace(f'"{hidden}"', orjson.dumps(own).decode())
    return body.encode()


def test_the_bytes_shown_are_the_bytes_sent_and_the_bytes_that_arrive(core: Core, shop: AppRow, provider: Simulator):
    with core.work(OPERATOR, shop.number) as work:
        sent, due = tried(work, random.Random(42)), work.now
    assert len(sent) == DEVICES
    with sending(core):
        rows = all_sent(core)
    addresses = {f"u{number} ü": address(provider, number) for number in range(DEVICES)}
    arrived = {m: (name, body.encode()) for name, m, body in provider.bodies()}
    told: dict[str, set[Any]] = {"state": set(), "through": set(), "locale": set(), "variant": set()}
    with replace(core, clock=lambda: due).reading(OPERATOR, shop.number) as work:  # FCM is told when iOS forgets it
        for m, campaign in sent.items():
            number = ids.number(work, ids.DELIVERY, m)
            row = rows[number]
            whom = Whom(device_id=ids.public(work, ids.DEVICE, row.device_id))
            shown = inspector.of_campaign(work, campaign, whom, variant="AB"[row.variant])
            assert (row.state, shown.problems) == ("accepted", ()), (row.reason, shown)
            t = work.core.keyring.sign_receipt(shop.number, number)
            body = as_sent(shown, m, t, addresses[shown.user_id])
            assert body == arrived[m][1]
            assert hashlib.sha256(body).hexdigest()[:32] == row.body_hash
            assert arrived[m] == (shown.provider, body)
            assert len(body) == shown.bytes
            told["through"].add((shown.platform, shown.provider))
            told["locale"].add(shown.locale)
            told["variant"].add(row.variant)
    assert told["through"] == {(platform, through) for platform, through, _ in KINDS}
    assert told["locale"] >= {"pl", "ar", "he", "pt-BR", "en"}
    assert told["variant"] == {0, 1}
