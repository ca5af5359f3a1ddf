"""Any order of steps of any number of senders, with deaths, sleeps and second thoughts: nobody is lost.

A model test: Hypothesis mixes the steps of three workers over the real queue, queries and services on
SQLite, under a clock that only it turns, and after each step the books must agree.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from backend import scheduler
from backend.bootstrap import Core, build
from backend.db import CLOCK, OPERATOR
from backend.errors import FencedOut, WrongState
from backend.migrate import to_head
from backend.services import campaigns, ids, planner, receipts
from backend.services.receipts import ReceiptIn
from backend.simulator.authority import Authority, Endpoints
from tests import factories
from tests.conftest import settings_for
from tests.dispatch.board import START, Clock
from tests.services.model_senders import ANSWERS, Book, Lease, ModelWorker

DEVICES = 14
WINDOW = 5
LEASE = 2.0  # seconds, by settings_for
PAGE = 8
PICK = st.integers(0, 1_000)
STANDING = """
    SELECT d.id, d.run_id, d.device_id, d.state, d.maybe_sent, c.state AS chunk_state, c.owner, run.state AS run_state,
        campaign.state AS campaign_state, revision.definition ->> '$.on_unknown' AS choice
    FROM delivery d JOIN run ON run.id = d.run_id JOIN campaign ON campaign.id = run.campaign_id
    JOIN revision ON revision.id = run.revision_id
    LEFT JOIN chunk c ON c.run_id = d.run_id AND c.number = d.chunk
"""
CHOICES = ("retry", "never_twice")


@contextmanager
def template() -> Iterator[Path]:
    """A folder with the database that every example begins with: one app, a few devices on three lanes."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "PAGE", PAGE)  # several chunks a lane out of few devices
        folder = Path(name)
        core = opened(folder, "template.db", Clock())
        to_head(core.engine)
        nowhere = Endpoints(*(f"https://127.0.0.1:{port}" for port in (1, 2, 3)), 0, "")
        factories.shop(core, Authority.load_or_create(folder / "authority", nowhere), DEVICES)
        core.close()
        yield folder


def opened(folder: Path, name: str, clock: Clock) -> Core:
    chosen = settings_for(f"sqlite:///{folder / name}", folder, TOCSIN_WINDOW=str(WINDOW))
    return build(chosen, clock)


