"""What a person wants to hear and when, what they consented to, and how it came to be, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from backend.domain.quiet import WEEKDAYS
from backend.errors import FieldError
from backend.services.consents import ConsentRow
from backend.services.devices import DeviceRow
from backend.services.preference_history import CATEGORY, ChangeRow
from backend.services.preferences import PreferencesRow, WishRow
from console import words
from console.rows.delivery_errors import sentence_of
from console.rows.people import PLATFORM_WORD
from console.words import When

DAY_WORD: Final = dict(zip(WEEKDAYS, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))
GONE: Final = "a device that is gone"
_BOTH: Final = "Write both times, from and to, or neither."
_REFUSED: Final = {"start": _BOTH, "end": _BOTH, "timezone": "Choose a time zone such as Europe/Warsaw, or none."}


@dataclass(frozen=True, slots=True)
class DeviceWord:
    """What was said on a category for one device; `key` names both."""

    device: str
    slug: str
    title: str
    on: bool
    said: str
    at: When


@dataclass(frozen=True, slots=True)
class WishLine:
    """A category, and what holds for the person."""

    slug: str
    name: str
    on: bool
    mandatory: bool
    said: str
    at: When
    devices: tuple[DeviceWord, ...] = ()


@dataclass(frozen=True, slots=True)
class DayBox:
    """A day of the week in the form of quiet hours."""

    name: str
    word: str
    on: bool


EVERY_DAY: Final = tuple(DayBox(f"quiet_{day}", word, True) for day, word in DAY_WORD.items())


@dataclass(frozen=True, slots=True)
class WishForm:
    """Quiet hours and a pause as the form has them."""

    start: str = ""
    end: str = ""
    zone: str = ""
    until: str = ""
    until_word: str = ""
    days: tuple[DayBox, ...] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """A yes or no, when and how, and who wrote it down. `holds` is true for the last word on its purpose."""

    key: str
    purpose: str
    given: bool
    how: str
    by: str
    at: When
    holds: bool


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A preference that was changed, from what to what."""

    key: str
    what: str
    where: str
    before: str
    after: str
    by: str
    at: When


def titles(devices: Sequence[DeviceRow]) -> dict[str, str]:
    """Each device by the name that its card has."""
    return {one.id: one.model or PLATFORM_WORD.get(one.platform, one.platform) for one in devices}


def wish_line(row: WishRow, named: Mapping[str, str], zone: str, now: datetime) -> WishLine:
    at = words.when(row.said_at, zone, now)
    if row.mandatory:
        return WishLine(row.slug, row.name, row.opted_in, True, "Mandatory: cannot be switched off", at)
    said = "Your app's default" if row.said_at is None else _said(row.said_by, at)
    line = WishLine(row.slug, row.name, row.opted_in, False, said, at)
    return replace(line, devices=tuple(_word(row.slug, one, named, zone, now) for one in row.devices))


def _word(slug: str, one: Any, named: Mapping[str, str], zone: str, now: datetime) -> DeviceWord:
    at = words.when(one.said_at, zone, now)
    title = named.get(one.device_id, GONE)
    return DeviceWord(one.device_id, slug, title, one.opted_in, _said(one.said_by, at), at)


def _said(by: str, at: When) -> str:
    return f"Set by {by or 'somebody'}, {at.short}"


def wish_form(found: PreferencesRow, zone: str, now: datetime) -> WishForm:
    quiet: Mapping[str, Any] = found.quiet_hours or {}
    until = found.paused_until if found.paused_until and found.paused_until > now else None
    days = quiet.get("days") or WEEKDAYS
    return WishForm(
        start=quiet.get("start") or "",
        end=quiet.get("end") or "",
        zone=quiet.get("timezone") or "",
        until=f"{until.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}" if until else "",
        until_word=words.when(until, zone, now).exact if until else "",
        days=tuple(DayBox(f"quiet_{day}", word, day in days) for day, word in DAY_WORD.items()),
    )


def consent_lines(
    rows: Sequence[ConsentRow], last: Mapping[str, ConsentRow], zone: str, now: datetime
) -> tuple[ConsentLine, ...]:
    return tuple(
        ConsentLine(
            f"{position}", row.purpose, row.given, row.how or words.NOTHING, row.recorded_by,
            words.when(row.at, zone, now), last.get(row.purpose) == row,
        )
        for position, row in enumerate(rows)
    )  # fmt: skip


def change_line(
    key: str, row: ChangeRow, categories: Mapping[str, str], named: Mapping[str, str], zone: str, now: datetime
) -> ChangeLine:
    slug = row.what.removeprefix(CATEGORY)
    told = {"quiet_hours": ("Quiet hours", _hours), "paused_until": ("Pause", lambda value: _until(value, zone, now))}
    what, tell = told.get(row.what, (categories.get(slug, slug), _word_of_device if row.device_id else _word_of_user))
    where = "" if row.device_id is None else named.get(row.device_id, GONE)
    at = words.when(row.at, zone, now)
    return ChangeLine(key, what, where, tell(row.before), tell(row.after), row.by or words.NOTHING, at)


def refused(error: FieldError) -> str:
    """What is wrong with the times, in the form's own words."""
    return _REFUSED.get(error.field.rpartition(".")[2]) or sentence_of(error.message)


def _word_of_user(value: Any) -> str:
    return "App's default" if value is None else "On" if value else "Off"


def _word_of_device(value: Any) -> str:
    return "As the person" if value is None else "On" if value else "Off"


def _hours(value: Any) -> str:
    if not value:
        return "App's default"
    if value["start"] == value["end"]:
        return "Never quiet"
    days = " ".join(DAY_WORD[day] for day in value.get("days") or ())
    return " ".join(part for part in (days, f"{value['start']}–{value['end']}", value.get("timezone") or "") if part)


def _until(value: Any, zone: str, now: datetime) -> str:
    return words.when(datetime.fromisoformat(value), zone, now).short if value else "Not paused"
