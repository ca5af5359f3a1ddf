"""What an app says when it registers a device, and the address it names."""

import binascii
import re
from typing import Annotated, Any, Final, Literal, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backend.crypto import b64url, from_b64url
from backend.db import Work
from backend.domain.message import Address
from backend.domain.version import version_key
from backend.domain.vocabulary import (
    DEFAULT_PROVIDER,
    AddressKind,
    DeviceState,
    Environment,
    Permission,
    Platform,
    ProviderName,
)
from backend.errors import FieldError, Invalid
from backend.services import binding
from backend.services.fields import Country, Locale, Short, Timezone, UserId, Version

PROVIDERS: Final = {
    Platform.IOS: (ProviderName.APNS, ProviderName.FCM),
    Platform.ANDROID: (ProviderName.FCM,),
    Platform.WEB: (ProviderName.WEBPUSH, ProviderName.FCM),
}
KINDS: Final = {
    ProviderName.APNS: (AddressKind.TOKEN,),
    ProviderName.FCM: (AddressKind.TOKEN, AddressKind.FID),
    ProviderName.WEBPUSH: (AddressKind.SUBSCRIPTION,),
}
GIVEN: Final = (AddressKind.TOKEN, AddressKind.FID, AddressKind.SUBSCRIPTION)
P256DH_BYTES: Final = 65
AUTH_BYTES: Final = 16
_APNS_TOKEN: Final = re.compile(r"([0-9a-f]{2}){4,256}")
_FCM_ADDRESS: Final = re.compile(r"[A-Za-z0-9_:.%~+/=-]{4,4096}")


class SubscriptionKeys(BaseModel):
    """The browser's keys, base64url: a P-256 point of 65 bytes, and 16 random bytes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    p256dh: str = Field(max_length=200)
    auth: str = Field(max_length=100)


class SubscriptionIn(BaseModel):
    """A browser's `PushSubscription.toJSON()`; the endpoint is kept and used as it is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    endpoint: str = Field(min_length=1, max_length=2048)
    keys: SubscriptionKeys


class Facts(BaseModel):
    """What a device tells about itself, at registration or later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: Annotated[str, StringConstraints(max_length=4096)] | None = None
    fid: Annotated[str, StringConstraints(max_length=4096)] | None = None
    subscription: SubscriptionIn | None = None
    user_id: UserId | None = None
    locale: Locale | None = None
    timezone: Timezone | None = None
    country: Country | None = None
    app_version: Version | None = None
    os_version: Version | None = None
    model: Short | None = None
    permission: Permission | None = None


class DeviceIn(Facts):
    """A registration. A field that is null is as if it were absent. `provider` follows the platform."""

    platform: Platform
    provider: ProviderName | None = None
    environment: Environment = Environment.PRODUCTION

    @property
    def carrier(self) -> ProviderName:
        return self.provider or DEFAULT_PROVIDER[self.platform]


class DevicePatch(Facts):
    """A change to a device: only the fields given. `user_id: null` signs out; other nulls forget the field.

    `state` is the person's own switch: `unsubscribed` keeps the device but sends it nothing.
    """

    state: Literal[DeviceState.ACTIVE, DeviceState.UNSUBSCRIBED] | None = None


class RawAddress(BaseModel):
    """A device named only by its address, for a single message."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: Platform
    provider: ProviderName | None = None
    token: Annotated[str, StringConstraints(max_length=4096)] | None = None
    fid: Annotated[str, StringConstraints(max_length=4096)] | None = None
    subscription: SubscriptionIn | None = None

    def registration(self) -> DeviceIn:
        return DeviceIn(**self.model_dump())


class _Addressed(Protocol):
    @property
    def token(self) -> str | None: ...
    @property
    def fid(self) -> str | None: ...
    @property
    def subscription(self) -> SubscriptionIn | None: ...


