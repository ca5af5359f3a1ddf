"""One row for each verdict, and one for each exception to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.domain import caps, quiet, spread
from backend.domain.caps import Sent
from backend.domain.experiment import SLOTS, bounds, holdout_salt, salted, slot, variant_salt
from backend.domain.policy import (
    RULES,
    SEND,
    TOPIC_RULES,
    Asked,
    Defer,
    Expire,
    Policy,
    Quiet,
    Rule,
    Skip,
    Target,
    Verdict,
    decide,
    explain,
)
from backend.domain.vocabulary import CategoryKind, SkipReason

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
WILLING = Target(state="active", permission="granted", last_seen=NOW, bucket=7, opted_in=None)
MARKETING = Policy()
INFORMATIONAL = Policy(category_kind=CategoryKind.INFORMATIONAL)
MANDATORY = Policy(category_kind=CategoryKind.MANDATORY)
OPT_IN = replace(MARKETING, opted_in_by_default=False)
EVERYBODY_HELD_OUT = Policy(holdout_percent=100, holdout=holdout_salt(1))

SKIPPED = [
    (replace(WILLING, erased=True), MARKETING, SkipReason.ERASED),
    (replace(WILLING, erased=True), MANDATORY, SkipReason.ERASED),
    (replace(WILLING, state="unsubscribed"), MARKETING, SkipReason.UNSUBSCRIBED),
    (replace(WILLING, state="invalid"), MANDATORY, SkipReason.UNSUBSCRIBED),
    (replace(WILLING, permission="denied"), MANDATORY, SkipReason.NO_PERMISSION),
    (replace(WILLING, twin=True), MARKETING, SkipReason.DUPLICATE_DEVICE),
    (replace(WILLING, twin=True), MANDATORY, SkipReason.DUPLICATE_DEVICE),
    (replace(WILLING, opted_in=False), MARKETING, SkipReason.CATEGORY_OFF),
    (replace(WILLING, opted_in=False), INFORMATIONAL, SkipReason.CATEGORY_OFF),
    (WILLING, OPT_IN, SkipReason.CATEGORY_OFF),
    (replace(WILLING, device_opted_in=False), MARKETING, SkipReason.CATEGORY_OFF),
    (replace(WILLING, opted_in=True, device_opted_in=False), MARKETING, SkipReason.CATEGORY_OFF),
    (replace(WILLING, paused_until=NOW + TICK), MARKETING, SkipReason.PAUSED_BY_USER),
    (replace(WILLING, paused_until=NOW + HOUR), INFORMATIONAL, SkipReason.PAUSED_BY_USER),
    (WILLING, EVERYBODY_HELD_OUT, SkipReason.HOLDOUT),
    (WILLING, replace(EVERYBODY_HELD_OUT, category_kind=CategoryKind.MANDATORY), SkipReason.HOLDOUT),
    (replace(WILLING, last_seen=NOW - timedelta(days=30) - TICK), Policy(unseen_days=30), SkipReason.STALE),
]

SENT = [
    (WILLING, MARKETING),
    (replace(WILLING, permission="provisional"), MARKETING),
    (replace(WILLING, permission="unknown"), MARKETING),
    (replace(WILLING, opted_in=True), OPT_IN),
    (replace(WILLING, device_opted_in=True), OPT_IN),
    (replace(WILLING, opted_in=False, device_opted_in=True), MARKETING),
    (replace(WILLING, opted_in=False, paused_until=NOW + HOUR), MANDATORY),
    (replace(WILLING, device_opted_in=False), MANDATORY),
    (replace(WILLING, paused_until=NOW), MARKETING),
    (WILLING, replace(EVERYBODY_HELD_OUT, test=True)),
    (WILLING, replace(MARKETING, holdout_percent=0, holdout=holdout_salt(1))),
    (replace(WILLING, last_seen=NOW - timedelta(days=30)), Policy(unseen_days=30)),
    (replace(WILLING, last_seen=None), Policy(unseen_days=30)),
    (replace(WILLING, last_seen=NOW - timedelta(days=90)), Policy(unseen_days=30, test=True)),
    (replace(WILLING, last_seen=NOW - timedelta(days=9000)), MARKETING),
    (WILLING, replace(MARKETING, not_after=NOW)),
    (replace(WILLING, due_at=NOW), Policy(missed_before=NOW)),
    (WILLING, Policy(missed_before=NOW)),
    (replace(WILLING, due_at=NOW - HOUR), MARKETING),
]


@pytest.mark.parametrize(("target", "policy", "reason"), SKIPPED)
def test_skips(target: Target, policy: Policy, reason: SkipReason):
    assert decide(target, policy, NOW) == Skip(reason)


@pytest.mark.parametrize(("target", "policy"), SENT)
def test_sends(target: Target, policy: Policy):
    assert decide(target, policy, NOW) == SEND


def test_what_nothing_is_known_of_and_nothing_is_asked_of_is_sent():
    """The defaults are those of a campaign without wishes to a person without any."""
    assert decide(Target(), Policy(), NOW) == SEND
    assert decide(Target(), Policy(quiet=NIGHT), NIGHT_TIME) == Defer(spread.after_quiet(MORNING, 0))
    assert (Target().bucket, Target().quiet_zone.key, Target().day_zone.key) == (0, "UTC", "UTC")


def test_a_campaign_past_its_last_moment_expires_before_anything_else():
    late = replace(MARKETING, not_after=NOW - TICK)
    assert decide(replace(WILLING, permission="denied"), late, NOW) == Expire()
    assert decide(replace(WILLING, due_at=NOW - HOUR), replace(late, missed_before=NOW), NOW) == Expire(missed=False)


@pytest.mark.parametrize("policy", [MARKETING, MANDATORY, replace(MARKETING, test=True)])
def test_what_was_due_before_sending_could_begin_is_missed(policy: Policy):
    missed = replace(WILLING, due_at=NOW - TICK, permission="denied", erased=True)
    assert decide(missed, replace(policy, missed_before=NOW), NOW) == Expire(missed=True)


def test_what_no_campaign_can_overrule_is_named_first():
    both = replace(WILLING, state="unsubscribed", opted_in=False)
    assert decide(both, MARKETING, NOW) == Skip(SkipReason.UNSUBSCRIBED)


def test_a_holdout_is_a_share_of_the_slots():
    salt = holdout_salt(9)
    for percent in (0.01, 5, 12.5, 50, 99.99):
        policy = Policy(holdout_percent=percent, holdout=salt)
        for bucket in range(0, 2**32, 2**32 // 2000):
            held_out = decide(replace(WILLING, bucket=bucket), policy, NOW) == Skip(SkipReason.HOLDOUT)
            assert held_out == (slot(bucket, salt) < percent * 100)


def test_the_first_slot_of_a_holdout_is_in_it_and_the_first_behind_it_is_not():
    edge = next(bucket for bucket in range(10**6) if slot(bucket, holdout_salt(9)) == 500)
    held_out = [
        decide(replace(WILLING, bucket=edge), Policy(holdout_percent=p, holdout=holdout_salt(9)), NOW)
        for p in (5, 5.01)
    ]
    assert held_out == [SEND, Skip(SkipReason.HOLDOUT)]


# Quiet hours

NIGHT = quiet.windows([{"start": "22:00", "end": "08:00"}])
NAP = quiet.windows([{"start": "11:00", "end": "13:00"}])
NEVER = quiet.windows([{"start": "00:00", "end": "00:00"}])
ALWAYS = quiet.windows([{"start": "00:00", "end": "12:00"}, {"start": "12:00", "end": "00:00"}])
NIGHT_TIME = NOW + 12 * HOUR
MORNING = NOW + 20 * HOUR
TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")
ONE = NOW + HOUR
"""When the nap is over."""


def later(end: datetime, bucket: int = 7) -> Defer:
    return Defer(spread.after_quiet(end, bucket))


DROP, IGNORE = Policy(quiet=NAP, quiet_hours=Quiet.DROP), Policy(quiet=NAP, quiet_hours=Quiet.IGNORE)
QUIET = [
    # the app's windows, and the person's own in their place
    (WILLING, Policy(quiet=NAP), later(ONE)),
    (WILLING, Policy(quiet=NIGHT), SEND),
    (replace(WILLING, quiet=NAP), MARKETING, later(ONE)),
    (replace(WILLING, quiet=NIGHT), Policy(quiet=NAP), SEND),
    (replace(WILLING, quiet=NEVER), Policy(quiet=NAP), SEND),
    (replace(WILLING, quiet=()), Policy(quiet=NAP), SEND),
    # on the person's own clock: 21:00 in Tokyo, 07:00 in New York
    (replace(WILLING, quiet_zone=TOKYO), Policy(quiet=NAP), SEND),
    (replace(WILLING, quiet_zone=NEW_YORK), Policy(quiet=NIGHT), later(ONE)),
    (replace(WILLING, quiet=NIGHT, quiet_zone=NEW_YORK), Policy(quiet=NAP), later(ONE)),
    # whom they concern
    (WILLING, replace(INFORMATIONAL, quiet=NAP), later(ONE)),
    (WILLING, replace(MANDATORY, quiet=NAP), SEND),
    (replace(WILLING, quiet=ALWAYS), MANDATORY, SEND),
    (WILLING, Policy(quiet=NAP, test=True), SEND),
    # what the campaign does about them
    (WILLING, DROP, Skip(SkipReason.QUIET_HOURS)),
    (WILLING, IGNORE, SEND),
    (replace(WILLING, quiet=NIGHT), DROP, SEND),
    (replace(WILLING, quiet=ALWAYS), MARKETING, Skip(SkipReason.QUIET_HOURS)),
    # held no longer than there is any use in it
    (WILLING, Policy(quiet=NAP, not_after=ONE - TICK), Skip(SkipReason.QUIET_HOURS)),
    (WILLING, Policy(quiet=NAP, not_after=ONE + HOUR), later(ONE)),
    (WILLING, Policy(quiet=NAP, not_after=spread.after_quiet(ONE, 7)), later(ONE)),
    (WILLING, Policy(quiet=NAP, not_after=spread.after_quiet(ONE, 7) - TICK), Skip(SkipReason.QUIET_HOURS)),
]


@pytest.mark.parametrize(("target", "policy", "verdict"), QUIET)
def test_quiet_hours(target: Target, policy: Policy, verdict: Verdict):
    assert decide(target, policy, NOW) == verdict


def test_who_is_held_is_due_in_the_calm_minutes_after():
    ends = {decide(replace(WILLING, bucket=b * 10**7), Policy(quiet=NAP), NOW) for b in range(400)}
    assert ends == {Defer(ONE + timedelta(minutes=m)) for m in spread.calm_minutes(ONE, spread.AFTER_QUIET)}


def test_a_calm_that_is_shorter_than_the_spread_is_not_overshot():
    """Ten minutes between two windows: who would be placed behind them is due as soon as it is calm."""
    twice = quiet.windows([{"start": "11:00", "end": "13:00"}, {"start": "13:10", "end": "14:00"}])
    untils = {decide(replace(WILLING, bucket=b * 10**7), Policy(quiet=twice), NOW).until for b in range(400)}
    inside = {ONE + timedelta(minutes=m) for m in spread.calm_minutes(ONE, spread.AFTER_QUIET) if m < 10}
    assert untils == {ONE} | inside


def test_a_held_push_is_not_held_again_when_its_time_has_come():
    held = decide(WILLING, Policy(quiet=NAP), NOW)
    assert decide(WILLING, Policy(quiet=NAP), held.until) == SEND


@pytest.mark.parametrize(("days", "verdict"), [(7, Defer), (6, Defer)])
def test_a_week_that_is_almost_quiet_throughout_still_ends(days: int, verdict: type):
    rows = [{"start": "00:00", "end": "12:00"}, {"start": "13:00", "end": "00:00"}]
    rows += [{"start": "12:00", "end": "13:00", "days": list(quiet.WEEKDAYS[: days - 1])}]
    decided = decide(replace(WILLING, quiet=quiet.windows(rows)), MARKETING, NOW + 2 * HOUR)
    assert isinstance(decided, verdict)
    assert decided.until.astimezone(UTC).hour == 12


# Caps

ONE_A_DAY = caps.caps([{"kind": "daily", "pushes": 1}])
TWO_IN_SIX = caps.caps([{"kind": "rolling", "pushes": 2, "hours": 6}])
GAP = caps.caps([{"kind": "gap", "minutes": 60}])


def had(*pushes: tuple[float, int | None]) -> Target:
    """Somebody who has been sent so many, each so many hours ago and of a category."""
    return replace(WILLING, sent=tuple(Sent(NOW - hours * HOUR, category) for hours, category in pushes))


CAPPED = Skip(SkipReason.CAPPED)
IN_CATEGORY = Policy(category=1, category_caps=ONE_A_DAY)
CAPS = [
    (had((1, None)), Policy(app_caps=ONE_A_DAY), CAPPED),
    (had((13, None)), Policy(app_caps=ONE_A_DAY), SEND),
    (had((1, 1)), Policy(app_caps=TWO_IN_SIX), SEND),
    (had((1, 1), (2, 2)), Policy(app_caps=TWO_IN_SIX), CAPPED),
    (had((1, 1), (6, 2)), Policy(app_caps=TWO_IN_SIX), SEND),
    (had((0.5, 1)), Policy(app_caps=GAP), CAPPED),
    (had((1, 1)), Policy(app_caps=GAP), SEND),
    (had((5, 1)), Policy(app_caps=GAP + ONE_A_DAY), CAPPED),
    # a category's caps count its own
    (had((1, 1)), IN_CATEGORY, CAPPED),
    (had((1, 2)), IN_CATEGORY, SEND),
    (had((1, None)), IN_CATEGORY, SEND),
    (had((1, 2)), replace(IN_CATEGORY, app_caps=ONE_A_DAY), CAPPED),
    (had((1, 1)), replace(IN_CATEGORY, app_caps=TWO_IN_SIX), CAPPED),
    (had((1, 1), (13, 1)), replace(IN_CATEGORY, category_caps=caps.caps([{"kind": "daily", "pushes": 2}])), SEND),
    # whom they concern
    (had((1, 1)), Policy(app_caps=ONE_A_DAY, category_kind=CategoryKind.INFORMATIONAL), CAPPED),
    (had((1, 1)), Policy(app_caps=ONE_A_DAY, category_kind=CategoryKind.MANDATORY), SEND),
    (had((1, 1)), Policy(app_caps=ONE_A_DAY, ignore_caps=True), SEND),
    (had((1, 1)), Policy(app_caps=ONE_A_DAY, test=True), SEND),
    (had((1, 1)), MARKETING, SEND),
    (had(), Policy(app_caps=ONE_A_DAY, category_caps=ONE_A_DAY), SEND),
    # on the person's own calendar: it is 21:00 in Tokyo, so that 13 hours ago was today
    (replace(had((13, 1)), day_zone=TOKYO), Policy(app_caps=ONE_A_DAY), CAPPED),
    (replace(had((8, 1)), day_zone=NEW_YORK), Policy(app_caps=ONE_A_DAY), SEND),
    (replace(had((13, 1)), quiet_zone=TOKYO), Policy(app_caps=ONE_A_DAY), SEND),
    (replace(had((13, 1)), day_zone=TOKYO), replace(IN_CATEGORY), CAPPED),
]


@pytest.mark.parametrize(("target", "policy", "verdict"), CAPS)
def test_caps(target: Target, policy: Policy, verdict: Verdict):
    assert decide(target, policy, NOW) == verdict


@pytest.mark.parametrize(
    ("policy", "capped", "back"),
    [
        (Policy(), False, timedelta(0)),
        (Policy(app_caps=GAP), True, HOUR),
        (Policy(category_caps=TWO_IN_SIX), True, 6 * HOUR),
        (Policy(app_caps=GAP, category_caps=TWO_IN_SIX), True, 6 * HOUR),
        (Policy(app_caps=GAP, ignore_caps=True), False, HOUR),
        (Policy(app_caps=GAP, test=True), False, HOUR),
        (Policy(app_caps=GAP, category_kind=CategoryKind.MANDATORY), False, HOUR),
    ],
)
def test_what_a_person_has_got_is_only_read_where_it_matters(policy: Policy, capped: bool, back: timedelta):
    assert (policy.capped, policy.look_back) == (capped, back)


# The order of the rules, and the explanation

STRICT = Policy(
    missed_before=NOW,
    not_after=NOW,
    opted_in_by_default=False,
    holdout_percent=100,
    unseen_days=1,
    quiet=NAP,
    quiet_hours=Quiet.DROP,
    app_caps=ONE_A_DAY,
)
REFUSED = replace(
    had((1, None)),
    due_at=NOW - HOUR,
    erased=True,
    state="invalid",
    permission="denied",
    twin=True,
    paused_until=NOW + HOUR,
    last_seen=NOW - timedelta(days=2),
)
CURES: list[tuple[Rule, Verdict, dict, dict]] = [
    (Rule.LAST_MOMENT, Expire(), {}, {"not_after": None}),
    (Rule.MISSED, Expire(missed=True), {"due_at": NOW}, {}),
    (Rule.ERASED, Skip(SkipReason.ERASED), {"erased": False}, {}),
    (Rule.STATE, Skip(SkipReason.UNSUBSCRIBED), {"state": "active"}, {}),
    (Rule.PERMISSION, Skip(SkipReason.NO_PERMISSION), {"permission": "granted"}, {}),
    (Rule.TWIN, Skip(SkipReason.DUPLICATE_DEVICE), {"twin": False}, {}),
    (Rule.CATEGORY, Skip(SkipReason.CATEGORY_OFF), {"opted_in": True}, {}),
    (Rule.PAUSE, Skip(SkipReason.PAUSED_BY_USER), {"paused_until": None}, {}),
    (Rule.HOLDOUT, Skip(SkipReason.HOLDOUT), {}, {"holdout_percent": 0}),
    (Rule.STALE, Skip(SkipReason.STALE), {"last_seen": NOW}, {}),
    (Rule.QUIET_HOURS, Skip(SkipReason.QUIET_HOURS), {"quiet": ()}, {}),
    (Rule.CAPS, Skip(SkipReason.CAPPED), {"sent": ()}, {}),
]


def test_each_rule_has_its_turn_and_the_explanation_names_those_before_it():
    """Somebody whom every rule refuses is freed of one after the other."""
    target, policy = REFUSED, replace(STRICT, not_after=NOW - TICK)
    for position, (rule, verdict, person, campaign) in enumerate(CURES):
        assert decide(target, policy, NOW) == verdict
        passed = [Asked(before, None) for before, *_ in CURES[:position]]
        assert explain(target, policy, NOW) == (*passed, Asked(rule, verdict))
        target, policy = replace(target, **person), replace(policy, **campaign)
    assert decide(target, policy, NOW) == SEND
    assert explain(target, policy, NOW) == tuple(Asked(rule, None) for rule in Rule)


def test_every_rule_is_asked_in_the_order_in_which_they_are_named():
    assert [rule for rule, _ in RULES] == list(Rule) == [rule for rule, *_ in CURES]
    assert [rule for rule, _ in TOPIC_RULES] == list(Rule)[:4]


def test_a_topic_is_nobody_so_only_its_time_and_its_state_are_asked():
    anybody = replace(REFUSED, topic=True, erased=False, due_at=NOW)
    strict = replace(STRICT, not_after=NOW)
    assert decide(anybody, strict, NOW) == Skip(SkipReason.UNSUBSCRIBED)
    followed = replace(anybody, state="active")
    assert decide(followed, strict, NOW) == SEND
    assert explain(followed, strict, NOW) == tuple(Asked(rule, None) for rule, _ in TOPIC_RULES)
    assert decide(followed, replace(strict, not_after=NOW - TICK), NOW) == Expire()
    assert decide(replace(followed, due_at=NOW - TICK), strict, NOW) == Expire(missed=True)


def test_quiet_hours_are_asked_before_caps_so_that_who_is_held_is_counted_later():
    both = Policy(quiet=NAP, app_caps=ONE_A_DAY)
    assert decide(had((1, None)), both, NOW) == later(ONE)
    assert decide(had((1, None)), both, ONE) == CAPPED


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
