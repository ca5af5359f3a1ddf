"""Apple Push Notification service over HTTP/2 with a provider token.

Headers and payload: Apple, "Sending notification requests to APNs" and "Generating a remote
notification". Answers: `replies.APNS`.
"""

import hashlib
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson

from backend.domain.message import Address, Message
from backend.domain.vocabulary import Priority
from backend.providers import options, replies
from backend.providers.apns_token import ProviderTokens
from backend.providers.base import Credential, Outcome, OutcomeKind, TooLarge
from backend.providers.naming import collapse_id
from backend.providers.transport import NotSent, Transport, Unknown, split_url

LIMIT = 4_096
_TIMEOUT = 30.0
_NOBODY = "not-a-device-token"
_ORIGINS = {"production": "https://api.push.apple.com", "sandbox": "https://api.sandbox.push.apple.com"}

_WRONG = {
    "BadCertificateEnvironment": "The certificate belongs to the other environment.",
    "BadEnvironmentKeyIdInToken": "The key belongs to the other environment (sandbox or production).",
    "BadTopic": "Apple does not accept the topic: it must be the app's bundle id.",
    "ExpiredProviderToken": "Apple calls a fresh token expired: the clock of this machine is wrong.",
    "InvalidProviderToken": "Apple does not believe the token: the team id, the key id or the key is wrong"
    " or revoked, or the clock of this machine is wrong.",
    "TopicDisallowed": "The key must not send to this topic.",
    "UnrelatedKeyIdInToken": "Apple does not know the key id for this team.",
}


def encode(message: Message, address: Address) -> bytes:
    """The payload: `aps`, and beside it the message's data, `m` and `t`, `image`, `link` and `actions`.

    Raises `TooLarge` above 4 096 bytes.
    """
    payload: dict[str, Any] = {**message.data, "aps": aps(message), "m": message.m, "t": message.t}
    payload.update(extras(message))
    body = orjson.dumps(payload)
    if len(body) > LIMIT:
        raise TooLarge(len(body), LIMIT)
    return body


def aps(message: Message) -> dict[str, Any]:
    """Apple's own part of the payload; also sent to iOS through FCM."""
    if message.silent:
        return {"content-available": 1}
    own = message.options
    alert = {"title": message.title, "subtitle": message.subtitle, "body": message.body}
    fields = {
        "alert": {name: text for name, text in alert.items() if text} | options.alert(own),
        "badge": message.badge,
        "sound": options.sound(message.sound, own),
        "thread-id": message.thread,
        "category": own.get("action_category"),
        "interruption-level": own.get("interruption_level"),
        "relevance-score": own.get("relevance_score"),
        "mutable-content": 1 if message.image else None,
    } | options.aps(own)
    return {name: value for name, value in fields.items() if value is not None and value not in ({}, "")}


def extras(message: Message) -> dict[str, Any]:
    """What the app and its notification service extension read: picture, target, buttons."""
    found: dict[str, Any] = {}
    if message.image:
        found["image"] = message.image
    if message.link:
        found["link"] = message.link
    if message.actions:
        found["actions"] = [
            {"id": a.id, "title": a.title} | ({"link": a.link} if a.link else {}) for a in message.actions
        ]
    return found


def headers(message: Message) -> list[tuple[str, str]]:
    """What APNs wants to know about the message, but for topic and authorization."""
    urgent = message.priority is Priority.HIGH and not message.silent
    ends = int(message.expires_at.timestamp()) if message.ttl_seconds > 0 else 0
    return [
        ("apns-push-type", "background" if message.silent else "alert"),
        ("apns-priority", "10" if urgent else "5"),
        ("apns-expiration", str(ends)),
        ("apns-collapse-id", collapse_id(message.collapse_key or message.identity)),
    ]


def _id_of(m: str) -> str:
    """The delivery's `apns-id`, the same at each try: a canonical lower-case UUID (RFC 9562, version 8)."""
    h = hashlib.blake2b(m.encode(), digest_size=16, person=b"tocsin apns-id").hexdigest()
    return f"{h[:8]}-{h[8:12]}-8{h[13:16]}-a{h[17:20]}-{h[20:]}"


class Apns:
    """APNs acting with one key, topic and environment. `clock` gives epoch seconds."""

    def __init__(self, credential: Credential, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._transport, self._clock = transport, clock
        self._origin, base = split_url(credential.endpoint or _ORIGINS[credential.environment])
        self._base = base.rstrip("/")
        self._topic = credential.public["topic"]
        public = credential.public
        self._tokens = ProviderTokens(public["team_id"], public["key_id"], credential.secret["private_key"], clock)

    def encode(self, message: Message, address: Address) -> bytes:
        return encode(message, address)

    async def send(self, body: bytes, message: Message, address: Address) -> Outcome:
        ref = _id_of(message.m)
        fields = [("apns-id", ref), *headers(message)]
        return await self._send(body, address.value, fields, ref)

    async def verify(self) -> str | None:
        body = orjson.dumps({"aps": {"alert": "?"}})
        ref = str(uuid.uuid4())
        fields = [("apns-id", ref), ("apns-push-type", "alert"), ("apns-expiration", "0")]
        outcome = await self._send(body, _NOBODY, fields, ref)
        if outcome.kind is OutcomeKind.ACCEPTED or outcome.reason == "BadDeviceToken":
            return None
        said = outcome.reason if outcome.status else outcome.raw
        return _WRONG.get(outcome.reason, f"Apple did not take a test request: {said}.")

    async def close(self) -> None:
        await self._transport.close()

    async def _send(self, body: bytes, device: str, fields: list[tuple[str, str]], ref: str) -> Outcome:
        token = self._tokens.current()
        outcome = await self._once(body, device, fields, ref, token)
        if outcome.reason == "ExpiredProviderToken" and self._tokens.renew(token):
            return await self._once(body, device, fields, ref, self._tokens.current())
        return outcome

    async def _once(self, body: bytes, device: str, fields: list[tuple[str, str]], ref: str, token: str) -> Outcome:
        sent = [("authorization", f"bearer {token}"), ("apns-topic", self._topic), *fields]
        path = f"{self._base}/3/device/{quote(device, safe='')}"
        try:
            answer = await self._transport.request(self._origin, path, sent, body, timeout=_TIMEOUT)
        except (NotSent, Unknown) as error:
            return replies.unanswered(error)
        return replies.apns(answer, ref, self._clock())
