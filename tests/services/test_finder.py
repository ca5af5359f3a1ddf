"""Things by name, a few of each kind, and of this app only."""

import pytest
from sqlmodel import insert

from backend.db import OPERATOR
from backend.errors import TooSlow
from backend.models import UserList
from backend.services import apps, campaigns, finder, lists, segment_shelf, segmentation, templates
from backend.services.lists import ListIn
from tests.services.test_people_search import TOKEN, add_person

RULES = {"combinator": "and", "rules": []}


def add(core, app, name):
    """A segment, a list, a template and a campaign of this name."""
    with core.work(OPERATOR, app.number) as work:
        segmentation.create(work, name, RULES)
        lists.create(work, ListIn(name=name))
        templates.create(work, name, {"title": "x"})
        campaigns.create(
            work, {"name": name, "audience": {"everyone": True}, "variants": [{"content": {"title": "x"}}]}
        )


def find(core, app, text):
    with core.reading(OPERATOR, app.number) as work:
        found = finder.find(work, text)
    named = ([row.name for row in kind] for kind in (found.segments, found.lists, found.templates, found.campaigns))
    return [row.user_id for row in found.people], *named


@pytest.fixture
def shelf(core, app):
    for name in ("Spring sale", "Autumn"):
        add(core, app, name)
    add_person(core, app, "spring-chicken", devices=[("ios", "active", "granted", TOKEN)])
    add_person(core, app, "ana", attributes={"plan": "spring"})
    return app


def test_each_kind_is_found_by_its_name_and_people_by_how_their_id_begins(core, shelf):
    spring = ["Spring sale"]
    assert find(core, shelf, "  SPRING ") == ([], spring, spring, spring, spring)
    assert find(core, shelf, "spring") == (["spring-chicken"], spring, spring, spring, spring)
    assert find(core, shelf, "chicken") == ([], [], [], [], [])
    assert find(core, shelf, TOKEN.upper()) == (["spring-chicken"], [], [], [], [])
    assert find(core, shelf, "plan:spring") == ([], [], [], [], [])
    assert find(core, shelf, "%\0_\ud800") == ([], [], [], [], [])


def test_without_words_the_newest_campaigns_are_offered(core, shelf):
    assert find(core, shelf, " ") == ([], [], [], [], ["Autumn", "Spring sale"])


def test_a_few_of_each_kind_are_enough(core, app):
    for number in range(finder.FEW + 2):
        add(core, app, f"Sale {number}")
        add_person(core, app, f"sale-{number}")
    sale, dashed = find(core, app, "sale"), find(core, app, "sale-")
    assert [len(kind) for kind in sale] == [finder.FEW] * 5
    assert sale[1] == [f"Sale {number}" for number in range(6, 1, -1)]
    assert dashed[0] == [f"sale-{number}" for number in range(5)]


def test_what_campaigns_keep_for_themselves_and_what_was_put_away_stay_out(core, app):
    with core.work(OPERATOR, app.number) as work:
        segmentation.create(work, f"{segment_shelf.OWN}Sale", RULES)
        segmentation.delete(work, segmentation.create(work, "Sale", RULES).id)
        lists.archive(work, lists.create(work, ListIn(name="Sale")).id)
        templates.archive(work, templates.create(work, "Sale", {"title": "x"}).id)
    assert find(core, app, "sale") == ([], [], [], [], [])


def test_another_app_s_things_are_not_there(core, shelf):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    for text in ("spring", TOKEN, ""):
        assert find(core, other, text) == ([], [], [], [], [])


def test_it_is_given_up_when_it_takes_too_long(sqlite_core, monkeypatch):
    with sqlite_core.work(OPERATOR) as work:
        shop = apps.create_app(work, slug="shop")
    with sqlite_core.work(OPERATOR, shop.number) as work:
        names = [
            {"app_id": shop.number, "name": f"List {n}", "source": "api", "created_at": work.now} for n in range(20_000)
        ]
        work.session.execute(insert(UserList), names)
    assert find(sqlite_core, shop, "19999") == ([], [], ["List 19999"], [], [])
    monkeypatch.setattr(finder, "SECONDS", 0)
    with pytest.raises(TooSlow):
        find(sqlite_core, shop, "none of these")
