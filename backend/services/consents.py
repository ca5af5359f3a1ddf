"""Consents: who has said yes or no to what, when and how, and who wrote it down.

An entry is proof: it is added and never changed, and goes only with the person. What is sent does not
depend on it: that is the word on categories (`preferences`). A change of preferences records no consent
unless it is asked to (`PreferencesIn.record_consent`), because most switches in an app are no declaration.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from backend.db import Work
from backend.errors import Invalid
from backend.models import Consent
from backend.queries import consents as queries
from backend.services import page
from backend.services.fields import Moment, clean
from backend.services.page import Page

MAX_HOW: Final = 500
AHEAD: Final = timedelta(minutes=5)
"""How far the clock of whoever tells us may be ahead of ours."""
Purpose = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True), AfterValidator(clean)]
How = Annotated[str, StringConstraints(max_length=MAX_HOW, strip_whitespace=True), AfterValidator(clean)]


class ConsentIn(BaseModel):
    """A yes or no to something: a category's slug, or a word of the app's own such as `profiling`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Purpose
    given: bool
    at: Moment | None = Field(None, description="When it was said; now when absent.")
    how: How = Field("", description="Where and in which words, such as `sign-up form, version 3`.")


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """An entry. `at` is when it was said, `recorded_at` when it was written down, by `recorded_by`."""

    purpose: str
    given: bool
    at: datetime
    how: str
    recorded_at: datetime
    recorded_by: str


def add(work: Work, user: int, given: ConsentIn) -> ConsentRow:
    """Writes a consent down. Raises `Invalid` for one of the future."""
    at = given.at or work.now
    if at > work.now + AHEAD:
        raise Invalid("at", "must not lie in the future")
    row = queries.add(
        work.session, work.app_id, user,
        purpose=given.purpose, given=given.given, at=at, how=given.how, by=str(work.actor)[:200], now=work.now,
    )  # fmt: skip
    return row_of(row)


def listing(work: Work, user: int, *, cursor: str | None = None, limit: int = 50) -> Page[ConsentRow]:
    """A person's consents, what was recorded last first."""
    found = queries.of_user(work.session, user, page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda row: row.id or 0, row_of)


def every(work: Work, user: int) -> tuple[ConsentRow, ...]:
    """All of a person's, in the order in which they were said."""
    return tuple(row_of(row) for row in queries.every(work.session, user))


def latest(rows: Iterable[ConsentRow]) -> dict[str, ConsentRow]:
    """The word that holds for each purpose: the one said last."""
    return {row.purpose: row for row in sorted(rows, key=lambda row: (row.at, row.recorded_at))}


def row_of(row: Consent) -> ConsentRow:
    return ConsentRow(row.purpose, row.given, row.at, row.how, row.recorded_at, row.recorded_by)
