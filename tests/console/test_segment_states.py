"""The segment pages' states over a real database."""

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import campaigns, categories, segment_shelf, segmentation
from backend.services.people import users_batch
from console import routes
from console.states.compose import CONFLICT, SAVED, UNSAVED
from console.states.segment import NEW, SegmentState
from console.states.segment_rules import RulesState
from console.states.segments import SegmentsState
from tests.console.conftest import Held


@pytest.fixture
def editor(visitor):
    return visitor(Role.EDITOR)


@pytest.fixture
def work(console, shop):
    """Opens a unit of work in the shop, where four people live in two countries."""
    with console.work(OPERATOR, shop.number) as unit:
        people = [{"user_id": f"u{number}", "country": "PL" if number else "DE"} for number in range(4)]
        users_batch(unit, people)
    return lambda: console.work(OPERATOR, shop.number)


def tree(value="PL", **more):
    rule = {"id": "x", "field": "user.country", "operator": "=", "value": value}
    return {"id": "r", "combinator": "and", "not": False, "rules": [rule], **more}


def kept(value="PL"):
    return {"combinator": "and", "not": False, "rules": [{"field": "user.country", "operator": "=", "value": value}]}


async def opened(editor, segment_id: str):
    editor.at(routes.segment(segment_id))
    await editor.do(SegmentState.load)
    return await editor.state(SegmentState), await editor.state(RulesState)


async def change(editor, query) -> RulesState:
    await editor.do(RulesState.change, query)
    rules = await editor.state(RulesState)
    if rules.counting:
        await RulesState.count.fn(Held(rules))
    return rules


async def test_rules_are_said_counted_and_judged(editor, work):
    await editor.do(SegmentState.start)
    rules = await change(editor, tree())
    assert (rules.sentence, rules.numbers.people, rules.numbers.of) == ("Country is PL", "3", "75.0% of 4 people")
    assert (rules.counting, rules.marks) == (False, ())
    rules = await change(editor, tree("XX"))
    assert (rules.numbers.people, rules.marks[0].id, rules.marks[0].tone) == ("0", "x", "amber")


async def test_unfinished_rules_leave_the_last_numbers(editor, work):
    await editor.do(SegmentState.start)
    await change(editor, tree())
    rules = await change(editor, tree(None))
    assert (rules.counting, rules.numbers.people, rules.sentence) == (False, "3", "Country is PL")
    assert rules.problem.startswith("Finish")
    rules = await change(editor, tree(7))
    assert rules.problem.startswith("Mend")
    for nonsense in ("", None, {"combinator": "xor"}, {"rules": 3}):
        await editor.do(RulesState.change, nonsense)
        assert not rules.counting


async def test_an_answer_that_comes_late_is_not_shown(editor, work, monkeypatch):
    """While the first rules are counted others are asked for: only their numbers are ever seen."""
    await editor.do(SegmentState.start)
    rules = await editor.state(RulesState)
    await editor.do(RulesState.change, tree("DE"))
    shown, show = [], RulesState._show

    class Late(Held):
        async def __aexit__(self, *_error) -> None:
            if not shown and self.state._busy and self.state._query.count("DE"):
                shown.append("asked")
                await editor.do(RulesState.change, tree("PL"))

    monkeypatch.setattr(
        RulesState, "_show", lambda self, query, found: (shown.append(found[0].users), show(self, query, found))
    )
    await RulesState.count.fn(Late(rules))
    assert (shown, rules.numbers.people) == (["asked", 3], "3")
    assert not rules._busy


async def test_values_are_suggested(editor, work):
    await editor.do(SegmentState.start)
    await editor.do(RulesState.suggest, {"field": "user.country", "start": ""})
    rules = await editor.state(RulesState)
    assert (rules.suggestions.field, set(rules.suggestions.values)) == ("user.country", {"PL", "DE"})
    await editor.do(RulesState.suggest, "nonsense")
    assert rules.suggestions.values == ()


async def test_a_segment_is_made_changed_and_found_again(editor, work):
    await editor.do(SegmentState.start)
    state = await editor.state(SegmentState)
    await editor.do(SegmentState.edited, tree(), "Polish")
    assert (state.key, state.saved) == (NEW, UNSAVED)
    answers = await editor.do(SegmentState.save, tree(), "Polish")
    with work() as unit:
        (row,) = segmentation.listing(unit).items
    assert (row.name, row.rules) == ("Polish", kept())
    assert routes.segment(row.id) in str(answers)
    state, rules = await opened(editor, row.id)
    assert (state.name, rules.rules) == ("Polish", kept())
    await editor.do(SegmentState.edited, tree(), "Polish")
    assert state.saved == SAVED
    await editor.do(SegmentState.save, tree("DE"), "German")
    assert (state.saved, state.name) == (SAVED, "German")


