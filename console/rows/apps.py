"""Apps, credentials and keys in words."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from backend.services.alarms import EXPIRES_SOON
from backend.services.apps import AppRow
from backend.services.credentials import CredentialRow
from backend.services.keys import KeyRow
from console import words
from console.words import NEVER, When

PROVIDER: Final = {"apns": "Apple (APNs)", "fcm": "Firebase (FCM)", "webpush": "Web Push"}
SCOPE: Final = {"client": "Client: in apps and pages", "server": "Server: your back end", "admin": "Admin: everything"}


@dataclass(frozen=True, slots=True)
class AppForm:
    """An app's settings as the form has them."""

    id: str = ""
    slug: str = ""
    name: str = ""
    locale: str = "en"
    zone: str = "UTC"
    origins: str = ""
    threshold: str = ""
    error_limit: str = ""
    verified: bool = True
    website: str = ""
    schemes: str = ""
    approval: bool = False


@dataclass(frozen=True, slots=True)
class CredentialLine:
    """A credential in the list; its secret is never shown again. `expiry` is "soon", "over" or "" for far away."""

    id: str
    provider: str
    word: str
    name: str
    environment: str
    state: str
    reason: str
    devices: str
    verified: When
    retiring: bool
    expires: When = NEVER
    expiry: str = ""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """An API key in the list."""

    id: str
    name: str
    scope: str
    prefix: str
    created: When
    used: When
    revoked: bool


@dataclass(frozen=True, slots=True)
class FormErrors:
    """What is wrong with a field of these forms, in its place."""

    slug: str = ""
    name: str = ""
    default_locale: str = ""
    default_timezone: str = ""
    launch_threshold: str = ""
    error_limit_percent: str = ""
    allowed_origins: str = ""
    website: str = ""
    link_schemes: str = ""
    topic: str = ""
    team_id: str = ""
    key_id: str = ""
    private_key: str = ""
    certificate: str = ""
    password: str = ""
    service_account: str = ""
    subject: str = ""
    endpoint: str = ""
    ca: str = ""
    other: str = ""


_NAMES: Final = {field.name for field in fields(FormErrors)}


def form_errors(problems: list[tuple[str, str]]) -> FormErrors:
    """The first problem of each field; what no field is about comes under `other`."""
    found: dict[str, str] = {}
    for path, message in problems:
        head = path.split(".")[0].split("[")[0]
        said = message[:1].upper() + message[1:] + ("" if message.endswith((".", "?")) else ".")
        found.setdefault(
            head if head in _NAMES else "other", said if head in _NAMES else f"{path}: {message}".strip(": ")
        )
    return FormErrors(**found)


def app_form(row: AppRow) -> AppForm:
    return AppForm(
        row.id,
        row.slug,
        row.name,
        row.default_locale,
        row.default_timezone,
        "\n".join(row.allowed_origins),
        str(row.launch_threshold),
        str(row.error_limit_percent),
        row.identity_verification,
        row.website or "",
        " ".join(row.link_schemes),
        row.approval_required,
    )


def credential_line(row: CredentialRow, zone: str, now: datetime) -> CredentialLine:
    return CredentialLine(
        id=row.id,
        provider=row.provider,
        word=PROVIDER.get(row.provider, row.provider),
        name=row.topic or _named(row.public),
        environment=row.environment if row.provider == "apns" else "",
        state="held" if row.held else row.status,
        reason=row.reason or "",
        devices=words.number(row.devices),
        verified=words.when(row.verified_at, zone, now),
        retiring=row.status == "retiring",
        expires=_expires(row.expires_at, zone, now),
        expiry=_expiry(row.expires_at, now),
    )


def _expires(at: datetime | None, zone: str, now: datetime) -> When:
    """`Certificate expires 17 Sep 2027`; NEVER for a key."""
    if at is None:
        return NEVER
    local = at.astimezone(ZoneInfo(zone))
    word = "expires" if at > now else "expired on"
    return When(f"Certificate {word} {local.day} {local:%b %Y}", words.when(at, zone, now).exact)


def _expiry(at: datetime | None, now: datetime) -> str:
    if at is None or at - now >= EXPIRES_SOON:
        return ""
    return "soon" if at > now else "over"


def _named(public: Mapping[str, object]) -> str:
    """What tells this credential from another of the same provider."""
    return str(public.get("project_id") or public.get("subject") or public.get("public_key") or "")


def key_line(row: KeyRow, zone: str, now: datetime) -> KeyLine:
    return KeyLine(
        id=row.id,
        name=row.name or "Unnamed",
        scope=row.scope,
        prefix=f"{row.prefix}…",
        created=words.when(row.created_at, zone, now),
        used=words.when(row.last_used, zone, now),
        revoked=row.revoked_at is not None,
    )
