"""Firebase Cloud Messaging, HTTP v1. Body: Google's discovery document `fcm.v1`. Answers: `replies.FCM`."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from backend.domain.message import Address, Message
from backend.domain.vocabulary import AddressKind, Platform, Priority
from backend.providers import apns, options, replies
from backend.providers.base import Credential, Outcome, OutcomeKind, TooLarge
from backend.providers.naming import topic
from backend.providers.oauth import AccessTokens, NoToken
from backend.providers.transport import NotSent, Transport, Unknown, split_url

LIMIT = 4_096
LONGEST_TTL = 2_419_200
_TIMEOUT = 30.0
_ORIGIN = "https://fcm.googleapis.com"
_DRY_RUN = orjson.dumps({"validateOnly": True, "message": {"topic": "tocsin-verify", "data": {"k": "v"}}})

_WRONG = {
    "invalid_grant": "Google does not accept the service account's key, or the clock of this machine is wrong.",
    "NOT_FOUND": "There is no such Firebase project.",
    "PERMISSION_DENIED": "The service account may not send, or the Firebase Cloud Messaging API is not enabled.",
    "THIRD_PARTY_AUTH_ERROR": "The APNs or Web Push key that is stored in Firebase is wrong.",
    "token_unreachable": "Google's token service cannot be reached.",
    "UNAUTHENTICATED": "Google does not accept the access token it has just given.",
}


def encode(message: Message, address: Address) -> bytes:
    """The request body. Raises `TooLarge` when the message, without the device's address, is over 4 096 bytes."""
    inner = orjson.dumps(_message(message))
    if len(inner) > LIMIT:
        raise TooLarge(len(inner), LIMIT)
    target = b"fid" if address.kind is AddressKind.FID else b"token"
    return b'{"message":{"%b":%b,%b}' % (target, orjson.dumps(address.value), inner[1:])


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"data": _data(message)}
    if message.platform is Platform.IOS:
        made["apns"] = _apns(message)
    elif message.platform is Platform.WEB:
        made["webpush"] = _webpush(message)
    else:
        made["android"] = _android(message)
        if _shown_by_system(message):
            made["notification"] = _texts(message)
    return made


def _shown_by_system(message: Message) -> bool:
    return not message.silent and message.options.get("mode", "notification") == "notification"


def _data(message: Message) -> dict[str, str]:
    """What the app's code reads; in data mode that is the whole message. All values are strings."""
    shown = {"link": message.link}
    if message.platform is Platform.IOS:
        shown |= {"image": message.image, "actions": _actions(message)}
    elif message.platform is Platform.ANDROID and not message.silent and not _shown_by_system(message):
        shown |= _data_only(message)
    return {**message.data, **{k: v for k, v in shown.items() if v}, "m": message.m, "t": message.t}


def _data_only(message: Message) -> dict[str, str | None]:
    return {
        "title": message.title,
        "subtitle": message.subtitle,
        "body": message.body,
        "image": message.image,
        "actions": _actions(message),
        "tag": _tag(message),
        "thread": message.thread,
        "channel_id": message.options.get("channel_id"),
        "sound": message.sound,
        "badge": None if message.badge is None else str(message.badge),
    }


def _actions(message: Message) -> str | None:
    actions = apns.extras(message).get("actions")
    return orjson.dumps(actions).decode() if actions else None


def _tag(message: Message) -> str:
    return message.collapse_key or message.identity


def _texts(message: Message) -> dict[str, str]:
    texts = {"title": message.title, "body": message.body, "image": message.image}
    return {name: text for name, text in texts.items() if text}


def _ttl(message: Message) -> int:
    return min(max(message.ttl_seconds, 0), LONGEST_TTL)


def _android(message: Message) -> dict[str, Any]:
    urgent = message.priority is Priority.HIGH and not message.silent
    made: dict[str, Any] = {"priority": "HIGH" if urgent else "NORMAL", "ttl": f"{_ttl(message)}s"}
    if message.collapse_key:
        made["collapseKey"] = message.collapse_key
    made |= options.android(message.options)
    if _shown_by_system(message):
        shown = {
            "tag": _tag(message),
            "channelId": message.options.get("channel_id"),
            "sound": message.sound,
            "notificationCount": message.badge,
        }
        fields = {name: value for name, value in shown.items() if value not in (None, "")}
        made["notification"] = fields | options.android_notification(message.options)
    return made


def _apns(message: Message) -> dict[str, Any]:
    return {"headers": dict(apns.headers(message)), "payload": {"aps": apns.aps(message)}}


def _webpush(message: Message) -> dict[str, Any]:
    urgency = options.urgency(message.options, message.priority is Priority.HIGH)
    made: dict[str, Any] = {"headers": {"TTL": str(_ttl(message)), "Urgency": urgency, "Topic": topic(_tag(message))}}
    if not message.silent:
        shown: dict[str, Any] = {**_texts(message), "tag": _tag(message), "lang": message.locale}
        if message.options.get("require_interaction"):
            shown["requireInteraction"] = True
        if message.actions:
            shown["actions"] = [{"action": a.id, "title": a.title} for a in message.actions]
        looks = {name: message.options.get(name) for name in ("dir", "icon")} | options.web(message.options)
        made["notification"] = {name: value for name, value in (shown | looks).items() if value}
    if message.link and message.link.startswith("https://"):
        made["fcmOptions"] = {"link": message.link}
    return made


class Fcm:
    """FCM acting with one service account. `ca` are PEM bundles for Google's token service."""

    def __init__(
        self,
        credential: Credential,
        transport: Transport,
        ca: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport, self._clock = transport, clock
        self._origin, base = split_url(credential.endpoint or _ORIGIN)
        project = quote(credential.public["project_id"], safe="")
        self._path = f"{base.rstrip('/')}/v1/projects/{project}/messages:send"
        account: Mapping[str, Any] = orjson.loads(credential.secret["service_account"])
        self._tokens = AccessTokens(account, ca, clock)

    def encode(self, message: Message, address: Address) -> bytes:
        return encode(message, address)

    async def send(self, body: bytes, message: Message, address: Address) -> Outcome:
        return await self._send(body)

    async def verify(self) -> str | None:
        outcome = await self._send(_DRY_RUN)
        if outcome.kind is OutcomeKind.ACCEPTED:
            return None
        said = outcome.reason if outcome.status else outcome.raw
        return _WRONG.get(outcome.reason, f"Google did not take a test request: {said}.")

    async def close(self) -> None:
        await self._tokens.close()
        await self._transport.close()

    async def _send(self, body: bytes) -> Outcome:
        try:
            token = await self._tokens.current()
            outcome = await self._once(body, token)
            if outcome.status == 401 and outcome.reason == "UNAUTHENTICATED":
                return await self._once(body, await self._tokens.renew(token))
        except NoToken as error:
            kind = OutcomeKind.RETRY if error.temporary else OutcomeKind.BLOCKED
            return Outcome(kind, reason=error.reason, raw=error.raw[:2_000])
        return outcome

    async def _once(self, body: bytes, token: str) -> Outcome:
        sent = [("authorization", f"Bearer {token}"), ("content-type", "application/json")]
        try:
            answer = await self._transport.request(self._origin, self._path, sent, body, timeout=_TIMEOUT)
        except (NotSent, Unknown) as error:
            return replies.unanswered(error)
        return replies.fcm(answer, self._clock())