async def test_what_is_refused_stays_on_the_page(editor, work):
    await editor.do(SegmentState.start)
    state = await editor.state(SegmentState)
    await editor.do(SegmentState.save, tree(), " ")
    assert "name" in state.name_problem
    answers = await editor.do(SegmentState.save, tree(None), "Polish")
    assert "marked rules" in str(answers)
    assert (state.saved, state.name_problem) == (UNSAVED, "")


async def test_who_was_faster_is_not_overwritten_unasked(editor, work):
    with work() as unit:
        row = segmentation.create(unit, "Polish", kept())
    state, _ = await opened(editor, row.id)
    with work() as unit:
        segmentation.save(unit, name="Theirs", rules=kept("DE"), segment_id=row.id)
    await editor.do(SegmentState.save, tree("FR"), "Mine")
    assert (state.saved, "Somebody else" in state.problem) == (CONFLICT, True)
    await editor.do(SegmentState.edited, tree("FR"), "Mine")
    assert state.saved == CONFLICT
    await editor.do(SegmentState.overwrite, tree("FR"), "Mine")
    assert (state.saved, state.problem) == (SAVED, "")
    with work() as unit:
        assert segmentation.get(unit, row.id).rules == kept("FR")


async def test_an_archived_segment_can_be_looked_at_and_brought_back(editor, work):
    with work() as unit:
        row = segmentation.create(unit, "Polish", kept())
    await opened(editor, row.id)
    await editor.do(SegmentState.archive)
    state, _ = await opened(editor, row.id)
    assert state.archived
    await editor.do(SegmentState.restore)
    assert not state.archived
    answers = await editor.do(SegmentState.duplicate)
    with work() as unit:
        copy = segment_shelf.shelf(unit, search="copy")[0].segment
    assert routes.segment(copy.id) in str(answers[0])
    state, _ = await opened(editor, "seg_nothing")
    assert state.missing


async def test_an_analyst_looks_but_changes_nothing(visitor, work):
    analyst = visitor(Role.ANALYST)
    with work() as unit:
        row = segmentation.create(unit, "Polish", kept())
    state, _ = await opened(analyst, row.id)
    assert (await change(analyst, tree("DE"))).numbers.people == "1"
    answers = await analyst.do(SegmentState.save, tree("DE"), "Mine")
    assert "role does not allow" in str(answers[0])
    assert state.name == "Polish"


async def test_the_list_is_searched_sorted_and_counted(editor, work):
    with work() as unit:
        for name in ("Polish", "german"):
            segmentation.create(unit, name, kept("PL" if name == "Polish" else "DE"))
        segmentation.create(unit, f"{segment_shelf.OWN}country is PL", kept())
        used = segmentation.listing(unit, search="Polish").items[0]
        content = {"title": "Hi", "body": "There"}
        audience = {"include": [used.id]}
        given = {"name": "Sale", "category": "marketing", "audience": audience, "variants": [{"content": content}]}
        assert categories.listing(unit)
        campaigns.create(unit, given)
    editor.at(f"{routes.SEGMENTS}?sort=name")
    await editor.do(SegmentsState.load)
    state = await editor.state(SegmentsState)
    assert [row.name for row in state.rows] == ["german", "Polish"]
    assert [(row.used, row.used_by) for row in state.rows] == [("–", ""), ("1 place", "Sale")]
    await SegmentsState.count.fn(Held(state))
    assert [row.people for row in state.rows] == ["1", "3"]
    editor.at(f"{routes.SEGMENTS}?search=POL&sort=nonsense&page=9")
    await editor.do(SegmentsState.load)
    assert [row.name for row in state.rows] == ["Polish"]
    assert (state.sort, state.number) == ("-updated_at", 0)


async def test_archiving_is_undone_from_the_toast(editor, work):
    with work() as unit:
        row = segmentation.create(unit, "Polish", kept())
    await editor.do(SegmentsState.load)
    state = await editor.state(SegmentsState)
    answers = (await editor.do(SegmentsState.archive, row.id))[0]
    assert state.rows == ()
    assert "Undo" in str(answers[0])
    editor.at(f"{routes.SEGMENTS}?archived=1")
    await editor.do(SegmentsState.load)
    assert [one.name for one in state.rows] == ["Polish"]
    await editor.do(SegmentsState.restore, row.id)
    assert state.rows == ()
    for ask in (SegmentsState.look_for, SegmentsState.order_by):
        assert routes.SEGMENTS in str(await editor.do(ask, "x"))
    assert "page=1" in str(await editor.do(SegmentsState.turn, 1))
    assert routes.SEGMENTS in str(await editor.do(SegmentsState.duplicate, row.id))
