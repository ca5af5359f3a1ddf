"""What became of each test of a campaign: the provider's own reply for every device, and what the device said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backend.db import Work
from backend.domain import content
from backend.domain.vocabulary import DeliveryState, ProviderName, SkipReason
from backend.errors import NotFound, TemplateError
from backend.models import Attempt, Receipt, Run
from backend.providers import sentences
from backend.providers.base import OutcomeKind, TooLarge
from backend.providers.sentences import Sentences, sentence
from backend.queries import deliveries as sending
from backend.queries import testers as queries
from backend.services import addresses, campaigns, ids, lookahead, runs
from backend.services import page as paging
from backend.services.deliveries import ReceiptRow
from backend.services.page import Page
from backend.services.words import REASONS

SENTENCES: Final = {
    ProviderName.APNS: sentences.APNS,
    ProviderName.FCM: sentences.FCM,
    ProviderName.WEBPUSH: sentences.WEBPUSH,
}
OPEN: Final = (DeliveryState.PLANNED, DeliveryState.SENDING)
_RENDERED: Final = (SkipReason.TEMPLATE_ERROR, SkipReason.TOO_LARGE)
_PUT_BACK: Final = "put_back"
MOST_TOLD: Final = 100
"""How many texts an answer renders once more, to say what is wrong with them; of the rest it tells the reason alone."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One device's part in a test.

    `reply` says in a sentence what came of it; `reference` is the provider's own name for a push that it took
    (`apns-id`, FCM's name, Web Push's Location); `status`, `reason` and `raw` are its last answer when that was not
    success. `seconds` is from asking to the final answer.
    """

    delivery_id: str
    person: str
    user_id: str | None
    device_id: str | None
    platform: str
    provider: str
    model: str
    variant: str
    locale: str | None
    state: DeliveryState
    reply: str
    reference: str
    status: int
    reason: str
    raw: str
    attempts: int
    next_try_at: datetime | None
    seconds: float | None
    receipts: tuple[ReceiptRow, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One test. `open` counts the devices that have no final answer yet."""

    run_id: str
    at: datetime
    open: int
    accepted: int
    results: tuple[TrialResult, ...]


def listing(work: Work, campaign_id: str, *, cursor: str | None = None, limit: int = 20) -> Page[Trial]:
    """A campaign's tests, the newest first. Raises `NotFound`."""
    campaign = campaigns.find(work, campaign_id, lock=False)
    found = queries.tests(work.session, campaign.id, paging.after(work, cursor), paging.checked(limit))
    told = _trials(work, found[:limit])
    return paging.page(work, found, limit, lambda run: run.id, lambda run: told[run.id])


def get(work: Work, campaign_id: str, run_id: str) -> Trial:
    """One test. Raises `NotFound`."""
    campaign = campaigns.find(work, campaign_id, lock=False)
    run = queries.test(work.session, campaign.id, ids.number(work, ids.RUN, run_id))
    if run is None:
        raise NotFound(f"There is no test {run_id[:64]!r} of this campaign.")
    return _trials(work, [run])[run.id]


def _trials(work: Work, found: Sequence[Run]) -> dict[int, Trial]:
    rows = queries.outcomes(work.session, [run.id for run in found]) if found else ()
    numbers = [row.id for row in rows]
    answers: dict[int, Attempt] = {}
    for attempt in queries.attempts(work.session, numbers) if numbers else ():
        if attempt.outcome != _PUT_BACK:
            answers[attempt.delivery_id] = attempt
    said: dict[int, list[ReceiptRow]] = {}
    for one in queries.receipts(work.session, numbers) if numbers else ():
        said.setdefault(one.delivery_id, []).append(_receipt(one))
    results: dict[int, list[TrialResult]] = {}
    details = _details(work, rows)
    for row in rows:
        made = _result(work, row, answers.get(row.id), tuple(said.get(row.id, ())), details.get(row.id, ""))
        results.setdefault(row.run_id, []).append(made)
    return {run.id: _trial(work, run, results.get(run.id, [])) for run in found}


