"""Each status and reason has its row: what the sender does about it, and whether the address dies."""

from datetime import UTC, datetime

import orjson
import pytest

from backend.providers import replies
from backend.providers.base import OutcomeKind
from backend.providers.transport import AddressRefused, Answer, NotSent, Unknown

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
ACCEPTED, FAILED, RETRY, BLOCKED, UNKNOWN = (
    OutcomeKind.ACCEPTED, OutcomeKind.FAILED, OutcomeKind.RETRY, OutcomeKind.BLOCKED, OutcomeKind.UNKNOWN,
)  # fmt: skip

APNS = [
    (400, "BadCollapseId", FAILED, None),
    (400, "BadDeviceToken", FAILED, None),
    (400, "BadExpirationDate", FAILED, None),
    (400, "BadMessageId", FAILED, None),
    (400, "BadPriority", FAILED, None),
    (400, "BadTopic", BLOCKED, None),
    (400, "DeviceTokenNotForTopic", FAILED, None),
    (400, "DuplicateHeaders", FAILED, None),
    (400, "IdleTimeout", RETRY, None),
    (400, "InvalidPushType", FAILED, None),
    (400, "MissingDeviceToken", FAILED, None),
    (400, "MissingTopic", BLOCKED, None),
    (400, "PayloadEmpty", FAILED, None),
    (400, "TopicDisallowed", BLOCKED, None),
    (403, "BadCertificate", BLOCKED, None),
    (403, "BadCertificateEnvironment", BLOCKED, None),
    (403, "BadEnvironmentKeyIdInToken", BLOCKED, None),
    (403, "ExpiredProviderToken", BLOCKED, None),
    (403, "Forbidden", BLOCKED, None),
    (403, "InvalidProviderToken", BLOCKED, None),
    (403, "MissingProviderToken", BLOCKED, None),
    (403, "UnrelatedKeyIdInToken", BLOCKED, None),
    (404, "BadPath", FAILED, None),
    (405, "MethodNotAllowed", FAILED, None),
    (410, "ExpiredToken", FAILED, None),
    (410, "Unregistered", FAILED, None),
    (413, "PayloadTooLarge", FAILED, None),
    (429, "TooManyProviderTokenUpdates", RETRY, 1_200),
    (429, "TooManyRequests", RETRY, None),
    (500, "InternalServerError", RETRY, 900),
    (503, "ServiceUnavailable", RETRY, 900),
    (503, "Shutdown", RETRY, 900),
    (400, "SomethingNew", FAILED, None),
    (403, "SomethingNew", BLOCKED, None),
    (410, "SomethingNew", FAILED, None),
    (429, "SomethingNew", RETRY, None),
    (500, "SomethingNew", RETRY, 900),
    (502, "SomethingNew", RETRY, 900),
    (503, "SomethingNew", RETRY, 900),
    (504, "SomethingNew", RETRY, 900),
]


@pytest.mark.parametrize(("status", "reason", "kind", "wait"), APNS)
def test_apns(status: int, reason: str, kind: OutcomeKind, wait: float | None) -> None:
    body = orjson.dumps({"reason": reason, "timestamp": 1_763_000_000_123})
    outcome = replies.apns(Answer(status, {}, body), "ref", NOW)
    assert (outcome.kind, outcome.status, outcome.reason, outcome.retry_after) == (kind, status, reason, wait)
    gone = reason in {"Unregistered", "ExpiredToken"}
    assert outcome.prune is gone
    assert outcome.gone_at == (1_763_000_000.123 if gone else None)
    assert outcome.raw == body.decode()


def test_every_reason_of_apns_has_a_row() -> None:
    assert set(replies.APNS) <= {row[:2] for row in APNS}


def test_apns_accepted() -> None:
    outcome = replies.apns(Answer(200, {}, b""), "ref", NOW)
    assert (outcome.kind, outcome.ref, outcome.raw) == (ACCEPTED, "ref", "")


def fcm_error(status: int, word: str, code: str | None = None, *, bad_request: bool = False) -> bytes:
    details = []
    if code is not None:
        kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
        details.append({"@type": kind, "errorCode": code})
    if bad_request:
        violations = [{"field": "message.android.ttl", "description": "bad"}]
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
    return orjson.dumps({"error": {"code": status, "message": "…", "status": word, "details": details}})


