"""The audit trail: who did what to which thing, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.models import AuditEntry
from backend.queries import accounts as queries
from backend.services import page
from backend.services.page import Page

MAX_ACTOR, MAX_SUBJECT = 400, 64


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry. `actor` is kind and label; `subject` the public id of what was acted on."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def record(work: Work, action: str, subject: str = "", **detail: Any) -> None:
    """Adds an entry to this unit of work, so that it stands exactly when the deed does. No secrets in `detail`."""
    work.session.add(
        AuditEntry(
            at=work.now,
            app_id=work.app,
            actor=str(work.actor)[:MAX_ACTOR],
            action=action,
            subject=subject[:MAX_SUBJECT],
            detail=detail,
        )
    )


def listing(work: Work, *, cursor: str | None = None, limit: int = 50) -> Page[AuditRow]:
    """The newest entries first: of this app, or of the whole installation when acting in none."""
    limit = page.checked(limit)
    rows = queries.audit_page(work.session, work.app, page.after(work, cursor), limit + 1)
    return page.page(work, rows, limit, lambda row: row.id or 0, lambda row: _row(work, row))


def _row(work: Work, row: AuditEntry) -> AuditRow:
    name = work.core.keyring.public_id("aud", row.id or 0)
    return AuditRow(name, row.at, row.actor, row.action, row.subject, row.detail)
