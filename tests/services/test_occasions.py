"""Occasions: each once, whatever the clock does and wherever a process stops; what is late follows its campaign."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from backend import scheduler
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import CampaignState, RunState
from backend.errors import Invalid, WrongState
from backend.models import AuditEntry, Campaign, Category, EventTrigger, Revision, Rollup, Run
from backend.services import analytics, campaigns, occasions, timing, upkeep
from backend.services.apps import AppRow
from backend.services.campaigns import CampaignDetail
from tests.factories import definition
from tests.push_rows import add_deliveries

NINE = datetime(2026, 12, 1, 8, tzinfo=UTC)
"""Nine in Warsaw."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DAILY = {"kind": "recurring", "rrule": "FREQ=DAILY", "start": "2026-12-01T09:00", "zone": "Europe/Warsaw"}
OWN = {**DAILY, "zone": "user"}
CART = {"kind": "event", "event": "cart"}


def at(core: Core, now: datetime) -> Core:
    return replace(core, clock=lambda: now)


class Desk:
    """One campaign of the app, acted on at times of the test's choosing, each time by a product just started."""

    def __init__(self, core: Core, app: AppRow, now: datetime = NINE - DAY, **changes: Any) -> None:
        self.core, self.app = core, app
        with at(core, now).work(OPERATOR, app.number) as work:
            self.id = campaigns.create(work, definition(**changes)).row.id

    def act(self, verb: Callable[..., CampaignDetail], now: datetime = NINE - DAY, *given: Any) -> CampaignDetail:
        with at(self.core, now).work(OPERATOR, self.app.number) as work:
            return verb(work, self.id, *given)

    def tick(self, now: datetime) -> None:
        """Every tick of the clock, each twice."""
        for tick in (scheduler.launch, scheduler.settle):
            tick(at(self.core, now))
            tick(at(self.core, now))

    def runs(self) -> list[Run]:
        with self.core.reading(OPERATOR) as work:
            return list(work.session.execute(select(Run).where(Run.kind == "send").order_by(Run.id)).scalars())

    def names(self) -> list[str]:
        return [run.occasion for run in self.runs()]

    def row(self) -> Any:
        with self.core.reading(OPERATOR, self.app.number) as work:
            return campaigns.get(work, self.id).row

    def missed(self) -> list[dict[str, Any]]:
        with self.core.reading(OPERATOR) as work:
            found = select(AuditEntry.detail).where(AuditEntry.action == "campaign.missed").order_by(AuditEntry.id)
            return list(work.session.execute(found).scalars())


def launched(core: Core, app: AppRow, now: datetime = NINE - DAY, **changes: Any) -> Desk:
    desk = Desk(core, app, now, **changes)
    desk.act(campaigns.launch, now)
    return desk


def days(*numbers: int) -> list[str]:
    return [(NINE + number * DAY).isoformat() for number in numbers]


def test_each_day_has_its_run_once_and_the_campaign_goes_on(core: Core, app: AppRow):
    desk = launched(core, app, schedule=DAILY)
    assert desk.row().state == CampaignState.ACTIVE
    assert desk.row().due_at == NINE
    assert desk.row().repeats
    assert desk.row().schedule_text == "Every day at 09:00, in the time zone Europe/Warsaw"
    desk.tick(NINE - timedelta(seconds=1))
    assert desk.names() == []
    for number in range(3):
        desk.tick(NINE + number * DAY)
        assert desk.names() == days(*range(number + 1))
        assert desk.row().due_at == NINE + (number + 1) * DAY
    assert {run.state for run in desk.runs()} == {RunState.FINISHED}
    assert desk.row().state == CampaignState.ACTIVE
    assert desk.missed() == []


def test_a_clock_that_is_put_back_or_forward_an_hour_repeats_and_loses_nothing(core: Core, app: AppRow):
    desk = launched(core, app, schedule={**DAILY, "rrule": "FREQ=HOURLY"})
    for now in (NINE, NINE - HOUR, NINE, NINE + HOUR, NINE, NINE + HOUR, NINE + 2 * HOUR, NINE + HOUR, NINE + 3 * HOUR):
        desk.tick(now)
    assert desk.names() == [(NINE + number * HOUR).isoformat() for number in range(4)]
    assert desk.missed() == []


