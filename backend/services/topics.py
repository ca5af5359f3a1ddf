"""Topics: whose devices are in one, and the wish that they be; `topic_changes` tells the provider."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement

from backend.bootstrap import Core
from backend.db import Actor, Work
from backend.domain import topic as rules
from backend.domain.vocabulary import DeviceState, Permission, ProviderName, TopicState
from backend.errors import Conflict, Invalid, NotFound
from backend.models import Device, TopicSubscription
from backend.queries import audience
from backend.queries import topics as queries
from backend.services import ids, lists, page, people, segmentation
from backend.services.page import Page

LEAVING: Final = timedelta(days=1)
PAGE: Final = 20_000


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic and how many devices are in it, wait for a change, or could not be changed.

    What apps subscribe to by the provider's own SDK is not known here.
    """

    name: str
    subscribed: int
    pending: int
    failed: int


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """A device's place in a topic; `wanted` is what it shall become, `reason` why it could not."""

    name: str
    state: TopicState
    wanted: bool
    reason: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Members:
    """Whom a change is about: all that any of these names."""

    user_ids: tuple[str, ...] = ()
    device_ids: tuple[str, ...] = ()
    segment_id: str | None = None
    list_id: str | None = None


@dataclass(frozen=True, slots=True)
class TopicChanged:
    """Devices whose place changes, devices that no topic can hold, ids that name nobody."""

    changed: int
    unsupported: int
    unknown: tuple[str, ...] = ()


def listing(work: Work, *, search: str = "", cursor: str | None = None, limit: int = 50) -> Page[TopicRow]:
    """The app's topics, newest first."""
    found = queries.listing(work.session, work.app_id, search, page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda row: int(row.id), _row)


def get(work: Work, name: str) -> TopicRow:
    """A topic that a device of the app is in or has been in. Raises `NotFound`."""
    row = queries.one(work.session, work.app_id, name)
    if row is None:
        raise NotFound(f"No device of this app is in a topic {name[:40]!r}.")
    return _row(row)


def followers(work: Work, names: Sequence[str]) -> int:
    """How many devices are known to be in one of these topics."""
    return queries.subscribed(work.session, work.app_id, names) if names else 0


def change(core: Core, actor: Actor, app_id: int, name: str, members: Members, *, wanted: bool) -> TopicChanged:
    """Puts devices into a topic or takes them out, page by page, each in its own transaction.

    Raises `Invalid` for a name that is none or members that name nothing, `NotFound` for a segment or list.
    """
    _check_name(name)
    with core.reading(actor, app_id) as work:
        chosen, unknown = _chosen(work, members)
    changed = unsupported = after = 0
    while True:
        with core.work(actor, app_id) as work:
            which = queries.everybody(app_id, wanted, chosen, after)
            stretch = queries.stretch(work.session, which, PAGE)
            if stretch is None:
                return TopicChanged(changed, unsupported, unknown)
            wish = queries.Wish(app_id, name, wanted, work.now)
            changed += queries.want(work.session, wish, which & queries.up_to(stretch.last))
        unsupported, after = unsupported + stretch.unsupported, stretch.last


def put(work: Work, device_id: str, name: str, *, wanted: bool) -> DeviceTopic:
    """One device's own word. Raises `NotFound`, and `Invalid` where its provider has no topics."""
    _check_name(name)
    number = ids.number(work, ids.DEVICE, device_id)
    row = audience.device(work.session, work.app_id, number, lock=True)
    if row is None:
        raise NotFound("There is no such device.")
    if row.provider != ProviderName.FCM or row.credential_id is None:
        raise Invalid("device_id", "is not reached through FCM: topics are Firebase's")
    if row.state == DeviceState.INVALID or (wanted and row.state != DeviceState.ACTIVE):
        raise Conflict(f"The device is {row.state}: it takes no pushes.")
    which = queries.everybody(work.app_id, wanted, [queries.of_devices([number])])
    queries.want(work.session, queries.Wish(work.app_id, name, wanted, work.now), which)
    return next(one for one in of_devices(work, [number])[number] if one.name == name)


def of_devices(work: Work, numbers: Collection[int]) -> dict[int, tuple[DeviceTopic, ...]]:
    """The topics of devices, by name, of those that have any."""
    found: dict[int, tuple[DeviceTopic, ...]] = {}
    for row in queries.places_of(work.session, numbers) if numbers else ():
        found[row.device_id] = (*found.get(row.device_id, ()), _place(row))
    return found


def leave(work: Work, devices: ColumnElement[bool]) -> None:
    """Before devices are removed: their topics are left, for the provider would go on sending to them.

    A nameless, hidden row keeps each address until the provider has been told, a day at most.
    """
    for device in queries.leaving(work.session, devices):
        index = work.core.keyring.blind_index(work.app_id, f"left {device.id}")
        row = _leaver(work, device, index, people.add_anonymous(work)[0])
        made = audience.add_devices(work.session, [row])
        queries.move(work.session, device.id, next(iter(made.values())), work.now)


def _leaver(work: Work, device: Device, index: bytes, owner: int) -> dict[str, Any]:
    same = ("app_id", "credential_id", "platform", "provider", "environment", "address_kind", "sealed_address")
    return {
        **{name: getattr(device, name) for name in same},
        "user_id": owner,
        "address_index": index,
        "index_version": work.core.keyring.index_version,
        "secret_hash": "",
        "state": DeviceState.UNSUBSCRIBED,
        "permission": Permission.UNKNOWN,
        "first_seen": work.now,
        "last_seen": work.now,
        "registered_at": work.now,
        "ephemeral_until": work.now + LEAVING,
    }


def _check_name(name: str) -> None:
    if wrong := rules.problem(name):
        raise Invalid("topic", wrong)


def _chosen(work: Work, members: Members) -> tuple[list[ColumnElement[bool]], tuple[str, ...]]:
    """The members as conditions over `User` and `Device`, and the ids that name nobody."""
    chosen: list[ColumnElement[bool]] = []
    numbers = {one: work.core.keyring.number(ids.DEVICE, one) or 0 for one in members.device_ids}
    known = audience.device_numbers(work.session, work.app_id, list(numbers.values())) if numbers else {}
    people_known = audience.user_numbers(work.session, work.app_id, members.user_ids) if members.user_ids else {}
    if members.user_ids:
        chosen.append(queries.of_users(list(people_known)))
    if members.device_ids:
        chosen.append(queries.of_devices(list(known)))
    if members.segment_id is not None:
        chosen.append(segmentation.condition(work, segmentation.get(work, members.segment_id).rules))
    if members.list_id is not None:
        lists.get(work, members.list_id)
        chosen.append(queries.of_list(ids.number(work, ids.LIST, members.list_id)))
    if not chosen:
        raise Invalid("body", "names nobody: give user_ids, device_ids, segment_id or list_id")
    strangers = [one for one in dict.fromkeys(members.user_ids) if one not in people_known]
    return chosen, (*strangers, *(one for one, number in numbers.items() if number not in known))


def _row(row: Any) -> TopicRow:
    return TopicRow(row.topic, int(row.subscribed), int(row.pending), int(row.failed))


def _place(row: TopicSubscription) -> DeviceTopic:
    return DeviceTopic(row.topic, TopicState(row.state), row.wanted, row.reason, row.changed_at)
