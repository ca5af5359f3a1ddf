"""What each measure counts, said once: every query, page and API answer counts by these lists.

| measure | counts deliveries | placed in time by |
|---|---|---|
| audience | all of a run | when the run's plan was complete (its due time until then) |
| accepted, failed, skipped | by final state, see `OUTCOMES` | the end of the delivery |
| delivered … action | accepted, with a receipt of the types in `RECEIPTS` | the first such receipt's own time |

A delivery counts once in a measure, however often its person opened or tapped. Receipts count on
accepted deliveries only, and any receipt at all proves that the device had the push; so for every run,
at every moment, opened <= delivered <= accepted <= audience, and no rate passes 100 %.
Test runs are in no statistic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

from backend.domain.vocabulary import DeliveryState, ReceiptType


class Measure(StrEnum):
    """One countable thing."""

    AUDIENCE = "audience"
    ACCEPTED = "accepted"
    FAILED = "failed"
    SKIPPED = "skipped"
    DELIVERED = "delivered"
    DISPLAYED = "displayed"
    OPENED = "opened"
    DISMISSED = "dismissed"
    ACTION = "action"


OUTCOMES: Final[Mapping[Measure, tuple[DeliveryState, ...]]] = {
    Measure.ACCEPTED: (DeliveryState.ACCEPTED,),
    Measure.FAILED: (DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.UNKNOWN),
    Measure.SKIPPED: (DeliveryState.SKIPPED, DeliveryState.CANCELLED),
}

RECEIPTS: Final[Mapping[Measure, tuple[ReceiptType, ...]]] = {
    Measure.DELIVERED: tuple(ReceiptType),
    Measure.DISPLAYED: (ReceiptType.DISPLAYED,),
    Measure.OPENED: (ReceiptType.OPENED,),
    Measure.DISMISSED: (ReceiptType.DISMISSED,),
    Measure.ACTION: (ReceiptType.ACTION,),
}

MEASURE_OF_STATE: Final[Mapping[str, Measure]] = {
    state: measure for measure, states in OUTCOMES.items() for state in states
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with what it is a share of; `value` is from 0 to 1, None of nothing."""

    count: int
    of: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """The nine measures."""

    audience: int = 0
    accepted: int = 0
    failed: int = 0
    skipped: int = 0
    delivered: int = 0
    displayed: int = 0
    opened: int = 0
    dismissed: int = 0
    action: int = 0


@dataclass(frozen=True, slots=True)
class Totals(Counts):
    """The measures of whole runs: open + accepted + failed + skipped is always the audience."""

    open: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})


def counts(measured: Mapping[str, int]) -> Counts:
    """Counts from measure → number; what is absent is 0."""
    return Counts(**{measure.value: measured.get(measure, 0) for measure in Measure})


def totals(measured: Mapping[str, int]) -> Totals:
    """Totals of whole runs from measure → number; open is what has no outcome yet."""
    settled = sum(measured.get(measure, 0) for measure in OUTCOMES)
    known = {measure.value: measured.get(measure, 0) for measure in Measure}
    return Totals(**known, open=known["audience"] - settled)


def rate(count: int, of: int) -> Rate:
    return Rate(count, of, count / of if of else None)


def rates(measured: Counts) -> dict[str, Rate]:
    """Each measure's share: outcomes of the audience, receipts of what was accepted."""
    shares = {measure.value: rate(getattr(measured, measure), measured.audience) for measure in OUTCOMES}
    return shares | {measure.value: rate(getattr(measured, measure), measured.accepted) for measure in RECEIPTS}
