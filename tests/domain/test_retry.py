"""The wait table: what providers ask for, back-off where they ask for nothing, and instants that rows share."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backend.domain.retry import LONGEST, Waits
from backend.domain.vocabulary import ProviderName

APNS, FCM, WEBPUSH = ProviderName.APNS, ProviderName.FCM, ProviderName.WEBPUSH
NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "status", "retry_after", "seconds"),
    [
        (FCM, 429, 17.0, 17.0),
        (FCM, 503, 120.0, 120.0),
        (FCM, 503, 2.0, 10.0),  # Google: at least 10 s before any retry
        (WEBPUSH, 429, 3.0, 3.0),
        (WEBPUSH, 503, 0.0, 1.0),
        (APNS, 429, 5.0, 5.0),
        (APNS, 503, 30.0, 900.0),  # Apple: after 15 minutes
        (APNS, 503, 1_000.0, 1_000.0),
    ],
)
def test_what_the_provider_asks_for_stands_but_for_its_own_least(provider, status, retry_after, seconds):
    assert Waits().seconds(provider, status, 3 if status == 429 else 0, retry_after, number=0) == seconds


@pytest.mark.parametrize(
    ("provider", "status", "unsure", "first"),
    [
        (FCM, 500, False, 10.0),
        (FCM, 429, False, 60.0),
        (FCM, 0, True, 10.0),
        (APNS, 500, False, 900.0),
        (APNS, 0, False, 5.0),
        (WEBPUSH, 502, False, 10.0),
    ],
)
def test_without_a_word_the_waits_double_up_to_an_hour(provider, status, unsure, first):
    waits = [Waits().seconds(provider, status, tries, None, unsure=unsure) for tries in range(12)]
    assert waits[0] == first
    assert all(after == min(2 * before, LONGEST) for before, after in pairwise(waits))
    assert waits[-1] == LONGEST


def test_rows_that_fail_together_come_back_in_four_parts_and_never_early():
    waits = {Waits().seconds(FCM, 500, 0, None, number=number) for number in range(100)}
    assert sorted(waits) == pytest.approx([10.0, 11.0, 12.0, 13.0])


@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.5, 10.0, 17.0, 61.3, 900.0, 3_600.0, 86_400.0])
def test_an_instant_is_never_early_and_late_by_a_twentieth_at_most(seconds):
    for shift in range(50):
        now = NOW + timedelta(milliseconds=37 * shift)
        late = (Waits().moment(now, seconds) - now).total_seconds() - seconds
        assert -1e-6 <= late <= seconds / 20 + 1e-6


def test_rows_that_fail_within_a_moment_share_an_instant():
    moments = {Waits().moment(NOW + timedelta(milliseconds=n), 60.0) for n in range(1_000)}
    assert len(moments) <= 2


def test_a_rehearsal_shrinks_every_wait():
    small = Waits(0.01)
    assert small.seconds(FCM, 503, 0, 120.0) == pytest.approx(1.2)
    assert small.seconds(APNS, 503, 0, None) == pytest.approx(9.0)
    assert (small.moment(NOW, 0.1) - NOW).total_seconds() <= 0.105
