"""FCM HTTP v1: the bearer, the project, the message's schema and values, and Google's error bodies."""

import re
import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from backend.domain.vocabulary import ProviderName
from backend.simulator import fcm_rules, fcm_schema, oauth
from backend.simulator.authority import DEAD, PROJECT
from backend.simulator.control import json
from backend.simulator.fcm_schema import Violation
from backend.simulator.push import Push, Refused, button_ids
from backend.simulator.session import ProviderSession
from backend.simulator.tokens import AccessTokens, BadToken
from backend.simulator.wire import Reply, Request
from backend.simulator.world import World

_PATH = re.compile(r"/v1/projects/([^/]+)/messages:send")
_TOKEN = re.compile(r"(?:[A-Za-z0-9_-]{8,32}:)?APA91b[A-Za-z0-9_-]{100,300}")
_FID = re.compile(r"[c-f][A-Za-z0-9_-]{21}")
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_NO_CREDENTIALS = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or "
    "other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_BAD_CREDENTIALS = _NO_CREDENTIALS.replace(
    "Request is missing required authentication credential", "Request had invalid authentication credentials"
)

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_SENTENCE = {
    "INVALID_ARGUMENT": "The registration token is not a valid FCM registration token",
    "UNREGISTERED": "Requested entity was not found.",
    "NOT_FOUND": "Requested entity was not found.",
    "SENDER_ID_MISMATCH": "SenderId mismatch",
    "THIRD_PARTY_AUTH_ERROR": "Auth error from APNS or Web Push Service",
    "QUOTA_EXCEEDED": "Quota exceeded for quota metric 'Messages sent' of service 'fcm.googleapis.com'.",
    "INTERNAL": "Internal error encountered.",
    "UNAVAILABLE": "The service is currently unavailable.",
}
_FCM_CODES = {
    "INVALID_ARGUMENT",
    "UNREGISTERED",
    "SENDER_ID_MISMATCH",
    "THIRD_PARTY_AUTH_ERROR",
    "QUOTA_EXCEEDED",
    "INTERNAL",
    "UNAVAILABLE",
}


class BadRequest(Refused):
    """A wrong value of ours: 400 with google.rpc.BadRequest, never with FcmError."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(400, "INVALID_ARGUMENT", violations[0].description)
        self.violations = violations


class Unauthorised(Refused):
    """The access token is missing, foreign, old or too narrow."""

    def __init__(self, status: int, reason: str, sentence: str) -> None:
        super().__init__(status, _STATUS[status], sentence)
        self.info = reason


class FcmSession(ProviderSession):
    """One connection to FCM; the OAuth token endpoint answers on it too."""

    provider = ProviderName.FCM

    def __init__(self, world: World, tokens: AccessTokens) -> None:
        super().__init__(world)
        self._tokens = tokens

    def aside(self, request: Request) -> Reply | None:
        return oauth.answer(self.world, self._tokens, request) if request.path == oauth.PATH else None

    def check(self, request: Request) -> Push:
        project = _PATH.fullmatch(request.path)
        if project is None or request.method != "POST":
            raise Refused(404, "NOT_FOUND", f"{request.method} {request.path}")
        self._check_bearer(request.headers)
        if project[1] != PROJECT:
            raise Refused(404, "NOT_FOUND", f"project {project[1]}")
        body = _body(request)
        message = body.get("message", {})
        return _push(message, _target(message), dry=bool(body.get("validateOnly")))

    def _check_bearer(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Unauthorised(401, "CREDENTIALS_MISSING", _NO_CREDENTIALS)
        try:
            scope, expires = self._tokens.read(token)
        except BadToken as error:
            raise Unauthorised(401, "ACCESS_TOKEN_TYPE_UNSUPPORTED", _BAD_CREDENTIALS) from error
        if expires <= self.world.clock():
            raise Unauthorised(401, "ACCESS_TOKEN_EXPIRED", _BAD_CREDENTIALS)
        if not oauth.SCOPES & set(scope.split()):
            sentence = "Request had insufficient authentication scopes."
            raise Unauthorised(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", sentence)

    def welcome(self, request: Request, push: Push) -> Reply:
        name = "fake_message_id" if push.dry else f"0:{secrets.randbits(60)}%{secrets.token_hex(8)}"
        return json(200, {"name": f"projects/{PROJECT}/messages/{name}"})

    def refusal(self, request: Request, refused: Refused) -> Reply:
        headers = () if refused.retry_after is None else (("retry-after", str(refused.retry_after)),)
        return json(refused.status, {"error": _error(refused)}, *headers)


def _body(request: Request) -> dict[str, Any]:
    """The request's JSON, its fields in camelCase. Raises `BadRequest`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        raise BadRequest([Violation("", f"Invalid content type {kind!r}; application/json is needed.")])
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise BadRequest([Violation("", f"Invalid JSON payload received. {error}")]) from error
    wrong = fcm_schema.violations(body)
    if not wrong:
        body = fcm_schema.normal(body)
        wrong = fcm_rules.violations(body.get("message", {}))
    if wrong:
        raise BadRequest(wrong)
    normal: dict[str, Any] = body
    return normal


