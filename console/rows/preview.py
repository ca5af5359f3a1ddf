"""Whom a preview is for, in words; and what the browser is told of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from backend.domain.message import Message
from backend.services import telling
from backend.services.inspector import Preview
from backend.services.people_search import PersonRow
from backend.services.subscribers import DeviceRow
from backend.services.telling import Telling
from console import words
from console.rows.people import ANONYMOUS, PLATFORM_WORD

WHY = {
    telling.SHORTEST: "Shortest",
    telling.LONGEST: "Longest",
    telling.MISSING: "Missing",
    telling.RIGHT_TO_LEFT: "Right to left",
    telling.OTHER_LANGUAGE: "Other language",
    telling.MOST_BYTES: "Most bytes",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One of the telling recipients."""

    why: str
    person: str
    name: str
    device: str
    detail: str
    under: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody who can be chosen, or one of their devices."""

    id: str
    label: str
    note: str = ""
    platform: str = ""


def cards(found: Telling) -> tuple[Card, ...]:
    """The strip, in its order."""
    return tuple(
        Card(
            why=WHY[one.why],
            person=one.user_id,
            name=called(one.user_id),
            device=one.device_id,
            detail=one.detail.replace("characters", "chars"),
            under=" · ".join(filter(None, (PLATFORM_WORD.get(one.platform, one.platform), one.locale))),
        )
        for one in found.items
    )


def called(user_id: str) -> str:
    """The app's own id; ours says little to anybody."""
    return ANONYMOUS if user_id.startswith("usr_") else user_id


def people(found: Sequence[PersonRow]) -> tuple[Choice, ...]:
    """What a search found."""
    return tuple(
        Choice(
            one.user_id or one.id,
            one.user_id or f"{ANONYMOUS} · {one.id[:12]}",
            " · ".join(
                filter(None, [words.plural(len(one.devices), "device") if one.devices else "no device", one.language])
            ),
        )
        for one in found
    )


def devices(found: Sequence[DeviceRow]) -> tuple[Choice, ...]:
    """The devices of somebody."""
    return tuple(Choice(one.id, _device(one), platform=one.platform) for one in found)


def _device(one: DeviceRow) -> str:
    gone = "" if one.state == "active" else f"({one.state})"
    return " ".join(filter(None, (one.model or PLATFORM_WORD.get(one.platform, one.platform), one.os_version, gone)))


def held(asked: Mapping[str, Any], previews: Mapping[str, Preview]) -> dict[str, Any]:
    """What the browser holds of the chosen person: see `held_var`. `asked` is about which draft it was asked."""
    first = next(iter(previews.values()))
    known = max(previews.values(), key=lambda one: len(one.variables)).variables
    exact = {name: _message(one.message) for name, one in previews.items() if one.message and not one.problems}
    read = next((one.locale for one in previews.values() if one.locale), "")
    return {
        **asked,
        "person": first.user_id or "",
        "label": called(first.user_id or ""),
        "variables": json.loads(json.dumps(known, default=_plain)),
        "locale": read,
        "exact": exact,
    }


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _message(message: Message) -> dict[str, Any]:
    return {
        "title": message.title,
        "subtitle": message.subtitle,
        "body": message.body,
        "image": message.image,
        "link": message.link,
        "actions": [asdict(action) for action in message.actions],
        "data": dict(message.data),
        "badge": message.badge,
        "sound": message.sound,
        "silent": message.silent,
        "thread": message.thread,
        "locale": message.locale,
        "options": dict(message.options),
    }
