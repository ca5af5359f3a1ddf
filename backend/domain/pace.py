"""Pace: a token bucket whose rate grows after a quiet time and gives way when a provider says so.

Over any stretch of T seconds at most `per_second` x T + `burst` tokens are taken, and what is urgent may
take one burst more on credit. All rates are tokens a second, all times aware UTC; nothing here reads a clock.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime

from backend.domain.vocabulary import ProviderName

BURST_SECONDS = 0.5
"""How much of its rate a bucket holds at most."""
HOLD_SECONDS = 0.5
"""How long a process may keep tokens that it has taken and not used."""
GROWTH_SECONDS = 60.0
"""From nothing to the full rate; also how long a slow-down lasts, and how often there may be one."""
RECENT_SECONDS = 10.0
SKEW_SECONDS = 15.0
"""How far the clocks of two hosts may differ, as for leases; more is a clock that was set back."""
RAMP_FROM = 50_000
"""From how many waiting rows on a lane grows into its rate."""

PER_MINUTE = {ProviderName.FCM: 600_000}
"""What a provider takes in any minute; the others name no such number."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """`tokens` were there at `filled_at`; `recent` is what was taken a second of late.

    `share` of the full rate was allowed at `ramp_started_at` and grows to 1 from then on; without that
    instant the full rate is allowed. `slowed_at` is when it was last halved.
    """

    tokens: float
    filled_at: datetime
    recent: float = 0.0
    share: float = 1.0
    ramp_started_at: datetime | None = None
    slowed_at: datetime | None = None


def even(per_minute: float) -> float:
    """The rate that keeps every minute, wherever it begins, within `per_minute`, credit included."""
    return per_minute / (60.0 + 2 * BURST_SECONDS + HOLD_SECONDS)


def lane_rate(provider: ProviderName, max_per_second: float | None) -> float | None:
    """What a lane may send a second: a member's own limit, else the provider's; None where there is neither."""
    if max_per_second is not None:
        return max_per_second
    return even(PER_MINUTE[provider]) if provider in PER_MINUTE else None


def burst(per_second: float, share: float = 1.0) -> float:
    """The most that a bucket holds; never less than one token, for a rate of one an hour is a rate too."""
    return max(1.0, per_second * share * BURST_SECONDS)


def full(per_second: float, now: datetime) -> Bucket:
    """A bucket that nobody has taken from."""
    return Bucket(burst(per_second), now)


def share_at(bucket: Bucket, now: datetime) -> float:
    """The part of the full rate that is allowed now, 0 to 1."""
    if bucket.ramp_started_at is None:
        return 1.0
    grown = max(0.0, (now - bucket.ramp_started_at).total_seconds()) / GROWTH_SECONDS
    return min(1.0, bucket.share + (1.0 - bucket.share) * grown)


def filled(bucket: Bucket, per_second: float, now: datetime) -> Bucket:
    """The bucket as it is now. A clock a little behind finds nothing new; one set far back starts afresh."""
    passed = (now - bucket.filled_at).total_seconds()
    if passed < -SKEW_SECONDS:
        return Bucket(min(bucket.tokens, 1.0), now)
    if passed <= 0:
        return replace(bucket, tokens=min(bucket.tokens, burst(per_second, share_at(bucket, bucket.filled_at))))
    gained = per_second * (_area(bucket, now) - _area(bucket, bucket.filled_at))
    tokens = min(bucket.tokens + gained, burst(per_second, share_at(bucket, now)))
    return replace(bucket, tokens=tokens, filled_at=now, recent=bucket.recent * math.exp(-passed / RECENT_SECONDS))


def take(bucket: Bucket, per_second: float, wanted: int, pull: int, *, urgent: bool = False) -> tuple[Bucket, int]:
    """Takes up to `pull` whole tokens: the bucket afterwards, and how many they were.

    Nothing when there are fewer than wanted and so few that the group would not be worth its while. What is
    urgent gets what it wants on credit, up to a burst: everybody waits until that is paid back.
    """
    most = burst(per_second, share_at(bucket, bucket.filled_at))
    count = min(pull, math.floor(bucket.tokens)) if bucket.tokens >= min(wanted, most / 4) else 0
    if urgent and count < wanted:
        count = max(0, min(wanted, math.floor(bucket.tokens + most)))
    return replace(bucket, tokens=bucket.tokens - count, recent=bucket.recent + count / RECENT_SECONDS), count


def give_back(bucket: Bucket, per_second: float, count: int) -> Bucket:
    """Puts unused tokens back, as far as there is room."""
    tokens = min(bucket.tokens + count, burst(per_second, share_at(bucket, bucket.filled_at)))
    recent = max(0.0, bucket.recent - count / RECENT_SECONDS)
    return replace(bucket, tokens=max(tokens, bucket.tokens), recent=recent)


def wait(bucket: Bucket, per_second: float, wanted: int) -> float:
    """Seconds until asking again makes sense: for the tokens wanted, or for half of what a bucket holds."""
    share = share_at(bucket, bucket.filled_at)
    target = max(1.0, min(wanted, burst(per_second, share) / 2))
    missing = max(0.0, target - bucket.tokens)
    if share < 1.0:  # it grows while we wait: look again soon
        return min(missing / (per_second * max(share, 0.01)), BURST_SECONDS / 2)
    return missing / per_second


def pressed(bucket: Bucket, per_second: float) -> Bucket:
    """Very much waits: from its recent pace the lane grows to its full one. Nothing when it does so already."""
    if bucket.ramp_started_at is not None:
        return bucket
    share = min(1.0, bucket.recent / per_second)
    tokens = min(bucket.tokens, burst(per_second, share))
    return replace(bucket, tokens=tokens, share=share, ramp_started_at=bucket.filled_at)


def calmed(bucket: Bucket) -> Bucket:
    """Little waits: the next time that much does, the lane grows anew. Growth under way is not cut short."""
    if bucket.ramp_started_at is None or share_at(bucket, bucket.filled_at) < 1.0:
        return bucket
    return replace(bucket, share=1.0, ramp_started_at=None)


def slowed(bucket: Bucket, per_second: float) -> Bucket | None:
    """Half of what is allowed now, growing back; None when that has been done within the last minute."""
    now = bucket.filled_at
    if bucket.slowed_at is not None and (now - bucket.slowed_at).total_seconds() < GROWTH_SECONDS:
        return None
    share = share_at(bucket, now) / 2
    tokens = min(bucket.tokens, burst(per_second, share))
    return replace(bucket, tokens=tokens, share=share, ramp_started_at=now, slowed_at=now)


def _area(bucket: Bucket, at: datetime) -> float:
    """Seconds at full rate that `at` is worth, counted from where growth began."""
    if bucket.ramp_started_at is None:
        return (at - bucket.filled_at).total_seconds()
    x = (at - bucket.ramp_started_at).total_seconds()
    if x <= 0:
        return bucket.share * x
    growing = min(x, GROWTH_SECONDS)
    return bucket.share * growing + (1 - bucket.share) * growing**2 / (2 * GROWTH_SECONDS) + (x - growing)
