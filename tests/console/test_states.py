"""The pages' states over a real database."""

import json

import pytest
from sqlmodel import select

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.models import Campaign, Run
from backend.services import apps, campaigns, credentials, lists, messages, segmentation, subscribers
from backend.services.registration import DeviceIn
from console import routes
from console.rows.delivery_errors import NUMBER
from console.states.apps import AppsState
from console.states.audience import AudienceState
from console.states.campaigns import CampaignsState
from console.states.compose import SAVED, UNSAVED, ComposeState
from console.states.content import ContentState
from console.states.credentials import CredentialsState
from console.states.deliveries import DeliveriesState, DeliveryState
from console.states.drafts import DraftState
from console.states.keys import KeysState
from console.states.launch import LaunchState
from console.states.overview import OverviewState
from console.states.preview import PreviewState
from console.states.report import ReportState
from console.states.schedule import ScheduleState
from console.states.segment_rules import RulesState
from console.states.send_rules import SendRulesState
from console.states.session import SessionState
from tests.factories import typed

# The example subscription of RFC 8291.
KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


SETTINGS = {"app_name": "Shop", "locale": "en", "zone": "UTC", "threshold": "10", "error_limit": "20", "origins": ""}


@pytest.fixture
def editor(visitor):
    return visitor(Role.EDITOR)


@pytest.fixture
def admin(visitor):
    return visitor(Role.ADMIN)


@pytest.fixture
def work(console, shop):
    """Opens a unit of work in the shop."""
    return lambda: console.work(OPERATOR, shop.number)


@pytest.fixture
def people(work):
    """Two users with a browser each, reachable through a credential."""
    with work() as unit:
        credentials.add_credential(unit, "webpush", {"subject": "mailto:ops@example.test"})
        for number in range(2):
            subscription = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{number}", "keys": KEYS}
            device = {"platform": "web", "subscription": subscription, "user_id": f"u{number}", "permission": "granted"}
            subscribers.register_device(unit, DeviceIn.model_validate(device), holder=None, trusted=True)


async def draft(editor):
    """A new draft, open in the composer."""
    answer = await editor.do(DraftState.start)
    address = answer[0].args[0][1]._var_value
    await reopen(editor, address)
    return address


def only(platform):
    rule = {"field": "device.platform", "operator": "=", "value": platform}
    return {"combinator": "and", "not": False, "rules": [rule]}


async def reopen(editor, address):
    editor.at(address)
    for state in (ComposeState, ContentState, AudienceState, ScheduleState, SendRulesState, PreviewState):
        await editor.do(state.load)


async def test_the_frame_knows_its_member(editor):
    await editor.do(SessionState.enter)
    session = await editor.state(SessionState)
    assert (session.me.email, session.me.role, session.app.name) == ("editor@example.test", "editor", "Shop")


async def test_an_untouched_draft_is_taken_up_again(editor):
    first, second = await draft(editor), await draft(editor)
    assert first == second


async def test_typing_is_saved_and_rendered(editor, work):
    address = await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi {{ user.name | default('there') }}", body="New things"))
    compose, preview = await editor.state(ComposeState), await editor.state(PreviewState)
    assert compose.saved == SAVED
    assert preview.payload.spoken.text == "Shop, now, Hi there, New things"
    with work() as unit:
        stored = campaigns.get(unit, address.split("/")[2]).definition
    assert stored["variants"][0]["content"]["body"] == "New things"


async def test_a_wrong_field_is_said_in_its_place_and_kept(editor):
    await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi", image="http://example.test/x.png"))
    compose = await editor.state(ComposeState)
    assert compose.saved == UNSAVED
    assert "https" in compose.errors.image
    await editor.do(ContentState.store, typed(title="Hi", image="https://example.test/x.png"))
    assert (compose.saved, compose.errors.image) == (SAVED, "")


async def test_languages_and_buttons(editor):
    await draft(editor)
    buttons = [{"id": "buy", "title": "Buy"}, {"id": "later", "title": " "}]
    await editor.do(ContentState.store, typed(title="Sale", locales={"pl": {"title": "Wyprzedaż"}}, actions=buttons))
    compose = await editor.state(ComposeState)
    (variant,) = compose._definition()["variants"]
    assert (compose.saved, variant["content"]["locales"]) == (SAVED, {"pl": {"title": "Wyprzedaż"}})
    assert [button["id"] for button in variant["content"]["actions"]] == ["buy"]


