"""Each status and reason has its row: what the sender does about it, and whether the address dies."""

import json
import random
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.providers import replies
from backend.providers import reply_tables as tables
from backend.providers.base import OutcomeKind, Pause
from backend.providers.transport import AddressRefused, Answer, NotSent, Unknown

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
ACCEPTED, FAILED, RETRY, BLOCKED, UNKNOWN = (
    OutcomeKind.ACCEPTED, OutcomeKind.FAILED, OutcomeKind.RETRY, OutcomeKind.BLOCKED, OutcomeKind.UNKNOWN,
)  # fmt: skip
NOTHING, DEVICE, HOST, SIGNING, LANE = Pause.NOTHING, Pause.DEVICE, Pause.HOST, Pause.SIGNING, Pause.LANE

APNS = [
    (400, "BadCollapseId", FAILED, NOTHING, None),
    (400, "BadDeviceToken", FAILED, NOTHING, None),
    (400, "BadExpirationDate", FAILED, NOTHING, None),
    (400, "BadMessageId", FAILED, NOTHING, None),
    (400, "BadPriority", FAILED, NOTHING, None),
    (400, "BadTopic", BLOCKED, LANE, None),
    (400, "DeviceTokenNotForTopic", FAILED, NOTHING, None),
    (400, "DuplicateHeaders", FAILED, NOTHING, None),
    (400, "IdleTimeout", RETRY, NOTHING, None),
    (400, "InvalidPushType", FAILED, NOTHING, None),
    (400, "MissingDeviceToken", FAILED, NOTHING, None),
    (400, "MissingTopic", BLOCKED, LANE, None),
    (400, "PayloadEmpty", FAILED, NOTHING, None),
    (400, "TopicDisallowed", BLOCKED, LANE, None),
    (403, "BadCertificate", BLOCKED, LANE, None),
    (403, "BadCertificateEnvironment", BLOCKED, LANE, None),
    (403, "BadEnvironmentKeyIdInToken", BLOCKED, LANE, None),
    (403, "ExpiredProviderToken", BLOCKED, LANE, None),
    (403, "Forbidden", BLOCKED, LANE, None),
    (403, "InvalidProviderToken", BLOCKED, LANE, None),
    (403, "MissingProviderToken", BLOCKED, LANE, None),
    (403, "UnrelatedKeyIdInToken", BLOCKED, LANE, None),
    (404, "404", BLOCKED, LANE, None),
    (404, "BadPath", FAILED, NOTHING, None),
    (405, "405", BLOCKED, LANE, None),
    (405, "MethodNotAllowed", FAILED, NOTHING, None),
    (410, "ExpiredToken", FAILED, NOTHING, None),
    (410, "Unregistered", FAILED, NOTHING, None),
    (413, "PayloadTooLarge", FAILED, NOTHING, None),
    (429, "TooManyProviderTokenUpdates", RETRY, SIGNING, 1_200),
    (429, "TooManyRequests", RETRY, DEVICE, None),
    (500, "InternalServerError", RETRY, HOST, 900),
    (503, "ServiceUnavailable", RETRY, HOST, 900),
    (503, "Shutdown", RETRY, HOST, 900),
    (301, "SomethingNew", BLOCKED, LANE, None),
    (302, "SomethingNew", BLOCKED, LANE, None),
    (303, "SomethingNew", BLOCKED, LANE, None),
    (307, "SomethingNew", BLOCKED, LANE, None),
    (308, "SomethingNew", BLOCKED, LANE, None),
    (400, "SomethingNew", FAILED, NOTHING, None),
    (403, "SomethingNew", BLOCKED, LANE, None),
    (404, "SomethingNew", FAILED, NOTHING, None),
    (408, "SomethingNew", RETRY, NOTHING, None),
    (410, "SomethingNew", FAILED, NOTHING, None),
    (421, "SomethingNew", RETRY, NOTHING, None),
    (425, "SomethingNew", RETRY, NOTHING, None),
    (429, "SomethingNew", RETRY, DEVICE, None),
    (500, "SomethingNew", RETRY, HOST, 900),
    (502, "SomethingNew", RETRY, HOST, 900),
    (503, "SomethingNew", RETRY, HOST, 900),
    (504, "SomethingNew", RETRY, HOST, 900),
    (599, "SomethingNew", RETRY, HOST, None),
    (299, "SomethingNew", UNKNOWN, NOTHING, None),
]


