"""The token bucket: never more than the rate and one burst, whoever takes and whenever."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain import pace
from backend.domain.pace import Bucket
from backend.domain.vocabulary import ProviderName

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ENDLESS = 10**9


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def most_in(taken: list[tuple[float, int]], window: float) -> int:
    """The most that was taken in any half-open stretch of so many seconds."""
    return max((sum(n for u, n in taken if t <= u < t + window) for t, _ in taken), default=0)


STEPS = st.lists(
    st.tuples(st.floats(0, 3), st.integers(1, 200), st.integers(1, 400), st.floats(0, 1), st.booleans()),
    min_size=1,
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(rate=st.floats(0.01, 20_000), steps=STEPS)
def test_no_stretch_of_time_has_more_than_the_rate_and_one_burst(rate: float, steps: list[tuple[float, ...]]):
    bucket, taken = pace.full(rate, START), []
    for now, (_, wanted, pull, back, _) in zip(accumulate(step[0] for step in steps), steps, strict=True):
        bucket = pace.filled(bucket, rate, at(now))
        bucket, count = pace.take(bucket, rate, int(wanted), max(int(wanted), int(pull)))
        unused = int(count * back)
        bucket = pace.give_back(bucket, rate, unused)
        taken.append((now, count - unused))
    for window in (0.1, 1.0, 5.0, 60.0):
        assert most_in(taken, window) <= rate * window + pace.burst(rate) + 1e-3


@settings(max_examples=150, deadline=None)
@given(rate=st.floats(0.01, 20_000), steps=STEPS)
def test_with_what_is_urgent_it_is_one_burst_more(rate: float, steps: list[tuple[float, ...]]):
    bucket, taken = pace.full(rate, START), []
    for now, (_, wanted, _, _, urgent) in zip(accumulate(step[0] for step in steps), steps, strict=True):
        bucket = pace.filled(bucket, rate, at(now))
        bucket, count = pace.take(bucket, rate, int(wanted), int(wanted), urgent=bool(urgent))
        taken.append((now, count))
    for window in (0.1, 1.0, 5.0, 60.0):
        assert most_in(taken, window) <= rate * window + 2 * pace.burst(rate) + 1e-3


def test_what_is_urgent_goes_on_credit_and_the_rest_waits_until_it_is_paid_back():
    empty = Bucket(0.0, START)
    bucket, count = pace.take(empty, 100, 30, 30, urgent=True)
    assert (count, bucket.tokens) == (30, -30)
    assert pace.take(bucket, 100, 30, 30, urgent=True)[1] == 20  # a burst is 50, and no more than that
    assert pace.take(bucket, 100, 1, 1)[1] == 0
    assert pace.wait(bucket, 100, 1) == pytest.approx(0.31)
    assert pace.take(pace.filled(bucket, 100, at(0.5)), 100, 30, 30)[1] == 20


@settings(max_examples=100, deadline=None)
@given(per_minute=st.integers(1, 100_000), pauses=st.lists(st.floats(0, 20), min_size=1, max_size=80))
def test_any_minute_stays_within_a_number_a_minute_even_if_tokens_are_used_late(per_minute: int, pauses: list[float]):
    rate = pace.even(per_minute)
    bucket, used = pace.full(rate, START), []
    for now in accumulate(pauses):
        bucket, count = pace.take(pace.filled(bucket, rate, at(now)), rate, 1, ENDLESS)
        early = pace.HOLD_SECONDS if len(used) % 2 else 0.0
        used.append((now + early, count))
    assert most_in(used, 60) <= per_minute


@pytest.mark.parametrize("rate", [0.5, 3, 50, 9_836])
def test_whoever_comes_back_when_told_gets_the_full_rate(rate: float):
    bucket, now, total = pace.full(rate, START), 0.0, 0
    while now < 200 / min(rate, 20):
        bucket, count = pace.take(pace.filled(bucket, rate, at(now)), rate, 100, 100)
        total += count
        now += 0.0 if count == 100 else max(pace.wait(bucket, rate, 100 - count), 1e-6)
    assert total == pytest.approx(rate * now, rel=0.01, abs=1 + pace.burst(rate))


def test_a_lane_that_is_pressed_grows_from_nothing_to_its_rate_within_a_minute():
    bucket = pace.pressed(pace.full(10_000, START), 10_000)
    taken = []
    for tenth in range(1, 900):
        bucket, count = pace.take(pace.filled(bucket, 10_000, at(tenth / 10)), 10_000, 1, ENDLESS)
        taken.append((tenth / 10, count))
    by_second = [sum(n for t, n in taken if s < t <= s + 1) for s in range(85)]
    assert by_second[0] < 100
    assert by_second[30] == pytest.approx(5_000, rel=0.03)
    assert by_second[70] == pytest.approx(10_000, rel=0.01)
    assert all(later >= earlier - 2 for earlier, later in pairwise(by_second))
    assert sum(by_second[:60]) == pytest.approx(300_000, rel=0.01)


def test_a_busy_lane_grows_from_where_it_is():
    bucket = pace.full(1_000, START)
    for tenth in range(600):
        bucket, _ = pace.take(pace.filled(bucket, 1_000, at(tenth / 10)), 1_000, 1, 80)
    bucket = pace.pressed(pace.filled(bucket, 1_000, at(60)), 1_000)
    assert pace.share_at(bucket, at(60)) == pytest.approx(0.8, abs=0.02)
    assert pace.pressed(bucket, 1_000) is bucket  # growth under way is not begun again


def test_growth_begins_anew_only_after_a_calm_time():
    grown = pace.filled(pace.pressed(pace.full(1_000, START), 1_000), 1_000, at(30))
    assert pace.calmed(grown) is grown  # not cut short
    grown = pace.filled(grown, 1_000, at(70))
    assert pace.pressed(grown, 1_000) is grown
    calm = pace.calmed(grown)
    assert calm.ramp_started_at is None
    assert pace.share_at(calm, at(70)) == 1
    assert pace.share_at(pace.pressed(calm, 1_000), at(70)) < 0.01


def test_a_slow_down_halves_the_rate_once_a_minute_and_grows_back():
    slowed = pace.slowed(pace.full(1_000, START), 1_000)
    assert slowed is not None
    assert [round(pace.share_at(slowed, at(s)), 3) for s in (0, 30, 60, 90)] == [0.5, 0.75, 1, 1]
    assert slowed.tokens == pace.burst(1_000, 0.5)
    assert pace.slowed(pace.filled(slowed, 1_000, at(59)), 1_000) is None
    again = pace.slowed(pace.filled(slowed, 1_000, at(61)), 1_000)
    assert again is not None
    assert pace.share_at(again, at(61)) == 0.5


def test_a_slow_down_in_the_middle_of_growth_halves_what_is_allowed_then():
    growing = pace.filled(pace.pressed(pace.full(1_000, START), 1_000), 1_000, at(30))
    slowed = pace.slowed(growing, 1_000)
    assert slowed is not None
    assert pace.share_at(slowed, at(30)) == pytest.approx(0.25)


def test_a_clock_that_is_a_little_behind_gains_nothing_and_one_set_back_does_not_stop_the_lane():
    empty = Bucket(0.0, START)
    assert pace.filled(empty, 100, at(-3)) == empty
    afresh = pace.filled(empty, 100, at(-3_600))
    assert afresh.filled_at == at(-3_600)
    assert pace.take(pace.filled(afresh, 100, at(-3_599)), 100, 10, 10)[1] == 10


def test_only_google_names_a_number_and_a_member_has_the_last_word():
    assert pace.lane_rate(ProviderName.FCM, None) == pace.even(600_000)
    assert 60 * pace.even(600_000) + 3 * pace.burst(pace.even(600_000)) <= 600_000
    assert pace.lane_rate(ProviderName.FCM, 20_000) == 20_000
    assert pace.lane_rate(ProviderName.APNS, None) is None
    assert pace.lane_rate(ProviderName.WEBPUSH, 5) == 5
