"""FCM: the body in each mode and for each platform, the access token's life, the answers."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from peer import Peer, Reply, Request
from samples import EXPIRES, FCM_TOKEN, FID, fcm_credential, full, message, rsa_pem, service_account

from backend.domain.vocabulary import Platform, Priority
from backend.providers import fcm
from backend.providers.base import OutcomeKind, TooLarge
from backend.providers.fcm import Fcm
from backend.providers.oauth import AccessTokens, NoToken
from backend.providers.transport import Transport

Serve = Callable[..., Awaitable[Peer]]
Make = Callable[..., Transport]


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
    assert (made["data"]["image"], made["data"]["m"]) == ("https://x.example/i.png", "dlv_1")


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


class Google:
    """Google's token service and FCM in one peer."""

    def __init__(self, expires_in: int = 3_600) -> None:
        self.expires_in = expires_in
        self.fetches = 0
        self.good: set[str] = set()
        self.down: Reply | None = None
        self.claims: dict[str, Any] = {}

    def __call__(self, request: Request) -> Reply:
        if request.path == "/token":
            return self.token(request)
        if request.headers["authorization"].removeprefix("Bearer ") not in self.good:
            return 401, {}, b'{"error":{"code":401,"status":"UNAUTHENTICATED"}}'
        return 200, {}, b'{"name":"projects/demo/messages/1"}'

    def token(self, request: Request) -> Reply:
        self.fetches += 1
        if self.down is not None:
            return self.down
        form = parse_qs(request.body.decode())
        public = load_pem_private_key(rsa_pem().encode(), None).public_key()
        audience = "https://oauth2.googleapis.com/token"
        self.claims = jwt.decode(form["assertion"][0], public, algorithms=["RS256"], audience=audience)
        self.good = {f"token-{self.fetches}"}
        made = {"access_token": f"token-{self.fetches}", "expires_in": self.expires_in, "token_type": "Bearer"}
        return 200, {"content-type": "application/json"}, orjson.dumps(made)


def lane(peer: Peer, transport: Make, ca: str) -> Fcm:
    return Fcm(fcm_credential(peer.origin, token_uri=f"{peer.origin}/token"), transport(), [ca])


async def send(provider: Fcm) -> Any:
    sent = message(Platform.ANDROID)
    return await provider.send(provider.encode(sent, FCM_TOKEN), sent, FCM_TOKEN)


async def test_a_push_on_the_wire(serve: Serve, transport: Make, ca: str) -> None:
    google = Google()
    peer = await serve(google)
    provider = lane(peer, transport, ca)
    outcomes = await asyncio.gather(*(send(provider) for _ in range(50)))
    assert Counter(o.kind for o in outcomes) == {OutcomeKind.ACCEPTED: 50}
    assert outcomes[0].ref == "projects/demo/messages/1"
    assert google.fetches == 1
    assert google.claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert google.claims["iss"] == "push@demo.example"
    pushed = next(r for r in peer.requests if r.path != "/token")
    assert pushed.path == "/v1/projects/demo/messages:send"
    assert pushed.headers["content-type"] == "application/json"
    assert pushed.headers["authorization"] == "Bearer token-1"
    await provider.close()


async def test_a_refused_token_is_renewed_once_for_all(serve: Serve, transport: Make, ca: str) -> None:
    google = Google()
    peer = await serve(google)
    provider = lane(peer, transport, ca)
    await send(provider)
    google.good.clear()
    outcomes = await asyncio.gather(*(send(provider) for _ in range(20)))
    assert {o.kind for o in outcomes} == {OutcomeKind.ACCEPTED}
    assert google.fetches == 2


async def test_a_token_that_is_never_good_blocks(serve: Serve, transport: Make, ca: str) -> None:
    google = Google()
    peer = await serve(
        lambda r: google(r) if r.path == "/token" else (401, {}, b'{"error":{"status":"UNAUTHENTICATED"}}')
    )
    provider = lane(peer, transport, ca)
    outcome = await send(provider)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.BLOCKED, "UNAUTHENTICATED")
    assert "access token" in str(await provider.verify())


