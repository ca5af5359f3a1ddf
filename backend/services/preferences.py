"""What a user wants to hear, and when: their word on categories, also for single devices, quiet hours, a pause.

On a device, what was said for it stands before its user's word, and that before the category's default. What is
mandatory goes to everybody. Each change is kept (`preference_history`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from backend.db import Work
from backend.domain.vocabulary import CategoryKind
from backend.errors import FieldError, Invalid, NotFound
from backend.queries import audience
from backend.queries import preferences as queries
from backend.services import consents, ids
from backend.services import preference_history as history
from backend.services.consents import ConsentIn, How
from backend.services.fields import Moment, Timezone
from backend.services.policy_shapes import WindowIn
from backend.services.preference_history import CATEGORY, Changed

MOST: Final = 500
"""Categories that one change names at most: each unknown one is told of."""


class QuietHours(WindowIn):
    """From `start` to `end` by the wall clock, `HH:MM`, past midnight if `end` is earlier, on the nights that begin on
    one of `days`; by the device's zone unless one is given. The same start and end: never quiet, whatever the app's
    default is."""

    timezone: Timezone | None = None


class PreferencesIn(BaseModel):
    """A change of preferences: what is not given stays. `quiet_hours: null` goes back to the app's default, and
    `paused_until: null` ends the pause."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    categories: Annotated[dict[str, bool], Field(max_length=MOST)] | None = None
    quiet_hours: QuietHours | None = None
    paused_until: Moment | None = None
    record_consent: How | None = Field(
        None, description="How the choice was made: when given, each category named is kept as a consent too."
    )


class DevicePreferencesIn(BaseModel):
    """What is said for one device: true and false stand before its user's word, null follows the user again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    categories: Annotated[dict[str, bool | None], Field(max_length=MOST)]


@dataclass(frozen=True, slots=True)
class DeviceWish:
    """What was said on a category for one device."""

    device_id: str
    opted_in: bool
    said_at: datetime
    said_by: str


@dataclass(frozen=True, slots=True)
class WishRow:
    """What holds for a person and a category; `said` when and by whom, where it is not the app's default.

    `devices` are those that do not follow the person."""

    slug: str
    name: str
    description: str
    mandatory: bool
    opted_in: bool
    said_at: datetime | None
    said_by: str
    devices: tuple[DeviceWish, ...] = ()

    def on(self, device_id: str) -> bool | None:
        """What was said for a device, None where it follows the person."""
        return next((one.opted_in for one in self.devices if one.device_id == device_id), None)


@dataclass(frozen=True, slots=True)
class PreferencesRow:
    """`categories` holds every category of the app by slug, the app's default where the user said nothing.

    `quiet_hours` are the user's own; null where the app's default holds.
    """

    categories: Mapping[str, bool]
    quiet_hours: Mapping[str, Any] | None
    paused_until: datetime | None


@dataclass(frozen=True, slots=True)
class DevicePreferencesRow:
    """`categories` is what was said for the device, null where it follows its user; `holds` is what comes of both."""

    categories: Mapping[str, bool | None]
    holds: Mapping[str, bool]


def get(work: Work, user: int) -> PreferencesRow:
    """A user's preferences, by the user's number. Raises `NotFound`."""
    row = _user(work, user)
    wishes = queries.wishes(work.session, work.app_id, user)
    return PreferencesRow({one.slug: _wish(one) for one in wishes}, row.quiet_hours, row.paused_until)


def of_device(work: Work, device_id: str) -> DevicePreferencesRow:
    """What holds on a device. Raises `NotFound`."""
    number, user = _device(work, device_id)
    known = queries.wishes(work.session, work.app_id, user)
    said = _said_for(work, user, number)
    return DevicePreferencesRow(
        {row.slug: said.get(row.slug) for row in known},
        {row.slug: _is_mandatory(row) or said.get(row.slug, _wish(row)) for row in known},
    )


def wishes(work: Work, user: int) -> tuple[WishRow, ...]:
    """Every category of the app with what holds for the user, and for which devices otherwise."""
    theirs: dict[str, list[DeviceWish]] = {}
    for row in queries.device_wishes(work.session, user):
        public = ids.public(work, ids.DEVICE, row.device_id)
        theirs.setdefault(row.slug, []).append(DeviceWish(public, row.opted_in, row.changed_at, row.changed_by))
    return tuple(
        WishRow(
            row.slug, row.name, row.description, _is_mandatory(row), _wish(row), row.changed_at, row.changed_by or "",
            tuple(theirs.get(row.slug, ())),
        )
        for row in queries.wishes(work.session, work.app_id, user)
    )  # fmt: skip


def put(work: Work, user: int, given: PreferencesIn) -> PreferencesRow:
    """Changes what is given. Raises `NotFound`, and `Invalid` for an unknown category, and for one that cannot be
    switched off."""
    before = _user(work, user, lock=True)
    changes = _say(work, user, given.categories or {})
    _record(work, user, given)
    values = _times(given)
    if values:
        audience.change_user(work.session, user, **values)
    changes += [Changed(name, _plain(getattr(before, name)), _plain(value)) for name, value in values.items()]
    history.note(work, user, changes)
    return get(work, user)


def put_device(work: Work, device_id: str, given: DevicePreferencesIn) -> DevicePreferencesRow:
    """Changes what is said for a device. Raises `NotFound`, and `Invalid` as `put` does."""
    number, user = _device(work, device_id)
    _user(work, user, lock=True)
    known = _known(work, user, given.categories)
    said = _said_for(work, user, number)
    new = {slug: wish for slug, wish in given.categories.items() if wish is not said.get(slug)}
    new = {slug: wish for slug, wish in new.items() if not _is_mandatory(known[slug])}
    words = {known[slug].id: wish for slug, wish in new.items() if wish is not None}
    if words:
        queries.say_for_device(work.session, number, words, by=history.said_by(work), now=work.now)
    queries.follow_again(work.session, number, [known[slug].id for slug, wish in new.items() if wish is None])
    history.note(work, user, [Changed(CATEGORY + slug, said.get(slug), wish, number) for slug, wish in new.items()])
    return of_device(work, device_id)


def _user(work: Work, user: int, *, lock: bool = False) -> Any:
    rows = audience.users(work.session, work.app_id, [user], lock=lock)
    if not rows:
        raise NotFound("There is no such user.")
    return rows[0]


def _device(work: Work, device_id: str) -> tuple[int, int]:
    """The device's number and its user's."""
    number = ids.number(work, ids.DEVICE, device_id)
    row = audience.device(work.session, work.app_id, number)
    if row is None:
        raise NotFound(f"There is no {device_id[:40]!r}.")
    return number, row.user_id


def _said_for(work: Work, user: int, device: int) -> dict[str, bool]:
    rows = queries.device_wishes(work.session, user)
    return {row.slug: row.opted_in for row in rows if row.device_id == device}


def _say(work: Work, user: int, asked: Mapping[str, bool]) -> list[Changed]:
    """Writes the user's new words; which they are."""
    known = _known(work, user, asked)
    new = {
        slug: wish
        for slug, wish in asked.items()
        if known[slug].opted_in is not wish and not _is_mandatory(known[slug])
    }
    if new:
        words = {known[slug].id: wish for slug, wish in new.items()}
        queries.say(work.session, user, words, by=history.said_by(work), now=work.now)
    return [Changed(CATEGORY + slug, known[slug].opted_in, wish) for slug, wish in new.items()]