def address(work: Work, given: DeviceIn) -> Address:
    """The address that a registration names. Raises `Invalid` naming the field that does not fit."""
    if given.carrier not in PROVIDERS[given.platform]:
        names = " or ".join(PROVIDERS[given.platform])
        raise Invalid("provider", f"{given.platform} devices are reached through {names}")
    return address_for(work, given, given.carrier, given.environment)


def address_for(work: Work, given: _Addressed, provider: ProviderName, environment: Environment) -> Address:
    """The one address given, as this provider names devices. Raises `Invalid`."""
    kind = _kind(given, provider)
    if kind is AddressKind.SUBSCRIPTION:
        assert given.subscription is not None
        return _subscription(work, given.subscription, environment)
    value = given.fid if kind is AddressKind.FID else given.token
    assert value is not None
    return Address(provider, kind, _checked(provider, kind, value), environment)


def _kind(given: _Addressed, provider: ProviderName) -> AddressKind:
    present = [kind for kind in GIVEN if getattr(given, kind) is not None]
    allowed = KINDS[provider]
    if not present:
        raise Invalid(allowed[0], f"is needed: {provider} reaches a device by its {' or '.join(allowed)}")
    if len(present) > 1:
        raise Invalid(present[1], f"give one address only: {' or '.join(present)}")
    if present[0] not in allowed:
        raise Invalid(present[0], f"{provider} reaches a device by its {' or '.join(allowed)}")
    return present[0]


def _checked(provider: ProviderName, kind: AddressKind, value: str) -> str:
    """Loose on purpose: providers change their tokens' length, and only they know a live one."""
    if provider is ProviderName.APNS:
        value = value.lower()
        if not _APNS_TOKEN.fullmatch(value):
            raise Invalid(kind, "an APNs device token is written in hexadecimal digits")
    elif not _FCM_ADDRESS.fullmatch(value):
        raise Invalid(kind, f"an FCM {kind} has at least 4 letters, digits and -_:")
    return value


def _subscription(work: Work, given: SubscriptionIn, environment: Environment) -> Address:
    endpoint = given.endpoint
    problems = [
        *_problem("subscription.endpoint", binding.endpoint_problem(work, endpoint)),
        *_problem("subscription.keys.p256dh", _point_problem(given.keys.p256dh)),
        *_problem("subscription.keys.auth", _auth_problem(given.keys.auth)),
    ]
    if problems:
        raise Invalid(problems)
    p256dh, auth = b64url(_bytes(given.keys.p256dh)), b64url(_bytes(given.keys.auth))
    return Address(ProviderName.WEBPUSH, AddressKind.SUBSCRIPTION, endpoint, environment, p256dh, auth)


def _problem(field: str, message: str | None) -> list[FieldError]:
    return [FieldError(field, message)] if message else []


def _bytes(text: str) -> bytes:
    """Base64url with or without padding; empty for anything else."""
    try:
        return from_b64url(text.rstrip("="))
    except (ValueError, binascii.Error):
        return b""


def _point_problem(text: str) -> str | None:
    raw = _bytes(text)
    if len(raw) != P256DH_BYTES:
        return f"must be base64url of {P256DH_BYTES} bytes"
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
    except ValueError:
        return "is no point of the curve P-256"
    return None


def _auth_problem(text: str) -> str | None:
    return None if len(_bytes(text)) == AUTH_BYTES else f"must be base64url of {AUTH_BYTES} bytes"


def columns(given: Facts, names: set[str]) -> dict[str, Any]:
    """The device columns that these fields of a registration or change stand for, versions with their keys."""
    plain = ("locale", "timezone", "country", "app_version", "os_version", "model")
    values: dict[str, Any] = {name: getattr(given, name) for name in plain if name in names}
    for name in ("app_version", "os_version"):
        if name in values:
            values[f"{name}_key"] = version_key(values[name]) if values[name] else None
    if "permission" in names:
        values["permission"] = given.permission or Permission.UNKNOWN
    return values
