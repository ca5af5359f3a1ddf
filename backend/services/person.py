"""One person as a page shows them: profile, devices, what they did and were sent, where they belong; and what
a member may do about them. Anonymous people have no id of the app's, so a person goes by our own, `usr_…`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from backend.db import Work
from backend.domain.vocabulary import CampaignKind, DeviceState
from backend.errors import Invalid, NotFound
from backend.queries import person as queries
from backend.queries import topics
from backend.services import audit, devices, ids, page, people, people_search, segmentation
from backend.services.devices import DeviceRow
from backend.services.page import Page
from backend.services.people import UserIn, UserRow
from backend.services.people_search import STALE
from backend.services.registration import DevicePatch
from backend.services.words import REASONS

BY_TEAM: Final = "by_team"
"""Why a device is unsubscribed when a member did it: only these are subscribed again by `resubscribe`."""
SEGMENTS: Final = 50


@dataclass(frozen=True, slots=True)
class PersonDevice:
    """A device with what a page adds: since when it is in its state, and how long it has not been seen.

    `stale`: unseen for 30 days though active. `by_team`: a member has unsubscribed it.
    """

    device: DeviceRow
    since: datetime | None
    unseen_days: int
    reachable: bool
    stale: bool
    by_team: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A thing with a name: a list, a segment."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person with their devices and lists."""

    user: UserRow
    devices: tuple[PersonDevice, ...]
    lists: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something the person did. `id` is the app's own, if it gave one."""

    id: str | None
    name: str
    at: datetime
    received_at: datetime
    device_id: str | None
    properties: Mapping[str, Any]
    value: float | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class PushRow:
    """A push meant for the person: what became of it, why, and of which campaign. A message by API has no report."""

    id: str
    campaign_id: str
    campaign_name: str
    is_message: bool
    is_test: bool
    device_id: str | None
    platform: str
    variant: str
    state: str
    reason: str | None
    reason_text: str
    due_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Membership:
    """The segments that the person is in now, among the `asked` changed last of `more` or not."""

    segments: tuple[Named, ...]
    asked: int
    more: bool


def get(work: Work, user_id: str) -> Person:
    """A person by our id or the app's. Raises `NotFound`."""
    number = people_search.number_of(work, user_id)
    since = queries.since(work.session, number)
    rows = devices.devices_of(work, number)
    return Person(
        user=people.user_row(work, number),
        devices=tuple(_device(work, row, since.get(ids.number(work, ids.DEVICE, row.id))) for row in rows),
        lists=tuple(Named(ids.public(work, ids.LIST, row.id), row.name) for row in queries.lists(work.session, number)),
    )


def _device(work: Work, row: DeviceRow, since: datetime | None) -> PersonDevice:
    unseen = max(work.now - row.last_seen, timedelta(0))
    return PersonDevice(
        device=row,
        since=since or row.first_seen,
        unseen_days=unseen.days,
        reachable=people_search.reachable(row),
        stale=row.state == DeviceState.ACTIVE and unseen >= STALE,
        by_team=row.state == DeviceState.UNSUBSCRIBED and row.reason == BY_TEAM,
    )


