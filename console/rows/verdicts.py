"""Why somebody gets a campaign or not, as a page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backend.services.verdicts import AudiencePart, DeviceVerdict, Look, PersonVerdict, Recorded
from console import routes, words
from console.words import NEVER, When

PLATFORMS: Final = {"ios": "iOS", "android": "Android", "web": "Web"}
ANSWERS: Final[Mapping[str, str]] = {"send": "good", "hold": "wait", "skip": "bad", "expire": "bad"}
OUTCOMES: Final[Mapping[str, str]] = {"passed": "good", "held": "wait", "stopped": "bad"}


@dataclass(frozen=True, slots=True)
class LookLine:
    """A rule and what it found; `tone` is good, wait, bad or plain."""

    title: str = ""
    text: str = ""
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class DeviceCase:
    """A device with its rules, the one that decided last."""

    key: str = ""
    platform: str = ""
    name: str = ""
    tone: str = "plain"
    text: str = ""
    looks: tuple[LookLine, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A push as it was written down."""

    key: str = ""
    state: str = ""
    platform: str = ""
    note: str = ""
    at: When = NEVER
    href: str = ""


@dataclass(frozen=True, slots=True)
class VerdictPage:
    """The whole answer, from the campaign to each device."""

    text: str = ""
    campaign: str = ""
    campaign_href: str = ""
    person: str = ""
    person_href: str = ""
    first: tuple[LookLine, ...] = ()
    devices: tuple[DeviceCase, ...] = ()
    recorded: tuple[RecordLine, ...] = ()
    at: str = ""


@dataclass(frozen=True, slots=True)
class CampaignChoice:
    """A campaign that one may ask about."""

    value: str = ""
    label: str = ""


def verdict_page(found: PersonVerdict, zone: str, now: datetime) -> VerdictPage:
    launched = LookLine("Campaign", found.launched_text, _launched_tone(found))
    member = LookLine("Audience", _audience(found), "good" if found.in_audience else "bad")
    return VerdictPage(
        text=found.text,
        campaign=found.campaign_name,
        campaign_href=routes.campaign(found.campaign_id),
        person=found.user_id or found.person_id,
        person_href=routes.person(found.person_id),
        first=(launched, member, *(line for part in found.audience for line in _part(part))),
        devices=tuple(map(_device, found.devices)),
        recorded=tuple(_record(one, zone, now) for one in found.recorded),
        at=words.when(found.at, zone, now).exact,
    )


def _launched_tone(found: PersonVerdict) -> str:
    if not found.launched or found.campaign_state == "paused":
        return "wait"
    return "plain" if found.campaign_state in ("finished", "cancelled", "archived") else "good"


def _audience(found: PersonVerdict) -> str:
    return f"{found.audience_text}: the person is {'in it' if found.in_audience else 'not in it'}."


def _part(part: AudiencePart) -> list[LookLine]:
    """A segment with its rules; those that say no are what one looks for."""
    if not part.rules and not part.excluded and part.name == "Everyone":
        return []
    where = "Left out" if part.excluded else "Included"
    tone = "bad" if part.holds == part.excluded else "good"
    rules = "; ".join(f"{one.text}: {'yes' if one.holds else 'no'}" for one in part.rules)
    text = f"{part.name}: {'yes' if part.holds else 'no'}" + (f" ({rules})" if rules else "") + "."
    return [LookLine(where, text, tone)]


def _device(one: DeviceVerdict) -> DeviceCase:
    platform = PLATFORMS.get(one.platform, one.platform)
    return DeviceCase(
        key=one.device_id,
        platform=one.platform,
        name=f"{one.model} ({platform})" if one.model else platform,
        tone=ANSWERS.get(one.answer, "plain"),
        text=one.text,
        looks=tuple(map(_look, one.looks)),
    )


def _look(look: Look) -> LookLine:
    return LookLine(look.title, look.text, OUTCOMES[look.outcome])


def _record(one: Recorded, zone: str, now: datetime) -> RecordLine:
    test = "Test send. " if one.is_test else ""
    platform = PLATFORMS.get(one.platform, one.platform)
    at = words.when(one.ended_at or one.due_at, zone, now)
    return RecordLine(
        one.delivery_id, one.state, platform, f"{test}{one.reason_text}", at, routes.delivery(one.delivery_id)
    )
