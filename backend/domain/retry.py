"""When to try again. One table of waits for all providers; its source is the providers' own advice.

FCM: at least 10 s before any retry, 60 s after a quota error. APNs: 15 minutes after a 5xx, then longer.
Web Push: what Retry-After says, else back-off. All in seconds, before scaling.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backend.domain.vocabulary import ProviderName

MAX_TRIES = 20
"""Of any kind; a request that we ourselves held back is none."""
LONGEST = 3600.0
LEVELS = 4
"""Rows that fail together come back at so many different times."""
STEP = 0.1
"""What each level adds to the wait."""
FINE = 20
"""Instants are rounded up by at most a twentieth of the wait, so that rows which fail one after another wait together."""


@dataclass(frozen=True, slots=True)
class Waits:
    """The wait table. `scale` shrinks all of it for rehearsals and tests."""

    scale: float = 1.0
    not_sent: float = 5.0
    unknown: float = 10.0
    quota: float = 60.0
    apns_5xx: float = 900.0
    other: float = 10.0
    least: float = 1.0

    def seconds(
        self,
        provider: ProviderName,
        status: int,
        tries: int,
        retry_after: float | None,
        *,
        unsure: bool = False,
        number: int = 0,
    ) -> float:
        """How long to wait before the next try.

        `tries` are those already made. `retry_after` is the provider's word and stands, but Apple's 5xx wait
        15 minutes at least. Without it the waits double, and `number` (the row's) spreads rows that failed
        together. `unsure`: it may have been sent.
        """
        down = provider == ProviderName.APNS and status >= 500
        if retry_after is not None and (not down or retry_after > self.apns_5xx):
            return max(retry_after, self.other if provider == ProviderName.FCM else self.least) * self.scale
        first = self.apns_5xx if down else self._first(status, unsure=unsure)
        doubled = min(first * 2.0 ** min(tries, 10), max(LONGEST, first))
        return doubled * (1 + STEP * (number % LEVELS)) * self.scale

    def _first(self, status: int, *, unsure: bool) -> float:
        if status == 0:
            return self.unknown if unsure else self.not_sent
        return self.quota if status == 429 else self.other

    def moment(self, now: datetime, seconds: float) -> datetime:
        """The instant after that wait, never earlier, and later by at most a twentieth of it."""
        if seconds <= 0:
            return now
        grain = 2.0 ** math.floor(math.log2(seconds / FINE))
        due = (now + timedelta(seconds=seconds)).timestamp()
        return datetime.fromtimestamp(math.ceil(due / grain) * grain, UTC)
