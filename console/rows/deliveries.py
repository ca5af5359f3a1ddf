"""Deliveries in words: a line of the list, and one explained."""

from dataclasses import dataclass
from datetime import datetime

from backend.services.deliveries import AttemptRow, DeliveryRow, Explanation, Step
from console import routes, words
from console.words import NEVER, When

PLATFORM_WORD = {"ios": "iOS", "android": "Android", "web": "Web", "topic": "Topic"}
ANONYMOUS = "Anonymous"


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One push to one device, in the list."""

    id: str = ""
    short: str = ""
    href: str = ""
    campaign: str = ""
    campaign_href: str = ""
    user: str = ""
    whom: str = ""
    device: str = ""
    platform: str = ""
    platform_word: str = ""
    state: str = "planned"
    reason: str = ""
    reason_text: str = ""
    variant: str = ""
    locale: str = ""
    attempts: str = ""
    maybe: bool = False
    due: When = NEVER
    ended: When = NEVER


NO_DELIVERY = DeliveryLine()


@dataclass(frozen=True, slots=True)
class StepLine:
    """One thing that happened, and when."""

    title: str
    detail: str
    tone: str
    at: When


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What the provider said, in its own words."""

    title: str
    at: When
    raw: str


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One delivery explained."""

    line: DeliveryLine = NO_DELIVERY
    steps: tuple[StepLine, ...] = ()
    answers: tuple[AnswerLine, ...] = ()
    body: str = ""
    as_sent: bool = False
    size: str = ""
    dead_letter: bool = False


def delivery_line(row: DeliveryRow, zone: str, now: datetime) -> DeliveryLine:
    return DeliveryLine(
        id=row.id,
        short=f"{row.id[:10]}…",
        href=routes.delivery(row.id),
        campaign=row.campaign_name,
        campaign_href=routes.campaign(row.campaign_id),
        user=f"Topic {row.topic}" if row.topic else row.user_id or ANONYMOUS,
        whom=f"topic {row.topic}" if row.topic else row.user_id or ANONYMOUS,
        device=row.device_id or "",
        platform=row.platform,
        platform_word=PLATFORM_WORD.get(row.platform, row.platform),
        state=row.state,
        reason=row.reason or "",
        reason_text=row.reason_text or row.reason or "",
        variant=row.variant,
        locale=row.locale or "",
        attempts=words.number(row.attempts),
        maybe=row.maybe_sent,
        due=words.when(row.due_at, zone, now),
        ended=words.when(row.ended_at or row.due_at, zone, now),
    )


def delivery_page(found: Explanation, zone: str, now: datetime) -> DeliveryPage:
    return DeliveryPage(
        line=delivery_line(found.row, zone, now),
        steps=tuple(_step(step, zone, now) for step in found.steps),
        answers=tuple(_answer(attempt, zone, now) for attempt in found.attempts),
        body=found.body,
        as_sent=found.body_as_sent,
        size=words.compact(len(found.body.encode())) if found.body else "",
        dead_letter=found.dead_letter,
    )


def _step(step: Step, zone: str, now: datetime) -> StepLine:
    exact = words.when(step.at, zone, now).exact
    return StepLine(step.title, step.detail, step.tone, When(words.clock(step.at, zone), exact))


def _answer(attempt: AttemptRow, zone: str, now: datetime) -> AnswerLine:
    said = dict.fromkeys(part for part in (str(attempt.status or ""), attempt.reason) if part)
    return AnswerLine(f"Attempt {attempt.number}: {' '.join(said)}", words.when(attempt.at, zone, now), attempt.raw)
