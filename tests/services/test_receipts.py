"""Receipts: believed by signature, counted once, committed in groups."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from push_rows import add_deliveries, add_run, count, signed, value
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from backend.bootstrap import Core
from backend.crypto import KeyRing
from backend.db import OPERATOR
from backend.models import Run
from backend.queries.receipts import received
from backend.services import apps, receipts
from backend.services.receipts import ReceiptIn, ReceiptLog, ReceiptResult, ReceiptType

SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def log(core: Core):
    made = ReceiptLog(core)
    yield made
    made.close()


@pytest.fixture
def lite(sqlite_core: Core):
    with sqlite_core.work(OPERATOR) as work:
        return sqlite_core, apps.create_app(work, slug="shop")


@pytest.fixture
def lite_log(sqlite_core: Core):
    made = ReceiptLog(sqlite_core)
    yield made
    made.close()


def report(core: Core, app, delivery: int, kind: str = "opened", **more) -> ReceiptIn:
    return ReceiptIn(**signed(core, app.number, delivery), type=ReceiptType(kind), **more)


def record(core: Core, *given: ReceiptIn) -> ReceiptResult:
    with core.work(OPERATOR) as work:
        return receipts.record(work, [given])[0]


def sent(core: Core, app, *states: str) -> list[int]:
    return add_deliveries(core, add_run(core, app.number), list(states), due_at=SENT)


def test_the_first_of_each_kind_counts(core, app):
    one, two = sent(core, app, "accepted", "accepted")
    told = [
        report(core, app, one, "delivered"),
        report(core, app, one, "opened", action="buy"),
        report(core, app, one, "opened"),
        report(core, app, one, "action", action="buy"),
        report(core, app, one, "action", action="later"),
        report(core, app, two, "opened"),
    ]
    assert record(core, *told) == ReceiptResult(5, 1, 0)
    assert record(core, *told) == ReceiptResult(0, 6, 0)
    assert count(core, "receipt") == 5


def test_what_nothing_proves_is_refused_and_spoils_no_other(lite):
    core, app = lite
    one, two = sent(core, app, "accepted", "accepted")
    good = report(core, app, one)
    foreign = KeyRing(("some-other-key-0123456789abcdefghijklmnopq",))
    gone = report(core, app, two + 1000)
    forged = [
        replace(good, m=signed(core, app.number, two)["m"]),
        replace(good, t=signed(core, app.number + 1, one)["t"][:-2] + "AA"),
        replace(good, t=foreign.sign_receipt(app.number, one)),
        replace(good, t=""),
        replace(good, t="ż" * 32),
        replace(good, m="dlv_" + "ż" * 22),
        replace(good, m="cmp" + good.m[3:]),
        gone,
    ]
    assert record(core, *forged, good) == ReceiptResult(1, 0, len(forged))
    assert value(core, "SELECT delivery_id FROM receipt") == one


def test_a_receipt_signed_with_an_older_key_is_believed(lite):
    core, app = lite
    one = sent(core, app, "accepted")[0]
    old = report(core, app, one)
    newer = KeyRing(("brand-new-0123456789abcdefghijklmnopqrstuv", *core.settings.secret_keys))
    assert record(replace(core, keyring=newer), old).accepted == 1


@pytest.mark.parametrize(
    ("said", "kept"),
    [(None, "now"), (timedelta(hours=-5), "sent"), (timedelta(minutes=30), "said"), (timedelta(days=9), "now")],
)
def test_the_time_lies_between_the_send_and_now(sqlite_core, said, kept):
    now = SENT + timedelta(hours=1)
    core = replace(sqlite_core, clock=lambda: now)
    with core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    one = add_deliveries(core, add_run(core, app.number), ["accepted"], due_at=SENT, ended_at=SENT)[0]
    record(core, report(core, app, one, at=SENT + said if said is not None else None))
    with core.engine.connect() as connection:
        at = connection.execute(text("SELECT at FROM receipt")).scalar_one()
    expected = {"now": now, "sent": SENT, "said": SENT + (said or timedelta())}[kept]
    assert datetime.fromisoformat(at).replace(tzinfo=UTC) == expected


def test_a_receipt_turns_unknown_into_accepted_and_nothing_else(core, app):
    run = add_run(core, app.number)
    states = ["unknown", "sending", "failed", "planned", "accepted", "expired"]
    numbers = add_deliveries(core, run, states, due_at=SENT)
    untouched = add_deliveries(core, run, ["unknown"], due_at=SENT)[0]
    assert record(core, *(report(core, app, number) for number in numbers)).accepted == len(states)
    with core.engine.connect() as connection:
        after = dict(connection.execute(text("SELECT id, state FROM delivery")).all())
    assert [after[number] for number in numbers] == ["accepted", *states[1:]]
    assert after[untouched] == "unknown"
    with core.work(OPERATOR) as work:
        assert received(work.session, [*numbers[:2], untouched]) == set(numbers[:2])


def test_a_run_is_touched_when_it_has_moved_and_at_most_once_a_second(core, app):
    def at(moment: datetime) -> Core:
        return replace(core, clock=lambda: moment)

    def touched() -> datetime:
        with core.work(OPERATOR) as work:
            return work.session.get(Run, run).activity_at

    run = add_run(core, app.number)
    numbers = add_deliveries(core, run, ["accepted"] * 5, due_at=SENT)
    told = [report(core, app, number) for number in numbers]
    start = SENT + timedelta(hours=1)
    record(at(start), told[0])
    assert touched() == start
    record(at(start + timedelta(seconds=0.5)), told[1])
    assert touched() == start
    record(at(start + timedelta(seconds=2)), told[1])
    assert touched() == start, "a duplicate moves nothing"
    record(at(start + timedelta(seconds=3)), told[2])
    assert touched() == start + timedelta(seconds=3)
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE run SET rolled_at = activity_at"))
    record(at(start + timedelta(seconds=3.2)), told[3])
    assert touched() == start + timedelta(seconds=3.2), "rolled up since: behind again"


async def test_requests_that_arrive_together_share_a_commit(core, app, log):
    numbers = sent(core, app, *["accepted"] * 60)
    commits: list[object] = []
    counted = commits.append
    event.listen(core.engine, "commit", counted)
    asked = [log.submit([report(core, app, number), report(core, app, number)]) for number in numbers]
    results = await asyncio.gather(*asked, log.submit([]))
    event.remove(core.engine, "commit", counted)
    assert results == [ReceiptResult(1, 1, 0)] * 60 + [ReceiptResult(0, 0, 0)]
    assert len(commits) == 1
    assert count(core, "receipt") == 60


async def test_a_group_holds_no_more_than_500_but_any_one_request(lite, lite_log):
    core, app = lite
    numbers = sent(core, app, *["accepted"] * 700)
    commits: list[object] = []
    event.listen(core.engine, "commit", commits.append)
    told = [report(core, app, number) for number in numbers]
    results = await asyncio.gather(*(lite_log.submit(part) for part in (told[:600], told[600:], told)))
    assert [result.accepted for result in results] == [600, 100, 0]
    assert len(commits) == 3


async def test_an_answer_means_that_it_is_committed(lite, lite_log):
    core, app = lite
    one = sent(core, app, "accepted")[0]
    await lite_log.submit([report(core, app, one)])
    assert count(core, "receipt") == 1


async def test_a_failed_commit_is_told_to_everybody_in_it_and_the_next_one_works(lite, lite_log):
    core, app = lite
    one, two = sent(core, app, "accepted", "accepted")
    with core.engine.begin() as connection:
        connection.execute(text("ALTER TABLE receipt RENAME TO away"))
    failed = await asyncio.gather(
        *(lite_log.submit([report(core, app, number)]) for number in (one, two)), return_exceptions=True
    )
    assert [type(error) for error in failed] == [OperationalError, OperationalError]
    with core.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO receipt"))
    assert (await lite_log.submit([report(core, app, one)])).accepted == 1


async def test_a_caller_that_leaves_takes_nobody_along(lite, lite_log):
    core, app = lite
    one, two = sent(core, app, "accepted", "accepted")
    leaving = asyncio.create_task(lite_log.submit([report(core, app, one)]))
    staying = asyncio.create_task(lite_log.submit([report(core, app, two)]))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).accepted == 1
    assert count(core, "receipt") == 2


def test_two_processes_given_the_same_receipts_count_each_once(postgres_core):
    core = postgres_core
    with core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    numbers = sent(core, app, *["accepted"] * 200)
    told = [report(core, app, number) for number in numbers]
    results: list[ReceiptResult] = []

    def write(order: list[ReceiptIn]) -> None:
        for start in range(0, 200, 50):
            results.append(record(core, *order[start : start + 50]))  # noqa: PERF401 - a thread shows what it has

    threads = [threading.Thread(target=write, args=(order,)) for order in (told, told[::-1], told)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(result.accepted for result in results) == 200
    assert sum(result.duplicates for result in results) == 400
    assert count(core, "receipt") == 200
