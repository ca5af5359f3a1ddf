"""The book of what was accepted and refused: what tests count losses and repeats by."""

import hashlib
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from backend.domain.vocabulary import ProviderName

_GENERATION = 1_000_000
_PAIRS_KEPT = 100_000
_REFUSALS_KEPT = 50


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request, for the person who wonders why; `detail` is ours, not the provider's."""

    service: str
    status: int
    reason: str
    detail: str


class Ledger:
    """Counts since the last reset.

    A pair is (target, m). Of each pair only a 16-byte hash is kept to tell repeats by, in two generations of
    a million: a repeat that comes more than a million pairs later counts as a new pair.
    """

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter({name.value: 0 for name in ProviderName})
        self.refused: Counter[str] = Counter()
        self.pairs = 0
        self.repeats = 0
        self.recent: deque[tuple[str, str, str]] = deque(maxlen=_PAIRS_KEPT)
        self.refusals: deque[Refusal] = deque(maxlen=_REFUSALS_KEPT)
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def accept(self, provider: ProviderName, target: str, m: str) -> bool:
        """True where the pair is seen for the first time."""
        self.accepted[provider.value] += 1
        self.recent.append((provider.value, target, m))
        key = hashlib.blake2b(f"{target}\0{m}".encode(), digest_size=16).digest()
        if key in self._young or key in self._old:
            self.repeats += 1
            return False
        if len(self._young) >= _GENERATION:
            self._young, self._old = set(), self._young
        self._young.add(key)
        self.pairs += 1
        return True

    def refuse(self, refusal: Refusal) -> None:
        self.refused[refusal.reason] += 1
        self.refusals.append(refusal)

    def stats(self) -> dict[str, Any]:
        return {
            "accepted": dict(self.accepted),
            "pairs": self.pairs,
            "repeats": self.repeats,
            "refused": dict(self.refused),
        }
