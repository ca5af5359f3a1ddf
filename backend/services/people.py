"""Users: what an app says about the people it pushes to."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backend.db import Work
from backend.errors import FieldError, Invalid, NotFound
from backend.queries import audience
from backend.queries.audience import UserValues
from backend.services import catalogue, fields, ids
from backend.services.fields import Amount, Country, Locale, Timezone, UserId

TOO_MANY = FieldError("attributes", f"a user has at most {fields.MAX_ATTRIBUTES} of them")


class Location(BaseModel):
    """Degrees of WGS 84."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: Amount = Field(ge=-90, le=90)
    lon: Amount = Field(ge=-180, le=180)


class UserIn(BaseModel):
    """What changes about a user: fields and attributes not given stay, null removes one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attributes: dict[str, Any] | None = Field(
        default=None, description="Text, numbers, true or false, or lists of these; null removes an attribute."
    )
    language: Locale | None = None
    timezone: Timezone | None = None
    country: Country | None = None
    location: Location | None = None


class NamedUserIn(UserIn):
    """One user of a batch."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class LocationRow:
    """Degrees of WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user's profile. `user_id` is the app's own name for the person, null while anonymous."""

    id: str
    user_id: str | None
    attributes: Mapping[str, Any]
    language: str | None
    timezone: str | None
    country: str | None
    location: LocationRow | None
    sessions: int
    first_seen: datetime
    last_active: datetime | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one item of a batch; `status` is what the single call would have answered."""

    index: int
    status: int
    id: str | None = None
    errors: tuple[FieldError, ...] | None = None


def bucket(app_id: int, user: str) -> int:
    """The first 32 bits of SHA-256 over app and user, fixed when the user is first stored."""
    return int.from_bytes(hashlib.sha256(f"{app_id}:{user}".encode()).digest()[:4])


def random_bucket(app_id: int) -> int:
    """A bucket for somebody who has no name yet."""
    return bucket(app_id, secrets.token_hex(16))


def ensure_users(work: Work, external_ids: Sequence[str]) -> dict[str, int]:
    """The number of each of these users of the app, made where there is none. The ids are checked already."""
    if not external_ids:
        return {}
    buckets = {name: bucket(work.app_id, name) for name in external_ids}
    return audience.ensure_users(work.session, work.app_id, buckets, work.now)


def ensure_user(work: Work, external_id: str) -> int:
    """The user's number, made if there is none. Raises `Invalid` for an id that cannot be one."""
    checked = checked_id(external_id)
    return ensure_users(work, [checked])[checked]


def checked_id(external_id: str) -> str:
    """The id itself. Raises `Invalid` for one that nobody can have."""
    return fields.parse(NamedUserIn, {"user_id": external_id}).user_id


def add_anonymous(work: Work, count: int = 1) -> list[int]:
    """New users whom the app has not named yet."""
    return audience.add_anonymous(
        work.session, work.app_id, [random_bucket(work.app_id) for _ in range(count)], work.now
    )


def find(work: Work, external_id: str) -> int:
    """The user's number. Raises `NotFound`."""
    number = audience.user_number(work.session, work.app_id, external_id)
    if number is None:
        raise NotFound(f"There is no user {external_id[:64]!r}.")
    return number


def put_user(work: Work, number: int, given: UserIn, *, present: bool = False) -> UserRow:
    """Merges what is given into the profile. `present`: the person's own device says so, so they are active.

    Raises `Invalid` naming each wrong attribute.
    """
    problems = _problems(given)
    if problems:
        raise Invalid(problems)
    if _merge_all(work, {number: [given]}):
        raise Invalid(TOO_MANY.field, TOO_MANY.message)
    if present:
        audience.touch_users(work.session, [number], work.now)
    return user_row(work, number)


def users_batch(work: Work, items: Sequence[Mapping[str, Any]]) -> list[BatchResult]:
    """Merges up to 1000 users; a bad item is told in its result and spoils no other."""
    results: list[BatchResult] = []
    good: list[NamedUserIn] = []
    for index, item in enumerate(items):
        try:
            given = _checked(item)
        except Invalid as error:
            results.append(BatchResult(index, 422, errors=tuple(error.errors)))
        else:
            good.append(given)
            results.append(BatchResult(index, 200, id=given.user_id))
    numbers = ensure_users(work, [given.user_id for given in good])
    changes: dict[int, list[UserIn]] = {}
    for given in good:
        changes.setdefault(numbers[given.user_id], []).append(given)
    full = _merge_all(work, changes)
    refused = {given.user_id for given in good if numbers[given.user_id] in full}
    return [BatchResult(r.index, 422, r.id, (TOO_MANY,)) if r.id in refused else r for r in results]


def _checked(item: Mapping[str, Any]) -> NamedUserIn:
    given = fields.parse(NamedUserIn, item)
    problems = _problems(given)
    if problems:
        raise Invalid(problems)
    return given


def _problems(given: UserIn) -> list[FieldError]:
    return fields.attribute_problems(given.attributes or {})


def _merge_all(work: Work, changes: Mapping[int, Sequence[UserIn]]) -> set[int]:
    """Reads the users under lock, applies their changes in order, writes all of them in one statement.

    The users who would have too many attributes stay as they are; their numbers.
    """
    if not changes:
        return set()
    merged = []
    for row in audience.users(work.session, work.app_id, list(changes), lock=True):
        values = _values(row)
        for given in changes[row.id]:
            values = merge(values, given)
        merged.append(values)
    full = {values.id for values in merged if len(values.attributes) > fields.MAX_ATTRIBUTES}
    audience.write_users(work.session, [values for values in merged if values.id not in full])
    written = (given for number, said in changes.items() if number not in full for given in said)
    catalogue.learn_attributes(work, [given.attributes for given in written if given.attributes])
    return full


def merge(values: UserValues, given: UserIn) -> UserValues:
    """The profile after a change; pure."""
    said = given.model_fields_set
    attributes = {**values.attributes, **(given.attributes or {})}
    place = given.location
    return UserValues(
        id=values.id,
        attributes={name: value for name, value in attributes.items() if value is not None},
        language=given.language if "language" in said else values.language,
        timezone=given.timezone if "timezone" in said else values.timezone,
        country=given.country if "country" in said else values.country,
        latitude=(place.lat if place else None) if "location" in said else values.latitude,
        longitude=(place.lon if place else None) if "location" in said else values.longitude,
    )


def _values(row: Any) -> UserValues:
    return UserValues(row.id, row.attributes, row.language, row.timezone, row.country, row.latitude, row.longitude)


def user_row(work: Work, number: int) -> UserRow:
    """A user of the app. Raises `NotFound`."""
    rows = audience.users(work.session, work.app_id, [number])
    if not rows:
        raise NotFound("There is no such user.")
    return row_of(work, rows[0])


def row_of(work: Work, row: Any) -> UserRow:
    located = row.latitude is not None and row.longitude is not None
    return UserRow(
        id=ids.public(work, ids.USER, row.id),
        user_id=row.external_id,
        attributes=row.attributes,
        language=row.language,
        timezone=row.timezone,
        country=row.country,
        location=LocationRow(row.latitude, row.longitude) if located else None,
        sessions=row.sessions,
        first_seen=row.first_seen,
        last_active=row.last_active,
    )