async def test_a_bad_key_blocks_with_googles_word(serve: Serve, transport: Make, ca: str) -> None:
    google = Google()
    google.down = 400, {}, b'{"error":"invalid_grant","error_description":"Invalid JWT Signature."}'
    provider = lane(await serve(google), transport, ca)
    outcome = await send(provider)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.BLOCKED, "invalid_grant")
    assert "Invalid JWT Signature" in outcome.raw
    assert "service account" in str(await provider.verify())
    assert google.fetches == 1


async def test_an_unreachable_token_service_is_a_retry(serve: Serve, transport: Make, ca: str) -> None:
    peer = await serve()
    await peer.stop()
    outcome = await send(lane(peer, transport, ca))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "token_unreachable")


async def test_verify_delivers_nothing(serve: Serve, transport: Make, ca: str) -> None:
    peer = await serve(Google())
    assert await lane(peer, transport, ca).verify() is None
    assert orjson.loads(peer.requests[-1].body)["validateOnly"] is True


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (403, {"status": "PERMISSION_DENIED"}, "service account may not send"),
        (404, {"status": "NOT_FOUND"}, "no such Firebase project"),
        (500, {"status": "INTERNAL"}, "INTERNAL"),
    ],
)
async def test_verify_says_what_is_wrong(
    serve: Serve, transport: Make, ca: str, status: int, error: dict[str, str], sentence: str
) -> None:
    google = Google()
    peer = await serve(lambda r: google(r) if r.path == "/token" else (status, {}, orjson.dumps({"error": error})))
    assert sentence in str(await lane(peer, transport, ca).verify())


def access(peer: Peer, ca: str, clock: Callable[[], float], between: float = 10.0) -> AccessTokens:
    return AccessTokens(service_account(token_uri=f"{peer.origin}/token"), [ca], clock, between)


async def test_a_token_is_renewed_five_minutes_early_while_it_goes_on(serve: Serve, ca: str) -> None:
    import time

    google, ahead = Google(), [0.0]
    tokens = access(await serve(google), ca, lambda: time.time() + ahead[0])
    assert await tokens.current() == "token-1"
    ahead[0] = 3_250
    assert await tokens.current() == "token-1"
    ahead[0] = 3_320
    assert {await tokens.current() for _ in range(20)} == {"token-1"}
    while google.fetches < 2 or tokens._fetching is not None:
        await asyncio.sleep(0.01)
    assert await tokens.current() == "token-2"
    assert google.fetches == 2


async def test_a_token_is_used_to_its_end_while_the_service_is_down(serve: Serve, ca: str) -> None:
    import time

    google, ahead = Google(), [0.0]
    tokens = access(await serve(google), ca, lambda: time.time() + ahead[0], between=60)
    assert await tokens.current() == "token-1"
    google.down = 400, {}, b'{"error":"invalid_grant"}'
    for late in (3_400, 3_430, 3_590):
        ahead[0] = late
        assert await tokens.current() == "token-1"
        while tokens._fetching is not None:
            await asyncio.sleep(0.01)
    ahead[0] = 3_660
    with pytest.raises(NoToken):
        await tokens.current()
    google.down = None
    ahead[0] = 3_760
    assert await tokens.current() == "token-5"


async def test_a_failure_is_told_to_all_and_not_asked_again_at_once(serve: Serve, ca: str) -> None:
    import time

    google = Google()
    google.down = 400, {}, b'{"error":"invalid_grant"}'
    tokens = access(await serve(google), ca, time.time)
    ends = await asyncio.gather(*(tokens.current() for _ in range(10)), return_exceptions=True)
    assert all(isinstance(end, NoToken) for end in ends)
    with pytest.raises(NoToken):
        await tokens.current()
    assert google.fetches == 1


async def test_closing_during_a_fetch_leaves_no_task(serve: Serve, ca: str) -> None:
    import time

    tokens = access(await serve(Google(), delay=0.3), ca, time.time)
    waiting = asyncio.create_task(tokens.current())
    await asyncio.sleep(0.05)
    await tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}
