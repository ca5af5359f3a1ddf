"""The knobs: what they take, how hosts inherit them, and the dice that draw by them."""

import json
from collections import Counter
from typing import Any

import pytest

from backend.simulator.behaviour import HOSTS, KNOBS, Behaviour, default
from backend.simulator.dice import Dice
from backend.simulator.presets import PRESETS
from backend.simulator.wire import Ending


def test_a_host_takes_its_parents_knobs_unless_it_has_its_own():
    behaviour = Behaviour.parse(
        {"latency_ms": 1, "only": {"apns": {"latency_ms": 2, "refuse": 0.5}, "sandbox": {"refuse": 0.1}}}
    )
    values = {host: (behaviour.at(host).latency_ms, behaviour.at(host).refuse) for host in ("apns", "sandbox", "fcm")}
    assert values == {"apns": (2, 0.5), "sandbox": (2, 0.1), "fcm": (1, 0.0)}


WRONG = [
    {"latency_ms": -1},
    {"latency_ms": float("inf")},
    {"goaway_every": 1.5},
    {"goaway_graceful": 1},
    {"down_as": "asleep"},
    {"only": {"oauth": {"latency_ms": 1}}},
    {"only": {"apns": {"seed": 1}}},
    {"only": {"apns": {"latency_ms": "x"}}},
    {"only": {"control": {"latency_ms": 1}}},
    {"only": {"apns": 5}},
    {"mix": {"apns": {"429/A": 0.6, "500/B": 0.6}}},
    {"mix": {"apns": 5}},
    {"mix": []},
]


@pytest.mark.parametrize("knobs", WRONG)
def test_knobs_that_make_no_sense_are_named(knobs: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(knobs))):
        Behaviour.parse(knobs)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_can_be_set(name: str):
    behaviour = Behaviour.parse(dict(PRESETS[name].knobs))
    assert (behaviour == Behaviour()) is (name == "well")


def test_a_behaviour_reads_back_what_it_wrote():
    behaviour = Behaviour(
        latency_ms=3, mix={"fcm": {"429/QUOTA_EXCEEDED@5": 0.5}}, refuse=0.1, only={"webpush2": {"down_as": "reset"}}
    )
    assert Behaviour.parse(json.loads(json.dumps(behaviour.knobs()))) == behaviour


def test_every_knob_says_what_it_does():
    for name, knob in KNOBS.items():
        assert knob.says.endswith("."), name
        knob.check(name, default(name), default(name))


def test_the_same_seed_draws_the_same_row():
    def row(seed: int) -> list[Any]:
        dice = Dice(Behaviour(seed=seed, refuse=0.2, reset_before_accept=0.1, jitter_ms=5, mix=MIX))
        return [(dice.early(), dice.fault("apns"), dice.delay()) for _ in range(50)]

    assert row(1) == row(1) != row(2)


MIX = {"apns": {"429/A": 0.3, "500/B": 0.2}}


def test_shares_are_shares():
    dice = Dice(Behaviour(mix=MIX, reset_after_accept=0.1, hang_up_after_accept=0.05, silence_after_accept=0.02))
    reasons = Counter(fault.reason if (fault := dice.fault("sandbox")) else "" for _ in range(10_000))
    assert 2800 < reasons["A"] < 3200
    assert 1850 < reasons["B"] < 2150
    endings = Counter(dice.ending() for _ in range(10_000))
    assert 880 < endings[Ending.RESET] < 1120
    assert 420 < endings[Ending.HANG_UP] < 580
    assert 140 < endings[Ending.SILENCE] < 260
    assert dice.early() is None
    assert dice.fault("fcm") is None
    assert dice.delay() == 0


def test_all_hosts_but_the_control_host_may_differ():
    behaviour = Behaviour(only={host: {"latency_ms": 5} for host in HOSTS})
    assert {behaviour.at(host).latency_ms for host in HOSTS} == {5}
