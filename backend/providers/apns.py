"""Apple Push Notification service over HTTP/2, with a provider token or a TLS client certificate.

Headers and payload: Apple, "Sending notification requests to APNs" and "Generating a remote
notification". Answers: `reply_tables.APNS`.
"""

import hashlib
import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from backend.domain.message import Address, Message
from backend.domain.vocabulary import Priority
from backend.providers import options, replies
from backend.providers.apns_token import ProviderTokens
from backend.providers.base import Admission, Credential, HostReport, Outcome, OutcomeKind, Pause, TooLarge
from backend.providers.naming import collapse_id
from backend.providers.sentences import APNS, verdict
from backend.providers.transport import NotSent, Transport, Unknown, split_url

LIMIT = 4_096
_TIMEOUT = 30.0
_ONE_ASKS = 60.0
_NOBODY = "not-a-device-token"
_ORIGINS = {"production": "https://api.push.apple.com", "sandbox": "https://api.sandbox.push.apple.com"}


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
        "mutable-content": _for_the_extension(own),
    } | options.aps(own)
    return {name: value for name, value in fields.items() if value is not None and value not in ({}, "")}


def _for_the_extension(own: Mapping[str, Any]) -> int | None:
    """The app's service extension adds picture and buttons and reports the delivery: it is woken unless the campaign says no."""
    return None if own.get("mutable_content") is False else 1


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


def identified(message: Message) -> list[tuple[str, str]]:
    """The same with the delivery's id."""
    return [("apns-id", _id_of(message.m)), *headers(message)]


def _id_of(m: str) -> str:
    """The delivery's `apns-id`, the same at each try: a canonical lower-case UUID (RFC 9562, version 8)."""
    h = hashlib.blake2b(m.encode(), digest_size=16, person=b"tocsin apns-id").hexdigest()
    return f"{h[:8]}-{h[8:12]}-8{h[13:16]}-a{h[17:20]}-{h[20:]}"


class Apns:
    """APNs acting with one key or certificate, topic and environment. `clock` gives epoch seconds.

    Where the credential has a certificate, `transport` must show it to its peers.
    """

    def __init__(self, credential: Credential, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._transport, self._clock = transport, clock
        self._origin, base = split_url(credential.endpoint or _ORIGINS[credential.environment])
        self._path = f"{base.rstrip('/')}/3/device/"
        self._topic = credential.public["topic"]
        self._tokens = _tokens(credential, clock)
        self._certificate_ends = _certificate_ends(credential)
        self._token_refused_at: float | None = None

    def encode(self, message: Message, address: Address) -> bytes:
        return encode(message, address)

    async def send(self, body: bytes, message: Message, address: Address) -> Outcome:
        fields = identified(message)
        return await self._send(body, address.value, fields, ref=fields[0][1])

    async def verify(self) -> str | None:
        body = orjson.dumps({"aps": {"alert": "?"}})
        ref = str(uuid.uuid4())
        fields = [("apns-id", ref), ("apns-push-type", "alert"), ("apns-expiration", "0")]
        outcome = await self._send(body, _NOBODY, fields, ref)
        if outcome.kind is OutcomeKind.ACCEPTED or outcome.reason == "BadDeviceToken":
            return None
        return verdict(APNS, outcome)

    def admit(self, address: Address | None, wanted: int) -> Admission:
        """While Apple finds that our tokens change too often, one request a minute asks whether it still does."""
        if self._token_refused_at is not None:
            rest = self._token_refused_at + _ONE_ASKS - self._clock()
            if rest > 0:
                return Admission(0, rest)
            wanted = min(wanted, 1)
        return self._transport.admit(self._origin, wanted)

    def hosts(self) -> Sequence[HostReport]:
        return self._transport.hosts()

    async def close(self) -> None:
        await self._transport.close()

    async def _send(self, body: bytes, device: str, fields: list[tuple[str, str]], ref: str) -> Outcome:
        if self._tokens is None:
            return await self._by_certificate(body, device, fields, ref)
        token = self._tokens.current()
        outcome = await self._by_token(body, device, fields, ref, token)
        if outcome.reason == "ExpiredProviderToken" and self._tokens.renew(token):
            return await self._by_token(body, device, fields, ref, self._tokens.current())
        if outcome.pause is Pause.SIGNING and self._tokens.go_back(token):
            return await self._by_token(body, device, fields, ref, self._tokens.current())
        return outcome

    async def _by_certificate(self, body: bytes, device: str, fields: list[tuple[str, str]], ref: str) -> Outcome:
        if self._clock() >= self._certificate_ends:
            return Outcome(OutcomeKind.BLOCKED, reason="certificate_expired", pause=Pause.LANE)
        return await self._once(body, device, fields, ref)

    async def _by_token(self, body: bytes, device: str, fields: list[tuple[str, str]], ref: str, token: str) -> Outcome:
        outcome = await self._once(body, device, [("authorization", f"bearer {token}"), *fields], ref)
        if outcome.pause is Pause.SIGNING:
            self._token_refused_at = self._clock()
        elif outcome.status:
            self._token_refused_at = None
        return outcome

    async def _once(self, body: bytes, device: str, fields: list[tuple[str, str]], ref: str) -> Outcome:
        path = self._path + quote(device, safe="")
        try:
            answer = await self._transport.request(
                self._origin, path, [("apns-topic", self._topic), *fields], body, timeout=_TIMEOUT
            )
        except (NotSent, Unknown) as error:
            return replies.unanswered(error)
        return replies.apns(answer, ref, self._clock())


def _tokens(credential: Credential, clock: Callable[[], float]) -> ProviderTokens | None:
    """The signer of a credential with a key, None for one with a certificate."""
    public, secret = credential.public, credential.secret
    if "certificate" in secret:
        return None
    return ProviderTokens(public["team_id"], public["key_id"], secret["private_key"], clock)


def _certificate_ends(credential: Credential) -> float:
    """Epoch seconds."""
    ends = credential.public.get("expires_at")
    return datetime.fromisoformat(ends).timestamp() if ends else math.inf
