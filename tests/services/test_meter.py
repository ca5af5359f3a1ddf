"""What a lane's last minute looks like, and how little of it is kept."""

import pytest

from backend.providers.base import HostReport, Outcome, OutcomeKind
from backend.services.meter import Meter

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 200)
BUSY = Outcome(OutcomeKind.RETRY, 429, "QUOTA_EXCEEDED")
DEAD = Outcome(OutcomeKind.FAILED, 410, "Unregistered", prune=True)
LOST = Outcome(OutcomeKind.UNKNOWN, reason="timeout")


def test_ends_are_counted_by_kind_and_in_the_providers_words():
    meter = Meter()
    for outcome in (ACCEPTED, ACCEPTED, BUSY, BUSY, DEAD, LOST, Outcome(OutcomeKind.BLOCKED, 403, "Forbidden")):
        meter.record(outcome, 0.05, 100.0)
    host = HostReport("api.push.apple.com", "closed", 0.0, 0, 3, 1)
    told = meter.report(3, [host], 101.0)
    counts = {name: told[name] for name in ("accepted", "failed", "gone", "retried", "unknown", "blocked")}
    assert counts == {"accepted": 2, "failed": 0, "gone": 1, "retried": 2, "unknown": 1, "blocked": 1}
    assert told["reasons"]["429 QUOTA_EXCEEDED"] == 2
    assert told["reasons"]["timeout"] == 1
    assert told["in_flight"] == 3
    assert told["hosts"][0]["host"] == "api.push.apple.com"


def test_a_minute_later_nothing_is_left():
    meter = Meter()
    meter.record(ACCEPTED, 0.05, 100.0)
    assert meter.report(0, [], 159.0)["accepted"] == 1
    quiet = meter.report(0, [], 165.1)
    assert quiet["accepted"] == 0
    assert quiet["p50_ms"] is None


def test_half_and_nearly_all_answers_by_a_fifth():
    meter = Meter()
    for n in range(1, 101):
        meter.record(ACCEPTED, n / 1_000, 100.0)
    told = meter.report(0, [], 100.0)
    assert told["p50_ms"] == pytest.approx(50, rel=0.22)
    assert told["p95_ms"] == pytest.approx(95, rel=0.22)


def test_what_was_never_answered_says_nothing_of_speed():
    meter = Meter()
    meter.record(LOST, 30.0, 100.0)
    assert meter.report(0, [], 100.0)["p95_ms"] is None


def test_strange_words_do_not_fill_the_memory():
    meter = Meter()
    for n in range(10_000):
        meter.record(Outcome(OutcomeKind.FAILED, 400, f"reason {n}"), 0.01, 100.0 + n / 100)
    assert len(meter.report(0, [], 200.0)["reasons"]) <= 10
    assert sum(len(slot.reasons) for slot in meter._slots) <= 13 * 50
