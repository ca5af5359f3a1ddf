"""The roll-up holds exactly what the rows say, however often it is made."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text
from stats_history import NOW, Made, add, at, campaign, other_app, platforms, random_history, random_pushes, run_of

from backend.db import CLOCK
from backend.models import Delivery, Receipt, Rollup, Run
from backend.queries.rollups import RunMark
from backend.services import rollup

SECOND = timedelta(seconds=1)


def rolled(core) -> dict:
    with core.reading(CLOCK) as work:
        rows = work.session.execute(select(Rollup)).scalars().all()
    return {(row.run_id, row.hour, row.variant, row.platform, row.measure): row.count for row in rows}


def expected(history: list[Made]) -> dict:
    return {cell: n for made in history if made.run.kind != "test" for cell, n in made.cells().items()}


def roll(core, now=NOW) -> int:
    with at(core, now).work(CLOCK) as work:
        return rollup.roll_up(work)


def mark(core, run: Run, **values) -> None:
    with core.work(CLOCK) as work:
        row = work.session.get(Run, run.id)
        for name, value in values.items():
            setattr(row, name, value)


@pytest.mark.parametrize("seed", range(2))
def test_the_roll_up_is_what_the_rows_say_by_hour_variant_and_platform(core, app, seed):
    history = random_history(core, app.number, seed)
    assert roll(core) == 6
    assert rolled(core) == expected(history)


def test_another_pass_and_a_recount_change_nothing(core, app):
    history = random_history(core, app.number, 7)
    roll(core)
    first = rolled(core)
    assert roll(core, NOW + timedelta(hours=1)) > 0
    assert rolled(core) == first
    with at(core, NOW).reading(CLOCK) as work:
        assert not rollup.count(work).seen
    with at(core, NOW).work(CLOCK) as work:
        assert rollup.recompute(work) == 6
    assert rolled(core) == first == expected(history)


def test_a_recount_mends_a_wrong_roll_up_of_one_run_only(core, app):
    history = random_history(core, app.number, 8)
    roll(core)
    with core.work(CLOCK) as work:
        work.session.execute(text("UPDATE rollup SET count = count + 1"))
        assert rollup.recompute(work, history[0].run.id) == 1
    right = expected(history)
    wrong = {cell for cell, count in rolled(core).items() if right[cell] != count}
    assert {cell[0] for cell in wrong} == {made.run.id for made in history if made.run.kind != "test"} - {
        history[0].run.id
    }


def test_a_recount_of_a_test_run_counts_nothing(core, app):
    test_run = next(made.run for made in random_history(core, app.number, 9) if made.run.kind == "test")
    with core.work(CLOCK) as work:
        assert rollup.recompute(work, test_run.id) == 0
    assert rolled(core) == {}


def test_what_retention_has_removed_stays_counted(core, app):
    history = random_history(core, app.number, 10)
    roll(core)
    before = rolled(core)
    with core.work(CLOCK) as work:
        work.session.execute(text("DELETE FROM receipt"))
        work.session.execute(text("DELETE FROM delivery"))
        assert rollup.recompute(work) == 0
    assert rolled(core) == before == expected(history)


def test_a_late_receipt_is_rolled_up_and_then_the_run_rests(core, app):
    made = campaign(core, app.number, "Spring")
    began = NOW - timedelta(hours=5)
    run = run_of(core, made, began=began)
    push = random_pushes(core, random.Random(1), run, platforms(core, app.number), 1)[0]
    with core.work(CLOCK) as work:
        work.session.execute(text("DELETE FROM receipt"))
        row = work.session.get(Delivery, push.delivery.id)
        row.state, row.ended_at = "accepted", began
    assert roll(core) == 1
    assert roll(core, NOW + SECOND) == 0
    late = NOW + timedelta(hours=2)
    add(core, Receipt(delivery_id=push.delivery.id, type="opened", at=late, received_at=late))
    mark(core, run, activity_at=late)
    assert roll(core, late + 5 * SECOND) == 1
    assert {cell[4]: count for cell, count in rolled(core).items() if cell[1] > NOW} == {"delivered": 1, "opened": 1}
    assert roll(core, late + 30 * SECOND) == 0
    assert roll(core, late + 66 * SECOND) == 1
    assert roll(core, late + timedelta(days=1)) == 0


def test_the_end_of_a_run_is_rolled_up_even_if_nothing_else_says_that_it_moved(core, app):
    run = run_of(core, campaign(core, app.number, "Spring"), began=NOW - timedelta(hours=5), state="running")
    assert roll(core) == 1
    ended = NOW + timedelta(hours=2)
    mark(core, run, state="finished", finished_at=ended)
    assert [roll(core, ended + ago * SECOND) for ago in (3, 4, 64, 65)] == [1, 0, 1, 0]


def test_a_tick_takes_a_bounded_number_of_runs_and_comes_back_for_the_others(core, app):
    carrier = campaign(core, app.number, "Messages", kind="message")
    one = {"app_id": app.number, "campaign_id": carrier.id, "revision_id": carrier.revision_id, "kind": "message"}
    same = {"state": "finished", "due_at": NOW, "created_at": NOW, "planned_at": NOW, "finished_at": NOW}
    many = [{**one, **same, "occasion": f"m{i}", "audience": 1} for i in range(rollup.RUNS_A_TICK + 20)]
    with core.work(CLOCK) as work:
        work.session.execute(insert(Run), many)
    assert [roll(core), roll(core), roll(core)] == [rollup.RUNS_A_TICK, 20, 0]


def test_a_tick_takes_one_large_run_at_a_time(core, app):
    made = campaign(core, app.number, "Spring")
    for _ in range(3):
        run_of(core, made, began=NOW - timedelta(hours=1), audience=rollup.ROWS_A_TICK)
    assert [roll(core) for _ in range(4)] == [1, 1, 1, 0]


def test_a_pass_that_comes_after_another_one_writes_nothing(core, app):
    """Two servers count the same runs at the same time; what the slower one has counted is out of date."""
    history = random_history(core, app.number, 2)
    held = at(core, NOW)
    with held.reading(CLOCK) as work:
        slow = rollup.count(work)
    assert rollup.tick(held) == 6
    with core.work(CLOCK) as work:
        work.session.execute(text("UPDATE rollup SET count = count + 1000"))  # as if it knew more
    with held.work(CLOCK) as work:
        assert rollup.write(work, slow) == 0
    assert rolled(core) == {cell: count + 1000 for cell, count in expected(history).items()}


def test_two_processes_at_the_same_moment_do_not_meet(postgres_core):
    history = random_history(postgres_core, other_app(postgres_core, "shop"), 2)
    held = at(postgres_core, NOW)
    with held.work(CLOCK) as first:
        assert rollup.roll_up(first) == 6
        assert rollup.tick(held) == 0
    assert rolled(postgres_core) == expected(history)


def test_a_run_that_somebody_is_writing_to_is_not_waited_for(postgres_core):
    history = random_history(postgres_core, other_app(postgres_core, "shop"), 3)
    busy = history[0].run
    with postgres_core.work(CLOCK) as writer:
        writer.session.execute(text("UPDATE run SET activity_at = now() WHERE id = :id"), {"id": busy.id})
        assert roll(postgres_core) == 5
    with postgres_core.reading(CLOCK) as work:
        assert work.session.get(Run, busy.id).rolled_at is None
        assert busy.id not in {cell[0] for cell in rolled(postgres_core)}
        assert work.session.get(Run, history[1].run.id).rolled_at == NOW - rollup.MARGIN
    assert roll(postgres_core) == 1
    assert rolled(postgres_core) == expected(history)


def test_counting_keeps_no_writer_waiting(sqlite_core):
    random_history(sqlite_core, other_app(sqlite_core, "shop"), 4)
    with at(sqlite_core, NOW).reading(CLOCK) as work:
        found = rollup.count(work)
        assert found.seen
        with sqlite_core.work(CLOCK) as writer:
            writer.session.execute(text("UPDATE app SET name = 'changed meanwhile'"))
    with sqlite_core.work(CLOCK) as work:
        assert rollup.write(work, found) == 6


def marked(**values) -> RunMark:
    usual = {"id": 1, "state": "running", "audience": 0, "activity_at": None, "finished_at": None, "rolled_at": None}
    return RunMark(**(usual | values))


def passed(ago: timedelta, **values) -> RunMark:
    """A run whose last pass was so long ago."""
    return marked(rolled_at=NOW - ago - rollup.MARGIN, **values)


@pytest.mark.parametrize(
    ("run", "due"),
    [
        (marked(), True),
        (passed(SECOND, activity_at=NOW), False),
        (passed(3 * SECOND, activity_at=NOW), True),
        (passed(60 * SECOND, activity_at=NOW, audience=1_000_000), False),
        (passed(110 * SECOND, activity_at=NOW, audience=1_000_000), True),
        (passed(60 * SECOND, activity_at=NOW - timedelta(days=1)), False),
        (passed(rollup.IDLE, activity_at=NOW - timedelta(days=1)), True),
        (passed(rollup.IDLE, activity_at=NOW - timedelta(days=1), state="finished"), False),
        (passed(10 * SECOND, state="planning"), True),
        (passed(10 * SECOND, state="finished", finished_at=NOW - 30 * SECOND), False),
        (passed(10 * SECOND, state="finished", finished_at=NOW - 61 * SECOND), True),
        (passed(2 * SECOND, state="cancelled", finished_at=NOW - 61 * SECOND), True),
        (passed(61 * SECOND, state="finished", finished_at=NOW - 122 * SECOND), False),
    ],
)
def test_a_pass_is_made_when_it_is_worth_its_price(run, due):
    assert rollup.is_due(run, NOW) is due
