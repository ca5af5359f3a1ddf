"""The delivery section, the launch and what repeats, through their states over a real database."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import campaigns, credentials, events, occasions, policies, subscribers
from backend.services.events import EventIn
from backend.services.registration import DeviceIn
from console import routes
from console.states.campaigns import CampaignsState
from console.states.compose import SAVED, UNSAVED, ComposeState
from console.states.content import ContentState
from console.states.drafts import DraftState
from console.states.launch import LaunchState
from console.states.recurring import KEPT, RecurringState
from console.states.report import ReportState
from console.states.runs import RunsState
from console.states.schedule import ScheduleState
from console.states.send_rules import SendRulesState
from console.states.trigger import TriggerState
from tests.factories import typed

# The example subscription of RFC 8291.
KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
FORMS = (ComposeState, ContentState, ScheduleState, RecurringState, TriggerState, SendRulesState)


@pytest.fixture
def editor(visitor):
    return visitor(Role.EDITOR)


@pytest.fixture
def work(console, shop):
    return lambda: console.work(OPERATOR, shop.number)


@pytest.fixture
def people(work):
    with work() as unit:
        credentials.add_credential(unit, "webpush", {"subject": "mailto:ops@example.test"})
        subscription = {"endpoint": "https://fcm.googleapis.com/fcm/send/1", "keys": KEYS}
        device = {"platform": "web", "subscription": subscription, "user_id": "ann", "permission": "granted"}
        subscribers.register_device(unit, DeviceIn.model_validate(device), holder=None, trusted=True)


async def draft(editor):
    answer = await editor.do(DraftState.start)
    address = answer[0].args[0][1]._var_value
    await reopen(editor, address)
    return address


async def reopen(editor, address):
    editor.at(address)
    for state in FORMS:
        await editor.do(state.load)


async def stored(editor):
    return json.loads((await editor.state(ComposeState))._stored)


async def test_another_kind_and_back_loses_nothing(editor):
    address = await draft(editor)
    await editor.do(ScheduleState.choose_kind, "local_time")
    await editor.do(ScheduleState.put, "wall", "2030-12-01T09:00")
    await editor.do(ScheduleState.put, "past", "skip")
    await editor.do(RecurringState.choose)
    await editor.do(RecurringState.put, "every", "2")
    await editor.do(TriggerState.choose)
    await editor.do(TriggerState.use_example)
    await editor.do(ScheduleState.choose_kind, "local_time")
    assert (await stored(editor))["schedule"] == {"kind": "local_time", "wall": "2030-12-01T09:00", "past": "skip"}
    await editor.do(RecurringState.choose)
    assert "INTERVAL=2" in (await stored(editor))["schedule"]["rrule"]
    await reopen(editor, address)
    form = (await editor.state(RecurringState)).form
    assert (form.every, form.custom, (await editor.state(ScheduleState)).kind) == ("2", False, "recurring")


async def test_a_refused_field_keeps_its_text_and_says_why(editor):
    await draft(editor)
    await editor.do(RecurringState.choose)
    await editor.do(RecurringState.put, "every", "often")
    compose, form = await editor.state(ComposeState), (await editor.state(RecurringState)).form
    assert (compose.saved, form.every) == (UNSAVED, "often")
    assert compose.errors.schedule.rule
    assert (await editor.state(ScheduleState)).shown.words == ""
    await editor.do(ComposeState.rename, "Another field")
    assert compose.errors.schedule.rule, "saving another field must not hide it"
    await editor.do(RecurringState.put, "every", "3")
    assert (compose.saved, compose.name) == (SAVED, "Another field")
    assert (await editor.state(ScheduleState)).shown.words.startswith("Every 3 weeks on ")


async def test_the_next_five_dates_are_read_back(editor):
    await draft(editor)
    await editor.do(RecurringState.choose)
    for name, value in {"unit": "month", "month_by": "place", "place": "2", "place_day": "TU"}.items():
        await editor.do(RecurringState.put, name, value)
    await editor.do(RecurringState.put, "starts", "2030-01-01")
    await editor.do(RecurringState.leave_out, {"exclude": "2030-03-12"})
    shown = (await editor.state(ScheduleState)).shown
    assert [date[4:] for date in shown.dates] == [
        "8 Jan 2030, 09:00", "12 Feb 2030, 09:00", "9 Apr 2030, 09:00", "14 May 2030, 09:00", "11 Jun 2030, 09:00",
    ]  # fmt: skip
    assert "Europe/Warsaw" in shown.note


async def test_a_custom_rule_that_fields_cannot_say_stays_text(editor):
    await draft(editor)
    await editor.do(RecurringState.choose)
    await editor.do(RecurringState.customise, True)
    await editor.do(RecurringState.put, "rule", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1")
    assert "on the last weekday" in (await editor.state(ScheduleState)).shown.words
    await editor.do(RecurringState.customise, False)
    state = await editor.state(RecurringState)
    assert (state.form.custom, state.problem) == (True, KEPT)
    await editor.do(RecurringState.put, "rule", "FREQ=MONTHLY;BYDAY=2TU")
    await editor.do(RecurringState.customise, False)
    assert (state.form.custom, state.form.unit, state.form.place) == (False, "month", "2")


@pytest.mark.parametrize("value", [None, 5, {}, [], "x" * 100_000, "\x00", "9999-99-99T99:99"])
async def test_whatever_a_browser_sends_breaks_no_handler(editor, value):
    await draft(editor)
    for state, names in (
        (ScheduleState, ("at", "zone", "wall", "past", "date", "nonsense")),
        (RecurringState, ("every", "unit", "month_day", "rule", "starts", "ends", "until", "count", "clock", "zone")),
        (TriggerState, ("event", "wait", "delay", "step", "wall", "cancel", "again", "days")),
        (SendRulesState, ("quiet_hours", "ignore_caps", "throttle", "spread", "late_minutes", "not_after", "holdout")),
    ):
        for name in names:
            await editor.do(state.put, name, value)
    await editor.do(RecurringState.put_time, value, value)
    await editor.do(RecurringState.drop_time, value)
    await editor.do(RecurringState.leave_out, {"exclude": value})
    await editor.do(RecurringState.take_back, value)
    await editor.do(RecurringState.toggle_day, value)
    await editor.do(RecurringState.customise, value)
    await editor.do(TriggerState.add_condition, value)
    await editor.do(TriggerState.put_condition, value, value, value, value)
    await editor.do(TriggerState.drop_condition, value, value)
    await editor.do(ScheduleState.choose_kind, value)
    assert (await stored(editor))["name"]


async def test_the_policies_are_told_for_the_category(editor, work):
    with work() as unit:
        rules = {"quiet_hours": [{"start": "22:00", "end": "08:00"}], "caps": [{"kind": "daily", "pushes": 2}]}
        policies.put(unit, policies.PoliciesIn.model_validate(rules))
    await draft(editor)
    facts = (await editor.state(SendRulesState)).facts
    assert "22:00–08:00" in facts.quiet
    assert facts.caps == "All categories together: 2 pushes in a calendar day."
    assert not facts.mandatory
    await editor.do(SendRulesState.look, "transactional")
    assert (await editor.state(SendRulesState)).facts.mandatory


async def test_a_scheduled_campaign_goes_back_to_a_draft(editor, people):
    address = await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi"))
    await editor.do(ScheduleState.choose_kind, "local_time")
    await editor.do(ScheduleState.put, "wall", "2030-12-01T09:00")
    await editor.do(LaunchState.review)
    check = (await editor.state(LaunchState)).check
    assert check.when == (
        "Starts 1 Dec 09:00 in each person's own time zone, first clocks at 30 Nov 19:00 UTC; "
        "whose clock is past it gets it at once."
    )
    assert (check.action, check.possible) == ("Schedule", True)
    await editor.do(LaunchState.launch)
    campaign = (await editor.state(ComposeState))._id
    await editor.do(CampaignsState.load)
    row = (await editor.state(CampaignsState)).rows[0]
    assert (row.state, row.moment, row.schedule[:18]) == ("scheduled", "First clocks", "On 1 December 2030")
    editor.at(routes.campaign(campaign))
    await editor.do(ReportState.load)
    await editor.do(ReportState.unschedule)
    await reopen(editor, address)
    assert (await editor.state(ComposeState)).state == "draft"


async def activated(editor):
    await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi"))
    await editor.do(RecurringState.choose)
    await editor.do(RecurringState.put, "clock", "zone")
    await editor.do(RecurringState.put, "unit", "day")
    await editor.do(LaunchState.review)
    check = (await editor.state(LaunchState)).check
    assert (check.action, check.whom) == ("Activate", "")
    assert "Europe/Warsaw; first on " in check.when
    await editor.do(LaunchState.launch)
    return (await editor.state(ComposeState))._id


async def test_what_repeats_is_watched_paused_and_cancelled(editor, people):
    campaign = await activated(editor)
    await editor.do(CampaignsState.load)
    state = await editor.state(CampaignsState)
    assert (state.rows[0].state, state.rows[0].moment, state.pending, state.live) == ("active", "Next", True, False)
    await editor.do(CampaignsState.pause, campaign)
    assert state.rows[0].state == "paused"
    await editor.do(CampaignsState.resume, campaign)
    assert state.rows[0].state == "active"
    await editor.do(CampaignsState.cancel, campaign)
    assert state.rows[0].state == "cancelled"


async def test_what_repeats_can_be_edited_while_it_goes_on(editor, people):
    campaign = await activated(editor)
    await reopen(editor, routes.edit_campaign(campaign))
    compose = await editor.state(ComposeState)
    assert (compose.state, compose.ready) == ("active", True)
    await editor.do(RecurringState.put, "every", "2")
    assert compose.saved == SAVED


async def test_the_runs_are_listed_a_page_at_a_time(editor, people, console, shop):
    campaign = await activated(editor)
    later = replace(console, clock=lambda: console.clock() + timedelta(days=30))
    with later.work(OPERATOR, shop.number) as unit:
        found = campaigns.find(unit, campaign)
        for number in range(23):
            at = unit.now - timedelta(hours=number)
            occasions.start(unit, found, found.revision_id, occasion=f"{number}", due_at=at)
    editor.at(routes.campaign(campaign))
    await editor.do(RunsState.load)
    state = await editor.state(RunsState)
    assert (len(state.runs), state.more, state.page) == (20, True, 1)
    await editor.do(RunsState.older)
    assert (len(state.runs), state.more, state.page) == (3, False, 2)
    assert len({row.id for row in state.runs}) == 3
    await editor.do(RunsState.older)
    assert state.page == 2
    await editor.do(RunsState.newer)
    assert (len(state.runs), state.page) == (20, 1)
    await editor.do(RunsState.look_at, "nonsense")
    assert state.only == ""


async def test_an_event_campaign_tells_who_has_entered(editor, people, work):
    await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi"))
    await editor.do(TriggerState.use_example)
    assert "cart_abandoned" in (await stored(editor))["schedule"]["event"]
    await editor.do(LaunchState.review)
    await editor.do(LaunchState.launch)
    campaign = (await editor.state(ComposeState))._id
    with work() as unit:
        events.record_events(unit, [EventIn(name="cart_abandoned", user_id="ann")])
    editor.at(routes.campaign(campaign))
    await editor.do(ReportState.load)
    await editor.do(RunsState.load)
    report, runs = await editor.state(ReportState), await editor.state(RunsState)
    assert {one.label: one.count for one in report.shown.firings}["Waiting"] == "1"
    assert [(row.person, row.state) for row in runs.entries] == [("ann", "Waiting")]
    await editor.do(RunsState.look_at, "fired")
    assert (runs.only, runs.entries) == ("fired", ())