@pytest.mark.parametrize(("status", "reason", "kind", "pause", "wait"), APNS)
def test_apns(status: int, reason: str, kind: OutcomeKind, pause: Pause, wait: float | None) -> None:
    said = {} if reason == str(status) else {"reason": reason}
    body = orjson.dumps({**said, "timestamp": 1_763_000_000_123})
    outcome = replies.apns(Answer(status, {}, body), "ref", NOW)
    assert (outcome.kind, outcome.status, outcome.reason, outcome.retry_after) == (kind, status, reason, wait)
    gone = reason in {"Unregistered", "ExpiredToken"}
    assert (outcome.prune, outcome.pause) == (gone, pause)
    assert outcome.gone_at == (1_763_000_000.123 if gone else None)
    assert outcome.raw == body.decode()


def test_every_reason_of_apns_has_a_row() -> None:
    assert set(tables.APNS) == {row[:2] for row in APNS if row[1] != "SomethingNew"}
    assert set(tables.APNS_STATUS) <= {row[0] for row in APNS if row[1] == "SomethingNew"} | {200}


def test_apns_says_on_which_answers_to_leave_the_connection() -> None:
    leaving = {reply for reply, rule in tables.APNS.items() if rule.reconnect}
    assert leaving == {(503, "Shutdown"), (400, "IdleTimeout"), (403, "UnrelatedKeyIdInToken")}


def test_apns_accepted() -> None:
    outcome = replies.apns(Answer(200, {}, b""), "ref", NOW)
    assert (outcome.kind, outcome.ref, outcome.raw) == (ACCEPTED, "ref", "")


