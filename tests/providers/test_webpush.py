"""Web Push: the plaintext, the headers, the wire as a push service and a browser see it, the walls."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import http_ece
import orjson
import pytest
from peer import Peer
from py_vapid import Vapid02
from samples import Browser, Here, full, message, webpush_credential

from backend.domain.vocabulary import Platform, Priority, ProviderName
from backend.providers import build, webpush
from backend.providers.base import Admission, Credential, OutcomeKind, Pause, TooLarge
from backend.providers.push_hosts import PushHosts
from backend.providers.transport import Transport
from backend.providers.webpush import WebPush
from backend.providers.webpush_crypto import PLAINTEXT_LIMIT

Serve = Callable[..., Awaitable[Peer]]
Make = Callable[..., Transport]
SOMEONE = Browser().address("https://fcm.googleapis.com/fcm/send/x")


def plain(made: Any) -> dict[str, Any]:
    return orjson.loads(webpush.encode(made, SOMEONE))


def test_the_smallest_plaintext() -> None:
    assert plain(message(Platform.WEB)) == {
        "web_push": 8030,
        "notification": {"title": "Hi", "body": "There", "tag": "identity-1"},
        "m": "dlv_1",
        "t": "k1.sig",
    }


def test_the_fullest_plaintext() -> None:
    options = {"require_interaction": True, "dir": "ltr", "icon": "/icon.png", "muted": True}
    assert plain(full(Platform.WEB, options=options, collapse_key="sale")) == {
        "web_push": 8030,
        "notification": {
            "title": "Hi",
            "body": "There",
            "navigate": "https://x.example/sale",
            "lang": "pl-PL",
            "dir": "ltr",
            "tag": "sale",
            "icon": "/icon.png",
            "image": "https://x.example/i.png",
            "silent": True,
            "requireInteraction": True,
            "actions": [
                {"action": "buy", "title": "Buy", "navigate": "https://x.example/buy"},
                {"action": "later", "title": "Later", "navigate": "https://x.example/sale"},
            ],
            "data": {"k": "v"},
        },
        "app_badge": 3,
        "m": "dlv_1",
        "t": "k1.sig",
    }


def test_a_body_alone_becomes_the_title() -> None:
    made = plain(message(Platform.WEB, title=""))["notification"]
    assert (made["title"], "body" in made) == ("There", False)


def test_silent_shows_nothing() -> None:
    made = plain(message(Platform.WEB, silent=True, data={"k": "v"}))
    assert made == {"silent": True, "data": {"k": "v"}, "m": "dlv_1", "t": "k1.sig"}


def test_too_large() -> None:
    room = PLAINTEXT_LIMIT - len(webpush.encode(message(Platform.WEB, body="?"), SOMEONE)) + 1
    assert len(webpush.encode(message(Platform.WEB, body="x" * room), SOMEONE)) == PLAINTEXT_LIMIT == 3_993
    with pytest.raises(TooLarge):
        webpush.encode(message(Platform.WEB, body="x" * (room + 1)), SOMEONE)


def test_headers() -> None:
    assert dict(webpush.headers(message(Platform.WEB, ttl_seconds=9_999_999, priority=Priority.HIGH))) == {
        "ttl": "2419200",
        "urgency": "high",
        "topic": "identity-1",
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
    }


@pytest.mark.parametrize(("key", "fits"), [("sale_2026-11", True), ("x" * 32, True), ("x" * 33, False), ("a.b", False)])
def test_topic(key: str, fits: bool) -> None:
    made = dict(webpush.headers(message(Platform.WEB, collapse_key=key)))["topic"]
    assert (made == key) is fits
    assert len(made) <= 32


def lane(transport: Transport, *named: str, clock: Callable[[], float] | None = None) -> tuple[WebPush, Credential]:
    credential = webpush_credential()
    made = WebPush(credential, transport, PushHosts(named), *([clock] if clock else []))
    return made, credential


async def test_a_push_as_service_and_browser_see_it(serve: Serve, transport: Make) -> None:
    peer = await serve(lambda _: (201, {"location": "https://push/m/1"}, b""))
    browser = Browser()
    provider, credential = lane(transport(), peer.origin[8:])
    sent, address = full(Platform.WEB), browser.address(f"{peer.origin}/wpush/v2/ab?x=1&y=%2F")
    outcome = await provider.send(provider.encode(sent, address), sent, address)
    assert (outcome.kind, outcome.ref) == (OutcomeKind.ACCEPTED, "https://push/m/1")
    (request,) = peer.requests
    assert request.path == "/wpush/v2/ab?x=1&y=%2F"
    opened = http_ece.decrypt(request.body, private_key=browser.key, auth_secret=browser.auth)
    assert opened == webpush.encode(sent, address)
    scheme, token, key = request.headers["authorization"].replace(",", "").split()
    assert (scheme, key) == ("vapid", f"k={credential.public['public_key']}")
    claim, _, signature = token.removeprefix("t=").rpartition(".")
    oracle = Vapid02.from_raw_public(credential.public["public_key"].encode())
    assert oracle.verify_token(claim.encode(), signature)


async def test_one_signature_an_origin_for_hours(serve: Serve, transport: Make) -> None:
    import jwt

    peer, now = await serve(), [1_795_000_000.0]
    provider, _ = lane(transport(), peer.origin[8:], clock=lambda: now[0])
    address = Browser().address(f"{peer.origin}/x")
    for passed in (0, 3_600, 5 * 3_600, 7 * 3_600):
        now[0] = 1_795_000_000 + passed
        await provider.send(b"{}", message(Platform.WEB), address)
    signed = [r.headers["authorization"] for r in peer.requests]
    assert signed[0] == signed[1] == signed[2] != signed[3]
    claims = jwt.decode(signed[3].split()[1].rstrip(",")[2:], options={"verify_signature": False})
    assert (claims["aud"], claims["sub"]) == (peer.origin, "mailto:push@example.com")
    assert 0 < claims["exp"] - now[0] <= 86_400


async def test_a_host_that_nobody_listed_is_not_connected_to(serve: Serve, transport: Make) -> None:
    peer = await serve()
    provider, _ = lane(transport())
    outcome = await provider.send(b"{}", message(Platform.WEB), Browser().address(f"{peer.origin}/x"))
    assert (outcome.kind, outcome.reason, outcome.prune) == (OutcomeKind.FAILED, "host_not_allowed", False)
    assert peer.connected == []


async def test_a_listed_name_that_turns_private_is_not_connected_to(serve: Serve, transport: Make) -> None:
    peer = await serve()
    hosts = PushHosts((peer.origin[8:],))
    strict = PushHosts()
    provider = WebPush(webpush_credential(), transport(guard=strict.guard), hosts)
    outcome = await provider.send(b"{}", message(Platform.WEB), Browser().address(f"{peer.origin}/x"))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "host_not_allowed")
    assert peer.connected == []


async def test_redirects_are_not_followed(serve: Serve, transport: Make) -> None:
    target = await serve()
    peer = await serve(lambda _: (307, {"location": f"{target.origin}/x"}, b""))
    provider, _ = lane(transport(), peer.origin[8:], target.origin[8:])
    outcome = await provider.send(b"{}", message(Platform.WEB), Browser().address(f"{peer.origin}/x"))
    assert (outcome.kind, outcome.status) == (OutcomeKind.FAILED, 307)
    assert target.connected == []


async def test_keys_that_are_none_fail_without_pruning(transport: Make) -> None:
    provider, _ = lane(transport())
    for wrong in ({"p256dh": "AAAA"}, {"p256dh": "\u017c"}, {"auth": "\u017c"}):
        outcome = await provider.send(b"{}", message(Platform.WEB), replace(SOMEONE, **wrong))
        assert (outcome.kind, outcome.reason, outcome.prune) == (OutcomeKind.FAILED, "bad_subscription", False)


async def test_verify(transport: Make) -> None:
    good = webpush_credential()
    assert await WebPush(good, transport(), PushHosts()).verify() is None
    other = webpush_credential()
    mixed = Credential(1, public=good.public, secret=other.secret)
    assert "does not belong" in str(await WebPush(mixed, transport(), PushHosts()).verify())


@pytest.mark.parametrize(("own", "urgency"), [({}, "low"), ({"urgency": "high"}, "high")])
def test_what_nobody_sees_is_not_urgent(own: dict[str, Any], urgency: str) -> None:
    silent = message(Platform.WEB, silent=True, priority=Priority.HIGH, options=own)
    assert dict(webpush.headers(silent))["urgency"] == urgency


async def test_each_push_service_has_its_own_measure(serve: Serve, ca: str) -> None:
    slow, quick = await serve(delay=1.3), await serve()
    credential, browser = webpush_credential(), Browser()
    here = Here(push_hosts=(slow.origin[8:], quick.origin[8:]))
    provider = build(ProviderName.WEBPUSH, replace(credential, ca=ca), here)
    to_slow, to_quick = (browser.address(f"{peer.origin}/x") for peer in (slow, quick))
    for to in (to_slow, to_quick):
        assert (await provider.send(b"{}", message(Platform.WEB), to)).kind is OutcomeKind.ACCEPTED
    assert provider.admit(to_quick, 500) == Admission(500)
    assert provider.admit(None, 500) == Admission(500)
    assert provider.admit(to_slow, 500).count == 20
    assert provider.admit(replace(to_slow, value="not a url"), 500) == Admission(500)
    assert {(host.host, host.state) for host in provider.hosts()} == {
        (slow.origin[8:], "closed"), (quick.origin[8:], "closed"),
    }  # fmt: skip
    await provider.close()


async def test_a_refusal_of_our_key_names_no_lane(serve: Serve, transport: Make) -> None:
    """Whoever registers a subscription made with another key must not stop everybody's pushes."""
    for status in (401, 403):
        peer = await serve(lambda _, status=status: (status, {}, b'{"reason":"BadJwtToken"}'))
        provider, _ = lane(transport(), peer.origin[8:])
        outcome = await provider.send(b"{}", message(Platform.WEB), Browser().address(f"{peer.origin}/x"))
        assert (outcome.kind, outcome.pause, outcome.prune) == (OutcomeKind.FAILED, Pause.NOTHING, False)
        assert "BadJwtToken" in outcome.raw
