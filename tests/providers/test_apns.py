"""APNs: what is written into the payload and the headers, and how the provider token lives."""

import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

import jwt
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peer import Peer, Reply, Request
from samples import APNS_TOKEN, EXPIRES, Here, apns_credential, full, message, p8

from backend.domain.vocabulary import Platform, Priority, ProviderName
from backend.providers import apns, build
from backend.providers.apns import Apns
from backend.providers.apns_token import LEAST_LIFE, LIFE, LONGEST_LIFE, ProviderTokens
from backend.providers.base import Admission, OutcomeKind, Pause, TooLarge
from backend.providers.transport import Transport

Serve = Callable[..., Awaitable[Peer]]
Make = Callable[..., Transport]
NOW = 1_795_000_500.0


def body(**changes: object) -> dict:
    return orjson.loads(apns.encode(message(**changes), APNS_TOKEN))


def test_the_smallest_payload() -> None:
    aps = {"alert": {"title": "Hi", "body": "There"}, "mutable-content": 1}
    assert body() == {"aps": aps, "m": "dlv_1", "t": "k1.sig"}


def test_the_service_extension_is_woken_unless_the_campaign_says_no() -> None:
    assert "mutable-content" not in body(options={"mutable_content": False})["aps"]


def test_the_fullest_payload() -> None:
    options = {"action_category": "SALE", "interruption_level": "time-sensitive", "relevance_score": 0.5}
    assert orjson.loads(apns.encode(full(Platform.IOS, options=options), APNS_TOKEN)) == {
        "aps": {
            "alert": {"title": "Hi", "subtitle": "Sub", "body": "There"},
            "badge": 3,
            "sound": "ping",
            "thread-id": "orders",
            "category": "SALE",
            "interruption-level": "time-sensitive",
            "relevance-score": 0.5,
            "mutable-content": 1,
        },
        "image": "https://x.example/i.png",
        "link": "https://x.example/sale",
        "actions": [
            {"id": "buy", "title": "Buy", "link": "https://x.example/buy"},
            {"id": "later", "title": "Later"},
        ],
        "k": "v",
        "m": "dlv_1",
        "t": "k1.sig",
    }


def test_a_badge_of_zero_clears() -> None:
    assert body(badge=0)["aps"]["badge"] == 0


def test_a_relevance_of_zero_is_sent() -> None:
    assert body(options={"relevance_score": 0.0})["aps"]["relevance-score"] == 0.0


def test_data_cannot_take_the_place_of_our_keys() -> None:
    made = body(data={"aps": "x", "m": "x", "t": "x", "link": "x"}, link="app://real")
    assert (made["aps"]["alert"]["title"], made["m"], made["t"], made["link"]) == (
        "Hi",
        "dlv_1",
        "k1.sig",
        "app://real",
    )


def test_silent_is_background_only() -> None:
    made = body(silent=True, data={"k": "v"}, badge=1, sound="x")
    assert made == {"aps": {"content-available": 1}, "k": "v", "m": "dlv_1", "t": "k1.sig"}
    sent = dict(apns.headers(message(silent=True, priority=Priority.HIGH)))
    assert (sent["apns-push-type"], sent["apns-priority"]) == ("background", "5")


def test_too_large() -> None:
    room = 4_096 - len(apns.encode(message(body=""), APNS_TOKEN)) - len(',"body":""')
    assert len(apns.encode(message(body="x" * room), APNS_TOKEN)) == 4_096
    with pytest.raises(TooLarge) as caught:
        apns.encode(message(body="x" * (room + 1)), APNS_TOKEN)
    assert (caught.value.size, caught.value.limit) == (4_097, 4_096)


def test_headers() -> None:
    assert dict(apns.headers(message())) == {
        "apns-push-type": "alert",
        "apns-priority": "5",
        "apns-expiration": str(int(EXPIRES.timestamp())),
        "apns-collapse-id": "identity-1",
    }
    assert dict(apns.headers(message(priority=Priority.HIGH)))["apns-priority"] == "10"
    assert dict(apns.headers(message(ttl_seconds=0)))["apns-expiration"] == "0"


