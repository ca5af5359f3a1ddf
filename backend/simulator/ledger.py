"""The book of what was accepted and refused: what tests count losses and repeats by."""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from backend.domain.vocabulary import ProviderName
from backend.simulator.push import Push
from backend.simulator.wire import Host

_GENERATION = 1_000_000
_PAIRS_KEPT = 100_000
_REFUSALS_KEPT = 50
_BODIES_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request, for the person who wonders why; `detail` is ours, not the provider's."""

    service: str
    status: int
    reason: str
    detail: str


class Ledger:
    """Counts since the last reset.

    A pair is (target, m). Of each pair only a hash of 64 bits is kept to tell repeats by, with one of the
    collapse key it came under first, in two generations of a million: a repeat that comes more than a
    million pairs later counts as a new pair.
    """

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter({name.value: 0 for name in ProviderName})
        self.accepted_at: Counter[str] = Counter()
        """The same by host."""
        self.refused: Counter[str] = Counter()
        self.pairs = self.repeats = self.repeats_other_key = 0
        self.connections: Counter[str] = Counter()
        """By host, those that were opened."""
        self.turned_away: Counter[str] = Counter()
        """By host, those that met it down."""
        self.endings: Counter[str] = Counter()
        """Requests that got no answer, by `wire.Ending`."""
        self.tokens: Counter[str] = Counter()
        """By service: provider tokens and VAPID tokens of a new signature, access tokens handed out."""
        self.recent: deque[tuple[str, str, str]] = deque(maxlen=_PAIRS_KEPT)
        self.bodies: deque[tuple[str, str, bytes]] = deque(maxlen=_BODIES_KEPT)
        """What was accepted lately: provider, m, and the body as the device reads it."""
        self.refusals: deque[Refusal] = deque(maxlen=_REFUSALS_KEPT)
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def accept(self, host: Host, provider: ProviderName, push: Push) -> bool:
        """True where the pair is seen for the first time."""
        self.accepted[provider.value] += 1
        self.accepted_at[host] += 1
        self.recent.append((provider.value, push.target, push.m))
        self.bodies.append((provider.value, push.m, push.body))
        pair, key = hash((push.target, push.m)), hash(push.collapse)
        first = self._young.get(pair)
        if first is None:
            first = self._old.get(pair)
        if first is not None:
            self._repeat(push, same=first == key)
            return False
        if len(self._young) >= _GENERATION:
            self._young, self._old = {}, self._young
        self._young[pair] = key
        self.pairs += 1
        return True

    def _repeat(self, push: Push, *, same: bool) -> None:
        """What shows itself and has no key at all would stand on the screen twice as well."""
        self.repeats += 1
        if not same or (push.visible and not push.collapse):
            self.repeats_other_key += 1

    def refuse(self, refusal: Refusal) -> None:
        self.refused[refusal.reason] += 1
        self.refusals.append(refusal)

    def stats(self) -> dict[str, Any]:
        return {
            "accepted": _plain(self.accepted),
            "accepted_at": _plain(self.accepted_at),
            "pairs": self.pairs,
            "repeats": self.repeats,
            "repeats_other_key": self.repeats_other_key,
            "refused": _plain(self.refused),
            "endings": _plain(self.endings),
            "connections": _plain(self.connections),
            "turned_away": _plain(self.turned_away),
            "tokens": _plain(self.tokens),
        }


def _plain(counts: Counter[str]) -> dict[str, int]:
    """Members of enumerations are no keys for JSON."""
    return {str(name): count for name, count in counts.items()}
