"""Signed-in browsers: the cookie holds a random token, the database only its hash.

A session lives 30 days from its last use. Who is looking is asked anew for every action, so that
signing out, a changed role or a removed member counts at once.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.crypto import hash_secret
from backend.db import Actor, Work
from backend.domain.vocabulary import Role
from backend.errors import NotAuthenticated, NotFound, TooManyRequests
from backend.models import Member, MemberSession, Membership
from backend.queries import accounts as queries
from backend.services import apps, audit, ids, passwords
from backend.services.apps import AppRow

COOKIE = "tocsin_session"
SESSION_DAYS = 30
LIFE = timedelta(days=SESSION_DAYS)
SLIDE_EVERY = timedelta(hours=1)
THROTTLE_WINDOW = timedelta(minutes=10)
TRIES_BY_EMAIL, TRIES_BY_VISITOR = 8, 60
FAILED = "member.sign_in_failed"
MAX_AGENT = 300


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking. `app` is the one chosen, None while there is none to open; `role` holds in it."""

    member_id: int
    email: str
    name: str
    session_id: int
    role: Role | None
    app: AppRow | None
    apps: tuple[AppRow, ...]
    is_owner: bool

    @property
    def actor(self) -> Actor:
        return Actor("member", self.member_id, self.email)

    def may(self, role: Role) -> bool:
        """Whether the viewer holds at least this role in the chosen app."""
        return self.role is not None and self.role.rank >= role.rank


def sign_in(work: Work, email: str, password: str, user_agent: str = "") -> str:
    """The token of a new session. Raises `NotAuthenticated`, and `TooManyRequests` after repeated failure.

    Call it first in its unit of work, with the visitor's network address as the actor's label: the
    password is checked before any lock is held, and a failure is recorded in a unit of its own.
    """
    email = email.strip().lower()
    with work.core.reading(work.actor) as reading:
        _throttle(reading, email)
        member = queries.member_by_email(reading.session, email)
    if not passwords.fits(password, member.password_hash if member else None) or member is None or member.disabled_at:
        with work.core.work(work.actor) as failing:
            # An address that nobody has may be a password typed into the wrong field: it is not kept.
            audit.record(failing, FAILED, _subject(email), email=member.email if member else None)
        raise NotAuthenticated("E-mail or password is wrong.")
    fresher = passwords.hashed(password) if passwords.outdated(member.password_hash) else None
    if fresher:
        queries.set_password(work.session, member.id or 0, fresher)
    audit.record(replace(work, app=None), "member.signed_in", ids.public(work, ids.MEMBER, member.id or 0))
    return start(work, member.id or 0, user_agent)


def start(work: Work, member_id: int, user_agent: str = "") -> str:
    """Opens a session for a member whose identity has been proven; its token."""
    token = secrets.token_urlsafe(32)
    work.session.add(
        MemberSession(
            member_id=member_id,
            token_hash=hash_secret(token),
            user_agent=user_agent[:MAX_AGENT],
            created_at=work.now,
            last_seen=work.now,
            expires_at=work.now + LIFE,
        )
    )
    return token


def sign_out(work: Work, token: str) -> None:
    """Ends the session of that token, if there is one."""
    queries.end_session(work.session, hash_secret(token))


def viewer(work: Work, token: str) -> Viewer | None:
    """Who is looking, None for a token that is not a session in force. Three small reads."""
    found = queries.signed_in(work.session, hash_secret(token), work.now)
    if found is None:
        return None
    session, member = found
    _slide(work, session)
    return _viewer(work, session, member)


def choose_app(work: Work, viewer: Viewer, app_number: int) -> None:
    """Remembers which app the session works in. Raises `NotFound` for one the viewer may not open."""
    if all(app.number != app_number for app in viewer.apps):
        raise NotFound("There is no such app.")
    queries.choose_app(work.session, viewer.session_id, app_number)


def sweep(work: Work) -> int:
    """Removes sessions and invitations that have run out; how many sessions."""
    return queries.forget_sessions(work.session, work.now)


def role_in(memberships: Sequence[Membership], app_number: int | None) -> Role | None:
    """The strongest role that the memberships give in that app, or (None) in all apps."""
    roles = [Role(one.role) for one in memberships if one.app_id is None or one.app_id == app_number]
    return max(roles, key=lambda role: role.rank, default=None)


def _viewer(work: Work, session: MemberSession, member: Member) -> Viewer:
    memberships = queries.memberships(work.session, session.member_id)
    open_to = tuple(app for app in apps.list_apps(work) if role_in(memberships, app.number))
    chosen = next((app for app in open_to if app.number == session.app_id), open_to[0] if open_to else None)
    return Viewer(
        member_id=session.member_id,
        email=member.email,
        name=member.name,
        session_id=session.id or 0,
        role=role_in(memberships, chosen.number if chosen else None),
        app=chosen,
        apps=open_to,
        is_owner=role_in(memberships, None) == Role.OWNER,
    )


def _slide(work: Work, session: MemberSession) -> None:
    """At most once an hour. A unit of work that only reads leaves the writing to one of its own."""
    if work.now - session.last_seen < SLIDE_EVERY:
        return
    number, until = session.id or 0, work.now + LIFE
    if work.session.get_bind().get_execution_options().get("write", True):
        queries.slide_session(work.session, number, work.now, until)
        return
    with work.core.work(work.actor) as writing:
        queries.slide_session(writing.session, number, work.now, until)


def _throttle(work: Work, email: str) -> None:
    """Counts the failures of the last minutes, for the address tried and for whoever tries."""
    since = work.now - THROTTLE_WINDOW
    subject, actor = _subject(email), str(work.actor)
    failures = queries.failures_since(work.session, FAILED, since, subject=subject, actor=actor)
    by_email = [at for at, same in failures if same]
    by_visitor = [at for at, _ in failures]
    for tries, limit in ((by_email, TRIES_BY_EMAIL), (by_visitor, TRIES_BY_VISITOR)):
        if len(tries) >= limit:
            raise TooManyRequests(_wait(tries[-limit], work.now), "Too many failed sign-ins; wait a few minutes.")


def _wait(oldest: datetime, now: datetime) -> int:
    return max(1, round((oldest + THROTTLE_WINDOW - now).total_seconds()))


def _subject(email: str) -> str:
    """Addresses may be longer than a subject, and unknown ones may be anything."""
    return hashlib.sha256(email.encode()).hexdigest()
