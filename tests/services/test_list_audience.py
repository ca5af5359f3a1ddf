"""A static list as the audience of a campaign: who is in it when the run is planned gets the push."""

import pytest

from backend.db import OPERATOR
from backend.errors import Conflict, Invalid
from backend.services import campaigns, lists, planner, preflight, segmentation, subscribers
from backend.services.lists import ListIn
from tests.factories import definition

PEOPLE = ("ana", "ben", "zoe")


@pytest.fixture
def groups(core, shop):
    """Two lists; each person has one device."""
    devices = [{"platform": "android", "token": f"tok:{name}-0001", "user_id": name} for name in PEOPLE]
    with core.work(OPERATOR, shop.number) as work:
        subscribers.devices_batch(work, devices)
        vip, staff = (lists.create(work, ListIn(name=name)).id for name in ("VIP", "Staff"))
        lists.add_members(work, vip, ["ana", "ben"])
        lists.add_members(work, staff, ["ben"])
    return vip, staff


def audience(core, app, made: str) -> int:
    with core.reading(OPERATOR, app.number) as work:
        return campaigns.get(work, made).row.progress.audience


def test_preflight_and_run_go_to_who_is_in_the_list(core, shop, groups):
    vip, staff = groups
    with core.work(OPERATOR, shop.number) as work:
        made = campaigns.create(work, definition(audience={"include": [vip], "exclude": [staff]})).row.id
        assert preflight.preflight(work, made).audience == 1
        assert campaigns.get(work, made).row.audience_text == "VIP but Staff"
        campaigns.launch(work, made)
        lists.add_members(work, vip, ["zoe"])
    planner.tick(core)
    assert audience(core, shop, made) == 2, "membership counts when the run is planned"


def test_lists_and_segments_go_together(core, shop, groups):
    vip, staff = groups
    with core.work(OPERATOR, shop.number) as work:
        rules = {"combinator": "and", "rules": [{"field": "user.id", "operator": "=", "value": "zoe"}]}
        zoe = segmentation.create(work, "Zoe", rules).id
        size = segmentation.audience_size(work, {"include": [staff, zoe], "exclude": []})
        assert (size.people, size.devices) == (2, 2)
        assert segmentation.audience_size(work, {"everyone": True, "exclude": [vip]}).people == 1
        assert segmentation.freeze(work, {"include": [staff, zoe], "exclude": []})["frozen"].keys() == {zoe}


def test_a_list_in_use_cannot_be_archived_and_an_archived_one_not_chosen(core, shop, groups):
    vip, staff = groups
    with core.work(OPERATOR, shop.number) as work:
        made = campaigns.create(work, definition(audience={"include": [vip]})).row.id
        with pytest.raises(Conflict, match="Spring sale"):
            lists.archive(work, vip)
        assert [use.name for use in lists.usage(work, vip)] == ["Spring sale"]
        campaigns.delete(work, made)
        lists.archive(work, vip)
        for wrong in (vip, "lst_nothing"):
            with pytest.raises(Invalid) as caught:
                campaigns.create(work, definition(audience={"include": [staff, wrong]}))
            assert caught.value.errors[0].field == "audience.include[1]"
        assert segmentation.audience_where(work, {"include": [vip], "frozen": {}}) is not None
