"""The dice that decide whom a fault hits."""

import random
from collections.abc import Sequence
from typing import TypeVar

from backend.simulator.behaviour import SERVICES, Behaviour
from backend.simulator.faults import Fault
from backend.simulator.wire import Ending

T = TypeVar("T")


class Dice:
    """Draws as a behaviour asks; the same seed draws the same row."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._random = random.Random(behaviour.seed)  # noqa: S311 - chance, not a secret
        self._latency, self._jitter = behaviour.latency_ms / 1000, behaviour.jitter_ms / 1000
        self._early = _possible(
            (Ending.REFUSE, behaviour.refuse),
            (Ending.RESET, behaviour.reset_before_accept),
        )
        self._mix = {
            service: [(Fault.parse(text), share) for text, share in behaviour.mix_of(service).items()]
            for service in SERVICES
        }
        self._endings = _possible(
            (Ending.RESET, behaviour.reset_after_accept),
            (Ending.HANG_UP, behaviour.hang_up_after_accept),
            (Ending.SILENCE, behaviour.silence_after_accept),
        )

    def delay(self) -> float:
        """Seconds that an answer waits."""
        return self._latency + self._jitter * self._random.random() if self._jitter else self._latency

    def early(self) -> Ending | None:
        """What becomes of a request before it is looked at; None: it is looked at."""
        return self._pick(self._early) if self._early else None

    def fault(self, service: str) -> Fault | None:
        faults = self._mix[service]
        return self._pick(faults) if faults else None

    def ending(self) -> Ending:
        """What becomes of the answer to an accepted request."""
        return (self._pick(self._endings) or Ending.ANSWER) if self._endings else Ending.ANSWER

    def _pick(self, choices: Sequence[tuple[T, float]]) -> T | None:
        drawn = self._random.random()
        for choice, share in choices:
            if drawn < share:
                return choice
            drawn -= share
        return None


def _possible(*choices: tuple[Ending, float]) -> list[tuple[Ending, float]]:
    return [(ending, share) for ending, share in choices if share]
