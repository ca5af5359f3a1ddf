"""Schedules that are changed, or met late, in between: nothing is sent twice, and nothing that was asked for is lost."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import CampaignState, PauseReason, RunState
from backend.errors import WrongState
from backend.models import Run
from backend.services import campaigns, holds, occasions
from backend.services.apps import AppRow
from tests.services.test_occasions import DAILY, DAY, HOUR, MINUTE, NINE, OWN, at, days, launched
from tests.services.test_triggers import World

AT_NINE = {"kind": "at", "at": NINE.isoformat()}


def test_of_several_that_are_a_little_late_nobody_gets_more_than_the_latest(core: Core, app: AppRow):
    hourly = {**DAILY, "rrule": "FREQ=HOURLY"}
    desk = launched(core, app, schedule=hourly, late={"minutes": 180, "then": "skip"})
    desk.tick(NINE + 2 * HOUR + 5 * MINUTE)
    assert desk.names() == [(NINE + 2 * HOUR).isoformat()]
    assert [entry["occasions"] for entry in desk.missed()] == [2]


def test_on_peoples_own_clocks_an_older_one_goes_to_those_only_who_do_not_get_the_next_at_once(core: Core, app: AppRow):
    desk = launched(core, app, NINE - 3 * DAY, schedule=OWN, late={"minutes": 7 * 24 * 60, "then": "skip"})
    now = desk.row().due_at + 2 * DAY + HOUR
    desk.tick(now)
    assert [(run.occasion, run.missed_before) for run in desk.runs()] == [
        ("2026-12-01T09:00", now - DAY), ("2026-12-02T09:00", now - DAY), ("2026-12-03T09:00", None),
    ]  # fmt: skip
    hours = launched(core, app, NINE - 3 * DAY, schedule=OWN, late={"minutes": 30, "then": "skip"})
    hours.tick(now)
    assert [run.missed_before for run in desk.runs()[3:]] == [now - 30 * MINUTE] * 2


def test_what_was_scheduled_may_go_out_now_after_all(core: Core, app: AppRow):
    desk = launched(core, app, NINE - 3 * DAY, schedule=AT_NINE)
    desk.act(campaigns.update, NINE - DAY, {"schedule": {"kind": "now"}})
    desk.tick(NINE - DAY)
    assert (desk.names(), desk.missed()) == (["once"], [])
    assert desk.runs()[0].due_at == NINE - DAY


@pytest.mark.parametrize(("past", "missed"), [("send_now", False), ("next_day", False), ("skip", True)])
def test_a_changed_local_time_counts_from_the_change(core: Core, app: AppRow, past: str, missed: bool):
    desk = launched(
        core, app, NINE - 3 * DAY, schedule={"kind": "local_time", "wall": "2026-12-05T09:00", "past": past}
    )
    desk.act(campaigns.update, NINE, {"schedule": {"kind": "local_time", "wall": "2026-12-01T09:00", "past": past}})
    assert desk.row().due_at == NINE
    desk.tick(NINE + timedelta(seconds=1))
    (run,) = desk.runs()
    assert (run.due_at, run.missed_before) == (NINE, NINE if missed else None)
    assert run.timing == {"wall": "2026-12-01T09:00", "past": past, "from": NINE.isoformat()}


def test_a_change_that_comes_too_late_is_refused_and_not_half_made(core: Core, app: AppRow):
    desk = launched(core, app, schedule=AT_NINE)
    later = {"kind": "at", "at": (NINE + DAY).isoformat()}
    with pytest.raises(WrongState):
        desk.act(campaigns.update, NINE, {"schedule": later})
    desk.tick(NINE)
    assert (desk.names(), desk.row().state) == (["once"], CampaignState.FINISHED)


@pytest.mark.parametrize(("rrule", "next_due"), [("FREQ=DAILY", NINE + DAY), ("FREQ=DAILY;COUNT=1", None)])
def test_what_came_due_while_it_was_paused_and_mended_is_sent_by_the_mended_one(
    core: Core, app: AppRow, rrule: str, next_due: datetime | None
):
    desk = launched(core, app, schedule={**DAILY, "rrule": rrule})
    desk.act(campaigns.pause, NINE - MINUTE)
    desk.act(campaigns.update, NINE + MINUTE, {"priority": "high"})
    desk.act(campaigns.resume, NINE + 2 * MINUTE)
    desk.tick(NINE + 2 * MINUTE)
    assert desk.names() == days(0)
    assert desk.runs()[0].priority == 1
    assert desk.row().due_at == next_due


def test_no_patience_at_all_is_no_reason_to_send_nothing(core: Core, app: AppRow):
    """The clock looks twice a second, so that all is late by something."""
    desk = launched(core, app, schedule=DAILY, late={"minutes": 0, "then": "skip"})
    desk.tick(NINE + timedelta(seconds=2))
    assert (desk.names(), desk.missed()) == (days(0), [])
    desk.tick(NINE + DAY + 2 * MINUTE)
    assert desk.names() == days(0)
    event = World(core, app)
    event.person("ana")
    campaign = event.campaign({"kind": "event", "event": "seen"}, late={"minutes": 0, "then": "skip"})
    event.tell(("ana", "seen"))
    assert event.tick(seconds=2) == 1
    assert event.entries(campaign) == {"fired": 1}


def test_what_recurs_ends_with_its_last_moment(core: Core, app: AppRow):
    desk = launched(core, app, schedule=DAILY, not_after=(NINE + DAY + HOUR).isoformat())
    desk.tick(NINE)
    assert desk.row().due_at == NINE + DAY
    desk.tick(NINE + DAY)
    assert (desk.names(), desk.row().due_at, desk.row().state) == (days(0, 1), None, CampaignState.FINISHED)


def test_a_run_that_waits_for_its_lane_stays_paused_with_its_campaign(core: Core, app: AppRow):
    desk = launched(core, app, schedule=DAILY)
    with at(core, NINE).work(OPERATOR) as work:
        occasions.tick(work)
        waiting = {"state": RunState.PAUSED, "pause_reason": PauseReason.CREDENTIAL, "planned_at": NINE}
        work.session.execute(update(Run).values(**waiting))
    desk.act(campaigns.pause, NINE)
    holds.tick(at(core, NINE + MINUTE))
    assert [(run.state, run.pause_reason) for run in desk.runs()] == [(RunState.PAUSED, PauseReason.MEMBER)]
    desk.act(campaigns.resume, NINE + 2 * MINUTE)
    assert [run.state for run in desk.runs()] == [RunState.RUNNING]
