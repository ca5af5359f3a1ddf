"""API keys: a program's right to speak for an app. The key is shown once; only its hash is kept."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.crypto import hash_secret, matches
from backend.db import Work
from backend.domain.vocabulary import Scope
from backend.errors import Invalid, NotFound
from backend.models import ApiKey, App
from backend.queries import accounts as queries
from backend.services import audit, ids

SHAPE = re.compile(r"tk_(?:client|server|admin)_[A-Za-z0-9_-]{43}")
SHOWN = 16
MAX_NAME = 200
TOUCH_EVERY = timedelta(minutes=5)
"""How stale `last_used` may be: a write for each request would cost more than the fact is worth."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as people see it; `prefix` is its first 16 characters."""

    id: str
    scope: Scope
    name: str
    prefix: str
    created_at: datetime
    last_used: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who presented a key. `stale` says that its `last_used` wants writing (`touch`)."""

    key_id: int
    app_id: int
    scope: Scope
    label: str
    allowed_origins: tuple[str, ...]
    stale: bool


def add_key(work: Work, *, scope: Scope | str, name: str = "") -> tuple[KeyRow, str]:
    """Makes a key of this app; the second value is the key itself, which nobody can read again."""
    if scope not in list(Scope):
        raise Invalid("scope", f"must be one of {', '.join(Scope)}")
    if len(name) > MAX_NAME:
        raise Invalid("name", f"may have at most {MAX_NAME} characters")
    secret = f"tk_{scope}_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        app_id=work.app_id,
        scope=scope,
        name=name.strip(),
        prefix=secret[:SHOWN],
        key_hash=hash_secret(secret),
        created_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    made = _row(work, row)
    audit.record(work, "key.created", made.id, scope=str(scope), name=made.name)
    return made, secret


def list_keys(work: Work) -> list[KeyRow]:
    """The app's keys, revoked ones too, in the order they were made."""
    return [_row(work, row) for row in queries.keys(work.session, work.app_id)]


def revoke_key(work: Work, public_id: str) -> None:
    """Ends a key at once. Raises `NotFound` when the app has no such key in force."""
    number = ids.number(work, ids.KEY, public_id)
    if not queries.revoke_key(work.session, work.app_id, number, work.now):
        raise NotFound("There is no such key in force.")
    audit.record(work, "key.revoked", public_id)


def authenticate(work: Work, secret: str) -> KeyHolder | None:
    """Whose key this is; None for anything that is not a key in force."""
    if not SHAPE.fullmatch(secret):
        return None
    found = queries.key_holder(work.session, hash_secret(secret))
    if found is None or not matches(secret, found[0].key_hash):
        return None
    return _holder(work, *found)


def touch(work: Work, key_id: int) -> None:
    """Writes that the key was used just now."""
    queries.touch_key(work.session, key_id, work.now)


def _holder(work: Work, row: ApiKey, app: App) -> KeyHolder:
    return KeyHolder(
        key_id=row.id or 0,
        app_id=row.app_id,
        scope=Scope(row.scope),
        label=row.name or row.prefix,
        allowed_origins=tuple(app.allowed_origins),
        stale=row.last_used is None or work.now - row.last_used > TOUCH_EVERY,
    )


def _row(work: Work, row: ApiKey) -> KeyRow:
    return KeyRow(
        id=ids.public(work, ids.KEY, row.id or 0),
        scope=Scope(row.scope),
        name=row.name,
        prefix=row.prefix,
        created_at=row.created_at,
        last_used=row.last_used,
        revoked_at=row.revoked_at,
    )
