"""The palette: a few things of each kind, of the member's app, each where their role may open it."""

import pytest
import reflex as rx

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import apps, campaigns, ids, lists, members, segmentation, sessions, templates
from backend.services.lists import ListIn
from console.rows.palette import Hits
from console.states.palette import LONGEST, PaletteState
from tests.console.conftest import PASSWORD, Visitor
from tests.services.test_people_search import TOKEN, add_person


@pytest.fixture
def shelf(console, shop):
    """One thing of each kind that begins with `spring`."""
    add_person(console, shop, "spring-chicken", devices=[("ios", "active", "granted", TOKEN), ("web",)])
    add_person(console, shop, None, devices=[("web", "active", "granted", "browser")])
    with console.work(OPERATOR, shop.number) as work:
        segment = segmentation.create(work, "Spring buyers", {"combinator": "and", "rules": []})
        staff = lists.create(work, ListIn(name="Spring staff"))
        lists.add_members(work, staff.id, ["spring-chicken"])
        templates.create(work, "Spring words", {"title": "x"})
        content = {"audience": {"everyone": True}, "variants": [{"content": {"title": "x"}}]}
        sale = campaigns.create(work, {"name": "Spring sale", **content})
    return segment.id, staff.id, sale.row.id


def told(hits):
    kinds = (hits.people, hits.segments, hits.lists, hits.templates, hits.campaigns)
    return [(hit.label, hit.note) for kind in kinds for hit in kind]


async def looked(who, text):
    answers = await who.do(PaletteState.look_for, text)
    return answers, await who.state(PaletteState)


async def test_what_is_found_says_what_it_is_and_leads_there(visitor, shelf):
    segment, staff, sale = shelf
    _, state = await looked(visitor(Role.EDITOR), "Spring")
    assert (state.answered, state.problem, state.hits.some, state.hits.people) == ("Spring", "", True, ())
    _, state = await looked(visitor(Role.ADMIN), "spring")
    assert told(state.hits) == [
        ("spring-chicken", "2 devices"),
        ("Spring buyers", ""),
        ("Spring staff", "1 person"),
        ("Spring words", ""),
        ("Spring sale", "Draft"),
    ]
    hits = state.hits
    assert hits.people[0].href.startswith("/people/usr_")
    assert [hit.href for hit in (*hits.segments, *hits.lists)] == [f"/segments/{segment}", f"/lists/{staff}"]
    assert hits.campaigns[0].href == f"/campaigns/{sale}/edit"


async def test_an_analyst_is_led_where_they_may_read(visitor, shelf):
    _, state = await looked(visitor(Role.ANALYST), "spring")
    assert (state.hits.campaigns[0].href, len(told(state.hits))) == (f"/campaigns/{shelf[2]}", 4)


async def test_devices_are_found_by_their_token_anonymous_ones_too(visitor, shelf):
    who = visitor(Role.ANALYST)
    _, state = await looked(who, f" {TOKEN} ")
    assert told(state.hits) == [("spring-chicken", "2 devices")]
    await looked(who, "browser")
    assert told(state.hits) == [("Anonymous", "1 device")]


async def test_nothing_found_is_told_from_not_yet_found(visitor, shelf):
    who = visitor(Role.ANALYST)
    _, state = await looked(who, "spring")
    await looked(who, "no such thing")
    assert (state.answered, state.hits) == ("no such thing", Hits())
    await looked(who, "")
    assert (state.answered, told(state.hits)) == ("", [("Spring sale", "Draft")])
    await looked(who, "x" * (LONGEST + 1))
    assert (len(state.answered), state.hits.some) == (LONGEST, False)


def signed_in(console, role, app_number=None):
    """Somebody who may work in that app only, or in all."""
    with console.work(OPERATOR) as work:
        made = members.add_member(work, "eve@example.test", role, app_number=app_number, password=PASSWORD)
        token = sessions.start(work, ids.number(work, ids.MEMBER, made.id))
    return Visitor(rx.State(_reflex_internal_init=True), f"{members.COOKIE}={token}").at("/")


async def test_another_app_s_member_finds_none_of_it(console, shelf):
    with console.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    who = signed_in(console, Role.ADMIN, other.number)
    for text in ("spring", TOKEN, ""):
        _, state = await looked(who, text)
        assert (state.answered, state.hits, state.problem) == (text, Hits(), "")


async def test_where_there_is_no_app_it_says_so(console):
    answers, state = await looked(signed_in(console, Role.OWNER), "spring")
    assert (answers, state.answered, state.problem) == ([], "spring", "There is no app yet.")
