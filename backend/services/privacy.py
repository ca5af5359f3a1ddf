"""A person's own rights: everything held about them, and its erasure.

Both go by the app's own user id, or by ours (`usr_…`) for people who have none.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.models import AuditEntry
from backend.queries import audience, imports, merging, testers
from backend.queries import people as people_queries
from backend.queries import person as queries
from backend.queries import preferences as preference_queries
from backend.queries import topics as topic_queries
from backend.services import (
    audit,
    consents,
    devices,
    ids,
    people,
    people_search,
    preference_history,
    preferences,
    topics,
)
from backend.services.consents import ConsentRow
from backend.services.devices import DeviceRow
from backend.services.people import UserRow
from backend.services.person import EventRow, event_row
from backend.services.preference_history import ChangeRow
from backend.services.preferences import PreferencesRow


@dataclass(frozen=True, slots=True)
class UserProfile(UserRow):
    """A user with their devices."""

    devices: tuple[DeviceRow, ...]


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """What a device reported of a push."""

    type: str
    action: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HeldAnswer:
    """A provider's answer to a push, other than that it took it."""

    at: datetime
    number: int
    outcome: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """A push that was meant for the person, what its text was filled in with beside the profile, and what came back."""

    id: str
    campaign_id: str
    run_id: str
    device_id: str | None
    state: str
    reason: str | None
    locale: str | None
    due_at: datetime
    ended_at: datetime | None
    data: Mapping[str, Any] | None
    answers: tuple[HeldAnswer, ...]
    receipts: tuple[HeldReceipt, ...]


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """An event campaign that the person has entered by something they did, and what it keeps of that."""

    campaign_id: str
    state: str
    event_at: datetime
    due_at: datetime
    created_at: datetime
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeldDeed:
    """What a member or a program did to the person or to a device of theirs."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeldWish:
    """The person's own word on a category."""

    category: str
    opted_in: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class HeldDeviceWish:
    """What was said on a category for one device."""

    device_id: str
    category: str
    opted_in: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class HeldTester:
    """That the person gets tests of campaigns: under which name, since when, and whether they are a member here."""

    name: str
    since: datetime
    is_member: bool


@dataclass(frozen=True, slots=True)
class Export:
    """Everything held about a person. Addresses are shown as fingerprints: they are keys to a screen.

    Devices come with their topics; `preferences` are what holds, `wishes` what the person or somebody for them said,
    `device_wishes` what was said for single devices, and `preference_changes` how all that came to be, the latest
    first. `tester` is there for people who get tests of campaigns.
    """

    exported_at: datetime
    user: UserRow
    devices: tuple[DeviceRow, ...]
    preferences: PreferencesRow
    wishes: tuple[HeldWish, ...]
    device_wishes: tuple[HeldDeviceWish, ...]
    preference_changes: tuple[ChangeRow, ...]
    consents: tuple[ConsentRow, ...]
    lists: tuple[str, ...]
    tester: HeldTester | None
    events: tuple[EventRow, ...]
    entries: tuple[HeldEntry, ...]
    deliveries: tuple[HeldDelivery, ...]
    audit: tuple[HeldDeed, ...]


def get_user(work: Work, user_id: str) -> UserProfile:
    """A user with their devices. Raises `NotFound`."""
    number = people_search.number_of(work, user_id)
    user = people.user_row(work, number)
    held = {one.name: getattr(user, one.name) for one in dataclasses.fields(user)}
    return UserProfile(**held, devices=devices.devices_of(work, number))


