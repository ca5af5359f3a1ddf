"""The bodies of the admin routes."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backend.domain.vocabulary import CredentialStatus, Environment, HeldKind, ProviderName, Role, Scope


class Given(BaseModel):
    """A body that takes no field it does not know."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """What is told of a row, and nothing else of it."""

    model_config = ConfigDict(from_attributes=True)


class AppIn(Given):
    """A new app."""

    slug: str = Field(description="Its short name in addresses and commands; never changes.")
    name: str | None = None
    default_locale: str = "en"
    default_timezone: str = "UTC"
    identity_verification: bool = Field(True, description="Whether a client key must prove whom it speaks for.")
    allowed_origins: list[str] = Field(default_factory=list, description="Pages from which client keys may be used.")


class AppChange(Given):
    """What to change about an app; what is absent stays."""

    name: str | None = None
    default_locale: str | None = None
    default_timezone: str | None = None
    identity_verification: bool | None = None
    allowed_origins: list[str] | None = None
    launch_threshold: int | None = Field(None, description="From how many devices on a launch wants the count typed.")
    error_limit_percent: int | None = Field(
        None, description="A send pauses itself when more than this share of its answers are errors; 0 never."
    )
    retention: dict[str, int | None] | None = Field(
        None, description="Days by kind (events, deliveries, attempts, imports, audit), null for ever; others stay."
    )
    website: str | None = Field(
        None, description="An https address: where a browser's push leads that names no link. Null clears it."
    )
    link_schemes: list[str] | None = Field(
        None, description="Schemes that links may have beside http and https, such as `myapp`; empty: any harmless one."
    )
    approval_required: bool | None = Field(None, description="Whether a second member approves each launch.")


class AppOut(Told):
    """An app."""

    id: str
    slug: str
    name: str
    default_locale: str
    default_timezone: str
    identity_verification: bool
    allowed_origins: list[str]
    launch_threshold: int
    error_limit_percent: int
    retention: dict[str, int | None] = Field(
        description="For how many days each kind is kept; null for ever. `deliveries` then forget whom they went to."
    )
    website: str | None = Field(description="Where a browser's push leads that names no link.")
    link_schemes: list[str] = Field(description="Schemes that links may have beside http and https; empty: any.")
    approval_required: bool = Field(description="Whether a second member approves each launch.")
    created_at: datetime


class AppDetail(AppOut):
    """An app with the secret by which its back end proves its users."""

    identity_secret: str = Field(description="Signs the JWT of `Tocsin-User` (HS256). Keep it in your back end.")


class CredentialOut(Told):
    """A credential; its secrets are never given back."""

    id: str
    provider: ProviderName
    environment: Environment
    topic: str | None
    status: CredentialStatus
    public: dict[str, Any] = Field(description="What may be shown: key id, team, project, public key …")
    endpoint: str | None
    has_ca: bool
    devices: int = Field(description="How many devices are bound to it.")
    created_at: datetime
    verified_at: datetime | None
    held: bool = Field(description="Whether its lane stands still; `reason` says why.")
    held_kind: HeldKind | None = Field(description="Who holds it: a `member`, or its `provider` that refuses us.")
    reason: str | None
    max_per_second: int | None = Field(description="A member's own limit; null leaves it to the provider.")
    expires_at: datetime | None = Field(description="The end of a client certificate.")
    quarantined_at: datetime | None = Field(description="Since when no device of it is removed as dead.")
    quarantine_reason: str | None


class CredentialStatusIn(Given):
    """Active (which also lets a held lane send again) or retiring."""

    status: CredentialStatus


class MemberIn(Given):
    """A new member. Without a password an invitation is made: a link by which they sign up themselves."""

    email: str
    role: Role
    name: str = ""
    password: str | None = None
    app_id: str | None = Field(None, description="The app that the role holds in; all of them when absent.")


class RoleIn(Given):
    """Another role, in one app or (without `app_id`) in all."""

    role: Role
    app_id: str | None = None


class MemberOut(Told):
    """One role of one member; `app_id` null means in all apps."""

    id: str
    email: str
    name: str
    role: Role
    app_id: str | None
    app_slug: str | None
    created_at: datetime
    last_seen: datetime | None


class InvitationOut(BaseModel):
    """The link by which the invited person signs up; it works once, for a week."""

    email: str
    invitation: str


class KeyIn(Given):
    """A new API key."""

    scope: Scope
    name: str = ""
    app_id: str | None = Field(None, description="The app that it is for; the one acted in when absent.")


class KeyOut(Told):
    """A key, of which only the beginning is known."""

    id: str
    scope: Scope
    name: str
    prefix: str
    created_at: datetime
    last_used: datetime | None
    revoked_at: datetime | None


class NewKey(KeyOut):
    """A key as it is made."""

    key: str = Field(description="Shown this once.")


class AuditOut(Told):
    """Who did what to which thing, and when."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
