"""Senders without a network: the real queue, the real transactions, and answers that a test makes up.

A model worker does what a sender process does between two awaits, one step at a time, so that the steps
of several workers may be mixed in any order, and any of them may die or fall asleep between two steps.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.dispatch import LeaseQueue
from backend.errors import FencedOut
from backend.providers import encoder
from backend.providers.base import Outcome, OutcomeKind
from backend.services import credentials, runs
from backend.services.runs import Ready
from backend.services.steps import Batch, Held, Steps, Stopped

ANSWERS: dict[str, Outcome] = {
    "accepted": Outcome(OutcomeKind.ACCEPTED, 200, ref="ref"),
    "dead": Outcome(OutcomeKind.FAILED, 410, "Unregistered", prune=True),
    "refused": Outcome(OutcomeKind.FAILED, 400, "PayloadTooLarge"),
    "busy": Outcome(OutcomeKind.RETRY, 503, "ServiceUnavailable"),
    "too fast": Outcome(OutcomeKind.RETRY, 429, "TooManyRequests", retry_after=1.0),
    "not sent": Outcome(OutcomeKind.RETRY, 0, "not_sent"),
    "held back": Outcome(OutcomeKind.RETRY, 0, "not_sent", raw="breaker_open"),
    "silent": Outcome(OutcomeKind.UNKNOWN, 0, "timeout"),
    "lost on the way": Outcome(OutcomeKind.UNKNOWN, 0, "timeout"),
    "blocked": Outcome(OutcomeKind.BLOCKED, 403, "InvalidProviderToken"),
}
TAKEN = {"accepted", "silent"}
"""Answers to pushes that the provider has taken; a silent one took it and never said so."""

Lease = tuple[int, int]
"""Chunk and fence: a worker may lose a chunk and claim it again while pushes of the first time are still out."""


@dataclass
class Book:
    """The provider's own book: how often it took each delivery, and how often that was in doubt for us."""

    taken: Counter[int] = field(default_factory=Counter)
    doubts: Counter[int] = field(default_factory=Counter)


@dataclass
class Grip:
    """A chunk in a worker's hands, between the steps of working it off."""

    held: Held
    batch: Batch | None = None
    through: bool = False
    ends: bool = False
    in_doubt: bool = False


@dataclass
class Flight:
    """One push on the network; `outcome` once its answer has come."""

    lease: Lease
    ready: Ready
    outcome: Outcome | None = None


