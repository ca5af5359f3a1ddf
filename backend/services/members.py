"""Members: the people who sign in to the console, what they may do, and how they came in."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.crypto import hash_secret
from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, FieldError, Invalid, NotAllowed, NotFound
from backend.models import Invitation, Member, Membership
from backend.queries import accounts as queries
from backend.services import audit, ids, passwords, sessions
from backend.services.sessions import COOKIE, SESSION_DAYS, Viewer, choose_app, sign_in, sign_out, viewer

__all__ = [
    "COOKIE",
    "SESSION_DAYS",
    "MemberRow",
    "Viewer",
    "accept_invitation",
    "add_member",
    "change_role",
    "choose_app",
    "invitation_problem",
    "invite",
    "list_members",
    "remove",
    "setup_token",
    "sign_in",
    "sign_out",
    "viewer",
]

_ATOM = r"[^@\s\x00-\x1f\x7f<>(),;:\"\[\]\\]"
EMAIL = re.compile(rf"{_ATOM}{{1,64}}@{_ATOM}+")
MAX_EMAIL, MAX_NAME = 320, 200
INVITATION_LIFE = timedelta(days=7)
UNBOUND = frozenset({"operator", "clock"})
"""Actors that are the installation itself: the command line and the scheduler."""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One role of one member: in the app of that slug, or (None) in all apps."""

    id: str
    email: str
    name: str
    role: Role
    app_id: str | None
    app_slug: str | None
    created_at: datetime
    last_seen: datetime | None


def setup_token(work: Work) -> str | None:
    """The one-time token by which the first member signs up as owner; None once there is a member.

    A new token replaces an earlier one that nobody used.
    """
    if queries.has_members(work.session):
        return None
    return _offer(work, Role.OWNER, None, None)


def invite(work: Work, email: str, role: Role | str, *, app_number: int | None = None) -> str:
    """A one-time token by which that address signs up. Raises `Invalid`, `NotAllowed`, `Conflict`."""
    address = _address(email)
    wanted = _role(role)
    _authorise(work, wanted, app_number)
    if queries.member_by_email(work.session, address):
        raise Conflict(f"{address} is a member already; change the role instead.")
    token = _offer(work, wanted, address, app_number)
    audit.record(work, "member.invited", email=address, role=wanted)
    return token


def invitation_problem(work: Work, token: str) -> str | None:
    """One sentence on why the link does not work, None when it does."""
    found = queries.invitation(work.session, hash_secret(token))
    if found is None:
        return "This link is not valid. Ask for a new one."
    if found.used_at is not None:
        return "This link has been used. Sign in instead."
    if found.expires_at <= work.now:
        return "This link has run out. Ask for a new one."
    if found.email is None and queries.has_members(work.session):
        return "Tocsin has been set up already. Sign in instead."
    return None


def accept_invitation(work: Work, token: str, *, email: str, name: str, password: str, user_agent: str = "") -> str:
    """Makes the member and signs them in; the session token. Raises `NotAllowed`, `Invalid`, `Conflict`.

    An invitation that was sent to an address belongs to that address, whatever `email` says. Call it
    first in its unit of work: hashing the password takes a tenth of a second, before any lock is held.
    """
    with work.core.reading(work.actor) as reading:
        _usable(reading, token)
    hashed = _checked_hash(name, password)
    found = _usable(work, token)
    if not queries.use_invitation(work.session, found.id or 0, work.now):
        raise NotAllowed("This link has been used. Sign in instead.")
    member = _add(work, _address(found.email or email), name, hashed)
    _grant(work, member.id or 0, Role(found.role), found.app_id)
    audit.record(work, "member.joined", ids.public(work, ids.MEMBER, member.id or 0), role=found.role)
    return sessions.start(work, member.id or 0, user_agent)


def add_member(
    work: Work, email: str, role: Role | str, *, app_number: int | None = None, password: str, name: str = ""
) -> MemberRow:
    """Makes a member with that role in one app, or (None) in all. Raises `Invalid`, `NotAllowed`, `Conflict`."""
    address, wanted = _address(email), _role(role)
    hashed = _checked_hash(name, password)
    _authorise(work, wanted, app_number)
    member = _add(work, address, name, hashed)
    _grant(work, member.id or 0, wanted, app_number)
    public = ids.public(work, ids.MEMBER, member.id or 0)
    audit.record(work, "member.added", public, role=wanted)
    return _one(work, public, app_number)


def list_members(work: Work) -> list[MemberRow]:
    """Every role of every member who may open this app, or of all members when acting in none."""
    return [_row(work, *found) for found in queries.member_rows(work.session, work.app)]


def change_role(work: Work, member_id: str, role: Role | str, *, app_number: int | None = None) -> MemberRow:
    """Gives a member that role in one app, or (None) in all. Raises `NotFound`, `NotAllowed`, `Conflict`."""
    number, wanted = ids.number(work, ids.MEMBER, member_id), _role(role)
    held = _memberships(work, number)
    _authorise(work, wanted, app_number)
    _authorise_over(work, held)
    if app_number is None and wanted is not Role.OWNER:
        _keep_an_owner(work, held)
    _grant(work, number, wanted, app_number)
    audit.record(work, "member.role_changed", member_id, role=wanted)
    return _one(work, member_id, app_number)


