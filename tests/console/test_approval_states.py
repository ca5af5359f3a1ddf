"""A second member's approval, as the composer, the list and the overview show it."""

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import apps, campaigns, passwords
from backend.services.apps import AppRow
from console import routes
from console.states.approval import ApprovalState
from console.states.apps import AppsState
from console.states.campaigns import WAITING, CampaignsState
from console.states.compose import ComposeState
from console.states.overview import OverviewState
from tests.console.conftest import Visitor
from tests.factories import definition


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch):
    cheap = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)


@pytest.fixture
def draft(console: Core, shop: AppRow) -> str:
    """A draft in an app that wants approval."""
    with console.work(OPERATOR, shop.number) as work:
        apps.update_app(work, shop.number, approval_required=True)
        return campaigns.create(work, definition()).row.id


async def opened(who: Visitor, draft: str):
    who.at(routes.edit_campaign(draft))
    await who.do(ComposeState.load)
    await who.do(ApprovalState.load)
    return await who.state(ApprovalState)


async def test_one_asks_another_answers_and_the_first_sees_it(visitor, draft: str):
    asks, answers = visitor(Role.EDITOR), visitor(Role.ADMIN)
    mine = await opened(asks, draft)
    assert (mine.shown.shown, mine.shown.may_ask, mine.shown.state) == (True, True, "")
    assert mine.shown.approvers == "admin@example.test may approve it."
    await asks.do(ApprovalState.say, "Have a look at the price.")
    await asks.do(ApprovalState.ask)
    assert (mine.shown.state, mine.shown.may_ask, mine.shown.mine, mine.words) == ("asked", False, False, "")
    theirs = await opened(answers, draft)
    assert (theirs.shown.mine, theirs.shown.open.note) == (True, "Have a look at the price.")
    assert theirs.shown.open.asked == "editor@example.test asked"
    await answers.do(ApprovalState.decline)
    assert "what would have to change" in theirs.problem
    await answers.do(ApprovalState.say, "Fine.")
    await answers.do(ApprovalState.approve)
    await asks.do(ApprovalState.refresh)
    assert (mine.shown.state, mine.shown.blocked) == ("approved", "")
    assert (mine.shown.open.answered, mine.shown.open.answer) == ("admin@example.test approved", "Fine.")
    await asks.do(ComposeState.rename, "Another name")
    await asks.do(ApprovalState.refresh)
    assert (mine.shown.state, mine.shown.may_ask) == ("changed", True)
    assert "changed since it was approved" in mine.shown.blocked
    await asks.do(ApprovalState.ask)
    assert [one.state for one in mine.shown.earlier] == ["withdrawn"]
    await asks.do(ApprovalState.withdraw)
    assert mine.shown.state == "withdrawn"


async def test_who_looks_at_an_older_version_does_not_approve_the_newer_one(visitor, draft: str):
    asks, answers = visitor(Role.EDITOR), visitor(Role.ADMIN)
    await opened(asks, draft)
    theirs = await opened(answers, draft)
    await asks.do(ComposeState.rename, "Another name")
    await asks.do(ApprovalState.ask)
    await answers.do(ApprovalState.refresh)
    await answers.do(ApprovalState.approve)
    assert "reload the page" in theirs.problem
    assert theirs.shown.state == "asked"


async def test_nobody_is_asked_where_nobody_may_answer_and_it_is_said(visitor, draft: str):
    alone = visitor(Role.EDITOR)
    mine = await opened(alone, draft)
    assert mine.shown.approvers.startswith("No other member of this app may approve yet")
    await alone.do(ApprovalState.ask)
    await alone.do(ApprovalState.approve)
    assert mine.problem.startswith("A second member approves")


async def test_an_app_that_wants_no_approval_shows_nothing_of_it(visitor, draft: str):
    admin = visitor(Role.ADMIN)
    await admin.do(AppsState.load)
    settings = await admin.state(AppsState)
    assert settings.form.approval is True
    await admin.do(AppsState.switch_approval, False)
    assert settings.form.approval is False
    assert not (await opened(admin, draft)).shown.shown
    assert not (await opened(admin, "cmp_nothing")).shown.shown


async def test_what_waits_is_found_from_the_list_and_the_overview(visitor, draft: str):
    editor, admin = visitor(Role.EDITOR), visitor(Role.ADMIN)
    await opened(editor, draft)
    await admin.at("/").do(OverviewState.load)
    assert (await admin.state(OverviewState)).waiting == ""
    await editor.do(ApprovalState.ask)
    await admin.do(OverviewState.load)
    assert (await admin.state(OverviewState)).waiting == "1 campaign waits for approval"
    await admin.at(f"{routes.CAMPAIGNS}?state={WAITING}").do(CampaignsState.load)
    found = await admin.state(CampaignsState)
    assert [(row.approval, row.href) for row in found.rows] == [("asked", routes.edit_campaign(draft, step="launch"))]
    assert found.filters[0].label == "Waiting for approval"


async def test_a_scheduled_campaign_says_why_it_cannot_be_changed(visitor, draft: str):
    asks, answers = visitor(Role.EDITOR), visitor(Role.ADMIN)
    mine = await opened(asks, draft)
    compose = await asks.state(ComposeState)
    await compose._save({"schedule": {"kind": "at", "at": "2099-12-01T09:00:00+01:00"}})
    await asks.do(ApprovalState.ask)
    await opened(answers, draft)
    await answers.do(ApprovalState.approve)
    from console.states.base import write

    await write(campaigns.launch, draft)
    mine = await opened(asks, draft)
    assert not mine.shown.shown
    assert "Unschedule it" in mine.shown.fixed


async def test_settings_keep_where_links_may_lead(visitor, draft: str):
    admin = visitor(Role.ADMIN)
    await admin.do(AppsState.load)
    settings = await admin.state(AppsState)
    form = {"app_name": "Shop", "locale": "en", "zone": "UTC", "threshold": "10", "error_limit": "20"}
    await admin.do(AppsState.save, form | {"website": "https://shop.example", "schemes": "fjord, com.fjord.app"})
    assert (settings.form.website, settings.form.schemes) == ("https://shop.example", "fjord com.fjord.app")
    await admin.do(AppsState.save, form | {"website": "shop.example", "schemes": "javascript"})
    assert "https://www.example.com" in settings.errors.website
    assert "not allowed" in settings.errors.link_schemes
    await admin.do(AppsState.save, form | {"website": "", "schemes": ""})
    assert (settings.form.website, settings.form.schemes) == ("", "")
