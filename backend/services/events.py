"""Events: what users did, recorded once however often it is told, and committed in groups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from backend.bootstrap import Core
from backend.db import Actor, Work
from backend.errors import FieldError, Invalid, NotAllowed, NotAuthenticated, TocsinError
from backend.queries import events as queries
from backend.services import catalogue, fields, identity, ids, people, triggers, visits
from backend.services.fields import Amount, Currency, ExternalId, Moment, Short, UserId
from backend.services.group_commit import GroupCommit
from backend.services.identity import Speaker
from backend.services.visits import Sign

TELLER: Final = Actor("app", label="events")


class EventIn(BaseModel):
    """One thing that one user did; `id` makes telling it again harmless. `at` later than now counts as now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: ExternalId | None = None
    name: Short
    user_id: UserId | None = None
    device_id: str | None = Field(default=None, max_length=64)
    properties: dict[str, Any] | None = None
    value: Amount | None = None
    currency: Currency | None = None
    at: Moment | None = None


@dataclass(frozen=True, slots=True)
class EventsResult:
    """How many events were new, and how many the app had told before."""

    accepted: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Told:
    """What one request tells of an app. A back end (`trusted`) speaks for everybody in it; anybody else for whom
    the headers, as they were sent, prove."""

    app_id: int
    events: Sequence[EventIn]
    trusted: bool = True
    device_header: str | None = field(default=None, repr=False)
    user_header: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A request's events, each with the device that did it (None: the user it names did) and that user's number."""

    told: Told
    owners: list[tuple[int | None, str | None]]


_Doing = tuple[EventIn, int | None, str | None, datetime]
"""An event, the device that did it or else the user's external id, and when."""


