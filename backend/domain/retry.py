"""When to try again. One table of waits for all providers; its source is the providers' own advice.

FCM: at least 10 s before any retry, 60 s after a quota error. APNs: 15 minutes after a 5xx.
Web Push: what Retry-After says, else back-off. All in seconds, before scaling.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backend.domain.vocabulary import ProviderName

MAX_TRIES = 20
LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Waits:
    """The wait table. `scale` shrinks all of it for rehearsals and tests."""

    scale: float = 1.0
    not_sent: float = 5.0
    unknown: float = 10.0
    quota: float = 60.0
    apns_5xx: float = 900.0
    other: float = 10.0
    grain: float = 10.0

    def seconds(self, provider: ProviderName, status: int, tries: int, retry_after: float | None) -> float:
        """How long to wait before the next try; `tries` are those already made, `retry_after` the provider's word."""
        if retry_after is not None:
            return max(retry_after, self.other if provider == ProviderName.FCM else 1.0) * self.scale
        first = self._first(provider, status)
        return float(min(first * 2.0 ** min(tries, 10), max(LONGEST, first)) * self.scale)

    def _first(self, provider: ProviderName, status: int) -> float:
        if status == 0:
            return self.not_sent
        if status == 429:
            return self.quota
        return self.apns_5xx if provider == ProviderName.APNS and status >= 500 else self.other

    def moment(self, now: datetime, seconds: float) -> datetime:
        """The instant after that wait, rounded up so that rows which fail together wait together."""
        grain = self.grain * self.scale
        due = (now + timedelta(seconds=seconds)).timestamp()
        return datetime.fromtimestamp(-(-due // grain) * grain, UTC)