@pytest.mark.parametrize("key", ["sale", "x" * 64])
def test_a_collapse_key_that_fits_is_taken(key: str) -> None:
    assert dict(apns.headers(message(collapse_key=key)))["apns-collapse-id"] == key


@pytest.mark.parametrize("key", ["x" * 65, "zażółć", "two words", "line\nbreak"])
def test_a_collapse_key_that_does_not_fit_is_hashed(key: str) -> None:
    made = dict(apns.headers(message(collapse_key=key)))["apns-collapse-id"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", made)
    assert made == dict(apns.headers(message(collapse_key=key)))["apns-collapse-id"]


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def tokens(clock: Clock) -> ProviderTokens:
    return ProviderTokens("TEAM123456", "KEY1234567", p8(), clock)


def issued(token: str) -> int:
    return jwt.decode(token, options={"verify_signature": False})["iat"]


def test_a_token_says_who_signed_it() -> None:
    token = tokens(Clock()).current()
    key = apns_credential().secret["private_key"]
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    public = load_pem_private_key(key.encode(), None).public_key()
    claims = jwt.decode(token, public, algorithms=["ES256"], options={"verify_iat": False})
    assert claims == {"iss": "TEAM123456", "iat": int(NOW - NOW % LIFE)}
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "KEY1234567", "typ": "JWT"}


def test_all_processes_make_the_same_token_for_45_minutes() -> None:
    start = NOW - NOW % LIFE
    ours = {tokens(Clock(start + late)).current() for late in (0, 100, 1_500, LIFE - 1)}
    assert len(ours) == 1
    assert tokens(Clock(start + LIFE)).current() not in ours


def test_tokens_are_never_old_nor_changed_in_haste() -> None:
    clock = Clock()
    source = tokens(clock)
    seen = [source.current()]
    for minute in range(600):
        clock.now = NOW + minute * 60
        if minute == 115:
            assert source.renew(seen[-1])
        token = source.current()
        assert 0 <= clock.now - issued(token) <= 3_600
        if token != seen[-1]:
            seen.append(token)
    times = [issued(token) for token in seen]
    assert all(b - a >= 1_200 for a, b in pairwise(times))


STEPS = st.lists(
    st.tuples(st.integers(0, 4_000), st.sampled_from(["wait", "expired", "too many"])), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), STEPS)
def test_whatever_apple_says_tokens_live_and_change_by_its_rules(start: int, steps: list[tuple[int, str]]) -> None:
    clock = Clock(NOW + start)
    source, seen = tokens(clock), set()
    for seconds, answer in steps:
        clock.now += seconds
        token = source.current()
        assert 0 <= clock.now - issued(token) <= 3_600
        again = {"wait": lambda _: False, "expired": source.renew, "too many": source.go_back}[answer](token)
        assert (source.current() != token) is again
        seen |= {issued(token), issued(source.current())}
    assert all(b - a >= LEAST_LIFE for a, b in pairwise(sorted(seen)))


def test_after_too_many_tokens_the_old_one_serves_and_none_is_signed() -> None:
    start = NOW - NOW % LIFE
    clock = Clock(start)
    source = tokens(clock)
    old = source.current()
    clock.now = start + LIFE
    new = source.current()
    assert source.go_back(new)
    clock.now += 800
    assert source.current() == old
    clock.now = start + LONGEST_LIFE
    assert source.current() == new
    assert not source.go_back(new)
    clock.now += LEAST_LIFE
    assert source.current() == new


def test_a_late_refusal_of_a_token_that_is_gone_changes_nothing() -> None:
    clock = Clock(NOW - NOW % LIFE)
    source = tokens(clock)
    old = source.current()
    clock.now += LIFE
    new = source.current()
    assert source.go_back(old)
    assert source.renew(old)
    assert source.current() == new


def test_a_clock_put_back_gets_a_token_of_its_time() -> None:
    clock = Clock()
    source = tokens(clock)
    source.current()
    clock.now -= 86_400
    assert 0 <= clock.now - issued(source.current()) < LIFE


async def provider(peer: Peer, transport: Make, clock: Clock) -> Apns:
    return Apns(apns_credential(peer.origin), transport(), clock)


