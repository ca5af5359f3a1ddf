"""The address of a person's preference page: signed, for a time, so that nobody has to sign in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from backend.db import Work
from backend.errors import Gone, NotAllowed
from backend.queries import audience
from backend.services import ids

PATH: Final = "/preferences/"
DAYS: Final = 30
MOST_DAYS: Final = 365
LONGEST: Final = 100
"""Characters that a token has at most: whatever is longer is none of ours."""


class LinkIn(BaseModel):
    """How long the address shall be good for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expires_in_days: int = Field(DAYS, ge=1, le=MOST_DAYS)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """The address, and until when it is good. Whoever has it may change the person's preferences, and nothing else."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose page a token opens: the person's number, and their row."""

    app_id: int
    user: int
    row: Any


def make(work: Work, user: int, days: int = DAYS) -> LinkRow:
    """An address for a user of the app, good from now on."""
    until = work.now.replace(microsecond=0) + timedelta(days=days)
    token = work.core.keyring.sign_link(work.app_id, ids.USER, user, int(until.timestamp()))
    return LinkRow(f"{work.core.settings.base_url.rstrip('/')}{PATH}{token}", until)


def opened(work: Work, token: str) -> Holder:
    """Whose page it is. Raises `NotAllowed` for a token that we did not sign, `Gone` for one that has had its time
    or whose person is gone."""
    found = work.core.keyring.opened_link(ids.USER, token) if len(token) <= LONGEST else None
    if found is None:
        raise NotAllowed("This link is not complete or not ours.")
    app_id, user, until = found
    rows = audience.users(work.session, app_id, [user])
    if datetime.fromtimestamp(until, UTC) <= work.now or not rows:
        raise Gone("This link is no longer valid.")
    return Holder(app_id, user, rows[0])
