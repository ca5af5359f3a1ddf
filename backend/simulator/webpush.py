"""A push service and the browser behind it (RFC 8030, 8188, 8291, 8292); replies as Mozilla's autopush gives them."""

import re
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from backend.domain.vocabulary import ProviderName
from backend.simulator import declarative
from backend.simulator.authority import DEAD
from backend.simulator.control import json
from backend.simulator.encoding import from_b64url
from backend.simulator.encryption import Undecryptable, decrypt, open_envelope
from backend.simulator.ledger import Ledger
from backend.simulator.push import Push, Refused
from backend.simulator.session import ProviderSession
from backend.simulator.tokens import BadToken, read_claims, read_header, seconds
from backend.simulator.wire import Host, Reply, Request
from backend.simulator.world import World

_MORE = "http://autopush.readthedocs.io/en/latest/http.html#error-codes"
_PREFIX = "/wpush/v2/"
_PATH = re.compile(r"[A-Za-z0-9_-]{43}")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TTL = re.compile(r"[0-9]{1,10}")
_LONGEST_TTL = 2_592_000
_LIMIT = 4096
_DAY = 86_400
_CLOCK_SKEW = 60
_URGENCIES = {"very-low", "low", "normal", "high"}
_SALTS_KNOWN = 10_000
_TOKENS_KNOWN = 256

_ERRNO = {400: 110, 401: 109, 403: 109, 404: 102, 410: 106, 413: 104, 500: 999, 503: 201}
"""Autopush's own number of an error, where neither the check nor the fault says a closer one."""
_MISMATCH = (
    "the VAPID credentials in the authorization header do not correspond to the credentials used to create "
    "the subscriptions.\n"
)


class Declined(Refused):
    """A push service's no; `errno` is autopush's number."""

    def __init__(self, status: int, errno: int, detail: str) -> None:
        super().__init__(status, str(status), detail)
        self.errno = errno


class VapidTokens:
    """VAPID tokens whose signature was checked before, and salts seen lately, for all connections."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], dict[str, Any]] = {}
        self._salts: set[bytes] = set()
        self._order: deque[bytes] = deque()

    def claims(self, token: str, key: str, ledger: Ledger) -> dict[str, Any]:
        """The claims of a token signed by `key` (base64url of an uncompressed point). Raises `BadToken`."""
        claims = self._claims.get((token, key))
        if claims is None:
            claims = _read(token, key)
            if len(self._claims) >= _TOKENS_KNOWN:
                self._claims.clear()
            self._claims[token, key] = claims
            ledger.tokens[ProviderName.WEBPUSH] += 1
        return claims

    def use(self, salt: bytes) -> None:
        """Raises `Undecryptable` where the salt was used before."""
        if salt in self._salts:
            raise Undecryptable("the salt was used before")
        if len(self._order) >= _SALTS_KNOWN:
            self._salts.discard(self._order.popleft())
        self._order.append(salt)
        self._salts.add(salt)


def _read(token: str, key: str) -> dict[str, Any]:
    try:
        point = from_b64url(key)
        if len(point) != 65:
            raise BadToken(f"k has {len(point)} bytes, not 65")
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise BadToken(f"k is not a public key: {error}") from error
    read_header(token, "ES256")
    return read_claims(token, public, "ES256")


class WebPushSession(ProviderSession):
    """One connection to the push service."""

    provider = ProviderName.WEBPUSH

    def __init__(self, world: World, host: Host, tokens: VapidTokens) -> None:
        super().__init__(world, host)
        self._tokens = tokens

    def check(self, request: Request) -> Push:
        path = _subscription(request)
        self._check_vapid(request)
        _check_headers(request)
        if len(request.body) > _LIMIT:
            raise Declined(413, 104, f"{len(request.body)} bytes")
        if path.startswith(DEAD):
            raise Declined(410, 106, "No such subscription")
        return self._show(path, request)

    def _check_vapid(self, request: Request) -> None:
        """RFC 8292; `sub` as Apple and Mozilla want it."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "vapid":
            raise Declined(401, 109, "no vapid authorization")
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        try:
            claims = self._tokens.claims(parts.get("t", ""), parts.get("k", ""), self.world.ledger)
            _check_claims(claims, f"https://{request.authority}", self.here.now())
        except BadToken as error:
            raise Declined(401, 109, str(error)) from error

    def _show(self, path: str, request: Request) -> Push:
        try:
            envelope = open_envelope(request.body)
            plaintext = decrypt(envelope, self.world.authority.browser(path))
            self._tokens.use(envelope.salt)
            target = f"https://{request.authority}{request.path}"
            push = declarative.read(plaintext, target, request.headers.get("topic", ""))
            return replace(push, body=plaintext)
        except (Undecryptable, declarative.NotDeclarative) as error:
            raise Declined(400, 110, str(error)) from error

    def welcome(self, request: Request, push: Push) -> Reply:
        location = f"https://{request.authority}/m/{uuid.uuid4().hex}"
        return Reply(201, headers=(("location", location), ("ttl", request.headers["ttl"]), ("content-length", "0")))

    def refusal(self, request: Request, refused: Refused) -> Reply:
        status, reason, wait = refused.status, refused.reason, self.wait_header(refused)
        if reason == "mismatch":
            return Reply(status, _MISMATCH.encode(), (("content-type", "text/plain; charset=utf-8"), *wait))
        if not reason.isdecimal():
            return json(status, {"reason": reason}, *wait)
        body = {
            "code": status,
            "errno": refused.errno if isinstance(refused, Declined) else _errno(status, int(reason)),
            "error": HTTPStatus(status).phrase,
            "message": refused.detail,
            "more_info": _MORE,
        }
        keep = (("cache-control", "max-age=86400"),) if status == 410 else ()
        return json(status, body, *keep, *wait)


