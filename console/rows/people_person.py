"""One person in words: profile, devices, what they did and were sent, what they want."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backend.services.person import EventRow, Membership, Person, PersonDevice, PushRow
from console import routes, words
from console.rows.people import ANONYMOUS, PLATFORM_WORD, state_of
from console.words import NEVER, When

KINDS: Final = (
    ("text", "Text"),
    ("number", "Number"),
    ("boolean", "True or false"),
    ("list", "List"),
    ("date", "Date"),
)
KIND_WORD: Final = dict(KINDS)
PERMISSION: Final = {
    "granted": "Allowed", "provisional": "Quietly only", "denied": "Not allowed", "unknown": "Not told",
}  # fmt: skip
DEVICE_REASONS: Final = {
    "by_team": "Unsubscribed by your team",
    "UNREGISTERED": "The app was uninstalled or the token has expired",
    "Unregistered": "The app was uninstalled or the token has expired",
    "ExpiredToken": "The token has expired",
    "404": "The browser has dropped its subscription",
    "410": "The browser has dropped its subscription",
}


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T.+)?")


@dataclass(frozen=True, slots=True)
class AttributeLine:
    """An attribute as it is shown, and as a form has it."""

    name: str
    kind: str
    kind_word: str
    value: str


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device in words."""

    id: str
    platform: str
    title: str
    state: str
    reason: str
    since: When
    permission: str
    software: str
    provider: str
    environment: str
    place: str
    address: str
    seen: When
    stale: str
    topics: str
    no_lane: bool


@dataclass(frozen=True, slots=True)
class Thing:
    """Something with a name and a place of its own."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class PersonPage:
    """A person's head and profile. `whom` stands in sentences; `typed` is what erasing asks for."""

    id: str = ""
    name: str = ""
    whom: str = ""
    typed: str = ""
    named: bool = False
    language: str = ""
    zone: str = ""
    country: str = ""
    location: str = ""
    sessions: str = ""
    first: When = NEVER
    active: When = NEVER
    attributes: tuple[AttributeLine, ...] = ()
    devices: tuple[DeviceLine, ...] = ()
    lists: tuple[Thing, ...] = ()
    reachable: str = ""
    switchable: int = 0
    switched: int = 0


@dataclass(frozen=True, slots=True)
class EventLine:
    """Something the person did."""

    key: str
    name: str
    detail: str
    properties: str
    at: When


@dataclass(frozen=True, slots=True)
class PushLine:
    """A push meant for the person, and what became of it."""

    id: str
    href: str
    campaign: str
    campaign_href: str
    state: str
    reason: str
    platform: str
    platform_word: str
    variant: str
    at: When


def person_page(found: Person, zone: str, now: datetime) -> PersonPage:
    user = found.user
    place = f"{user.location.lat:.3f}, {user.location.lon:.3f}" if user.location else words.NOTHING
    return PersonPage(
        id=user.id,
        name=user.user_id or ANONYMOUS,
        whom=user.user_id or "this anonymous person",
        typed=user.user_id or user.id,
        named=user.user_id is not None,
        language=user.language or words.NOTHING,
        zone=user.timezone or words.NOTHING,
        country=user.country or words.NOTHING,
        location=place,
        sessions=words.number(user.sessions),
        first=words.when(user.first_seen, zone, now),
        active=words.when(user.last_active, zone, now),
        attributes=tuple(attribute_line(name, user.attributes[name]) for name in sorted(user.attributes)),
        devices=tuple(_device(one, zone, now) for one in found.devices),
        lists=tuple(Thing(one.name, f"{routes.LISTS}/{one.id}") for one in found.lists),
        reachable=_reachable(found.devices),
        switchable=sum(one.device.state == "active" for one in found.devices),
        switched=sum(one.by_team for one in found.devices),
    )


def _reachable(devices: Sequence[PersonDevice]) -> str:
    if not devices:
        return "No device"
    able = sum(one.reachable for one in devices)
    return f"{words.number(able)} of {words.plural(len(devices), 'device')} reachable"


def attribute_line(name: str, value: Any) -> AttributeLine:
    kind = kind_of(value)
    return AttributeLine(name, kind, KIND_WORD[kind], written(value))


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "list"
    return "date" if _DATE.fullmatch(str(value)) else "text"


def written(value: Any) -> str:
    """A value as a form has it: a list with commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(written(item) for item in value) if isinstance(value, list) else str(value)


def read_value(kind: str, text: str) -> Any:
    """The value that a form means. Raises `ValueError` with a sentence for the person."""
    text = text.strip()
    if kind == "number":
        return _number(text)
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise ValueError("Write true or false.")
        return text.lower() == "true"
    if kind == "list":
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind == "date":
        return _date(text)
    return text


def _number(text: str) -> int | float:
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError as error:
        raise ValueError("Write a number, such as 12 or 4.5.") from error


def _date(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("Write a date such as 2026-12-01, or 2026-12-01T09:00:00+01:00.") from error
    return text


def _device(one: PersonDevice, zone: str, now: datetime) -> DeviceLine:
    row = one.device
    software = [f"App {row.app_version}" if row.app_version else "", f"OS {row.os_version}" if row.os_version else ""]
    return DeviceLine(
        id=row.id,
        platform=row.platform,
        title=row.model or PLATFORM_WORD.get(row.platform, row.platform),
        state=state_of(row.state, row.permission),
        reason=DEVICE_REASONS.get(row.reason or "", row.reason or ""),
        since=words.when(one.since, zone, now),
        permission=PERMISSION[row.permission],
        software=" · ".join(part for part in software if part) or words.NOTHING,
        provider={"apns": "APNs", "fcm": "FCM", "webpush": "Web Push"}.get(row.provider, row.provider),
        environment=row.environment,
        place=" · ".join(part for part in (row.locale, row.country, row.timezone) if part) or words.NOTHING,
        address=row.address,
        seen=words.when(row.last_seen, zone, now),
        stale=f"Unseen for {words.number(one.unseen_days)} days" if one.stale else "",
        topics=", ".join(topic.name for topic in row.topics if topic.wanted),
        no_lane=not row.has_credential,
    )


def segment_things(found: Membership) -> tuple[Thing, ...]:
    return tuple(Thing(one.name, f"{routes.SEGMENTS}/{one.id}") for one in found.segments)


def event_line(position: int, row: EventRow, zone: str, now: datetime) -> EventLine:
    amount = f"{row.value:g} {row.currency or ''}".strip() if row.value is not None else ""
    return EventLine(
        key=f"{position}-{row.id or ''}",
        name=row.name,
        detail=amount,
        properties=json.dumps(dict(row.properties), ensure_ascii=False, indent=1) if row.properties else "",
        at=words.when(row.at, zone, now),
    )


def push_line(row: PushRow, zone: str, now: datetime) -> PushLine:
    name = "Message by API" if row.is_message else row.campaign_name
    return PushLine(
        id=row.id,
        href=routes.delivery(row.id),
        campaign=f"{name} (test)" if row.is_test else name,
        campaign_href="" if row.is_message else routes.campaign(row.campaign_id),
        state=row.state,
        reason=row.reason_text,
        platform=row.platform,
        platform_word=PLATFORM_WORD.get(row.platform, row.platform),
        variant=row.variant,
        at=words.when(row.ended_at or row.due_at, zone, now),
    )
