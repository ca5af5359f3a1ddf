"""Figures: exact, the same on every page, never above 100 %."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from stats_history import (
    FAILED,
    NOW,
    SKIPPED,
    Made,
    add,
    at,
    campaign,
    hour,
    measured,
    other_app,
    platforms,
    random_history,
    random_pushes,
    run_of,
)

from backend.db import CLOCK, OPERATOR
from backend.domain.metrics import Measure, Rate
from backend.domain.vocabulary import DeliveryState
from backend.errors import Invalid, NotFound
from backend.models import Delivery, Device, Receipt, Run, User
from backend.queries import rollups
from backend.services import analytics, ids, reports, rollup

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MEASURES = [measure.value for measure in Measure]


def reading(core, app_id, now=NOW):
    return at(core, now).reading(OPERATOR, app_id)


def roll(core, now=NOW) -> None:
    with at(core, now).work(CLOCK) as work:
        while rollup.roll_up(work):
            pass


def as_words(counted) -> dict[str, int]:
    return {name: getattr(counted, name) for name in MEASURES if getattr(counted, name)}


def words_of(history: list[Made]) -> Counter:
    return sum((made.words() for made in history if made.run.kind != "test"), Counter())


def of_campaign(history: list[Made], number: int) -> list[Made]:
    return [made for made in history if made.campaign.id == number and made.run.kind != "test"]


def report_of(core, app_id: int, number: int, now=NOW) -> analytics.Report:
    with reading(core, app_id, now) as work:
        return analytics.report(work, ids.public(work, ids.CAMPAIGN, number))


# --- the report -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20, 22))
def test_a_report_counts_every_row_once_and_all_its_parts_agree(core, app, seed):
    history = random_history(core, app.number, seed)
    number = history[0].campaign.id
    mine = of_campaign(history, number)
    report = report_of(core, app.number, number)
    pushes = [push for made in mine for push in made.pushes]

    assert as_words(report.totals) == words_of(mine)
    assert report.states == {s.value: sum(p.delivery.state == s for p in pushes) for s in DeliveryState}
    assert report.totals.open == report.states["planned"] + report.states["sending"]
    for part in (
        [row.totals for row in report.by_variant],
        list(report.by_platform.values()),
        [row.totals for row in report.runs],
    ):
        assert sum((Counter(as_words(totals)) for totals in part), Counter()) == words_of(mine)
    assert {(row.state, row.reason): row.count for row in report.by_reason} == Counter(
        (p.delivery.state, p.delivery.reason or "") for p in pushes if p.delivery.state in FAILED | SKIPPED
    )
    for totals in [report.totals, *report.by_platform.values(), *(run.totals for run in report.runs)]:
        assert totals.opened <= totals.delivered <= totals.accepted <= totals.audience
        assert totals.open + totals.accepted + totals.failed + totals.skipped == totals.audience


@pytest.mark.parametrize("seed", range(30, 32))
def test_the_roll_up_and_the_rows_give_the_same_totals(core, app, seed):
    history = random_history(core, app.number, seed)
    runs = [made.run.id for made in history]
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE run SET state = 'finished', finished_at = created_at"))
    with reading(core, app.number) as work:
        from_rows = analytics.totals_of_runs(work, runs)
    roll(core, NOW + HOUR)
    with core.work(OPERATOR) as work:
        tests = [made.run.id for made in history if made.run.kind == "test"]
        work.session.execute(text("DELETE FROM receipt"))  # from here on only the roll-up can tell
    with reading(core, app.number) as work:
        rolled = analytics.totals_of_runs(work, runs)
    assert {run: as_words(totals) for run, totals in from_rows.items()} == {m.run.id: m.words() for m in history}
    assert {run: t for run, t in rolled.items() if run not in tests} == {
        run: t for run, t in from_rows.items() if run not in tests
    }


def test_progress_is_live_while_a_run_is_open(core, app):
    made = campaign(core, app.number, "Spring")
    run = run_of(core, made, began=NOW - HOUR, state="running")
    pushes = random_pushes(core, random.Random(3), run, platforms(core, app.number), 30)
    roll(core)
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE delivery SET state = 'skipped', reason = 'capped', ended_at = due_at"))
    with reading(core, app.number) as work:
        totals = analytics.totals_of_runs(work, [run.id])[run.id]
    assert (totals.audience, totals.skipped, totals.open, totals.delivered) == (len(pushes), 30, 0, 0)


def test_totals_of_a_run_without_rows_are_zeros(core, app):
    run = run_of(core, campaign(core, app.number, "Spring"), began=NOW, state="planning")
    with reading(core, app.number) as work:
        assert analytics.totals_of_runs(work, [run.id]) == {run.id: analytics.Totals()}
        assert analytics.totals_of_runs(work, []) == {}


def test_a_delivery_counts_once_however_many_buttons_and_receipts(core, app):
    made = campaign(core, app.number, "Spring")
    run = run_of(core, made, began=NOW - HOUR)
    dims = platforms(core, app.number)
    one = add(core, delivery(run, dims["ios"], "accepted"))
    for kind, action in (("action", "buy"), ("action", "later"), ("opened", ""), ("displayed", "")):
        add(core, Receipt(delivery_id=one.id, type=kind, action=action, at=NOW, received_at=NOW))
    report = report_of(core, app.number, made.id)
    assert as_words(report.totals) == dict.fromkeys(
        ["audience", "accepted", "delivered", "displayed", "opened", "action"], 1
    )
    assert report.rates["opened"] == Rate(1, 1, 1.0)
    assert report.rates["failed"] == Rate(0, 1, 0.0)


@pytest.mark.parametrize("state", ["planned", "sending", "failed", "skipped", "expired", "cancelled", "unknown"])
def test_receipts_count_on_accepted_deliveries_only(sqlite_core, state):
    app_id = other_app(sqlite_core, "shop")
    made = campaign(sqlite_core, app_id, "Spring")
    one = add(sqlite_core, delivery(run_of(sqlite_core, made, began=NOW - HOUR), 1, state))
    add(sqlite_core, Receipt(delivery_id=one.id, type="opened", at=NOW, received_at=NOW))
    totals = report_of(sqlite_core, app_id, made.id).totals
    assert (totals.audience, totals.delivered, totals.opened) == (1, 0, 0)


def delivery(run: Run, dims_id: int, state: str, **values) -> Delivery:
    usual = {"user_id": 1, "device_id": 1, "chunk": 0, "due_at": run.due_at, "ended_at": run.planned_at}
    return Delivery(run_id=run.id, dims_id=dims_id, state=state, **(usual | values))


def test_variants_carry_their_names_and_runs_their_facts(sqlite_core):
    app_id = other_app(sqlite_core, "shop")
    made = campaign(sqlite_core, app_id, "Spring", variants=("Short", "Long"))
    unreachable = {"no_device": 4, "invalid": 1}
    run = run_of(sqlite_core, made, began=NOW - HOUR, people_unreachable=unreachable, estimate=3)
    dims = platforms(sqlite_core, app_id)
    add(
        sqlite_core,
        delivery(run, dims["ios"], "accepted", variant=0),
        delivery(run, dims["web"], "failed", variant=1, device_id=2),
    )
    report = report_of(sqlite_core, app_id, made.id)
    assert [(v.position, v.name, v.totals.audience) for v in report.by_variant] == [(0, "Short", 1), (1, "Long", 1)]
    assert list(report.by_platform) == ["ios", "web"]
    [shown] = report.runs
    assert (shown.state, shown.audience, shown.people_unreachable) == ("finished", 2, unreachable)
    assert report.people_unreachable == unreachable
    assert (shown.due_at, shown.started_at, shown.finished_at) == (run.due_at, run.started_at, run.finished_at)


def test_a_fresh_run_is_charted_by_the_minute_from_the_first_thing_to_the_last(core, app):
    made = campaign(core, app.number, "Spring")
    began = datetime(2026, 11, 21, 9, 0, 30, tzinfo=UTC)
    run = run_of(core, made, began=began)
    dims = platforms(core, app.number)
    first = add(core, delivery(run, dims["ios"], "accepted", ended_at=began))
    add(core, delivery(run, dims["ios"], "accepted", ended_at=began + timedelta(minutes=2), device_id=2))
    add(core, delivery(run, dims["ios"], "skipped", ended_at=began + 3 * HOUR, device_id=3))
    add(core, Receipt(delivery_id=first.id, type="opened", at=began + timedelta(minutes=3), received_at=NOW))
    series = report_of(core, app.number, made.id).series
    assert series.step_seconds == 60
    assert series.times == tuple(began.replace(second=0) + timedelta(minutes=m) for m in range(4))
    assert {line.measure: line.counts for line in series.lines} == {
        "accepted": (1, 0, 1, 0), "delivered": (0, 0, 0, 1), "opened": (0, 0, 0, 1),
    }  # fmt: skip


def test_an_old_run_is_charted_by_the_hour_from_the_roll_up(core, app):
    history = random_history(core, app.number, 44)
    number = history[0].campaign.id
    mine = of_campaign(history, number)
    later = NOW + 2 * DAY
    roll(core, later)
    report = report_of(core, app.number, number, later)
    assert report.series.step_seconds == 3600
    cells = Counter()
    for made in mine:
        for (_, when, _, _, measure), count in made.cells().items():
            cells[measure, when] += count
    for line in report.series.lines:
        drawn = {(line.measure, when): n for when, n in zip(report.series.times, line.counts, strict=True) if n}
        assert drawn == {key: n for key, n in cells.items() if key[0] == line.measure}
        assert line.total == getattr(report.totals, line.measure)


def test_a_draft_has_an_empty_report(sqlite_core):
    app_id = other_app(sqlite_core, "shop")
    report = report_of(sqlite_core, app_id, campaign(sqlite_core, app_id, "Draft").id)
    assert (report.totals, report.runs, report.by_variant, report.by_reason) == (analytics.Totals(), (), (), ())
    assert report.rates["opened"] == Rate(0, 0, None)
    assert report.series.times == ()


def test_a_report_of_another_app_or_of_messages_is_not_found(sqlite_core):
    mine, theirs = other_app(sqlite_core, "mine"), other_app(sqlite_core, "theirs")
    foreign = campaign(sqlite_core, theirs, "Spring")
    carrier = campaign(sqlite_core, mine, "Messages", kind="message")
    for number in (foreign.id, carrier.id, 999):
        with pytest.raises(NotFound):
            report_of(sqlite_core, mine, number)
    with reading(sqlite_core, mine) as work, pytest.raises(NotFound):
        analytics.report(work, "cmp_nonsense")


# --- the overview -----------------------------------------------------------------------------------


def overview(core, app_id, days=30, now=NOW) -> analytics.Overview:
    with reading(core, app_id, now) as work:
        return analytics.overview(work, days)


def test_the_overview_adds_up_what_happened_in_the_time_and_before(core, app):
    history = random_history(core, app.number, 50)
    random_history(core, other_app(core, "other"), 51)
    roll(core)
    events = [
        (measure, when)
        for made in history
        if made.run.kind != "test"
        for push in made.pushes
        for measure, when in measured(made.run, push)
    ]
    midnight, next_hour = NOW.replace(hour=0, minute=0, second=0, microsecond=0), hour(NOW) + HOUR
    for days, step, start in (
        (1, 3600, next_hour - DAY),
        (2, 3600, next_hour - 2 * DAY),
        (3, 86400, midnight - 2 * DAY),
        (30, 86400, midnight - 29 * DAY),
    ):
        shown = overview(core, app.number, days)
        length = days * DAY
        assert (shown.start, shown.end, shown.series.step_seconds) == (start, next_hour, step)
        assert as_words(shown.totals) == Counter(m for m, when in events if start <= when < next_hour)
        before = Counter(m for m, when in events if start - length <= when < next_hour - length)
        assert as_words(shown.before) == before
        assert {line.measure: line.total for line in shown.series.lines if line.total} == as_words(shown.totals)


def test_rates_of_the_overview_are_of_the_pushes_begun_in_the_time(core, app):
    """Yesterday's pushes, opened today, do not make today's open rate 300 %."""
    made = campaign(core, app.number, "Spring")
    dims = platforms(core, app.number)
    for began, opened in ((NOW - 30 * HOUR, 3), (NOW - 2 * HOUR, 1)):
        run = run_of(core, made, began=began)
        for number in range(4):
            one = add(core, delivery(run, dims["ios"], "accepted", device_id=number))
            if number < opened:
                add(core, Receipt(delivery_id=one.id, type="opened", at=NOW - HOUR, received_at=NOW))
    roll(core)
    shown = overview(core, app.number, 1)
    assert (shown.totals.opened, shown.totals.accepted, shown.before.accepted) == (4, 4, 4)
    assert shown.rates["opened"] == Rate(1, 4, 0.25)
    assert shown.rates_before["opened"] == Rate(3, 4, 0.75)


def test_the_overview_counts_devices_users_and_open_runs(core, app):
    known = add(core, person(app.number, "u1", NOW - DAY))
    add(core, person(app.number, None, NOW - 40 * DAY), person(other_app(core, "other"), "u1", NOW))
    for number, (platform, state, permission, ephemeral) in enumerate([
        ("ios", "active", "granted", None), ("ios", "active", "denied", None), ("ios", "invalid", "granted", None),
        ("web", "active", "unknown", None), ("web", "active", "granted", NOW),
    ]):  # fmt: skip
        add(core, device(app.number, known.id, number, platform, state, permission, ephemeral))
    made = campaign(core, app.number, "Spring")
    for kind, state in (("send", "running"), ("send", "finished"), ("test", "running")):
        run_of(core, made, began=NOW, kind=kind, state=state)
    shown = overview(core, app.number)
    assert [(d.platform, d.state, d.count, d.reachable) for d in shown.devices] == [
        ("ios", "active", 2, 1), ("ios", "invalid", 1, 0), ("web", "active", 1, 1),
    ]  # fmt: skip
    assert (shown.reachable_devices, shown.users, shown.active_users, shown.open_runs) == (2, 2, 1, 1)


def person(app_id: int, external_id: str | None, active: datetime) -> User:
    return User(app_id=app_id, external_id=external_id, bucket=1, first_seen=NOW, last_active=active)


def device(app_id, user_id, number, platform, state, permission, ephemeral) -> Device:
    return Device(
        app_id=app_id, user_id=user_id, platform=platform, provider="fcm", environment="production",
        address_kind="token", sealed_address=b"-", address_index=bytes([number]), index_version="1", secret_hash="-",
        state=state, permission=permission, ephemeral_until=ephemeral, first_seen=NOW, last_seen=NOW, registered_at=NOW,
    )  # fmt: skip


def test_recent_campaigns_are_those_that_people_ran_last(sqlite_core):
    app_id = other_app(sqlite_core, "shop")
    first, second, never = (campaign(sqlite_core, app_id, name) for name in ("One", "Two", "Never"))
    carrier = campaign(sqlite_core, app_id, "Messages", kind="message")
    for made, kind in ((second, "send"), (first, "send"), (carrier, "message"), (never, "test")):
        run_of(sqlite_core, made, began=NOW, kind=kind)
    recent = overview(sqlite_core, app_id).recent_campaigns
    assert [sqlite_core.keyring.number("cmp", one) for one in recent] == [first.id, second.id]


def test_an_empty_app_has_an_overview_of_zeros(sqlite_core):
    app_id = other_app(sqlite_core, "shop")
    shown = overview(sqlite_core, app_id, 7)
    assert as_words(shown.totals) == {}
    assert [len(line.counts) for line in shown.series.lines] == [7] * len(Measure)
    assert shown.rates["accepted"].value is None


@pytest.mark.parametrize("days", [0, -1, 367])
def test_an_overview_of_no_time_is_refused(sqlite_core, days):
    with pytest.raises(Invalid, match="days"):
        overview(sqlite_core, 1, days)


# --- series -----------------------------------------------------------------------------------------


def series(core, app_id, *measures, start=NOW - 3 * DAY, end=NOW + HOUR, **options) -> analytics.Timeline:
    with reading(core, app_id) as work:
        return analytics.series(work, measures, start, end, **options)


@pytest.mark.parametrize("breakdown", ["none", "platform", "campaign", "variant"])
def test_a_series_is_the_roll_up_with_zeros_in_its_gaps(core, app, breakdown):
    history = random_history(core, app.number, 60)
    roll(core)
    chosen = history[0].campaign if breakdown == "variant" else None
    options = {"campaign_id": core.keyring.public_id("cmp", chosen.id)} if chosen else {}
    drawn = series(core, app.number, "accepted", "opened", bucket="hour", breakdown=breakdown, **options)
    assert len(drawn.times) == 3 * 24 + 2
    assert drawn.times[0] == hour(NOW - 3 * DAY)
    expected = Counter()
    for made in history:
        if made.run.kind == "test" or (chosen and made.campaign.id != chosen.id):
            continue
        for (_, when, variant, platform, measure), count in made.cells().items():
            key = {"none": "", "platform": platform, "variant": str(variant)}.get(breakdown)
            key = core.keyring.public_id("cmp", made.campaign.id) if key is None else key
            if measure in ("accepted", "opened") and when >= drawn.times[0]:
                expected[measure, key, when] += count
    found = {
        (line.measure, line.key, when): count
        for line in drawn.lines
        for when, count in zip(drawn.times, line.counts, strict=True)
        if count
    }
    assert found == expected


def test_lines_have_names_that_people_know(sqlite_core):
    app_id = other_app(sqlite_core, "shop")
    history = random_history(sqlite_core, app_id, 61)
    roll(sqlite_core)
    by_campaign = series(sqlite_core, app_id, "accepted", breakdown="campaign")
    assert {line.label for line in by_campaign.lines} == {"Spring", "Summer", "Messages"}
    public = sqlite_core.keyring.public_id("cmp", history[0].campaign.id)
    by_variant = series(sqlite_core, app_id, "audience", breakdown="variant", campaign_id=public)
    assert {line.label for line in by_variant.lines} == {"A", "B"}


def test_beyond_ten_lines_the_smaller_ones_are_one(sqlite_core):
    app_id = other_app(sqlite_core, "shop")
    dims = platforms(sqlite_core, app_id)
    for number in range(12):
        run = run_of(sqlite_core, campaign(sqlite_core, app_id, f"C{number}"), began=NOW - HOUR)
        pushes = [delivery(run, dims["ios"], "accepted", device_id=i) for i in range(20 - number)]
        add(sqlite_core, *pushes)
    roll(sqlite_core)
    drawn = series(sqlite_core, app_id, "accepted", breakdown="campaign")
    assert [(line.label, line.total) for line in drawn.lines] == [
        *((f"C{number}", 20 - number) for number in range(10)), ("Other", 10 + 9),
    ]  # fmt: skip


def test_days_are_utc_days_and_an_offset_is_understood(core, app):
    run = run_of(core, campaign(core, app.number, "Spring"), began=NOW - HOUR)
    late = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
    add(core, delivery(run, platforms(core, app.number)["ios"], "accepted", ended_at=late))
    roll(core)
    start = datetime.fromisoformat("2026-11-21T00:30:00+01:00")  # the 20th in UTC
    drawn = series(core, app.number, "accepted", start=start, end=NOW)
    assert [(when.isoformat()[:10], n) for when, n in zip(drawn.times, drawn.lines[0].counts, strict=True)] == [
        ("2026-11-20", 1), ("2026-11-21", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("measure", {"measures": ["clicks"]}),
        ("measure", {"measures": []}),
        ("bucket", {"bucket": "week"}),
        ("breakdown", {"breakdown": "colour"}),
        ("breakdown", {"breakdown": "variant"}),
        ("start", {"start": datetime(2026, 11, 1)}),
        ("end", {"end": NOW - 9 * DAY}),
        ("start", {"start": NOW - 200 * DAY, "bucket": "hour"}),
    ],
)
def test_a_wrong_series_is_refused_by_the_name_of_the_field(sqlite_core, field, wrong):
    asked = {"measures": ["opened"], "start": NOW - DAY, "end": NOW} | wrong
    with reading(sqlite_core, 1) as work, pytest.raises(Invalid) as refused:
        analytics.series(work, **asked)
    assert [error.field for error in refused.value.errors] == [field]


def test_a_series_of_another_apps_campaign_is_not_found(sqlite_core):
    foreign = campaign(sqlite_core, other_app(sqlite_core, "theirs"), "Spring")
    with pytest.raises(NotFound):
        series(
            sqlite_core,
            other_app(sqlite_core, "mine"),
            "opened",
            campaign_id=sqlite_core.keyring.public_id("cmp", foreign.id),
        )


@pytest.mark.parametrize("moving", ["1 = 0", "id % 2 = 0", "1 = 1"])
def test_the_report_of_a_campaign_with_very_many_runs_says_the_same_as_that_of_a_few(core, app, monkeypatch, moving):
    history = random_history(core, app.number, 40)
    number = history[0].campaign.id
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE run SET state = 'finished', finished_at = created_at"))
    roll(core, NOW + HOUR)
    with core.work(OPERATOR) as work:
        work.session.execute(text(f"UPDATE run SET activity_at = rolled_at WHERE {moving}"))
    later = NOW + 2 * DAY
    few = report_of(core, app.number, number, later)
    monkeypatch.setattr(reports, "MANY", 0)
    many = report_of(core, app.number, number, later)
    assert many == few
    assert as_words(many.totals) == words_of(of_campaign(history, number))
    with core.reading(OPERATOR) as work:
        asked = text(f"SELECT count(*) FROM run WHERE campaign_id = {number} AND kind <> 'test' AND {moving}")
        assert len(rollups.unsettled_of(work.session, [number])) == work.session.execute(asked).scalar_one()


def test_of_pushes_that_are_kept_no_longer_such_a_report_knows_the_numbers_but_not_why(core, app, monkeypatch):
    history = random_history(core, app.number, 41)
    number = history[0].campaign.id
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE run SET state = 'finished', finished_at = created_at"))
    roll(core, NOW + HOUR)
    with core.work(OPERATOR) as work:
        work.session.execute(text("DELETE FROM receipt"))
        work.session.execute(text("DELETE FROM delivery"))
    monkeypatch.setattr(reports, "MANY", 0)
    report = report_of(core, app.number, number, NOW + 2 * DAY)
    assert as_words(report.totals) == words_of(of_campaign(history, number))
    assert sum(report.states.values()) == report.totals.audience
    assert {row.reason for row in report.by_reason} == {""}