async def test_rules_make_a_segment_of_the_campaigns_own(editor, people, work):
    address = await draft(editor)
    audience = await editor.state(AudienceState)
    assert audience.reach.devices == 2
    await editor.do(AudienceState.choose_mode, "rules")
    assert audience.problem == "Add a rule, or choose everyone."
    await editor.do(AudienceState.edit_rules, only("web"))
    assert (audience.reach.devices, audience.problem) == (2, "")
    with work() as unit:
        (segment,) = segmentation.listing(unit).items
    assert segment.name == "Only: device platform is web"
    await reopen(editor, address)
    assert (await editor.state(RulesState)).rules == segment.rules
    await editor.do(AudienceState.edit_rules, only("web"))
    with work() as unit:
        assert segmentation.listing(unit).items == (segment,)
    await editor.do(AudienceState.edit_rules, only("android"))
    assert audience.reach.devices == 0
    with work() as unit:
        (replaced,) = segmentation.listing(unit).items
    assert replaced.id != segment.id
    await editor.do(AudienceState.edit_rules, only(None))
    assert audience.problem == "Finish the marked rules."
    await editor.do(AudienceState.edit_rules, only("ios"))
    await editor.do(AudienceState.skip_unseen, "soon")
    assert "number of days" in audience.problem


async def test_a_segment_of_its_own_goes_when_nothing_needs_it(editor, people, work):
    await draft(editor)
    await editor.do(AudienceState.choose_mode, "rules")
    await editor.do(AudienceState.edit_rules, only("web"))
    await editor.do(AudienceState.choose_mode, "everyone")
    with work() as unit:
        assert segmentation.listing(unit).items == ()
    await editor.do(AudienceState.choose_mode, "rules")
    address = await draft(editor)
    await editor.do(AudienceState.choose_mode, "rules")
    await editor.do(AudienceState.edit_rules, only("web"))
    with work() as unit:
        campaigns.delete(unit, address.split("/")[2])
        kept = segmentation.listing(unit).items
    assert [one.rules for one in kept] == [only("web")]


async def test_segments_and_lists_are_taken_in_and_left_out(editor, people, work):
    with work() as unit:
        web = segmentation.create(unit, "On the web", only("web"))
        staff = lists.create(unit, lists.ListIn(name="Staff"))
        lists.add_members(unit, staff.id, ["u1"])
    address = await draft(editor)
    audience = await editor.state(AudienceState)
    await editor.do(AudienceState.choose_mode, "segments")
    await editor.do(AudienceState.take_in, web.id)
    assert audience.reach.devices == 2
    await editor.do(AudienceState.leave_out, staff.id)
    assert audience.reach.devices == 1
    await reopen(editor, address)
    assert [(one.name, one.included, one.excluded) for one in audience.groups] == [
        ("On the web", True, False),
        ("Staff", False, True),
    ]
    await editor.do(AudienceState.look_for, "staff")
    assert [one.hidden for one in audience.groups] == [True, False]


async def test_a_launch_is_confirmed_by_its_count(editor, people, console, shop, work):
    address = await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi", body="There"))
    await editor.do(LaunchState.review)
    launch = await editor.state(LaunchState)
    assert (launch.check.audience, launch.check.possible, launch.check.must_type) == (2, True, False)
    answers = await editor.do(LaunchState.launch)
    assert routes.campaign(address.split("/")[2]) in str(answers[-1])
    editor.at(routes.campaign(address.split("/")[2]))
    await editor.do(ReportState.load)
    report = await editor.state(ReportState)
    assert report.shown.line.state == "running"
    assert report.live
    await editor.do(ReportState.pause)
    assert report.shown.line.state == "paused"
    await editor.do(ReportState.resume)
    await editor.do(ReportState.cancel)
    assert report.shown.line.state == "cancelled"


async def test_a_large_launch_needs_the_number_typed(editor, admin, people):
    await admin.do(AppsState.load)
    await admin.do(AppsState.save, SETTINGS | {"threshold": "1"})
    await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi"))
    await editor.do(LaunchState.review)
    launch = await editor.state(LaunchState)
    assert launch.check.must_type
    assert not await editor.do(LaunchState.launch)
    await editor.do(LaunchState.type_count, " 2 ")
    assert await editor.do(LaunchState.launch)


