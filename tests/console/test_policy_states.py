"""Policies, calendar and explanations in the console: forms keep what is typed, and say what is wrong in place."""

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.models import App
from backend.services import campaigns, categories, policies
from console.states.calendar import CalendarState
from console.states.categories import CategoriesState
from console.states.policies import PoliciesState
from console.states.verdicts import VerdictState
from tests.factories import definition
from tests.services.test_people_search import add_person


async def opened(visitor, role=Role.ADMIN):
    who = visitor(role).at("/policies")
    await who.do(PoliciesState.load)
    return who, await who.state(PoliciesState)


def kept(console, shop):
    with console.reading(OPERATOR, shop.number) as work:
        return policies.get(work)


async def test_a_section_is_saved_alone_and_taken_back(visitor, console, shop):
    who, page = await opened(visitor)
    await who.do(PoliciesState.add, "quiet")
    key = page.form.windows[0].key
    await who.do(PoliciesState.window, key, "end", "07:30")
    await who.do(PoliciesState.day, key, "sun")
    await who.do(PoliciesState.put, "threshold", "7")
    assert (page.changed.quiet, page.changed.caps, page.changed.guard, page.changed.any) == (True, False, True, True)
    answer = await who.do(PoliciesState.save, "quiet")
    assert "Quiet hours saved" in str(answer)
    week = ["mon", "tue", "wed", "thu", "fri", "sat"]
    assert kept(console, shop).quiet_hours == ({"start": "22:00", "end": "07:30", "days": week},)
    assert kept(console, shop).launch_threshold == 10_000, "another section waits for its own save"
    assert (page.changed.quiet, page.changed.guard, page.form.threshold) == (False, True, "7")
    await who.do(PoliciesState.undo, "quiet")
    assert kept(console, shop).quiet_hours == ()
    await who.do(PoliciesState.discard, "guard")
    assert (page.form.threshold, page.changed.any) == ("10000", False)


async def test_what_is_wrong_is_said_in_its_place_and_not_saved(visitor, console, shop):
    who, page = await opened(visitor)
    for section in ("quiet", "caps"):
        await who.do(PoliciesState.add, section)
    window, cap = page.form.windows[0], page.form.caps[0]
    for day in window.days:
        await who.do(PoliciesState.day, window.key, day.name)
    await who.do(PoliciesState.cap, cap.key, "pushes", "many")
    for field, text in (("error_limit", "200"), ("threshold", ""), ("color", "red")):
        await who.do(PoliciesState.put, field, text)
    for section in ("quiet", "caps", "guard", "look"):
        await who.do(PoliciesState.save, section)
        assert getattr(page.changed, section)
    await who.do(PoliciesState.save, "quiet")
    assert page.form.windows[0].problem == "Choose at least one day."
    await who.do(PoliciesState.save, "caps")
    assert "whole numbers" in page.form.caps[0].problem
    await who.do(PoliciesState.save, "guard")
    assert (page.problems.error_limit, page.problems.threshold) == (
        "Enter a whole number from 0 to 100.", "Enter a whole number of at least 1.",
    )  # fmt: skip
    await who.do(PoliciesState.save, "look")
    assert page.problems.color
    assert kept(console, shop).caps == ()


async def test_kinds_and_fields_that_are_not_ours_change_nothing(visitor, console, shop):
    who, page = await opened(visitor)
    await who.do(PoliciesState.add, "caps")
    key = page.form.caps[0].key
    for field, text in (("kind", "weekly"), ("problem", "x"), ("key", "5")):
        await who.do(PoliciesState.cap, key, field, text)
    await who.do(PoliciesState.put, "next", "9")
    assert [(cap.key, cap.kind, cap.problem) for cap in page.form.caps] == [(key, "rolling", "")]
    assert not await who.do(PoliciesState.save, "everything")
    assert not await who.do(PoliciesState.undo, "caps")
    await who.do(PoliciesState.drop, key)
    assert page.form.caps == ()


async def test_every_change_is_tried_on_yesterday(visitor, console, shop):
    who, page = await opened(visitor)
    await who.do(PoliciesState.add, "caps")
    await who.do(PoliciesState.look)
    assert page.then.sent == "nothing was sent"
    assert "nothing would have changed" in page.form.caps[0].then
    assert page.then.quiet == "Without quiet hours every push goes out at its time."


@pytest.fixture
def listed(console, shop):
    def look_up():
        with console.reading(OPERATOR, shop.number) as work:
            return {row.slug: row for row in categories.listing(work)}

    return look_up


