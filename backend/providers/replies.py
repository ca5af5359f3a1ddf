"""Which answer means what. The tables are the policy; one test row stands behind each line of them.

Only an explicit "this address is gone" prunes: APNs 410, FCM UNREGISTERED, Web Push 404 and 410.
Sources: Apple, "Handling notification responses from APNs"; Firebase, "FCM error codes" and "Best
practices when sending at scale"; RFC 8030 and Mozilla autopush's error table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from backend.providers.base import Outcome, OutcomeKind
from backend.providers.exchange import Answer, NotSent, Unknown

_RAW = 2_000
_LONGEST_WAIT = 86_400.0

_APNS_5XX_WAIT = 900.0
"""Apple: "after 15 minutes you can retry"."""
_APNS_SIGNING_WAIT = 1_200.0
"""Provider tokens may change once in 20 minutes."""
_FCM_QUOTA_WAIT = 60.0
_FCM_LEAST_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Seconds before the next try: what the peer asks for, else `wait`; never less than `least`."""

    kind: OutcomeKind
    prune: bool = False
    wait: float | None = None
    least: float = 0.0


ACCEPTED = Rule(OutcomeKind.ACCEPTED)
FAILED = Rule(OutcomeKind.FAILED)
GONE = Rule(OutcomeKind.FAILED, prune=True)
BLOCKED = Rule(OutcomeKind.BLOCKED)
RETRY = Rule(OutcomeKind.RETRY)
APNS_DOWN = Rule(OutcomeKind.RETRY, wait=_APNS_5XX_WAIT, least=_APNS_5XX_WAIT)
APNS_SIGNING = Rule(OutcomeKind.RETRY, wait=_APNS_SIGNING_WAIT, least=_APNS_SIGNING_WAIT)
FCM_DOWN = Rule(OutcomeKind.RETRY, least=_FCM_LEAST_WAIT)
FCM_QUOTA = Rule(OutcomeKind.RETRY, wait=_FCM_QUOTA_WAIT, least=_FCM_LEAST_WAIT)

APNS: Mapping[tuple[int, str], Rule] = {
    (400, "BadCollapseId"): FAILED,
    (400, "BadDeviceToken"): FAILED,
    (400, "BadExpirationDate"): FAILED,
    (400, "BadMessageId"): FAILED,
    (400, "BadPriority"): FAILED,
    (400, "BadTopic"): BLOCKED,
    (400, "DeviceTokenNotForTopic"): FAILED,
    (400, "DuplicateHeaders"): FAILED,
    (400, "IdleTimeout"): RETRY,
    (400, "InvalidPushType"): FAILED,
    (400, "MissingDeviceToken"): FAILED,
    (400, "MissingTopic"): BLOCKED,
    (400, "PayloadEmpty"): FAILED,
    (400, "TopicDisallowed"): BLOCKED,
    (403, "BadCertificate"): BLOCKED,
    (403, "BadCertificateEnvironment"): BLOCKED,
    (403, "BadEnvironmentKeyIdInToken"): BLOCKED,
    (403, "ExpiredProviderToken"): BLOCKED,
    (403, "Forbidden"): BLOCKED,
    (403, "InvalidProviderToken"): BLOCKED,
    (403, "MissingProviderToken"): BLOCKED,
    (403, "UnrelatedKeyIdInToken"): BLOCKED,
    (404, "BadPath"): FAILED,
    (405, "MethodNotAllowed"): FAILED,
    (410, "ExpiredToken"): GONE,
    (410, "Unregistered"): GONE,
    (413, "PayloadTooLarge"): FAILED,
    (429, "TooManyProviderTokenUpdates"): APNS_SIGNING,
    (429, "TooManyRequests"): RETRY,
    (500, "InternalServerError"): APNS_DOWN,
    (503, "ServiceUnavailable"): APNS_DOWN,
    (503, "Shutdown"): APNS_DOWN,
}
APNS_STATUS: Mapping[int, Rule] = {
    200: ACCEPTED,
    403: BLOCKED,
    429: RETRY,
    500: APNS_DOWN,
    502: APNS_DOWN,
    503: APNS_DOWN,
    504: APNS_DOWN,
}
"""For reasons that Apple has not written down."""

FCM: Mapping[tuple[int, str], Rule] = {
    (400, "BadRequest"): FAILED,
    (400, "INVALID_ARGUMENT"): FAILED,
    (401, "THIRD_PARTY_AUTH_ERROR"): BLOCKED,
    (401, "UNAUTHENTICATED"): BLOCKED,
    (403, "PERMISSION_DENIED"): BLOCKED,
    (403, "SENDER_ID_MISMATCH"): FAILED,
    (404, "NOT_FOUND"): BLOCKED,
    (404, "UNREGISTERED"): GONE,
    (429, "QUOTA_EXCEEDED"): FCM_QUOTA,
    (429, "RESOURCE_EXHAUSTED"): FCM_QUOTA,
    (500, "INTERNAL"): FCM_DOWN,
    (503, "UNAVAILABLE"): FCM_DOWN,
}
FCM_STATUS: Mapping[int, Rule] = {
    200: ACCEPTED,
    401: BLOCKED,
    403: BLOCKED,
    404: BLOCKED,
    429: FCM_QUOTA,
    500: FCM_DOWN,
    502: FCM_DOWN,
    503: FCM_DOWN,
    504: FCM_DOWN,
}