def _errno(status: int, reason: int) -> int | None:
    """A fault's reason is the number, or for want of one the status."""
    return _ERRNO.get(status) if reason == status else reason


def _subscription(request: Request) -> str:
    path = request.path.removeprefix(_PREFIX)
    if not request.path.startswith(_PREFIX) or not _PATH.fullmatch(path):
        raise Declined(404, 102, "Invalid token")
    if request.method != "POST":
        raise Refused(405, "405", request.method)
    if request.repeated:
        raise Declined(400, 110, f"repeated headers: {', '.join(sorted(request.repeated))}")
    return path


def _check_claims(claims: Mapping[str, Any], origin: str, now: float) -> None:
    if claims.get("aud") != origin:
        raise BadToken(f"aud is {claims.get('aud')!r}, not {origin}")
    expires = seconds(dict(claims), "exp")
    if expires <= now:
        raise BadToken(f"expired {now - expires:.0f} s ago")
    if expires > now + _DAY + _CLOCK_SKEW:
        raise BadToken("exp is more than 24 hours ahead")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.startswith(("mailto:", "https:")):
        raise BadToken(f"sub is {subject!r}, not mailto: or https:")
    if subject.removeprefix("mailto:").endswith("@localhost") or subject.startswith("https://localhost"):
        raise BadToken("sub is on localhost, which Apple refuses")


def _check_headers(request: Request) -> None:
    headers = request.headers
    ttl = headers.get("ttl")
    if ttl is None:
        raise Declined(400, 111, "Missing TTL value")
    if not _TTL.fullmatch(ttl) or int(ttl) > _LONGEST_TTL:
        raise Declined(400, 112, f"Invalid TTL {ttl}")
    topic = headers.get("topic")
    if topic is not None and not _TOPIC.fullmatch(topic):
        raise Declined(400, 113, f"Invalid topic {topic}")
    if headers.get("urgency", "normal") not in _URGENCIES:
        raise Declined(400, 110, f"Invalid urgency {headers['urgency']}")
    if headers.get("content-encoding") != "aes128gcm":
        raise Declined(400, 110, f"Unknown Content-Encoding {headers.get('content-encoding')}")
    if headers.get("content-type") != "application/octet-stream":
        raise Declined(400, 110, f"Content-Type is {headers.get('content-type')}")
    if "encryption" in headers or "crypto-key" in headers:
        raise Declined(400, 110, "Encryption and Crypto-Key belong to an older draft")
