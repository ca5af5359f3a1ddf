"""Devices that a back end tells of: imported in batches, or named by their raw address for one message."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from backend.db import Work
from backend.errors import FieldError, Invalid
from backend.queries import audience
from backend.services import enrolment, fields, ids
from backend.services.enrolment import UNTOLD, Asked
from backend.services.people import BatchResult
from backend.services.registration import DeviceIn, RawAddress

EPHEMERAL: Final = timedelta(days=30)


def devices_batch(work: Work, items: Sequence[Mapping[str, Any]]) -> list[BatchResult]:
    """Registers up to 1000 devices for a back end; a bad item is told in its result and spoils no other.

    No secret is told or changed: each device's own app gets one when it first registers. Importing is
    no sign of life, so devices already known keep their `last_seen`.
    """
    asked, refused = _checked(work, items)
    known = enrolment.find(work, asked.values())
    fresh = {one.key: one for one in reversed(asked.values()) if one.key not in known}
    made = enrolment.add(work, list(fresh.values()), secret_hash=UNTOLD)
    again = {index: one for index, one in asked.items() if one.key not in made or fresh[one.key] is not one}
    known |= enrolment.find_all(work, [one for one in again.values() if one.key not in known])
    enrolment.refresh(work, [(known[one.key], one) for one in again.values()])
    numbers = {key: row.id for key, row in known.items()} | made
    done = [
        BatchResult(index, 200 if index in again else 201, ids.public(work, ids.DEVICE, numbers[one.key]))
        for index, one in asked.items()
    ]
    return sorted([*refused, *done], key=lambda result: result.index)


def _checked(work: Work, items: Sequence[Mapping[str, Any]]) -> tuple[dict[int, Asked], list[BatchResult]]:
    """The good registrations by their place, and what is told of the bad ones."""
    asked: dict[int, Asked] = {}
    refused = []
    for index, item in enumerate(items):
        try:
            asked[index] = enrolment.ask(work, fields.parse(DeviceIn, item))
        except Invalid as error:
            refused.append(BatchResult(index, 422, errors=tuple(error.errors)))
    return asked, refused


def ephemeral_devices(work: Work, items: Sequence[Mapping[str, Any]], path: str = "tokens") -> list[int]:
    """The number of a device for each raw address `{platform, provider?, token | subscription}`.

    An address that nobody has registered gets a device for 30 days, which no segment counts.
    Raises `Invalid` naming the wrong field below `path`.
    """
    return _ephemeral(work, [_raw(work, item, f"{path}[{index}].") for index, item in enumerate(items)])


def ephemeral_device(work: Work, item: Mapping[str, Any]) -> int:
    """`ephemeral_devices` of one, with a wrong field named as it stands in `item`."""
    return _ephemeral(work, [_raw(work, item, "")])[0]


def forget_ephemeral(work: Work) -> int:
    """Removes devices of raw addresses after their month, with the users made for them; how many."""
    return audience.forget_ephemeral(work.session, work.now)


def _raw(work: Work, item: Mapping[str, Any], path: str) -> Asked:
    try:
        return enrolment.ask(work, fields.parse(RawAddress, item).registration())
    except Invalid as error:
        raise Invalid([FieldError(f"{path}{one.field}", one.message) for one in error.errors]) from error


def _ephemeral(work: Work, asked: Sequence[Asked]) -> list[int]:
    known = enrolment.find(work, asked)
    fresh = {one.key: one for one in asked if one.key not in known}
    until = work.now + EPHEMERAL
    made = enrolment.add(work, list(fresh.values()), secret_hash=UNTOLD, ephemeral_until=until)
    known |= enrolment.find(work, [one for one in fresh.values() if one.key not in made])
    audience.prolong(work.session, [row.id for row in known.values()], until)
    numbers = {key: row.id for key, row in known.items()} | made
    return [numbers[one.key] for one in asked]
