"""When a send stops itself: too many errors, or a provider that calls half the world dead."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.guard import Quarantine, guardrail


@pytest.mark.parametrize(
    ("answered", "errors", "limit", "stops"),
    [
        (99, 99, 20, False),
        (100, 20, 20, False),
        (100, 21, 20, True),
        (100, 100, 0, False),
        (100, 100, 100, False),
        (5_000, 1_001, 20, True),
        (0, 0, 20, False),
    ],
)
def test_a_send_stops_when_more_than_its_share_of_enough_answers_are_errors(
    answered: int, errors: int, limit: int, stops: bool
):
    assert (guardrail(answered, errors, limit) is not None) is stops


def test_the_sentence_has_the_count_the_share_and_the_limit():
    sentence = guardrail(4_000, 1_234, 20)
    assert sentence is not None
    assert all(part in sentence for part in ("1\u202f234 of 4\u202f000", "30.9%", "20%", "resume"))


def groups_until_it_speaks(size: int, gone: int, *, before: int = 0) -> tuple[int, int]:
    """(devices lost before it spoke, group in which it did) for groups of that size after good ones."""
    tracker = Quarantine()
    for _ in range(before):
        assert tracker.sentence(1, 100, 2) is None
    lost = 0
    for group in range(1_000):
        if tracker.sentence(1, size, gone) is not None:
            return lost, group
        lost += gone
    return lost, 1_000


@settings(max_examples=200, deadline=None)
@given(size=st.integers(1, 200), before=st.integers(0, 50), data=st.data())
def test_a_provider_gone_mad_costs_fewer_than_fifty_devices(size: int, before: int, data: st.DataObject):
    gone = data.draw(st.integers(-(-3 * size // 10), size))  # from three in ten on
    lost, _ = groups_until_it_speaks(size, gone, before=before)
    assert lost < 50


def test_one_whole_group_of_dead_addresses_is_stopped_before_it_prunes():
    assert groups_until_it_speaks(100, 100, before=20) == (0, 0)
    assert groups_until_it_speaks(100, 60) == (0, 0)


@pytest.mark.parametrize("gone", [0, 1, 2, 5, 24])
def test_a_usual_share_of_dead_addresses_never_stops_the_pruning(gone: int):
    assert groups_until_it_speaks(100, gone)[1] == 1_000


def test_what_is_usual_in_a_lane_is_learnt_slowly():
    tracker = Quarantine()
    for _ in range(500):  # one address in ten dies there, for ever
        assert tracker.sentence(7, 100, 10) is None
    assert tracker.sentence(7, 100, 45) is None  # 27 of 100: high, but not five times the usual
    fresh = Quarantine()
    assert all(fresh.sentence(7, 100, 10) is None for _ in range(2))
    assert fresh.sentence(7, 100, 45) is not None  # nothing is known yet: usual is 2 %


def test_it_goes_on_speaking_while_it_lasts_and_stops_when_the_answers_are_good_again():
    tracker = Quarantine()
    assert all(tracker.sentence(1, 100, 90) for _ in range(50))
    said = [tracker.sentence(1, 100, 1) is not None for _ in range(5)]
    assert said[-1] is False


def test_lanes_do_not_answer_for_one_another():
    tracker = Quarantine()
    assert tracker.sentence(1, 100, 100) is not None
    assert tracker.sentence(2, 100, 1) is None


def test_it_may_be_asked_from_several_threads():
    tracker, said = Quarantine(), []

    def ask() -> None:
        said.extend(tracker.sentence(1, 10, 1) for _ in range(2_000))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 8_000
    assert not any(said)
