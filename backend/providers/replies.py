"""Answers read: what the provider says, and by the tables what that means."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from backend.providers import reply_tables as tables
from backend.providers.base import Outcome, OutcomeKind
from backend.providers.exchange import Answer, NotSent, Unknown
from backend.providers.reply_tables import Rule

_RAW = 2_000
_LONGEST_WAIT = 86_400.0
_LAST_MILLISECOND = 10**14
_PARTING = frozenset(status for (status, _), rule in tables.APNS.items() if rule.reconnect)
_SKEW = 60.0
"""Less than so many seconds between our clock and the peer's disturbs nobody."""


def apns(answer: Answer, ref: str, now: float) -> Outcome:
    """What an answer of APNs means; `ref` is the `apns-id` we sent, `now` epoch seconds."""
    reply = _json(answer) if answer.body else {}
    reason = _text(reply.get("reason")) or str(answer.status)
    rule = tables.APNS.get((answer.status, reason)) or tables.by_status(tables.APNS_STATUS, answer.status)
    gone_at = _moment(reply.get("timestamp")) if rule.prune else None
    return _outcome(answer, rule, reason, now, ref=ref, gone_at=gone_at)


def apns_parting(answer: Answer) -> bool:
    """Whether Apple says goodbye by it (`exchange.Parting`)."""
    if answer.status not in _PARTING:
        return False
    rule = tables.APNS.get((answer.status, _text(_json(answer).get("reason"))))
    return rule is not None and rule.reconnect


def fcm(answer: Answer, now: float) -> Outcome:
    """What FCM HTTP v1 says of a message; `now` is epoch seconds."""
    if answer.status == 200:
        return Outcome(OutcomeKind.ACCEPTED, 200, ref=_text(_json(answer).get("name")))
    return _fcm(answer, tables.FCM, tables.FCM_STATUS, now)


def fcm_subscription(answer: Answer, wanted: bool, now: float) -> Outcome:
    """What FCM HTTP v1 says of a topic's new subscription (`wanted`), or of the end of one."""
    if wanted:
        return _fcm(answer, tables.FCM_SUBSCRIBE, tables.FCM_SUBSCRIBE_STATUS, now)
    return _fcm(answer, tables.FCM_UNSUBSCRIBE, tables.FCM_UNSUBSCRIBE_STATUS, now)


def _fcm(answer: Answer, table: tables.ByReason, by_status: tables.ByStatus, now: float) -> Outcome:
    reason = _fcm_reason(_json(answer).get("error")) or str(answer.status)
    rule = table.get((answer.status, reason)) or tables.by_status(by_status, answer.status)
    return _outcome(answer, rule, reason, now)


def webpush(answer: Answer, now: float) -> Outcome:
    """What a push service's answer means; `now` is epoch seconds."""
    rule = tables.by_status(tables.WEBPUSH_STATUS, answer.status)
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
    at = _http_date(value)
    return None if at is None else min(max(at - now, 0.0), _LONGEST_WAIT)


def _http_date(text: str) -> float | None:
    """Epoch seconds."""
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC).timestamp()


def clock_ahead(headers: Mapping[str, str], now: float) -> float:
    """Seconds by which our clock is ahead of the peer's, by its `Date`; 0 when they agree or it gives none."""
    theirs = _http_date(headers.get("date", ""))
    ahead = 0.0 if theirs is None else now - theirs
    return ahead if abs(ahead) > _SKEW else 0.0


def _outcome(
    answer: Answer, rule: Rule, reason: str, now: float, *, ref: str = "", gone_at: float | None = None
) -> Outcome:
    if rule.kind is OutcomeKind.ACCEPTED:
        return Outcome(rule.kind, answer.status, ref=ref)
    raw = answer.body[: _RAW * 4].decode("utf-8", "replace")[:_RAW]
    wait = _wait(answer, rule, now) if rule.kind is OutcomeKind.RETRY else None
    ahead = clock_ahead(answer.headers, now) if rule.kind is OutcomeKind.BLOCKED else 0.0
    return Outcome(rule.kind, answer.status, reason, raw, ref, rule.prune, gone_at, wait, rule.pause, ahead)


def _moment(milliseconds: Any) -> float | None:
    """Epoch seconds; None for what is no time."""
    good = isinstance(milliseconds, int | float) and 0 <= milliseconds < _LAST_MILLISECOND
    return milliseconds / 1000 if good else None


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
