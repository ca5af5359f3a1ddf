"""Who gets tests of campaigns: named users of the app, and members' own devices; and whom of them a test can reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backend.db import Work
from backend.domain.content import clean
from backend.domain.vocabulary import DeviceState, Permission
from backend.errors import Conflict, FieldError, Invalid, NotFound
from backend.models import Tester
from backend.queries import accounts, audience
from backend.queries import testers as queries
from backend.services import audit, ids, people_search
from backend.services.words import REASONS

MOST: Final = 100
"""Testers an app has at most: a list that people read."""
MOST_NAMED: Final = 1000


@dataclass(frozen=True, slots=True)
class TesterDevice:
    """A tester's device; `problem` says why a push would not reach it, empty when it would."""

    id: str
    platform: str
    provider: str
    model: str
    environment: str
    last_seen: datetime
    problem: str


@dataclass(frozen=True, slots=True)
class TesterRow:
    """A user who gets tests. `member` is the e-mail address of the member whose own devices they are."""

    id: str
    user_id: str
    name: str
    member: str | None
    mine: bool
    created_at: datetime
    devices: tuple[TesterDevice, ...]


@dataclass(frozen=True, slots=True)
class Unreached:
    """Somebody whom a test was meant for and who does not get it; `reason` goes on from their name."""

    field: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The devices a test goes to, by number, and who was named in vain."""

    devices: tuple[int, ...]
    unreached: tuple[Unreached, ...]


def listing(work: Work) -> tuple[TesterRow, ...]:
    """The caller's own first, then by name."""
    found = queries.listing(work.session, work.app_id)
    theirs: dict[int, list[TesterDevice]] = {}
    for row in queries.devices(work.session, work.app_id, [one.user_id for one in found]) if found else ():
        theirs.setdefault(row.user_id, []).append(_device(work, row))
    rows = [_row(work, one, theirs.get(one.user_id, [])) for one in found]
    return tuple(sorted(rows, key=lambda row: not row.mine))


def add(work: Work, user_id: str, *, name: str = "", member_id: str | None = None, mine: bool = False) -> TesterRow:
    """Makes a user a tester, or names one anew. With `member_id` or `mine` their devices are that member's own.

    Raises `NotFound`, `Invalid` for a member who may not open this app, `Conflict` for another member's devices.
    """
    user = people_search.number_of(work, user_id.strip())
    owner = _me(work) if mine else _member(work, member_id)
    row = queries.tester_of(work.session, user) or _made(work, user)
    if owner is not None and row.member_id not in (None, owner):
        raise Conflict("These are another member's own devices already.")
    row.member_id = owner if owner is not None else row.member_id
    row.name = clean(name).strip()[:200] or row.name
    work.session.add(row)
    work.session.flush()
    audit.record(work, "tester.added", ids.public(work, ids.USER, user), own=owner is not None)
    public = ids.public(work, ids.TESTER, row.id)
    return next(one for one in listing(work) if one.id == public)


def _made(work: Work, user: int) -> Tester:
    """A new tester, or the row that somebody else has made of them at this very moment."""
    if queries.count(work.session, work.app_id) >= MOST:
        raise Conflict(f"An app has at most {MOST} testers; remove some first.")
    row = Tester(app_id=work.app_id, user_id=user, created_at=work.now)
    return row if accounts.added(work.session, row) else queries.tester_of(work.session, user) or row


def remove(work: Work, tester_id: str) -> None:
    """Raises `NotFound`."""
    row = queries.tester(work.session, work.app_id, ids.number(work, ids.TESTER, tester_id))
    if row is None:
        raise NotFound(f"There is no tester {tester_id[:64]!r}.")
    work.session.delete(row)
    audit.record(work, "tester.removed", ids.public(work, ids.USER, row.user_id))


def choose(
    work: Work, *, user_ids: Sequence[str] = (), device_ids: Sequence[str] = (), tester_ids: Sequence[str] = ()
) -> Chosen:
    """The devices of all who are named; who has none that can be reached is told. Raises `Invalid`."""
    if not (user_ids or device_ids or tester_ids):
        raise Invalid("user_ids", "nobody is named: give user_ids, device_ids or tester_ids")
    if len(user_ids) + len(device_ids) + len(tester_ids) > MOST_NAMED:
        raise Invalid("user_ids", f"name at most {MOST_NAMED}; use a campaign for larger audiences")
    numbers = [_device_number(work, at, public) for at, public in enumerate(device_ids)]
    people, unknown = _people(work, user_ids, tester_ids)
    found = queries.devices(work.session, work.app_id, list(people), numbers)
    if missing := set(numbers) - {row.id for row in found}:
        at = next(at for at, number in enumerate(numbers) if number in missing)
        raise Invalid(f"device_ids[{at}]", "is not a device of this app")
    reached = [row for row in found if not _gone(row)]
    told = [*unknown, *_unreached(people, found), *_dead(numbers, found)]
    return Chosen(tuple(sorted({row.id for row in reached})), tuple(told))