class ModelWorker:
    """One sender process."""

    def __init__(self, core: Core, name: str, book: Book) -> None:
        self.core, self.name, self.book = core, name, book
        self.queue = LeaseQueue(core)
        self.held: dict[Lease, Grip] = {}
        self.flights: list[Flight] = []
        self.asleep = False
        self._steps = Steps(core, self.queue)

    # --- the way of a chunk --------------------------------------------------------------------------

    def claim(self, limit: int) -> None:
        for claim in self.queue.claim(self.name, limit):
            with self.core.reading(OPERATOR) as work:
                context = runs.load(work, claim.run_id)
                name, _ = credentials.load(work.within(context.app_id), claim.credential_id)
            self.held[claim.id, claim.fence] = Grip(Held(claim, context, encoder(name)))

    def decide(self, lease: Lease) -> None:
        """Reads and decides the next rows, as many as the window allows."""
        grip = self.held[lease]
        room = self.core.settings.window - len(self.flights)
        if room > 0 and not (grip.through or grip.ends or grip.in_doubt):
            grip.batch = self._steps.decide(grip.held, room)

    def mark(self, lease: Lease, *, postponed: int = 0, cut_off: bool = False) -> None:
        """Takes what was decided in hand.

        So many of the rows are `postponed`, because their host is busy; `cut_off`: the commit's answer is lost.
        """
        grip = self.held[lease]
        batch, grip.batch = grip.batch, None
        if batch is None or len(self.flights) + len(batch.prepared) > self.core.settings.window:
            return
        at = self.core.clock() + timedelta(seconds=0.5)
        later = {row.id: at for row in batch.prepared[:postponed] if isinstance(row, Ready)}
        try:
            ready = self._steps.mark(grip.held, batch.prepared, later)
        except FencedOut:
            self.drop(lease)
            return
        except Stopped:
            grip.ends = True
            return
        if cut_off:
            grip.in_doubt = True
            return
        grip.through = batch.last
        self.flights += [Flight(lease, row) for row in ready]

    def put_back(self, lease: Lease) -> None:
        """After a commit of which nobody knows: what is marked and not on the network is planned again."""
        grip = self.held[lease]
        if grip.in_doubt:
            try:
                self._steps.put_back(grip.held, [flight.ready.id for flight in self.flying(lease)])
            except FencedOut:
                self.drop(lease)
                return
            grip.in_doubt = False

    def answer(self, flight: Flight, kind: str) -> None:
        """The provider's answer comes in."""
        flight.outcome = ANSWERS[kind]
        self.book.taken[flight.ready.id] += kind in TAKEN
        self.book.doubts[flight.ready.id] += flight.outcome.kind is OutcomeKind.UNKNOWN
        if kind == "blocked" and flight.lease in self.held:
            self.held[flight.lease].ends = True

    def write(self, lease: Lease, unchanged: Callable[[Callable[[], None]], None], *, cut_off: bool = False) -> None:
        """Writes what has been answered of a chunk; the last answers settle it too.

        Results of a chunk that is another's now must change nothing. `cut_off`: the commit's answer is lost,
        so the same is written once more, later.
        """
        grip = self.held[lease]
        answered = [(flight.ready, flight.outcome) for flight in self.flying(lease) if flight.outcome is not None]
        last = grip.through and not any(flight.outcome is None for flight in self.flying(lease))

        def write() -> None:
            self._steps.write(grip.held, answered, last=last)

        if not self.owns(lease):
            unchanged(write)
            self.drop(lease)
            return
        write()
        if cut_off:
            return
        self.flights = [flight for flight in self.flights if flight.lease != lease or flight.outcome is None]
        if last:
            del self.held[lease]

    def leave(self, lease: Lease) -> None:
        """Settles a chunk that is through, or gives it back, when nothing of it is on its way."""
        grip = self.held[lease]
        if self.flying(lease) or grip.in_doubt:
            return
        del self.held[lease]
        if grip.through and not grip.ends:
            try:
                self._steps.settle(grip.held)
            except FencedOut:
                return
        else:
            self.queue.release(grip.held.claim, timedelta(0))

    # --- its life ------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Renews the leases and drops what was lost."""
        for lease in [lease for lease, grip in self.held.items() if not self.queue.extend([grip.held.claim])]:
            self.drop(lease)

    def drop(self, lease: Lease) -> None:
        """Forgets a chunk that is another worker's now, and what it had on its way."""
        del self.held[lease]
        self.flights = [flight for flight in self.flights if flight.lease != lease]

    def die(self, fates: Sequence[bool]) -> None:
        """kill -9: of what was on the network, some was taken (True) and some was not."""
        for flight, taken in zip(self.unanswered(), fates, strict=False):
            self.book.taken[flight.ready.id] += taken
        self.held, self.flights = {}, []

    # --- how it stands -------------------------------------------------------------------------------

    def flying(self, lease: Lease) -> list[Flight]:
        return [flight for flight in self.flights if flight.lease == lease]

    def unanswered(self) -> list[Flight]:
        return [flight for flight in self.flights if flight.outcome is None]

    def answered(self) -> list[Lease]:
        """The chunks with answers that are not written yet."""
        return sorted({flight.lease for flight in self.flights if flight.outcome is not None})

    def owns(self, lease: Lease) -> bool:
        """Whether the database agrees that the chunk is ours, asked without changing anything."""
        chunk, fence = lease
        with self.core.reading(OPERATOR) as work:
            row = work.session.connection().exec_driver_sql(
                f"SELECT 1 FROM chunk WHERE id = {chunk} AND fence = {fence} AND state = 'leased'"
            )
            return row.first() is not None