def test_a_process_that_dies_before_its_commit_loses_and_repeats_nothing(core: Core, app: AppRow):
    def dies(now: datetime, begun: list[str]) -> None:
        with at(core, now).work(OPERATOR) as work:
            occasions.tick(work)
            assert work.session.execute(select(Run.occasion).where(Run.state == "planning")).scalars().all() == begun
            raise KeyboardInterrupt

    desk = launched(core, app, schedule=DAILY)
    for number in range(2):
        now = NINE + number * DAY
        with pytest.raises(KeyboardInterrupt):
            dies(now, days(number))
        assert desk.names() == days(*range(number))
        desk.tick(now)
        assert desk.names() == days(*range(number + 1))


def test_an_occasion_that_has_its_run_is_not_begun_again_even_if_the_campaign_says_so(core: Core, app: AppRow):
    desk = launched(core, app, schedule=DAILY)
    desk.tick(NINE)
    with core.work(OPERATOR) as work:
        work.session.execute(update(Campaign).values(due_at=NINE))
    desk.tick(NINE + MINUTE)
    assert desk.names() == days(0)
    assert desk.row().due_at == NINE + DAY


@pytest.mark.parametrize(("then", "runs"), [("skip", []), ("send", days(2)), ("ask", days(2))])
def test_after_days_without_a_machine_the_latest_follows_the_policy(
    core: Core, app: AppRow, then: str, runs: list[str]
):
    desk = launched(core, app, schedule=DAILY, late={"minutes": 60, "then": then})
    now = NINE + 2 * DAY + 2 * HOUR
    desk.tick(now)
    assert desk.names() == runs
    missed = {
        "occasions": 3 if then == "skip" else 2,
        "due_at": days(0)[0],
        "until": days(2 if then == "skip" else 1)[0],
    }
    assert desk.missed() == [missed]
    if then == "ask":
        row = desk.row()
        assert (row.state, row.pause_reason) == (CampaignState.PAUSED, "member")
        assert row.pause_detail == "It was due at 2026-12-03 08:00 UTC and could not begin then. Resume to send it now."
        desk.tick(now + DAY)
        assert desk.names() == runs
        desk.act(campaigns.resume, now + MINUTE)
    desk.tick(now + MINUTE)
    assert desk.row().state == CampaignState.ACTIVE
    assert desk.row().due_at == NINE + 3 * DAY
    assert {run.state for run in desk.runs()} <= {RunState.FINISHED}


def test_a_little_late_is_in_time(core: Core, app: AppRow):
    desk = launched(core, app, schedule=DAILY, late={"minutes": 60, "then": "skip"})
    desk.tick(NINE + HOUR)
    assert desk.names() == days(0)
    assert desk.runs()[0].missed_before is None


def test_on_peoples_own_clocks_those_who_have_not_missed_it_still_get_it(core: Core, app: AppRow):
    desk = launched(core, app, NINE - 3 * DAY, schedule=OWN, late={"minutes": 30, "then": "skip"})
    begins = datetime(2026, 11, 30, 19, tzinfo=UTC)
    assert desk.row().due_at == begins
    now = (
        begins + DAY + HOUR
    )  # the first day is over for all but the last hour of zones, the second has begun an hour ago
    desk.tick(now)
    assert desk.names() == ["2026-12-01T09:00", "2026-12-02T09:00"]
    assert [run.missed_before for run in desk.runs()] == [now - 30 * MINUTE] * 2
    assert [run.timing for run in desk.runs()] == [{"wall": "2026-12-01T09:00"}, {"wall": "2026-12-02T09:00"}]
    assert desk.missed() == []
    desk.tick(begins + 4 * DAY)
    assert desk.names()[2:] == ["2026-12-04T09:00", "2026-12-05T09:00"]
    assert [entry["occasions"] for entry in desk.missed()] == [1]


@pytest.mark.parametrize("then", ["skip", "send", "ask"])
def test_what_is_sent_once_follows_its_policy_too(core: Core, app: AppRow, then: str):
    schedule = {"kind": "at", "at": NINE.isoformat()}
    desk = launched(core, app, schedule=schedule, late={"minutes": 10, "then": then})
    desk.tick(NINE + 11 * MINUTE)
    expected = {"skip": CampaignState.CANCELLED, "send": CampaignState.FINISHED, "ask": CampaignState.PAUSED}
    assert desk.row().state == expected[then]
    assert desk.names() == ([] if then == "skip" else ["once"])
    assert len(desk.missed()) == (then == "skip")


