"""Firebase Cloud Messaging, HTTP v1: messages and topics. Answers: `reply_tables.FCM`."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol
from urllib.parse import quote

import orjson

from backend.domain import topic as topics
from backend.domain.message import Address, Message
from backend.providers import replies
from backend.providers.base import Admission, Credential, HostReport, Outcome, OutcomeKind, Pause
from backend.providers.exchange import Answer
from backend.providers.fcm_body import LIMIT, TOPIC_LIMIT, counted, encode
from backend.providers.oauth import AccessTokens, NoToken
from backend.providers.sentences import FCM, verdict
from backend.providers.transport import NotSent, Transport, Unknown, split_url

__all__ = ["LIMIT", "TOPIC_LIMIT", "Fcm", "counted", "encode", "headers"]

_TIMEOUT = 30.0
_ORIGIN = "https://fcm.googleapis.com"
_HEADERS = (("content-type", "application/json"), ("x-goog-api-format-version", "2"))
"""The second asks for errors in the shape with `status` and `details`."""
_DRY_RUN = orjson.dumps({"validateOnly": True, "message": {"topic": "tocsin-verify", "data": {"k": "v"}}})


def headers(message: Message) -> list[tuple[str, str]]:
    """The same for every message: what FCM wants to know of one is in its body."""
    return list(_HEADERS)


class Read(Protocol):
    """Makes an outcome of an answer; `now` is epoch seconds."""

    def __call__(self, answer: Answer, *, now: float) -> Outcome: ...


class Fcm:
    """FCM acting with one service account; `tokens` are that account's."""

    def __init__(
        self,
        credential: Credential,
        transport: Transport,
        tokens: AccessTokens,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport, self._tokens, self._clock = transport, tokens, clock
        self._origin, base = split_url(credential.endpoint or _ORIGIN)
        self._project = f"{base.rstrip('/')}/v1/projects/{quote(credential.public['project_id'], safe='')}"
        self._messages = f"{self._project}/messages:send"

    def encode(self, message: Message, address: Address) -> bytes:
        return encode(message, address)

    async def send(self, body: bytes, message: Message, address: Address) -> Outcome:
        return await self._ask(replies.fcm, "POST", self._messages, body)

    async def subscribe(self, address: Address, topic: str, wanted: bool) -> Outcome:
        """Puts the device on a topic's list, or takes it off. A repeat is ACCEPTED too."""
        if problem := topics.problem(topic):
            return Outcome(OutcomeKind.FAILED, reason="bad_topic", raw=f"a topic's name {problem}")
        read = partial(replies.fcm_subscription, wanted=wanted)
        device = f"{self._project}/registrations/{quote(address.value, safe='')}/topicSubscriptions"
        name = quote(topic, safe="")
        if wanted:
            return await self._ask(read, "POST", f"{device}?topic_name={name}", b"{}")
        return await self._ask(read, "DELETE", f"{device}/{name}?allow_missing=true", b"")

    async def verify(self) -> str | None:
        outcome = await self._ask(replies.fcm, "POST", self._messages, _DRY_RUN)
        return None if outcome.kind is OutcomeKind.ACCEPTED else verdict(FCM, outcome)

    def admit(self, address: Address | None, wanted: int) -> Admission:
        if rest := self._tokens.rest():
            return Admission(0, rest)
        return self._transport.admit(self._origin, wanted)

    def hosts(self) -> Sequence[HostReport]:
        return self._transport.hosts()

    async def close(self) -> None:
        await self._tokens.close()
        await self._transport.close()

    async def _ask(self, read: Read, method: str, path: str, body: bytes) -> Outcome:
        """One request with a good token; where Google calls the token bad, once more with a new one."""
        try:
            token = await self._tokens.current()
            outcome = await self._once(read, method, path, body, token)
            if outcome.status == 401 and outcome.reason == "UNAUTHENTICATED":
                return await self._once(read, method, path, body, await self._tokens.renew(token))
        except NoToken as error:
            return _without_token(error)
        return outcome

    async def _once(self, read: Read, method: str, path: str, body: bytes, token: str) -> Outcome:
        sent = [("authorization", f"Bearer {token}"), *_HEADERS]
        try:
            answer = await self._transport.request(self._origin, path, sent, body, timeout=_TIMEOUT, method=method)
        except (NotSent, Unknown) as error:
            return replies.unanswered(error)
        return read(answer, now=self._clock())


def _without_token(error: NoToken) -> Outcome:
    raw = error.raw[:2_000]
    if error.temporary:
        return Outcome(OutcomeKind.RETRY, reason=error.reason, raw=raw, pause=Pause.HOST)
    ahead = error.clock_ahead
    return Outcome(OutcomeKind.BLOCKED, reason=error.reason, raw=raw, pause=Pause.LANE, clock_ahead=ahead)
