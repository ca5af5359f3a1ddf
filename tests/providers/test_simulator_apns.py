"""The simulated APNs: a good push passes, and each broken rule has its own status and reason."""

import ssl
import time
import uuid

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from simulator_client import REMOVE, TOPIC, Simulator

from backend.simulator.certificates import private_pem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_accepts_a_good_push_and_echoes_its_id(simulator: Simulator):
    response = await simulator.apns()
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["apns-id"] == "123e4567-e89b-42d3-a456-426614174000"
    assert await simulator.pairs() == [["apns", simulator.device("apns")["token"], "dlv_1"]]


async def test_makes_an_id_where_none_is_given(simulator: Simulator):
    response = await simulator.apns(headers=simulator.apns_headers(apns_id=REMOVE))
    assert str(uuid.UUID(response.headers["apns-id"])) == response.headers["apns-id"]


GOOD = [
    (
        {"apns_push_type": "widgets", "apns_topic": f"{TOPIC}.push-type.widgets"},
        {"aps": {"content-changed": True}},
    ),
    (
        {"apns_push_type": "controls", "apns_topic": f"{TOPIC}.push-type.controls"},
        {"aps": {"content-changed": True}},
    ),
    ({"apns_push_type": "mdm"}, {"mdm": "magic"}),
    ({"apns_push_type": "location", "apns_topic": f"{TOPIC}.location-query"}, {"aps": {}}),
    ({"apns_push_type": "complication", "apns_topic": f"{TOPIC}.complication"}, {"aps": {}, "x": 1}),
    ({"apns_push_type": "fileprovider", "apns_topic": f"{TOPIC}.pushkit.fileprovider"}, {"container": "x"}),
    ({"apns_push_type": "pushtotalk", "apns_topic": f"{TOPIC}.voip-ptt"}, {"aps": {}, "x": 1}),
    ({"apns_priority": "1"}, None),
    ({"apns_push_type": "background", "apns_priority": "5"}, {"aps": {"content-available": 1}, "m": "x"}),
    ({"apns_expiration": "0"}, None),
    ({"apns_collapse_id": "x" * 64}, None),
    ({"apns_priority": REMOVE, "apns_expiration": REMOVE, "apns_collapse_id": REMOVE}, None),
    ({"apns_push_type": "voip", "apns_topic": f"{TOPIC}.voip"}, {"aps": {}, "x": "y" * 5000}),
    (
        {"apns_push_type": "liveactivity", "apns_topic": f"{TOPIC}.push-type.liveactivity"},
        {"aps": {"timestamp": 1, "event": "update", "content-state": {"eta": 3}}},
    ),
    (
        {},
        {
            "aps": {
                "alert": {"title": "a", "subtitle": "b", "body": "c", "loc-key": "k", "loc-args": ["1"]},
                "badge": 0,
                "sound": {"critical": 1, "name": "s", "volume": 0.5},
                "thread-id": "t",
                "category": "SALE",
                "mutable-content": 1,
                "target-content-id": "w",
                "interruption-level": "time-sensitive",
                "relevance-score": 1,
                "filter-criteria": "f",
            },
            "deep": {"nested": [1, None]},
        },
    ),
]


@pytest.mark.parametrize(("headers", "payload"), GOOD)
async def test_accepts(simulator: Simulator, headers, payload):
    response = await simulator.apns(payload, simulator.apns_headers(**headers))
    assert response.status_code == 200, response.text


BAD_HEADERS = [
    ({"apns_topic": REMOVE}, 400, "MissingTopic"),
    ({"apns_topic": "shop!"}, 400, "BadTopic"),
    ({"apns_topic": f"{TOPIC}.voip"}, 400, "TopicDisallowed"),
    ({"apns_push_type": "voip"}, 400, "TopicDisallowed"),
    ({"apns_push_type": REMOVE}, 400, "InvalidPushType"),
    ({"apns_push_type": "loud"}, 400, "InvalidPushType"),
    ({"apns_push_type": "background", "apns_priority": "5"}, 400, "InvalidPushType"),
    ({"apns_priority": "7"}, 400, "BadPriority"),
    ({"apns_expiration": "tomorrow"}, 400, "BadExpirationDate"),
    ({"apns_expiration": "1.5"}, 400, "BadExpirationDate"),
    ({"apns_expiration": "-1"}, 400, "BadExpirationDate"),
    ({"apns_collapse_id": "x" * 65}, 400, "BadCollapseId"),
    ({"apns_id": "123E4567-E89B-42D3-A456-426614174000"}, 400, "BadMessageId"),
    ({"apns_id": "1"}, 400, "BadMessageId"),
    ({"authorization": REMOVE}, 403, "MissingProviderToken"),
    ({"authorization": "key abc"}, 403, "MissingProviderToken"),
    ({"authorization": "bearer abc"}, 403, "InvalidProviderToken"),
]


