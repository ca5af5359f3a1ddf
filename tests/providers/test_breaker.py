"""The circuit breaker of one origin, with the clock in hand."""

from collections.abc import Callable

import pytest

from backend.providers.breaker import Breaker, BreakerState


def era(breaker: Breaker, now: float) -> int:
    entered = breaker.enter(now)
    assert entered is not None
    return entered


def ended(breaker: Breaker, now: float, *, good: int = 0, bad: int = 0) -> None:
    for end, count in ((breaker.succeeded, good), (breaker.failed, bad)):
        for entered in [era(breaker, now) for _ in range(count)]:
            end(entered, now)


def broken(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(3):
        breaker.not_connected(now)
    return breaker


def test_three_failed_connections_in_a_row_open_it() -> None:
    breaker = Breaker()
    breaker.not_connected(0.0)
    breaker.not_connected(1.0)
    assert breaker.state(1.0) is BreakerState.CLOSED
    breaker.not_connected(2.0)
    assert (breaker.state(2.0), breaker.rests_for(2.0)) == (BreakerState.OPEN, 5.0)
    assert breaker.enter(6.9) is None


def test_an_answer_between_failed_connections_starts_the_count_anew() -> None:
    breaker = Breaker()
    for now in range(10):
        breaker.not_connected(now * 20.0)
        ended(breaker, now * 20.0, good=1)
    assert breaker.state(200.0) is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("good", "bad", "state"),
    [(0, 9, "closed"), (0, 10, "open"), (5, 5, "open"), (6, 5, "closed"), (100, 99, "closed"), (100, 100, "open")],
)
def test_half_of_ten_in_ten_seconds(good: int, bad: int, state: str) -> None:
    breaker = Breaker()
    ended(breaker, 100.0, good=good, bad=bad - 1)
    ended(breaker, 109.0, bad=1)
    assert breaker.state(109.0) == state


def test_a_hiccup_of_less_than_a_second_opens_nothing() -> None:
    breaker = Breaker()
    ended(breaker, 100.0, bad=500)
    assert breaker.state(100.9) is BreakerState.CLOSED
    ended(breaker, 101.0, bad=500)
    assert breaker.state(101.0) is BreakerState.CLOSED
    ended(breaker, 102.0, bad=1)
    assert breaker.state(102.0) is BreakerState.OPEN


def test_connections_cut_under_their_requests_count_once_each() -> None:
    breaker = Breaker()
    for now in range(8):
        breaker.cut(float(now))
    ended(breaker, 8.0, good=3)
    assert breaker.state(8.0) is BreakerState.CLOSED
    breaker.cut(9.0)
    assert breaker.state(9.0) is BreakerState.OPEN


def test_what_is_long_past_does_not_count() -> None:
    breaker = Breaker()
    for second in range(0, 100, 6):
        ended(breaker, float(second), bad=4)
    assert breaker.state(100.0) is BreakerState.CLOSED


def test_one_request_tries_the_host_after_its_rest() -> None:
    breaker = broken()
    assert breaker.state(5.0) is BreakerState.HALF_OPEN
    probe = era(breaker, 5.0)
    assert breaker.probing
    assert breaker.enter(5.0) is None
    breaker.succeeded(probe, 5.5)
    assert breaker.state(5.5) is BreakerState.CLOSED
    assert [breaker.enter(5.5) for _ in range(3)] == [breaker.enter(5.5)] * 3


@pytest.mark.parametrize("end", [Breaker.failed, Breaker.unanswered])
def test_a_failed_try_doubles_the_rest_up_to_half_a_minute(end: Callable[[Breaker, int, float], None]) -> None:
    breaker, now, rests = broken(), 0.0, []
    for _ in range(6):
        rests.append(breaker.rests_for(now))
        now += rests[-1]
        end(breaker, era(breaker, now), now)
    assert rests == [5.0, 10.0, 20.0, 30.0, 30.0, 30.0]


def test_a_success_makes_the_next_rest_short_again() -> None:
    breaker = broken()
    breaker.failed(era(breaker, 5.0), 5.0)
    breaker.succeeded(era(breaker, 15.0), 15.0)
    for _ in range(3):
        breaker.not_connected(20.0)
    assert breaker.rests_for(20.0) == 5.0


def test_a_try_that_was_withdrawn_leaves_room_for_another() -> None:
    breaker = broken()
    breaker.withdrawn(era(breaker, 5.0))
    assert breaker.enter(5.0) is not None


def test_what_was_under_way_when_it_opened_says_nothing() -> None:
    breaker = Breaker()
    old = [era(breaker, 0.0) for _ in range(20)]
    for number, entered in enumerate(old[:10]):
        breaker.failed(entered, 0.0 if number < 5 else 2.0)
    assert breaker.rests_for(2.0) == 5.0
    breaker.succeeded(old[10], 3.0)
    breaker.failed(old[11], 3.0)
    breaker.unanswered(old[12], 3.0)
    assert breaker.rests_for(3.0) == 4.0
    probe = era(breaker, 7.0)
    breaker.succeeded(old[13], 7.0)
    breaker.failed(old[14], 7.0)
    breaker.withdrawn(old[15])
    assert breaker.state(7.0) is BreakerState.HALF_OPEN
    assert breaker.probing
    breaker.succeeded(probe, 7.0)
    assert breaker.state(7.0) is BreakerState.CLOSED


def test_failures_before_it_closed_do_not_open_it_again() -> None:
    breaker = Breaker()
    ended(breaker, 0.0, bad=9)
    ended(breaker, 2.0, bad=1)
    breaker.succeeded(era(breaker, 7.0), 7.0)
    ended(breaker, 8.0, good=1, bad=1)
    ended(breaker, 11.0, bad=1)
    assert breaker.state(11.0) is BreakerState.CLOSED
    assert breaker.failures(11.0) == 12
    assert breaker.failures(61.0) == 3


def test_a_request_that_never_left_opens_nothing() -> None:
    breaker = Breaker()
    for now in range(100):
        breaker.unanswered(era(breaker, 0.0), float(now))
    assert breaker.state(0.0) is BreakerState.CLOSED


def test_memory_is_bounded() -> None:
    breaker = Breaker()
    for second in range(1_000):
        ended(breaker, float(second), good=3)
    assert len(breaker._seconds) <= 61