async def test_an_empty_push_is_found_before_launch(editor, people):
    await draft(editor)
    await editor.do(LaunchState.review)
    launch = await editor.state(LaunchState)
    assert not launch.check.possible
    assert any("title or a body" in one.message for one in launch.check.blocking)


async def test_a_schedule_is_an_instant_of_its_zone(editor):
    await draft(editor)
    await editor.do(ScheduleState.choose_kind, "at")
    compose = await editor.state(ComposeState)
    assert (compose.saved, (await editor.state(ScheduleState)).form.at[10:]) == (SAVED, "T09:00")
    await editor.do(ScheduleState.put, "at", "")
    assert compose.errors.schedule.at
    await editor.do(ScheduleState.put, "at", "2030-12-01T09:00")
    assert compose.saved == SAVED
    assert json.loads(compose._stored)["schedule"]["at"].startswith("2030-12-01T09:00:00+01:00")


async def test_a_throttle_is_a_number_or_nothing(editor):
    address = await draft(editor)
    compose = await editor.state(ComposeState)
    await editor.do(SendRulesState.put, "throttle", "10 000")
    assert (compose.saved, json.loads(compose._stored)["throttle_per_minute"]) == (SAVED, 10_000)
    await editor.do(SendRulesState.put, "throttle", "fast")
    assert (compose.saved, compose.errors.rules.throttle) == (UNSAVED, NUMBER)
    await editor.do(SendRulesState.put, "throttle", "99999999")
    assert (compose.saved, compose.errors.rules.throttle[:12]) == (UNSAVED, "Must be less")
    await reopen(editor, address)
    assert (await editor.state(SendRulesState)).form.throttle == "10000"
    await editor.do(SendRulesState.put, "throttle", "")
    assert (compose.saved, json.loads(compose._stored)["throttle_per_minute"]) == (SAVED, None)


async def test_a_throttled_send_says_how_long_it_takes(editor, people):
    await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi"))
    await editor.do(SendRulesState.put, "throttle", "1")
    await editor.do(LaunchState.review)
    launch = await editor.state(LaunchState)
    assert "Held to 1 a minute: about 2 min." in launch.check.notes
    await editor.do(LaunchState.launch)
    editor.at(routes.campaign((await editor.state(ComposeState))._id))
    await editor.do(ReportState.load)
    assert (await editor.state(ReportState)).shown.line.progress.held == "held to 1 a minute"


async def test_a_send_that_paused_itself_says_why_and_what_to_do(editor, people, work):
    address = await draft(editor)
    await editor.do(ContentState.store, typed(title="Hi"))
    await editor.do(LaunchState.review)
    await editor.do(LaunchState.launch)
    campaign = address.split("/")[2]
    editor.at(routes.campaign(campaign))
    report = await editor.state(ReportState)
    for reason, sentence, said in (
        ("credential", "Apple refuses the key.", "Apple refuses the key. The send goes on by itself"),
        ("guardrail", "60 of 100 answers were errors.", "60 of 100 answers were errors."),
    ):
        with work() as unit:
            run = unit.session.exec(select(Run)).one()
            run.state, run.pause_reason, run.pause_detail = "paused", reason, sentence
            found = unit.session.exec(select(Campaign).where(Campaign.id == run.campaign_id)).one()
            found.state = "paused"
        await editor.do(ReportState.load)
        line = report.shown.line
        assert (line.state, line.pause_reason, line.failed) == ("paused", reason, "")
        assert line.pause.startswith(said)
    await editor.do(ReportState.resume)
    assert (report.shown.line.state, report.shown.line.pause) == ("running", "")


async def test_the_list_searches_filters_and_acts(editor, work):
    with work() as unit:
        for name in ("Spring", "Summer"):
            campaigns.create(
                unit, {"name": name, "audience": {"everyone": True}, "variants": [{"content": {"title": "x"}}]}
            )
    await editor.at("/campaigns?search=summ").do(CampaignsState.load)
    listed = await editor.state(CampaignsState)
    assert [row.name for row in listed.rows] == ["Summer"]
    assert [(one.value, one.count) for one in listed.filters] == [("draft", "2")]
    answers = await editor.do(CampaignsState.duplicate, listed.rows[0].id)
    assert "/edit" in str(answers[0])
    await editor.do(CampaignsState.delete, listed.rows[0].id)
    assert [row.name for row in listed.rows] == ["Summer (copy)"]


