"""What a provider's answer makes of a delivery: its next state, its next try, its record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backend.domain.retry import MAX_TRIES, Waits
from backend.domain.vocabulary import DeliveryState, OnUnknown
from backend.providers.base import Outcome, OutcomeKind
from backend.queries.deliveries import Result
from backend.services.runs import Ready, RunContext, deadline


@dataclass(frozen=True, slots=True)
class Fate:
    """`retry_at` is set when the row waits for a further try; its chunk is not known yet."""

    result: Result
    retry_at: datetime | None = None
    attempt: Mapping[str, Any] | None = None
    prune: tuple[int, str, datetime | None] | None = None


def fate(ready: Ready, outcome: Outcome, context: RunContext, waits: Waits, now: datetime) -> Fate:
    """What becomes of one delivery after the provider's answer, or after none came."""
    if outcome.kind is OutcomeKind.ACCEPTED:
        return Fate(Result(ready.id, DeliveryState.ACCEPTED, provider_ref=outcome.ref or None))
    if outcome.kind is OutcomeKind.FAILED:
        return _failed(ready, outcome, now)
    if outcome.kind is OutcomeKind.BLOCKED:
        back = Result(ready.id, DeliveryState.PLANNED, reason=outcome.reason)
        return Fate(back, attempt=_attempt(ready, outcome, now))
    if outcome.kind is OutcomeKind.UNKNOWN and context.on_unknown is OnUnknown.NEVER_TWICE:
        unknown = Result(ready.id, DeliveryState.UNKNOWN, reason=outcome.reason, maybe_sent=True)
        return Fate(unknown, attempt=_attempt(ready, outcome, now))
    return _again(ready, outcome, context, waits, now)


def _failed(ready: Ready, outcome: Outcome, now: datetime) -> Fate:
    since = datetime.fromtimestamp(outcome.gone_at, UTC) if outcome.gone_at is not None else None
    return Fate(
        Result(ready.id, DeliveryState.FAILED, reason=_reason(outcome)),
        attempt=_attempt(ready, outcome, now),
        prune=(ready.device_id, _reason(outcome), since) if outcome.prune else None,
    )


def _again(ready: Ready, outcome: Outcome, context: RunContext, waits: Waits, now: datetime) -> Fate:
    """One more try, unless it would come too late or there have been too many."""
    wait = waits.seconds(ready.address.provider, outcome.status, ready.attempts, outcome.retry_after)
    at = waits.moment(now, wait)
    answered = outcome.status != 0
    maybe = outcome.kind is OutcomeKind.UNKNOWN
    if at > deadline(ready, context.policy.not_after):
        ended = Result(ready.id, DeliveryState.EXPIRED, reason=_reason(outcome), maybe_sent=maybe)
        return Fate(ended, attempt=_attempt(ready, outcome, now))
    if answered and ready.attempts + 1 >= MAX_TRIES:
        ended = Result(ready.id, DeliveryState.FAILED, reason=_reason(outcome), maybe_sent=maybe)
        return Fate(ended, attempt=_attempt(ready, outcome, now))
    again = Result(ready.id, DeliveryState.PLANNED, reason=_reason(outcome), maybe_sent=maybe)
    return Fate(again, retry_at=at, attempt=_attempt(ready, outcome, now, at))


def _reason(outcome: Outcome) -> str:
    return (outcome.reason or str(outcome.status))[:64]


def _attempt(ready: Ready, outcome: Outcome, now: datetime, retry_at: datetime | None = None) -> dict[str, Any]:
    return {
        "delivery_id": ready.id,
        "at": now,
        "number": ready.attempts + 1,
        "outcome": outcome.kind,
        "status": outcome.status,
        "reason": _reason(outcome),
        "raw": outcome.raw[:2000],
        "retry_at": retry_at,
    }
