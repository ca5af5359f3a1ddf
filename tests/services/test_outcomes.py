"""The table of fates: what each kind of answer makes of a delivery."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.message import Address, Message
from backend.domain.policy import Policy
from backend.domain.retry import MAX_TRIES, Waits
from backend.domain.vocabulary import (
    AddressKind,
    DeliveryState,
    Environment,
    OnUnknown,
    Platform,
    Priority,
    ProviderName,
)
from backend.providers.base import Outcome, OutcomeKind
from backend.services.outcomes import HELD_BACK, fate
from backend.services.runs import AT_ONCE, Ready, RunContext

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 200, ref="projects/p/messages/1")
DEAD = Outcome(OutcomeKind.FAILED, 410, "Unregistered", prune=True, gone_at=NOW.timestamp() - 60)
REFUSED = Outcome(OutcomeKind.FAILED, 400, "PayloadTooLarge", raw='{"reason":"PayloadTooLarge"}')
BUSY = Outcome(OutcomeKind.RETRY, 503, "UNAVAILABLE", retry_after=30.0)
NOT_SENT = Outcome(OutcomeKind.RETRY, reason="not_sent", raw="connection refused")
UNKNOWN = Outcome(OutcomeKind.UNKNOWN, reason="timeout")
BLOCKED = Outcome(OutcomeKind.BLOCKED, 403, "InvalidProviderToken")


def ready(tries: int = 0, ttl: int = 86_400, provider: ProviderName = ProviderName.FCM) -> Ready:
    message = Message(
        platform=Platform.ANDROID,
        m="dlv_1",
        t="t",
        identity="dlv_1",
        expires_at=NOW + timedelta(seconds=ttl),
        ttl_seconds=ttl,
    )
    address = Address(provider, AddressKind.TOKEN, "token", Environment.PRODUCTION)
    return Ready(4, 7, tries, False, "en", message, address, b"{}", "hash")


def context(on_unknown: OnUnknown = OnUnknown.RETRY, not_after: datetime | None = None) -> RunContext:
    return RunContext(
        run_id=1, campaign_id=1, app_id=1, priority=Priority.NORMAL, on_unknown=on_unknown,
        policy=Policy(not_after=not_after), category_id=None, wordings=(), default_locale="en", app_variables={},
    )  # fmt: skip


def decided(outcome: Outcome, row: Ready | None = None, of: RunContext | None = None):
    return fate(row or ready(), outcome, of or context(), Waits(), NOW)


@pytest.mark.parametrize(
    ("outcome", "state", "tried", "error", "dead_letter", "pruned"),
    [
        (ACCEPTED, DeliveryState.ACCEPTED, True, False, False, False),
        (DEAD, DeliveryState.FAILED, True, False, False, True),
        (REFUSED, DeliveryState.FAILED, True, True, True, False),
        (BUSY, DeliveryState.PLANNED, True, False, False, False),
        (NOT_SENT, DeliveryState.PLANNED, True, False, False, False),
        (UNKNOWN, DeliveryState.PLANNED, True, False, False, False),
        (BLOCKED, DeliveryState.PLANNED, False, False, False, False),
    ],
)
def test_each_kind_of_answer_has_its_fate(outcome, state, tried, error, dead_letter, pruned):
    told = decided(outcome)
    assert told.result.state == state
    assert told.result.tried is tried
    assert told.error is error
    assert told.dead_letter is dead_letter
    assert (told.prune is not None) is pruned
    assert (told.attempt is None) is (outcome is ACCEPTED)


def test_an_answer_is_kept_in_the_providers_words():
    told = decided(REFUSED, ready(tries=2))
    assert (told.attempt["number"], told.attempt["status"], told.attempt["raw"]) == (3, 400, REFUSED.raw)
    assert decided(Outcome(OutcomeKind.FAILED, 400, "x" * 200, "a\0b")).attempt["raw"] == "ab"


def test_a_dead_device_is_pruned_as_of_the_providers_own_time():
    assert decided(DEAD).prune == (7, "Unregistered", NOW - timedelta(seconds=60))


def test_a_retry_waits_as_long_as_the_provider_asks():
    wait = (decided(BUSY).retry_at - NOW).total_seconds()
    assert 30.0 <= wait <= 33.0


def test_a_refused_credential_leaves_the_row_where_it_is():
    told = decided(BLOCKED)
    assert told.retry_at is None
    assert told.result.chunk is None


@pytest.mark.parametrize("why", sorted(HELD_BACK))
def test_what_we_held_back_ourselves_is_no_try(why):
    told = decided(Outcome(OutcomeKind.RETRY, reason="not_sent", raw=why), ready(tries=MAX_TRIES))
    assert told.result.state == DeliveryState.PLANNED
    assert told.result.tried is False
    assert told.retry_at is None
    assert told.attempt is None


@pytest.mark.parametrize(
    ("outcome", "state", "dead_letter"),
    [
        (BUSY, DeliveryState.FAILED, True),
        (NOT_SENT, DeliveryState.FAILED, True),
        (UNKNOWN, DeliveryState.UNKNOWN, False),
    ],
)
def test_every_kind_of_try_comes_to_an_end(outcome, state, dead_letter):
    assert decided(outcome, ready(tries=MAX_TRIES - 2)).result.state == DeliveryState.PLANNED
    told = decided(outcome, ready(tries=MAX_TRIES - 1))
    assert told.result.state == state
    assert told.error
    assert told.dead_letter is dead_letter


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(BUSY, DeliveryState.EXPIRED), (NOT_SENT, DeliveryState.EXPIRED), (UNKNOWN, DeliveryState.UNKNOWN)],
)
@pytest.mark.parametrize(
    ("row", "of"), [(ready(ttl=4), context()), (ready(), context(not_after=NOW + timedelta(seconds=4)))]
)
def test_a_try_that_would_come_too_late_is_not_made(outcome, state, row, of):
    told = fate(row, outcome, of, Waits(), NOW)
    assert told.result.state == state
    assert told.result.maybe_sent is (outcome is UNKNOWN)
    assert told.retry_at is None


def test_at_once_leaves_a_few_minutes_for_another_try():
    assert decided(NOT_SENT, ready(ttl=0)).retry_at < NOW + AT_ONCE
    late = Outcome(OutcomeKind.RETRY, 503, "UNAVAILABLE", retry_after=AT_ONCE.total_seconds() + 1)
    assert decided(late, ready(ttl=0)).result.state == DeliveryState.EXPIRED


def test_never_twice_means_never_twice():
    told = decided(UNKNOWN, of=context(OnUnknown.NEVER_TWICE))
    assert (told.result.state, told.result.maybe_sent, told.error) == (DeliveryState.UNKNOWN, True, True)
    assert decided(BUSY, of=context(OnUnknown.NEVER_TWICE)).result.state == DeliveryState.PLANNED