async def test_a_category_is_made_changed_archived_and_brought_back(visitor, console, shop, listed):
    who = visitor(Role.ADMIN)
    await who.do(CategoriesState.load)
    page = await who.state(CategoriesState)
    await who.do(CategoriesState.edit, "")
    await who.do(CategoriesState.add_cap)
    form = {"category_name": "Weekly", "category_kind": "marketing", "category_default": "opted_out"}
    await who.do(CategoriesState.save, {**form, "category_slug": "No good"})
    assert (page.open, bool(page.problems.slug)) == (True, True)
    await who.do(CategoriesState.save, {**form, "category_slug": "weekly"})
    assert (page.open, listed()["weekly"].opted_in_by_default) == (False, False)
    assert listed()["weekly"].caps == ({"kind": "rolling", "pushes": 3, "hours": 24},)
    assert [line.caps for line in page.lines if line.slug == "weekly"] == ["3 pushes in any 24 hours"]
    answer = await who.do(CategoriesState.archive, "weekly")
    assert "archived" in str(answer)
    assert "weekly" not in listed()
    await who.do(CategoriesState.restore, "weekly")
    assert "weekly" in listed()


async def test_what_becomes_mandatory_is_asked_about_first(visitor, console, shop, listed):
    who = visitor(Role.ADMIN)
    await who.do(CategoriesState.load)
    page = await who.state(CategoriesState)
    await who.do(CategoriesState.edit, "updates")
    form = {"category_name": "Updates", "category_kind": "mandatory", "category_default": "opted_in"}
    await who.do(CategoriesState.save, form)
    assert "nobody can switch them off" in page.form.asking
    assert listed()["updates"].kind == "informational"
    await who.do(CategoriesState.save, form)
    assert (listed()["updates"].kind, page.open) == ("mandatory", False)


async def test_the_calendar_follows_the_address(visitor, console, shop):
    with console.work(OPERATOR, shop.number) as work:
        made = campaigns.create(work, definition(schedule={"kind": "at", "at": "2099-11-24T08:00:00+00:00"}))
        campaigns.launch(work, made.row.id)
    who = visitor(Role.ANALYST).at("/calendar?date=2099-11-20")
    await who.do(CalendarState.load)
    page = (await who.state(CalendarState)).shown
    assert (page.title, page.zone, len(page.weeks), page.nothing) == ("November 2099", "Europe/Warsaw", 6, False)
    cell = next(day for week in page.weeks for day in week.days if day.lines)
    assert (cell.name, cell.lines[0].clock, cell.lines[0].state) == ("Tuesday, 24 November", "09:00", "scheduled")
    assert (page.previous, page.following) == (
        "/calendar?view=month&date=2099-10-01", "/calendar?view=month&date=2099-12-01",
    )  # fmt: skip
    await who.at("/calendar?view=week&date=2099-11-24").do(CalendarState.load)
    page = (await who.state(CalendarState)).shown
    assert (len(page.weeks), page.title) == (1, "23 – 29 November 2099")
    await who.at("/calendar?view=year&date=nonsense").do(CalendarState.load)
    assert (await who.state(CalendarState)).shown.view == "month"


async def test_a_person_and_a_campaign_explain_each_other(visitor, console, shop):
    number, _ = add_person(console, shop, "ana", devices=[("ios",)])
    with console.work(OPERATOR, shop.number) as work:
        made = campaigns.create(work, definition()).row.id
        ours = work.core.keyring.public_id("usr", number)
        work.session.get(App, shop.number).quiet_hours = []
    who = visitor(Role.ANALYST).at(f"/people/{ours}")
    await who.do(VerdictState.show, True)
    page = await who.state(VerdictState)
    assert [choice.label for choice in page.choices] == ["Spring sale · draft"]
    await who.do(VerdictState.of_campaign, made)
    assert (page.shown.campaign, page.shown.devices[0].text[:13]) == ("Spring sale", "No credential")
    who.at(f"/campaigns/{made}")
    await who.do(VerdictState.show, True)
    assert page.choices == ()
    await who.do(VerdictState.of_person, {"explain_user": " ana "})
    assert page.shown.person == "ana"
    assert page.shown.first[0].text.startswith("It is a draft")
    await who.do(VerdictState.of_person, {"explain_user": "nobody"})
    assert (page.shown.text, page.problem) == ("", "There is no user 'nobody'.")
