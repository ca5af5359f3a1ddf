"""The one decision: does this device get this push, now, later, or not at all, and why.

The rules are asked in the order of `RULES`; the first that has something to say decides. Preview, pre-flight,
test send, the real send and the explanation of one delivery all ask here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from backend.domain import caps, quiet, spread
from backend.domain.caps import Cap, Sent
from backend.domain.experiment import Salted, slot
from backend.domain.quiet import Windows
from backend.domain.vocabulary import CategoryKind, DeviceState, Permission, SkipReason

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Target:
    """The device and its person as they are at this moment; null person and device are erased ones.

    `due_at` is the delivery's. `opted_in` is the person's own word on the campaign's category and
    `device_opted_in` what was said for this device, which stands before it (None: never said). `quiet` are the
    person's own windows (None: none named), in `quiet_zone`. `sent` are the pushes of other runs that count,
    `day_zone` is where the person's calendar day begins. `twin` is true when another delivery of the run, with
    a smaller number, has the same address. `topic` is a provider's list of devices: nobody in particular, so
    there are no wishes to ask for.
    """

    erased: bool = False
    state: str = DeviceState.ACTIVE
    permission: str = Permission.UNKNOWN
    last_seen: datetime | None = None
    bucket: int = 0
    due_at: datetime | None = None
    opted_in: bool | None = None
    device_opted_in: bool | None = None
    paused_until: datetime | None = None
    quiet: Windows | None = None
    quiet_zone: ZoneInfo = _UTC
    sent: tuple[Sent, ...] = ()
    day_zone: ZoneInfo = _UTC
    twin: bool = False
    topic: bool = False


class Quiet(StrEnum):
    """What a campaign does about quiet hours."""

    HOLD = "hold"
    """Wait until they are over."""
    DROP = "drop"
    """Leave the person out."""
    IGNORE = "ignore"
    """Send all the same."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the revision, its category and its app ask for; `test` is a send to the team's own devices.

    `quiet` is for people who named no windows of their own. `app_caps` count every push, `category_caps` those
    of `category`. Deliveries due before `missed_before` are too late.
    """

    category_kind: str = CategoryKind.MARKETING
    category: int | None = None
    opted_in_by_default: bool = True
    unseen_days: int | None = None
    holdout_percent: float = 0.0
    holdout: Salted = field(default_factory=lambda: Salted(1, 0))
    not_after: datetime | None = None
    missed_before: datetime | None = None
    quiet_hours: Quiet = Quiet.HOLD
    quiet: Windows = ()
    ignore_caps: bool = False
    app_caps: tuple[Cap, ...] = ()
    category_caps: tuple[Cap, ...] = ()
    test: bool = False

    @property
    def mandatory(self) -> bool:
        return self.category_kind == CategoryKind.MANDATORY

    @property
    def capped(self) -> bool:
        """Whether what a person has got already matters."""
        free = self.test or self.ignore_caps or self.mandatory
        return not free and bool(self.app_caps or self.category_caps)

    @property
    def look_back(self) -> timedelta:
        """How far back it does."""
        return caps.look_back((*self.app_caps, *self.category_caps))


@dataclass(frozen=True, slots=True)
class Send:
    """Yes, now."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Not before this instant (aware UTC)."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """No, for this reason."""

    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Expire:
    """Too late to be of use: the campaign's last moment has passed, or (`missed`) its own time long has."""

    missed: bool = False


Verdict = Send | Defer | Skip | Expire
SEND: Final = Send()


def decide(target: Target, policy: Policy, now: datetime) -> Verdict:
    """The verdict on one delivery. Pure."""
    for _, asks in TOPIC_RULES if target.topic else RULES:
        if (verdict := asks(target, policy, now)) is not None:
            return verdict
    return SEND