def remove(work: Work, member_id: str) -> None:
    """Removes a member and ends every session of theirs. Raises `NotFound`, `NotAllowed`, `Conflict`."""
    number = ids.number(work, ids.MEMBER, member_id)
    held = _memberships(work, number)
    _authorise(work, Role.ADMIN, None)
    _authorise_over(work, held)
    _keep_an_owner(work, held)
    queries.remove_member(work.session, number)
    audit.record(work, "member.removed", member_id)


def _offer(work: Work, role: Role, email: str | None, app_number: int | None) -> str:
    queries.drop_open_invitations(work.session, email)
    token = secrets.token_urlsafe(32)
    row = Invitation(
        token_hash=hash_secret(token),
        role=role,
        app_id=app_number,
        email=email,
        created_at=work.now,
        expires_at=work.now + INVITATION_LIFE,
    )
    work.session.add(row)
    return token


def _usable(work: Work, token: str) -> Invitation:
    problem = invitation_problem(work, token)
    found = queries.invitation(work.session, hash_secret(token))
    if problem or found is None:
        raise NotAllowed(problem)
    return found


def _checked_hash(name: str, password: str) -> str:
    problems = passwords.problems(password)
    if len(name.strip()) > MAX_NAME:
        problems.append(FieldError("name", f"may have at most {MAX_NAME} characters"))
    if problems:
        raise Invalid(problems)
    return passwords.hashed(password)


def _address(email: str) -> str:
    address = email.strip().lower()
    if len(address) > MAX_EMAIL or not EMAIL.fullmatch(address):
        raise Invalid("email", "must be an e-mail address")
    return address


def _role(role: Role | str) -> Role:
    if role not in list(Role):
        raise Invalid("role", f"must be one of {', '.join(Role)}")
    return Role(role)


def _add(work: Work, email: str, name: str, hashed: str) -> Member:
    row = Member(email=email, name=name.strip(), password_hash=hashed, created_at=work.now)
    if not queries.added(work.session, row):
        raise Conflict(f"{email} is a member already.")
    return row


def _grant(work: Work, member_id: int, role: Role, app_number: int | None) -> None:
    row = queries.membership(work.session, member_id, app_number)
    row = row or Membership(member_id=member_id, app_id=app_number, role=role)
    row.role = role
    work.session.add(row)
    work.session.flush()


def _memberships(work: Work, number: int) -> Sequence[Membership]:
    """What the member holds, to be decided about: the owners' rows are locked first, so decisions take turns."""
    queries.owners(work.session)
    if queries.member(work.session, number) is None:
        raise NotFound("There is no such member.")
    return queries.memberships(work.session, number)


def _authority(work: Work, app_number: int | None) -> Role | None:
    """What the actor may decide there; an admin key is an admin of the whole installation."""
    if work.actor.kind in UNBOUND:
        return Role.OWNER
    if work.actor.kind == "key":
        return Role.ADMIN
    if work.actor.kind == "member" and work.actor.id is not None:
        return sessions.role_in(queries.memberships(work.session, work.actor.id), app_number)
    return None


def _authorise(work: Work, role: Role, app_number: int | None) -> None:
    """Admins give roles up to their own; so only an owner makes owners."""
    held = _authority(work, app_number)
    if held is None or held.rank < Role.ADMIN.rank or held.rank < role.rank:
        raise NotAllowed(f"Only {'an owner' if role is Role.OWNER else 'an admin'} may do that.")


def _authorise_over(work: Work, held: Sequence[Membership]) -> None:
    """Nobody decides about a member who stands above them anywhere."""
    for one in held:
        _authorise(work, Role(one.role), one.app_id)


def _keep_an_owner(work: Work, held: Sequence[Membership]) -> None:
    owns = any(one.app_id is None and one.role == Role.OWNER for one in held)
    if owns and len(queries.owners(work.session)) <= 1:
        raise Conflict("The last owner must stay one; make another owner first.")


def _one(work: Work, member_id: str, app_number: int | None) -> MemberRow:
    app_id = None if app_number is None else ids.public(work, ids.APP, app_number)
    rows = [_row(work, *found) for found in queries.member_rows(work.session, app_number)]
    return next(row for row in rows if row.id == member_id and row.app_id == app_id)


def _row(work: Work, member: Member, membership: Membership, slug: str | None, seen: datetime | None) -> MemberRow:
    return MemberRow(
        id=ids.public(work, ids.MEMBER, member.id or 0),
        email=member.email,
        name=member.name,
        role=Role(membership.role),
        app_id=None if membership.app_id is None else ids.public(work, ids.APP, membership.app_id),
        app_slug=slug,
        created_at=member.created_at,
        last_seen=seen,
    )