async def test_a_push_on_the_wire(serve: Serve, transport: Make) -> None:
    peer = await serve()
    lane = await provider(peer, transport, Clock())
    sent = message(priority=Priority.HIGH)
    outcome = await lane.send(lane.encode(sent, APNS_TOKEN), sent, APNS_TOKEN)
    (request,) = peer.requests
    assert (outcome.kind, outcome.ref) == (OutcomeKind.ACCEPTED, request.headers["apns-id"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", outcome.ref)
    assert request.path == "/3/device/" + "ab" * 32
    assert request.body == apns.encode(sent, APNS_TOKEN)
    assert request.headers["apns-topic"] == "com.example.app"
    assert request.headers["authorization"] == f"bearer {tokens(Clock()).current()}"
    again = await lane.send(lane.encode(sent, APNS_TOKEN), sent, APNS_TOKEN)
    assert again.ref == outcome.ref


async def test_a_strange_token_cannot_leave_its_place_in_the_path(serve: Serve, transport: Make) -> None:
    peer = await serve()
    lane = await provider(peer, transport, Clock())
    await lane.send(b"{}", message(), replace(APNS_TOKEN, value="../x?y z\r\nä"))
    assert peer.requests[0].path == "/3/device/..%2Fx%3Fy%20z%0D%0A%C3%A4"


async def test_an_expired_token_is_renewed_once_and_the_push_repeated(serve: Serve, transport: Make) -> None:
    clock = Clock(NOW - NOW % LIFE + 2_000)

    def reply(request: Request) -> Reply:
        old = clock.now - issued(request.headers["authorization"].split()[1]) > 1_500
        return (403, {}, b'{"reason":"ExpiredProviderToken"}') if old else (200, {}, b"")

    peer = await serve(reply)
    lane = await provider(peer, transport, clock)
    outcome = await lane.send(b"{}", message(), APNS_TOKEN)
    assert (outcome.kind, len(peer.requests)) == (OutcomeKind.ACCEPTED, 2)
    assert (await lane.send(b"{}", message(), APNS_TOKEN)).kind is OutcomeKind.ACCEPTED
    assert len(peer.requests) == 3


async def test_a_fresh_token_called_expired_means_a_wrong_clock(serve: Serve, transport: Make) -> None:
    peer = await serve(lambda _: (403, {}, b'{"reason":"ExpiredProviderToken"}'))
    lane = await provider(peer, transport, Clock(NOW - NOW % LIFE + 60))
    outcome = await lane.send(b"{}", message(), APNS_TOKEN)
    assert (outcome.kind, outcome.reason, len(peer.requests)) == (OutcomeKind.BLOCKED, "ExpiredProviderToken", 1)
    assert "clock" in str(await lane.verify())


async def test_an_unreachable_peer_is_a_retry(serve: Serve, transport: Make) -> None:
    peer = await serve()
    await peer.stop()
    lane = await provider(peer, transport, Clock())
    outcome = await lane.send(b"{}", message(), APNS_TOKEN)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "not_sent")
    assert "connect" in str(await lane.verify())


TOO_MANY = 429, {}, b'{"reason":"TooManyProviderTokenUpdates"}'


async def test_too_many_token_updates_send_the_push_by_the_old_token(serve: Serve, transport: Make) -> None:
    clock = Clock(NOW - NOW % LIFE)
    good = tokens(clock).current()

    def reply(request: Request) -> Reply:
        return (200, {}, b"") if request.headers["authorization"] == f"bearer {good}" else TOO_MANY

    peer = await serve(reply)
    lane = await provider(peer, transport, clock)
    assert (await lane.send(b"{}", message(), APNS_TOKEN)).kind is OutcomeKind.ACCEPTED
    clock.now += LIFE
    outcomes = [await lane.send(b"{}", message(), APNS_TOKEN) for _ in range(3)]
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ACCEPTED}
    assert len(peer.requests) == 1 + 2 + 1 + 1
    assert lane.admit(APNS_TOKEN, 100) == Admission(100)


