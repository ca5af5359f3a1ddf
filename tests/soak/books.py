"""Our book of a run beside the simulator's: who is missing, who got it twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from backend.bootstrap import Core
from backend.services import ids
from tests.factories import Simulator
from tests.soak.fleet import rows, scalar

FINAL = {"accepted", "failed", "skipped", "expired", "cancelled", "unknown"}
MAY_BE_THERE = {"accepted", "unknown"}


@dataclass(frozen=True)
class Balance:
    """One run compared. `missing`: accepted here and unknown there; `strange`: taken there and neither accepted
    nor unknown here. `doubts` are answers that never came; `repeated` names what the simulator took more than once.
    """

    audience: int
    states: Counter[str]
    missing: int
    strange: int
    repeats: int
    repeats_other_key: int
    doubts: int
    repeated: frozenset[int]

    @property
    def lost(self) -> int:
        """Devices of the audience of which the books do not agree what became of them."""
        still_open = sum(count for state, count in self.states.items() if state not in FINAL)
        return self.audience - self.states.total() + still_open + self.missing + self.strange

    @classmethod
    def of(cls, core: Core, provider: Simulator) -> Self:
        stats, theirs = provider.stats(), taken(core, provider.pairs())
        assert stats["pairs"] + stats["repeats"] == theirs.total(), "the simulator keeps the last 100 000 pushes only"
        state = dict(rows(core, "SELECT id, state FROM delivery"))
        return cls(
            audience=scalar(core, "SELECT sum(audience) FROM run"),
            states=Counter(state.values()),
            missing=sum(said == "accepted" and number not in theirs for number, said in state.items()),
            strange=sum(state.get(number) not in MAY_BE_THERE for number in theirs),
            repeats=stats["repeats"],
            repeats_other_key=stats["repeats_other_key"],
            doubts=scalar(core, "SELECT count(*) FROM attempt WHERE outcome = 'unknown'"),
            repeated=frozenset(number for number, times in theirs.items() if times > 1),
        )

    def check(self) -> None:
        """Nobody is lost and whatever came twice replaces its twin on the screen."""
        assert self.lost == 0, self
        assert self.audience > 0
        assert self.repeats_other_key == 0, self


def taken(core: Core, pairs: Sequence[Sequence[str]]) -> Counter[int]:
    """How often the simulator took each delivery."""
    return Counter(core.keyring.number(ids.DELIVERY, m) or 0 for _, _, m in pairs)
