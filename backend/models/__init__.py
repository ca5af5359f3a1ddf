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
    AttributeKey,
    Category,
    Consent,
    Device,
    DevicePreference,
    Event,
    EventKey,
    Preference,
    PreferenceChange,
    Segment,
    TopicSubscription,
    User,
    UserList,
    UserListMember,
)
from backend.models.campaign import (
    Approval,
    Campaign,
    Context,
    Entry,
    EventTrigger,
    MessageTarget,
    Revision,
    Run,
    Tester,
    Variant,
)
from backend.models.content import ContentBlock, Template, TemplateVersion
from backend.models.delivery import Attempt, Chunk, Delivery, Dims, Receipt, Rollup
from backend.models.lane import DeadLetter, LaneReport, Pace
from backend.models.transfer import ImportJob, ImportRefusal

__all__ = [
    "ApiKey",
    "App",
    "Approval",
    "Attempt",
    "AttributeKey",
    "AuditEntry",
    "Campaign",
    "Category",
    "Chunk",
    "Consent",
    "ContentBlock",
    "Context",
    "Credential",
    "DeadLetter",
    "Delivery",
    "Device",
    "DevicePreference",
    "Dims",
    "Entry",
    "Event",
    "EventKey",
    "EventTrigger",
    "IdempotencyKey",
    "ImportJob",
    "ImportRefusal",
    "Invitation",
    "LaneReport",
    "Member",
    "MemberSession",
    "Membership",
    "MessageTarget",
    "Pace",
    "Preference",
    "PreferenceChange",
    "Process",
    "Receipt",
    "Revision",
    "Rollup",
    "Run",
    "Segment",
    "Template",
    "TemplateVersion",
    "Tester",
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