class EventLog:
    """Commits events in groups (`GroupCommit`); use it from one event loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        one_writer = core.engine.dialect.name == "sqlite"
        self._groups = GroupCommit("events", self._write, abreast=1 if one_writer else 2)

    async def submit(self, told: Told) -> EventsResult:
        """Returns once the events are committed. All or nothing: raises `Invalid` naming each wrong one by its
        place, and `NotAuthenticated` or `NotAllowed` for an event of anybody else."""
        return await self._groups.submit(told, len(told.events))

    def _write(self, parts: Sequence[Told]) -> Sequence[EventsResult | Exception]:
        with self._core.work(TELLER) as work:
            return record(work, parts)

    def close(self) -> None:
        """Waits for the transaction under way; nothing may be submitted afterwards."""
        self._groups.close()


def record_events(work: Work, events: Sequence[EventIn]) -> EventsResult:
    """Records events of users or devices of the app; an unknown `user_id` makes the user.

    All or nothing: raises `Invalid` naming each wrong one by its place.
    """
    result = record(work, [Told(work.app_id, events)])[0]
    if isinstance(result, TocsinError):
        raise result
    return result


def record(work: Work, parts: Sequence[Told]) -> list[EventsResult | TocsinError]:
    """Writes the events of several requests, of whichever apps, at once and tells each what became of its own."""
    devices = _devices(work, parts)
    believing = {n for n in {told.app_id for told in parts if not told.trusted} if identity.believes(work.within(n))}
    checked = [_checked(work.within(told.app_id), told, devices, told.app_id in believing) for told in parts]
    results: list[EventsResult | TocsinError] = [EventsResult(0, 0) if isinstance(c, _Checked) else c for c in checked]
    for app_id in sorted({told.app_id for told in parts}):
        mine = {n: c for n, c in enumerate(checked) if isinstance(c, _Checked) and c.told.app_id == app_id}
        for place, result in zip(mine, _write(work.within(app_id), list(mine.values()), devices), strict=True):
            results[place] = result
    return results


def _devices(work: Work, parts: Sequence[Told]) -> dict[int, Any]:
    """Every device that speaks or that an event names, by its number: one look-up for all."""
    keyring = work.core.keyring
    speaking = [identity.named_device(work, told.device_header)[0] for told in parts if told.device_header]
    named = {event.device_id for told in parts for event in told.events if event.device_id}
    numbers = {*speaking, *(keyring.number(ids.DEVICE, one) for one in named)} - {None}
    found = queries.devices(work.session, [number for number in numbers if number is not None]) if numbers else ()
    return {row.id: row for row in found}


def _checked(work: Work, told: Told, devices: Mapping[int, Any], believed: bool) -> _Checked | TocsinError:
    """The request with the owners of its events, or its refusal."""
    try:
        speaker = _speaker(work, told, devices, believed)
        owners = _Owners(work, speaker, devices)
        found = [owners.of(event, f"events[{index}]") for index, event in enumerate(told.events)]
    except TocsinError as error:
        return error
    return Invalid(owners.problems) if owners.problems else _Checked(told, found)


def _speaker(work: Work, told: Told, devices: Mapping[int, Any], believed: bool) -> Speaker:
    if told.trusted:
        return Speaker(trusted=True)
    row = None
    if told.device_header:
        number, secret = identity.named_device(work, told.device_header)
        row = identity.proven(_of_app(work, devices, number), secret)
    return identity.speaker_with(work, row, told.user_header, believed=believed)


def _of_app(work: Work, devices: Mapping[int, Any], number: int | None) -> Any:
    row = devices.get(number) if number is not None else None
    return row if row is not None and row.app_id == work.app_id else None


class _Owners:
    """Who did each event of a request, as far as its caller may say; what is wrong with any gathers in `problems`."""

    def __init__(self, work: Work, speaker: Speaker, devices: Mapping[int, Any]) -> None:
        self._work, self._speaker, self._devices = work, speaker, devices
        self._numbers: dict[str, int | None] = {}
        self.problems: list[FieldError] = []

    def of(self, event: EventIn, path: str) -> tuple[int | None, str | None]:
        """(device, user's external id), one of which is None. Raises for an event of anybody else."""
        if event.properties and (wrong := fields.property_problems(event.properties, f"{path}.properties")):
            self.problems += wrong
        if event.user_id is not None:
            if event.device_id is not None:
                self.problems.append(FieldError(f"{path}.user_id", "give either user_id or device_id"))
            identity.check_names(self._speaker, event.user_id)
            return None, event.user_id
        if self._speaker.trusted:
            return self._named(event, path), None
        return self._own(event)

    def _named(self, event: EventIn, path: str) -> int | None:
        """The device that a back end names."""
        if event.device_id is None:
            self.problems.append(FieldError(f"{path}.user_id", "give either user_id or device_id"))
            return None
        number = self._number(event.device_id)
        if _of_app(self._work, self._devices, number) is None:
            self.problems.append(FieldError(f"{path}.device_id", "is no device of this app"))
        return number

    def _own(self, event: EventIn) -> tuple[int | None, str | None]:
        """An event that names nobody is the speaking device's own, or else the proven user's."""
        speaker = self._speaker
        if event.device_id is None and speaker.device is None and speaker.user is not None:
            return None, speaker.user
        if speaker.device is None:
            raise NotAuthenticated(identity.DEVICE_NEEDED)
        if event.device_id is not None and self._number(event.device_id) != speaker.device:
            raise NotAllowed("A device tells its own events only.")
        return speaker.device, None

    def _number(self, public: str) -> int | None:
        if public not in self._numbers:
            self._numbers[public] = self._work.core.keyring.number(ids.DEVICE, public)
        return self._numbers[public]


def _write(work: Work, parts: Sequence[_Checked], devices: Mapping[int, Any]) -> list[EventsResult]:
    """Writes the events of one app; how many of each request were new."""
    doings = [
        (event, device, name, min(event.at, work.now) if event.at else work.now)
        for part in parts
        for event, (device, name) in zip(part.told.events, part.owners, strict=True)
    ]
    numbers, quiet = _people(work, doings)
    signs = [
        Sign(
            numbers[name or ""] if device is None else devices[device].user_id, device, at, event.name == visits.BEGINS
        )
        for event, device, name, at in doings
    ]
    rows = [_row(event, sign) for (event, *_), sign in zip(doings, signs, strict=True)]
    new = _add(work, rows, signs, visits.lock(work, signs, devices, quiet))
    catalogue.learn_events(work, rows)
    return [_tally(part.told.events, new) for part in parts]


def _people(work: Work, doings: Iterable[_Doing]) -> tuple[dict[str, int], set[int]]:
    """The numbers of the people named, made where there are none, and those not heard of just now."""
    latest: dict[str, datetime] = {}
    for _, _, name, at in doings:
        if name is not None and (name not in latest or latest[name] < at):
            latest[name] = at
    if not latest:
        return {}, set()
    known = queries.people(work.session, work.app_id, {name: at - visits.FRESH for name, at in latest.items()})
    made = people.ensure_users(work, [name for name in latest if name not in known])
    quiet = {number for number, silent in known.values() if silent} | set(made.values())
    return {name: number for name, (number, _) in known.items()} | made, quiet


def _add(work: Work, rows: Sequence[dict[str, Any]], signs: Sequence[Sign], locked: visits.Locked) -> set[str]:
    """The external ids that were new; what was told before is no sign of life."""
    if not rows:
        return set()
    told = queries.add_events(work.session, work.app_id, rows, work.now)
    new = {event.external_id for event in told if event.external_id is not None}
    if len(told) < len(rows):
        left = set(new)
        signs = [sign for row, sign in zip(rows, signs, strict=True) if _first(row["external_id"], left)]
    visits.write(work, signs, locked)
    triggers.record(work, {event.id: event.name for event in told})
    return new


def _row(event: EventIn, sign: Sign) -> dict[str, Any]:
    return {
        "user_id": sign.user,
        "device_id": sign.device,
        "external_id": event.id,
        "name": event.name,
        "at": queries.stored(sign.at),
        "properties": event.properties or {},
        "value": event.value,
        "currency": event.currency,
    }


def _first(name: str | None, left: set[str]) -> bool:
    """Whether this event went in: each id counts for the first that has it, and is taken out of `left`."""
    if name is None:
        return True
    known = name in left
    left.discard(name)
    return known


def _tally(events: Sequence[EventIn], left: set[str]) -> EventsResult:
    accepted = sum(_first(event.id, left) for event in events)
    return EventsResult(accepted, len(events) - accepted)
