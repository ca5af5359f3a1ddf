"""The pace that all workers keep together, on both databases."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlmodel import select

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain import pace as rules
from backend.models import Chunk, Credential, Pace
from backend.services.apps import AppRow
from backend.services.pace import Grant, LaneRate, Pacer, RunRate, forget, lane_rate, run_rate
from tests.push_rows import add_run

FCM = rules.even(600_000)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def seconds(self) -> float:
        return (self.now - NOON).total_seconds()


@dataclass
class Workers:
    """Several processes that share the buckets of one database, and what each was granted when."""

    core: Core
    clock: Clock
    pacers: list[Pacer]
    granted: list[tuple[float, int]] = field(default_factory=list)

    def ask(self, worker: int, lane: LaneRate, wanted: int, run: RunRate | None = None, unused: float = 0.0) -> Grant:
        grant = self.pacers[worker].grant(lane, run, wanted)
        assert 0 <= grant.count <= wanted
        assert (grant.wait > 0) is (grant.count < wanted)
        back = int(grant.count * unused)
        self.pacers[worker].give_back(grant, back)
        self.granted.append((self.clock.seconds, grant.count - back))
        return grant

    def most_in(self, window: float) -> int:
        return max(sum(n for u, n in self.granted if t <= u < t + window) for t, _ in self.granted)


def workers(core: Core, count: int) -> Workers:
    clock = Clock()
    timed = replace(core, clock=clock)
    return Workers(timed, clock, [Pacer(timed) for _ in range(count)])


def add_lane(core: Core, app: AppRow, provider: str = "apns", **values: object) -> int:
    with core.work(OPERATOR, app.number) as work:
        row = Credential(
            app_id=app.number, provider=provider, environment="production", sealed_secret=b"",
            created_at=work.now, updated_at=work.now, **values,
        )  # fmt: skip
        work.session.add(row)
        work.session.flush()
        return int(row.id or 0)


def rate_of(core: Core, lane: int) -> LaneRate:
    with core.reading(OPERATOR) as work:
        return lane_rate(work, lane)


def buckets(core: Core) -> dict[str, Pace]:
    with core.reading(OPERATOR) as work:
        return {row.name: row for row in work.session.exec(select(Pace))}


STEPS = st.lists(
    st.tuples(st.floats(0, 1.5), st.integers(0, 2), st.integers(1, 120), st.sampled_from([0.0, 0.0, 0.5, 1.0])),
    min_size=5,
    max_size=40,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(per_second=st.sampled_from([1, 7, 60, 1_000]), steps=STEPS)
def test_whatever_workers_do_a_lane_keeps_its_rate(
    core: Core, app: AppRow, per_second: int, steps: list[tuple[float, int, int, float]]
):
    lane = rate_of(core, add_lane(core, app, max_per_second=per_second))
    three = workers(core, 3)
    for pause, worker, wanted, unused in steps:
        three.clock.pass_by(pause)
        three.ask(worker, lane, wanted, unused=unused)
    for window in (0.5, 1.0, 5.0, 60.0):
        assert three.most_in(window) <= per_second * (window + rules.HOLD_SECONDS) + rules.burst(per_second) + 1e-3


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(per_minute=st.sampled_from([1, 30, 600, 60_000]), steps=STEPS)
def test_whatever_workers_do_no_minute_has_more_than_the_throttle(
    core: Core, app: AppRow, per_minute: int, steps: list[tuple[float, int, int, float]]
):
    run = run_rate(add_run(core, app.number), per_minute)
    lane = LaneRate(add_lane(core, app), None)
    three = workers(core, 3)
    for pause, worker, wanted, unused in steps:
        three.clock.pass_by(pause * 10)
        three.ask(worker, lane, wanted, run, unused)
    assert three.most_in(60) <= per_minute


def work_through(three: Workers, lane: LaneRate, run: RunRate | None, rows: int, seconds: float) -> list[int]:
    """Each worker asks as soon as it is told to; how many rows each was granted."""
    due = [0.0] * len(three.pacers)
    got = [0] * len(three.pacers)
    while min(due) < seconds and sum(got) < rows:
        worker = due.index(min(due))
        three.clock.now = NOON + timedelta(seconds=due[worker])
        grant = three.ask(worker, lane, min(100, rows - sum(got)), run)
        got[worker] += grant.count
        due[worker] += grant.wait or 0.008
    return got


def test_three_workers_use_the_whole_rate_and_each_has_its_share(core: Core, app: AppRow):
    lane = rate_of(core, add_lane(core, app, max_per_second=1_000))
    three = workers(core, 3)
    got = work_through(three, lane, None, 10**9, 6)
    assert sum(got) == pytest.approx(6_000, rel=0.12)
    assert min(got) > 600


def test_what_is_urgent_does_not_queue_behind_a_campaign(core: Core, app: AppRow):
    lane = rate_of(core, add_lane(core, app, max_per_second=100))
    two = workers(core, 2)
    urgent = 0
    for step in range(60):
        two.clock.pass_by(0.1)
        two.ask(step % 2, lane, 100)
        if step % 5 == 4:
            grant = two.pacers[step % 2].grant(lane, None, 3, urgent=True)
            urgent += grant.count
            two.granted.append((two.clock.seconds, grant.count))
    assert urgent == 12 * 3
    for window in (1.0, 5.0):
        assert two.most_in(window) <= 100 * (window + rules.HOLD_SECONDS) + 2 * rules.burst(100)
    assert sum(n for _, n in two.granted) == pytest.approx(600, rel=0.15)


def test_what_one_worker_does_not_need_another_may_use_at_once(core: Core, app: AppRow):
    lane = rate_of(core, add_lane(core, app, max_per_second=100))
    two = workers(core, 2)
    first = two.ask(0, lane, 100, unused=0.98)
    assert first.count == 50
    assert two.ask(1, lane, 40).count == 40
    assert two.most_in(1) <= 50


def test_a_throttled_run_is_spread_over_the_minute(core: Core, app: AppRow):
    run = RunRate(add_run(core, app.number), 600)
    two = workers(core, 2)
    got = work_through(two, LaneRate(add_lane(core, app), None), run, 200, 60)
    assert sum(got) == 200
    assert 19 < two.clock.seconds < 22
    by_second = Counter(int(t) for t, n in two.granted for _ in range(n))
    assert max(by_second.values()) <= 15


def test_a_lane_and_a_run_hold_together(core: Core, app: AppRow):
    lane, run = rate_of(core, add_lane(core, app, max_per_second=50)), RunRate(add_run(core, app.number), 60_000)
    one = workers(core, 1)
    got = work_through(one, lane, run, 10**9, 10)
    assert got[0] == pytest.approx(500, rel=0.1)
    # what the lane refused is not lost to the run
    other = LaneRate(add_lane(core, app), None)
    one.clock.pass_by(5)
    assert one.ask(0, other, 100, run).count == 100


@pytest.fixture
def statements(core: Core) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(core.engine, "before_cursor_execute", note)
    yield seen
    event.remove(core.engine, "before_cursor_execute", note)


def test_what_nothing_limits_costs_nothing(core: Core, app: AppRow, statements: list[str]):
    lane = rate_of(core, add_lane(core, app))
    assert lane.per_second is None
    one = workers(core, 1)
    statements.clear()
    assert all(one.ask(0, lane, 100, run_rate(1, None)).count == 100 for _ in range(50))
    one.pacers[0].slow_down(lane.credential_id)
    assert not [said for said in statements if "pace" in said]
    assert buckets(core) == {}


def test_a_fast_lane_costs_a_few_short_transactions_a_second(core: Core, app: AppRow, statements: list[str]):
    lane = rate_of(core, add_lane(core, app, provider="fcm"))
    one = workers(core, 1)
    work_through(one, lane, None, 10**9, 4)
    taken = [said for said in statements if said.startswith("UPDATE pace")]
    assert sum(n for _, n in one.granted) == pytest.approx(FCM * 4, rel=0.15)
    assert len(taken) <= 4 * 4.5 + 8


def test_a_members_new_limit_holds_within_half_a_second_and_its_end_too(core: Core, app: AppRow):
    number = add_lane(core, app, max_per_second=1_000)
    stale = rate_of(core, number)
    one = workers(core, 1)
    assert one.ask(0, stale, 100).count == 100
    _limit(core, number, 10)
    one.clock.pass_by(0.6)
    first = one.ask(0, stale, 100)
    assert first.count <= 5
    _limit(core, number, None)
    one.clock.pass_by(max(first.wait, 0.6))
    assert [one.ask(0, stale, 100).count for _ in range(30)] == [100] * 30


def _limit(core: Core, number: int, most: int | None) -> None:
    with core.work(OPERATOR) as work:
        row = work.session.get(Credential, number)
        assert row is not None
        row.max_per_second = most
        work.session.add(row)


def waiting(core: Core, app: AppRow, lane: int, rows: int) -> None:
    """A run with so many planned rows in full chunks."""
    run = add_run(core, app.number)
    count = """WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)"""
    chunk = f"""INSERT INTO chunk (run_id, number, credential_id, priority, not_before, state, fence)
        {count} SELECT :run, i, :lane, 0, :due, 'ready', 0 FROM n"""
    delivery = f"""INSERT INTO delivery (run_id, device_id, chunk, dims_id, variant, state, attempts, maybe_sent, due_at)
        {count} SELECT :run, i, i / 500, 1, 0, 'planned', 0, false, :due FROM n"""
    with core.work(OPERATOR) as work:
        due = NOON - timedelta(hours=1)
        binds = {"run": run, "lane": lane, "due": due.replace(tzinfo=None) if work.sqlite else due}
        if not work.sqlite:
            chunk, delivery = (said.replace("i / 500", "div(i, 500)::int") for said in (chunk, delivery))
        work.session.execute(text(chunk), {**binds, "rows": -(-rows // 500)})
        work.session.execute(text(delivery), {**binds, "rows": rows})


def test_a_lane_with_very_much_to_do_grows_into_its_rate(core: Core, app: AppRow):
    lane = rate_of(core, add_lane(core, app, provider="fcm"))
    waiting(core, app, lane.credential_id, rules.RAMP_FROM + 1)
    two = workers(core, 2)
    work_through(two, lane, None, 10**9, 6)
    first = sum(n for t, n in two.granted if t < 3)
    assert first < FCM * 9 / 120 * 1.05  # the area under the ramp, not 29 500
    assert sum(n for _, n in two.granted) == pytest.approx(FCM * 36 / 120, rel=0.15)


@pytest.mark.parametrize("rows", [2_000, rules.RAMP_FROM])
def test_a_lane_with_less_to_do_starts_at_its_rate(core: Core, app: AppRow, rows: int):
    lane = rate_of(core, add_lane(core, app, provider="fcm"))
    waiting(core, app, lane.credential_id, rows)
    one = workers(core, 1)
    assert work_through(one, lane, None, 4_000, 2)[0] == 4_000
    assert one.clock.seconds < 1


def test_growth_begins_anew_after_a_calm_time(core: Core, app: AppRow):
    lane = rate_of(core, add_lane(core, app, provider="fcm"))
    waiting(core, app, lane.credential_id, rules.RAMP_FROM + 1)
    one = workers(core, 1)
    name = f"lane:{lane.credential_id}"
    one.ask(0, lane, 100)
    assert buckets(core)[name].ramp_started_at == NOON
    with core.work(OPERATOR) as work:
        for chunk in work.session.exec(select(Chunk)):
            chunk.state = "done"
            work.session.add(chunk)
    one.clock.pass_by(30)
    one.ask(0, lane, 1)
    assert buckets(core)[name].ramp_started_at == NOON
    one.clock.pass_by(31)
    one.ask(0, lane, 1)
    assert buckets(core)[name].ramp_started_at is None


def test_one_workers_slow_down_halves_the_rate_of_all_once_a_minute(core: Core, app: AppRow):
    lane = rate_of(core, add_lane(core, app, max_per_second=1_000))
    two = workers(core, 2)
    two.ask(0, lane, 100)
    for pacer in two.pacers:
        pacer.slow_down(lane.credential_id)
    shared = rules.Bucket(0, NOON, share=0.5, ramp_started_at=NOON)
    row = buckets(core)[f"lane:{lane.credential_id}"]
    assert (row.share, row.ramp_started_at, row.slowed_at) == (0.5, NOON, NOON)
    two.granted.clear()
    start = two.clock.seconds
    work_through(two, lane, None, 10**9, 10)
    allowed = sum(1_000 * rules.share_at(shared, NOON + timedelta(seconds=start + s)) for s in range(10))
    assert sum(n for _, n in two.granted) == pytest.approx(allowed, rel=0.12)
    two.clock.now = NOON + timedelta(seconds=61)
    two.pacers[0].slow_down(lane.credential_id)
    assert buckets(core)[f"lane:{lane.credential_id}"].share == 0.5


def test_a_clock_set_back_an_hour_stops_nothing(core: Core, app: AppRow):
    lane = rate_of(core, add_lane(core, app, max_per_second=100))
    one = workers(core, 1)
    for _ in range(5):
        one.ask(0, lane, 100)
    one.clock.pass_by(-3_600)
    one.ask(0, lane, 100)
    one.clock.pass_by(1)
    assert one.ask(0, lane, 50).count == 50


def test_threads_and_processes_at_once_keep_the_rate(core: Core, app: AppRow):
    lane = rate_of(core, add_lane(core, app, max_per_second=2_000))
    pacers, taken, stop = [Pacer(core), Pacer(core)], Counter[int](), time.monotonic() + 1.0

    def work(number: int) -> None:
        while time.monotonic() < stop:
            grant = pacers[number % 2].grant(lane, None, 50)
            taken[number] += grant.count
            time.sleep(min(grant.wait, 0.1))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1_500 <= sum(taken.values()) <= 2_000 * (1.2 + rules.HOLD_SECONDS) + rules.burst(2_000)


def test_buckets_that_nobody_uses_are_removed(core: Core, app: AppRow):
    old = workers(core, 1)
    old.ask(0, rate_of(core, add_lane(core, app, max_per_second=5)), 1)
    fresh = rate_of(core, add_lane(core, app, max_per_second=5))
    with core.work(OPERATOR) as work:
        later = replace(work, now=NOON + timedelta(hours=25))
        work.session.add(Pace(name=f"lane:{fresh.credential_id}", tokens=1, filled_at=later.now))
        work.session.flush()
        forget(later)
    assert list(buckets(core)) == [f"lane:{fresh.credential_id}"]
