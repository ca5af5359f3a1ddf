"""APNs, as strict as Apple's documents: "Sending notification requests to APNs" and "Handling notification
responses from APNs"."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from backend.domain.vocabulary import ProviderName
from backend.simulator import apns_payload
from backend.simulator.authority import DEAD, Authority
from backend.simulator.push import Push, Refused, button_ids
from backend.simulator.session import ProviderSession
from backend.simulator.tokens import BadToken, must_be, read_claims, read_header, seconds
from backend.simulator.wire import Reply, Request
from backend.simulator.world import World

TOKEN_LIFE = 3600
TOKEN_PAUSE = 1200
STREAMS = 1000
_CLOCK_SKEW = 60
_TOKENS_KNOWN = 64
_PATH = "/3/device/"
_DEVICE = re.compile(r"(?:[0-9a-f]{2}){32,100}", re.IGNORECASE)
_TOPIC = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGITS = re.compile(r"[0-9]{1,12}")

_SUFFIX: Mapping[str, str] = {
    "alert": "",
    "background": "",
    "complication": ".complication",
    "controls": ".push-type.controls",
    "fileprovider": ".pushkit.fileprovider",
    "liveactivity": ".push-type.liveactivity",
    "location": ".location-query",
    "mdm": "",
    "pushtotalk": ".voip-ptt",
    "voip": ".voip",
    "widgets": ".push-type.widgets",
}
_OTHER_SUFFIXES = tuple(suffix for suffix in _SUFFIX.values() if suffix)


class ApnsTokens:
    """Provider tokens whose signature was checked before, for all connections."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._issued: dict[str, float] = {}

    def issued(self, token: str) -> float:
        """When a properly signed token was issued. Raises `Refused`."""
        at = self._issued.get(token)
        if at is None:
            at = self._check(token)
            if len(self._issued) >= _TOKENS_KNOWN:
                self._issued.clear()
            self._issued[token] = at
        return at

    def _check(self, token: str) -> float:
        authority = self._authority
        try:
            must_be("kid", read_header(token, "ES256"), authority.key_id)
            claims = read_claims(token, authority.apns_public_key, "ES256")
            must_be("iss", claims, authority.team_id)
            return seconds(claims, "iat")
        except BadToken as error:
            raise Refused(403, "InvalidProviderToken", str(error)) from error


