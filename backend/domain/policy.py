"""The one decision: does this device get this push, now, later, or not at all, and why."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backend.domain.experiment import Salted, slot
from backend.domain.vocabulary import CategoryKind, DeviceState, Permission, SkipReason


@dataclass(frozen=True, slots=True)
class Target:
    """The device and its person as they are at this moment; null person and device are erased ones.

    `opted_in` is the person's own word on the campaign's category (None: never said).
    `twin` is true when another delivery of the run, with a smaller number, has the same address.
    `topic` is a provider's list of devices: nobody in particular, so there are no wishes to ask for.
    """

    erased: bool = False
    state: str = DeviceState.ACTIVE
    permission: str = Permission.UNKNOWN
    last_seen: datetime | None = None
    bucket: int = 0
    opted_in: bool | None = None
    paused_until: datetime | None = None
    twin: bool = False
    topic: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What the revision and its category ask for; `test` is a send to the team's own devices."""

    category_kind: str = CategoryKind.MARKETING
    opted_in_by_default: bool = True
    unseen_days: int | None = None
    holdout_percent: float = 0.0
    holdout: Salted = field(default_factory=lambda: Salted(1, 0))
    not_after: datetime | None = None
    test: bool = False


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
    """Too late to be of use."""


Verdict = Send | Defer | Skip | Expire
SEND = Send()


def decide(target: Target, policy: Policy, now: datetime) -> Verdict:
    """The verdict on one delivery. Pure: preview, pre-flight, test send and the real send all ask here."""
    if policy.not_after is not None and now > policy.not_after:
        return Expire()
    reason = _unreachable(target)
    if not target.topic:
        reason = reason or _unwilling(target, policy, now) or _left_out(target, policy, now)
    return Skip(reason) if reason else SEND


def _unreachable(target: Target) -> SkipReason | None:
    """What no campaign can overrule."""
    if target.erased:
        return SkipReason.ERASED
    if target.state != DeviceState.ACTIVE:
        return SkipReason.UNSUBSCRIBED
    if target.permission == Permission.DENIED:
        return SkipReason.NO_PERMISSION
    return SkipReason.DUPLICATE_DEVICE if target.twin else None


def _unwilling(target: Target, policy: Policy, now: datetime) -> SkipReason | None:
    """What the person has asked for; mandatory categories pass."""
    if policy.category_kind == CategoryKind.MANDATORY:
        return None
    wanted = policy.opted_in_by_default if target.opted_in is None else target.opted_in
    if not wanted:
        return SkipReason.CATEGORY_OFF
    paused = target.paused_until is not None and target.paused_until > now
    return SkipReason.PAUSED_BY_USER if paused else None


def _left_out(target: Target, policy: Policy, now: datetime) -> SkipReason | None:
    """What the campaign itself asked for; a test goes out all the same."""
    if policy.test:
        return None
    if policy.holdout_percent and slot(target.bucket, policy.holdout) < policy.holdout_percent * 100:
        return SkipReason.HOLDOUT
    if policy.unseen_days is None or target.last_seen is None:
        return None
    return SkipReason.STALE if now - target.last_seen > timedelta(days=policy.unseen_days) else None
