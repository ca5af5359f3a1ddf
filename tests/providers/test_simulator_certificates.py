"""APNs by TLS client certificate: who is let in, for what, and what is said to the others."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from simulator_client import REMOVE, TOPIC, Simulator
from test_simulator_http2 import raw

from backend.simulator.authority import Authority, Endpoints
from backend.simulator.push_certificates import PushCertificate

pytestmark = pytest.mark.asyncio(loop_scope="module")


def context(simulator: Simulator, folder: Path, body: dict[str, Any]) -> ssl.SSLContext:
    """What shows the certificate of a credential body."""
    tls = ssl.create_default_context(cafile=simulator.endpoints.ca)
    path = folder / "client.pem"
    path.write_text(body["certificate"])
    tls.load_cert_chain(path, password=body.get("password"))
    return tls


@asynccontextmanager
async def showing(simulator: Simulator, folder: Path, **which: Any) -> AsyncIterator[httpx.AsyncClient]:
    body = simulator.authority.apns_certificate_body(which.pop("topic", TOPIC), **which)
    tls = context(simulator, folder, body)
    async with httpx.AsyncClient(http2=True, http1=False, verify=tls, trust_env=False) as client:
        yield client


def without_token(simulator: Simulator, **changes: Any) -> dict[str, str]:
    return simulator.apns_headers(authorization=REMOVE, **changes)


async def test_a_certificate_needs_no_token(simulator: Simulator, tmp_path: Path):
    async with showing(simulator, tmp_path, password="secret") as client:
        for headers in (without_token(simulator), without_token(simulator, apns_topic=REMOVE)):
            response = await simulator.apns(headers=headers, http=client)
            assert response.status_code == 200, response.text
    assert (await simulator.stats())["accepted"]["apns"] == 2


async def test_all_streams_from_the_start(simulator: Simulator, tmp_path: Path):
    body = simulator.authority.apns_certificate_body(TOPIC)
    for shown, streams in ((context(simulator, tmp_path, body), 1000), (None, 1)):
        async with raw(simulator, tls=shown) as client:
            assert client.h2.remote_settings.max_concurrent_streams == streams


async def test_neither_token_nor_certificate(simulator: Simulator):
    response = await simulator.apns(headers=without_token(simulator))
    assert (response.status_code, response.json()) == (403, {"reason": "MissingProviderToken"})


CASES = [
    ({"topic": "com.example.other"}, {}, 400, "TopicDisallowed"),
    ({}, {"apns_topic": f"{TOPIC}.voip", "apns_push_type": "voip"}, 400, "TopicDisallowed"),
    ({"universal": True}, {"apns_topic": REMOVE}, 400, "MissingTopic"),
    ({"days": -1}, {}, 403, "BadCertificate"),
    ({"environment": "sandbox"}, {}, 403, "BadCertificateEnvironment"),
]


@pytest.mark.parametrize(("which", "headers", "status", "reason"), CASES)
async def test_refuses(simulator: Simulator, tmp_path: Path, which, headers, status, reason):
    async with showing(simulator, tmp_path, **which) as client:
        response = await simulator.apns(headers=without_token(simulator, **headers), http=client)
    assert (response.status_code, response.json()) == (status, {"reason": reason})


async def test_a_universal_certificate_is_for_both_environments_and_more_topics(simulator: Simulator, tmp_path: Path):
    async with showing(simulator, tmp_path, universal=True) as client:
        voip = without_token(simulator, apns_topic=f"{TOPIC}.voip", apns_push_type="voip")
        assert (await simulator.apns({"aps": {}, "m": "v"}, voip, http=client)).status_code == 200
        response = await simulator.apns(headers=without_token(simulator), http=client, host="sandbox")
        assert response.status_code == 200, response.text


async def test_a_certificate_expires_by_the_hosts_clock(simulator: Simulator, tmp_path: Path):
    async with showing(simulator, tmp_path, days=2) as client:
        assert (await simulator.apns(headers=without_token(simulator), http=client)).status_code == 200
        await simulator.behave(clock_skew_seconds=3 * 86_400)
        response = await simulator.apns(headers=without_token(simulator), http=client)
    assert response.json() == {"reason": "BadCertificate"}


async def test_another_roots_certificate_fails_in_the_handshake(simulator: Simulator, tmp_path: Path):
    stranger = Authority.load_or_create(tmp_path / "stranger", simulator.endpoints)
    tls = context(simulator, tmp_path, stranger.apns_certificate_body(TOPIC))
    async with httpx.AsyncClient(http2=True, http1=False, verify=tls, trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await simulator.apns(headers=without_token(simulator), http=client)
    assert (await simulator.apns()).status_code == 200


async def test_only_apns_asks_for_a_certificate(simulator: Simulator, tmp_path: Path):
    async with showing(simulator, tmp_path, days=-1) as client:
        answer = await client.get(f"{simulator.endpoints.fcm}/simulator/stats")
        assert answer.status_code == 200


async def test_the_sandbox_is_an_apns_of_its_own(simulator: Simulator):
    body = simulator.authority.apns_credential_body(TOPIC, "sandbox")
    assert body["endpoint"] == simulator.endpoints.sandbox != simulator.endpoints.apns
    response = await simulator.apns(host="sandbox")
    assert response.status_code == 200
    assert response.headers["apns-unique-id"]
    assert "apns-unique-id" not in (await simulator.apns()).headers
    for host, other in (("sandbox", "apns"), ("apns", "sandbox")):
        device = simulator.device("apns", host=other)["token"]
        response = await simulator.apns(host=host, device=device)
        assert (response.status_code, response.json()) == (400, {"reason": "BadDeviceToken"})
    await simulator.behave(mix={"sandbox": {"403/BadEnvironmentKeyIdInToken": 1.0}})
    assert (await simulator.apns(host="sandbox")).json() == {"reason": "BadEnvironmentKeyIdInToken"}
    assert (await simulator.apns()).status_code == 200


@pytest.mark.parametrize("password", [None, "secret"])
async def test_credential_bodies_have_the_apis_shape(simulator: Simulator, password: str | None):
    for p12 in (False, True):
        body = simulator.authority.apns_certificate_body(TOPIC, "sandbox", password=password, p12=p12)
        named = {"topic", "environment", "certificate", "endpoint", "ca"} | ({"password"} if password else set())
        assert set(body) == named
        locked = password.encode() if password else None
        if p12:
            store = pkcs12.load_pkcs12(base64.b64decode(body["certificate"]), locked)
            assert store.cert is not None
            der = store.cert.certificate.public_bytes(serialization.Encoding.DER)
        else:
            text = body["certificate"]
            assert serialization.load_pem_private_key(text[text.index("-----BEGIN", 20) :].encode(), locked)
            assert ("ENCRYPTED" in text) is (password is not None)
            der = ssl.PEM_cert_to_DER_cert(text[: text.index("-----END CERTIFICATE-----") + 26])
        shown = PushCertificate.read(der)
        assert (shown.topics, shown.environments) == ((TOPIC,), {"sandbox"})


async def test_the_root_of_clients_survives_a_restart(tmp_path: Path):
    endpoints = Endpoints("https://127.0.0.1:1", "https://127.0.0.1:2", "https://127.0.0.1:3", 0, "ca.pem")
    one, two = (Authority.load_or_create(tmp_path, endpoints) for _ in range(2))
    body = one.apns_certificate_body(TOPIC)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_verify_locations(cadata=two.push_root)
    from cryptography import x509

    root, shown = (x509.load_pem_x509_certificate(text.encode()) for text in (two.push_root, body["certificate"]))
    shown.verify_directly_issued_by(root)
