"""Faults on demand: every answer of every provider's table with its exact body, latency, outages, clocks."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from simulator_client import Simulator, declarative

from backend.simulator.faults import CATALOGUE, Fault
from backend.simulator.presets import PRESETS

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def fresh(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client with connections of its own."""
    tls = ssl.create_default_context(cafile=simulator.endpoints.ca)
    async with httpx.AsyncClient(http2=True, http1=False, verify=tls, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("fault", CATALOGUE["apns"])
async def test_every_answer_of_apns(simulator: Simulator, fault: str):
    await simulator.behave(mix={"apns": {f"{fault}@7": 1.0}}, gone_seconds=3600)
    response = await simulator.apns()
    wanted = Fault.parse(fault)
    body = response.json()
    assert (response.status_code, body.pop("reason")) == (wanted.status, wanted.reason)
    assert response.headers["apns-id"] == "123e4567-e89b-42d3-a456-426614174000"
    assert (response.headers["retry-after"], response.headers["content-type"]) == ("7", "application/json")
    if wanted.status == 410:
        assert abs(body.pop("timestamp") / 1000 - (time.time() - 3600)) < 5
    assert body == {}
    assert (await simulator.stats())["refused"] == {wanted.reason: 1}


FCM = {
    "400/BadRequest": ("INVALID_ARGUMENT", [(BAD_REQUEST, "fieldViolations")]),
    "400/INVALID_ARGUMENT": ("INVALID_ARGUMENT", [(FCM_ERROR, "INVALID_ARGUMENT")]),
    "401/THIRD_PARTY_AUTH_ERROR": ("UNAUTHENTICATED", [(FCM_ERROR, "THIRD_PARTY_AUTH_ERROR")]),
    "401/UNAUTHENTICATED": ("UNAUTHENTICATED", [(INFO, "ACCESS_TOKEN_EXPIRED")]),
    "403/PERMISSION_DENIED": ("PERMISSION_DENIED", [(INFO, "IAM_PERMISSION_DENIED")]),
    "403/SENDER_ID_MISMATCH": ("PERMISSION_DENIED", [(FCM_ERROR, "SENDER_ID_MISMATCH")]),
    "403/SERVICE_DISABLED": ("PERMISSION_DENIED", [(INFO, "SERVICE_DISABLED")]),
    "404/NOT_FOUND": ("NOT_FOUND", []),
    "404/UNREGISTERED": ("NOT_FOUND", [(FCM_ERROR, "UNREGISTERED")]),
    "429/QUOTA_EXCEEDED": ("RESOURCE_EXHAUSTED", [(FCM_ERROR, "QUOTA_EXCEEDED"), (QUOTA, "violations")]),
    "429/RESOURCE_EXHAUSTED": ("RESOURCE_EXHAUSTED", [(QUOTA, "violations")]),
    "500/INTERNAL": ("INTERNAL", [(FCM_ERROR, "INTERNAL")]),
    "503/UNAVAILABLE": ("UNAVAILABLE", [(FCM_ERROR, "UNAVAILABLE")]),
}


@pytest.mark.parametrize("fault", FCM)
@pytest.mark.parametrize("wait", ["", "@9"])
async def test_every_answer_of_fcm(simulator: Simulator, fault: str, wait: str):
    await simulator.behave(mix={"fcm": {fault + wait: 1.0}})
    response = await simulator.fcm({"message": simulator.fcm_message()})
    error = response.json()["error"]
    status, details = FCM[fault]
    assert (response.status_code, error["code"], error["status"]) == (int(fault[:3]), int(fault[:3]), status)
    assert isinstance(error["message"], str)
    assert [(each["@type"], _telling(each)) for each in error.get("details", [])] == details
    assert response.headers.get("retry-after") == (wait[1:] or None)


def _telling(detail: dict[str, Any]) -> str:
    """An error's code or reason, or what a detail without one consists of."""
    lists = [name for name in ("fieldViolations", "violations") if detail.get(name)]
    return detail.get("errorCode") or detail.get("reason") or lists[0]


@pytest.mark.parametrize("fault", ["502/", "504/@30"])
async def test_googles_front_end_answers_in_html(simulator: Simulator, fault: str):
    await simulator.behave(mix={"fcm": {fault: 1.0}})
    response = await simulator.fcm({"message": simulator.fcm_message()})
    assert (response.status_code, response.headers["content-type"]) == (int(fault[:3]), "text/html; charset=UTF-8")
    assert response.text.startswith("<!DOCTYPE html>")


async def test_every_fault_of_fcm_is_tried():
    assert {*FCM, "502/", "504/"} == set(CATALOGUE["fcm"])


ERRNO = {
    "429/": None,
    "502/": None,
    "504/": None,
    "503/": 201,
    "500/": 999,
    "403/": 109,
    "410/": 106,
    "404/": 102,
    "400/": 110,
    "413/": 104,
}


@pytest.mark.parametrize("fault", dict.fromkeys([*CATALOGUE["webpush"], *ERRNO]))
async def test_every_answer_of_web_push(simulator: Simulator, fault: str):
    await simulator.behave(mix={"webpush": {f"{fault}@11": 1.0}})
    response = await simulator.webpush()
    wanted = Fault.parse(fault)
    assert (response.status_code, response.headers["retry-after"]) == (wanted.status, "11")
    if wanted.reason == "mismatch":
        assert response.text.startswith("the VAPID credentials in the authorization header do not correspond")
    elif wanted.reason.isalpha():
        assert response.json() == {"reason": wanted.reason}
    else:
        body = response.json()
        assert set(body) == {"code", "errno", "error", "message", "more_info"}
        assert body["errno"] == (int(wanted.reason) if wanted.reason else ERRNO[fault])


@pytest.mark.parametrize("fault", CATALOGUE["oauth"])
async def test_every_answer_of_the_token_endpoint(simulator: Simulator, fault: str):
    await simulator.behave(mix={"oauth": {f"{fault}@3": 1.0}})
    response = await simulator.oauth()
    wanted = Fault.parse(fault)
    assert (response.status_code, response.headers["retry-after"]) == (wanted.status, "3")
    assert response.json()["error"] == (wanted.reason or "internal_failure")


async def test_retry_after_may_be_a_date(simulator: Simulator):
    await simulator.behave(mix={"apns": {"429/TooManyRequests@90": 1.0}}, retry_after_dates=True)
    at = parsedate_to_datetime((await simulator.apns()).headers["retry-after"])
    assert abs(at.timestamp() - time.time() - 90) < 3


async def test_every_answer_has_a_date_by_the_hosts_own_clock(simulator: Simulator):
    await simulator.behave(only={"webpush": {"clock_skew_seconds": -600}})
    token = await simulator.bearer()
    answers = {
        "apns": (await simulator.apns(), 0),
        "refused": (await simulator.apns(b""), 0),
        "fcm": (await simulator.fcm({"message": simulator.fcm_message()}, token), 0),
        "oauth": (await simulator.oauth(), 0),
        "control": (await simulator.behave(only={"webpush": {"clock_skew_seconds": -600}}), 0),
        "webpush": (await simulator.webpush(), -600),
    }
    for name, (answer, skew) in answers.items():
        said = parsedate_to_datetime(answer.headers["date"]).timestamp()
        assert abs(said - time.time() - skew) < 3, name
        assert answer.headers["date"].endswith(" GMT")


async def test_a_clock_that_is_off_changes_what_counts_as_expired(simulator: Simulator):
    await simulator.behave(clock_skew_seconds=4000)
    async with fresh(simulator) as client:
        response = await simulator.apns(http=client)
        assert (response.status_code, response.json()) == (403, {"reason": "ExpiredProviderToken"})
        assert (await simulator.oauth()).json()["error_description"].startswith("Invalid JWT: Token must be a short")
        await simulator.behave(clock_skew_seconds=-4000)
        assert (await simulator.apns(http=client)).json() == {"reason": "InvalidProviderToken"}
        vapid = simulator.webpush_headers(authorization=simulator.vapid_header(exp=int(time.time()) + 85_000))
        response = await simulator.webpush(headers=vapid)
        assert (response.status_code, response.json()["message"]) == (401, "exp is more than 24 hours ahead")


async def test_provider_tokens_may_be_made_to_expire_early(simulator: Simulator):
    await simulator.behave(provider_token_seconds=100)
    for age, status in ((50, 200), (150, 403)):
        token = simulator.apns_token(iat=int(time.time()) - age)
        async with fresh(simulator) as client:
            headers = simulator.apns_headers(authorization=f"bearer {token}")
            assert (await simulator.apns(headers=headers, http=client)).status_code == status


async def test_access_tokens_may_die_before_their_announced_end(simulator: Simulator):
    await simulator.behave(access_token_seconds=0, access_token_announced=3599)
    answer = (await simulator.oauth()).json()
    assert answer["expires_in"] == 3599
    headers = {"authorization": f"Bearer {answer['access_token']}"}
    error = (await simulator.fcm({"message": simulator.fcm_message()}, headers)).json()["error"]
    assert (error["status"], error["details"][0]["reason"]) == ("UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")


async def seconds(awaited: Any) -> float:
    begun = asyncio.get_running_loop().time()
    assert (await awaited).is_success
    return asyncio.get_running_loop().time() - begun


async def test_one_push_service_is_slow_and_the_other_is_not(simulator: Simulator):
    await simulator.behave(only={"webpush2": {"latency_ms": 300}})
    quick, slow = (simulator.device("webpush", host=host)["subscription"] for host in ("webpush", "webpush2"))
    assert quick["endpoint"].partition("/wpush")[2] == slow["endpoint"].partition("/wpush")[2]
    assert quick["endpoint"] != slow["endpoint"]
    took = await asyncio.gather(*(seconds(simulator.webpush(subscription=each)) for each in (quick, slow)))
    assert took[1] >= 0.3 > took[0] + 0.1
    assert (await simulator.stats())["accepted"]["webpush"] == 2


async def test_latency_and_jitter(simulator: Simulator):
    await simulator.apns()
    await simulator.behave(only={"apns": {"latency_ms": 50, "jitter_ms": 200}}, seed=1)
    first, second = [await seconds(simulator.apns()) for _ in range(2)]
    # The seed draws 13% and 85% of the jitter.
    assert first >= 0.05 + 0.13 * 0.2
    assert second >= 0.05 + 0.84 * 0.2
    assert first < second


@pytest.mark.parametrize("way", ["refused", "reset"])
async def test_a_host_goes_down_and_comes_back(simulator: Simulator, way: str):
    async with fresh(simulator) as client:
        assert (await simulator.apns(http=client, host="sandbox")).status_code == 200
        await simulator.behave(only={"sandbox": {"down_seconds": 60, "down_as": way}})
        assert 50 < (await simulator.stats())["down"]["sandbox"] <= 60
        # The connection that was open is cut, and no new one can be made.
        for _ in range(3):
            with pytest.raises(httpx.TransportError) as caught:
                await simulator.apns(http=client, host="sandbox")
        assert way != "refused" or caught.type is httpx.ConnectError
        assert (await simulator.webpush()).status_code == 201
        turned_away = (await simulator.stats())["turned_away"]
        assert turned_away == (
            {} if way == "refused" else {"sandbox": turned_away.get("sandbox") or pytest.fail("nobody")}
        )
        await simulator.behave(only={"sandbox": {"down_seconds": 0.2, "down_as": way}})
        async with asyncio.timeout(5):
            while (await simulator.stats())["down"]:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
        assert (await simulator.apns(http=client, host="sandbox")).status_code == 200


async def test_a_silent_host_says_nothing_until_it_is_called_back(simulator: Simulator):
    await simulator.behave(only={"sandbox": {"down_seconds": 60, "down_as": "silent"}})
    url = httpx.URL(simulator.endpoints.sandbox)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"hello")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.1)
    assert (await simulator.stats())["turned_away"] == {"sandbox": 1}
    await simulator.behave()
    assert await reader.read(1) == b""
    writer.close()
    async with fresh(simulator) as client:
        assert (await simulator.apns(http=client, host="sandbox")).status_code == 200


