"""What state a lane is in, and the sentence that says so. Pure: everything known is handed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain import pace
from backend.domain.pace import Bucket
from backend.domain.vocabulary import HeldKind, LaneState
from backend.models import Credential
from backend.queries.lanes import Waiting
from backend.services.lane_reports import Host, Traffic

STALLED_AFTER = timedelta(seconds=55)
"""A page that looks every few seconds, or a scrape, then raises the alarm within the minute."""


@dataclass(frozen=True, slots=True)
class View:
    """A lane as its row, its senders and its queue show it."""

    row: Credential
    traffic: Traffic
    waiting: Waiting
    bucket: Bucket | None
    now: datetime

    @property
    def held(self) -> bool:
        return self.row.held_until is not None and self.row.held_until > self.now

    @property
    def share(self) -> float:
        """The part of its full rate that it may use now, 0 to 1."""
        return pace.share_at(self.bucket, self.now) if self.bucket is not None else 1.0

    @property
    def state(self) -> LaneState:
        hosts = {host.state for host in self.traffic.hosts}
        late = self.waiting.oldest is not None and self.now - self.waiting.oldest >= STALLED_AFTER
        found = {
            LaneState.PAUSED: self.held and self.row.held_kind == HeldKind.MEMBER,
            LaneState.HELD: self.held,
            LaneState.RESTING: hosts == {"open"},
            LaneState.HALF_OPEN: bool(hosts) and "closed" not in hosts,
            LaneState.STALLED: late and not self.traffic.answers and not self.traffic.in_flight,
            LaneState.IDLE: not (self.waiting.due or self.traffic.in_flight),
            LaneState.SLOWED: self._slowed,
        }
        return next((state for state, holds in found.items() if holds), LaneState.WORKING)

    @property
    def sentence(self) -> str:
        """What a person should know about it."""
        hosts = self.traffic.hosts
        return {
            LaneState.PAUSED: lambda: self.row.reason or "A member paused it.",
            LaneState.HELD: lambda: self.row.reason or "Its provider refuses our credential.",
            LaneState.RESTING: lambda: f"{_named(hosts)} not answering; the next try is in {_next_try(hosts)} s.",
            LaneState.HALF_OPEN: lambda: "One push goes out to see whether it is answered again.",
            LaneState.STALLED: lambda: "Pushes are due and none has gone out for a minute.",
            LaneState.IDLE: lambda: (
                "Nothing is due; some pushes wait for later." if self.waiting.later else "Nothing waits."
            ),
            LaneState.SLOWED: lambda: f"Its provider asked for less: {self.share:.0%} of its rate now, growing back.",
            LaneState.WORKING: self._working,
        }[self.state]()

    @property
    def _slowed(self) -> bool:
        """A growth that a slow-down began, not a mere ramp."""
        return self.share < 1.0 and self.bucket is not None and self.bucket.slowed_at == self.bucket.ramp_started_at

    def _working(self) -> str:
        rest = [host for host in self.traffic.hosts if host.state != "closed"]
        if rest:
            return f"Pushes go out; {len(rest)} of {len(self.traffic.hosts)} hosts not answering ({rest[0].host})."
        return f"Growing to its full rate: {self.share:.0%} now." if self.share < 1.0 else "Pushes go out."


def _named(hosts: tuple[Host, ...]) -> str:
    return f"{hosts[0].host} is" if len(hosts) == 1 else f"All {len(hosts)} hosts are"


def _next_try(hosts: tuple[Host, ...]) -> int:
    return max(1, round(min(host.open_for for host in hosts)))
