"""Who uses Tocsin and with what right: apps, members, keys, credentials, the audit trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.models.base import BigId, Json, Sealed, Word, json_field, primary_key, reference


class App(SQLModel, table=True):
    """One product of the team: its own people, credentials and campaigns.

    `retention` holds the days for which a table's rows are kept, where they differ from the defaults.
    `quiet_hours` are the windows that hold for people who named none of their own, `caps` how many pushes a person
    gets at most; `color` (`#rrggbb`) is the product's own, for the pages that its people see; `website` is where a browser's push
    leads that names no link. With `approval_required` a second member approves each launch.
    """

    __tablename__ = "app"

    id: int = primary_key()
    slug: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=200)
    default_locale: str = Field(default="en", max_length=35)
    default_timezone: str = Field(default="UTC", max_length=64)
    identity_verification: bool = True
    sealed_identity_secret: bytes = Field(sa_type=Sealed)
    allowed_origins: list[str] = json_field(list)
    launch_threshold: int = 10_000
    error_limit_percent: int = 20
    retention: dict[str, Any] = json_field()
    quiet_hours: list[dict[str, Any]] = json_field(list)
    caps: list[dict[str, Any]] = json_field(list)
    color: str | None = Field(default=None, max_length=7)
    website: str | None = Field(default=None, max_length=500)
    link_schemes: list[str] = json_field(list)
    approval_required: bool = False
    created_at: datetime
    archived_at: datetime | None = None


class Member(SQLModel, table=True):
    """A person who signs in to the console."""

    __tablename__ = "member"

    id: int = primary_key()
    email: str = Field(max_length=320, unique=True)
    name: str = Field(default="", max_length=200)
    password_hash: str = Field(max_length=200)
    created_at: datetime
    disabled_at: datetime | None = None


class Membership(SQLModel, table=True):
    """A member's role, in one app or (app_id null) in all of them."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("member_id", "app_id"),)

    id: int = primary_key()
    member_id: int = reference("member.id")
    app_id: int | None = reference("app.id", nullable=True)
    role: str = Field(sa_type=Word)


class MemberSession(SQLModel, table=True):
    """One signed-in browser; the cookie holds the secret, the row only its hash."""

    __tablename__ = "member_session"

    id: int = primary_key()
    member_id: int = reference("member.id", index=True)
    app_id: int | None = reference("app.id", nullable=True, on_delete="SET NULL")
    token_hash: str = Field(max_length=64, unique=True)
    user_agent: str = Field(default="", max_length=300)
    created_at: datetime
    last_seen: datetime
    expires_at: datetime


class Invitation(SQLModel, table=True):
    """A one-time link by which somebody signs up; the first one makes the owner."""

    __tablename__ = "invitation"

    id: int = primary_key()
    token_hash: str = Field(max_length=64, unique=True)
    role: str = Field(sa_type=Word)
    app_id: int | None = reference("app.id", nullable=True)
    email: str | None = Field(default=None, max_length=320)
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class ApiKey(SQLModel, table=True):
    """A program's right to speak for an app; only the hash is kept."""

    __tablename__ = "api_key"

    id: int = primary_key()
    app_id: int = reference("app.id", index=True)
    scope: str = Field(sa_type=Word)
    name: str = Field(default="", max_length=200)
    prefix: str = Field(max_length=16)
    key_hash: str = Field(max_length=64, unique=True)
    created_at: datetime
    last_used: datetime | None = None
    revoked_at: datetime | None = None


class Credential(SQLModel, table=True):
    """What a provider asks for before it carries our pushes; a lane of the sender.

    `public` may be shown (key id, project, topic …); `sealed_secret` is encrypted JSON.
    `reason` says in one sentence why the lane is held (`held_kind`: by a member or by its provider), until
    `held_until` or a member's decision. `max_per_second` is a member's own limit (None: the provider's).
    While `quarantined_at` is set, no device of the lane is pruned: too many addresses were called dead at once;
    until `trusted_until` a member's word that they are dead stands against a new quarantine.
    `expires_at` is the end of a client certificate.
    """

    __tablename__ = "credential"
    __table_args__ = (Index("ix_credential_app_provider", "app_id", "provider", "environment", "status"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    provider: str = Field(sa_type=Word)
    environment: str = Field(sa_type=Word)
    topic: str | None = Field(default=None, max_length=255)
    status: str = Field(default="active", sa_type=Word)
    public: dict[str, Any] = json_field()
    sealed_secret: bytes = Field(sa_type=Sealed)
    endpoint: str | None = Field(default=None, max_length=500)
    ca: str | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime
    verified_at: datetime | None = None
    held_until: datetime | None = None
    held_kind: str | None = Field(default=None, sa_type=Word)
    reason: str | None = None
    max_per_second: int | None = None
    expires_at: datetime | None = None
    quarantined_at: datetime | None = None
    quarantine_reason: str | None = None
    trusted_until: datetime | None = None


class IdempotencyKey(SQLModel, table=True):
    """The answer that a repeated request gets; `status` is null while the first one runs."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("app_id", "route", "key"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    route: str = Field(max_length=200)
    key: str = Field(max_length=255)
    body_hash: str = Field(max_length=64)
    status: int | None = None
    answer: dict[str, Any] | None = Field(default=None, sa_type=Json)
    created_at: datetime = Field(index=True)


class AuditEntry(SQLModel, table=True):
    """Who did what to which thing, and when; never changed."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_app_at", "app_id", "at"),)

    id: int = primary_key()
    at: datetime
    app_id: int | None = Field(default=None, sa_type=BigId)
    actor: str = Field(max_length=400)
    action: str = Field(max_length=64)
    subject: str = Field(default="", max_length=64)
    detail: dict[str, Any] = json_field()


class Process(SQLModel, table=True):
    """A running part of this installation, as its own heartbeat says."""

    __tablename__ = "process"

    id: int = primary_key()
    kind: str = Field(sa_type=Word)
    name: str = Field(max_length=200, unique=True)
    address: str | None = Field(default=None, max_length=300)
    started_at: datetime
    heartbeat_at: datetime
