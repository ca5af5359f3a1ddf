"""Who receives pushes: users, their devices, what they did, what they want."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Index, String, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from backend.models.base import BigId, Json, Sealed, Small, Word, json_field, primary_key, reference

PASSING = text("ephemeral_until IS NOT NULL")
BYTEWISE = String(255).with_variant(String(255, collation="C"), "postgresql")
"""Text in the order of its bytes, as SQLite keeps it, so that an index finds what begins with something."""


class User(SQLModel, table=True):
    """A person who receives pushes; anonymous (no `external_id`) until the app says who it is.

    `bucket` is 32 bits of SHA-256 over app and user, fixed at insert: samples, variants and holdouts
    are ranges of it under a salt.
    """

    __tablename__ = "user"
    __table_args__ = (
        UniqueConstraint("app_id", "external_id"),
        Index("ix_user_app_last_active", "app_id", "last_active"),
        Index("ix_user_app_country", "app_id", "country"),
        Index("ix_user_app_location", "app_id", "latitude", "longitude"),
        Index(
            "ix_user_attributes", "attributes", postgresql_using="gin", postgresql_ops={"attributes": "jsonb_path_ops"}
        ).ddl_if("postgresql"),
    )

    id: int = primary_key()
    app_id: int = reference("app.id")
    external_id: str | None = Field(default=None, sa_type=cast("Any", BYTEWISE))
    bucket: int = Field(sa_type=BigInteger)
    attributes: dict[str, Any] = json_field()
    language: str | None = Field(default=None, max_length=35)
    timezone: str | None = Field(default=None, max_length=64)
    country: str | None = Field(default=None, max_length=2)
    latitude: float | None = None
    longitude: float | None = None
    quiet_hours: dict[str, Any] | None = Field(default=None, sa_type=Json)
    paused_until: datetime | None = None
    sessions: int = 0
    first_seen: datetime
    last_active: datetime | None = None


class Device(SQLModel, table=True):
    """One address of one user: a platform reached through a provider.

    The address is encrypted; `address_index` (keyed hash, key named by `index_version`) finds it
    again and, being the same for every provider and environment, shows that two rows are one phone.
    `ix_device_user` and `ix_device_last_seen` hold all that counting an audience, or those unseen for long, reads of a
    device, so that it reads no row.
    `registered_at` is when the address was last given to us: a provider's "gone since" before it is void.
    `*_key` are versions written so that text order is number order.
    """

    __tablename__ = "device"
    __table_args__ = (
        UniqueConstraint("app_id", "address_index", "provider", "environment"),
        Index("ix_device_app_state", "app_id", "state", "id"),
        Index("ix_device_last_seen", "app_id", "last_seen", "state", "ephemeral_until", "platform"),
        Index("ix_device_counts", "app_id", "platform", "state", "permission", "ephemeral_until"),
        Index("ix_device_user", "user_id", "ephemeral_until", "state", "platform", "permission", "credential_id"),
        Index(
            "ix_device_passing", "ephemeral_until", "app_id", "user_id", sqlite_where=PASSING, postgresql_where=PASSING
        ),
    )

    id: int = primary_key()
    app_id: int = reference("app.id")
    user_id: int = reference("user.id")
    credential_id: int | None = reference("credential.id", nullable=True, index=True, on_delete="SET NULL")
    platform: str = Field(sa_type=Word)
    provider: str = Field(sa_type=Word)
    environment: str = Field(sa_type=Word)
    address_kind: str = Field(sa_type=Word)
    sealed_address: bytes = Field(sa_type=Sealed)
    address_index: bytes = Field(sa_type=Sealed)
    index_version: str = Field(max_length=8)
    secret_hash: str = Field(max_length=64)
    state: str = Field(default="active", sa_type=Word)
    reason: str | None = Field(default=None, max_length=100)
    state_at: datetime | None = None
    permission: str = Field(default="unknown", sa_type=Word)
    locale: str | None = Field(default=None, max_length=35)
    timezone: str | None = Field(default=None, max_length=64)
    country: str | None = Field(default=None, max_length=2)
    app_version: str | None = Field(default=None, max_length=64)
    app_version_key: str | None = Field(default=None, max_length=120)
    os_version: str | None = Field(default=None, max_length=64)
    os_version_key: str | None = Field(default=None, max_length=120)
    model: str | None = Field(default=None, max_length=120)
    ephemeral_until: datetime | None = None
    first_seen: datetime
    last_seen: datetime
    registered_at: datetime


class Event(SQLModel, table=True):
    """Something a user did, once (`external_id` makes a repeat harmless)."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("app_id", "external_id"),
        Index("ix_event_app_name_at", "app_id", "name", "at", "user_id"),
        Index("ix_event_user_name_at", "user_id", "name", "at"),
    )

    id: int = primary_key()
    app_id: int = reference("app.id")
    user_id: int = reference("user.id")
    device_id: int | None = Field(default=None, sa_type=BigId)
    external_id: str | None = Field(default=None, max_length=255)
    name: str = Field(max_length=120)
    at: datetime
    received_at: datetime
    properties: dict[str, Any] = json_field()
    value: float | None = None
    currency: str | None = Field(default=None, max_length=3)