def _trial(work: Work, run: Run, results: Sequence[TrialResult]) -> Trial:
    waiting = sum(one.state in OPEN for one in results)
    accepted = sum(one.state is DeliveryState.ACCEPTED for one in results)
    return Trial(ids.public(work, ids.RUN, run.id), run.created_at, waiting, accepted, tuple(results))


def _receipt(row: Receipt) -> ReceiptRow:
    return ReceiptRow(row.type, row.action, row.at, row.received_at)


def _result(work: Work, row: Any, answer: Attempt | None, receipts: tuple[ReceiptRow, ...], detail: str) -> TrialResult:
    state = DeliveryState(row.state)
    refused = answer if state is not DeliveryState.ACCEPTED else None
    user_id = row.external_id or (ids.public(work, ids.USER, row.user_id) if row.user_id else None)
    return TrialResult(
        delivery_id=ids.public(work, ids.DELIVERY, row.id),
        person=row.tester_name or row.member_name or user_id or "Erased",
        user_id=user_id,
        device_id=ids.public(work, ids.DEVICE, row.device_id) if row.device_id else None,
        platform=row.platform or "",
        provider=row.provider or "",
        model=row.model or "",
        variant=row.variant or "",
        locale=row.locale,
        state=state,
        reply=_reply(row, state, refused, detail),
        reference=row.provider_ref or "",
        status=refused.status if refused else 0,
        reason=(refused.reason if refused else row.reason) or "",
        raw=refused.raw if refused else "",
        attempts=row.attempts,
        next_try_at=refused.retry_at if refused and state in OPEN else None,
        seconds=round((row.ended_at - row.asked_at).total_seconds(), 3) if row.ended_at else None,
        receipts=receipts,
    )


def _reply(row: Any, state: DeliveryState, answer: Attempt | None, detail: str) -> str:
    provider = SENTENCES.get(row.provider)
    who = provider.who if provider else "The provider"
    why = REASONS.get((answer.reason if answer else None) or row.reason or "", "")
    if state in OPEN:
        return _waiting(provider, who, state, answer, why)
    endings = {
        DeliveryState.ACCEPTED: f"{who} took it.",
        DeliveryState.SKIPPED: f"Not sent. {detail or why}",
        DeliveryState.FAILED: f"{who} refused it. {why}",
        DeliveryState.UNKNOWN: f"{who} gave no answer: nobody can know whether it was taken.",
        DeliveryState.EXPIRED: f"Not sent in time. {why}",
        DeliveryState.CANCELLED: "Cancelled before it was sent.",
    }
    return endings[state].strip()


def _waiting(provider: Sentences | None, who: str, state: DeliveryState, answer: Attempt | None, why: str) -> str:
    if answer is None:
        return "On the network." if state is DeliveryState.SENDING else "Waits for its turn."
    if provider and answer.outcome == OutcomeKind.BLOCKED:
        return f"{sentence(provider, answer.reason, answer.status)} Nothing more goes out until that is mended."
    return " ".join(filter(None, (f"{who} did not take it.", why, "It is tried again.")))


def _details(work: Work, rows: Sequence[Any]) -> dict[int, str]:
    """What exactly kept texts from being filled in or sent, of the newest: found by rendering them once more."""
    kept = [row for row in reversed(rows) if row.reason in _RENDERED][:MOST_TOLD]
    told: dict[int, str] = {}
    for run_id in dict.fromkeys(row.run_id for row in kept):
        context = runs.load(work, run_id)
        numbers = [row.id for row in kept if row.run_id == run_id]
        for found in sending.these(work.session, numbers, context.category_id):
            if found.platform is not None:
                told[found.id] = _detail(work, found, context)
    return told


def _detail(work: Work, found: Any, context: runs.RunContext) -> str:
    locales = content.locale_chain(found.locale, found.language, context.default_locale)
    encode = lookahead.bare_encoder(ProviderName(found.provider))  # the lane's own may be gone by now
    try:
        message = runs.render(found, context, locales, work.core.keyring)
        encode(message, addresses.unseal(work.core.keyring, work.app_id, found))
    except TemplateError as error:
        return f"{error.field}: {error.message}"
    except TooLarge as error:
        return f"Too large: {error}."
    return ""
