"""One row for each push to each device, and what became of it.

A delivery carries no index on any column that an outcome changes: such an index costs a random page
a row, and made outcomes five times dearer when measured.
"""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.models.base import BigId, Small, Word, primary_key, reference


class Dims(SQLModel, table=True):
    """How a device looked at send, interned: breakdowns need no join to a device that has changed since."""

    __tablename__ = "dims"
    __table_args__ = (UniqueConstraint("app_id", "platform", "country", "language", "app_version"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    platform: str = Field(sa_type=Word)
    country: str = Field(default="", max_length=2)
    language: str = Field(default="", max_length=35)
    app_version: str = Field(default="", max_length=64)


class Chunk(SQLModel, table=True):
    """At most 500 deliveries of one run through one credential: the unit that a worker leases.

    `fence` grows with every lease; results written under an older one are refused.
    """

    __tablename__ = "chunk"
    __table_args__ = (
        UniqueConstraint("run_id", "number"),
        Index("ix_chunk_oldest", "state", "priority", "not_before", "id"),
        Index("ix_chunk_smallest", "state", "priority", "number", "id"),
    )

    id: int = primary_key()
    run_id: int = reference("run.id")
    number: int
    credential_id: int = reference("credential.id", index=True)
    priority: int = Field(default=0, sa_type=Small)
    not_before: datetime
    state: str = Field(default="ready", sa_type=Word)
    owner: str | None = Field(default=None, max_length=100)
    lease_until: datetime | None = None
    fence: int = 0


class Delivery(SQLModel, table=True):
    """One push to one device. `ended_at` is when it left the open states.

    User, device and dims are named without a foreign key: their removal is one indexed update by
    user, and a check a row would be felt when an audience of millions is planned.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("run_id", "device_id"),
        Index("ix_delivery_chunk", "run_id", "chunk"),
        Index("ix_delivery_user_due", "user_id", "due_at"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    id: int = primary_key()
    run_id: int = reference("run.id")
    user_id: int | None = Field(default=None, sa_type=BigId)
    device_id: int | None = Field(default=None, sa_type=BigId)
    chunk: int
    dims_id: int = Field(sa_type=BigId)
    context_id: int | None = Field(default=None, sa_type=BigId)
    variant: int = Field(default=0, sa_type=Small)
    state: str = Field(default="planned", sa_type=Word)
    reason: str | None = Field(default=None, max_length=64)
    locale: str | None = Field(default=None, max_length=35)
    attempts: int = Field(default=0, sa_type=Small)
    maybe_sent: bool = False
    provider_ref: str | None = Field(default=None, max_length=200)
    body_hash: str | None = Field(default=None, max_length=32)
    due_at: datetime
    ended_at: datetime | None = None


class Attempt(SQLModel, table=True):
    """A provider's answer other than success, in its own words; kept 30 days."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_delivery", "delivery_id"), Index("ix_attempt_at", "at"))

    id: int = primary_key()
    delivery_id: int = reference("delivery.id")
    at: datetime
    number: int = Field(default=1, sa_type=Small)
    outcome: str = Field(sa_type=Word)
    status: int = 0
    reason: str = Field(default="", max_length=120)
    raw: str = Field(default="")
    retry_at: datetime | None = None


class Receipt(SQLModel, table=True):
    """What a device said it did with a push; the first of its kind counts."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("delivery_id", "type", "action"),)

    id: int = primary_key()
    delivery_id: int = reference("delivery.id")
    type: str = Field(sa_type=Word)
    action: str = Field(default="", max_length=64)
    at: datetime
    received_at: datetime


class Rollup(SQLModel, table=True):
    """How many of what in an hour, by run, variant and platform; recomputable from the rows."""

    __tablename__ = "rollup"
    __table_args__ = (
        UniqueConstraint("run_id", "hour", "variant", "platform", "measure"),
        Index("ix_rollup_app_hour", "app_id", "hour"),
        Index("ix_rollup_campaign_hour", "campaign_id", "hour"),
    )

    id: int = primary_key()
    app_id: int = reference("app.id")
    campaign_id: int = reference("campaign.id")
    run_id: int = reference("run.id")
    hour: datetime
    variant: int = Field(sa_type=Small)
    platform: str = Field(sa_type=Word)
    measure: str = Field(sa_type=Word)
    count: int = Field(sa_type=BigId)