def test_a_local_time_that_began_unseen_goes_to_the_rest_of_the_world(core: Core, app: AppRow):
    desk = launched(core, app, schedule={"kind": "local_time", "wall": "2026-12-01T12:00"})
    begins = datetime(2026, 11, 30, 22, tzinfo=UTC)
    assert desk.row().state == CampaignState.SCHEDULED
    assert desk.row().due_at == begins
    now = begins + 3 * HOUR
    desk.tick(now)
    assert [(run.occasion, run.missed_before) for run in desk.runs()] == [("once", now - HOUR)]
    late = launched(core, app, schedule={"kind": "local_time", "wall": "2026-12-05T12:00"})
    late.tick(begins + 4 * DAY + 27 * HOUR)
    assert late.row().state == CampaignState.CANCELLED


@pytest.mark.parametrize(("past", "missed"), [("send_now", None), ("next_day", None), ("skip", NINE)])
def test_a_local_time_that_some_clocks_are_past_begins_at_once(
    core: Core, app: AppRow, past: str, missed: datetime | None
):
    desk = launched(core, app, NINE, schedule={"kind": "local_time", "wall": "2026-12-01T09:00", "past": past})
    (run,) = desk.runs()
    assert (run.due_at, run.missed_before) == (NINE, missed)
    assert run.timing == {"wall": "2026-12-01T09:00", "past": past, "from": NINE.isoformat()}
    desk.tick(NINE)
    assert desk.row().state == CampaignState.FINISHED


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ({"kind": "at", "at": (NINE - MINUTE).isoformat()}, "schedule.at"),
        ({"kind": "local_time", "wall": "2026-11-30T19:59"}, "schedule.wall"),
        ({"kind": "best_hour", "date": "2026-11-29"}, "schedule.date"),
        ({**DAILY, "start": "2026-11-01T09:00", "until": "2026-12-01"}, "schedule.rrule"),
    ],
)
def test_what_has_passed_everywhere_is_not_launched(core: Core, app: AppRow, schedule: dict[str, Any], field: str):
    desk = Desk(core, app, schedule=schedule)
    with pytest.raises(Invalid) as caught:
        desk.act(campaigns.launch, NINE)
    assert [error.field for error in caught.value.errors] == [field]


def test_a_rule_that_ends_finishes_its_campaign_with_its_last_run(core: Core, app: AppRow):
    desk = launched(core, app, schedule={**DAILY, "rrule": "FREQ=DAILY;COUNT=2"})
    desk.tick(NINE)
    with at(core, NINE + DAY).work(OPERATOR) as work:
        occasions.tick(work)
    assert desk.row().due_at is None
    assert desk.row().state == CampaignState.ACTIVE
    desk.tick(NINE + DAY)
    assert desk.row().state == CampaignState.FINISHED
    assert desk.row().finished_at == NINE + DAY
    desk.tick(NINE + 2 * DAY)
    assert desk.names() == days(0, 1)


def test_a_last_occasion_that_is_missed_finishes_the_campaign_as_well(core: Core, app: AppRow):
    desk = launched(core, app, schedule={**DAILY, "rrule": "FREQ=DAILY;COUNT=1"})
    desk.tick(NINE + 2 * HOUR)
    assert (desk.row().state, desk.names()) == (CampaignState.FINISHED, [])


def test_pause_resume_and_cancel_reach_every_open_run(core: Core, app: AppRow):
    desk = launched(core, app, schedule={**DAILY, "rrule": "FREQ=HOURLY"})
    for number in range(2):
        with at(core, NINE + number * HOUR).work(OPERATOR) as work:
            occasions.tick(work)
    desk.act(campaigns.pause, NINE + HOUR)
    assert [run.state for run in desk.runs()] == [RunState.PAUSED] * 2
    desk.tick(NINE + 2 * HOUR)
    assert len(desk.runs()) == 2
    assert desk.row().state == CampaignState.PAUSED
    desk.act(campaigns.resume, NINE + 2 * HOUR)
    assert [run.state for run in desk.runs()] == [RunState.PLANNING] * 2
    assert desk.row().state == CampaignState.ACTIVE
    desk.act(campaigns.cancel, NINE + 2 * HOUR)
    assert [run.state for run in desk.runs()] == [RunState.CANCELLED] * 2
    desk.tick(NINE + 3 * HOUR)
    assert (len(desk.runs()), desk.row().state, desk.row().due_at) == (2, CampaignState.CANCELLED, None)


