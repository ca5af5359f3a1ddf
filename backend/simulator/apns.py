"""APNs, as strict as Apple's documents: "Sending notification requests to APNs", "Handling notification
responses from APNs" and "Establishing a certificate-based connection to APNs"."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from backend.domain.vocabulary import Environment, ProviderName
from backend.simulator import apns_headers, apns_payload
from backend.simulator.authority import ALIVE, DEAD, SANDBOX, Authority
from backend.simulator.ledger import Ledger
from backend.simulator.push import Push, Refused, button_ids, collapse_of
from backend.simulator.push_certificates import PushCertificate
from backend.simulator.session import ProviderSession
from backend.simulator.tokens import BadToken, must_be, read_claims, read_header, seconds
from backend.simulator.wire import Host, Reply, Request
from backend.simulator.world import World

TOKEN_PAUSE = 1200
STREAMS = 1000
_CLOCK_SKEW = 60
_TOKENS_KNOWN = 64
_PATH = "/3/device/"
_DEVICE = re.compile(r"(?:[0-9a-f]{2}){32,100}", re.IGNORECASE)


class ApnsTokens:
    """Provider tokens whose signature was checked before, for all connections."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._issued: dict[str, float] = {}

    def issued(self, token: str, ledger: Ledger) -> float:
        """When a properly signed token was issued. Raises `Refused`."""
        at = self._issued.get(token)
        if at is None:
            at = self._check(token)
            if len(self._issued) >= _TOKENS_KNOWN:
                self._issued.clear()
            self._issued[token] = at
            ledger.tokens[ProviderName.APNS] += 1
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
    """One connection to APNs: one stream until a request carried a valid token, then a thousand.

    With a good certificate there are a thousand from the start, and no token is asked for.
    """

    provider = ProviderName.APNS

    def __init__(self, world: World, host: Host, tokens: ApnsTokens, certificate: bytes | None = None) -> None:
        super().__init__(world, host, 1)
        self._tokens = tokens
        self._seen: dict[str, float] = {}
        self._sandbox = host is Host.SANDBOX
        self._shown = PushCertificate.read(certificate) if certificate else None
        if self._shown is not None and self._certificate_problem(self._shown) is None:
            self._open_up()

    def _open_up(self) -> None:
        self.streams = self.here.knobs.streams or STREAMS

    def check(self, request: Request) -> Push:
        path = _path(request)
        headers = request.headers
        topic = headers.get("apns-topic", "")
        if self._shown is None:
            self._check_token(headers)
        else:
            topic = self._check_certificate(self._shown, topic)
        repeated = [name for name in request.repeated if name.startswith("apns-") or name == "authorization"]
        if repeated:
            raise Refused(400, "DuplicateHeaders", ", ".join(sorted(repeated)))
        apns_headers.check_values(headers)
        push_type = apns_headers.check_type(headers, topic)
        device = self._device(path)
        payload = _payload(request.body, push_type)
        apns_payload.check(payload, push_type)
        if device.startswith(DEAD):
            raise Refused(410, "Unregistered", "the app was removed from the device")
        return replace(_push(device, payload, headers.get("apns-collapse-id", "")), body=request.body)

    def _check_token(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(403, "MissingProviderToken", "no bearer token, and no certificate")
        here = self.here
        issued, now = self._tokens.issued(token, self.world.ledger), here.now()
        if issued < now - here.knobs.provider_token_seconds:
            raise Refused(403, "ExpiredProviderToken", f"issued {now - issued:.0f} s ago")
        if issued > now + _CLOCK_SKEW:
            raise Refused(403, "InvalidProviderToken", f"issued {issued - now:.0f} s in the future")
        if token not in self._seen:
            self._check_pace(token, issued)
        self._open_up()

    def _check_pace(self, token: str, issued: float) -> None:
        """Per connection: two sender processes may sign their own, one that signs for each request may not."""
        newest = max(self._seen.values(), default=None)
        if self.here.knobs.token_updates and newest is not None and issued - newest < TOKEN_PAUSE:
            raise Refused(429, "TooManyProviderTokenUpdates", f"the last one is {issued - newest:.0f} s older")
        if len(self._seen) >= _TOKENS_KNOWN:
            self._seen.clear()
        self._seen[token] = issued

    def _check_certificate(self, shown: PushCertificate, topic: str) -> str:
        """The topic that the request goes to. Raises `Refused`."""
        problem = self._certificate_problem(shown)
        if problem is not None:
            raise problem
        if not topic and len(shown.topics) == 1:
            return shown.topics[0]
        if topic and topic not in shown.topics:
            raise Refused(400, "TopicDisallowed", f"the certificate is for {', '.join(shown.topics)}")
        return topic

    def _certificate_problem(self, shown: PushCertificate) -> Refused | None:
        if not shown.topics or not shown.starts <= self.here.now() < shown.ends:
            return Refused(403, "BadCertificate", "it names no app, has expired or is not valid yet")
        environment = Environment.SANDBOX if self._sandbox else Environment.PRODUCTION
        if environment not in shown.environments:
            return Refused(403, "BadCertificateEnvironment", f"it is not for {environment}")
        return None

    def _device(self, device: str) -> str:
        if not device:
            raise Refused(400, "MissingDeviceToken")
        token = device.lower()
        if not _DEVICE.fullmatch(token) or token.startswith(ALIVE if self._sandbox else SANDBOX):
            raise Refused(400, "BadDeviceToken", device[:80])
        return token

    def welcome(self, request: Request, push: Push) -> Reply:
        identity = ("apns-id", _apns_id(request))
        unique = (("apns-unique-id", str(uuid.uuid4())),) if self._sandbox else ()
        return Reply(200, headers=(identity, *unique))

    def refusal(self, request: Request, refused: Refused) -> Reply:
        body: dict[str, Any] = {"reason": refused.reason}
        if refused.status == 410:
            here = self.here
            body["timestamp"] = int((here.now() - here.knobs.gone_seconds) * 1000)
        headers = (("apns-id", _apns_id(request)), ("content-type", "application/json"))
        return Reply(refused.status, orjson.dumps(body), (*headers, *self.wait_header(refused)))


def _path(request: Request) -> str:
    if request.method != "POST":
        raise Refused(405, "MethodNotAllowed", request.method)
    if not request.path.startswith(_PATH):
        raise Refused(404, "BadPath", request.path)
    return request.path.removeprefix(_PATH)


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


def _push(device: str, payload: Mapping[str, Any], collapse: str) -> Push:
    aps = payload.get("aps", {})
    return Push(
        device,
        _text(payload, "m"),
        _text(payload, "t"),
        collapse_of(collapse),
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
    return given if apns_headers.ID.fullmatch(given) else str(uuid.uuid4())
