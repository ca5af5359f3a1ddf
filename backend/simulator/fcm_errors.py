"""Google's error bodies, as its documents and its users show them."""

from typing import Any

import orjson

from backend.simulator.authority import PROJECT
from backend.simulator.fcm_schema import Violation
from backend.simulator.push import Refused

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
_PERMISSION = "cloudmessaging.messages.create"

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_SENTENCE = {
    "ALREADY_EXISTS": "Requested entity already exists",
    "INVALID_ARGUMENT": "The registration token is not a valid FCM registration token",
    "UNREGISTERED": "Requested entity was not found.",
    "NOT_FOUND": "Requested entity was not found.",
    "PERMISSION_DENIED": (
        f"Permission '{_PERMISSION}' denied on resource "
        f"'//cloudresourcemanager.googleapis.com/projects/{PROJECT}' (or it may not exist)."
    ),
    "SERVICE_DISABLED": (
        f"Firebase Cloud Messaging API has not been used in project {PROJECT} before or it is disabled."
    ),
    "SENDER_ID_MISMATCH": "SenderId mismatch",
    "THIRD_PARTY_AUTH_ERROR": "Auth error from APNS or Web Push Service",
    "QUOTA_EXCEEDED": "Quota exceeded for quota metric 'Messages sent' of service 'fcm.googleapis.com'.",
    "RESOURCE_EXHAUSTED": "Resource has been exhausted (e.g. check quota).",
    "UNAUTHENTICATED": _BAD_CREDENTIALS,
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
_SERVICE = {"service": "fcm.googleapis.com", "method": "google.firebase.fcm.v1.FcmService.SendMessage"}
_INFOS = {
    "UNAUTHENTICATED": ("ACCESS_TOKEN_EXPIRED", "googleapis.com", _SERVICE),
    "PERMISSION_DENIED": (
        "IAM_PERMISSION_DENIED",
        "cloudresourcemanager.googleapis.com",
        {"resource": f"projects/{PROJECT}", "permission": _PERMISSION},
    ),
    "SERVICE_DISABLED": (
        "SERVICE_DISABLED",
        "googleapis.com",
        {"service": "fcm.googleapis.com", "consumer": f"projects/{PROJECT}"},
    ),
}


class BadRequest(Refused):
    """A wrong value of ours: 400 with google.rpc.BadRequest, never with FcmError."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(400, "INVALID_ARGUMENT", violations[0].description)
        self.violations = violations


class Unauthorised(Refused):
    """The access token is missing, foreign, old or too narrow; `info` is Google's word for it."""

    def __init__(self, status: int, info: str) -> None:
        sentence = {
            "CREDENTIALS_MISSING": _NO_CREDENTIALS,
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "Request had insufficient authentication scopes.",
        }.get(info, _BAD_CREDENTIALS)
        super().__init__(status, _STATUS[status], sentence)
        self.info = info


def wrong(field: str, description: str) -> BadRequest:
    """A refusal for one wrong value."""
    return BadRequest([Violation(field, description)])


def body(refused: Refused) -> tuple[str, bytes]:
    """Content type and body. What Google's front end answers for its servers is a page of HTML."""
    if refused.status not in _STATUS:
        return "text/html; charset=UTF-8", _page(refused.status)
    return "application/json; charset=UTF-8", orjson.dumps({"error": _error(refused)})


def _page(status: int) -> bytes:
    title = f"Error {status} (Server Error)!!1"
    return f"<!DOCTYPE html>\n<html lang=en>\n<title>{title}</title>\n<p><b>{status}.</b> That’s an error.\n".encode()


def _error(refused: Refused) -> dict[str, Any]:
    said = refused.detail if isinstance(refused, BadRequest | Unauthorised) else _SENTENCE.get(refused.reason)
    if refused.reason == "BadRequest":
        said = "Request contains an invalid argument."
    error: dict[str, Any] = {
        "code": refused.status,
        "message": said or refused.reason,
        "status": _STATUS[refused.status],
    }
    details = _details(refused)
    return error | {"details": details} if details else error


def _details(refused: Refused) -> list[dict[str, Any]]:
    if isinstance(refused, BadRequest):
        return [_bad_request(refused.violations)]
    if isinstance(refused, Unauthorised):
        return [_info(refused.info, "googleapis.com", _SERVICE)]
    reason = refused.reason
    details: list[dict[str, Any]] = []
    if reason == "BadRequest":
        details.append(_bad_request([Violation("message", "Request contains an invalid argument.")]))
    if reason in _INFOS:
        details.append(_info(*_INFOS[reason]))
    if reason in _FCM_CODES:
        details.append({"@type": _FCM_ERROR, "errorCode": reason})
    if reason in {"QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"}:
        violation = {"subject": f"project:{PROJECT}", "description": "Message rate exceeded."}
        details.append({"@type": _QUOTA, "violations": [violation]})
    return details


def _bad_request(violations: list[Violation]) -> dict[str, Any]:
    shown = [
        {"field": each.field, "description": each.description} if each.field else {"description": each.description}
        for each in violations
    ]
    return {"@type": _BAD_REQUEST, "fieldViolations": shown}


def _info(reason: str, domain: str, metadata: dict[str, str]) -> dict[str, Any]:
    return {"@type": _INFO, "reason": reason, "domain": domain, "metadata": metadata}
