"""A host without room: its rows have their turns one after another, and nobody else's wait."""

from datetime import UTC, datetime

import pytest

from backend.domain.message import Address
from backend.domain.vocabulary import AddressKind, DeliveryState, Environment, ProviderName
from backend.providers.base import Admission
from backend.services.hosts import HORIZON, Hosts, host_of
from backend.services.runs import NotSent
from tests.services.test_outcomes import ready

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


class Doors:
    """A provider that says how many each host takes."""

    def __init__(self, **rooms: Admission) -> None:
        self.rooms = {name.replace("_", "."): room for name, room in rooms.items()}

    def admit(self, address: Address, wanted: int) -> Admission:
        room = self.rooms.get(host_of(address), Admission(wanted))
        return Admission(min(room.count, wanted), room.wait)


def subscription(number: int, host: str):
    from dataclasses import replace

    address = Address(
        ProviderName.WEBPUSH,
        AddressKind.SUBSCRIPTION,
        f"https://{host}/push/{number}",
        Environment.PRODUCTION,
        "k",
        "a",
    )
    return replace(ready(), id=number, address=address)


def test_only_the_full_hosts_rows_wait():
    rows = [subscription(n, "slow.example" if n % 2 else "fast.example") for n in range(40)]
    later = Hosts().later(Doors(slow_example=Admission(5, 0.5)), rows, NOW)
    assert set(later) == {n for n in range(40) if n % 2} - {1, 3, 5, 7, 9}
    assert all(0.5 <= at.timestamp() - NOW <= 1 for at in later.values())


def test_rows_that_are_not_sent_and_tokens_ask_for_no_host():
    rows = [NotSent(1, DeliveryState.SKIPPED, "holdout"), ready()]
    assert Hosts().later(Doors(), rows, NOW) == {}


def test_turns_follow_one_another_as_fast_as_the_host_answers():
    hosts = Hosts()
    for _ in range(50):
        hosts.answered(subscription(0, "slow.example").address, 10.0)
    rows = [subscription(n, "slow.example") for n in range(60)]
    doors = Doors(slow_example=Admission(0, 0.25))
    first = sorted(at.timestamp() - NOW for at in hosts.later(doors, rows[:30], NOW).values())
    second = sorted(at.timestamp() - NOW for at in hosts.later(doors, rows[30:], NOW).values())
    assert first[0] < 1
    assert first[-1] == pytest.approx(15, abs=3)  # 20 at a time, 10 s each: two a second
    assert second[0] >= first[-1] - 3
    assert second[-1] == pytest.approx(30, abs=5)


def test_nobody_waits_longer_than_a_minute_for_a_host_that_may_recover():
    hosts = Hosts()
    hosts.answered(subscription(0, "slow.example").address, 30.0)
    rows = [subscription(n, "slow.example") for n in range(1_000)]
    later = hosts.later(Doors(slow_example=Admission(0, 0.25)), rows, NOW)
    assert max(at.timestamp() for at in later.values()) <= NOW + HORIZON * 1.15


def test_the_turns_of_many_rows_are_few_instants():
    hosts = Hosts()
    hosts.answered(subscription(0, "slow.example").address, 30.0)
    rows = [subscription(n, "slow.example") for n in range(200)]
    assert len(set(hosts.later(Doors(slow_example=Admission(0, 0.25)), rows, NOW).values())) < 40


def test_a_made_up_host_is_forgotten_again():
    hosts = Hosts()
    for number in range(2_000):
        hosts.answered(subscription(number, f"host{number}.example").address, 1.0)
    assert len(hosts._hosts) <= 256