class ApnsSession(ProviderSession):
    """One connection to APNs: one stream until a request carried a valid token, then a thousand."""

    provider = ProviderName.APNS
    streams = 1

    def __init__(self, world: World, tokens: ApnsTokens) -> None:
        super().__init__(world)
        self._tokens = tokens
        self._seen: dict[str, float] = {}

    def check(self, request: Request) -> Push:
        path = _path(request)
        self._check_token(request.headers)
        headers = request.headers
        repeated = [name for name in request.repeated if name.startswith("apns-") or name == "authorization"]
        if repeated:
            raise Refused(400, "DuplicateHeaders", ", ".join(sorted(repeated)))
        _check_headers(headers)
        push_type = _check_type(headers)
        device = _device(path)
        payload = _payload(request.body, push_type)
        apns_payload.check(payload, push_type)
        if device.startswith(DEAD):
            raise Refused(410, "Unregistered", "the app was removed from the device")
        return _push(device, payload)

    def _check_token(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(403, "MissingProviderToken", "no bearer token")
        issued, now = self._tokens.issued(token), self.world.clock()
        if issued < now - TOKEN_LIFE:
            raise Refused(403, "ExpiredProviderToken", f"issued {now - issued:.0f} s ago")
        if issued > now + _CLOCK_SKEW:
            raise Refused(403, "InvalidProviderToken", f"issued {issued - now:.0f} s in the future")
        if token not in self._seen:
            self._check_pace(token, issued)
        self.streams = STREAMS

    def _check_pace(self, token: str, issued: float) -> None:
        """Per connection: two sender processes may sign their own, one that signs for each request may not."""
        newest = max(self._seen.values(), default=None)
        if self.world.behaviour.token_updates and newest is not None and issued - newest < TOKEN_PAUSE:
            raise Refused(429, "TooManyProviderTokenUpdates", f"the last one is {issued - newest:.0f} s older")
        if len(self._seen) >= _TOKENS_KNOWN:
            self._seen.clear()
        self._seen[token] = issued

    def welcome(self, request: Request, push: Push) -> Reply:
        return Reply(200, headers=(("apns-id", _apns_id(request)),))

    def refusal(self, request: Request, refused: Refused) -> Reply:
        body: dict[str, Any] = {"reason": refused.reason}
        if refused.status == 410:
            body["timestamp"] = int(self.world.clock() * 1000)
        headers = [("apns-id", _apns_id(request)), ("content-type", "application/json")]
        if refused.retry_after is not None:
            headers.append(("retry-after", str(refused.retry_after)))
        return Reply(refused.status, orjson.dumps(body), tuple(headers))


def _path(request: Request) -> str:
    if request.method != "POST":
        raise Refused(405, "MethodNotAllowed", request.method)
    if not request.path.startswith(_PATH):
        raise Refused(404, "BadPath", request.path)
    return request.path.removeprefix(_PATH)


def _device(device: str) -> str:
    if not device:
        raise Refused(400, "MissingDeviceToken")
    if not _DEVICE.fullmatch(device):
        raise Refused(400, "BadDeviceToken", device[:80])
    return device.lower()


def _check_headers(headers: Mapping[str, str]) -> None:
    identity = headers.get("apns-id")
    if identity is not None and not _ID.fullmatch(identity):
        raise Refused(400, "BadMessageId", identity)
    expiration = headers.get("apns-expiration")
    if expiration is not None and not _DIGITS.fullmatch(expiration):
        raise Refused(400, "BadExpirationDate", expiration)
    collapse = headers.get("apns-collapse-id")
    if collapse is not None and not 1 <= len(collapse.encode("latin-1")) <= 64:
        raise Refused(400, "BadCollapseId", collapse)
    priority = headers.get("apns-priority")
    if priority is not None and priority not in {"10", "5", "1"}:
        raise Refused(400, "BadPriority", priority)


def _check_type(headers: Mapping[str, str]) -> str:
    push_type, topic = headers.get("apns-push-type", ""), headers.get("apns-topic", "")
    if not topic:
        raise Refused(400, "MissingTopic")
    if not _TOPIC.fullmatch(topic):
        raise Refused(400, "BadTopic", topic)
    suffix = _SUFFIX.get(push_type)
    if suffix is None:
        raise Refused(400, "InvalidPushType", repr(push_type))
    if not topic.endswith(suffix) or (not suffix and topic.endswith(_OTHER_SUFFIXES)):
        raise Refused(400, "TopicDisallowed", f"{topic} for {push_type}")
    if push_type == "background" and headers.get("apns-priority", "10") != "5":
        raise Refused(400, "BadPriority", "background must have priority 5")
    return push_type


def _payload(body: bytes, push_type: str) -> dict[str, Any]:
    if not body:
        raise Refused(400, "PayloadEmpty")
    limit = 5120 if push_type == "voip" else 4096
    if len(body) > limit:
        raise Refused(413, "PayloadTooLarge", f"{len(body)} bytes")
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "BadPayload", str(error)) from error
    if not isinstance(payload, dict):
        raise Refused(400, "BadPayload", "not a JSON object")
    if not payload:
        raise Refused(400, "PayloadEmpty")
    return payload


def _push(device: str, payload: Mapping[str, Any]) -> Push:
    aps = payload.get("aps", {})
    return Push(
        device,
        _text(payload, "m"),
        _text(payload, "t"),
        visible="alert" in aps,
        actions=button_ids(payload.get("actions")),
    )


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name, "")
    if not isinstance(value, str):
        raise Refused(400, "BadPayload", f"{name} is not text")
    return value


def _apns_id(request: Request) -> str:
    given = request.headers.get("apns-id", "")
    return given if _ID.fullmatch(given) else str(uuid.uuid4())