async def test_without_another_token_one_push_a_minute_asks(serve: Serve, transport: Make) -> None:
    said: list[Reply] = [TOO_MANY]
    peer = await serve(lambda _: said[0])
    clock = Clock(NOW - NOW % LIFE)
    lane = await provider(peer, transport, clock)
    assert lane.admit(APNS_TOKEN, 100) == Admission(100)
    outcome = await lane.send(b"{}", message(), APNS_TOKEN)
    assert (outcome.kind, outcome.pause, outcome.retry_after) == (OutcomeKind.RETRY, Pause.SIGNING, 1_200)
    assert lane.admit(None, 100) == Admission(0, 60)
    clock.now += 60
    assert lane.admit(APNS_TOKEN, 100).count == 1
    said[0] = 200, {}, b""
    await lane.send(b"{}", message(), APNS_TOKEN)
    assert lane.admit(APNS_TOKEN, 100) == Admission(100)
    assert len({request.headers["authorization"] for request in peer.requests}) == 1


@pytest.mark.parametrize(
    ("status", "reason", "connections"),
    [(503, "Shutdown", 2), (400, "IdleTimeout", 2), (503, "ServiceUnavailable", 1), (400, "BadDeviceToken", 1)],
)
async def test_a_connection_that_says_goodbye_is_left(
    serve: Serve, tls: tuple[str, ssl.SSLContext], status: int, reason: str, connections: int
) -> None:
    said: list[Reply] = [(status, {}, orjson.dumps({"reason": reason})), (200, {}, b""), (200, {}, b"")]
    peer = await serve(lambda _: said.pop(0))
    lane = build(ProviderName.APNS, replace(apns_credential(peer.origin), ca=tls[0]), Here())
    outcomes = [await lane.send(b"{}", message(), APNS_TOKEN) for _ in range(3)]
    assert [outcome.status for outcome in outcomes] == [status, 200, 200]
    assert len(peer.connected) == connections
    await lane.close()


async def test_a_refusal_names_the_clock_and_by_how_much_it_is_wrong(serve: Serve, transport: Make) -> None:
    said = {"date": format_datetime(datetime.fromtimestamp(NOW - 600, UTC), usegmt=True)}
    peer = await serve(lambda _: (403, said, b'{"reason":"InvalidProviderToken"}'))
    lane = await provider(peer, transport, Clock())
    outcome = await lane.send(b"{}", message(), APNS_TOKEN)
    assert (outcome.kind, outcome.clock_ahead) == (OutcomeKind.BLOCKED, 600)
    assert await lane.verify() == (
        "The clock of this machine is 10 minutes fast, so Apple does not believe its tokens (InvalidProviderToken);"
        " let it be set by NTP."
    )


async def test_the_lane_reports_its_one_host(serve: Serve, transport: Make) -> None:
    peer = await serve()
    lane = await provider(peer, transport, Clock())
    assert list(lane.hosts()) == []
    await lane.send(b"{}", message(), APNS_TOKEN)
    (host,) = lane.hosts()
    assert (host.host, host.state, host.in_flight, host.connections) == (peer.origin[8:], "closed", 0, 1)


@pytest.mark.parametrize(
    ("status", "reason", "sentence"),
    [
        (400, "BadDeviceToken", None),
        (403, "InvalidProviderToken", "team id"),
        (403, "BadEnvironmentKeyIdInToken", "other environment"),
        (400, "TopicDisallowed", "topic"),
        (403, "SomethingNew", "Apple refuses our credential or configuration: 403 SomethingNew."),
        (500, "InternalServerError", "Apple did not take a test request: 500 InternalServerError."),
    ],
)
async def test_verify(serve: Serve, transport: Make, status: int, reason: str, sentence: str | None) -> None:
    peer = await serve(lambda _: (status, {}, orjson.dumps({"reason": reason})))
    said = await (await provider(peer, transport, Clock())).verify()
    assert said is None if sentence is None else sentence in str(said)


@pytest.mark.parametrize(
    ("environment", "origin"),
    [("production", "https://api.push.apple.com"), ("sandbox", "https://api.sandbox.push.apple.com")],
)
def test_each_environment_has_its_host(environment: str, origin: str) -> None:
    assert Apns(apns_credential(environment=environment), Transport())._origin == origin