def _record(work: Work, user: int, given: PreferencesIn) -> None:
    if given.record_consent is not None:
        for slug, wish in (given.categories or {}).items():
            consents.add(work, user, ConsentIn(purpose=slug, given=wish, how=given.record_consent))


def _times(given: PreferencesIn) -> dict[str, Any]:
    """The columns that a change writes."""
    values: dict[str, Any] = {}
    if "quiet_hours" in given.model_fields_set:
        values["quiet_hours"] = kept_hours(given.quiet_hours) if given.quiet_hours else None
    if "paused_until" in given.model_fields_set:
        values["paused_until"] = given.paused_until
    return values


def kept_hours(given: QuietHours) -> dict[str, Any]:
    """As they are kept: `days` only where they are not all."""
    kept = given.model_dump(mode="json")
    return kept if given.days else {name: value for name, value in kept.items() if name != "days"}


def _known(work: Work, user: int, asked: Mapping[str, bool | None]) -> dict[str, Any]:
    """The app's categories by slug. Raises `Invalid` for what cannot be asked of them."""
    known = {row.slug: row for row in queries.wishes(work.session, work.app_id, user)}
    problems = [
        *(FieldError(f"categories.{slug[:64]}", "is no category of this app") for slug in asked if slug not in known),
        *(
            FieldError(f"categories.{slug}", "is mandatory and cannot be switched off")
            for slug, wish in asked.items()
            if wish is False and slug in known and _is_mandatory(known[slug])
        ),
    ]
    if problems:
        raise Invalid(problems)
    return known


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else value


def _is_mandatory(row: Any) -> bool:
    return bool(row.kind == CategoryKind.MANDATORY)


def _wish(row: Any) -> bool:
    said = row.opted_in_by_default if row.opted_in is None else row.opted_in
    return bool(said) or _is_mandatory(row)