WEBPUSH_STATUS: Mapping[int, Rule] = {
    200: ACCEPTED,
    201: ACCEPTED,
    202: ACCEPTED,
    204: ACCEPTED,
    400: FAILED,
    401: FAILED,
    403: FAILED,
    404: GONE,
    410: GONE,
    413: FAILED,
    429: RETRY,
    500: RETRY,
    502: RETRY,
    503: RETRY,
    504: RETRY,
}
"""401 and 403 do not block the lane: anybody may register a subscription made with another key, and
must not be able to stop everybody's pushes by it."""


def apns(answer: Answer, ref: str, now: float) -> Outcome:
    """What an answer of APNs means; `ref` is the `apns-id` we sent, `now` epoch seconds."""
    reply = _json(answer) if answer.body else {}
    reason = _text(reply.get("reason")) or str(answer.status)
    rule = APNS.get((answer.status, reason)) or _by_status(APNS_STATUS, answer.status)
    stamp = reply.get("timestamp")
    gone_at = stamp / 1000 if rule.prune and isinstance(stamp, int | float) else None
    return _outcome(answer, rule, reason, now, ref=ref, gone_at=gone_at)


def fcm(answer: Answer, now: float) -> Outcome:
    """What an answer of FCM HTTP v1 means; `now` is epoch seconds."""
    reply = _json(answer)
    if answer.status == 200:
        return Outcome(OutcomeKind.ACCEPTED, 200, ref=_text(reply.get("name")))
    reason = _fcm_reason(reply.get("error")) or str(answer.status)
    rule = FCM.get((answer.status, reason)) or _by_status(FCM_STATUS, answer.status)
    return _outcome(answer, rule, reason, now)


def webpush(answer: Answer, now: float) -> Outcome:
    """What a push service's answer means; `now` is epoch seconds."""
    rule = _by_status(WEBPUSH_STATUS, answer.status)
    ref = answer.headers.get("location", "")[:200]
    return _outcome(answer, rule, str(answer.status), now, ref=ref)


def unanswered(error: NotSent | Unknown) -> Outcome:
    """The outcome of a request that got no answer."""
    if isinstance(error, NotSent):
        return Outcome(OutcomeKind.RETRY, reason="not_sent", raw=error.reason[:_RAW])
    word = error.reason.split()[0].rstrip(":")
    return Outcome(OutcomeKind.UNKNOWN, reason=word, raw=error.reason[:_RAW])


def retry_after(answer: Answer, now: float) -> float | None:
    """Seconds from now, of either form of `Retry-After` (RFC 9110 10.2.3); None where there is none."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(float(value), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    wait = at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now
    return min(max(wait, 0.0), _LONGEST_WAIT)


def _by_status(table: Mapping[int, Rule], status: int) -> Rule:
    """A status that no table knows: the class decides, and what is no HTTP status is unknown."""
    if status in table:
        return table[status]
    if 300 <= status < 500:
        return FAILED
    return RETRY if status >= 500 else Rule(OutcomeKind.UNKNOWN)


def _outcome(
    answer: Answer, rule: Rule, reason: str, now: float, *, ref: str = "", gone_at: float | None = None
) -> Outcome:
    if rule.kind is OutcomeKind.ACCEPTED:
        return Outcome(rule.kind, answer.status, ref=ref)
    raw = answer.body[: _RAW * 4].decode("utf-8", "replace")[:_RAW]
    wait = _wait(answer, rule, now) if rule.kind is OutcomeKind.RETRY else None
    return Outcome(rule.kind, answer.status, reason, raw, ref, rule.prune, gone_at, wait)


def _wait(answer: Answer, rule: Rule, now: float) -> float | None:
    asked = retry_after(answer, now)
    wait = rule.wait if asked is None else asked
    return None if wait is None else max(wait, rule.least)


def _json(answer: Answer) -> dict[str, Any]:
    try:
        reply = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return reply if isinstance(reply, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _fcm_reason(error: Any) -> str:
    """FCM's own error code first, else `BadRequest` where our message is at fault, else the status."""
    if not isinstance(error, dict):
        return ""
    details = error.get("details")
    kinds = [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []
    for detail in kinds:
        if _text(detail.get("@type")).endswith("google.firebase.fcm.v1.FcmError"):
            return _text(detail.get("errorCode")) or _text(error.get("status"))
    if any(_text(detail.get("@type")).endswith("google.rpc.BadRequest") for detail in kinds):
        return "BadRequest"
    return _text(error.get("status"))