class Senders(RuleBasedStateMachine):
    """Two campaigns, one for each choice about unknown outcomes, and three workers."""

    folder: ClassVar[Path]
    many: ClassVar[int] = 0
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        Senders.many += 1
        self.path = self.folder / f"{Senders.many}.db"
        shutil.copy(self.folder / "template.db", self.path)
        self.clock, self.book, self.born = Clock(), Book(), 0
        self.core = opened(self.folder, self.path.name, self.clock)
        self.workers = [self.hire() for _ in range(3)]

    @initialize(ends=st.sampled_from([None, None, 20.0]), planned=st.sampled_from([True, True, False]))
    def launch(self, ends: float | None, planned: bool) -> None:
        not_after = (START + timedelta(seconds=ends)).isoformat() if ends else None
        with self.core.work(OPERATOR) as work:
            self.app = work.session.execute(text("SELECT id FROM app")).scalar_one()
            inside = work.within(self.app)
            self.campaigns = [
                campaigns.create(inside, factories.definition(on_unknown=choice, not_after=not_after)).row.id
                for choice in CHOICES
            ]
            for campaign in self.campaigns:
                campaigns.launch(inside, campaign)
        self.unplanned = [run for (run,) in self._rows("SELECT id FROM run ORDER BY id")]
        if planned:
            scheduler.launch(self.core)
            self.unplanned = []

    @property
    def begun(self) -> bool:
        """Whether any worker has had a chunk in hand: before that, nothing else is worth a step."""
        return self.born > len(self.workers) or any(worker.held for worker in self.workers)

    def hire(self) -> ModelWorker:
        self.born += 1
        return ModelWorker(self.core, f"worker {self.born}", self.book)

    # --- what workers do -------------------------------------------------------------------------

    @precondition(lambda self: self.unplanned)
    @rule(which=PICK)
    def plan(self, which: int) -> None:
        """One page of one run; its planner may die or be late before the next."""
        run = chosen(self.unplanned, which)
        with self.core.work(CLOCK, self.app) as work:
            if not planner.plan_page(work, run):
                self.unplanned.remove(run)

    @precondition(lambda self: len(self.unplanned) < len(CHOICES) and self.awake())
    @rule(who=PICK, limit=st.integers(1, 3))
    def work(self, who: int, limit: int) -> None:
        """Claims and begins to send."""
        self._work(chosen(self.awake(), who), limit)

    def _work(self, worker: ModelWorker, limit: int) -> None:
        worker.claim(limit)
        for lease in sorted(worker.held):
            worker.decide(lease)
            worker.mark(lease)

    @precondition(lambda self: self.holding())
    @rule(which=PICK)
    def decide(self, which: int) -> None:
        worker, lease = chosen(self.holding(), which)
        worker.decide(lease)

    @precondition(lambda self: self.decided())
    @rule(which=PICK, postponed=st.integers(0, 2), cut_off=st.sampled_from([False, False, True]))
    def mark(self, which: int, postponed: int, cut_off: bool) -> None:
        """Long after it was decided, or with the database gone before it said yes."""
        worker, lease = chosen(self.decided(), which)
        worker.mark(lease, postponed=postponed, cut_off=cut_off)

    @precondition(lambda self: self.in_doubt())
    @rule(which=PICK)
    def put_back(self, which: int) -> None:
        worker, lease = chosen(self.in_doubt(), which)
        worker.put_back(lease)

    @precondition(lambda self: self.waiting())
    @rule(who=PICK, kinds=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=WINDOW))
    def answer(self, who: int, kinds: list[str]) -> None:
        """Answers arrive while a worker sleeps, too: it reads them when it wakes."""
        worker = chosen(self.waiting(), who)
        for flight, kind in zip(worker.unanswered(), kinds, strict=False):
            worker.answer(flight, kind)

    @precondition(lambda self: self.answered())
    @rule(which=PICK, cut_off=st.sampled_from([False, False, True]))
    def write(self, which: int, cut_off: bool) -> None:
        worker, lease = chosen(self.answered(), which)
        worker.write(lease, self._unchanged, cut_off=cut_off)

    @precondition(lambda self: self.holding())
    @rule(which=PICK)
    def leave(self, which: int) -> None:
        worker, lease = chosen(self.holding(), which)
        worker.leave(lease)

    @precondition(lambda self: self.holding())
    @rule(who=PICK)
    def beat(self, who: int) -> None:
        chosen(self.holding(), who)[0].beat()

    @precondition(lambda self: self.begun and self.awake())
    @rule(who=PICK)
    def adopt(self, who: int) -> None:
        self._adopt(chosen(self.awake(), who))

    def awake(self) -> list[ModelWorker]:
        return [worker for worker in self.workers if not worker.asleep]

    def holding(self) -> list[tuple[ModelWorker, Lease]]:
        return [(worker, lease) for worker in self.awake() for lease in sorted(worker.held)]

    def decided(self) -> list[tuple[ModelWorker, Lease]]:
        return [(worker, lease) for worker, lease in self.holding() if worker.held[lease].batch is not None]

    def in_doubt(self) -> list[tuple[ModelWorker, Lease]]:
        return [(worker, lease) for worker, lease in self.holding() if worker.held[lease].in_doubt]

    def answered(self) -> list[tuple[ModelWorker, Lease]]:
        return [(worker, lease) for worker in self.awake() for lease in worker.answered()]

    def waiting(self) -> list[ModelWorker]:
        return [worker for worker in self.workers if worker.unanswered()]

    # --- what happens to them ------------------------------------------------------------------------

    @precondition(lambda self: any(worker.held for worker in self.workers))
    @rule(who=PICK, taken=st.lists(st.booleans(), min_size=WINDOW, max_size=WINDOW))
    def kill(self, who: int, taken: list[bool]) -> None:
        victim = chosen([worker for worker in self.workers if worker.held], who)
        self.seen["killed with a push on its way"] += bool(victim.unanswered())
        victim.die(taken)
        self.workers[self.workers.index(victim)] = self.hire()

    @precondition(lambda self: self.holding())
    @rule(who=PICK, heir=PICK)
    def oversleep(self, who: int, heir: int) -> None:
        """A worker is frozen for longer than its lease, and another one takes over."""
        chosen(self.holding(), who)[0].asleep = True
        self.clock.forward(LEASE + 0.1)
        if awake := self.awake():
            worker = chosen(awake, heir)
            worker.beat()
            self._adopt(worker)
            self._work(worker, 2)

    @precondition(lambda self: len(self.awake()) < len(self.workers))
    @rule(answers=st.booleans())
    def wake(self, answers: bool) -> None:
        """Who has slept first deals with the answers that lie there, if there are any."""
        for worker in [worker for worker in self.workers if worker.asleep]:
            worker.asleep = False
            for flight in worker.unanswered() if answers else ():
                worker.answer(flight, "accepted")
            for lease in worker.answered():
                worker.write(lease, self._unchanged)

    @precondition(lambda self: self.begun)
    @rule(seconds=st.sampled_from([0.1, 1.0, LEASE + 0.1, 12.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.forward(seconds)

    @precondition(lambda self: self.begun)
    @rule()
    def tick(self) -> None:
        scheduler.settle(self.core)

    # --- what people do ------------------------------------------------------------------------------

    @precondition(lambda self: self.begun)
    @rule(verb=st.sampled_from([campaigns.pause, campaigns.resume, campaigns.resume]), which=st.integers(0, 1))
    def change_mind(self, verb: Callable[..., Any], which: int) -> None:
        self._act(verb, which)

    @precondition(lambda self: self.clock.now > START + timedelta(seconds=3))
    @rule(which=st.integers(0, 1))
    def cancel(self, which: int) -> None:
        self._act(campaigns.cancel, which)

    @precondition(lambda self: self.book.taken.total())
    @rule(which=PICK)
    def receive(self, which: int) -> None:
        """A device that got a push says so."""
        number = chosen(sorted(number for number, times in self.book.taken.items() if times), which)
        keyring = self.core.keyring
        m, t = keyring.public_id(ids.DELIVERY, number), keyring.sign_receipt(self.app, number)
        with self.core.work(receipts.DEVICES) as work:
            receipts.record(work, [[ReceiptIn(m, t, "delivered")]])

    # --- what must hold after each step ----------------------------------------------------------------

    @invariant()
    def the_books_agree(self) -> None:
        rows = self._rows(STANDING)
        every_device_is_in_one_state(
            self._rows("SELECT id, audience, state, planned_at, answered, errors FROM run"), rows
        )
        nobody_is_forgotten(rows)
        nothing_ends_early(rows)
        no_worker_has_more_on_its_way_than_its_window(rows)
        repeats_are_bounded_and_no_push_is_made_up(rows, self.book)

    def teardown(self) -> None:
        try:
            if hasattr(self, "campaigns"):
                self._bring_to_an_end()
        finally:
            self.core.close()
            for file in self.folder.glob(f"{self.path.name}*"):
                file.unlink()

    def _bring_to_an_end(self) -> None:
        """From wherever the steps have led, honest work ends every run with every row accounted for."""
        for worker in self.workers:
            worker.asleep = False
        for turn in range(100):
            self._honest_round()
            if turn < len(self.workers):  # what a worker wrote last may be all there was to write: nobody settles it
                self.workers[turn].die([])
            unfinished = self._rows("SELECT id FROM run WHERE state NOT IN ('finished', 'cancelled')")
            if not unfinished and not self._rows("SELECT id FROM chunk WHERE state <> 'done'"):
                break
        self.the_books_agree()
        assert [row for row in self._rows(STANDING) if row.state in {"planned", "sending"}] == []
        assert not self._rows("SELECT id FROM campaign WHERE state NOT IN ('finished', 'cancelled')")
        assert not self._rows("SELECT id FROM chunk WHERE state <> 'done'")

    def _honest_round(self) -> None:
        scheduler.launch(self.core)
        for which in range(len(CHOICES)):
            self._act(campaigns.resume, which)
        for worker in self.workers:
            worker.beat()
            self._adopt(worker)
            for lease in sorted(worker.held):
                worker.put_back(lease)
            self._work(worker, 4)
            for flight in worker.unanswered():
                worker.answer(flight, "accepted")
            for lease in worker.answered():
                worker.write(lease, self._unchanged)
            for lease in sorted(worker.held):
                worker.leave(lease)
        self.clock.forward(LEASE / 2)
        scheduler.settle(self.core)

    # --- how -------------------------------------------------------------------------------------

    def _adopt(self, worker: ModelWorker) -> None:
        """Whatever is taken over while it is being sent is in doubt once more."""
        late = (
            "SELECT d.id FROM delivery d JOIN chunk c ON c.run_id = d.run_id AND c.number = d.chunk "
            "WHERE d.state = 'sending' AND c.state = 'leased' AND c.lease_until < :now"
        )
        before = {number for (number,) in self._rows(late, now=f"{self.clock.now:%Y-%m-%d %H:%M:%S.%f}")}
        worker.queue.adopt()
        self.seen["taken over with a push on its way"] += bool(before)
        self.book.doubts.update(before)

    def _act(self, verb: Callable[..., Any], which: int) -> None:
        with self.core.work(OPERATOR, self.app) as work:
            try:
                verb(work, self.campaigns[which])
            except WrongState:
                return

    def _unchanged(self, act: Callable[[], None]) -> None:
        """Does what must be refused, and sees that it left no trace."""
        before = self._everything()
        with pytest.raises(FencedOut):
            act()
        assert self._everything() == before
        self.seen["late results refused"] += 1

    def _everything(self) -> list[Any]:
        return [self._rows(f"SELECT * FROM {table}") for table in ("delivery", "chunk", "run", "attempt", "device")]

    def _rows(self, statement: str, **values: Any) -> list[Any]:
        with self.core.engine.execution_options(write=False).connect() as connection:
            return list(connection.execute(text(statement), values).all())


def chosen(things: list[Any], pick: int) -> Any:
    return things[pick % len(things)]


def every_device_is_in_one_state(runs: list[Any], rows: list[Any]) -> None:
    for run in runs:
        devices = [row.device_id for row in rows if row.run_id == run.id]
        assert run.audience == len(devices) == len(set(devices))
        assert run.state != "finished" or run.planned_at is not None
        assert 0 <= run.errors <= run.answered <= run.audience


def nobody_is_forgotten(rows: list[Any]) -> None:
    """An open row waits in a chunk that somebody will claim; one that is being sent is in somebody's hands."""
    for row in rows:
        assert row.state not in {"planned", "sending"} or row.chunk_state in {"ready", "leased"}
        assert row.state != "sending" or row.chunk_state == "leased"


def nothing_ends_early(rows: list[Any]) -> None:
    for row in rows:
        assert row.state not in {"planned", "sending"} or "finished" not in {row.run_state, row.campaign_state}


def no_worker_has_more_on_its_way_than_its_window(rows: list[Any]) -> None:
    busy = Counter(row.owner for row in rows if row.state == "sending")
    assert all(count <= WINDOW for count in busy.values())


def repeats_are_bounded_and_no_push_is_made_up(rows: list[Any], book: Book) -> None:
    for row in rows:
        taken, doubts = book.taken[row.id], book.doubts[row.id]
        assert taken <= (1 if row.choice == "never_twice" else 1 + doubts)
        assert row.state != "accepted" or taken
        assert not taken or row.state in {"accepted", "sending"} or row.maybe_sent


def interleave(examples: int, steps: int) -> int:
    """Plays so many games of so many steps, the same ones each time; how many there were.

    A failure prints its game as it was played: to shorten one of fifty steps would take minutes.
    """
    chosen_settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    Senders.many = 0
    with template() as folder:
        Senders.folder = folder
        run_state_machine_as_test(Senders, settings=chosen_settings)
    return Senders.many


@pytest.mark.slow
def test_no_order_of_steps_loses_or_repeats_anybody():
    assert interleave(examples=30, steps=40) >= 30