class Rule(StrEnum):
    """What is asked, in this order."""

    LAST_MOMENT = "last_moment"
    MISSED = "missed"
    ERASED = "erased"
    STATE = "state"
    PERMISSION = "permission"
    TWIN = "twin"
    CATEGORY = "category"
    PAUSE = "pause"
    HOLDOUT = "holdout"
    STALE = "stale"
    QUIET_HOURS = "quiet_hours"
    CAPS = "caps"


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule and its answer; None lets the delivery pass to the next one."""

    rule: Rule
    verdict: Verdict | None


def explain(target: Target, policy: Policy, now: datetime) -> tuple[Asked, ...]:
    """Each rule that `decide` looks at, with its answer; the last one has decided, if any has."""
    asked: list[Asked] = []
    for rule, asks in TOPIC_RULES if target.topic else RULES:
        asked.append(Asked(rule, asks(target, policy, now)))
        if asked[-1].verdict is not None:
            break
    return tuple(asked)


def _last_moment(_target: Target, policy: Policy, now: datetime) -> Verdict | None:
    return Expire() if policy.not_after is not None and now > policy.not_after else None


def _missed(target: Target, policy: Policy, _now: datetime) -> Verdict | None:
    if policy.missed_before is None or target.due_at is None:
        return None
    return Expire(missed=True) if target.due_at < policy.missed_before else None


def _erased(target: Target, _policy: Policy, _now: datetime) -> Verdict | None:
    return Skip(SkipReason.ERASED) if target.erased else None


def _state(target: Target, _policy: Policy, _now: datetime) -> Verdict | None:
    return Skip(SkipReason.UNSUBSCRIBED) if target.state != DeviceState.ACTIVE else None


def _permission(target: Target, _policy: Policy, _now: datetime) -> Verdict | None:
    return Skip(SkipReason.NO_PERMISSION) if target.permission == Permission.DENIED else None


def _twin(target: Target, _policy: Policy, _now: datetime) -> Verdict | None:
    return Skip(SkipReason.DUPLICATE_DEVICE) if target.twin else None


def _category(target: Target, policy: Policy, _now: datetime) -> Verdict | None:
    if policy.mandatory:
        return None
    wanted = target.device_opted_in
    if wanted is None:
        wanted = policy.opted_in_by_default if target.opted_in is None else target.opted_in
    return None if wanted else Skip(SkipReason.CATEGORY_OFF)


def _pause(target: Target, policy: Policy, now: datetime) -> Verdict | None:
    paused = target.paused_until is not None and target.paused_until > now
    return Skip(SkipReason.PAUSED_BY_USER) if paused and not policy.mandatory else None


def _holdout(target: Target, policy: Policy, _now: datetime) -> Verdict | None:
    if policy.test or not policy.holdout_percent:
        return None
    held_out = slot(target.bucket, policy.holdout) < policy.holdout_percent * 100
    return Skip(SkipReason.HOLDOUT) if held_out else None


def _stale(target: Target, policy: Policy, now: datetime) -> Verdict | None:
    if policy.test or policy.unseen_days is None or target.last_seen is None:
        return None
    return Skip(SkipReason.STALE) if now - target.last_seen > timedelta(days=policy.unseen_days) else None


def _quiet_hours(target: Target, policy: Policy, now: datetime) -> Verdict | None:
    """Held to the end of the quiet time and a little longer, so that not all are due at once; left out when that
    would be too late, or never."""
    if policy.test or policy.mandatory or policy.quiet_hours is Quiet.IGNORE:
        return None
    windows = policy.quiet if target.quiet is None else target.quiet
    if not windows or (end := quiet.until(windows, target.quiet_zone, now)) is None:
        return None
    if policy.quiet_hours is Quiet.DROP or end - now >= quiet.ENDLESS:
        return Skip(SkipReason.QUIET_HOURS)
    until = spread.after_quiet(end, target.bucket)
    if quiet.until(windows, target.quiet_zone, until) is not None:
        until = end  # the calm between two windows is shorter than the spread
    too_late = policy.not_after is not None and until > policy.not_after
    return Skip(SkipReason.QUIET_HOURS) if too_late else Defer(until)


def _caps(target: Target, policy: Policy, now: datetime) -> Verdict | None:
    if not policy.capped:
        return None
    alike = [one for one in target.sent if one.category == policy.category]
    full = caps.reached(policy.app_caps, target.sent, target.day_zone, now) or caps.reached(
        policy.category_caps, alike, target.day_zone, now
    )
    return Skip(SkipReason.CAPPED) if full else None


_Asks = Callable[[Target, Policy, datetime], Verdict | None]
TOPIC_RULES: Final[tuple[tuple[Rule, _Asks], ...]] = (
    (Rule.LAST_MOMENT, _last_moment),
    (Rule.MISSED, _missed),
    (Rule.ERASED, _erased),
    (Rule.STATE, _state),
)
"""A topic has no person: nobody's wishes and nobody's clock are asked."""
RULES: Final[tuple[tuple[Rule, _Asks], ...]] = (
    *TOPIC_RULES,
    (Rule.PERMISSION, _permission),
    (Rule.TWIN, _twin),
    (Rule.CATEGORY, _category),
    (Rule.PAUSE, _pause),
    (Rule.HOLDOUT, _holdout),
    (Rule.STALE, _stale),
    (Rule.QUIET_HOURS, _quiet_hours),
    (Rule.CAPS, _caps),
)
