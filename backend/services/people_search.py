"""People found: by what a member types or pastes, or as a list with filters.

A search understands the app's own user id (also its beginning), a device's token, installation id or
subscription endpoint (found by its blind index, never stored as text), our own `usr_…`, `dev_…` and
`dlv_…`, and an attribute: `plan:pro` or `plan=pro`. No index serves an attribute on every database, nor
two filters at once: so many people are looked at for one page, and `next` goes on from there.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from backend.db import Work
from backend.domain.vocabulary import DeviceState, Permission, Platform
from backend.errors import Invalid, NotFound
from backend.queries import audience, lanes
from backend.queries import people as queries
from backend.queries.people import Spot, Wanted
from backend.services import ids, lane_health, page

LOOK: Final = 200_000
STALE: Final = timedelta(days=30)
"""Unseen for so long, a device may well be gone: providers say so late, or never."""
KINDS: Final = ("reachable", "unsubscribed")
_ATTRIBUTE: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]{0,63})\s*[:=]\s*(\S.*)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows the list. `device`: `reachable` (takes pushes) or `unsubscribed`; with `platform`, of that one device."""

    device: str | None = None
    platform: str | None = None
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class DeviceMark:
    """A device in the list: its platform, its state, and whether pushes get through to it."""

    platform: str
    state: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody in the list. Language and zone are the profile's own, or else a device's."""

    id: str
    user_id: str | None
    language: str | None
    timezone: str | None
    country: str | None
    sessions: int
    first_seen: datetime
    last_active: datetime | None
    devices: tuple[DeviceMark, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of people. `looked` is how many were looked at where not all were: `next` goes on behind them."""

    items: tuple[PersonRow, ...]
    next: str | None = None
    looked: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Devices of a platform by state. `reachable` and `stale` are among the active ones; stale are unseen for 30 days."""

    platform: str
    active: int
    reachable: int
    unsubscribed: int
    invalid: int
    stale: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A lane that called too many addresses dead at once, so that none is removed until a member has looked."""

    lane: str
    name: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class TokenHealth:
    """How good the addresses are that we hold."""

    platforms: tuple[Health, ...]
    quarantines: tuple[Quarantine, ...]


def search(
    work: Work, text: str = "", filters: Filters | None = None, *, cursor: str | None = None, limit: int = 50
) -> Found:
    """People whom the text means, or the list, newest active first. Raises `Invalid` for a filter or a cursor.

    What names one person or one device is found whatever the filters say.
    """
    wanted, text, size = _wanted(filters or Filters()), _cleaned(text), page.checked(limit)
    if not text:
        return _listed(work, wanted, cursor, size)
    if numbers := _named(work, text):
        return Found(_rows(work, queries.by_number(work.session, work.app_id, numbers)))
    pair = _ATTRIBUTE.fullmatch(text)
    if pair and cursor and "." in cursor:
        return attribute(work, pair[1], pair[2], filters, cursor=cursor, limit=limit)
    found = _called(work, text, wanted, cursor, size)
    if found.items or cursor or not pair:
        return found
    return attribute(work, pair[1], pair[2], filters, limit=limit)


def named(work: Work, text: str, *, limit: int) -> tuple[PersonRow, ...]:
    """The first people whom the text names outright, or whose id begins with it; attributes, which take time, are not asked."""
    text = _cleaned(text)
    if numbers := _named(work, text):
        return _rows(work, queries.by_number(work.session, work.app_id, numbers[:limit]))
    return _called(work, text, _wanted(Filters()), None, limit).items


def attribute(
    work: Work, name: str, value: str, filters: Filters | None = None, *, cursor: str | None = None, limit: int = 50
) -> Found:
    """People who have this attribute, the newest first; see `LOOK`."""
    wanted, size = _wanted(filters or Filters()), page.checked(limit)
    before = _before(work, cursor)
    found = queries.holding(work.session, work.app_id, name, value, wanted, before, LOOK, size)
    rows, more = found[:size], len(found) > size
    end = rows[-1].id if more else max(before - LOOK, 1)
    following = f"{ids.public(work, ids.CURSOR, end)}." if end > 1 else None
    return Found(_rows(work, rows), following, LOOK if following and not more else None)


def token(work: Work, address: str) -> Found:
    """The people behind a device token, installation id or subscription endpoint; one, or nobody."""
    return Found(_rows(work, queries.by_number(work.session, work.app_id, _at_address(work, address.strip()))))


def number_of(work: Work, user_id: str) -> int:
    """The user's number by the app's own id, or by ours (`usr_…`), which anonymous people have too. Raises `NotFound`."""
    found = audience.user_number(work.session, work.app_id, user_id) or ours(work, user_id)
    if found is None:
        raise NotFound(f"There is no user {user_id[:64]!r}.")
    return found


def ours(work: Work, user_id: str) -> int | None:
    """The number behind one of our own ids of the app's users, None for anything else."""
    return all_ours(work, [user_id]).get(user_id)


def all_ours(work: Work, user_ids: Collection[str]) -> dict[str, int]:
    """Those of them that are our own ids of the app's users, with their numbers."""
    named = {name: number for name in user_ids if (number := work.core.keyring.number(ids.USER, name)) is not None}
    known = {row.id for row in queries.by_number(work.session, work.app_id, named.values())} if named else set()
    return {name: number for name, number in named.items() if number in known}


def health(work: Work) -> TokenHealth:
    """The app's devices by platform and state, and the lanes in quarantine."""
    counted: dict[str, dict[str, int]] = {}
    for platform, state, permission, count in queries.counts(work.session, work.app_id):
        cells = counted.setdefault(platform, {})
        cells[state] = cells.get(state, 0) + count
        if state == DeviceState.ACTIVE and permission != Permission.DENIED:
            cells["reachable"] = cells.get("reachable", 0) + count
    stale = queries.stale(work.session, work.app_id, work.now - STALE)
    rows = tuple(_health(one, counted[one], stale.get(one, 0)) for one in Platform if one in counted)
    return TokenHealth(rows, tuple(_quarantines(work)))