@pytest.mark.parametrize(("headers", "status", "reason"), BAD_HEADERS)
async def test_refuses_headers(simulator: Simulator, headers, status, reason):
    response = await simulator.apns(headers=simulator.apns_headers(**headers))
    assert (response.status_code, response.json()) == (status, {"reason": reason})
    assert response.headers["apns-id"]
    assert (await simulator.stats())["refused"] == {reason: 1}


BAD_TOKENS = [
    ({"iss": "WRONGTEAM1"}, "InvalidProviderToken"),
    ({"iat": "now"}, "InvalidProviderToken"),
    ({"iat": REMOVE}, "InvalidProviderToken"),
    ({"header": {"kid": "WRONGKEY12"}}, "InvalidProviderToken"),
    ({"iat": lambda: time.time() + 600}, "InvalidProviderToken"),
    ({"iat": lambda: time.time() - 3700}, "ExpiredProviderToken"),
    ({"key": private_pem(ec.generate_private_key(ec.SECP256R1()))}, "InvalidProviderToken"),
]


@pytest.mark.parametrize(("token", "reason"), BAD_TOKENS)
async def test_refuses_tokens(simulator: Simulator, token, reason):
    claims = {name: value() if callable(value) else value for name, value in token.items()}  # as old as now says
    headers = simulator.apns_headers(authorization=f"bearer {simulator.apns_token(**claims)}")
    response = await simulator.apns(headers=headers)
    assert (response.status_code, response.json()) == (403, {"reason": reason})


BAD_PAYLOADS = [
    (b"", 400, "PayloadEmpty"),
    ({}, 400, "PayloadEmpty"),
    (b"{", 400, "BadPayload"),
    ([1], 400, "BadPayload"),
    ({"aps": {"alert": "x" * 4096}}, 413, "PayloadTooLarge"),
    ({"m": "only"}, 400, "InvalidPushType"),
    ({"aps": {"content-available": 1}}, 400, "InvalidPushType"),
    ({"aps": []}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "surprise": 1}}, 400, "BadPayload"),
    ({"aps": {"alert": {"titel": "a"}}}, 400, "BadPayload"),
    ({"aps": {"alert": {"title": 1}}}, 400, "BadPayload"),
    ({"aps": {"alert": {"loc-args": [1]}}}, 400, "BadPayload"),
    ({"aps": {"alert": 1}}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "badge": "1"}}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "badge": -1}}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "badge": True}}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "sound": {"volume": 2}}}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "mutable-content": True}}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "interruption-level": "loud"}}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "relevance-score": 1.5}}, 400, "BadPayload"),
    ({"aps": {"alert": "a", "category": None}}, 400, "BadPayload"),
    ({"aps": {"alert": "a"}, "m": 5}, 400, "BadPayload"),
]


@pytest.mark.parametrize(("payload", "status", "reason"), BAD_PAYLOADS)
async def test_refuses_payloads(simulator: Simulator, payload, status, reason):
    response = await simulator.apns(payload)
    assert (response.status_code, response.json()) == (status, {"reason": reason})
    assert (await simulator.stats())["accepted"]["apns"] == 0


BAD_BACKGROUND = [
    ({"aps": {"content-available": 1, "category": "SALE"}}, "5", "InvalidPushType"),
    ({"aps": {"content-available": 1, "alert": "Hi"}}, "5", "InvalidPushType"),
    ({"aps": {}}, "5", "InvalidPushType"),
    ({"aps": {"content-available": 1}}, "10", "BadPriority"),
    ({"aps": {"content-available": 1, "badge": 1}}, "5", "InvalidPushType"),
    ({"aps": {"content-available": 0}}, "5", "BadPayload"),
]


@pytest.mark.parametrize(("payload", "priority", "reason"), BAD_BACKGROUND)
async def test_refuses_background(simulator: Simulator, payload, priority, reason):
    headers = simulator.apns_headers(apns_push_type="background", apns_priority=priority)
    assert (await simulator.apns(payload, headers)).json() == {"reason": reason}


OTHER_LIMITS = [
    ("voip", ".voip", 5120),
    ("alert", "", 4096),
    ("liveactivity", ".push-type.liveactivity", 4096),
    ("location", ".location-query", 4096),
]


@pytest.mark.parametrize(("push_type", "suffix", "limit"), OTHER_LIMITS)
async def test_the_largest_payload_of_a_push_type(simulator: Simulator, push_type: str, suffix: str, limit: int):
    headers = simulator.apns_headers(apns_push_type=push_type, apns_topic=TOPIC + suffix)
    aps = {"alert": "a"} | ({"timestamp": 1, "event": "update", "content-state": {}} if "live" in push_type else {})
    room = limit - len(orjson.dumps({"aps": aps, "x": ""}))
    for extra, status in ((0, 200), (1, 413)):
        response = await simulator.apns({"aps": aps, "x": "y" * (room + extra)}, headers)
        assert response.status_code == status, response.text


