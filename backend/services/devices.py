"""Devices: registered by their address, changed and removed by whoever holds their secret."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from backend.crypto import hash_secret, matches
from backend.db import Work
from backend.domain.message import Address
from backend.domain.vocabulary import DeviceState, Environment, Permission, Platform, ProviderName
from backend.errors import Conflict, FieldError, Invalid, NotFound
from backend.queries import audience, merging
from backend.services import addresses, binding, fields, identity, ids, ownership, people, registration
from backend.services.people import BatchResult
from backend.services.registration import DeviceIn, DevicePatch, RawAddress

EPHEMERAL: Final = timedelta(days=30)
UNTOLD: Final = ""
"""The secret hash of a device whose secret nobody has been told: imported, or known from a raw token."""

Key = tuple[bytes, str, str]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as its app and the console see it. `address` is a short fingerprint, never the address."""

    id: str
    user_id: str | None
    platform: Platform
    provider: ProviderName
    environment: Environment
    address: str
    state: DeviceState
    reason: str | None
    permission: Permission
    locale: str | None
    timezone: str | None
    country: str | None
    app_version: str | None
    os_version: str | None
    model: str | None
    has_credential: bool
    first_seen: datetime
    last_seen: datetime
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration's answer; `secret` is null where the caller has no right to it."""

    device: DeviceRow
    secret: str | None = field(repr=False)
    created: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """A checked registration, the address it names, and that address's indexes under each key, newest first."""

    given: DeviceIn
    address: Address = field(repr=False)
    indexes: tuple[bytes, ...]

    @property
    def key(self) -> Key:
        return self.indexes[0], self.address.provider, self.address.environment


def register_device(work: Work, given: DeviceIn, *, holder: str | None = None, trusted: bool = False) -> Registered:
    """Registers an address, or brings the device that has it up to date (and back to life).

    A new device's secret is told once. A known device's is told again to whoever shows it (`holder`);
    a server key (`trusted`) gets a new one in its place, since only a hash is kept; and a device whose
    secret nobody has been told gives one to the first that registers it.
    Raises `Invalid` naming the wrong field.
    """
    asked = _asked(work, given)
    known = _find(work, [asked])
    secret = secrets.token_urlsafe(32)
    made = {} if known else _add(work, [asked], secret_hash=hash_secret(secret))
    if made:
        return Registered(row_of(work, _load(work, made[asked.key])), secret, created=True)
    number = (known or _find(work, [asked]))[asked.key]
    told = _tell_secret(work, number, secret, holder, trusted)
    _refresh(work, number, asked, present=True)
    return Registered(row_of(work, _load(work, number)), told, created=False)


def _tell_secret(work: Work, number: int, fresh: str, holder: str | None, trusted: bool) -> str | None:
    """The secret that this caller may know of a device already known; see `register_device`."""
    hashed = _load(work, number).secret_hash
    if holder and matches(holder, hashed):
        return holder
    if hashed != UNTOLD and not trusted:
        return None
    audience.change_device(work.session, number, secret_hash=hash_secret(fresh))
    return fresh


def devices_batch(work: Work, items: Sequence[Mapping[str, Any]]) -> list[BatchResult]:
    """Registers up to 1000 devices for a back end; a bad item is told in its result and spoils no other.

    No secret is told or changed: each device's own app gets one when it first registers. Importing is
    no sign of life, so devices already known keep their `last_seen`.
    """
    results: dict[int, BatchResult] = {}
    asked: dict[int, _Asked] = {}
    for index, item in enumerate(items):
        try:
            asked[index] = _asked(work, fields.parse(DeviceIn, item))
        except Invalid as error:
            results[index] = BatchResult(index, 422, errors=tuple(error.errors))
    known = _find(work, asked.values())
    fresh = {one.key: one for one in reversed(asked.values()) if one.key not in known}
    made = _add(work, list(fresh.values()), secret_hash=UNTOLD)
    known |= _find(work, [one for one in fresh.values() if one.key not in made]) | made
    for index, one in asked.items():
        created = one.key in made and fresh[one.key] is one
        if not created:
            _refresh(work, known[one.key], one, present=False)
        public = ids.public(work, ids.DEVICE, known[one.key])
        results[index] = BatchResult(index, 201 if created else 200, public)
    return [results[index] for index in range(len(items))]


