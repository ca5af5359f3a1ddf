"""Web Push: RFC 8030, encrypted (RFC 8291), signed by VAPID (RFC 8292), in the Declarative Web Push shape.

Safari shows that shape without any script; our service worker reads the same fields elsewhere. Shape:
W3C Push API, "declarative push message". Answers: `reply_tables.WEBPUSH_STATUS`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jwt
import orjson

from backend.domain.message import Action, Address, Message
from backend.providers import options, replies
from backend.providers.base import Admission, Credential, HostReport, Outcome, OutcomeKind, TooLarge
from backend.providers.naming import topic
from backend.providers.push_hosts import PushHosts
from backend.providers.transport import AddressRefused, NotSent, Transport, Unknown, split_url
from backend.providers.webpush_crypto import (
    PLAINTEXT_LIMIT,
    encrypt,
    from_b64url,
    public_of,
    vapid_key,
    vapid_token,
)

LIMIT = PLAINTEXT_LIMIT
LONGEST_TTL = 2_419_200
_TIMEOUT = 30.0
_VAPID_LIFE = 12 * 3_600
_VAPID_RENEWAL = 6 * 3_600
_MANY_ORIGINS = 1_000
_DECLARATIVE = 8030


def encode(message: Message, address: Address) -> bytes:
    """The plaintext that is encrypted for the browser. Raises `TooLarge` above 3 993 bytes.

    A silent message has no `notification`, so it is not declarative and only our service worker reads it.
    """
    body = orjson.dumps(_silent(message) if message.silent else _declarative(message))
    if len(body) > LIMIT:
        raise TooLarge(len(body), LIMIT)
    return body


def _silent(message: Message) -> dict[str, Any]:
    return {"silent": True, "data": dict(message.data), "m": message.m, "t": message.t}


def _declarative(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"web_push": _DECLARATIVE, "notification": _notification(message)}
    if message.badge is not None:
        made["app_badge"] = message.badge
    return {**made, "m": message.m, "t": message.t}


def _notification(message: Message) -> dict[str, Any]:
    """A title is required there; a message without one shows its body in its place."""
    own = message.options
    fields = {
        "title": message.title or message.body,
        "body": message.body if message.title else "",
        "navigate": message.link,
        "lang": message.locale,
        "dir": own.get("dir"),
        "tag": message.collapse_key or message.identity,
        "icon": own.get("icon"),
        "image": message.image,
        "requireInteraction": own.get("require_interaction"),
        "actions": [_button(action, message.link) for action in message.actions],
        "data": dict(message.data),
    } | options.web(own)
    return {name: value for name, value in fields.items() if value}


def _button(action: Action, link: str | None) -> dict[str, str]:
    fields = {"action": action.id, "title": action.title, "navigate": action.link or link, "icon": action.icon}
    return {name: value for name, value in fields.items() if value}


def headers(message: Message) -> list[tuple[str, str]]:
    """What the push service wants to know about the message."""
    return [
        ("ttl", str(min(max(message.ttl_seconds, 0), LONGEST_TTL))),
        ("urgency", options.urgency(message)),
        ("topic", topic(message.collapse_key or message.identity)),
        ("content-encoding", "aes128gcm"),
        ("content-type", "application/octet-stream"),
    ]


class WebPush:
    """Web Push acting with one application server key, to the hosts that `hosts` allows."""

    def __init__(
        self,
        credential: Credential,
        transport: Transport,
        hosts: PushHosts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport, self._hosts, self._clock = transport, hosts, clock
        self._key = vapid_key(credential.secret["private_key"])
        self._public = credential.public["public_key"]
        self._subject = credential.public["subject"]
        self._signed: dict[str, tuple[float, str]] = {}

    def encode(self, message: Message, address: Address) -> bytes:
        return encode(message, address)

    async def send(self, body: bytes, message: Message, address: Address) -> Outcome:
        problem = self._hosts.problem(address.value)
        if problem is not None:
            return Outcome(OutcomeKind.FAILED, reason="host_not_allowed", raw=problem)
        try:
            sealed = encrypt(body, from_b64url(address.p256dh), from_b64url(address.auth))
        except ValueError as error:
            return Outcome(OutcomeKind.FAILED, reason="bad_subscription", raw=str(error))
        origin, path = split_url(address.value)
        sent = [("authorization", self._authorization(origin)), *headers(message)]
        try:
            answer = await self._transport.request(origin, path or "/", sent, sealed, timeout=_TIMEOUT)
        except AddressRefused as error:
            return Outcome(OutcomeKind.FAILED, reason="host_not_allowed", raw=error.reason)
        except (NotSent, Unknown) as error:
            return replies.unanswered(error)
        return replies.webpush(answer, self._clock())

    async def verify(self) -> str | None:
        """Push services know no keys in advance, so all there is to check is that the pair is a pair."""
        if public_of(self._key) != self._public:
            return "The public key does not belong to the private key."
        signed = vapid_token(self._key, "https://example.org", self._subject, int(self._clock()) + 60)
        options: Any = {"verify_aud": False, "verify_exp": False}
        jwt.decode(signed, self._key.public_key(), algorithms=["ES256"], options=options)
        return None

    def admit(self, address: Address | None, wanted: int) -> Admission:
        """Each push service's host has its own measure; the lane as a whole has none."""
        origin = None if address is None else _origin(address.value)
        return Admission(wanted) if origin is None else self._transport.admit(origin, wanted)

    def hosts(self) -> Sequence[HostReport]:
        return self._transport.hosts()

    async def close(self) -> None:
        await self._transport.close()

    def _authorization(self, origin: str) -> str:
        """Signed once an origin and kept for hours."""
        now = self._clock()
        until, value = self._signed.get(origin, (0.0, ""))
        if now < until:
            return value
        if len(self._signed) >= _MANY_ORIGINS:
            self._signed.clear()
        signed = vapid_token(self._key, origin, self._subject, int(now) + _VAPID_LIFE)
        value = f"vapid t={signed}, k={self._public}"
        self._signed[origin] = (now + _VAPID_RENEWAL, value)
        return value


def _origin(endpoint: str) -> str | None:
    """None for an endpoint that `send` will refuse."""
    try:
        return split_url(endpoint)[0]
    except ValueError:
        return None
