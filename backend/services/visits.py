"""Signs of life: when people and their devices were last heard of, and the sessions that they began.

A session begins with the first word after half an hour of silence: a `session_start` event, or a device that
registers or changes itself. Whichever of these comes first, it is counted once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

from backend.db import Work
from backend.queries import audience
from backend.queries import events as queries

SILENCE: Final = timedelta(minutes=30)
FRESH: Final = timedelta(seconds=10)
"""How stale the moments may be under a stream of events: a write for each would cost more than the fact is worth."""
BEGINS: Final = "session_start"


class Sign(NamedTuple):
    """Something that a user did, by a device where it is known; `begins` is true of a `session_start`."""

    user: int
    device: int | None
    at: datetime
    begins: bool


@dataclass(frozen=True, slots=True)
class Locked:
    """When those who are to be moved forward were last heard of; their rows are locked."""

    devices: Mapping[int, datetime]
    users: Mapping[int, datetime | None]


def speaks(work: Work, device: Any) -> None:
    """The device whose (locked) row this is speaks for itself: a sign of life of it and of its user."""
    begins = device.last_seen <= work.now - SILENCE
    audience.change_device(work.session, device.id, last_seen=work.now)
    audience.touch_users(work.session, [device.user_id], work.now, sessions=int(begins))


def lock(work: Work, signs: Sequence[Sign], known: Mapping[int, Any], quiet: set[int]) -> Locked:
    """Locks whom these signs move forward: those not heard of just now, and those who begin a session.

    `known` are the rows of the devices, `quiet` the users not heard of just now. To be called before anything
    that refers to their rows is written: whoever merges two people locks in this order as well.
    """
    devices = {sign.device for sign in signs if sign.begins and sign.device is not None}
    users = {sign.user for sign in signs if sign.begins or sign.user in quiet}
    for number, at in _latest((sign.device, sign.at) for sign in signs if sign.device is not None).items():
        row = known[number]
        if row.last_seen < at - FRESH:
            devices.add(number)
        if row.last_active is None or row.last_active < at - FRESH:
            users.add(row.user_id)
    return Locked(*queries.last_signs(work.session, devices, users))


def write(work: Work, signs: Sequence[Sign], locked: Locked) -> None:
    """Moves the locked ones forward to what they did last, and counts the sessions that they began."""
    if not locked.devices and not locked.users:
        return
    began = _began(signs, locked)
    active = _latest((sign.user, sign.at) for sign in signs if sign.user in locked.users)
    seen = _latest((sign.device, sign.at) for sign in signs if sign.device in locked.devices)
    queries.touch(work.session, {user: (at, began[user]) for user, at in active.items()}, seen)


def _latest(moments: Iterable[tuple[Any, datetime]]) -> dict[int, datetime]:
    latest: dict[int, datetime] = {}
    for number, at in moments:
        if number not in latest or latest[number] < at:
            latest[number] = at
    return latest


def _began(signs: Sequence[Sign], locked: Locked) -> Counter[int]:
    """Sessions by user. What came late, from before the last sign of life, is a session of its own."""
    beginners = {(sign.device or 0, sign.user) for sign in signs if sign.begins}
    theirs = sorted((sign.device or 0, sign.user, sign.at, sign.begins) for sign in signs) if beginners else []
    began: Counter[int] = Counter()
    for (device, user), said in groupby(theirs, key=lambda one: one[:2]):
        last = locked.devices.get(device) if device else locked.users.get(user)
        before: datetime | None = None
        for *_, at, begins in said:
            apart = (last is None or abs(at - last) >= SILENCE) and (before is None or at - before >= SILENCE)
            began[user] += begins and apart
            before = at
    return began