def ephemeral_devices(work: Work, items: Sequence[Mapping[str, Any]], path: str = "tokens") -> list[int]:
    """The number of a device for each raw address `{platform, provider?, token | subscription}`.

    An address that nobody has registered gets a device for 30 days, which no segment counts.
    Raises `Invalid` naming the wrong field below `path`.
    """
    asked = [_raw(work, item, f"{path}[{index}]") for index, item in enumerate(items)]
    known = _find(work, asked)
    fresh = {one.key: one for one in asked if one.key not in known}
    until = work.now + EPHEMERAL
    made = _add(work, list(fresh.values()), secret_hash=UNTOLD, ephemeral_until=until)
    known |= _find(work, [one for one in fresh.values() if one.key not in made])
    audience.prolong(work.session, list(known.values()), until)
    return [(known | made)[one.key] for one in asked]


def ephemeral_device(work: Work, item: Mapping[str, Any]) -> int:
    """`ephemeral_devices` of one, with the wrong field named as it stands in `item`."""
    return ephemeral_devices(work, [item], path="")[0]


def _raw(work: Work, item: Mapping[str, Any], path: str) -> _Asked:
    prefix = "" if path == "[0]" else f"{path}."
    try:
        return _asked(work, fields.parse(RawAddress, item).registration())
    except Invalid as error:
        raise Invalid([FieldError(f"{prefix}{one.field}", one.message) for one in error.errors]) from error


def _asked(work: Work, given: DeviceIn) -> _Asked:
    address = registration.address(work, given)
    return _Asked(given, address, tuple(work.core.keyring.blind_indexes(work.app_id, address.value)))


def _find(work: Work, asked: Iterable[_Asked]) -> dict[Key, int]:
    """The devices that already have these addresses, under whichever key of the ring they were indexed."""
    wanted = {(index, one.key[1], one.key[2]): one.key for one in asked for index in one.indexes}
    if not wanted:
        return {}
    rows = audience.devices_at(work.session, work.app_id, {index for index, _, _ in wanted})
    places = {(row.address_index, row.provider, row.environment): row.id for row in rows}
    return {wanted[place]: number for place, number in places.items() if place in wanted}


def _add(
    work: Work, asked: Sequence[_Asked], *, secret_hash: str, ephemeral_until: datetime | None = None
) -> dict[Key, int]:
    """Makes the devices with their users; those that somebody else has just made are not among the numbers."""
    named = people.ensure_users(work, [one.given.user_id for one in asked if one.given.user_id])
    nameless = people.add_anonymous(work, sum(not one.given.user_id for one in asked))
    spare = iter(nameless)
    owners = [named[one.given.user_id] if one.given.user_id else next(spare) for one in asked]
    lanes = {one.key[1:]: binding.lane(work, one.address) for one in asked}
    rows = [
        _new_row(work, one, user_id=owner, credential_id=lanes[one.key[1:]], secret_hash=secret_hash)
        for one, owner in zip(asked, owners, strict=True)
    ]
    made = audience.add_devices(work.session, [{**row, "ephemeral_until": ephemeral_until} for row in rows])
    served = {owner for one, owner in zip(asked, owners, strict=True) if one.key in made}
    for owner in set(nameless) - served:
        audience.delete_user(work.session, owner)
    if ephemeral_until is None:
        audience.touch_users(work.session, served, work.now)
    return made


def _new_row(work: Work, asked: _Asked, **rest: Any) -> dict[str, Any]:
    given = asked.given
    return {
        "app_id": work.app_id,
        "platform": given.platform,
        "state": DeviceState.ACTIVE,
        "first_seen": work.now,
        "last_seen": work.now,
        **registration.columns(given, set(registration.Facts.model_fields)),
        **_address_columns(work, asked.address, asked.indexes[0]),
        **rest,
    }


def _address_columns(work: Work, address: Address, index: bytes) -> dict[str, Any]:
    return {
        "provider": address.provider,
        "environment": address.environment,
        "address_kind": address.kind,
        "sealed_address": addresses.seal(work.core.keyring, work.app_id, address),
        "address_index": index,
        "index_version": work.core.keyring.index_version,
        "registered_at": work.now,
    }


