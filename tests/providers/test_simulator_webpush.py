"""The simulated push service and its browsers: strict headers, VAPID, and real decryption."""

import os
import time

import orjson
import pytest
from simulator_client import REMOVE, Simulator, declarative

from backend.simulator.authority import Browser
from backend.simulator.encoding import b64url, from_b64url
from backend.simulator.encryption import decrypt, open_envelope

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_accepts_and_decrypts_a_good_push(simulator: Simulator):
    response = await simulator.webpush()
    assert response.status_code == 201, response.text
    assert response.headers["location"].startswith(f"{simulator.endpoints.webpush}/m/")
    assert response.headers["ttl"] == "60"
    endpoint = simulator.device("webpush")["subscription"]["endpoint"]
    assert await simulator.pairs() == [["webpush", endpoint, "dlv_3"]]


GOOD = [
    {"silent": True, "data": {"k": "v"}, "m": "dlv_3", "t": "proof"},
    declarative(navigate=REMOVE),
    declarative({"app_badge": 3, "mutable": True}, lang="pl", dir="rtl", silent=True, app_badge="3"),
    declarative(
        icon="/icon.png",
        image="https://example.com/a.png",
        data={"k": [1]},
        actions=[{"action": "buy", "title": "Buy", "navigate": "https://example.com/buy"}],
        require_interaction=True,
        vibrate=[100, 50],
        timestamp=1,
    ),
]


@pytest.mark.parametrize("message", GOOD)
async def test_accepts(simulator: Simulator, message):
    response = await simulator.webpush(message)
    assert response.status_code == 201, response.text


BAD_HEADERS = [
    ({"ttl": REMOVE}, 400, 111),
    ({"ttl": "soon"}, 400, 112),
    ({"ttl": "-1"}, 400, 112),
    ({"ttl": "2592001"}, 400, 112),
    ({"topic": "a b"}, 400, 113),
    ({"topic": "x" * 33}, 400, 113),
    ({"urgency": "urgent"}, 400, 110),
    ({"content_encoding": "aesgcm"}, 400, 110),
    ({"content_encoding": REMOVE}, 400, 110),
    ({"content_type": "application/json"}, 400, 110),
    ({"crypto_key": "dh=abc"}, 400, 110),
    ({"authorization": REMOVE}, 401, 109),
    ({"authorization": "WebPush abc"}, 401, 109),
    ({"authorization": "vapid t=abc"}, 401, 109),
]


@pytest.mark.parametrize(("headers", "status", "errno"), BAD_HEADERS)
async def test_refuses_headers(simulator: Simulator, headers, status, errno):
    response = await simulator.webpush(headers=simulator.webpush_headers(**headers))
    answer = response.json()
    assert (response.status_code, answer["code"], answer["errno"]) == (status, status, errno), answer
    assert set(answer) == {"code", "errno", "error", "message", "more_info"}
    assert (await simulator.stats())["refused"] == {str(status): 1}


BAD_VAPID = [
    {"aud": "https://push.example.com"},
    {"exp": time.time() - 1},
    {"exp": time.time() + 90_000},
    {"exp": REMOVE},
    {"sub": REMOVE},
    {"sub": "me@example.com"},
    {"sub": "mailto:me@localhost"},
    {"key": "AAAA"},
    {"key": b64url(b"\x04" + os.urandom(64))},
]


@pytest.mark.parametrize("vapid", BAD_VAPID)
async def test_refuses_vapid(simulator: Simulator, vapid):
    headers = simulator.webpush_headers(authorization=simulator.vapid_header(**vapid))
    response = await simulator.webpush(headers=headers)
    assert (response.status_code, response.json()["errno"]) == (401, 109)


async def test_refuses_vapid_signed_by_another_key(simulator: Simulator):
    other = b64url(simulator.authority.browser("any").public)
    headers = simulator.webpush_headers(authorization=simulator.vapid_header(key=other))
    assert (await simulator.webpush(headers=headers)).json()["errno"] == 109