FCM = [
    (400, fcm_error(400, "INVALID_ARGUMENT", bad_request=True), FAILED, "BadRequest", False, None),
    (400, fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), FAILED, "INVALID_ARGUMENT", False, None),
    (400, fcm_error(400, "INVALID_ARGUMENT"), FAILED, "INVALID_ARGUMENT", False, None),
    (401, fcm_error(401, "UNAUTHENTICATED"), BLOCKED, "UNAUTHENTICATED", False, None),
    (401, fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), BLOCKED, "THIRD_PARTY_AUTH_ERROR", False, None),
    (403, fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), FAILED, "SENDER_ID_MISMATCH", False, None),
    (403, fcm_error(403, "PERMISSION_DENIED"), BLOCKED, "PERMISSION_DENIED", False, None),
    (404, fcm_error(404, "NOT_FOUND", "UNREGISTERED"), FAILED, "UNREGISTERED", True, None),
    (404, fcm_error(404, "NOT_FOUND"), BLOCKED, "NOT_FOUND", False, None),
    (404, b"<html>not found</html>", BLOCKED, "404", False, None),
    (429, fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), RETRY, "QUOTA_EXCEEDED", False, 60),
    (429, fcm_error(429, "RESOURCE_EXHAUSTED"), RETRY, "RESOURCE_EXHAUSTED", False, 60),
    (429, b"", RETRY, "429", False, 60),
    (500, fcm_error(500, "INTERNAL", "INTERNAL"), RETRY, "INTERNAL", False, None),
    (502, b"bad gateway", RETRY, "502", False, None),
    (503, fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"), RETRY, "UNAVAILABLE", False, None),
    (504, b"", RETRY, "504", False, None),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason", "prune", "wait"), FCM)
def test_fcm(status: int, body: bytes, kind: OutcomeKind, reason: str, prune: bool, wait: float | None) -> None:
    outcome = replies.fcm(Answer(status, {}, body), NOW)
    assert (outcome.kind, outcome.reason, outcome.prune, outcome.retry_after) == (kind, reason, prune, wait)


def test_every_reason_of_fcm_has_a_row() -> None:
    assert set(replies.FCM) <= {(row[0], row[3]) for row in FCM}


def test_fcm_accepted() -> None:
    outcome = replies.fcm(Answer(200, {}, b'{"name":"projects/demo/messages/7"}'), NOW)
    assert (outcome.kind, outcome.ref) == (ACCEPTED, "projects/demo/messages/7")


WEBPUSH = [
    (200, ACCEPTED, False), (201, ACCEPTED, False), (202, ACCEPTED, False), (204, ACCEPTED, False),
    (301, FAILED, False), (400, FAILED, False), (401, FAILED, False), (403, FAILED, False),
    (404, FAILED, True), (410, FAILED, True), (413, FAILED, False), (429, RETRY, False),
    (500, RETRY, False), (502, RETRY, False), (503, RETRY, False), (504, RETRY, False), (0, UNKNOWN, False),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind", "prune"), WEBPUSH)
def test_webpush(status: int, kind: OutcomeKind, prune: bool) -> None:
    outcome = replies.webpush(Answer(status, {"location": "https://push/m/1"}, b"why"), NOW)
    assert (outcome.kind, outcome.prune) == (kind, prune)
    if kind is ACCEPTED:
        assert outcome.ref == "https://push/m/1"
    else:
        assert (outcome.reason, outcome.raw) == (str(status), "why")


def test_every_status_of_webpush_has_a_row() -> None:
    assert set(replies.WEBPUSH_STATUS) <= {row[0] for row in WEBPUSH}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        ("Sat, 21 Nov 2026 12:02:00 GMT", 120.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("99999999999", 86_400.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert replies.webpush(Answer(503, {"retry-after": value}, b""), NOW).retry_after == seconds


@pytest.mark.parametrize(("asked", "waits"), [("3", 10.0), ("25", 25.0), ("90", 90.0)])
def test_fcm_is_never_asked_again_within_ten_seconds(asked: str, waits: float) -> None:
    for status in (429, 503):
        assert replies.fcm(Answer(status, {"retry-after": asked}, b""), NOW).retry_after == waits


def test_apns_5xx_waits_at_least_a_quarter_of_an_hour() -> None:
    for asked, waits in (("5", 900.0), ("1000", 1_000.0)):
        assert replies.apns(Answer(503, {"retry-after": asked}, b"{}"), "r", NOW).retry_after == waits


def test_a_raw_reply_is_kept_short_and_readable() -> None:
    assert len(replies.webpush(Answer(400, {}, b"\xff" * 9_000), NOW).raw) == 2_000


def test_what_got_no_answer() -> None:
    assert replies.unanswered(NotSent("goaway NO_ERROR")).kind is RETRY
    assert replies.unanswered(AddressRefused("x")).reason == "not_sent"
    for reason, word in (
        ("timeout", "timeout"),
        ("protocol_error: bad", "protocol_error"),
        ("stream_reset 2", "stream_reset"),
    ):
        outcome = replies.unanswered(Unknown(reason))
        assert (outcome.kind, outcome.reason, outcome.raw, outcome.status) == (UNKNOWN, word, reason, 0)
