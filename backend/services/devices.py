"""Devices: registered by their address, changed and removed by whoever holds their secret."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.crypto import hash_secret, matches
from backend.db import Work
from backend.domain.vocabulary import DeviceState, Environment, Permission, Platform, ProviderName
from backend.errors import Conflict, NotFound
from backend.queries import audience, merging
from backend.queries import topics as topic_queries
from backend.services import enrolment, identity, ids, ownership, registration, topics, visits
from backend.services.enrolment import UNTOLD
from backend.services.registration import DeviceIn, DevicePatch
from backend.services.topics import DeviceTopic


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as its app and the console see it. `address` is a short fingerprint, never the address.

    `topics` are those whose list it is on, or is to be.
    """

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
    topics: tuple[DeviceTopic, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration's answer; `secret` is null where the caller has no right to it."""

    device: DeviceRow
    secret: str | None = field(repr=False)
    created: bool


def register_device(work: Work, given: DeviceIn, *, holder: str | None = None, trusted: bool = False) -> Registered:
    """Registers an address, or brings the device that has it up to date, and back to life if it was invalid; one
    that is unsubscribed stays so until it says otherwise (`update_device`).

    A new device's secret is told once. A known device's is told again to whoever shows it (`holder`);
    a server key (`trusted`) gets a new one in its place, since only a hash is kept; and a device whose
    secret nobody has been told gives one to the first that registers it. Only a device's own word is a visit.
    Raises `Invalid` naming the wrong field.
    """
    asked = enrolment.ask(work, given)
    row = enrolment.find(work, [asked]).get(asked.key)
    secret = secrets.token_urlsafe(32)
    if row is None:
        made = enrolment.add(work, [asked], secret_hash=hash_secret(secret), present=not trusted)
        if made:
            return Registered(row_of(work, _load(work, made[asked.key])), secret, created=True)
        row = enrolment.find_all(work, [asked])[asked.key]
    told, hashed = _secret_for(row, secret, holder, trusted)
    enrolment.refresh(work, [(row, asked)], secret_hash=hashed)
    if trusted:
        audience.change_device(work.session, row.id, last_seen=work.now)
    else:
        visits.speaks(work, _load(work, row.id))
    return Registered(row_of(work, _load(work, row.id)), told, created=False)


def _secret_for(row: Any, fresh: str, holder: str | None, trusted: bool) -> tuple[str | None, str]:
    """The secret that this caller may know of a known device, and the hash to keep; see `register_device`."""
    if holder and matches(holder, row.secret_hash):
        return holder, row.secret_hash
    if trusted or row.secret_hash == UNTOLD:
        return fresh, hash_secret(fresh)
    return None, row.secret_hash


def update_device(work: Work, device_id: str, patch: DevicePatch, *, present: bool = False) -> DeviceRow:
    """Changes what the patch names. `present`: the device itself says so, which is a sign of life.

    Raises `NotFound`, `Invalid`, and `Conflict` when another device has the new address.
    """
    row = _load(work, ids.number(work, ids.DEVICE, device_id))
    said = patch.model_fields_set
    moved = _new_address(work, row, patch)
    values = registration.columns(patch, said) | moved
    if patch.state is not None:
        values |= {"state": patch.state, "reason": None, "state_at": work.now}
    if values:
        audience.change_device(work.session, row.id, **values)
    if moved or values.get("state", row.state) != row.state:
        topic_queries.again(work.session, [row.id], work.now)
    if patch.user_id is not None:
        ownership.sign_in(work, row, patch.user_id)
    elif "user_id" in said:
        ownership.sign_out(work, row)
    if present:
        visits.speaks(work, _load(work, row.id))
    return _told(work, _load(work, row.id))


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
    return enrolment.address_columns(work, address, indexes[0]) | (revived if row.state == DeviceState.INVALID else {})


def remove_device(work: Work, device_id: str) -> None:
    """Removes a device, and its user when that is an anonymous one without any other. Raises `NotFound`."""
    row = _load(work, ids.number(work, ids.DEVICE, device_id))
    topics.leave(work, topic_queries.of_devices([row.id]))
    if audience.is_alone(work.session, row.user_id, besides=row.id):
        merging.cut_loose(work.session, row.user_id)
        audience.delete_user(work.session, row.user_id)
    else:
        audience.delete_device(work.session, row.id)


def get_device(work: Work, device_id: str) -> DeviceRow:
    """A device of the app. Raises `NotFound`."""
    return _told(work, _load(work, ids.number(work, ids.DEVICE, device_id), lock=False))


def _told(work: Work, row: Any) -> DeviceRow:
    return row_of(work, row, topics.of_devices(work, [row.id]).get(row.id, ()))


def device_for(work: Work, device_id: str, secret: str) -> DeviceRow:
    """The device that this secret proves. Raises `NotAuthenticated`."""
    return row_of(work, identity.device_with(work, device_id, secret))


def devices_of(work: Work, user: int) -> tuple[DeviceRow, ...]:
    """A user's devices, oldest first."""
    rows = audience.devices_of(work.session, work.app_id, user)
    places = topics.of_devices(work, [row.id for row in rows])
    return tuple(row_of(work, row, places.get(row.id, ())) for row in rows)


def _load(work: Work, number: int, *, lock: bool = True) -> Any:
    row = audience.device(work.session, work.app_id, number, lock=lock)
    if row is None:
        raise NotFound("There is no such device.")
    return row


def row_of(work: Work, row: Any, places: tuple[DeviceTopic, ...] = ()) -> DeviceRow:
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
        topics=places,
    )