class AttributeKey(SQLModel, table=True):
    """An attribute that users of an app have been seen with. `kinds` are those of its values, commonest last seen first.

    `examples` are a few of its values as text, for suggestions; none where it looks like a person's own (mail, phone).
    """

    __tablename__ = "attribute_key"
    __table_args__ = (UniqueConstraint("app_id", "name"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    name: str = Field(max_length=128)
    kinds: list[str] = json_field(list)
    examples: list[str] = json_field(list)
    first_seen: datetime
    last_seen: datetime


class EventKey(SQLModel, table=True):
    """A kind of event that an app has told. `properties` maps each property's name to `{kinds, examples}`."""

    __tablename__ = "event_key"
    __table_args__ = (UniqueConstraint("app_id", "name"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    name: str = Field(max_length=120)
    properties: dict[str, Any] = json_field()
    has_value: bool = False
    first_seen: datetime
    last_seen: datetime


class Consent(SQLModel, table=True):
    """Somebody's yes or no to something, with when and how it was given: kept, never changed.

    `at` is when it was said, `recorded_at` when we were told, `recorded_by` by whom.
    """

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_user", "user_id", "at"),)

    id: int = primary_key()
    app_id: int = reference("app.id", index=True)
    user_id: int = reference("user.id")
    purpose: str = Field(max_length=64)
    given: bool
    at: datetime
    how: str = Field(default="", max_length=500)
    recorded_at: datetime
    recorded_by: str = Field(default="", max_length=200)


class Category(SQLModel, table=True):
    """A kind of push that people may switch off (unless it is mandatory).

    `description` is what the preference page says of it, `caps` how many of its pushes a person gets at most.
    """

    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("app_id", "slug"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    slug: str = Field(max_length=64)
    name: str = Field(max_length=200)
    kind: str = Field(sa_type=Word)
    opted_in_by_default: bool = True
    description: str = Field(default="", max_length=300)
    caps: list[dict[str, Any]] = json_field(list)
    archived_at: datetime | None = None


class Preference(SQLModel, table=True):
    """A user's own word on a category; without one the category's default holds."""

    __tablename__ = "preference"
    __table_args__ = (UniqueConstraint("user_id", "category_id"),)

    id: int = primary_key()
    user_id: int = reference("user.id")
    category_id: int = reference("category.id", index=True)
    opted_in: bool
    changed_at: datetime
    changed_by: str = Field(default="", max_length=200)


class DevicePreference(SQLModel, table=True):
    """What was said on a category for one device: on that device it stands before its user's word."""

    __tablename__ = "device_preference"
    __table_args__ = (UniqueConstraint("device_id", "category_id"),)

    id: int = primary_key()
    device_id: int = reference("device.id")
    category_id: int = reference("category.id", index=True)
    opted_in: bool
    changed_at: datetime
    changed_by: str = Field(default="", max_length=200)


class PreferenceChange(SQLModel, table=True):
    """A preference that was changed: kept, so that a person's page can say what, when and by whom.

    `what` is `category:SLUG`, `quiet_hours` or `paused_until`; `device_id` is set where it was said for one device.
    """

    __tablename__ = "preference_change"
    __table_args__ = (Index("ix_preference_change_user", "user_id", "at"),)

    id: int = primary_key()
    app_id: int = reference("app.id", index=True)
    user_id: int = reference("user.id")
    device_id: int | None = reference("device.id", nullable=True, index=True, on_delete="SET NULL")
    what: str = Field(max_length=80)
    before: Any = Field(default=None, sa_type=Json, nullable=True)
    after: Any = Field(default=None, sa_type=Json, nullable=True)
    at: datetime
    by: str = Field(default="", max_length=200)


class Segment(SQLModel, table=True):
    """A named rule tree over (user, device) pairs."""

    __tablename__ = "segment"
    __table_args__ = (Index("ix_segment_app", "app_id", "archived_at"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    name: str = Field(max_length=200)
    rules: dict[str, Any] = json_field()
    version: int = 1
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


class UserList(SQLModel, table=True):
    """A static list of users; `source` is file, segment or api."""

    __tablename__ = "user_list"

    id: int = primary_key()
    app_id: int = reference("app.id", index=True)
    name: str = Field(max_length=200)
    source: str = Field(default="api", sa_type=Word)
    created_at: datetime
    archived_at: datetime | None = None


class UserListMember(SQLModel, table=True):
    """A user's place in a static list."""

    __tablename__ = "user_list_member"

    list_id: int = Field(foreign_key="user_list.id", primary_key=True, ondelete="CASCADE", sa_type=BigId)
    user_id: int = Field(foreign_key="user.id", primary_key=True, index=True, ondelete="CASCADE", sa_type=BigId)


class TopicSubscription(SQLModel, table=True):
    """A device's place in a provider's topic: `state` is what we know, `wanted` what it shall become.

    A change waits (`state` pending) until a sender has told the provider; `not_before` spaces its tries.
    """

    __tablename__ = "topic_subscription"
    __table_args__ = (
        UniqueConstraint("device_id", "topic"),
        Index("ix_topic_subscription_app", "app_id", "topic", "state"),
        Index("ix_topic_subscription_due", "state", "not_before"),
    )

    id: int = primary_key()
    app_id: int = reference("app.id")
    device_id: int = reference("device.id")
    topic: str = Field(max_length=900)
    wanted: bool = True
    state: str = Field(default="pending", sa_type=Word)
    reason: str | None = Field(default=None, max_length=200)
    attempts: int = Field(default=0, sa_type=Small)
    not_before: datetime
    changed_at: datetime
