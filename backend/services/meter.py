"""How a lane fares in this process: its last minute, second by second, in little memory."""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backend.providers.base import HostReport, Outcome, OutcomeKind

SECONDS = 60
SLOT = 5
REASONS = 10
_STEPS = 12
"""Steps of the latency scale from 1 ms to 10 ms, and so on: a step is a fifth."""
_NAMES = {
    OutcomeKind.ACCEPTED: "accepted",
    OutcomeKind.FAILED: "failed",
    OutcomeKind.RETRY: "retried",
    OutcomeKind.UNKNOWN: "unknown",
    OutcomeKind.BLOCKED: "blocked",
}
NAMES = (*_NAMES.values(), "gone")


@dataclass(slots=True)
class _Slot:
    """Five seconds: how many of what, in which words, and how long answers took (by step of the scale)."""

    begun: float
    kinds: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    steps: Counter[int] = field(default_factory=Counter)


class Meter:
    """Counts the ends of one lane's requests. `now` is seconds of any steady clock."""

    def __init__(self) -> None:
        self._slots: deque[_Slot] = deque()

    def record(self, outcome: Outcome, seconds: float, now: float) -> None:
        """One request ended so, after so many seconds."""
        slot = self._slot(now)
        slot.kinds["gone" if outcome.prune else _NAMES[outcome.kind]] += 1
        if outcome.status:
            slot.steps[max(0, math.ceil(_STEPS * math.log10(max(seconds, 1e-3) * 1e3)))] += 1
        if outcome.kind is not OutcomeKind.ACCEPTED and len(slot.reasons) < 5 * REASONS:
            slot.reasons[f"{outcome.status or ''} {outcome.reason}".strip()[:80]] += 1

    def report(self, in_flight: int, hosts: Sequence[HostReport], now: float) -> dict[str, Any]:
        """The last minute as JSON, in the shape that `lane_reports.write` takes."""
        self._forget(now)
        kinds: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        steps: Counter[int] = Counter()
        for slot in self._slots:
            kinds += slot.kinds
            reasons += slot.reasons
            steps += slot.steps
        return {
            "seconds": SECONDS,
            **{name: kinds[name] for name in NAMES},
            "reasons": dict(reasons.most_common(REASONS)),
            "in_flight": in_flight,
            "p50_ms": _percentile(steps, 0.50),
            "p95_ms": _percentile(steps, 0.95),
            "hosts": [asdict(host) for host in hosts],
        }

    def _slot(self, now: float) -> _Slot:
        if not self._slots or now - self._slots[-1].begun >= SLOT:
            self._forget(now)
            self._slots.append(_Slot(now))
        return self._slots[-1]

    def _forget(self, now: float) -> None:
        while self._slots and now - self._slots[0].begun >= SECONDS:
            self._slots.popleft()


def _percentile(steps: Counter[int], share: float) -> float | None:
    """Milliseconds that so many of the answers stayed below, to a fifth."""
    left = math.ceil(share * steps.total())
    if not left:
        return None
    for step in sorted(steps):
        left -= steps[step]
        if left <= 0:
            return round(10 ** (step / _STEPS), 1)
    raise AssertionError
