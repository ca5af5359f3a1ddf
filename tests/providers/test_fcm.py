"""FCM: pushes and topics on the wire, and the access token's life."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from peer import Faults, Peer, Reply, Request, certificate
from samples import FCM_TOKEN, FID, Here, fcm_credential, message, rsa_pem, service_account
from test_proxy import Tunnels

from backend.domain.message import Address
from backend.domain.vocabulary import Platform, ProviderName
from backend.providers import build, sentence
from backend.providers.base import Admission, OutcomeKind
from backend.providers.fcm import Fcm
from backend.providers.oauth import AccessTokens, NoToken
from backend.providers.transport import Transport

Serve = Callable[..., Awaitable[Peer]]
Make = Callable[..., Transport]


class Google:
    """Google's token service and FCM in one peer."""

    def __init__(self, expires_in: int = 3_600) -> None:
        self.expires_in = expires_in
        self.fetches = 0
        self.seen: list[str] = []
        self.good: set[str] = set()
        self.down: Reply | None = None
        self.claims: dict[str, Any] = {}

    def __call__(self, request: Request) -> Reply:
        if request.path == "/token":
            return self.token(request)
        self.seen.append(request.headers["authorization"])
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
    return Fcm(fcm_credential(peer.origin), transport(), access(peer, ca, time.time))


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
    assert pushed.headers["x-goog-api-format-version"] == "2"
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


async def test_a_hundred_senders_at_the_end_of_a_token_fetch_once(serve: Serve, transport: Make, ca: str) -> None:
    google, ahead = Google(), [0.0]
    peer = await serve(google)
    tokens = access(peer, ca, lambda: time.time() + ahead[0])
    provider = Fcm(fcm_credential(peer.origin), transport(), tokens)
    for late, fetched in ((0, 1), (3_600, 2), (3_600 + 3_310, 3)):
        ahead[0] = late
        outcomes = await asyncio.gather(*(send(provider) for _ in range(100)))
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ACCEPTED}
        await quiet(tokens)
        assert google.fetches == fetched
    await provider.close()


async def test_sending_goes_on_for_minutes_without_the_token_service(serve: Serve, transport: Make, ca: str) -> None:
    """Five minutes before its end nobody renews the token for three minutes: all pushes go out by the old one."""
    google, ahead = Google(), [0.0]
    peer = await serve(google)
    tokens = access(peer, ca, lambda: time.time() + ahead[0])
    provider = Fcm(fcm_credential(peer.origin), transport(), tokens)
    await send(provider)
    google.down = 500, {}, b"<html>oops</html>"
    for second in range(0, 181, 20):
        ahead[0] = 3_310 + second
        assert (await send(provider)).kind is OutcomeKind.ACCEPTED
        await quiet(tokens)
    assert set(google.seen) == {"Bearer token-1"}
    assert google.fetches == 1 + 10
    google.down, ahead[0] = None, 3_310 + 200
    await send(provider)
    await quiet(tokens)
    await send(provider)
    assert google.seen[-1] == f"Bearer token-{google.fetches}"
    await provider.close()


async def test_without_any_token_the_lane_rests_and_comes_back(serve: Serve, transport: Make, ca: str) -> None:
    peer = await serve(google := Google())
    google.down = 400, {}, b'{"error":"invalid_grant"}'
    ahead = [0.0]
    provider = Fcm(fcm_credential(peer.origin), transport(), access(peer, ca, lambda: time.time() + ahead[0]))
    assert provider.admit(FCM_TOKEN, 50) == Admission(50)
    assert (await send(provider)).kind is OutcomeKind.BLOCKED
    rest = provider.admit(None, 50)
    assert rest.count == 0
    assert 9 < rest.wait <= 10
    google.down, ahead[0] = None, 10.0
    assert provider.admit(None, 50) == Admission(50)
    assert (await send(provider)).kind is OutcomeKind.ACCEPTED
    await provider.close()


async def test_a_wrong_clock_is_named_with_its_error(serve: Serve, transport: Make, ca: str) -> None:
    google = Google()
    when = format_datetime(datetime.fromtimestamp(time.time() + 600, UTC), usegmt=True)
    google.down = 400, {"date": when}, b'{"error":"invalid_grant","error_description":"Invalid JWT: Token must be"}'
    provider = lane(await serve(google), transport, ca)
    outcome = await send(provider)
    assert outcome.kind is OutcomeKind.BLOCKED
    assert -601 <= outcome.clock_ahead <= -570
    told = sentence(ProviderName.FCM, outcome.reason, outcome.status, outcome.clock_ahead)
    assert told == await provider.verify()
    assert "clock of this machine is 10 minutes slow" in told


