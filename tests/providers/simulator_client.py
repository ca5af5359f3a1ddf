"""Senders written for the tests alone, so that the simulator is judged by code that is not the product's."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import http_ece
import httpx
import jwt
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backend.simulator.authority import Authority, Endpoints
from backend.simulator.behaviour import Behaviour
from backend.simulator.encoding import b64url, from_b64url
from backend.simulator.people import Habits
from backend.simulator.run import serve

TOPIC = "com.example.shop"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
REMOVE = object()


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes`; REMOVE takes a key away."""
    return {key: value for key, value in (base | changes).items() if value is not REMOVE}


@dataclass
class Simulator:
    authority: Authority
    endpoints: Endpoints
    http: httpx.AsyncClient
    task: "asyncio.Task[None]"
    vapid: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def device(self, provider: str, n: int = 1, **which: Any) -> dict[str, Any]:
        return self.authority.device_address(provider, n, **which)

    async def stats(self) -> dict[str, Any]:
        return (await self.http.get(f"{self.endpoints.control}/simulator/stats")).json()

    async def pairs(self) -> list[list[str]]:
        return (await self.http.get(f"{self.endpoints.control}/simulator/pairs")).json()

    async def refresh(self) -> None:
        await self.behave()
        await self.http.post(f"{self.endpoints.control}/simulator/reset")

    async def behave(self, **knobs: Any) -> httpx.Response:
        return await self.http.post(f"{self.endpoints.control}/simulator/behaviour", json=knobs)

    # APNs

    @cached_property
    def one_token(self) -> str:
        """APNs refuses a sender that signs for each request."""
        return self.apns_token()

    def apns_token(self, *, key: str | None = None, header: dict[str, str] | None = None, **claims: Any) -> str:
        authority = self.authority
        body = merged({"iss": authority.team_id, "iat": int(time.time())}, claims)
        private = key or authority.apns_credential_body(TOPIC)["private_key"]
        return jwt.encode(body, private, "ES256", headers={"kid": authority.key_id} | (header or {}))

    def apns_headers(self, **changes: Any) -> dict[str, str]:
        """Names with `_` for `-`."""
        base = {
            "authorization": f"bearer {self.one_token}",
            "apns-topic": TOPIC,
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-expiration": str(int(time.time()) + 60),
            "apns-id": "123e4567-e89b-42d3-a456-426614174000",
            "apns-collapse-id": "one",
        }
        return merged(base, {name.replace("_", "-"): value for name, value in changes.items()})

    async def apns(
        self,
        payload: Any = None,
        headers: Any = None,
        *,
        device: str | None = None,
        path: str | None = None,
        method: str = "POST",
        host: str = "apns",
        http: httpx.AsyncClient | None = None,
    ) -> httpx.Response:
        payload = {"aps": {"alert": {"title": "Hi"}}, "m": "dlv_1", "t": "proof"} if payload is None else payload
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        own = device or self.device("apns", host=host)["token"]
        url = getattr(self.endpoints, host) + (path or f"/3/device/{own}")
        return await (http or self.http).request(method, url, content=body, headers=headers or self.apns_headers())

    # FCM

    def assertion(self, *, key: str | None = None, header: dict[str, str] | None = None, **claims: Any) -> str:
        account, now = self.authority.service_account(), int(time.time())
        base = {"iss": account["client_email"], "scope": SCOPE, "aud": account["token_uri"]}
        body = merged(base | {"iat": now, "exp": now + 3600}, claims)
        kid = {"kid": account["private_key_id"]} | (header or {})
        return jwt.encode(body, _rsa(key or account["private_key"]), "RS256", headers=kid)

    async def oauth(self, assertion: str | None = None, **changes: Any) -> httpx.Response:
        form = merged({"grant_type": GRANT, "assertion": assertion or self.assertion()}, changes)
        return await self.http.post(self.authority.service_account()["token_uri"], data=form)

    async def bearer(self, **claims: Any) -> dict[str, str]:
        token = (await self.oauth(self.assertion(**claims))).json()["access_token"]
        return {"authorization": f"Bearer {token}"}

    def fcm_message(self, **changes: Any) -> dict[str, Any]:
        base = {
            "token": self.device("fcm")["token"],
            "notification": {"title": "Hi", "body": "there"},
            "data": {"m": "dlv_2", "t": "proof"},
            "android": {"priority": "high", "ttl": "3600s", "notification": {"tag": "one", "channel_id": "promo"}},
        }
        return merged(base, changes)

    async def fcm(
        self, body: Any, headers: dict[str, str] | None = None, *, project: str = "tocsin-simulator"
    ) -> httpx.Response:
        fields = {"content-type": "application/json"} | (await self.bearer() if headers is None else headers)
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        url = f"{self.endpoints.fcm}/v1/projects/{project}/messages:send"
        return await self.http.post(url, content=content, headers=fields)

    async def topic_call(
        self,
        method: str,
        registration: str,
        rest: str = "",
        body: Any = None,
        *,
        project: str = "tocsin-simulator",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """On `…/topicSubscriptions` and what follows it."""
        place = f"/v1/projects/{project}/registrations/{registration}/topicSubscriptions{rest}"
        fields = {"content-type": "application/json"} | (await self.bearer() if headers is None else headers)
        content = None if body is None else orjson.dumps(body)
        return await self.http.request(method, self.endpoints.fcm + place, content=content, headers=fields)

    # Web Push

    def vapid_header(self, *, key: str | None = None, **claims: Any) -> str:
        base = {"aud": self.endpoints.webpush, "exp": int(time.time()) + 43_200, "sub": "mailto:push@example.com"}
        point = self.vapid.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        token = jwt.encode(merged(base, claims), self.vapid, "ES256")
        return f"vapid t={token}, k={b64url(point) if key is None else key}"

    def webpush_headers(self, **changes: Any) -> dict[str, str]:
        base = {
            "authorization": self.vapid_header(),
            "ttl": "60",
            "urgency": "normal",
            "topic": "one",
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
        }
        return merged(base, {name.replace("_", "-"): value for name, value in changes.items()})

    def encrypted(self, plaintext: bytes, subscription: dict[str, Any], **options: Any) -> bytes:
        keys = subscription["keys"]
        return http_ece.encrypt(
            plaintext,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=from_b64url(keys["p256dh"]),
            auth_secret=from_b64url(keys["auth"]),
            version="aes128gcm",
            **options,
        )

    async def webpush(
        self,
        message: Any = None,
        headers: dict[str, str] | None = None,
        *,
        body: bytes | None = None,
        subscription: dict[str, Any] | None = None,
    ) -> httpx.Response:
        subscription = subscription or self.device("webpush")["subscription"]
        if body is None:
            body = self.encrypted(orjson.dumps(declarative() if message is None else message), subscription)
        if headers is None:
            origin = subscription["endpoint"].partition("/wpush")[0]
            headers = self.webpush_headers(authorization=self.vapid_header(aud=origin))
        return await self.http.post(subscription["endpoint"], content=body, headers=headers)


@lru_cache
def _rsa(pem: str) -> Any:
    """Read without proving its primes each time, which is most of what a test would wait for."""
    return serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)


def declarative(around: dict[str, Any] | None = None, **notification: Any) -> dict[str, Any]:
    base = {"title": "Hi", "body": "there", "navigate": "https://example.com/sale", "tag": "one"}
    return {"web_push": 8030, "notification": merged(base, notification), "m": "dlv_3", "t": "proof"} | (around or {})


@contextlib.asynccontextmanager
async def running(
    directory: Path,
    base_url: str | None = None,
    behaviour: Behaviour | None = None,
    habits: Habits | None = None,
    port: int = 0,
) -> AsyncIterator[Simulator]:
    ready: asyncio.Future[Endpoints] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(directory, port, base_url, behaviour, on_ready=ready.set_result, habits=habits))
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    endpoints = ready.result()
    tls = ssl.create_default_context(cafile=endpoints.ca)
    try:
        async with httpx.AsyncClient(http2=True, http1=False, verify=tls, trust_env=False) as client:
            yield Simulator(Authority.load_or_create(directory, endpoints), endpoints, client, task)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
