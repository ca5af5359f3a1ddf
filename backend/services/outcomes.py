"""What a provider's answer makes of a delivery: its next state, its next try, its record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backend.domain.retry import MAX_TRIES, Waits
from backend.domain.vocabulary import DeliveryState, OnUnknown
from backend.providers.base import Outcome, OutcomeKind
from backend.queries.results import Result
from backend.services.runs import Ready, RunContext, deadline

HELD_BACK = frozenset({"breaker_open", "closed", "stalled"})
"""Why a request has not left us that we held back ourselves: no try of that row, and no word on its provider."""


@dataclass(frozen=True, slots=True)
class Fate:
    """`retry_at` is set when the row waits for a further try; its chunk is not known yet.

    `prune` is (device, reason, dead since). `error`: it counts against the run's limit. `dead_letter`: it failed
    though its device was not at fault.
    """

    result: Result
    retry_at: datetime | None = None
    attempt: Mapping[str, Any] | None = None
    prune: tuple[int, str, datetime | None] | None = None
    error: bool = False
    dead_letter: bool = False


def fate(ready: Ready, outcome: Outcome, context: RunContext, waits: Waits, now: datetime) -> Fate:
    """What becomes of one delivery after the provider's answer, or after none came."""
    if outcome.kind is OutcomeKind.ACCEPTED:
        return Fate(Result(ready.id, DeliveryState.ACCEPTED, provider_ref=outcome.ref or None))
    if outcome.kind is OutcomeKind.FAILED:
        return _failed(ready, outcome, now)
    if outcome.kind is OutcomeKind.BLOCKED:
        back = Result(ready.id, DeliveryState.PLANNED, reason=_reason(outcome), tried=False)
        return Fate(back, attempt=_attempt(ready, outcome, now))
    if held_back(outcome):
        return Fate(Result(ready.id, DeliveryState.PLANNED, tried=False))
    if outcome.kind is OutcomeKind.UNKNOWN and context.on_unknown is OnUnknown.NEVER_TWICE:
        return _unknown(ready, outcome, now)
    return _again(ready, outcome, context, waits, now)


def held_back(outcome: Outcome) -> bool:
    """Whether the request has not left us because we did not let it."""
    return outcome.kind is OutcomeKind.RETRY and outcome.status == 0 and outcome.raw in HELD_BACK


def _failed(ready: Ready, outcome: Outcome, now: datetime) -> Fate:
    since = datetime.fromtimestamp(outcome.gone_at, UTC) if outcome.gone_at is not None else None
    return Fate(
        Result(ready.id, DeliveryState.FAILED, reason=_reason(outcome)),
        attempt=_attempt(ready, outcome, now),
        prune=(ready.device_id, _reason(outcome), since) if outcome.prune else None,
        error=not outcome.prune,
        dead_letter=not outcome.prune,
    )


def _unknown(ready: Ready, outcome: Outcome, now: datetime) -> Fate:
    """It may have been sent, and will not be sent again."""
    ended = Result(ready.id, DeliveryState.UNKNOWN, reason=_reason(outcome), maybe_sent=True)
    return Fate(ended, attempt=_attempt(ready, outcome, now), error=True)


def _again(ready: Ready, outcome: Outcome, context: RunContext, waits: Waits, now: datetime) -> Fate:
    """One more try, unless it would come too late or there have been too many."""
    unsure = outcome.kind is OutcomeKind.UNKNOWN
    at = waits.moment(
        now,
        waits.seconds(
            ready.address.provider, outcome.status, ready.attempts, outcome.retry_after, unsure=unsure, number=ready.id
        ),
    )
    late = at > deadline(ready.message, context.policy.not_after)
    if unsure and (late or ready.attempts + 1 >= MAX_TRIES):
        return _unknown(ready, outcome, now)
    if late:
        return Fate(
            Result(ready.id, DeliveryState.EXPIRED, reason=_reason(outcome)), attempt=_attempt(ready, outcome, now)
        )
    if ready.attempts + 1 >= MAX_TRIES:
        return _failed(ready, outcome, now)
    again = Result(ready.id, DeliveryState.PLANNED, reason=_reason(outcome), maybe_sent=unsure)
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
        "raw": outcome.raw.replace("\0", "")[:2000],
        "retry_at": retry_at,
    }
