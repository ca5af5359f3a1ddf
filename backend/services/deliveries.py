"""Deliveries for people: found again, and explained step by step."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.domain import content
from backend.domain.vocabulary import DeliveryState
from backend.errors import Invalid, NotFound, TemplateError
from backend.models import Attempt, Receipt
from backend.queries import dead_letters
from backend.queries import deliveries as sending
from backend.queries import explain as queries
from backend.services import addresses, ids, lookahead, runs, topic_audience
from backend.services import page as paging
from backend.services.page import Page
from backend.services.words import OUTCOMES, REASONS, RECEIPTS

GROUPS = {
    "failed": (DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.UNKNOWN),
    "skipped": (DeliveryState.SKIPPED, DeliveryState.CANCELLED),
    "open": (DeliveryState.PLANNED, DeliveryState.SENDING),
}


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One push to one device, in a list."""

    id: str
    campaign_id: str
    campaign_name: str
    run_id: str
    user_id: str | None
    device_id: str | None
    topic: str | None
    platform: str
    state: str
    reason: str | None
    reason_text: str
    variant: str
    locale: str | None
    attempts: int
    maybe_sent: bool
    due_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; `tone` is good, bad, wait or plain."""

    at: datetime | None
    title: str
    detail: str
    tone: str


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A provider's answer other than success."""

    at: datetime
    number: int
    outcome: str
    status: int
    reason: str
    raw: str
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """What the device reported."""

    type: str
    action: str
    at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """One delivery, from plan to receipt. `body_as_sent` is true when the bytes shown are those that were sent;
    `dead_letter` when it failed though its device was not at fault, and may be retried.
    """

    row: DeliveryRow
    steps: tuple[Step, ...]
    body: str
    body_as_sent: bool
    attempts: tuple[AttemptRow, ...]
    receipts: tuple[ReceiptRow, ...]
    dead_letter: bool