@pytest.mark.parametrize("stamp", [None, "1763000000123", -1, 10**400, 1e400, [], {}])
def test_a_time_stamp_that_is_none_is_left_out(stamp: object) -> None:
    body = b'{"reason":"Unregistered","timestamp":%b}' % json.dumps(stamp).encode()
    outcome = replies.apns(Answer(410, {}, body), "ref", NOW)
    assert (outcome.kind, outcome.gone_at) == (FAILED, None)


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
    (400, fcm_error(400, "INVALID_ARGUMENT", bad_request=True), FAILED, "BadRequest", NOTHING, None),
    (400, fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), FAILED, "INVALID_ARGUMENT", NOTHING, None),
    (400, fcm_error(400, "INVALID_ARGUMENT"), FAILED, "INVALID_ARGUMENT", NOTHING, None),
    (401, fcm_error(401, "UNAUTHENTICATED"), BLOCKED, "UNAUTHENTICATED", LANE, None),
    (401, fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), BLOCKED, "THIRD_PARTY_AUTH_ERROR", LANE, None),
    (401, b"", BLOCKED, "401", LANE, None),
    (403, fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), FAILED, "SENDER_ID_MISMATCH", NOTHING, None),
    (403, fcm_error(403, "PERMISSION_DENIED"), BLOCKED, "PERMISSION_DENIED", LANE, None),
    (403, b"", BLOCKED, "403", LANE, None),
    (404, fcm_error(404, "NOT_FOUND", "UNREGISTERED"), FAILED, "UNREGISTERED", NOTHING, None),
    (404, fcm_error(404, "NOT_FOUND"), BLOCKED, "NOT_FOUND", LANE, None),
    (404, b"<html>not found</html>", BLOCKED, "404", LANE, None),
    (405, b"", BLOCKED, "405", LANE, None),
    (409, fcm_error(409, "ALREADY_EXISTS"), FAILED, "ALREADY_EXISTS", NOTHING, None),
    (429, fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), RETRY, "QUOTA_EXCEEDED", LANE, 60),
    (429, fcm_error(429, "RESOURCE_EXHAUSTED"), RETRY, "RESOURCE_EXHAUSTED", LANE, 60),
    (429, b"", RETRY, "429", LANE, 60),
    (500, fcm_error(500, "INTERNAL", "INTERNAL"), RETRY, "INTERNAL", HOST, None),
    (500, b"", RETRY, "500", HOST, None),
    (502, b"bad gateway", RETRY, "502", HOST, None),
    (503, fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"), RETRY, "UNAVAILABLE", HOST, None),
    (503, b"", RETRY, "503", HOST, None),
    (504, b"", RETRY, "504", HOST, None),
    (599, b"", RETRY, "599", HOST, None),
    *((status, b"", BLOCKED, str(status), LANE, None) for status in (301, 302, 303, 307, 308)),
    *((status, b"", RETRY, str(status), NOTHING, None) for status in (408, 421, 425)),
    (299, b"", UNKNOWN, "299", NOTHING, None),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason", "pause", "wait"), FCM)
def test_fcm(status: int, body: bytes, kind: OutcomeKind, reason: str, pause: Pause, wait: float | None) -> None:
    outcome = replies.fcm(Answer(status, {}, body), NOW)
    assert (outcome.kind, outcome.reason, outcome.pause, outcome.retry_after) == (kind, reason, pause, wait)
    assert outcome.prune is (reason == "UNREGISTERED")


def test_every_reason_of_fcm_has_a_row() -> None:
    assert set(tables.FCM) <= {(row[0], row[3]) for row in FCM}
    assert set(tables.FCM_STATUS) <= {row[0] for row in FCM if row[3] == str(row[0])} | {200}


def test_fcm_accepted() -> None:
    outcome = replies.fcm(Answer(200, {}, b'{"name":"projects/demo/messages/7"}'), NOW)
    assert (outcome.kind, outcome.ref) == (ACCEPTED, "projects/demo/messages/7")


SUBSCRIPTIONS = [
    (200, b"{}", ACCEPTED, ACCEPTED),
    (409, fcm_error(409, "ALREADY_EXISTS"), ACCEPTED, FAILED),
    (404, fcm_error(404, "NOT_FOUND"), FAILED, ACCEPTED),
    (404, fcm_error(404, "NOT_FOUND", "UNREGISTERED"), FAILED, ACCEPTED),
    (404, b"", BLOCKED, ACCEPTED),
    (400, fcm_error(400, "INVALID_ARGUMENT", bad_request=True), FAILED, FAILED),
    (401, fcm_error(401, "UNAUTHENTICATED"), BLOCKED, BLOCKED),
    (403, fcm_error(403, "PERMISSION_DENIED"), BLOCKED, BLOCKED),
    (429, fcm_error(429, "RESOURCE_EXHAUSTED"), RETRY, RETRY),
    (503, b"", RETRY, RETRY),
]


@pytest.mark.parametrize(("status", "body", "begun", "ended"), SUBSCRIPTIONS)
def test_fcm_subscription(status: int, body: bytes, begun: OutcomeKind, ended: OutcomeKind) -> None:
    start, end = (replies.fcm_subscription(Answer(status, {}, body), wanted, NOW) for wanted in (True, False))
    assert (start.kind, end.kind) == (begun, ended)
    assert (start.prune, end.prune) == (b"UNREGISTERED" in body, False)


WEBPUSH = [
    (200, ACCEPTED, NOTHING), (201, ACCEPTED, NOTHING), (202, ACCEPTED, NOTHING), (204, ACCEPTED, NOTHING),
    (301, FAILED, NOTHING), (400, FAILED, NOTHING), (401, FAILED, NOTHING), (403, FAILED, NOTHING),
    (404, FAILED, NOTHING), (408, RETRY, NOTHING), (410, FAILED, NOTHING), (413, FAILED, NOTHING),
    (421, RETRY, NOTHING), (425, RETRY, NOTHING), (429, RETRY, HOST), (500, RETRY, HOST), (502, RETRY, HOST),
    (503, RETRY, HOST), (504, RETRY, HOST), (0, UNKNOWN, NOTHING),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind", "pause"), WEBPUSH)
def test_webpush(status: int, kind: OutcomeKind, pause: Pause) -> None:
    outcome = replies.webpush(Answer(status, {"location": "https://push/m/1"}, b"why"), NOW)
    assert (outcome.kind, outcome.pause, outcome.prune) == (kind, pause, status in {404, 410})
    if kind is ACCEPTED:
        assert outcome.ref == "https://push/m/1"
    else:
        assert (outcome.reason, outcome.raw) == (str(status), "why")


def test_every_status_of_webpush_has_a_row() -> None:
    assert set(tables.WEBPUSH_STATUS) <= {row[0] for row in WEBPUSH}


GONE = [(410, "Unregistered"), (410, "ExpiredToken")]
WORDS = st.sampled_from(
    [word for _, word in tables.APNS]
    + [word for _, word in tables.FCM]
    + ["NOT_FOUND", "unregistered", "UNREGISTERED "]
)
STATUSES = st.one_of(st.sampled_from([400, 401, 403, 404, 408, 409, 410, 413, 429, 500, 503]), st.integers(-1, 999))
TYPES = st.sampled_from(["google.firebase.fcm.v1.FcmError", "google.rpc.BadRequest", "google.rpc.QuotaFailure", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | WORDS, inner, max_size=3),
    max_leaves=6,
)
DETAIL = st.fixed_dictionaries(
    {}, optional={"@type": TYPES.map(lambda t: f"type.googleapis.com/{t}") | JSON, "errorCode": WORDS | JSON}
)
REPLY = st.fixed_dictionaries(
    {},
    optional={
        "reason": WORDS | JSON,
        "timestamp": JSON,
        "error": st.fixed_dictionaries(
            {}, optional={"status": WORDS | JSON, "details": st.lists(DETAIL, max_size=3) | JSON}
        )
        | JSON,
    },
)
BODIES = REPLY.map(lambda reply: json.dumps(reply).encode()) | st.binary(max_size=40)
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date", "location"]), st.text(max_size=40), max_size=3)


def said(body: bytes) -> dict[str, Any]:
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return reply if isinstance(reply, dict) else {}


def fcm_calls_it_gone(status: int, body: bytes) -> bool:
    """By hand, apart from the code under test: 404 whose first FcmError says UNREGISTERED, or status alone does."""
    error = said(body).get("error")
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and str(detail.get("@type")).endswith("google.firebase.fcm.v1.FcmError"):
            code = detail.get("errorCode")
            return status == 404 and (code if isinstance(code, str) and code else error.get("status")) == "UNREGISTERED"
    kinds = [str(d.get("@type")) for d in details or () if isinstance(d, dict)] if isinstance(details, list) else []
    own = not any(kind.endswith("google.rpc.BadRequest") for kind in kinds)
    return own and status == 404 and isinstance(error, dict) and error.get("status") == "UNREGISTERED"


@settings(max_examples=100, deadline=None)
@given(STATUSES, BODIES, HEADERS)
def test_nothing_but_the_providers_own_word_prunes(status: int, body: bytes, headers: dict[str, str]) -> None:
    answer = Answer(status, headers, body)
    assert replies.apns(answer, "r", NOW).prune is ((status, said(body).get("reason")) in GONE)
    assert replies.fcm(answer, NOW).prune is fcm_calls_it_gone(status, body)
    assert replies.fcm_subscription(answer, True, NOW).prune is fcm_calls_it_gone(status, body)
    assert replies.fcm_subscription(answer, False, NOW).prune is False
    assert replies.webpush(answer, NOW).prune is (status in {404, 410})


@settings(deadline=None)
@given(st.sampled_from([400, 401, 403, 408, 429, 500, 502, 503, 504]), BODIES, HEADERS)
def test_refusals_and_failures_never_prune(status: int, body: bytes, headers: dict[str, str]) -> None:
    answer = Answer(status, headers, body)
    assert not any(
        outcome.prune
        for outcome in (replies.apns(answer, "r", NOW), replies.fcm(answer, NOW), replies.webpush(answer, NOW))
    )


@settings(deadline=None)
@given(STATUSES, BODIES, HEADERS)
def test_every_answer_makes_an_outcome_within_bounds(status: int, body: bytes, headers: dict[str, str]) -> None:
    answer = Answer(status, headers, body)
    for outcome in (replies.apns(answer, "r", NOW), replies.fcm(answer, NOW), replies.webpush(answer, NOW)):
        assert len(outcome.raw) <= 2_000
        assert outcome.retry_after is None or 0 <= outcome.retry_after <= 86_400
        assert outcome.gone_at is None or datetime.fromtimestamp(outcome.gone_at, UTC)


def test_ten_thousand_refusals_prune_nobody() -> None:
    """401, 403, 429, 5xx and silence, in each provider's own words."""
    rows = [
        *((replies.apns, s, orjson.dumps({"reason": r, "timestamp": 1})) for s, r in tables.APNS),
        *((replies.fcm, row[0], row[1]) for row in FCM),
        *((replies.webpush, row[0], b"") for row in WEBPUSH),
    ]
    refusals = [row for row in rows if row[1] in {401, 403, 429} or row[1] >= 500]
    seed, pruned = random.Random(1), 0
    for _ in range(10_000):
        read, status, body = seed.choice(refusals)
        answer = Answer(status, {}, body)
        pruned += (read(answer, "r", NOW) if read is replies.apns else read(answer, NOW)).prune
        pruned += replies.unanswered(seed.choice([Unknown("timeout"), NotSent("breaker_open")])).prune
    assert (pruned, len(refusals) > 30) == (0, True)


@pytest.mark.parametrize("answered", [Unknown("timeout"), NotSent("timeout"), Unknown("stream_reset 2")])
def test_silence_never_prunes(answered: Unknown | NotSent) -> None:
    assert replies.unanswered(answered).prune is False


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Sat, 21 Nov 2026 12:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2026 12:00:59 GMT", 0.0),
        ("Sat, 21 Nov 2026 12:10:00 GMT", -600.0),
        ("Sat, 21 Nov 2026 11:50:00 GMT", 600.0),
        ("yesterday", 0.0),
        ("", 0.0),
    ],
)
def test_a_refusal_tells_how_wrong_our_clock_is(date: str, ahead: float) -> None:
    body = b'{"reason":"InvalidProviderToken"}'
    assert replies.apns(Answer(403, {"date": date}, body), "r", NOW).clock_ahead == ahead
    assert replies.fcm(Answer(401, {"date": date}, b""), NOW).clock_ahead == ahead
    assert replies.apns(Answer(503, {"date": date}, b""), "r", NOW).clock_ahead == 0.0


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
