"""The simulator's hosts over HTTP/1.1, which Google's and push services' clients still speak, and libraries of others."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from simulator_client import Simulator, declarative

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def older(simulator: Simulator) -> AsyncIterator[Simulator]:
    """The same simulator, spoken to over HTTP/1.1."""
    tls = ssl.create_default_context(cafile=simulator.endpoints.ca)
    async with httpx.AsyncClient(verify=tls, trust_env=False) as client:
        yield Simulator(simulator.authority, simulator.endpoints, client, simulator.task)


async def test_pushes_tokens_topics_and_control_routes(simulator: Simulator):
    async with older(simulator) as client:
        sent = await client.fcm({"message": client.fcm_message()})
        assert (sent.http_version, sent.status_code) == ("HTTP/1.1", 200), sent.text
        assert (await client.webpush()).status_code == 201
        assert (await client.webpush(subscription=client.device("webpush", host="webpush2")["subscription"])).is_success
        assert (await client.topic_call("POST", client.device("fcm", 9)["token"], "?topic_name=old", {})).is_success
        refused = await client.fcm({"message": client.fcm_message(token="nobody")})
        assert (refused.status_code, refused.headers["date"][-3:]) == (400, "GMT")
        stats = await client.stats()
    assert (stats["accepted"], stats["connections"]["fcm"]) == ({"apns": 0, "fcm": 1, "webpush": 2}, 1)


async def test_apns_speaks_http2_only(simulator: Simulator):
    async with older(simulator) as client:
        with pytest.raises(httpx.TransportError):
            await client.apns()


async def test_faults_reach_it_too(simulator: Simulator):
    token = await simulator.bearer()
    async with older(simulator) as client:
        message = {"message": client.fcm_message()}
        await simulator.behave(latency_ms=50, mix={"fcm": {"503/UNAVAILABLE@7": 1.0}})
        begun = asyncio.get_running_loop().time()
        answer = await client.fcm(message, token)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        assert asyncio.get_running_loop().time() - begun >= 0.05
        for knob, accepted in (("refuse", 0), ("reset_after_accept", 1), ("hang_up_after_accept", 1)):
            await simulator.behave(**{knob: 1.0})
            before = (await simulator.stats())["accepted"]["fcm"]
            with pytest.raises(httpx.TransportError):
                await client.fcm(message, token)
            assert (await simulator.stats())["accepted"]["fcm"] - before == accepted
        await simulator.behave(goaway_every=2)
        closing = [(await client.fcm(message, token)).headers.get("connection") for _ in range(4)]
        assert closing == [None, "close", None, "close"]


async def test_silence_is_silence(simulator: Simulator):
    await simulator.behave(silence_after_accept=1.0)
    async with older(simulator) as client:
        client.http.timeout = httpx.Timeout(0.3)
        token = await client.bearer()
        with pytest.raises(httpx.ReadTimeout):
            await client.fcm({"message": client.fcm_message()}, token)
    assert (await simulator.stats())["accepted"]["fcm"] == 1


async def test_chunks_pipelines_expectations_and_rubbish(simulator: Simulator):
    tls = ssl.create_default_context(cafile=simulator.endpoints.ca)
    url = httpx.URL(simulator.endpoints.control)
    stats = b"GET /simulator/stats HTTP/1.1\r\nhost: x\r\n\r\n"
    knobs = (
        b"POST /simulator/behaviour HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunks = b'5\r\n{"see\r\n8\r\nd": 321}\r\n0\r\n\r\n'
    reader, writer = await asyncio.open_connection(url.host, url.port, ssl=tls)
    writer.write(stats + stats + knobs)
    seen = b""
    async with asyncio.timeout(5):
        while b"100 " not in seen:
            seen += await reader.read(65_536)
        writer.write(chunks + b"rubbish\r\n\r\n")
        seen += await reader.read()
    assert seen.count(b"HTTP/1.1 200") == 3
    assert b'"seed":321' in seen
    assert b"HTTP/1.1 400" in seen
    writer.close()


async def test_pywebpush_is_understood(simulator: Simulator):
    """A sender that others wrote, over HTTP/1.1."""
    import requests
    from py_vapid import Vapid
    from pywebpush import webpush

    subscription = simulator.device("webpush", 3)["subscription"]
    session = requests.Session()
    session.verify, session.trust_env = simulator.endpoints.ca, False
    session.headers["Content-Type"] = "application/octet-stream"
    vapid = Vapid()
    vapid.generate_keys()

    def send() -> Any:
        claims: dict[str, str | int] = {"sub": "mailto:push@example.com", "aud": simulator.endpoints.webpush}
        body = orjson.dumps(declarative()).decode()
        return webpush(
            subscription, body, vapid_private_key=vapid, vapid_claims=claims, ttl=60, requests_session=session
        )

    answer = await asyncio.to_thread(send)
    session.close()
    assert answer.status_code == 201
    assert await simulator.pairs() == [["webpush", subscription["endpoint"], "dlv_3"]]