def export_user(work: Work, user_id: str) -> Export:
    """Everything held about a user. Raises `NotFound`."""
    number = people_search.number_of(work, user_id)
    user = people.user_row(work, number)
    theirs = devices.devices_of(work, number)
    audit.record(work, "user.exported", user.id)
    return Export(
        exported_at=work.now,
        user=user,
        devices=theirs,
        preferences=preferences.get(work, number),
        wishes=tuple(HeldWish(*wish) for wish in merging.wishes_of(work.session, number)),
        device_wishes=_device_wishes(work, number),
        preference_changes=preference_history.every(work, number),
        consents=consents.every(work, number),
        lists=tuple(merging.lists_of(work.session, number)),
        tester=_tester(work, number),
        events=tuple(event_row(work, row) for row in merging.events_of(work.session, number)),
        entries=tuple(_entry(work, row) for row in queries.entries(work.session, number)),
        deliveries=_deliveries(work, number),
        audit=_deeds(work, [user.id, *(device.id for device in theirs)]),
    )


def erase_user(work: Work, user_id: str) -> None:
    """Removes a user with devices, events, wishes and their history, consents, places in lists and among testers and the rows of theirs
    that imports refused, and takes them out of the deliveries, whose counts stand.

    Raises `NotFound`. The audit trail keeps the opaque id only.
    """
    number = people_search.number_of(work, user_id)
    topics.leave(work, topic_queries.of_user(number))
    if name := people_queries.external_id(work.session, work.app_id, number):
        imports.forget_person(work.session, work.app_id, name)
    merging.cut_loose(work.session, number)
    audience.delete_user(work.session, number)
    audit.record(work, "user.erased", ids.public(work, ids.USER, number))


def _device_wishes(work: Work, number: int) -> tuple[HeldDeviceWish, ...]:
    return tuple(
        HeldDeviceWish(ids.public(work, ids.DEVICE, row.device_id), row.slug, row.opted_in, row.changed_at)
        for row in preference_queries.device_wishes(work.session, number)
    )


def _tester(work: Work, number: int) -> HeldTester | None:
    row = testers.tester_of(work.session, number)
    return HeldTester(row.name, row.created_at, row.member_id is not None) if row else None


def _entry(work: Work, row: Any) -> HeldEntry:
    return HeldEntry(
        ids.public(work, ids.CAMPAIGN, row.campaign_id),
        row.state,
        row.event_at,
        row.due_at,
        row.created_at,
        row.context,
    )


def _deeds(work: Work, subjects: Sequence[str]) -> tuple[HeldDeed, ...]:
    def deed(row: AuditEntry) -> HeldDeed:
        return HeldDeed(row.at, row.actor, row.action, row.subject, row.detail)

    return tuple(deed(row) for row in queries.audit_of(work.session, work.app_id, subjects))


def _answers(work: Work, number: int) -> dict[int, list[HeldAnswer]]:
    found: dict[int, list[HeldAnswer]] = {}
    for row in queries.attempts(work.session, number):
        answer = HeldAnswer(row.at, row.number, row.outcome, row.status, row.reason)
        found.setdefault(row.delivery_id, []).append(answer)
    return found


def _deliveries(work: Work, number: int) -> tuple[HeldDelivery, ...]:
    answers, contexts = _answers(work, number), queries.contexts(work.session, number)
    receipts: dict[int, list[HeldReceipt]] = {}
    for row in merging.receipts_of(work.session, number):
        receipts.setdefault(row.delivery_id, []).append(HeldReceipt(row.type, row.action, row.at))
    return tuple(
        HeldDelivery(
            id=ids.public(work, ids.DELIVERY, row.id),
            campaign_id=ids.public(work, ids.CAMPAIGN, row.campaign_id),
            run_id=ids.public(work, ids.RUN, row.run_id),
            device_id=_device(work, row.device_id),
            state=row.state,
            reason=row.reason,
            locale=row.locale,
            due_at=row.due_at,
            ended_at=row.ended_at,
            data=contexts.get(row.id),
            answers=tuple(answers.get(row.id, ())),
            receipts=tuple(receipts.get(row.id, ())),
        )
        for row in merging.deliveries_of(work.session, number)
    )


def _device(work: Work, number: int | None) -> str | None:
    return ids.public(work, ids.DEVICE, number) if number is not None else None