def _refresh(work: Work, number: int, asked: _Asked, *, present: bool) -> None:
    """Writes what a repeated registration says; null fields say nothing."""
    row = _load(work, number)
    given = asked.given
    said = {name for name in given.model_fields_set if getattr(given, name) is not None}
    values = registration.columns(given, said) | _address_columns(work, asked.address, asked.indexes[0])
    values |= {"platform": given.platform, "ephemeral_until": None}
    if row.state != DeviceState.ACTIVE:
        values |= {"state": DeviceState.ACTIVE, "reason": None, "state_at": work.now}
    if row.credential_id is None:
        values["credential_id"] = binding.lane(work, asked.address)
    audience.change_device(work.session, number, **values)
    if given.user_id is not None:
        ownership.sign_in(work, row, given.user_id)
    if present:
        _touch(work, number)


def _touch(work: Work, number: int) -> None:
    """The device itself speaks: a sign of life of it and of its user."""
    audience.change_device(work.session, number, last_seen=work.now)
    audience.touch_users(work.session, [_load(work, number).user_id], work.now)


def update_device(work: Work, device_id: str, patch: DevicePatch, *, present: bool = False) -> DeviceRow:
    """Changes what the patch names. `present`: the device itself says so, which is a sign of life.

    Raises `NotFound`, `Invalid`, and `Conflict` when another device has the new address.
    """
    row = _load(work, ids.number(work, ids.DEVICE, device_id))
    said = patch.model_fields_set
    values = registration.columns(patch, said) | _new_address(work, row, patch)
    if patch.state is not None:
        values |= {"state": patch.state, "reason": None, "state_at": work.now}
    if values:
        audience.change_device(work.session, row.id, **values)
    if patch.user_id is not None:
        ownership.sign_in(work, row, patch.user_id)
    elif "user_id" in said:
        ownership.sign_out(work, row)
    if present:
        _touch(work, row.id)
    return row_of(work, _load(work, row.id))


def _new_address(work: Work, row: Any, patch: DevicePatch) -> dict[str, Any]:
    if patch.token is None and patch.fid is None and patch.subscription is None:
        return {}
    address = registration.address_for(work, patch, ProviderName(row.provider), Environment(row.environment))
    indexes = work.core.keyring.blind_indexes(work.app_id, address.value)
    taken = audience.devices_at(work.session, work.app_id, indexes)
    same = [other for other in taken if (other.provider, other.environment) == (row.provider, row.environment)]
    if any(other.id != row.id for other in same):
        raise Conflict("Another device of this app has that address.")
    revived = {"state": DeviceState.ACTIVE, "reason": None, "state_at": work.now}
    return _address_columns(work, address, indexes[0]) | (revived if row.state == DeviceState.INVALID else {})


def remove_device(work: Work, device_id: str) -> None:
    """Removes a device, and its user when that is an anonymous one without any other. Raises `NotFound`."""
    row = _load(work, ids.number(work, ids.DEVICE, device_id))
    if audience.is_alone(work.session, row.user_id, besides=row.id):
        merging.cut_loose(work.session, row.user_id)
        audience.delete_user(work.session, row.user_id)
    else:
        audience.delete_device(work.session, row.id)


def get_device(work: Work, device_id: str) -> DeviceRow:
    """A device of the app. Raises `NotFound`."""
    return row_of(work, _load(work, ids.number(work, ids.DEVICE, device_id), lock=False))


def device_for(work: Work, device_id: str, secret: str) -> DeviceRow:
    """The device that this secret proves. Raises `NotAuthenticated`."""
    return row_of(work, identity.device_with(work, device_id, secret))


def devices_of(work: Work, user: int) -> tuple[DeviceRow, ...]:
    """A user's devices, oldest first."""
    return tuple(row_of(work, row) for row in audience.devices_of(work.session, work.app_id, user))


def _load(work: Work, number: int, *, lock: bool = True) -> Any:
    row = audience.device(work.session, work.app_id, number, lock=lock)
    if row is None:
        raise NotFound("There is no such device.")
    return row


def row_of(work: Work, row: Any) -> DeviceRow:
    return DeviceRow(
        id=ids.public(work, ids.DEVICE, row.id),
        user_id=row.external_id,
        platform=Platform(row.platform),
        provider=ProviderName(row.provider),
        environment=Environment(row.environment),
        address=row.address_index.hex()[:8],
        state=DeviceState(row.state),
        reason=row.reason,
        permission=Permission(row.permission),
        locale=row.locale,
        timezone=row.timezone,
        country=row.country,
        app_version=row.app_version,
        os_version=row.os_version,
        model=row.model,
        has_credential=row.credential_id is not None,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        registered_at=row.registered_at,
    )
