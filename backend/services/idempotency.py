"""A request with an `Idempotency-Key` acts once, however often and wherever it is sent again.

The claim is written before the act, the answer in the act's own transaction: so a process that dies in
between has done nothing, and one that was only slow finds its claim taken over and does nothing either.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.db import Work
from backend.errors import Invalid, StillRunning
from backend.queries import idempotency as queries

DEAD_AFTER = timedelta(minutes=1)
KEPT = timedelta(hours=24)
MAX_KEY, MAX_ROUTE = 255, 200


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to act for a key; `claimed_at` is its fence."""

    number: int
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """What the first request was told."""

    status: int
    body: dict[str, Any]


def begin(work: Work, route: str, key: str, body_hash: str) -> Claim | Answered:
    """The right to act, or the answer that was given. In a unit of work of its own, before the act.

    Raises `StillRunning` while the first request runs, `Invalid` when it had another body.
    """
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise Invalid("Idempotency-Key", f"must have 1 to {MAX_KEY} printable ASCII characters")
    route = route[:MAX_ROUTE]
    values = {"app_id": work.app_id, "route": route, "key": key, "body_hash": body_hash, "created_at": work.now}
    number = queries.claim(work.session, **values)
    if number is not None:
        return Claim(number, work.now)
    found = queries.find(work.session, work.app_id, route, key)
    if found is None:  # its owner has just given it up
        raise StillRunning
    if found.body_hash != body_hash:
        raise Invalid("Idempotency-Key", "has been used with another body; use a new key for a new request")
    if found.status is not None:
        return Answered(found.status, found.answer or {})
    return _take_over(work, found.id or 0, found.created_at)


def finish(work: Work, claim: Claim, status: int, body: dict[str, Any]) -> None:
    """Keeps the answer, in the act's own unit of work. Raises `StillRunning`, undoing the act, when it was not ours."""
    if not queries.finish(work.session, claim.number, claim.claimed_at, status, body):
        raise StillRunning


def release(work: Work, claim: Claim) -> None:
    """Gives the key up after a refusal, which did nothing: the next request is a first one."""
    queries.release(work.session, claim.number, claim.claimed_at)


def sweep(work: Work) -> int:
    """Forgets keys of more than 24 hours ago; how many."""
    return queries.forget(work.session, work.now - KEPT)


def _take_over(work: Work, number: int, claimed_at: datetime) -> Claim:
    if work.now - claimed_at < DEAD_AFTER or not queries.take_over(work.session, number, claimed_at, work.now):
        raise StillRunning
    return Claim(number, work.now)