def _target(message: Mapping[str, Any]) -> str:
    """The device's address, or `topic:…` and `condition:…`. Raises `Refused` where it is malformed or dead."""
    kind = fcm_rules.target(message)
    value: str = message[kind]
    if kind in {"topic", "condition"}:
        return f"{kind}:{value}"
    # While Firebase moves to installation ids, `token` takes one as well.
    if not (_FID.fullmatch(value) or (kind == "token" and _TOKEN.fullmatch(value))):
        raise Refused(400, "INVALID_ARGUMENT", value[:80])
    if value.startswith(DEAD):
        raise Refused(404, "UNREGISTERED", "the app was removed from the device")
    return value


def _push(message: Mapping[str, Any], target: str, *, dry: bool) -> Push:
    data = message.get("data", {}) | message.get("android", {}).get("data", {})
    return Push(
        target,
        data.get("m", ""),
        data.get("t", ""),
        visible=_visible(message) or "title" in data or "body" in data,
        actions=button_ids(_list(data.get("actions", ""))),
        dry=dry,
    )


def _visible(message: Mapping[str, Any]) -> bool:
    android, web = message.get("android", {}), message.get("webpush", {})
    aps = message.get("apns", {}).get("payload", {}).get("aps")
    shown_on_ios = isinstance(aps, dict) and "alert" in aps
    return bool(message.get("notification") or android.get("notification") or web.get("notification") or shown_on_ios)


def _list(text: str) -> Any:
    """`data` holds text only: buttons are JSON inside it."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _error(refused: Refused) -> dict[str, Any]:
    status = _STATUS.get(refused.status, "UNKNOWN")
    sentence = refused.detail if isinstance(refused, BadRequest | Unauthorised) else _SENTENCE.get(refused.reason)
    details = _details(refused)
    error: dict[str, Any] = {"code": refused.status, "message": sentence or refused.reason, "status": status}
    return error | {"details": details} if details else error


def _details(refused: Refused) -> list[dict[str, Any]]:
    if isinstance(refused, BadRequest):
        violations = [
            {"field": each.field, "description": each.description} if each.field else {"description": each.description}
            for each in refused.violations
        ]
        return [{"@type": _BAD_REQUEST, "fieldViolations": violations}]
    if isinstance(refused, Unauthorised):
        service = {"service": "fcm.googleapis.com", "method": "google.firebase.fcm.v1.FcmService.SendMessage"}
        return [{"@type": _INFO, "reason": refused.info, "domain": "googleapis.com", "metadata": service}]
    details: list[dict[str, Any]] = []
    if refused.reason in _FCM_CODES:
        details.append({"@type": _FCM_ERROR, "errorCode": refused.reason})
    if refused.reason == "QUOTA_EXCEEDED":
        violation = {"subject": f"project:{PROJECT}", "description": "Message rate exceeded."}
        details.append({"@type": _QUOTA, "violations": [violation]})
    return details