async def test_what_was_never_answered_is_counted(simulator: Simulator):
    async with fresh(simulator) as client:
        await simulator.apns(http=client)
        for knob, accepted in (("refuse", 0), ("reset_before_accept", 0), ("reset_after_accept", 1)):
            await simulator.behave(**{knob: 1.0})
            before = (await simulator.stats())["accepted"]["apns"]
            with pytest.raises(httpx.RemoteProtocolError):
                await simulator.apns(http=client)
            assert (await simulator.stats())["accepted"]["apns"] - before == accepted, knob
    stats = await simulator.stats()
    assert stats["endings"] == {"refuse": 1, "reset": 2}
    assert stats["connections"]["apns"] == 1


async def test_tokens_are_counted_once_each(simulator: Simulator):
    tokens = [simulator.apns_token(iat=int(time.time()) - age) for age in (0, 1800)]
    async with fresh(simulator) as client:
        for token in (*tokens, *tokens):
            headers = simulator.apns_headers(authorization=f"bearer {token}")
            await simulator.apns(headers=headers, http=client)
    await simulator.oauth()
    assert (await simulator.stats())["tokens"] == {"apns": 2, "oauth": 1}


async def _apns(simulator: Simulator, key: str | None, m: str) -> None:
    headers = simulator.apns_headers(apns_collapse_id=key) if key else simulator.apns_headers()
    if not key:
        del headers["apns-collapse-id"]
    assert (await simulator.apns({"aps": {"alert": "x"}, "m": m}, headers)).status_code == 200