def test_a_paused_campaign_is_not_finished_by_its_last_run_but_by_going_on(core: Core, app: AppRow):
    desk = launched(core, app, schedule={**DAILY, "rrule": "FREQ=DAILY;COUNT=1"})
    with at(core, NINE).work(OPERATOR) as work:
        occasions.tick(work)
    desk.act(campaigns.pause, NINE)
    with core.work(OPERATOR) as work:
        work.session.execute(update(Run).values(state="running", planned_at=NINE))
    upkeep.finish_runs(core)
    assert (desk.runs()[0].state, desk.row().state) == (RunState.FINISHED, CampaignState.PAUSED)
    desk.act(campaigns.resume, NINE)
    assert desk.row().state == CampaignState.FINISHED


def test_a_change_of_what_recurs_is_a_new_revision_for_later_runs(core: Core, app: AppRow):
    desk = launched(core, app, schedule=DAILY)
    desk.tick(NINE)
    later = {**DAILY, "start": "2026-12-01T10:00"}
    changed = desk.act(campaigns.update, NINE + HOUR, {"priority": "high", "schedule": later})
    assert (changed.revision, changed.row.state) == (2, CampaignState.ACTIVE)
    assert changed.row.due_at == NINE + DAY + HOUR
    desk.tick(NINE + DAY + HOUR)
    first, second = desk.runs()
    assert second.revision_id != first.revision_id
    assert (first.priority, second.priority) == (0, 1)
    for schedule in ({"kind": "now"}, CART):
        with pytest.raises(Invalid, match="must stay recurring"):
            desk.act(campaigns.update, NINE + 2 * DAY, {"schedule": schedule})
    with pytest.raises(Invalid, match="has passed"):
        desk.act(campaigns.update, NINE + 2 * DAY, {"schedule": {**DAILY, "until": "2026-12-02"}})


def test_a_change_at_the_very_moment_begins_what_is_due_first(core: Core, app: AppRow):
    desk = launched(core, app, schedule=DAILY)
    desk.act(campaigns.update, NINE, {"priority": "high"})
    assert desk.names() == days(0)
    assert desk.runs()[0].priority == 0
    assert desk.row().due_at == NINE + DAY


def test_what_is_sent_once_cannot_be_changed_once_it_runs(core: Core, app: AppRow):
    desk = launched(core, app, NINE)
    with pytest.raises(WrongState):
        desk.act(campaigns.update, NINE, {"priority": "high"})
    desk.act(campaigns.pause, NINE)
    with pytest.raises(WrongState):
        desk.act(campaigns.update, NINE, {"priority": "high"})


def test_a_scheduled_campaign_may_become_a_draft_again(core: Core, app: AppRow):
    desk = launched(core, app, schedule={"kind": "at", "at": NINE.isoformat()})
    draft = desk.act(campaigns.unschedule)
    assert (draft.row.state, draft.row.due_at, draft.row.launched_at, draft.revision) == ("draft", None, None, None)
    desk.tick(NINE)
    assert desk.names() == []
    with pytest.raises(WrongState):
        desk.act(campaigns.unschedule)
    desk.act(campaigns.launch, NINE - HOUR)
    desk.tick(NINE)
    assert desk.names() == ["once"]
    with pytest.raises(WrongState):
        desk.act(campaigns.unschedule)


def test_a_scheduled_campaign_may_get_another_time_but_not_another_nature(core: Core, app: AppRow):
    desk = launched(core, app, schedule={"kind": "at", "at": NINE.isoformat()})
    desk.act(campaigns.update, NINE - DAY, {"schedule": {"kind": "at", "at": (NINE + DAY).isoformat()}})
    assert desk.row().due_at == NINE + DAY
    with pytest.raises(Invalid, match="must stay at"):
        desk.act(campaigns.update, NINE - DAY, {"schedule": DAILY})
    with pytest.raises(Invalid, match="has passed"):
        desk.act(campaigns.update, NINE + HOUR, {"schedule": {"kind": "at", "at": NINE.isoformat()}})


