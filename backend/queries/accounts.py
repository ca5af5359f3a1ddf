"""Apps, members, sessions, invitations, API keys and the audit trail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, col

from backend.models import (
    ApiKey,
    App,
    AuditEntry,
    Invitation,
    Member,
    MemberSession,
    Membership,
)


def added(session: Session, row: SQLModel) -> bool:
    """Inserts a row; False when something unique about it is taken, also by somebody at the same instant."""
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return False
    return True


# --- apps -------------------------------------------------------------------------------------


def app(session: Session, number: int) -> App | None:
    return session.execute(
        select(App).where(col(App.id) == number, col(App.archived_at).is_(None))
    ).scalar_one_or_none()


def app_by_slug(session: Session, slug: str) -> App | None:
    return session.execute(
        select(App).where(col(App.slug) == slug, col(App.archived_at).is_(None))
    ).scalar_one_or_none()


def all_apps(session: Session) -> Sequence[App]:
    return (
        session.execute(select(App).where(col(App.archived_at).is_(None)).order_by(col(App.name), col(App.id)))
        .scalars()
        .all()
    )


def allowed_origins(session: Session) -> set[str]:
    """Every origin that any app allows: what a preflight, which carries no key, can be held against."""
    lists = session.execute(select(col(App.allowed_origins)).where(col(App.archived_at).is_(None))).scalars()
    return {origin for origins in lists for origin in origins}


# --- members ----------------------------------------------------------------------------------


def has_members(session: Session) -> bool:
    return session.execute(select(col(Member.id)).limit(1)).first() is not None


def member(session: Session, number: int) -> Member | None:
    """The member, locked; lock the owners first."""
    return session.get(Member, number, with_for_update=True)


def member_by_email(session: Session, email: str) -> Member | None:
    return session.execute(select(Member).where(col(Member.email) == email)).scalar_one_or_none()


def memberships(session: Session, member_id: int) -> Sequence[Membership]:
    return session.execute(select(Membership).where(col(Membership.member_id) == member_id)).scalars().all()


def membership(session: Session, member_id: int, app_id: int | None) -> Membership | None:
    """The member's role in that app, or (None) in all apps."""
    place = col(Membership.app_id).is_(None) if app_id is None else col(Membership.app_id) == app_id
    return session.execute(select(Membership).where(col(Membership.member_id) == member_id, place)).scalar_one_or_none()


def owners(session: Session) -> Sequence[int]:
    """People who own the whole installation and may sign in, locked in order: two cannot remove each other."""
    rows = (
        select(col(Member.id))
        .join(Membership, col(Membership.member_id) == Member.id)
        .where(col(Membership.role) == "owner", col(Membership.app_id).is_(None), col(Member.disabled_at).is_(None))
        .order_by(col(Member.id))
        .with_for_update()
    )
    return session.execute(rows).scalars().all()


def member_rows(session: Session, app_id: int | None) -> list[tuple[Member, Membership, str | None, datetime | None]]:
    """Each membership with its member, the app's slug and when the member was last seen; of one app or of all."""
    seen = select(func.max(MemberSession.last_seen)).where(col(MemberSession.member_id) == Member.id).scalar_subquery()
    rows = (
        select(Member, Membership, col(App.slug), seen)
        .join(Membership, col(Membership.member_id) == Member.id)
        .join(App, col(App.id) == Membership.app_id, isouter=True)
        .order_by(col(Member.email), col(Membership.id))
    )
    if app_id is not None:
        rows = rows.where(or_(col(Membership.app_id) == app_id, col(Membership.app_id).is_(None)))
    return [(member, place, slug, at) for member, place, slug, at in session.execute(rows)]


def set_password(session: Session, number: int, hashed: str) -> None:
    session.execute(update(Member).where(col(Member.id) == number).values(password_hash=hashed))


def remove_member(session: Session, number: int) -> None:
    session.execute(delete(Member).where(col(Member.id) == number))


# --- sessions ---------------------------------------------------------------------------------


def signed_in(session: Session, token_hash: str, now: datetime) -> tuple[MemberSession, Member] | None:
    """The session that a cookie names, with its member, unless it has run out or the member is disabled."""
    found = session.execute(
        select(MemberSession, Member)
        .join(Member, col(Member.id) == MemberSession.member_id)
        .where(
            col(MemberSession.token_hash) == token_hash,
            col(MemberSession.expires_at) > now,
            col(Member.disabled_at).is_(None),
        )
    ).first()
    return (found[0], found[1]) if found else None


