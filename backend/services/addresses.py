"""A device's address at rest: encrypted, and found again by a keyed hash."""

from typing import Any

import orjson

from backend.crypto import KeyRing
from backend.domain.message import Address
from backend.domain.vocabulary import AddressKind, Environment, ProviderName


def _context(app_id: int) -> str:
    return f"device:{app_id}"


def seal(keyring: KeyRing, app_id: int, address: Address) -> bytes:
    """The encrypted address; what is not secret about it lies in the device's own columns."""
    return keyring.encrypt(orjson.dumps([address.value, address.p256dh, address.auth]).decode(), _context(app_id))


def unseal(keyring: KeyRing, app_id: int, row: Any) -> Address:
    """The address of a device row (`provider`, `address_kind`, `environment`, `sealed_address`)."""
    value, p256dh, auth = orjson.loads(keyring.decrypt(row.sealed_address, _context(app_id)))
    return Address(
        provider=ProviderName(row.provider),
        kind=AddressKind(row.address_kind),
        value=value,
        environment=Environment(row.environment),
        p256dh=p256dh,
        auth=auth,
    )
