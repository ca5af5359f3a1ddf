"""Counted rows of a report, and adding them up: in whole, by a key, by state, by reason."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from backend.domain.metrics import MEASURE_OF_STATE, Measure, Totals, totals
from backend.domain.vocabulary import DeliveryState

ENDED_OTHERWISE: Final = frozenset(
    state for state, measure in MEASURE_OF_STATE.items() if measure in {Measure.FAILED, Measure.SKIPPED}
)
GroupKey = TypeVar("GroupKey", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Cell:
    """So many deliveries of a run, a variant and a platform; `word` is their state, or what receipts say.

    `reason` goes with skips and failures.
    """

    run_id: int
    word: str
    variant: int
    platform: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Deliveries that ended without being accepted, by final state and reason ("" when none was given)."""

    state: str
    reason: str
    count: int


_STATES: Final = frozenset(state.value for state in DeliveryState)


def added_up(words: Iterable[tuple[str, int]]) -> Totals:
    """Totals from (state or measure of receipts, count)."""
    found: Counter[str] = Counter()
    for word, count in words:
        if word in _STATES:
            found[Measure.AUDIENCE] += count
        found[MEASURE_OF_STATE.get(word, word)] += count
    return totals(found)


def total(cells: Iterable[Cell]) -> Totals:
    return added_up((cell.word, cell.count) for cell in cells)


def total_by(cells: Iterable[Cell], key: Callable[[Cell], GroupKey]) -> dict[GroupKey, Totals]:
    """Totals for each key, keys in order of first sight."""
    groups: defaultdict[GroupKey, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[key(cell)].append(cell)
    return {name: total(some) for name, some in groups.items()}


def states(cells: Iterable[Cell]) -> dict[str, int]:
    """All eight delivery states, with 0 where there is none."""
    found = dict.fromkeys((state.value for state in DeliveryState), 0)
    for cell in cells:
        if cell.word in found:
            found[cell.word] += cell.count
    return found


def reasons(cells: Iterable[Cell]) -> tuple[ReasonCount, ...]:
    """Skips and failures, the most frequent first."""
    found: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        if cell.word in ENDED_OTHERWISE:
            found[cell.word, cell.reason] += cell.count
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ReasonCount(state, reason, count) for (state, reason), count in ordered)


def people(counted: Iterable[tuple[Mapping[str, int], int]]) -> dict[str, int]:
    """Reason → people, added up from (reason → people, how many times)."""
    found: Counter[str] = Counter()
    for one, times in counted:
        found.update({reason: people * times for reason, people in one.items()})
    return dict(found)
