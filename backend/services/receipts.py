"""Receipts: what devices report of the pushes they got, believed by signature and committed in groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, StringConstraints

from backend.bootstrap import Core
from backend.crypto import KeyRing
from backend.db import Actor, Work
from backend.domain.vocabulary import DeliveryState, ReceiptType
from backend.queries import receipts as queries
from backend.queries.receipts import ReceiptValues
from backend.services import ids
from backend.services.fields import Moment, clean
from backend.services.group_commit import GroupCommit

DEVICES: Final = Actor("device", label="receipts")


@dataclass(frozen=True, slots=True)
class ReceiptIn:
    """One report. `m` names the delivery and `t` proves it, both as they came with the push.

    `action` counts for the type `action` only. `at` is set right to between the send and now.
    """

    m: Annotated[str, StringConstraints(max_length=64)]
    t: Annotated[str, StringConstraints(max_length=128)]
    type: ReceiptType
    action: Annotated[str, StringConstraints(max_length=64), AfterValidator(clean)] | None = None
    at: Moment | None = None


@dataclass(frozen=True, slots=True)
class ReceiptResult:
    """How many receipts were new, how many were known, and how many nothing proves."""

    accepted: int
    duplicates: int
    refused: int


class ReceiptLog:
    """Commits receipts in groups (`GroupCommit`); use it from one event loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._groups = GroupCommit("receipts", self._write)

    async def submit(self, receipts: Sequence[ReceiptIn]) -> ReceiptResult:
        """Returns once the receipts are committed; raises what the transaction raised."""
        return await self._groups.submit(receipts, len(receipts))

    def _write(self, parts: Sequence[Sequence[ReceiptIn]]) -> list[ReceiptResult]:
        with self._core.work(DEVICES) as work:
            return record(work, parts)

    def close(self) -> None:
        """Waits for the transaction under way; nothing may be submitted afterwards."""
        self._groups.close()


def record(work: Work, parts: Sequence[Sequence[ReceiptIn]]) -> list[ReceiptResult]:
    """Writes the receipts of several requests at once and tells each what became of its own.

    The first receipt of a (delivery, type, action) counts. One is refused when its signature is not ours, or
    its delivery is no longer kept. Any receipt turns an `unknown` delivery into an accepted one.
    """
    numbers = _proven(work.core.keyring, parts)
    facts = {row.id: row for row in queries.deliveries(work.session, set(numbers.values()))}
    asked = [
        [_values(work, receipt, facts.get(numbers.get((receipt.m, receipt.t)))) for receipt in part] for part in parts
    ]
    wanted: dict[tuple[int, str, str], ReceiptValues] = {}
    for values in (values for part in asked for values in part if values):
        wanted.setdefault(values.key, values)
    new = queries.add(work.session, wanted.values(), work.now)
    arrived = {row.id for row in facts.values() if row.state == DeliveryState.UNKNOWN}
    if arrived:
        queries.accept_unknown(work.session, arrived)
    moved = {number for number, _, _ in new} | arrived
    queries.touch_runs(work.session, {facts[number].run_id for number in moved}, work.now)
    return [_tally(part, new) for part in asked]


def _proven(keyring: KeyRing, parts: Sequence[Sequence[ReceiptIn]]) -> dict[tuple[str, str], int]:
    """The delivery that each believable (m, t) names; no look-up is needed."""
    numbers = {}
    for m, t in {(receipt.m, receipt.t) for part in parts for receipt in part}:
        number = keyring.number(ids.DELIVERY, m)
        if number is not None and keyring.receipt_app(number, t) is not None:
            numbers[m, t] = number
    return numbers


def _values(work: Work, receipt: ReceiptIn, delivery: Any) -> ReceiptValues | None:
    """The receipt as it is to be written; its time is no earlier than the send and no later than now."""
    if delivery is None:
        return None
    accepted = delivery.state == DeliveryState.ACCEPTED and delivery.ended_at is not None
    sent = delivery.ended_at if accepted else delivery.due_at
    action = receipt.action or "" if receipt.type is ReceiptType.ACTION else ""
    at = min(max(receipt.at or work.now, sent), work.now)
    return ReceiptValues(delivery.id, receipt.type, action, at)


def _tally(part: Sequence[ReceiptValues | None], new: set[tuple[int, str, str]]) -> ReceiptResult:
    """Counts a request's receipts, taking those that it brought first out of `new`."""
    accepted = 0
    for values in part:
        if values is not None and values.key in new:
            new.remove(values.key)
            accepted += 1
    refused = sum(values is None for values in part)
    return ReceiptResult(accepted, len(part) - accepted - refused, refused)
