"""Segments as things kept: listed in order, copied, put away and brought back; and rules judged one by one."""

from collections.abc import Iterator

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR, Work
from backend.errors import Conflict, Invalid, NotFound
from backend.models import Campaign
from backend.services import apps, ids, segment_judge, segment_shelf, segment_uses, segmentation
from backend.services.apps import AppRow
from tests.services.test_segmentation import IOS, PRO, both, fill, into

NOBODY = {"field": "attr.plan", "operator": "=", "value": "gold"}
EVERYBODY = {"field": "attr.plan", "operator": "!=", "value": "gold"}


@pytest.fixture
def work(core: Core, app: AppRow) -> Iterator[Work]:
    with core.work(OPERATOR, app.number) as opened:
        fill(opened)
        yield opened


@pytest.fixture
def quick(sqlite_core: Core) -> Iterator[Work]:
    with sqlite_core.work(OPERATOR) as opened:
        yield opened.within(apps.create_app(opened, slug="shop").number)


def campaign(work: Work, segment_id: str, state: str) -> str:
    made = Campaign(
        app_id=work.app_id, name=state.title(), kind="once", state=state, created_at=work.now, updated_at=work.now,
        definition={"audience": {"include": [segment_id], "exclude": []}},
    )  # fmt: skip
    work.session.add(made)
    work.session.flush()
    return ids.public(work, ids.CAMPAIGN, made.id)


def test_single_rules_are_judged_wherever_they_stand(work: Work):
    tree = both(PRO, NOBODY, both(EVERYBODY, IOS, combinator="or", **{"not": True}))
    assert segment_judge.judge(work, tree) == {"rules[1]": "nobody", "rules[2].rules[0]": "everybody"}
    assert segment_judge.judge(work, both()) == {}
    some = both(both(IOS, any_device=True))
    assert segment_judge.judge(work, some) == {}
    with pytest.raises(Invalid):
        segment_judge.judge(work, both({"field": "nonsense"}))


def test_among_nobody_every_rule_is_true_for_nobody_and_for_everybody(quick: Work):
    assert segment_judge.judge(quick, both(PRO, EVERYBODY)) == {}


def test_no_more_rules_are_judged_than_is_quick(quick: Work):
    tree = both(*[NOBODY] * (segment_judge.MOST + 5))
    assert segment_judge.judge(quick, tree) == {}


def test_the_shelf_is_searched_and_sorted(work: Work):
    for name in ("beta", "Alpha", "gamma", f"{segment_shelf.OWN}plan is pro"):
        segmentation.create(work, name, both(PRO))
    names = [[one.segment.name for one in segment_shelf.shelf(work, sort=sort)] for sort in ("name", "-name")]
    assert names == [["Alpha", "beta", "gamma"], ["gamma", "beta", "Alpha"]]
    assert [one.segment.name for one in segment_shelf.shelf(work, search="ALP")] == ["Alpha"]
    with pytest.raises(Invalid, match="sort"):
        segment_shelf.shelf(work, sort="rules")


def test_a_use_says_whether_a_change_reaches_it(quick: Work):
    used = segmentation.create(quick, "Pro", both(PRO)).id
    outer = segmentation.create(quick, "Outer", both(into(used)))
    states = ("draft", "scheduled", "running", "finished")
    made = {state: campaign(quick, used, state) for state in states}
    found = segment_uses.uses_of(quick, used)
    assert [(use.kind, use.id, use.frozen) for use in found] == [
        ("campaign", made["running"], True),
        ("campaign", made["scheduled"], True),
        ("campaign", made["draft"], False),
        ("segment", outer.id, False),
    ]
    (line,) = (one for one in segment_shelf.shelf(quick) if one.segment.id == used)
    assert line.uses == found
    with pytest.raises(Conflict, match="'Running'"):
        segmentation.delete(quick, used)


def test_a_copy_has_a_name_of_its_own(quick: Work):
    row = segmentation.create(quick, "x" * 200, both(PRO))
    copy = segment_shelf.duplicate(quick, row.id)
    assert (copy.name, copy.rules) == ("x" * 193 + " (copy)", row.rules)
    with pytest.raises(NotFound):
        segment_shelf.duplicate(quick, "seg_x")


def test_what_is_put_away_comes_back_only_with_what_it_needs(quick: Work):
    inner = segmentation.create(quick, "Inner", both(PRO))
    outer = segmentation.create(quick, "Outer", both(into(inner.id)))
    segmentation.delete(quick, outer.id)
    segmentation.delete(quick, inner.id)
    assert segment_shelf.get(quick, outer.id).archived_at == quick.now
    assert {one.segment.name for one in segment_shelf.shelf(quick, archived=True)} == {"Inner", "Outer"}
    with pytest.raises(Invalid, match="there is no segment"):
        segment_shelf.restore(quick, outer.id)
    assert segment_shelf.restore(quick, inner.id).archived_at is None
    assert segment_shelf.restore(quick, outer.id).name == "Outer"


def test_only_a_segment_that_a_campaign_made_is_forgotten_with_it(quick: Work):
    own = segmentation.create(quick, f"{segment_shelf.OWN}plan is pro", both(PRO)).id
    shared = segmentation.create(quick, "Pro", both(PRO)).id
    segment_shelf.forget_own(quick, {"include": [own, shared, "seg_gone", "lst_x"]})
    assert segment_shelf.get(quick, own).archived_at
    assert segment_shelf.get(quick, shared).archived_at is None
    used = segmentation.create(quick, f"{segment_shelf.OWN}plan is pro", both(PRO)).id
    campaign(quick, used, "draft")
    segment_shelf.forget_own(quick, {"include": [used], "exclude": []})
    assert segment_shelf.get(quick, used).archived_at is None


def test_two_who_save_at_once_do_not_overwrite_each_other(work: Work):
    row = segmentation.create(work, "Pro", both(PRO))
    saved = segmentation.save(work, name="Pro", rules=both(IOS), segment_id=row.id, version=1)
    assert saved.version == 2
    with pytest.raises(Conflict, match="Somebody else"):
        segmentation.save(work, name="Mine", rules=both(), segment_id=row.id, version=1)
    assert segmentation.get(work, row.id).rules == both(IOS)