async def _fcm(simulator: Simulator, key: str | None, m: str) -> None:
    android = {"notification": {"tag": key}} if key else {}
    message = simulator.fcm_message(data={"m": m, "t": "t"}, android=android)
    assert (await simulator.fcm({"message": message})).status_code == 200


async def _webpush(simulator: Simulator, key: str | None, m: str) -> None:
    headers = simulator.webpush_headers(topic=key or "")
    if not key:
        del headers["topic"]
    message = declarative({"m": m})
    message["notification"].pop("tag")
    assert (await simulator.webpush(message, headers)).status_code == 201


@pytest.mark.parametrize("send", [_apns, _fcm, _webpush])
async def test_repeats_are_told_by_their_collapse_key(simulator: Simulator, send: Any):
    for m, key in (("a", "one"), ("a", "one"), ("b", "one"), ("b", "two"), ("c", None), ("c", None), ("d", "one")):
        await send(simulator, key, m)
    stats = await simulator.stats()
    assert (stats["pairs"], stats["repeats"], stats["repeats_other_key"]) == (4, 3, 2)


async def test_a_silent_repeat_needs_no_key(simulator: Simulator):
    headers = simulator.apns_headers(apns_push_type="background", apns_priority="5")
    del headers["apns-collapse-id"]
    for _ in range(2):
        assert (await simulator.apns({"aps": {"content-available": 1}, "m": "s"}, headers)).status_code == 200
    stats = await simulator.stats()
    assert (stats["repeats"], stats["repeats_other_key"]) == (1, 0)


async def test_any_device_may_be_limited(simulator: Simulator):
    await simulator.behave(device_per_minute=1)
    token = await simulator.bearer()
    message = {"message": simulator.fcm_message()}
    assert [(await simulator.webpush()).status_code for _ in range(2)] == [201, 429]
    answers = [await simulator.fcm(message, token) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["error"]["details"][0]["errorCode"] == "QUOTA_EXCEEDED"


async def test_the_control_routes_list_knobs_presets_and_faults(simulator: Simulator):
    listed = (await simulator.http.get(f"{simulator.endpoints.control}/simulator/knobs")).json()
    assert listed["knobs"]["latency_ms"]["default"] == 0
    assert listed["knobs"]["down_as"]["words"] == ["refused", "reset", "silent"]
    assert set(listed["presets"]) == set(PRESETS)
    assert listed["faults"]["apns"] == list(CATALOGUE["apns"])
    assert (await simulator.http.get(f"{simulator.endpoints.control}/3/device/x")).status_code == 404
