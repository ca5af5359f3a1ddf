"""What is said to whom and when: campaigns, their revisions, and each occasion of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from backend.models.base import BigId, Json, Small, Word, json_field, primary_key, reference


class Campaign(SQLModel, table=True):
    """A push that people plan, or (kind `message`) the hidden carrier of an app's API messages.

    `definition` is the campaign JSON as last saved; what is sent is always a `Revision`.
    `version` grows with each save, so that a save on stale text is noticed. `due_at` is when its next occasion
    begins, for the person whose clock is furthest ahead; `repeats` is true of what has more than one occasion.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        Index("ix_campaign_app", "app_id", "kind", "archived_at", "id"),
        Index("ix_campaign_due", "state", "due_at"),
    )

    id: int = primary_key()
    app_id: int = reference("app.id")
    kind: str = Field(default="campaign", sa_type=Word)
    name: str = Field(max_length=200)
    state: str = Field(default="draft", sa_type=Word)
    definition: dict[str, Any] = json_field()
    version: int = 1
    revision_id: int | None = Field(default=None, sa_type=BigId)
    due_at: datetime | None = None
    repeats: bool = False
    created_at: datetime
    updated_at: datetime
    created_by: str = Field(default="", max_length=400)
    launched_at: datetime | None = None
    finished_at: datetime | None = None
    archived_at: datetime | None = None


class Revision(SQLModel, table=True):
    """Content, audience and policy exactly as launched; never changed afterwards."""

    __tablename__ = "revision"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        Index("ix_revision_hash", "campaign_id", "content_hash"),
    )

    id: int = primary_key()
    campaign_id: int = reference("campaign.id")
    number: int
    definition: dict[str, Any] = json_field()
    content_hash: str = Field(max_length=64)
    created_at: datetime
    created_by: str = Field(default="", max_length=400)


class Variant(SQLModel, table=True):
    """One wording of a revision; `position` is what a delivery remembers."""

    __tablename__ = "variant"
    __table_args__ = (UniqueConstraint("revision_id", "position"),)

    id: int = primary_key()
    revision_id: int = reference("revision.id")
    position: int = Field(sa_type=Small)
    name: str = Field(max_length=100)
    weight: int
    content: dict[str, Any] = json_field()


class Approval(SQLModel, table=True):
    """One member's question whether a draft may be launched, and another's answer.

    It holds for exactly the definition of this hash; `state` is asked, approved, declined or withdrawn.
    """

    __tablename__ = "approval"
    __table_args__ = (Index("ix_approval_campaign", "campaign_id", "id"),)

    id: int = primary_key()
    app_id: int = reference("app.id", index=True)
    campaign_id: int = reference("campaign.id")
    content_hash: str = Field(max_length=64)
    state: str = Field(default="asked", sa_type=Word)
    audience: int = 0
    note: str = Field(default="", max_length=1000)
    asked_by: str = Field(max_length=400)
    asked_at: datetime
    answer: str = Field(default="", max_length=1000)
    answered_by: str | None = Field(default=None, max_length=400)
    answered_at: datetime | None = None


BEHIND = "rolled_at IS NULL OR activity_at >= rolled_at OR finished_at >= rolled_at"
"""Which runs the roll-up has to look at: of 200 000 settled ones it read them all, 68 ms a tick."""


