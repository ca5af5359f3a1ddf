"""Whether a lease can still be ours: by both clocks, whichever says that more time has passed."""

import time

import pytest

from backend.services.lifeline import Lifeline


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    now = {"steady": 100.0, "wall": 1_000.0}
    monkeypatch.setattr(time, "monotonic", lambda: now["steady"])
    monkeypatch.setattr(time, "time", lambda: now["wall"])
    return now


def test_a_lease_lasts_as_long_as_it_was_given(clocks: dict[str, float]):
    line = Lifeline(15.0)
    clocks["steady"] += 14.9
    clocks["wall"] += 14.9
    assert line.intact()
    line.renewed(line.mark())
    clocks["steady"] += 14.9
    assert line.intact()
    clocks["steady"] += 0.2
    assert not line.intact()


@pytest.mark.parametrize("clock", ["steady", "wall"])
def test_a_process_that_stood_still_or_a_machine_that_slept_is_noticed(clocks: dict[str, float], clock: str):
    line = Lifeline(15.0)
    clocks[clock] += 60.0
    assert not line.intact()
    assert not line.holds((100.0, 1_000.0))


def test_a_clock_set_back_ends_no_lease(clocks: dict[str, float]):
    line = Lifeline(15.0)
    clocks["wall"] -= 3_600.0
    assert line.intact()


def test_a_renewal_counts_from_its_beginning(clocks: dict[str, float]):
    line = Lifeline(15.0)
    begun = line.mark()
    clocks["steady"] += 14.0
    line.renewed(begun)
    clocks["steady"] += 2.0
    assert not line.intact()