OTHER_TYPES = [
    ({"apns_push_type": "mdm"}, {"aps": {}}),
    ({"apns_push_type": "widgets", "apns_topic": f"{TOPIC}.push-type.widgets"}, {"aps": {"alert": "a"}}),
    ({"apns_push_type": "controls", "apns_topic": f"{TOPIC}.push-type.controls"}, {"aps": {}}),
]


@pytest.mark.parametrize(("headers", "payload"), OTHER_TYPES)
async def test_other_push_types_need_their_own_keys(simulator: Simulator, headers, payload):
    response = await simulator.apns(payload, simulator.apns_headers(**headers))
    assert (response.status_code, response.json()) == (400, {"reason": "InvalidPushType"})


@pytest.mark.parametrize("missing", ["timestamp", "event", "content-state", "attributes", "attributes-type", "alert"])
async def test_live_activity_starts_need_all_their_keys(simulator: Simulator, missing):
    headers = simulator.apns_headers(apns_push_type="liveactivity", apns_topic=f"{TOPIC}.push-type.liveactivity")
    aps = {"timestamp": 1, "event": "start", "content-state": {}, "attributes-type": "A", "attributes": {}, "alert": {}}
    assert (await simulator.apns({"aps": aps}, headers)).status_code == 200
    del aps[missing]
    # Without its event it is an update, which needs less: only the event itself.
    assert (await simulator.apns({"aps": aps}, headers)).json() == {"reason": "InvalidPushType"}


BAD_PATHS = [
    ("GET", "/3/device/" + "a" * 64, 405, "MethodNotAllowed"),
    ("POST", "/4/device/" + "a" * 64, 404, "BadPath"),
    ("POST", "/3/device/", 400, "MissingDeviceToken"),
    ("POST", "/3/device/" + "a" * 62, 400, "BadDeviceToken"),
    ("POST", "/3/device/" + "a" * 63, 400, "BadDeviceToken"),
    ("POST", "/3/device/" + "g" * 64, 400, "BadDeviceToken"),
]


@pytest.mark.parametrize(("method", "path", "status", "reason"), BAD_PATHS)
async def test_refuses_paths(simulator: Simulator, method, path, status, reason):
    response = await simulator.apns(path=path, method=method)
    assert (response.status_code, response.json()) == (status, {"reason": reason})


async def test_credentials_are_looked_at_before_the_device(simulator: Simulator):
    headers = simulator.apns_headers(authorization=REMOVE)
    assert (await simulator.apns(headers=headers, device="nobody")).json() == {"reason": "MissingProviderToken"}


async def test_a_dead_device_is_gone_since_now(simulator: Simulator):
    response = await simulator.apns(device=simulator.device("apns", dead=True)["token"])
    answer = response.json()
    assert (response.status_code, answer["reason"]) == (410, "Unregistered")
    assert abs(answer["timestamp"] / 1000 - time.time()) < 5


async def test_refuses_repeated_headers(simulator: Simulator):
    headers = [*simulator.apns_headers().items(), ("apns-topic", TOPIC)]
    assert (await simulator.apns(headers=headers)).json() == {"reason": "DuplicateHeaders"}


async def test_refuses_a_second_token_within_twenty_minutes_but_keeps_the_first(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
):
    tls = ssl.create_default_context(cafile=simulator.endpoints.ca)
    async with httpx.AsyncClient(http2=True, http1=False, verify=tls, trust_env=False) as fresh:
        monkeypatch.setattr(simulator, "http", fresh)
        await _sign_often(simulator)


async def _sign_often(simulator: Simulator) -> None:
    now = int(time.time())
    old, young, same = (simulator.apns_token(iat=at) for at in (now - 1500, now, now))
    assert old != young != same
    statuses = [
        (await simulator.apns(headers=simulator.apns_headers(authorization=f"bearer {token}"))).status_code
        for token in (old, young, same, young, old)
    ]
    assert statuses == [200, 200, 429, 200, 200]
    assert (await simulator.stats())["refused"] == {"TooManyProviderTokenUpdates": 1}
    await simulator.behave(token_updates=False)
    headers = simulator.apns_headers(authorization=f"bearer {same}")
    assert (await simulator.apns(headers=headers)).status_code == 200


async def test_counts_repeats_of_the_same_device_and_message(simulator: Simulator):
    for m, device in (("a", 1), ("a", 2), ("a", 1), ("b", 1)):
        payload = {"aps": {"alert": "x"}, "m": m}
        await simulator.apns(payload, device=simulator.device("apns", device)["token"])
    stats = await simulator.stats()
    assert (stats["accepted"]["apns"], stats["pairs"], stats["repeats"]) == (4, 3, 1)