def search(
    work: Work,
    *,
    campaign_id: str | None = None,
    run_id: str | None = None,
    user_id: str | None = None,
    device_id: str | None = None,
    state: str | None = None,
    reason: str | None = None,
    platform: str | None = None,
    variant: str | None = None,
    receipt: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[DeliveryRow]:
    """Newest first. `state` is a state; `group:failed`, `group:skipped`, `group:open` are the totals of a report."""
    found = queries.search(
        work.session,
        work.app_id,
        campaign_id=_number(work, ids.CAMPAIGN, campaign_id),
        run_id=_number(work, ids.RUN, run_id),
        user=user_id or None,
        device_id=_number(work, ids.DEVICE, device_id),
        states=_states(state),
        reason=reason or None,
        platform=platform or None,
        variant=variant or None,
        receipt=receipt or None,
        before=paging.after(work, cursor),
        limit=paging.checked(limit),
    )
    return paging.page(work, found, limit, lambda r: int(r.id), lambda r: _row(work, r))


def explain(work: Work, delivery_id: str) -> Explanation:
    """Everything that happened to one delivery. Raises `NotFound`."""
    number = ids.number(work, ids.DELIVERY, delivery_id)
    found = queries.one(work.session, work.app_id, number)
    if found is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    attempts = queries.attempts(work.session, number)
    receipts = queries.receipts(work.session, number)
    body, as_sent = _body(work, found)
    return Explanation(
        row=_row(work, found),
        steps=tuple(_steps(found, attempts, receipts)),
        body=body,
        body_as_sent=as_sent,
        attempts=tuple(_attempt(a) for a in attempts if a.outcome != "put_back"),
        receipts=tuple(ReceiptRow(r.type, r.action, r.at, r.received_at) for r in receipts),
        dead_letter=dead_letters.has(work.session, number),
    )


def _number(work: Work, prefix: str, public: str | None) -> int | None:
    return ids.number(work, prefix, public) if public else None


def _states(state: str | None) -> Sequence[str]:
    if not state:
        return ()
    name = state.removeprefix("group:")
    if state.startswith("group:") and name in GROUPS:
        return GROUPS[name]
    if state not in set(DeliveryState):
        raise Invalid("state", f"must be one of {', '.join(DeliveryState)}")
    return (state,)


def _row(work: Work, found: Any) -> DeliveryRow:
    ended = found.ended_at if found.state == DeliveryState.ACCEPTED else None
    prefix = ids.MESSAGE if found.kind == "message" else ids.RUN
    topic = topic_audience.name_of(work, found)
    return DeliveryRow(
        id=ids.public(work, ids.DELIVERY, found.id),
        campaign_id=ids.public(work, ids.CAMPAIGN, found.campaign_id),
        campaign_name=found.campaign_name,
        run_id=ids.public(work, prefix, found.run_id),
        user_id=found.user,
        device_id=ids.public(work, ids.DEVICE, found.device_id) if found.device_id and topic is None else None,
        topic=topic,
        platform=found.platform or "",
        state=found.state,
        reason=found.reason,
        reason_text=REASONS.get(found.reason or "", ""),
        variant=found.variant or "",
        locale=found.locale,
        attempts=found.attempts,
        maybe_sent=found.maybe_sent,
        due_at=found.due_at,
        accepted_at=ended,
        ended_at=found.ended_at,
    )


def _attempt(row: Attempt) -> AttemptRow:
    return AttemptRow(row.at, row.number, row.outcome, row.status, row.reason, row.raw, row.retry_at)


def _steps(found: Any, attempts: Sequence[Attempt], receipts: Sequence[Receipt]) -> list[Step]:
    steps = [
        Step(found.planned_at or found.run_created_at, "Planned", f"Due {found.due_at:%Y-%m-%d %H:%M:%S} UTC.", "plain")
    ]
    for attempt in attempts:
        title, tone = OUTCOMES.get(attempt.outcome, (attempt.outcome.capitalize(), "bad"))
        said = " ".join(dict.fromkeys(filter(None, (str(attempt.status or ""), attempt.reason))))
        again = f" Next try {attempt.retry_at:%H:%M:%S} UTC." if attempt.retry_at else ""
        steps.append(Step(attempt.at, title, f"{said}.{again}", tone))
    steps.append(_end(found))
    steps += [Step(r.at, RECEIPTS.get(r.type, r.type), r.action, "good") for r in receipts]
    return steps


def _end(found: Any) -> Step:
    reason = REASONS.get(found.reason or "", found.reason or "")
    ends = {
        DeliveryState.PLANNED: ("Waiting to be sent", reason, "wait"),
        DeliveryState.SENDING: ("On the network", "", "wait"),
        DeliveryState.ACCEPTED: ("Accepted by the provider", found.provider_ref or "", "good"),
        DeliveryState.FAILED: ("Failed", reason, "bad"),
        DeliveryState.SKIPPED: ("Skipped", reason, "plain"),
        DeliveryState.EXPIRED: ("Expired", reason or "Its time had passed before it could be sent.", "bad"),
        DeliveryState.CANCELLED: ("Cancelled", "The campaign was cancelled before this was sent.", "plain"),
        DeliveryState.UNKNOWN: ("Unknown", reason or "Nobody can know whether the provider took it.", "bad"),
    }
    title, detail, tone = ends[DeliveryState(found.state)]
    return Step(found.ended_at, title, detail, tone)


def _body(work: Work, found: Any) -> tuple[str, bool]:
    """The body rendered again from the revision; what a person has changed since may make it differ.

    The device's address is masked, which is no difference.
    """
    if found.body_hash is None or found.credential_id is None:
        return "", False
    context = runs.load(work, found.run_id)
    row = sending.one(work.session, found.id, context.category_id)
    if row is None or row.platform is None:
        return "", False
    chain = content.locale_chain(row.locale, row.language, context.default_locale)
    encode = lookahead.encode_for(work, found.credential_id)
    try:
        message = runs.render(row, context, chain, work.core.keyring)
    except TemplateError as error:
        return f"{error.field}: {error.message}", False
    address = addresses.unseal(work.core.keyring, context.app_id, row)
    as_sent = hashlib.sha256(encode(message, address)).hexdigest()[:32] == found.body_hash
    return encode(message, lookahead.masked(address)).decode(), as_sent