def test_an_event_campaign_listens_while_it_is_active(core: Core, app: AppRow):
    def heard() -> list[str]:
        with core.reading(OPERATOR) as work:
            return list(work.session.execute(select(EventTrigger.event)).scalars())

    desk = launched(core, app, schedule=CART)
    assert (desk.row().state, desk.row().due_at, heard()) == (CampaignState.ACTIVE, None, ["cart"])
    desk.act(campaigns.update, NINE, {"schedule": {**CART, "event": "basket"}})
    assert heard() == ["basket"]
    desk.act(campaigns.pause, NINE)
    assert heard() == ["basket"]
    desk.act(campaigns.resume, NINE)
    assert desk.row().state == CampaignState.ACTIVE
    desk.tick(NINE)
    desk.act(campaigns.cancel, NINE)
    assert (heard(), desk.row().state) == ([], CampaignState.CANCELLED)


def test_a_copy_keeps_what_repeats_and_no_date(core: Core, app: AppRow):
    assert Desk(core, app, schedule=DAILY).act(campaigns.duplicate).definition["schedule"]["kind"] == "recurring"
    dated = Desk(core, app, schedule={"kind": "best_hour", "date": "2026-12-01"})
    assert dated.act(campaigns.duplicate).definition["schedule"] == {"kind": "now"}


def test_a_run_keeps_what_caps_and_lanes_ask_of_it(core: Core, app: AppRow):
    desk = launched(
        core, app, NINE, priority="high", throttle_per_minute=60, spread_minutes=5, not_after=(NINE + DAY).isoformat()
    )
    with core.reading(OPERATOR) as work:
        kinds = {one.slug: one.id for one in work.session.execute(select(Category)).scalars()}
    (run,) = desk.runs()
    assert (run.category_id, run.priority, run.counts) == (kinds["marketing"], 1, True)
    assert (run.throttle_per_minute, run.timing, run.not_after) == (60, {"spread": 5}, NINE + DAY)
    mandatory = launched(core, app, NINE, category="transactional")
    assert mandatory.runs()[-1].counts is False
    with core.work(OPERATOR, app.number) as work:
        revision = work.session.execute(select(Revision.id).order_by(Revision.id)).scalars().first()
        campaign = work.session.get(Campaign, 1)
        test = occasions.start(work, campaign, revision, occasion="test:1", due_at=work.now, kind="test")
        assert (test.counts, test.timing, test.throttle_per_minute, test.not_after) == (False, {}, None, None)


def test_the_figures_of_what_repeats_are_those_of_all_its_runs(core: Core, app: AppRow):
    desk = launched(core, app, schedule={**DAILY, "rrule": "FREQ=HOURLY"})
    assert desk.row().progress is None
    for number in range(3):
        desk.tick(NINE + number * HOUR)
        add_deliveries(core, desk.runs()[-1].id, ["accepted"] * (number + 1), due_at=NINE, ended_at=NINE)
    progress = desk.row().progress
    assert (progress.audience, progress.accepted, progress.open) == (6, 6, 0)
    scheduler.roll_up(at(core, NINE + 4 * HOUR))
    with core.reading(OPERATOR, app.number) as work:
        assert work.session.execute(select(Rollup.run_id)).first() is not None
        report = analytics.report(work, desk.id)
        assert [row.progress.accepted for row in campaigns.listing(work).items] == [6]
    assert (report.totals.accepted, [run.totals.accepted for run in report.runs]) == (6, [3, 2, 1])
    assert desk.row().progress.accepted == 6


def test_a_schedule_is_previewed_in_words_with_its_next_dates(core: Core, app: AppRow):
    with at(core, NINE).reading(OPERATOR, app.number) as work:
        shown = timing.preview(work, OWN)
        assert shown.words == "Every day at 09:00, in each person's own time zone"
        assert (shown.zone, shown.problem, len(shown.dates)) == ("UTC", None, 5)
        assert shown.dates[0] == datetime(2026, 12, 2, 9, tzinfo=UTC)
        assert timing.preview(work, DAILY).zone == "Europe/Warsaw"
        wrong = timing.preview(work, {"kind": "recurring", "rrule": "FREQ=NEVER", "start": "2026-12-01T09:00"})
        assert (wrong.words, wrong.dates) == ("", ())
        assert wrong.problem is not None
        assert wrong.problem.startswith("schedule.rrule: cannot be read")
        over = timing.preview(work, {"kind": "at", "at": (NINE - DAY).isoformat()})
        assert (over.words, over.dates, over.problem) == (
            "On 30 November 2026 at 08:00 (UTC)", (), "It has no date to come.",
        )  # fmt: skip
