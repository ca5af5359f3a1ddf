"""What waits for a later hour, and who takes the last place under a cap: in the hands of the real steps."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.dispatch import LeaseQueue
from backend.models import App, Category, Chunk, Delivery, Device, Run, User
from backend.providers import encoder
from backend.providers.base import Outcome, OutcomeKind
from backend.queries import chunks, deliveries
from backend.queries.chunks import ClaimedChunk
from backend.services import campaigns, preflight, runs
from backend.services.apps import AppRow
from backend.services.runs import Deferred, NotSent, Ready
from backend.services.steps import Held, Steps
from tests.factories import definition
from tests.services.lane_world import Clock, add_devices, add_lane, change, planned, rows

EVENING = datetime(2026, 11, 20, 23, tzinfo=UTC)
MORNING = datetime(2026, 11, 21, 8, tzinfo=UTC)
NIGHT = [{"start": "22:00", "end": "08:00"}]
ONE_A_DAY = [{"kind": "rolling", "pushes": 1, "hours": 24}]
PEOPLE = 30


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.now = EVENING
    return made


@pytest.fixture
def town(core: Core, app: AppRow, clock: Clock) -> Core:
    """An app with a lane and some people, on a clock that stands at eleven in the evening."""
    core = replace(core, clock=clock)
    add_lane(core, app)
    add_devices(core, app, PEOPLE)
    return core


def rule(core: Core, app: AppRow, **values: Any) -> None:
    with core.work(OPERATOR) as work:
        change(work, App, App.id == app.number, **values)


class Worker:
    """A sender that does one step at a time."""

    def __init__(self, core: Core) -> None:
        self.core, self.queue = core, LeaseQueue(core)
        self.steps = Steps(core, self.queue)

    def claim(self, run: int | None = None) -> Held:
        claims = {claim.run_id: claim for claim in self.queue.claim("worker", 10)}
        claim = claims[run] if run else next(iter(claims.values()))
        with self.core.reading(OPERATOR) as work:
            return Held(claim, runs.load(work, claim.run_id), encoder("webpush"))

    def send(self, held: Held, ready: list[Ready], *, last: bool = True) -> None:
        answered = [(one, Outcome(OutcomeKind.ACCEPTED, 201)) for one in ready]
        self.steps.write(held, answered, last=last)


def states(core: Core, run: int) -> Counter[tuple[str, str | None]]:
    return Counter((row.state, row.reason) for row in rows(core, Delivery, Delivery.run_id == run))


def test_who_is_held_stays_planned_in_a_chunk_that_waits(town: Core, app: AppRow, clock: Clock):
    rule(town, app, quiet_hours=NIGHT)
    sent, worker = planned(town, app), Worker(town)
    held = worker.claim()
    batch = worker.steps.decide(held, 500)
    assert batch.last
    assert all(isinstance(one, Deferred) for one in batch.prepared)
    assert worker.steps.mark(held, batch.prepared) == []
    worker.steps.settle(held)

    waiting = {row.number: row for row in rows(town, Chunk, Chunk.state == "ready")}
    assert rows(town, Chunk, Chunk.number == held.claim.number)[0].state == "done"
    until = {one.id: one.until for one in batch.prepared}
    for row in rows(town, Delivery, Delivery.run_id == sent.run):
        assert (row.state, row.due_at, row.ended_at, row.attempts) == ("planned", until[row.id], None, 0)
        assert waiting[row.chunk].not_before == row.due_at
        assert MORNING <= row.due_at < MORNING + timedelta(minutes=30)
    assert len(waiting) == len(set(until.values())) > 1
    assert rows(town, Run, Run.id == sent.run)[0].state == "running"
    assert not worker.queue.claim("worker", 10)

    clock.now = MORNING + timedelta(minutes=30)
    while claims := worker.queue.claim("worker", 1):
        with town.reading(OPERATOR) as work:
            held = Held(claims[0], runs.load(work, sent.run), encoder("webpush"))
        ready = worker.steps.mark(held, worker.steps.decide(held, 500).prepared)
        worker.send(held, ready)
    assert states(town, sent.run) == {("accepted", None): PEOPLE}
    assert rows(town, Run, Run.id == sent.run)[0].state == "finished"


def test_the_rest_of_a_chunk_goes_on(town: Core, app: AppRow):
    with town.work(OPERATOR) as work:
        change(work, User, User.id % 3 == 0, quiet_hours={"start": "22:00", "end": "08:00"})
    sent, worker = planned(town, app), Worker(town)
    held = worker.claim()
    batch = worker.steps.decide(held, 500)
    ready = worker.steps.mark(held, batch.prepared)
    worker.send(held, ready, last=batch.last)
    assert states(town, sent.run) == {("accepted", None): PEOPLE * 2 // 3, ("planned", None): PEOPLE // 3}
    assert rows(town, Run, Run.id == sent.run)[0].state == "running"


def test_marking_the_same_verdicts_again_moves_nothing_twice(town: Core, app: AppRow):
    with town.work(OPERATOR) as work:
        change(work, User, User.id % 3 == 0, quiet_hours={"start": "22:00", "end": "08:00"})
    sent, worker = planned(town, app), Worker(town)
    held = worker.claim()
    batch = worker.steps.decide(held, 500)
    first = worker.steps.mark(held, batch.prepared)
    before = states(town, sent.run)
    assert len(first) == PEOPLE * 2 // 3
    assert worker.steps.mark(held, batch.prepared) == []
    assert states(town, sent.run) == before
    worker.steps.put_back(held, [])
    assert states(town, sent.run) == {("planned", None): PEOPLE}


def test_what_was_due_before_sending_could_begin_is_told_as_missed(town: Core, app: AppRow, clock: Clock):
    sent, worker = planned(town, app), Worker(town)
    with town.work(OPERATOR) as work:
        change(work, Run, Run.id == sent.run, missed_before=clock.now)
        change(work, Delivery, Delivery.id % 2 == 0, due_at=clock.now - timedelta(minutes=1))
    held = worker.claim()
    ready = worker.steps.mark(held, worker.steps.decide(held, 500).prepared)
    worker.send(held, ready)
    assert states(town, sent.run) == {("accepted", None): PEOPLE // 2, ("expired", "missed"): PEOPLE // 2}


def two_runs(core: Core, app: AppRow) -> tuple[Worker, Held, Held]:
    first, second, worker = planned(core, app), planned(core, app), Worker(core)
    claims = {claim.run_id: claim for claim in worker.queue.claim("worker", 10)}
    with core.reading(OPERATOR) as work:
        held = [Held(claims[run], runs.load(work, run), encoder("webpush")) for run in (first.run, second.run)]
    return worker, *held


def test_of_two_runs_that_have_decided_the_one_that_marks_first_takes_the_place(town: Core, app: AppRow):
    rule(town, app, caps=ONE_A_DAY)
    worker, first, second = two_runs(town, app)
    decided = [worker.steps.decide(held, 500).prepared for held in (first, second)]
    assert all(isinstance(one, Ready) for batch in decided for one in batch)
    assert len(worker.steps.mark(first, decided[0])) == PEOPLE
    assert worker.steps.mark(second, decided[1]) == []
    assert states(town, second.claim.run_id) == {("skipped", "capped"): PEOPLE}
    later = worker.steps.decide(first, 500)
    assert not later.prepared


def test_what_is_read_ahead_sees_the_caps_too(town: Core, app: AppRow):
    rule(town, app, caps=ONE_A_DAY)
    worker, first, second = two_runs(town, app)
    worker.send(first, worker.steps.mark(first, worker.steps.decide(first, 500).prepared))
    assert {one.reason for one in worker.steps.decide(second, 500).prepared if isinstance(one, NotSent)} == {"capped"}


def test_two_senders_at_once_never_exceed_a_cap(postgres_core: Core, clock: Clock):
    """Both have decided, and mark in the same moment, the people of one in the other order than those of the other."""
    from backend.services import apps

    with postgres_core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop", name="Shop")
    core = replace(postgres_core, clock=clock)
    add_lane(core, app)
    add_devices(core, app, PEOPLE)
    rule(core, app, caps=ONE_A_DAY)
    worker, first, second = two_runs(core, app)
    decided = [list(worker.steps.decide(held, 500).prepared) for held in (first, second)]
    start, marked = threading.Barrier(2), [0, 0]

    def mark(which: int, held: Held, batches: list[list]) -> None:
        start.wait()
        for batch in batches:
            marked[which] += len(worker.steps.mark(held, batch))

    backwards = decided[1][::-1]
    halves = [[decided[0][:15], decided[0][15:]], [backwards[:15], backwards[15:]]]
    senders = [threading.Thread(target=mark, args=(n, held, halves[n])) for n, held in enumerate((first, second))]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sum(marked) == PEOPLE
    with core.reading(OPERATOR) as work:
        taken = select(Delivery.user_id, func.count()).where(Delivery.state == "sending").group_by(Delivery.user_id)
        assert {count for _, count in work.session.execute(taken)} == {1}


COUNTED: list[tuple[str, dict, bool]] = [
    ("sending", {}, True),
    ("accepted", {}, True),
    ("unknown", {}, True),
    ("failed", {}, False),
    ("skipped", {}, False),
    ("expired", {}, False),
    ("cancelled", {}, False),
    ("accepted", {"counts": False}, False),
    ("accepted", {"state": "finished"}, True),
    ("planned", {}, False),
    ("planned", {"priority": 1}, True),
    ("planned", {"priority": 1, "counts": False}, False),
    ("planned", {"priority": 1, "state": "planning"}, True),
    ("planned", {"priority": 1, "state": "paused"}, False),
    ("planned", {"priority": 1, "state": "cancelled"}, False),
]


def test_which_pushes_of_other_runs_count(town: Core, app: AppRow):
    other, mine = planned(town, app), planned(town, app)
    users = {row.user_id for row in rows(town, Delivery, Delivery.run_id == other.run)}
    since = EVENING - timedelta(hours=24)
    for state, run, counts in COUNTED:
        for due, inside in ((EVENING, counts), (since, counts), (EVENING - timedelta(days=2), False)):
            with town.work(OPERATOR) as work:
                change(work, Run, Run.id == other.run, **{"counts": True, "priority": 0, "state": "running", **run})
                change(work, Delivery, Delivery.run_id == other.run, state=state, due_at=due)
                found = deliveries.recent(work.session, mine.run, users, since, EVENING, 0)
                own = deliveries.recent(work.session, other.run, users, since, EVENING, 0)
            assert set(found) == (users if inside else set()), (state, run, due)
            assert own == {}
            assert all(len(had) == 1 and had[0].at == due for had in found.values())


def test_what_is_more_urgent_counts_from_when_it_is_due(town: Core, app: AppRow):
    other, mine = planned(town, app), planned(town, app)
    users = {row.user_id for row in rows(town, Delivery, Delivery.run_id == other.run)}
    with town.work(OPERATOR) as work:
        change(work, Run, Run.id == other.run, priority=1)
        change(work, Delivery, Delivery.run_id == other.run, due_at=EVENING + timedelta(hours=1))
        since = EVENING - timedelta(hours=24)
        before = deliveries.recent(work.session, mine.run, users, since, EVENING + timedelta(minutes=59), 0)
        after = deliveries.recent(work.session, mine.run, users, since, EVENING + timedelta(hours=1), 0)
        alike = deliveries.recent(work.session, mine.run, users, since, EVENING + timedelta(hours=1), 1)
    assert (set(before), set(after), set(alike)) == (set(), users, set())


def test_caps_cost_nothing_where_there_are_none(town: Core, app: AppRow):
    asked: list[str] = []
    sent, worker = planned(town, app), Worker(town)
    held = worker.claim()
    event.listen(town.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    worker.steps.mark(held, worker.steps.decide(held, 500).prepared)
    assert states(town, sent.run) == {("sending", None): PEOPLE}
    assert not any("run.counts" in statement or "advisory" in statement for statement in asked)


def test_a_category_has_caps_of_its_own(town: Core, app: AppRow):
    with town.work(OPERATOR) as work:
        change(work, Category, (Category.app_id == app.number) & (Category.slug == "marketing"), caps=ONE_A_DAY)
    worker, first, second = two_runs(town, app)
    number = first.context.category_id
    assert number is not None
    with town.work(OPERATOR) as work:
        change(work, Run, Run.id == first.claim.run_id, category_id=number)
    worker.send(first, worker.steps.mark(first, worker.steps.decide(first, 500).prepared))
    with town.work(OPERATOR) as work:
        change(work, Run, Run.id == first.claim.run_id, category_id=number + 10**6)
    assert all(isinstance(one, Ready) for one in worker.steps.decide(second, 500).prepared)
    with town.work(OPERATOR) as work:
        change(work, Run, Run.id == first.claim.run_id, category_id=number)
    assert {getattr(one, "reason", "") for one in worker.steps.decide(second, 500).prepared} == {"capped"}


# Places in chunks


def test_a_waiting_chunk_is_filled_and_then_there_is_another(town: Core, app: AppRow):
    sent = planned(town, app)
    at, other = EVENING + timedelta(hours=9), EVENING + timedelta(hours=10)
    with town.work(OPERATOR) as work:
        row = work.session.execute(select(Chunk).where(Chunk.run_id == sent.run)).scalar_one()
        claim = ClaimedChunk(row.id, sent.run, row.number, row.credential_id, 1, row.priority)
        first = chunks.later(work.session, claim, {at: 10, other: 3})
        assert len(set(first.values())) == 2
        assert chunks.later(work.session, claim, {at: 490, other: 1}) == first
        change(work, Delivery, Delivery.run_id == sent.run, chunk=first[at])
        room = chunks.MOST_ROWS - PEOPLE
        assert chunks.later(work.session, claim, {at: room}) == {at: first[at]}
        second = chunks.later(work.session, claim, {at: room + 1, other: 1})
        assert second[at] not in first.values()
        assert second[other] == first[other]
        assert chunks.later(work.session, claim, {}) == {}
        urgent = replace(claim, priority=chunks.URGENT)
        assert chunks.later(work.session, urgent, {other: 1})[other] not in {*first.values(), *second.values()}


def test_places_for_many_instants_are_found_in_few_statements(town: Core, app: AppRow):
    sent = planned(town, app)
    instants = {EVENING + timedelta(minutes=n): 1 for n in range(1, 400)}
    asked: list[str] = []
    event.listen(town.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    with town.work(OPERATOR) as work:
        row = work.session.execute(select(Chunk).where(Chunk.run_id == sent.run)).scalar_one()
        claim = ClaimedChunk(row.id, sent.run, row.number, row.credential_id, 1, row.priority)
        asked.clear()
        first = chunks.later(work.session, claim, instants)
        assert chunks.later(work.session, claim, instants) == first
        assert len(asked) < 8
        if town.settings.is_sqlite:
            plan = work.session.execute(
                text(f"EXPLAIN QUERY PLAN {chunks._waiting(True).text}"),
                {"run": 1, "lane": 1, "priority": 0, "own": 0, "rows": "[]"},
            ).all()
            assert any("ix_chunk_oldest (state=? AND priority=? AND not_before=?)" in step[3] for step in plan), plan


# The pre-flight


def test_the_pre_flight_counts_who_would_be_held_apart(town: Core, app: AppRow):
    rule(town, app, quiet_hours=NIGHT, caps=ONE_A_DAY)
    with town.work(OPERATOR) as work:
        change(work, User, User.id % 3 == 0, quiet_hours={"start": "22:00", "end": "08:00", "timezone": "Asia/Tokyo"})
    worker, before = Worker(town), planned(town, app, quiet_hours="ignore")
    held = worker.claim()
    worker.send(held, worker.steps.mark(held, worker.steps.decide(held, 500).prepared))
    assert states(town, before.run) == {("accepted", None): PEOPLE}
    with town.work(OPERATOR, app.number) as work:
        made = campaigns.create(work, definition()).row.id
        told = preflight.preflight(work, made)
        assert (told.audience, told.send, told.deferred) == (PEOPLE, 0, PEOPLE * 2 // 3)
        assert told.skipped == {"capped": PEOPLE // 3}
        loud = campaigns.create(work, definition(quiet_hours="drop", ignore_caps=True)).row.id
        told = preflight.preflight(work, loud)
        assert (told.send, told.deferred, told.skipped) == (PEOPLE // 3, 0, {"quiet_hours": PEOPLE * 2 // 3})


def test_the_pre_flight_goes_by_each_persons_own_due_time(town: Core, app: AppRow):
    """Nine in the morning is nine in the morning for everybody, so that nobody is held through the night."""
    rule(town, app, quiet_hours=NIGHT, default_timezone="Europe/Berlin")
    with town.work(OPERATOR) as work:
        change(work, Device, Device.id % 2 == 0, timezone="Asia/Tokyo")
        change(work, Device, Device.id % 3 == 0, timezone="Pacific/Honolulu")
    morning = {"kind": "local_time", "wall": "2026-11-21T09:00", "past": "skip"}
    night = {**morning, "wall": "2026-11-21T23:30"}
    with town.work(OPERATOR, app.number) as work:
        told = preflight.preflight(work, campaigns.create(work, definition(schedule=morning)).row.id)
        ahead = sum(number % 2 == 0 and number % 3 != 0 for number in range(1, PEOPLE + 1))
        assert (told.audience, told.send, told.deferred) == (PEOPLE, PEOPLE, 0)
        told = preflight.preflight(work, campaigns.create(work, definition(schedule=night)).row.id)
        assert (told.send, told.deferred) == (0, PEOPLE)
        past = {**morning, "wall": "2026-11-21T07:30"}
        told = preflight.preflight(work, campaigns.create(work, definition(schedule=past)).row.id)
        assert told.skipped == {"missed": ahead}
        assert told.deferred == PEOPLE - ahead