async def test_a_token_that_lives_shortly_is_renewed_at_its_half(serve: Serve, ca: str) -> None:
    google, ahead = Google(expires_in=60), [0.0]
    tokens = access(await serve(google), ca, lambda: time.time() + ahead[0])
    for late, fetched in ((0, 1), (20, 1), (29, 1), (31, 2), (31, 2)):
        ahead[0] = late
        await tokens.current()
        await quiet(tokens)
        assert google.fetches == fetched


async def test_a_token_that_names_no_end_lives_an_hour(serve: Serve, ca: str) -> None:
    peer, ahead = await serve(lambda _: (200, {}, b'{"access_token":"t"}')), [0.0]
    tokens = access(peer, ca, lambda: time.time() + ahead[0])
    for late in (0, 3_200, 3_550):
        ahead[0] = late
        assert await tokens.current() == "t"
        await quiet(tokens)
    assert len(peer.requests) == 2


@pytest.mark.parametrize("address", [FCM_TOKEN, FID], ids=lambda address: address.kind)
async def test_topics_on_the_wire(serve: Serve, transport: Make, ca: str, address: Address) -> None:
    google = Google()
    peer = await serve(google)
    provider = lane(peer, transport, ca)
    for wanted in (True, False):
        assert (await provider.subscribe(address, "news_~%.a", wanted)).kind is OutcomeKind.ACCEPTED
    made = [(r.headers[":method"], r.path, r.body) for r in peer.requests if r.path != "/token"]
    device = f"/v1/projects/demo/registrations/{quote(address.value, safe='')}/topicSubscriptions"
    assert made == [
        ("POST", f"{device}?topic_name=news_~%25.a", b"{}"),
        ("DELETE", f"{device}/news_~%25.a?allow_missing=true", b""),
    ]
    await provider.close()


@pytest.mark.parametrize("wrong", ["", "/topics/news", "a b", "ż", "x" * 901])
async def test_a_name_that_is_no_topic_is_not_asked_for(serve: Serve, transport: Make, ca: str, wrong: str) -> None:
    peer = await serve(Google())
    outcome = await lane(peer, transport, ca).subscribe(FCM_TOKEN, wrong, True)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "bad_topic")
    assert peer.requests == []


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_subscription_renews_a_refused_token_too(serve: Serve, transport: Make, ca: str, wanted: bool) -> None:
    google = Google()
    provider = lane(await serve(google), transport, ca)
    await provider.subscribe(FCM_TOKEN, "news", wanted)
    google.good.clear()
    assert (await provider.subscribe(FCM_TOKEN, "news", wanted)).kind is OutcomeKind.ACCEPTED
    assert google.fetches == 2


async def test_messages_and_access_tokens_go_by_the_proxy(tmp_path: Path) -> None:
    root, context = certificate(tmp_path, "push.example")
    google = Peer(Faults(), reply=Google())
    await google.start(context)
    way = await Tunnels(int(google.origin.rsplit(":", 1)[1])).start()
    credential = fcm_credential("https://push.example", token_uri="https://push.example/token")
    provider = build(ProviderName.FCM, replace(credential, ca=root), Here(proxy_url=way.url))
    assert (await send(provider)).kind is OutcomeKind.ACCEPTED
    assert [head.split()[:2] for head in way.heads] == [["CONNECT", "push.example:443"]] * 2
    await provider.close()
    await way.stop()
    await google.stop()


async def quiet(tokens: AccessTokens) -> None:
    while tokens._fetching is not None:
        await asyncio.sleep(0.005)


def access(peer: Peer, ca: str, clock: Callable[[], float], between: float = 10.0) -> AccessTokens:
    return AccessTokens(service_account(token_uri=f"{peer.origin}/token"), [ca], clock, between)


async def test_a_token_is_renewed_five_minutes_early_while_it_goes_on(serve: Serve, ca: str) -> None:
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
    google = Google()
    google.down = 400, {}, b'{"error":"invalid_grant"}'
    tokens = access(await serve(google), ca, time.time)
    ends = await asyncio.gather(*(tokens.current() for _ in range(10)), return_exceptions=True)
    assert all(isinstance(end, NoToken) for end in ends)
    with pytest.raises(NoToken):
        await tokens.current()
    assert google.fetches == 1


async def test_closing_during_a_fetch_leaves_no_task(serve: Serve, ca: str) -> None:
    tokens = access(await serve(Google(), delay=0.3), ca, time.time)
    waiting = asyncio.create_task(tokens.current())
    await asyncio.sleep(0.05)
    await tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}
