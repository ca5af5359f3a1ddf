"""Enrolment: how registrations become rows, one or a thousand at a time.

`devices` and `imports` decide who is told what; here addresses are found again, devices made with their
users, and what a repeated registration says is written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from backend.db import Work
from backend.domain.message import Address
from backend.domain.vocabulary import DeviceState
from backend.errors import Overtaken
from backend.queries import audience, topics
from backend.services import addresses, binding, ownership, people, registration
from backend.services.registration import DeviceIn

UNTOLD: Final = ""
"""The secret hash of a device whose secret nobody has been told: imported, or known from a raw token."""

Key = tuple[bytes, str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked registration, the address it names, and that address's indexes under each key, newest first."""

    given: DeviceIn
    address: Address = field(repr=False)
    indexes: tuple[bytes, ...]

    @property
    def key(self) -> Key:
        return self.indexes[0], self.address.provider, self.address.environment


def ask(work: Work, given: DeviceIn) -> Asked:
    """Raises `Invalid` naming the field that is wrong about the address."""
    address = registration.address(work, given)
    return Asked(given, address, tuple(work.core.keyring.blind_indexes(work.app_id, address.value)))


def find(work: Work, asked: Iterable[Asked]) -> dict[Key, Any]:
    """The rows of devices that have these addresses, under whichever key of the ring they were indexed."""
    wanted = {(index, one.key[1], one.key[2]): one.key for one in asked for index in one.indexes}
    if not wanted:
        return {}
    rows = audience.devices_at(work.session, work.app_id, {index for index, _, _ in wanted})
    places = {(row.address_index, row.provider, row.environment): row for row in rows}
    return {wanted[place]: row for place, row in places.items() if place in wanted}


def find_all(work: Work, asked: Collection[Asked]) -> dict[Key, Any]:
    """Likewise the rows of devices that somebody else has just made. Raises `Overtaken` when one is gone again."""
    found = find(work, asked)
    if any(one.key not in found for one in asked):
        raise Overtaken
    return found


def add(
    work: Work,
    asked: Sequence[Asked],
    *,
    secret_hash: str,
    ephemeral_until: datetime | None = None,
    present: bool = False,
) -> dict[Key, int]:
    """Makes the devices with their users; those that somebody else has just made are not among the numbers.

    `present`: the devices themselves say so, and a session of their users begins.
    """
    owners = _owners(work, asked)
    lanes = _lanes(work, asked)
    rest = {"secret_hash": secret_hash, "ephemeral_until": ephemeral_until}
    rows = [
        _new_row(work, one, user_id=owner, credential_id=lanes[one.key[1:]], **rest)
        for one, owner in zip(asked, owners, strict=True)
    ]
    made = audience.add_devices(work.session, rows)
    for one, owner in zip(asked, owners, strict=True):
        if one.key not in made and one.given.user_id is None:
            audience.delete_user(work.session, owner)
    if present:
        served = {owner for one, owner in zip(asked, owners, strict=True) if one.key in made}
        audience.touch_users(work.session, served, work.now, sessions=1)
    return made


def _lanes(work: Work, asked: Iterable[Asked]) -> dict[tuple[str, str], int | None]:
    """The credential that serves each provider and environment, looked up once."""
    kinds = {one.key[1:]: one.address for one in asked}
    return {kind: binding.lane(work, address) for kind, address in kinds.items()}


def _owners(work: Work, asked: Sequence[Asked]) -> list[int]:
    """The user of each registration: the one named, or a new anonymous one."""
    named = people.ensure_users(work, [one.given.user_id for one in asked if one.given.user_id])
    nameless = iter(people.add_anonymous(work, sum(not one.given.user_id for one in asked)))
    return [named[one.given.user_id] if one.given.user_id else next(nameless) for one in asked]


def _new_row(work: Work, asked: Asked, **rest: Any) -> dict[str, Any]:
    given = asked.given
    return {
        "app_id": work.app_id,
        "platform": given.platform,
        "state": DeviceState.ACTIVE,
        "first_seen": work.now,
        "last_seen": work.now,
        **registration.columns(given, set(registration.Facts.model_fields)),
        **address_columns(work, asked.address, asked.indexes[0]),
        **rest,
    }


def address_columns(work: Work, address: Address, index: bytes) -> dict[str, Any]:
    """The columns in which a device's address lies, given to us just now."""
    return {
        "provider": address.provider,
        "environment": address.environment,
        "address_kind": address.kind,
        "sealed_address": addresses.seal(work.core.keyring, work.app_id, address),
        "address_index": index,
        "index_version": work.core.keyring.index_version,
        "registered_at": work.now,
    }


def refresh(work: Work, repeated: Sequence[tuple[Any, Asked]], **rest: Any) -> None:
    """Writes what repeated registrations of device rows say; null fields say nothing, later ones win.

    `rest` are further columns for each of them.
    """
    lanes = _lanes(work, [asked for row, asked in repeated if row.credential_id is None])
    news = [(row.id, {**_news(work, row, asked, lanes), **rest}) for row, asked in repeated]
    audience.change_devices(work.session, news)
    topics.again(work.session, [row.id for row, _ in repeated if row.state == DeviceState.INVALID], work.now)
    users = {row.id: asked.given.user_id for row, asked in repeated if asked.given.user_id is not None}
    for row in {row.id: row for row, _ in repeated}.values():
        if row.id in users:
            ownership.sign_in(work, row, users[row.id])


def _news(work: Work, row: Any, asked: Asked, lanes: Mapping[tuple[str, str], int | None]) -> dict[str, Any]:
    given = asked.given
    said = {name for name in given.model_fields_set if getattr(given, name) is not None}
    values = registration.columns(given, said) | address_columns(work, asked.address, asked.indexes[0])
    values |= {"platform": given.platform, "ephemeral_until": None}
    if row.state == DeviceState.INVALID:  # a person's own "no" outlives the next start of the app
        values |= {"state": DeviceState.ACTIVE, "reason": None, "state_at": work.now}
    if row.credential_id is None:
        values["credential_id"] = lanes[asked.key[1:]]
    return values