class Run(SQLModel, table=True):
    """One occasion of a campaign, pointing to the revision it sends.

    `kind` is `send`, `test` (of members) or `message` (of the API). `plan_cursor` is the last device id planned; `planned_at` is set when the audience is complete.
    `answered` and `errors` count final answers and the bad ones among them, for the guardrail.
    `next_chunk` numbers the chunks; `activity_at` and `rolled_at` tell the roll-up what is behind.
    `timing` is what the due times of its rows are made from, where they differ; rows due before `missed_before` are
    too late. `priority` says who wins where caps leave room for one; `counts` is false of what caps do not count.
    """

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("campaign_id", "occasion"),
        Index("ix_run_state", "state"),
        Index("ix_run_app_started", "app_id", "created_at"),
        Index("ix_run_behind", "id", sqlite_where=text(BEHIND), postgresql_where=text(BEHIND)),
    )

    id: int = primary_key()
    app_id: int = reference("app.id")
    campaign_id: int = reference("campaign.id")
    revision_id: int = reference("revision.id")
    occasion: str = Field(max_length=64)
    state: str = Field(default="planning", sa_type=Word)
    pause_reason: str | None = Field(default=None, sa_type=Word)
    pause_detail: str | None = None
    kind: str = Field(default="send", sa_type=Word)
    due_at: datetime
    not_after: datetime | None = None
    missed_before: datetime | None = None
    timing: dict[str, Any] = json_field()
    category_id: int | None = Field(default=None, sa_type=BigId)
    priority: int = Field(default=0, sa_type=Small)
    counts: bool = True
    created_at: datetime
    planned_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    plan_cursor: int = Field(default=0, sa_type=BigId)
    next_chunk: int = 0
    audience: int = 0
    estimate: int | None = None
    people_unreachable: dict[str, int] = json_field()
    throttle_per_minute: int | None = None
    answered: int = 0
    errors: int = 0
    activity_at: datetime | None = None
    rolled_at: datetime | None = None


class EventTrigger(SQLModel, table=True):
    """An event campaign that listens: `schedule` is its own as launched, `since` when it began to.

    Read with every group of events that an app tells, so it holds no more than that needs.
    """

    __tablename__ = "event_trigger"
    __table_args__ = (Index("ix_event_trigger_app", "app_id", "event"),)

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE", sa_type=BigId)
    app_id: int = reference("app.id")
    event: str = Field(max_length=120)
    schedule: dict[str, Any] = json_field()
    since: datetime


class Entry(SQLModel, table=True):
    """One firing of an event campaign for one user, due once. It outlives its event, so that who has been sent
    something once is known for ever; `context` is what its template reads of the event.
    """

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("campaign_id", "event_id", "user_id"),
        Index("ix_entry_due", "campaign_id", "state", "due_at"),
        Index("ix_entry_again", "campaign_id", "user_id", "event_at"),
    )

    id: int = primary_key()
    campaign_id: int = reference("campaign.id")
    event_id: int | None = reference("event.id", index=True, nullable=True, on_delete="SET NULL")
    event_at: datetime
    user_id: int = reference("user.id", index=True)
    run_id: int | None = reference("run.id", index=True, nullable=True, on_delete="SET NULL")
    context: dict[str, Any] = json_field()
    state: str = Field(default="waiting", sa_type=Word)
    due_at: datetime
    created_at: datetime


class MessageTarget(SQLModel, table=True):
    """A device that an API message goes to, until it is planned."""

    __tablename__ = "message_target"

    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE", sa_type=BigId)
    device_id: int = Field(foreign_key="device.id", primary_key=True, index=True, ondelete="CASCADE", sa_type=BigId)
    context_id: int | None = Field(default=None, sa_type=BigId)


class Tester(SQLModel, table=True):
    """A user of the app who gets tests of campaigns; a member's own devices carry the member's number."""

    __tablename__ = "tester"
    __table_args__ = (UniqueConstraint("app_id", "user_id"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    user_id: int = reference("user.id", index=True)
    member_id: int | None = reference("member.id", index=True, nullable=True, on_delete="SET NULL")
    name: str = Field(default="", max_length=200)
    created_at: datetime


class Context(SQLModel, table=True):
    """What a delivery's template reads beside the profile: an event's properties or the API's data."""

    __tablename__ = "context"

    id: int = primary_key()
    app_id: int = reference("app.id")
    data: dict[str, Any] | None = Field(default=None, sa_type=Json)
    created_at: datetime
