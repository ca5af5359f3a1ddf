"""One row for each verdict, and one for each exception to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.experiment import SLOTS, bounds, holdout_salt, salted, slot, variant_salt
from backend.domain.policy import SEND, Expire, Policy, Skip, Target, decide
from backend.domain.vocabulary import CategoryKind, SkipReason

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WILLING = Target(state="active", permission="granted", last_seen=NOW, bucket=7, opted_in=None)
MARKETING = Policy()
MANDATORY = Policy(category_kind=CategoryKind.MANDATORY)
EVERYBODY_HELD_OUT = Policy(holdout_percent=100, holdout=holdout_salt(1))

SKIPPED = [
    (replace(WILLING, erased=True), MARKETING, SkipReason.ERASED),
    (replace(WILLING, state="unsubscribed"), MARKETING, SkipReason.UNSUBSCRIBED),
    (replace(WILLING, state="invalid"), MANDATORY, SkipReason.UNSUBSCRIBED),
    (replace(WILLING, permission="denied"), MANDATORY, SkipReason.NO_PERMISSION),
    (replace(WILLING, twin=True), MARKETING, SkipReason.DUPLICATE_DEVICE),
    (replace(WILLING, opted_in=False), MARKETING, SkipReason.CATEGORY_OFF),
    (WILLING, replace(MARKETING, opted_in_by_default=False), SkipReason.CATEGORY_OFF),
    (replace(WILLING, paused_until=NOW + timedelta(hours=1)), MARKETING, SkipReason.PAUSED_BY_USER),
    (WILLING, EVERYBODY_HELD_OUT, SkipReason.HOLDOUT),
    (replace(WILLING, last_seen=NOW - timedelta(days=31)), replace(MARKETING, unseen_days=30), SkipReason.STALE),
]

SENT = [
    (WILLING, MARKETING),
    (replace(WILLING, permission="provisional"), MARKETING),
    (replace(WILLING, permission="unknown"), MARKETING),
    (replace(WILLING, opted_in=True), replace(MARKETING, opted_in_by_default=False)),
    (replace(WILLING, opted_in=False, paused_until=NOW + timedelta(hours=1)), MANDATORY),
    (replace(WILLING, paused_until=NOW), MARKETING),
    (WILLING, replace(EVERYBODY_HELD_OUT, test=True)),
    (WILLING, replace(MARKETING, holdout_percent=0, holdout=holdout_salt(1))),
    (replace(WILLING, last_seen=NOW - timedelta(days=30)), replace(MARKETING, unseen_days=30)),
    (replace(WILLING, last_seen=NOW - timedelta(days=90)), replace(MARKETING, unseen_days=30, test=True)),
    (WILLING, replace(MARKETING, not_after=NOW)),
]


@pytest.mark.parametrize(("target", "policy", "reason"), SKIPPED)
def test_skips(target: Target, policy: Policy, reason: SkipReason):
    assert decide(target, policy, NOW) == Skip(reason)


@pytest.mark.parametrize(("target", "policy"), SENT)
def test_sends(target: Target, policy: Policy):
    assert decide(target, policy, NOW) == SEND


def test_a_campaign_past_its_last_moment_expires_before_anything_else():
    late = replace(MARKETING, not_after=NOW - timedelta(seconds=1))
    assert decide(replace(WILLING, permission="denied"), late, NOW) == Expire()


def test_what_no_campaign_can_overrule_is_named_first():
    both = replace(WILLING, state="unsubscribed", opted_in=False)
    assert decide(both, MARKETING, NOW) == Skip(SkipReason.UNSUBSCRIBED)


def test_slots_are_even_and_independent_between_salts():
    buckets = range(0, 2**32, 2**32 // 40_000)
    first, second = variant_salt(1, "a"), variant_salt(1, "b")
    low = [slot(b, first) < SLOTS // 2 for b in buckets]
    assert abs(sum(low) / len(low) - 0.5) < 0.01
    both = sum(slot(b, first) < SLOTS // 2 and slot(b, second) < SLOTS // 2 for b in buckets)
    assert abs(both / len(low) - 0.25) < 0.015


def test_bounds_share_all_slots():
    assert bounds([50, 50]) == [5000, 10_000]
    assert bounds([1, 1, 1]) == [3333, 6666, 10_000]
    assert bounds([7]) == [SLOTS]


def test_a_salt_is_stable():
    """A deployed assignment must never move: these numbers are part of the contract."""
    assert salted("variant:1:a") == salted("variant:1:a")
    assert slot(123_456_789, salted("holdout:5")) == slot(123_456_789, holdout_salt(5))
