"""What a user wants to hear, and when: their word on categories, quiet hours, a pause."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backend.db import Work
from backend.domain.vocabulary import CategoryKind
from backend.errors import FieldError, Invalid, NotFound
from backend.queries import audience
from backend.queries import preferences as queries
from backend.services import consents
from backend.services.consents import ConsentIn, How
from backend.services.fields import Moment, Timezone

Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class QuietHours(BaseModel):
    """From `start` to `end` by the wall clock, `HH:MM`, past midnight if `end` is earlier; by the device's zone
    unless one is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: Clock
    end: Clock
    timezone: Timezone | None = None


class PreferencesIn(BaseModel):
    """A change of preferences: what is not given stays; null clears quiet hours and the pause."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    categories: dict[str, bool] | None = None
    quiet_hours: QuietHours | None = None
    paused_until: Moment | None = None
    record_consent: How | None = Field(
        None, description="How the choice was made: when given, each category named is kept as a consent too."
    )


@dataclass(frozen=True, slots=True)
class WishRow:
    """What holds for a person and a category; `said` when and by whom, where it is not the app's default."""

    slug: str
    name: str
    mandatory: bool
    opted_in: bool
    said_at: datetime | None
    said_by: str


@dataclass(frozen=True, slots=True)
class PreferencesRow:
    """`categories` holds every category of the app by slug, the app's default where the user said nothing."""

    categories: Mapping[str, bool]
    quiet_hours: Mapping[str, Any] | None
    paused_until: datetime | None


def get(work: Work, user: int) -> PreferencesRow:
    """A user's preferences, by the user's number. Raises `NotFound`."""
    rows = audience.users(work.session, work.app_id, [user])
    if not rows:
        raise NotFound("There is no such user.")
    wishes = queries.wishes(work.session, work.app_id, user)
    return PreferencesRow({row.slug: _wish(row) for row in wishes}, rows[0].quiet_hours, rows[0].paused_until)


def wishes(work: Work, user: int) -> tuple[WishRow, ...]:
    """Every category of the app with what holds for the user."""
    return tuple(
        WishRow(
            row.slug, row.name, row.kind == CategoryKind.MANDATORY, _wish(row), row.changed_at, row.changed_by or ""
        )
        for row in queries.wishes(work.session, work.app_id, user)
    )


def put(work: Work, user: int, given: PreferencesIn) -> PreferencesRow:
    """Changes what is given. Raises `Invalid` for an unknown category, and for one that cannot be switched off."""
    wishes = _wishes(work, user, given.categories or {})
    if wishes:
        queries.say(work.session, user, wishes, by=str(work.actor)[:200], now=work.now)
        _record(work, user, given)
    said = given.model_fields_set
    values: dict[str, Any] = {}
    if "quiet_hours" in said:
        values["quiet_hours"] = given.quiet_hours.model_dump() if given.quiet_hours else None
    if "paused_until" in said:
        values["paused_until"] = given.paused_until
    if values:
        audience.change_user(work.session, user, **values)
    return get(work, user)


def _record(work: Work, user: int, given: PreferencesIn) -> None:
    if given.record_consent is not None:
        for slug, wish in (given.categories or {}).items():
            consents.add(work, user, ConsentIn(purpose=slug, given=wish, how=given.record_consent))


def _wishes(work: Work, user: int, asked: Mapping[str, bool]) -> dict[int, bool]:
    known = {row.slug: row for row in queries.wishes(work.session, work.app_id, user)}
    problems = [
        *(FieldError(f"categories.{slug[:64]}", "is no category of this app") for slug in asked.keys() - known.keys()),
        *(
            FieldError(f"categories.{slug}", "is mandatory and cannot be switched off")
            for slug, wish in asked.items()
            if not wish and slug in known and known[slug].kind == CategoryKind.MANDATORY
        ),
    ]
    if problems:
        raise Invalid(problems)
    return {known[slug].id: wish for slug, wish in asked.items() if known[slug].kind != CategoryKind.MANDATORY}


def _wish(row: Any) -> bool:
    said = row.opted_in_by_default if row.opted_in is None else row.opted_in
    return bool(said) or row.kind == CategoryKind.MANDATORY