def slide_session(session: Session, number: int, now: datetime, expires_at: datetime) -> None:
    values = {"last_seen": now, "expires_at": expires_at}
    session.execute(update(MemberSession).where(col(MemberSession.id) == number).values(**values))


def choose_app(session: Session, session_id: int, app_id: int) -> None:
    session.execute(update(MemberSession).where(col(MemberSession.id) == session_id).values(app_id=app_id))


def end_session(session: Session, token_hash: str) -> None:
    session.execute(delete(MemberSession).where(col(MemberSession.token_hash) == token_hash))


def forget_sessions(session: Session, now: datetime) -> int:
    """Removes sessions and invitations that have run out; how many sessions."""
    session.execute(delete(Invitation).where(col(Invitation.expires_at) <= now))
    return count(session.execute(delete(MemberSession).where(col(MemberSession.expires_at) <= now)))


# --- invitations ------------------------------------------------------------------------------


def invitation(session: Session, token_hash: str) -> Invitation | None:
    return session.execute(select(Invitation).where(col(Invitation.token_hash) == token_hash)).scalar_one_or_none()


def drop_open_invitations(session: Session, email: str | None) -> None:
    """Withdraws what was offered to that address (None: to whoever sets Tocsin up) and not taken up."""
    to = col(Invitation.email).is_(None) if email is None else col(Invitation.email) == email
    session.execute(delete(Invitation).where(col(Invitation.used_at).is_(None), to))


def use_invitation(session: Session, number: int, now: datetime) -> bool:
    """Marks it used; False when somebody else was first."""
    unused = and_(col(Invitation.id) == number, col(Invitation.used_at).is_(None))
    return count(session.execute(update(Invitation).where(unused).values(used_at=now))) == 1


# --- API keys ---------------------------------------------------------------------------------


def key_holder(session: Session, key_hash: str) -> tuple[ApiKey, App] | None:
    """The living key with that hash, with its app."""
    found = session.execute(
        select(ApiKey, App)
        .join(App, col(App.id) == ApiKey.app_id)
        .where(col(ApiKey.key_hash) == key_hash, col(ApiKey.revoked_at).is_(None), col(App.archived_at).is_(None))
    ).first()
    return (found[0], found[1]) if found else None


def keys(session: Session, app_id: int) -> Sequence[ApiKey]:
    return session.execute(select(ApiKey).where(col(ApiKey.app_id) == app_id).order_by(col(ApiKey.id))).scalars().all()


def revoke_key(session: Session, app_id: int, number: int, now: datetime) -> bool:
    """False when the app has no such key in force."""
    alive = and_(col(ApiKey.id) == number, col(ApiKey.app_id) == app_id, col(ApiKey.revoked_at).is_(None))
    return count(session.execute(update(ApiKey).where(alive).values(revoked_at=now))) == 1


def touch_key(session: Session, number: int, now: datetime) -> None:
    session.execute(update(ApiKey).where(col(ApiKey.id) == number).values(last_used=now))


# --- audit ------------------------------------------------------------------------------------


def audit_page(session: Session, app_id: int | None, before: int | None, limit: int) -> Sequence[AuditEntry]:
    """The newest entries first; of one app, or of the whole installation."""
    rows = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
    if app_id is not None:
        rows = rows.where(col(AuditEntry.app_id) == app_id)
    if before is not None:
        rows = rows.where(col(AuditEntry.id) < before)
    return session.execute(rows).scalars().all()


def failures_since(
    session: Session, action: str, since: datetime, *, subject: str, actor: str
) -> list[tuple[datetime, bool]]:
    """When that action was recorded since then, oldest first, and whether it was about that subject.

    Counts what is about the subject or done by the actor. Entries of no app are few, and the index
    (app_id, at) bounds them by time.
    """
    about = col(AuditEntry.subject) == subject
    recent = and_(col(AuditEntry.app_id).is_(None), col(AuditEntry.at) > since, col(AuditEntry.action) == action)
    found = select(col(AuditEntry.at), about).where(recent, or_(about, col(AuditEntry.actor) == actor))
    return [(at, bool(same)) for at, same in session.execute(found.order_by(col(AuditEntry.at)))]


def count(result: Any) -> int:
    """Rows that a statement changed."""
    return int(result.rowcount) if isinstance(result, CursorResult) else 0
