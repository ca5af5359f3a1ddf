"""Whom the composer suggests to look through: people of the audience, as long as it names any."""

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.queries import lists as queries
from backend.services import campaigns, ids, lists
from backend.services.lists import ListIn
from console import routes
from console.states.compose import ComposeState
from console.states.preview import PreviewState
from tests.services.test_people_search import add_person


@pytest.fixture
def crowd(console, shop):
    """Seven people, and a list of the last."""
    for number in range(7):
        add_person(console, shop, f"u{number}")
    with console.work(OPERATOR, shop.number) as work:
        staff = lists.create(work, ListIn(name="Staff"))
        lists.add_members(work, staff.id, ["u6"])
        return staff.id


async def suggested(visitor, console, shop, audience):
    with console.work(OPERATOR, shop.number) as work:
        made = campaigns.create(work, {"name": "x", "audience": audience, "variants": [{"content": {"title": "x"}}]})
    return await opened(visitor, made)


async def opened(visitor, campaign):
    who = visitor(Role.EDITOR).at(routes.edit_campaign(campaign.row.id))
    await who.do(ComposeState.load)
    await who.do(PreviewState.load)
    return (await who.state(PreviewState)).people


@pytest.mark.parametrize("audience", [{"everyone": True}, {"topics": ["news"]}])
async def test_everybody_is_suggested_where_the_audience_names_nobody_we_know(visitor, console, shop, crowd, audience):
    assert await suggested(visitor, console, shop, audience) == ("u0", "u1", "u2", "u3", "u4")


async def test_people_of_the_audience_are_suggested(visitor, console, shop, crowd):
    assert await suggested(visitor, console, shop, {"include": [crowd]}) == ("u6",)


async def test_nobody_is_suggested_once_the_list_is_gone(visitor, console, shop, crowd):
    with console.work(OPERATOR, shop.number) as work:
        made = campaigns.create(
            work, {"name": "x", "audience": {"include": [crowd]}, "variants": [{"content": {"title": "x"}}]}
        )
        queries.change(work.session, ids.number(work, ids.LIST, crowd), archived_at=work.now)
    assert await opened(visitor, made) == ()