BAD_MESSAGES = [
    b"not json",
    b"[]",
    orjson.dumps({"notification": {"title": "Hi"}}),
    orjson.dumps(declarative({"web_push": 8031})),
    orjson.dumps({"web_push": 8030}),
    orjson.dumps(declarative(title=REMOVE)),
    orjson.dumps(declarative(title="")),
    orjson.dumps(declarative(body=1)),
    orjson.dumps(declarative(navigate="javascript:alert(1)")),
    orjson.dumps(declarative(navigate="/relative")),
    orjson.dumps(declarative(surprise=1)),
    orjson.dumps(declarative(dir="up")),
    orjson.dumps(declarative(silent="yes")),
    orjson.dumps(declarative(actions=[{"action": 1}])),
    orjson.dumps(declarative(actions=[{"id": "buy"}])),
    orjson.dumps(declarative({"m": 1})),
    orjson.dumps(declarative({"mutable": 1})),
    orjson.dumps({"silent": "yes", "m": "x"}),
    orjson.dumps({"silent": True, "m": 1}),
]


@pytest.mark.parametrize("plaintext", BAD_MESSAGES)
async def test_refuses_messages(simulator: Simulator, plaintext):
    subscription = simulator.device("webpush")["subscription"]
    response = await simulator.webpush(body=simulator.encrypted(plaintext, subscription))
    assert (response.status_code, response.json()["errno"]) == (400, 110)
    assert (await simulator.stats())["accepted"]["webpush"] == 0


async def test_refuses_what_this_browser_cannot_read(simulator: Simulator):
    mine, other = (simulator.device("webpush", n)["subscription"] for n in (1, 2))
    good = simulator.encrypted(orjson.dumps(declarative()), mine)
    bodies = {
        "for another browser": simulator.encrypted(orjson.dumps(declarative()), other),
        "a bit flipped": good[:-1] + bytes([good[-1] ^ 1]),
        "cut off": good[:60],
        "no key": good[:20] + b"\x00" + good[85:],
        "record size too small": good[:16] + (18).to_bytes(4) + good[20:],
        "point not on the curve": good[:21] + b"\x04" + b"\x01" * 64 + good[86:],
        "empty": b"",
    }
    for why, body in bodies.items():
        response = await simulator.webpush(body=body, subscription=mine)
        assert (response.status_code, response.json()["errno"]) == (400, 110), why
    assert (await simulator.webpush(body=good, subscription=mine)).status_code == 201
    again = await simulator.webpush(body=good, subscription=mine)
    assert (again.status_code, again.json()["message"]) == (400, "the salt was used before")


async def test_the_largest_body_is_4096_bytes(simulator: Simulator):
    subscription = simulator.device("webpush")["subscription"]
    room = 3993 - len(orjson.dumps(declarative(body="")))
    for extra, status in ((0, 201), (1, 413)):
        body = simulator.encrypted(orjson.dumps(declarative(body="x" * (room + extra))), subscription, rs=4096)
        assert len(body) == 4096 + extra
        response = await simulator.webpush(body=body)
        assert response.status_code == status, response.text
    assert response.json()["errno"] == 104


async def test_a_dead_subscription_is_gone_and_a_malformed_one_not_found(simulator: Simulator):
    gone = await simulator.webpush(subscription=simulator.device("webpush", dead=True)["subscription"])
    assert (gone.status_code, gone.json()["errno"]) == (410, 106)
    subscription = simulator.device("webpush")["subscription"]
    for endpoint in (subscription["endpoint"][:-1], simulator.endpoints.webpush + "/other"):
        response = await simulator.webpush(subscription=subscription | {"endpoint": endpoint})
        assert (response.status_code, response.json()["errno"]) == (404, 102)


async def test_faults_on_demand(simulator: Simulator):
    await simulator.behave(mix={"webpush": {"503/@120": 1.0}})
    response = await simulator.webpush()
    assert (response.status_code, response.headers["retry-after"]) == (503, "120")
    assert (await simulator.stats())["refused"] == {"503": 1}


async def test_decrypts_the_example_of_rfc_8291():
    """RFC 8291, section 5 and appendix A."""
    from cryptography.hazmat.primitives.asymmetric import ec

    private = int.from_bytes(from_b64url("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
    browser = Browser(
        ec.derive_private_key(private, ec.SECP256R1()),
        from_b64url("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        from_b64url("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    body = from_b64url(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6"
        "PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert decrypt(open_envelope(body), browser) == b"When I grow up, I want to be a watermelon"
