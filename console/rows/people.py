"""People in words: a line of the list, and how good their addresses are."""

from dataclasses import dataclass
from datetime import datetime

from backend.services.people_search import DeviceMark, Health, PersonRow, Quarantine, TokenHealth
from console import routes, words
from console.words import NEVER, When

ANONYMOUS = "Anonymous"
PLATFORM_WORD = {"ios": "iOS", "android": "Android", "web": "Web"}
DEVICE_KINDS = (("reachable", "Reachable"), ("unsubscribed", "Unsubscribed"))
SHOWN_MARKS = 5
LONG_GONE = 30


@dataclass(frozen=True, slots=True)
class Mark:
    """A device in the list: its platform's icon, its state by tone, both in words on hover."""

    platform: str
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody in the list. `named` is false for people whom the app has not named."""

    id: str
    href: str
    name: str
    under: str
    named: bool
    marks: tuple[Mark, ...]
    more: str
    devices: str
    place: str
    zone: str
    sessions: str
    active: When


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter: on or off, and where to go to change that."""

    label: str
    href: str
    on: bool


@dataclass(frozen=True, slots=True)
class HealthLine:
    """Devices of a platform by state, each with its share on hover."""

    platform: str
    word: str
    href: str
    active: str
    reachable: str
    reachable_share: str
    unsubscribed: str
    invalid: str
    stale: str
    stale_share: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A lane whose dead addresses are doubted, and where to look."""

    title: str
    reason: str
    href: str
    since: When


def person_line(row: PersonRow, zone: str, now: datetime) -> PersonLine:
    return PersonLine(
        id=row.id,
        href=routes.person(row.id),
        name=row.user_id or ANONYMOUS,
        under=f"{row.id[:12]}…" if row.user_id is None else "",
        named=row.user_id is not None,
        marks=tuple(_mark(device) for device in row.devices[:SHOWN_MARKS]),
        more=f"+{len(row.devices) - SHOWN_MARKS}" if len(row.devices) > SHOWN_MARKS else "",
        devices=words.plural(len(row.devices), "device"),
        place=" · ".join(part for part in (row.language, row.country) if part) or words.NOTHING,
        zone=(row.timezone or "").replace("_", " "),
        sessions=words.number(row.sessions),
        active=words.when(row.last_active, zone, now) if row.last_active else NEVER,
    )


def state_of(state: str, permission: str = "") -> str:
    """A device's state as it is shown: an active one that may not show anything is `denied`."""
    return "denied" if state == "active" and permission == "denied" else state


def _mark(device: DeviceMark) -> Mark:
    state = "denied" if device.state == "active" and not device.reachable else device.state
    said = {
        "active": "takes pushes",
        "denied": "allows no pushes",
        "unsubscribed": "unsubscribed",
        "invalid": "invalid",
    }
    return Mark(device.platform, state, f"{PLATFORM_WORD.get(device.platform, device.platform)}: {said[state]}")


def chips(given: dict[str, str]) -> tuple[Chip, ...]:
    """Each filter as a link that turns it on or off; the rest of the address stays."""
    wanted = (
        *(("device", value, label) for value, label in DEVICE_KINDS),
        *(("platform", value, label) for value, label in PLATFORM_WORD.items()),
        ("anonymous", "1", ANONYMOUS),
    )
    return tuple(_chip(given, name, value, label) for name, value, label in wanted)


def _chip(given: dict[str, str], name: str, value: str, label: str) -> Chip:
    on = given.get(name) == value
    return Chip(label, routes.people(**{**given, name: "" if on else value}), on)


def health_lines(found: TokenHealth) -> tuple[HealthLine, ...]:
    return tuple(_health(one) for one in found.platforms)


def _health(one: Health) -> HealthLine:
    return HealthLine(
        platform=one.platform,
        word=PLATFORM_WORD.get(one.platform, one.platform),
        href=routes.people(platform=one.platform),
        active=words.number(one.active),
        reachable=words.number(one.reachable),
        reachable_share=words.percent(one.reachable, one.active + one.unsubscribed + one.invalid),
        unsubscribed=words.number(one.unsubscribed),
        invalid=words.number(one.invalid),
        stale=words.number(one.stale),
        stale_share=words.percent(one.stale, one.active),
    )


def doubt(one: Quarantine, zone: str, now: datetime) -> Doubt:
    return Doubt(
        f"No dead address of {one.name} is removed now",
        one.reason,
        routes.health(open=one.lane),
        words.when(one.since, zone, now),
    )