def refuse_nobody(chosen: Chosen) -> None:
    """Raises `Invalid` naming each when none of them can be reached."""
    if not chosen.devices:
        raise Invalid([FieldError(one.field, f"{one.name} {one.reason}") for one in chosen.unreached])


def _people(
    work: Work, user_ids: Sequence[str], tester_ids: Sequence[str]
) -> tuple[dict[int, tuple[str, str]], list[Unreached]]:
    """user → (field, name) of all who are known, and who is not."""
    known = audience.user_numbers(work.session, work.app_id, user_ids) if user_ids else {}
    known |= people_search.all_ours(work, set(user_ids) - known.keys())
    people: dict[int, tuple[str, str]] = {}
    unknown: list[Unreached] = []
    for at, name in enumerate(user_ids):
        number = known.get(name)
        if number is None:
            unknown.append(Unreached(f"user_ids[{at}]", name, "is not a user of this app."))
        else:
            people[number] = (f"user_ids[{at}]", name)
    numbers = [work.core.keyring.number(ids.TESTER, public) or 0 for public in tester_ids]
    rows = queries.these(work.session, work.app_id, numbers) if numbers else {}
    for at, number in enumerate(numbers):
        if (row := rows.get(number)) is None:
            raise Invalid(f"tester_ids[{at}]", "is not a tester of this app")
        people[row.user_id] = (f"tester_ids[{at}]", row.name or ids.public(work, ids.USER, row.user_id))
    return people, unknown


def _unreached(people: Mapping[int, tuple[str, str]], found: Sequence[Any]) -> list[Unreached]:
    told, devices = [], dict[int, list[Any]]()
    for row in found:
        devices.setdefault(row.user_id, []).append(row)
    for user, (field, name) in people.items():
        theirs = devices.get(user, [])
        if not theirs:
            told.append(Unreached(field, name, "has no device."))
        elif all(_gone(row) for row in theirs):
            told.append(Unreached(field, name, f"has no device that can be reached: {_gone(theirs[0])}"))
    return told


def _dead(numbers: Sequence[int], found: Sequence[Any]) -> list[Unreached]:
    by_number = {row.id: row for row in found}
    dead = ((at, by_number[number]) for at, number in enumerate(numbers) if _gone(by_number[number]))
    return [
        Unreached(f"device_ids[{at}]", row.model or row.platform, f"cannot be reached: {_gone(row)}")
        for at, row in dead
    ]


def _gone(row: Any) -> str:
    """Why no delivery is even planned for a device; empty when one is."""
    if row.state == DeviceState.ACTIVE:
        return "" if row.credential_id is not None else "Its provider has no credential here."
    return REASONS.get(row.reason or "", "") or REASONS["unsubscribed"]


def _device(work: Work, row: Any) -> TesterDevice:
    problem = _gone(row) or (REASONS["no_permission"] if row.permission == Permission.DENIED else "")
    return TesterDevice(
        id=ids.public(work, ids.DEVICE, row.id),
        platform=row.platform,
        provider=row.provider,
        model=row.model or "",
        environment=row.environment,
        last_seen=row.last_seen,
        problem=problem,
    )


def _row(work: Work, one: Any, devices: Sequence[TesterDevice]) -> TesterRow:
    user_id = one.external_id or ids.public(work, ids.USER, one.user_id)
    name = one.name or one.member_name or user_id
    mine = one.member_id is not None and one.member_id == _me(work)
    return TesterRow(
        ids.public(work, ids.TESTER, one.id), user_id, name, one.member_email, mine, one.created_at, tuple(devices)
    )


def _device_number(work: Work, at: int, public: str) -> int:
    number = work.core.keyring.number(ids.DEVICE, public)
    if number is None:
        raise Invalid(f"device_ids[{at}]", "is not a device id")
    return number


def _me(work: Work) -> int | None:
    return work.actor.id if work.actor.kind == "member" else None


def _member(work: Work, member_id: str | None) -> int | None:
    if member_id is None:
        return None
    number = work.core.keyring.number(ids.MEMBER, member_id) or 0
    places = {row.app_id for row in accounts.memberships(work.session, number)}
    if not places & {None, work.app_id}:
        raise Invalid("member_id", "is not a member who may open this app")
    return number
