"""Events: what users did, recorded once however often it is told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backend.db import Work
from backend.errors import FieldError, Invalid, NotAllowed, NotAuthenticated
from backend.queries import audience
from backend.queries import events as queries
from backend.services import fields, identity, ids, people
from backend.services.fields import Amount, Currency, ExternalId, Moment, Short, UserId
from backend.services.identity import Speaker


class EventIn(BaseModel):
    """One thing that one user did; `id` makes telling it again harmless. `at` later than now counts as now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: ExternalId | None = None
    name: Short
    user_id: UserId | None = None
    device_id: str | None = Field(default=None, max_length=64)
    properties: dict[str, Any] | None = None
    value: Amount | None = None
    currency: Currency | None = None
    at: Moment | None = None


@dataclass(frozen=True, slots=True)
class EventsResult:
    """How many events were new, and how many the app had told before."""

    accepted: int
    duplicates: int


def own_events(work: Work, speaker: Speaker, events: Sequence[EventIn]) -> list[EventIn]:
    """The events as this caller may tell them; a device's event that names nobody is its own.

    Raises `NotAuthenticated` or `NotAllowed` for an event of anybody else.
    """
    if speaker.trusted:
        return list(events)
    return [_own_event(work, speaker, event) for event in events]


def _own_event(work: Work, speaker: Speaker, event: EventIn) -> EventIn:
    if event.user_id is not None:
        identity.check_names(speaker, event.user_id)
        return event
    if event.device_id is None and speaker.device is None and speaker.user is not None:
        return event.model_copy(update={"user_id": speaker.user})
    if speaker.device is None:
        raise NotAuthenticated(identity.DEVICE_NEEDED)
    own = ids.public(work, ids.DEVICE, speaker.device)
    if event.device_id not in {None, own}:
        raise NotAllowed("A device tells its own events only.")
    return event.model_copy(update={"device_id": own})


def record_events(work: Work, events: Sequence[EventIn]) -> EventsResult:
    """Records events of users or devices of the app; an unknown `user_id` makes the user.

    All or nothing: raises `Invalid` naming each wrong one by its place.
    """
    owners = _owners(work, events)
    people_by_name = people.ensure_users(work, [event.user_id for event in events if event.user_id])
    rows = [_row(work, event, owners, people_by_name) for event in events]
    accepted = queries.add_events(work.session, work.app_id, rows, work.now) if rows else 0
    queries.touch(work.session, _latest(rows, "user_id"), _latest(rows, "device_id"))
    return EventsResult(accepted, len(events) - accepted)


def _owners(work: Work, events: Sequence[EventIn]) -> dict[str, tuple[int, int]]:
    """(device, user) by public device id. Raises `Invalid` for whatever is wrong with any event."""
    keyring = work.core.keyring
    named = {event.device_id: keyring.number(ids.DEVICE, event.device_id) for event in events if event.device_id}
    users = audience.device_numbers(work.session, work.app_id, {number for number in named.values() if number})
    owners = {public: (number, users[number]) for public, number in named.items() if number in users}
    problems = [problem for index, event in enumerate(events) for problem in _problems(index, event, owners)]
    if problems:
        raise Invalid(problems)
    return owners


def _problems(index: int, event: EventIn, owners: Mapping[str, Any]) -> Iterable[FieldError]:
    path = f"events[{index}]"
    if (event.user_id is None) == (event.device_id is None):
        yield FieldError(f"{path}.user_id", "give either user_id or device_id")
    elif event.device_id is not None and event.device_id not in owners:
        yield FieldError(f"{path}.device_id", "is no device of this app")
    yield from fields.property_problems(event.properties or {}, f"{path}.properties")


def _row(work: Work, event: EventIn, owners: Mapping[str, tuple[int, int]], users: Mapping[str, int]) -> dict[str, Any]:
    device, owner = owners[event.device_id] if event.device_id else (None, users[event.user_id or ""])
    return {
        "user_id": owner,
        "device_id": device,
        "external_id": event.id,
        "name": event.name,
        "at": min(event.at or work.now, work.now),
        "properties": event.properties or {},
        "value": event.value,
        "currency": event.currency,
    }


def _latest(rows: Sequence[Mapping[str, Any]], key: str) -> dict[int, datetime]:
    latest: dict[int, datetime] = {}
    for row in rows:
        if row[key] is not None:
            latest[row[key]] = max(row["at"], latest.get(row[key], row["at"]))
    return latest