async def test_deliveries_are_found_and_explained(editor, people, work):
    with work() as unit:
        sent = messages.send(unit, {"user_ids": ["u0"]}, content={"title": "Hi"})
    await editor.at("/deliveries?user_id=u0").do(DeliveriesState.load)
    found = await editor.state(DeliveriesState)
    assert [row.id for row in found.rows] == sent.deliveries
    await editor.at("/deliveries?state=nonsense").do(DeliveriesState.load)
    assert "must be one of" in found.problem
    await editor.at(found.rows[0].href if found.rows else routes.delivery(sent.deliveries[0])).do(DeliveryState.load)
    one = await editor.state(DeliveryState)
    assert one.shown.steps[0].title == "Planned"
    await editor.at("/deliveries/dlv_nothing").do(DeliveryState.load)
    assert one.missing


async def test_another_apps_campaign_is_not_there(editor, console, work):
    with console.work(OPERATOR) as unit:
        other = apps.create_app(unit, slug="other")
    with console.work(OPERATOR, other.number) as unit:
        theirs = campaigns.create(
            unit, {"name": "Theirs", "audience": {"everyone": True}, "variants": [{"content": {"title": "x"}}]}
        ).row.id
    with work() as unit:
        ours = campaigns.create(
            unit, {"name": "Ours", "audience": {"everyone": True}, "variants": [{"content": {"title": "x"}}]}
        ).row.id
    session = await editor.state(SessionState)
    await editor.do(SessionState.enter)
    mine = ours if session.app.name == "Shop" else theirs
    foreign = theirs if mine == ours else ours
    await editor.at(routes.campaign(foreign)).do(ReportState.load)
    report = await editor.state(ReportState)
    assert report.missing
    await editor.at(routes.campaign(mine)).do(ReportState.load)
    assert not report.missing


async def test_keys_and_secrets_are_shown_on_demand_only(admin):
    await admin.do(KeysState.load)
    await admin.do(KeysState.create, {"scope": "server", "key_name": "Checkout"})
    keys = await admin.state(KeysState)
    assert keys.made.startswith(keys.rows[0].prefix.rstrip("…"))
    await admin.do(KeysState.show_form, False)
    assert keys.made == ""
    await admin.do(KeysState.revoke, keys.rows[0].id)
    assert keys.rows == ()
    await admin.do(AppsState.load)
    settings = await admin.state(AppsState)
    assert settings.secret == ""
    assert settings.form.error_limit == "20"
    await admin.do(AppsState.save, SETTINGS | {"error_limit": "35"})
    assert (settings.form.error_limit, settings.errors.error_limit_percent) == ("35", "")
    for wrong in ("101", "-1", "", "2.5"):
        await admin.do(AppsState.save, SETTINGS | {"error_limit": wrong})
        assert "whole number" in settings.errors.error_limit_percent
    await admin.do(AppsState.reveal_secret)
    assert len(settings.secret) > 20


async def test_a_credential_that_does_not_parse_is_refused_beside_its_field(admin):
    listed = await admin.state(CredentialsState)
    await admin.do(CredentialsState.choose_provider, "fcm")
    await admin.do(CredentialsState.add, {"service_account": "not json"})
    assert "JSON" in listed.errors.service_account
    assert listed.rows == ()
    await admin.do(CredentialsState.choose_provider, "webpush")
    await admin.do(CredentialsState.add, {"subject": "mailto:ops@example.test"})
    assert [row.word for row in listed.rows] == ["Web Push"]
    await admin.do(CredentialsState.change_status, listed.rows[0].id, "retiring")
    assert listed.rows[0].state == "retiring"
    await admin.do(CredentialsState.delete, listed.rows[0].id)
    assert listed.rows == ()


async def test_a_new_app_is_entered(visitor):
    owner = visitor(Role.OWNER)
    await owner.do(AppsState.create, {"new_slug": "Not a slug", "new_name": "x"})
    settings = await owner.state(AppsState)
    assert settings.new_errors.slug
    await owner.do(AppsState.create, {"new_slug": "news", "new_name": "News"})
    await owner.do(SessionState.enter)
    assert (await owner.state(SessionState)).app.name == "News"


async def test_the_overview_reads_its_period_from_the_address(editor):
    overview = await editor.state(OverviewState)
    await editor.at("/?days=7").do(OverviewState.load)
    assert (overview.days, overview.ready, overview.figures.quiet) == ("7", True, True)
    await editor.at("/?days=nonsense").do(OverviewState.load)
    assert overview.days == "30"