def _health(platform: str, counted: Mapping[str, int], stale: int) -> Health:
    return Health(
        platform,
        active=counted.get(DeviceState.ACTIVE, 0),
        reachable=counted.get("reachable", 0),
        unsubscribed=counted.get(DeviceState.UNSUBSCRIBED, 0),
        invalid=counted.get(DeviceState.INVALID, 0),
        stale=stale,
    )


def _wanted(filters: Filters) -> Wanted:
    if filters.device is not None and filters.device not in KINDS:
        raise Invalid("device", f"must be one of {', '.join(KINDS)}")
    if filters.platform is not None and filters.platform not in set(Platform):
        raise Invalid("platform", f"must be one of {', '.join(Platform)}")
    return Wanted(filters.device == KINDS[0], filters.device == KINDS[1], filters.platform, filters.anonymous)


def _cleaned(text: str) -> str:
    """Without what no id and no address has in it."""
    return "".join(letter for letter in text.strip() if letter.isprintable())[:4096]


def _listed(work: Work, wanted: Wanted, cursor: str | None, limit: int) -> Found:
    found, end = queries.listing(work.session, work.app_id, wanted, spot(work, cursor), limit)
    if len(found) <= limit and end is not None:
        return Found(_rows(work, found), _cursor(work, end.active, end.id), queries.WALK)
    return Found(_rows(work, found[:limit]), cursor_behind(work, found, limit, "last_active"))


def cursor_behind(work: Work, found: Sequence[Any], limit: int, at: str) -> str | None:
    """The cursor of the page behind these rows, which go by a time and a number."""
    if len(found) <= limit:
        return None
    return _cursor(work, getattr(found[limit - 1], at), found[limit - 1].id)


def _cursor(work: Work, moment: datetime | None, number: int) -> str:
    microseconds = (moment - _EPOCH) // _MICROSECOND if moment is not None else 0
    return ".".join(ids.public(work, ids.CURSOR, part) for part in (microseconds, number))


def spot(work: Work, cursor: str | None) -> Spot | None:
    """Where such a cursor points. Raises `Invalid` for one that is not ours."""
    if not cursor:
        return None
    moment, _, number = cursor.partition(".")
    microseconds, found = page.after(work, moment), page.after(work, number)
    if microseconds is None or found is None:
        raise Invalid("cursor", "is not one that this list has given out")
    return Spot(_EPOCH + microseconds * _MICROSECOND if microseconds else None, found)


def _before(work: Work, cursor: str | None) -> int:
    found = page.after(work, cursor.removesuffix(".")) if cursor else None
    return found if found is not None else queries.newest_number(work.session) + 1


def _called(work: Work, start: str, wanted: Wanted, cursor: str | None, limit: int) -> Found:
    last = page.after(work, cursor)
    behind = queries.external_id(work.session, work.app_id, last) if last is not None else None
    found = queries.called(work.session, work.app_id, start[:255], wanted, behind, limit)
    following = ids.public(work, ids.CURSOR, found[limit - 1].id) if len(found) > limit else None
    return Found(_rows(work, found[:limit]), following)


def _named(work: Work, text: str) -> list[int]:
    """The numbers of those whom the text names outright: by one of our ids, or by an address of theirs."""
    keyring, session = work.core.keyring, work.session
    owner: int | None = None
    if (number := keyring.number(ids.USER, text)) is not None:
        owner = number
    elif (number := keyring.number(ids.DEVICE, text)) is not None:
        owner = queries.owner_of_device(session, work.app_id, number)
    elif (number := keyring.number(ids.DELIVERY, text)) is not None:
        owner = queries.owner_of_delivery(session, number)
    return [owner] if owner is not None else _at_address(work, text)


def _at_address(work: Work, address: str) -> list[int]:
    """APNs tokens are kept in lower case."""
    spellings = {address, address.lower()}
    indexes = [index for one in spellings for index in work.core.keyring.blind_indexes(work.app_id, one)]
    return queries.owners_at(work.session, work.app_id, indexes)


def _rows(work: Work, rows: Collection[Any]) -> tuple[PersonRow, ...]:
    held: dict[int, list[Any]] = {row.id: [] for row in rows}
    for mark in queries.marks(work.session, held) if held else ():
        held[mark.user_id].append(mark)
    return tuple(_row(work, row, held[row.id]) for row in rows)


def _row(work: Work, row: Any, devices: Sequence[Any]) -> PersonRow:
    return PersonRow(
        id=ids.public(work, ids.USER, row.id),
        user_id=row.external_id,
        language=row.language or next((one.locale for one in devices if one.locale), None),
        timezone=row.timezone or next((one.timezone for one in devices if one.timezone), None),
        country=row.country,
        sessions=row.sessions,
        first_seen=row.first_seen,
        last_active=row.last_active,
        devices=tuple(DeviceMark(one.platform, one.state, reachable(one)) for one in devices),
    )


def reachable(device: Any) -> bool:
    """Whether pushes get through to a device, as far as it has told us."""
    return bool(device.state == DeviceState.ACTIVE and device.permission != Permission.DENIED)


def _quarantines(work: Work) -> list[Quarantine]:
    called = lane_health.names(work)
    return [
        Quarantine(ids.public(work, ids.CREDENTIAL, row.id), called.get(row.id, ""), row.quarantine_reason or "", at)
        for row, _ in lanes.credentials(work.session, work.app_id)
        if (at := row.quarantined_at) is not None
    ]