def events(work: Work, user_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[EventRow]:
    """What a person did, the latest first. Raises `NotFound`."""
    number, size = people_search.number_of(work, user_id), page.checked(limit)
    found = queries.events(work.session, number, people_search.spot(work, cursor), size)
    rows = tuple(event_row(work, row) for row in found[:size])
    return Page(rows, people_search.cursor_behind(work, found, size, "at"))


def event_row(work: Work, row: Any) -> EventRow:
    """An event as people and programs are told of it."""
    device = ids.public(work, ids.DEVICE, row.device_id) if row.device_id is not None else None
    return EventRow(row.external_id, row.name, row.at, row.received_at, device, row.properties, row.value, row.currency)


def pushes(work: Work, user_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[PushRow]:
    """Pushes meant for a person, the newest first, those that were not sent too. Raises `NotFound`."""
    number = people_search.number_of(work, user_id)
    found = queries.pushes(work.session, number, page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda row: int(row.id), lambda row: _push(work, row))


def _push(work: Work, row: Any) -> PushRow:
    return PushRow(
        id=ids.public(work, ids.DELIVERY, row.id),
        campaign_id=ids.public(work, ids.CAMPAIGN, row.campaign_id),
        campaign_name=row.campaign_name,
        is_message=row.campaign_kind != CampaignKind.CAMPAIGN,
        is_test=row.kind == "test",
        device_id=ids.public(work, ids.DEVICE, row.device_id) if row.device_id is not None else None,
        platform=row.platform or "",
        variant=row.variant or "",
        state=row.state,
        reason=row.reason,
        reason_text=REASONS.get(row.reason or "", row.reason or ""),
        due_at=row.due_at,
        ended_at=row.ended_at,
    )


def segments(work: Work, user_id: str) -> Membership:
    """The segments that are true for a person now, on whatever device, of the 50 changed last. Raises `NotFound`."""
    number = people_search.number_of(work, user_id)
    found = queries.newest_segments(work.session, work.app_id, SEGMENTS + 1)
    asked, conditions = [], []
    for row in found[:SEGMENTS]:
        try:
            conditions.append(segmentation.condition(work, row.rules))
        except Invalid:
            continue  # it names a list or a category that is gone
        asked.append(row)
    held = queries.holds(work.session, number, conditions)
    rows = [row for row, holds in zip(asked, held, strict=True) if holds]
    named = tuple(Named(ids.public(work, ids.SEGMENT, row.id), row.name) for row in rows)
    return Membership(named, len(asked), len(found) > SEGMENTS)


def unsubscribe(work: Work, user_id: str) -> int:
    """Switches off all of a person's devices; how many. `resubscribe` takes it back. Raises `NotFound`."""
    number = people_search.number_of(work, user_id)
    changed = queries.switch(
        work.session, number, now=work.now, old=DeviceState.ACTIVE, new=DeviceState.UNSUBSCRIBED, reason=BY_TEAM
    )
    topics.again(work.session, changed, work.now)
    audit.record(work, "user.unsubscribed", ids.public(work, ids.USER, number), devices=len(changed))
    return len(changed)


def resubscribe(work: Work, user_id: str) -> int:
    """Switches on again what `unsubscribe` switched off, never what the person did; how many. Raises `NotFound`."""
    number = people_search.number_of(work, user_id)
    changed = queries.switch(
        work.session, number,
        now=work.now, old=DeviceState.UNSUBSCRIBED, new=DeviceState.ACTIVE, reason=None, because=BY_TEAM,
    )  # fmt: skip
    topics.again(work.session, changed, work.now)
    audit.record(work, "user.resubscribed", ids.public(work, ids.USER, number), devices=len(changed))
    return len(changed)


def change(work: Work, user_id: str, given: UserIn) -> UserRow:
    """Changes a profile on a member's word. Raises `NotFound`, and `Invalid` naming each wrong attribute."""
    number = people_search.number_of(work, user_id)
    row = people.put_user(work, number, given)
    named = sorted([*(given.model_fields_set - {"attributes"}), *(given.attributes or {})])
    audit.record(work, "user.changed", ids.public(work, ids.USER, number), fields=named)
    return row


def sign_out(work: Work, user_id: str, device_id: str) -> None:
    """Gives a person's device to a fresh anonymous one. Raises `NotFound`, also for another's device."""
    check_theirs(work, user_id, device_id)
    devices.update_device(work, device_id, DevicePatch(user_id=None))
    audit.record(work, "device.signed_out", device_id)


def remove_device(work: Work, user_id: str, device_id: str) -> None:
    """Removes a person's device; an anonymous person goes with their last one. Raises `NotFound`."""
    check_theirs(work, user_id, device_id)
    devices.remove_device(work, device_id)
    audit.record(work, "device.removed", device_id)


def check_theirs(work: Work, user_id: str, device_id: str) -> None:
    """Passes when the device is the person's. Raises `NotFound`."""
    theirs = devices.devices_of(work, people_search.number_of(work, user_id))
    if device_id not in {row.id for row in theirs}:
        raise NotFound("This person has no such device.")
