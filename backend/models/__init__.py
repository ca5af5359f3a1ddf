"""Every table. Alembic is the only way to a schema; these classes say what it must be."""

from sqlmodel import SQLModel

from backend.models.account import (
    ApiKey,
    App,
    AuditEntry,
    Credential,
    IdempotencyKey,
    Invitation,
    Member,
    MemberSession,
    Membership,
    Process,
)
from backend.models.audience import (
    Category,
    Device,
    Event,
    Preference,
    Segment,
    TopicSubscription,
    User,
    UserList,
    UserListMember,
)
from backend.models.campaign import Campaign, Context, Entry, MessageTarget, Revision, Run, Variant
from backend.models.content import Template, TemplateVersion
from backend.models.delivery import Attempt, Chunk, Delivery, Dims, Receipt, Rollup
from backend.models.lane import DeadLetter, LaneReport, Pace

__all__ = [
    "ApiKey",
    "App",
    "Attempt",
    "AuditEntry",
    "Campaign",
    "Category",
    "Chunk",
    "Context",
    "Credential",
    "DeadLetter",
    "Delivery",
    "Device",
    "Dims",
    "Entry",
    "Event",
    "IdempotencyKey",
    "Invitation",
    "LaneReport",
    "Member",
    "MemberSession",
    "Membership",
    "MessageTarget",
    "Pace",
    "Preference",
    "Process",
    "Receipt",
    "Revision",
    "Rollup",
    "Run",
    "Segment",
    "Template",
    "TemplateVersion",
    "TopicSubscription",
    "User",
    "UserList",
    "UserListMember",
    "Variant",
]

# A number that once was somebody's is never given again: public ids outlive the rows.
for _table in SQLModel.metadata.tables.values():
    if "id" in _table.c:
        _table.dialect_kwargs["sqlite_autoincrement"] = True
