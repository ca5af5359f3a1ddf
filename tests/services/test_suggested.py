"""The first people of an audience, found at once or not at all."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlmodel import insert

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid
from backend.models import User
from backend.queries import segment_rows
from backend.services import apps, lists, segmentation
from backend.services.apps import AppRow
from backend.services.lists import ListIn
from tests.services.test_segmentation import PRO, both, fill, person

EVERYONE = {"everyone": True}


def suggested(core: Core, app: AppRow, audience: Mapping[str, Any], limit: int = 5) -> tuple[str, ...]:
    with core.reading(OPERATOR, app.number) as work:
        return segmentation.suggested(work, audience, limit)


@pytest.fixture
def groups(core: Core, app: AppRow) -> dict[str, str]:
    """Segments and a list by name; ten people stand between the others and zoe."""
    with core.work(OPERATOR, app.number) as work:
        fill(work)
        for _ in range(10):
            person(work, None)
        person(work, "zoe", plan="pro")
        staff = lists.create(work, ListIn(name="Staff"))
        lists.add_members(work, staff.id, ["bob", "zoe"])
        return {"pro": segmentation.create(work, "Pro", both(PRO)).id, "staff": staff.id}


@pytest.mark.parametrize("near", [3, segment_rows.STRETCH])
def test_people_are_named_by_what_the_audience_says(
    core: Core, app: AppRow, groups: dict[str, str], monkeypatch: pytest.MonkeyPatch, near: int
):
    """Also where the next best people are too few: then all are looked through."""
    monkeypatch.setattr(segment_rows, "STRETCH", near)
    assert suggested(core, app, EVERYONE) == ("ann", "bob", "cid", "dan", "zoe")
    assert suggested(core, app, EVERYONE, 2) == ("ann", "bob")
    assert suggested(core, app, {"include": [groups["pro"]]}) == ("ann", "bob", "dan", "zoe")
    assert suggested(core, app, {"include": [groups["staff"]]}) == ("bob", "zoe")
    assert suggested(core, app, {"include": [groups["pro"]], "exclude": [groups["staff"]]}) == ("ann", "dan")
    assert suggested(core, app, {"include": []}) == ()


def test_a_segment_that_is_gone_is_named(core: Core, app: AppRow):
    with pytest.raises(Invalid):
        suggested(core, app, {"include": ["seg_gone"]})


def test_no_more_is_found_than_at_once(sqlite_core: Core, monkeypatch: pytest.MonkeyPatch):
    """The people nearby stay where all the others would take too long."""
    with sqlite_core.work(OPERATOR) as work:
        shop = apps.create_app(work, slug="shop")
        crowd = [{"app_id": shop.number, "external_id": f"u{number}", "bucket": 1, "first_seen": work.now,
                  "attributes": {"plan": "pro" if number in (1, 29_999) else "free"}} for number in range(30_000)]  # fmt: skip
        work.session.execute(insert(User), crowd)
        pro = {"include": [segmentation.create(work.within(shop.number), "Pro", both(PRO)).id]}
    assert suggested(sqlite_core, shop, pro) == ("u1", "u29999")
    monkeypatch.setattr(segmentation, "AT_ONCE", 0)
    monkeypatch.setattr(segment_rows, "STRETCH", 10)
    assert suggested(sqlite_core, shop, pro) == ("u1",)
    monkeypatch.setattr(segment_rows, "STRETCH", 20_000)
    assert suggested(sqlite_core, shop, pro) == ()
