"""Topics as an audience: one delivery for each topic and Firebase project, to a device row that stands for it.

The provider keeps the list and sends to it; nobody learns who got it. So the row behind a topic is nobody's:
ephemeral, with a nameless user of its own, out of segments, people and counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.db import Work
from backend.domain import topic as rules
from backend.domain.message import Address
from backend.domain.vocabulary import AddressKind, CredentialStatus, DeviceState, Permission, ProviderName
from backend.errors import FieldError, Invalid
from backend.queries import audience, topics
from backend.services import addresses, enrolment, people
from backend.services.enrolment import UNTOLD
from backend.services.imports import EPHEMERAL

PLATFORM: Final = AddressKind.TOPIC
"""What stands for the platform in rows and reports: one message serves them all."""
NO_LANE: Final = "needs an FCM credential: topics are Firebase's, and this app has none that is active"


@dataclass(frozen=True, slots=True)
class Fanout:
    """One delivery of a send to topics: a topic through one credential."""

    topic: str
    credential_id: int


def problems(names: Sequence[str], path: str) -> list[FieldError]:
    """What is wrong with the names of topics."""
    found = [
        FieldError(f"{path}[{index}]", wrong) for index, name in enumerate(names) if (wrong := rules.problem(name))
    ]
    if len(names) > rules.MOST:
        found.append(FieldError(path, f"has more than {rules.MOST} entries"))
    return found


def offered(work: Work) -> bool:
    """Whether the app can send to topics at all: it has an active FCM credential."""
    return any(lane.status == CredentialStatus.ACTIVE for lane in topics.lanes(work.session, work.app_id, ()))


def fanouts(work: Work, names: Sequence[str]) -> list[Fanout]:
    """What a send to these topics comes to now; nothing while the app has no FCM credential.

    Two credentials of one Firebase project reach the same devices, so the newest one speaks for both. A
    retiring one is asked only where its project has members that we know of.
    """
    lanes: dict[tuple[str | None, str], int] = {}
    for lane in topics.lanes(work.session, work.app_id, names):
        if lane.status == CredentialStatus.ACTIVE or lane.members:
            lanes.setdefault((lane.endpoint, lane.public["project_id"]), lane.id)
    return [Fanout(name, lane) for name in names for lane in lanes.values()]


def check_reachable(work: Work, names: Sequence[str], path: str) -> None:
    """Raises `Invalid` while the app has no credential to send to topics with."""
    if names and not fanouts(work, names):
        raise Invalid(path, NO_LANE)


def devices(work: Work, names: Sequence[str], path: str = "audience.topics") -> list[int]:
    """The numbers of the rows that stand for these topics, made or kept for another month. Raises `Invalid`."""
    check_reachable(work, names, path)
    wanted = {_index(work, one): one for one in fanouts(work, names)}
    known = {row.address_index: row.id for row in audience.devices_at(work.session, work.app_id, list(wanted))}
    alive = {"state": DeviceState.ACTIVE, "reason": None, "ephemeral_until": work.now + EPHEMERAL}
    audience.change_devices(work.session, [(number, alive) for number in known.values()])
    return sorted([*known.values(), *(_made(work, one, index) for index, one in wanted.items() if index not in known)])


def _made(work: Work, one: Fanout, index: bytes) -> int:
    """A new row for a topic, or the one that somebody else has made at this moment."""
    owner = people.add_anonymous(work)[0]
    made = audience.add_devices(work.session, [_row(work, one, index, owner)])
    if made:
        return next(iter(made.values()))
    audience.delete_user(work.session, owner)
    return int(audience.devices_at(work.session, work.app_id, [index])[0].id)


def address(name: str) -> Address:
    """A topic's address."""
    return Address(ProviderName.FCM, AddressKind.TOPIC, name)


def name_of(work: Work, row: Any) -> str | None:
    """The topic that a device row stands for, None for a real device's."""
    if row.address_kind != AddressKind.TOPIC:
        return None
    return addresses.unseal(work.core.keyring, work.app_id, row).value


def _index(work: Work, one: Fanout) -> bytes:
    """No device's address has a blank in it, so that no registration can ever meet this one."""
    return work.core.keyring.blind_index(work.app_id, f"topic {one.credential_id} {one.topic}")


def _row(work: Work, one: Fanout, index: bytes, owner: int) -> dict[str, Any]:
    return {
        "app_id": work.app_id,
        "user_id": owner,
        "credential_id": one.credential_id,
        "platform": PLATFORM,
        "state": DeviceState.ACTIVE,
        "permission": Permission.UNKNOWN,
        "secret_hash": UNTOLD,
        "first_seen": work.now,
        "last_seen": work.now,
        "ephemeral_until": work.now + EPHEMERAL,
        **enrolment.address_columns(work, address(one.topic), index),
    }
