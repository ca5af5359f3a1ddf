"""The composer's states: two editors at one draft, variants, and words that were typed while nobody heard."""

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import campaigns, templates
from console import routes
from console.rows.content_form import EDITS
from console.states.audience import AudienceState
from console.states.clash import ClashState
from console.states.compose import CONFLICT, SAVED, UNSAVED, ComposeState
from console.states.content import ContentState
from console.states.drafts import DraftState
from console.states.experiment import ExperimentState
from console.states.send_rules import SendRulesState
from console.states.steps import StepsState
from tests.factories import typed


@pytest.fixture
def editor(visitor):
    return visitor(Role.EDITOR)


@pytest.fixture
def work(console, shop):
    return lambda: console.work(OPERATOR, shop.number)


@pytest.fixture
async def address(editor):
    """A new draft, open in the composer."""
    answer = await editor.do(DraftState.start)
    address = answer[0].args[0][1]._var_value
    await reopen(editor, address)
    return address


async def reopen(editor, address):
    editor.at(address)
    for state in (ComposeState, ContentState, AudienceState, SendRulesState, ExperimentState):
        await editor.do(state.load)


def stored(work, address):
    with work() as unit:
        return campaigns.get(unit, address.split("/")[2]).definition


def theirs(work, address, **changes):
    """Somebody else saves."""
    with work() as unit:
        campaigns.update(unit, address.split("/")[2], changes)


def says(**content):
    return {"variants": [{"name": "A", "content": {"title": "", "body": "", **content}}]}


def content(work, address, at=0):
    return stored(work, address)["variants"][at]["content"]


async def test_what_only_one_has_changed_is_saved_from_both(editor, address, work):
    theirs(work, address, name="Theirs", **says(body="Their body"))
    await editor.do(ContentState.store, typed(title="Mine", body=""))
    compose, clash = await editor.state(ComposeState), await editor.state(ClashState)
    assert (compose.saved, compose.name, clash.lines) == (SAVED, "Theirs", ())
    assert (clash.news, clash.waiting, clash.revision) == (("Campaign name", "Body"), True, 1)
    assert {key: content(work, address)[key] for key in ("title", "body")} == {"title": "Mine", "body": "Their body"}
    await editor.do(ContentState.store, typed(title="Mine again", body=""))  # the browser has not seen their text yet
    assert content(work, address)["body"] == "Their body"
    await editor.do(ClashState.seen)
    assert (clash.news, clash.waiting) == ((), False)


async def test_what_both_have_changed_waits_for_a_decision(editor, address, work):
    theirs(work, address, category="updates", **says(title="Theirs", body="Theirs"))
    await editor.do(ContentState.store, typed(title="Mine", body="Mine"))
    compose, clash = await editor.state(ComposeState), await editor.state(ClashState)
    assert compose.saved == CONFLICT
    assert [(line.label, line.theirs, line.mine) for line in clash.lines] == [
        ("Title", "Theirs", "Mine"),
        ("Body", "Theirs", "Mine"),
    ]
    await editor.do(ContentState.store, typed(title="Mine", body="Mine, longer"))
    assert (clash.lines[1].mine, clash.left) == ("Mine, longer", 2)
    await editor.do(ClashState.choose, clash.lines[0].key, "theirs")
    await editor.do(ComposeState.settle)
    assert (compose.saved, clash.left) == (CONFLICT, 1)
    assert content(work, address)["body"] == "Theirs"
    await editor.do(ClashState.choose, clash.lines[1].key, "mine")
    await editor.do(ComposeState.settle)
    assert (compose.saved, compose.category, clash.lines) == (SAVED, "updates", ())
    assert [content(work, address)[key] for key in ("title", "body")] == ["Theirs", "Mine, longer"]


@pytest.mark.parametrize(("side", "title"), [("mine", "Mine"), ("theirs", "Theirs")])
async def test_one_side_can_be_taken_as_a_whole(editor, address, work, side, title):
    theirs(work, address, **says(title="Theirs"))
    await editor.do(ContentState.store, typed(title="Mine", body=""))
    await editor.do(ClashState.choose, "", "nobody")
    clash = await editor.state(ClashState)
    assert clash.left == 1
    await editor.do(ClashState.choose, "", side)
    await editor.do(ComposeState.settle)
    assert content(work, address)["title"] == title


async def test_a_third_save_while_one_decides_is_laid_over_too(editor, address, work):
    theirs(work, address, **says(title="Theirs"))
    await editor.do(ContentState.store, typed(title="Mine", body=""))
    theirs(work, address, name="Third", **says(title="Third"))
    await editor.do(ClashState.choose, "", "mine")
    await editor.do(ComposeState.settle)
    compose, clash = await editor.state(ComposeState), await editor.state(ClashState)
    assert (compose.saved, [(line.theirs, line.chosen) for line in clash.lines]) == (CONFLICT, [("Third", "")])
    await editor.do(ClashState.choose, "", "mine")
    await editor.do(ComposeState.settle)
    assert compose.saved == SAVED
    assert (stored(work, address)["name"], content(work, address)["title"]) == ("Third", "Mine")
    assert clash.lines == ()


async def test_who_comes_to_write_the_same_has_nothing_to_decide(editor, address, work):
    theirs(work, address, **says(title="Theirs"))
    await editor.do(ContentState.store, typed(title="Mine", body=""))
    await editor.do(ContentState.store, typed(title="Theirs", body="and more"))
    assert (await editor.state(ComposeState)).saved == SAVED
    assert content(work, address)["body"] == "and more"


async def test_a_draft_that_is_gone_says_so_and_keeps_the_text(editor, address, work):
    with work() as unit:
        campaigns.delete(unit, address.split("/")[2])
    await editor.do(ContentState.store, typed(title="Mine", body=""))
    compose = await editor.state(ComposeState)
    assert (compose.saved, compose._definition()["variants"][0]["content"]["title"]) == (UNSAVED, "Mine")
    assert "There is no campaign" in compose.errors.other


async def test_words_typed_while_nobody_heard_are_saved_later(editor, address, work):
    await editor.do(ContentState.store, typed(title="Heard", body=""))
    known = content(work, address)
    theirs(work, address, **says(title="Heard", body="Theirs"))
    await reopen(editor, address)
    kept = {"of": address.split("/")[2], "edit": 7 * EDITS, "names": ["A"], "variant": 0}
    answers = await editor.do(
        ContentState.resume, {**kept, "contents": [{**known, "title": "Unheard"}], "ground": [known]}
    )
    assert "Unheard" in str(answers[0])
    assert [content(work, address)[key] for key in ("title", "body")] == ["Unheard", "Theirs"]
    assert await editor.do(ContentState.resume, None) == []
    assert await editor.do(ContentState.resume, {**kept, "of": "cmp_other", "contents": [{"title": "x"}]}) == []
    await editor.do(ContentState.store, {**typed(title="From before"), "edit": 900 * EDITS + 1})
    assert content(work, address)["title"] == "Unheard"


async def test_words_that_collide_after_an_absence_are_decided(editor, address, work):
    known = content(work, address)
    theirs(work, address, **says(title="Theirs"))
    await reopen(editor, address)
    draft = {"of": address.split("/")[2], "edit": 1, "names": ["A"], "contents": [{**known, "title": "Mine"}]}
    await editor.do(ContentState.resume, {**draft, "ground": [known]})
    compose, clash = await editor.state(ComposeState), await editor.state(ClashState)
    assert (compose.saved, [line.label for line in clash.lines]) == (CONFLICT, ["Title"])
    await editor.do(ClashState.choose, "", "mine")
    await editor.do(ComposeState.settle)
    assert content(work, address)["title"] == "Mine"


async def test_variants_are_added_named_weighed_moved_and_removed(editor, address, work):
    await editor.do(ContentState.store, typed(title="Hi", body=""))
    await editor.do(ExperimentState.add, 0)
    steps = await editor.state(StepsState)
    assert [(line.name, line.share, line.said) for line in steps.variants] == [
        ("A", "50.0%", "Hi"),
        ("B", "50.0%", "Hi"),
    ]
    await editor.do(ExperimentState.rename, 1, "Shorter")
    await editor.do(ExperimentState.weigh, 1, 3.0)
    await editor.do(ExperimentState.move, "Shorter", -1)
    assert [(one["name"], one["weight"]) for one in stored(work, address)["variants"]] == [("Shorter", 3), ("A", 50)]
    compose = await editor.state(ComposeState)
    await editor.do(ExperimentState.rename, 1, "Shorter")
    assert (compose.saved, compose.errors.experiment) == (UNSAVED, "Two variants have the same name.")
    assert steps.marks.experiment.state == "wrong"
    await editor.do(ExperimentState.rename, 1, "A")
    await editor.do(ExperimentState.weigh, 1, "much")
    assert compose.saved == UNSAVED
    await editor.do(ExperimentState.weigh, 1, "1")
    await editor.do(ExperimentState.remove, "Shorter")
    await editor.do(ExperimentState.remove, "A")
    assert [one["name"] for one in stored(work, address)["variants"]] == ["A"]
    await editor.do(SendRulesState.put, "holdout", "10")
    assert steps.marks.experiment.note == "One message for all, 10% held out"


async def test_a_variant_takes_a_templates_words_and_lets_go_of_it(editor, address, work):
    with work() as unit:
        made = templates.create(unit, "Greeting", {"title": "From the template"})
    await editor.do(ExperimentState.load)
    assert [(one.value, one.label) for one in (await editor.state(ExperimentState)).templates] == [
        (made.id, "Greeting")
    ]
    await editor.do(ExperimentState.use_template, 0, made.id)
    (variant,) = stored(work, address)["variants"]
    assert (variant["template_id"], variant["content"]) == (made.id, None)
    assert (await editor.state(StepsState)).marks.message.state == "done"
    await editor.do(ContentState.store, {**typed(), "contents": [{}]})
    assert stored(work, address)["variants"][0]["template_id"] == made.id
    await editor.do(ExperimentState.detach, 0)
    (variant,) = stored(work, address)["variants"]
    assert (variant["template_id"], variant["content"]["title"]) == (None, "From the template")
    await editor.do(ExperimentState.detach, 0)
    await editor.do(ExperimentState.use_template, 0, "tpl_nothing")
    assert (await editor.state(ComposeState)).saved == UNSAVED


async def test_a_templates_words_stay_its_own_until_they_are_changed(editor, address, work):
    await editor.do(ContentState.store, typed(title="Mine", body=""))
    with work() as unit:
        made = templates.create(unit, "Greeting", {"title": "From the template"})
    await editor.do(ExperimentState.use_template, 0, made.id)
    revision = (await editor.state(ContentState)).revision
    words = templates_words(work, made.id)
    await editor.do(ContentState.store, {**typed(**words), "edit": revision * EDITS + 1})
    assert stored(work, address)["variants"][0]["template_id"] == made.id
    await editor.do(ContentState.store, {**typed(**words | {"title": "Changed"}), "edit": revision * EDITS + 2})
    variant = stored(work, address)["variants"][0]
    assert (variant["template_id"], variant["content"]["title"]) == (None, "Changed")
    assert templates_words(work, made.id)["title"] == "From the template"
    await editor.do(ExperimentState.take_back)
    assert content(work, address)["title"] == "Mine"
    assert await editor.do(ExperimentState.take_back) == []


def templates_words(work, template_id):
    with work() as unit:
        return templates.content_of(unit, template_id)


async def test_a_draft_is_copied_kept_as_a_template_and_deleted(editor, address, work):
    await editor.do(ComposeState.rename, "Spring")
    await editor.do(ContentState.store, typed(title="Hi", body=""))
    answers = await editor.do(DraftState.keep_template, 0)
    assert "Spring" in str(answers[0])
    with work() as unit:
        (kept,) = templates.listing(unit).items
    assert (kept.name, kept.content["title"]) == ("Spring", "Hi")
    copied = await editor.do(DraftState.duplicate)
    assert routes.CAMPAIGNS in str(copied[0])
    with work() as unit:
        assert [row.name for row in campaigns.listing(unit).items] == ["Spring (copy)", "Spring"]
    await editor.do(DraftState.discard)
    with work() as unit:
        assert [row.name for row in campaigns.listing(unit).items] == ["Spring (copy)"]


async def test_the_composer_opens_on_the_first_step_that_is_not_done(editor, address):
    answers = await editor.do(ComposeState.load)
    assert "|| 'message'" in str(answers[0].args)
    await editor.do(AudienceState.load)
    steps = await editor.state(StepsState)
    assert (steps.marks.message.state, steps.marks.audience.note) == ("missing", "Nobody can be reached")


async def test_what_is_the_same_is_not_saved_again(editor, address, work):
    await editor.do(ContentState.store, typed(title="Hi", body=""))
    with work() as unit:
        version = campaigns.get(unit, address.split("/")[2]).version
    (known,) = (one["content"] for one in stored(work, address)["variants"])
    await editor.do(ContentState.store, {**typed(), "contents": [known]})
    await editor.do(ComposeState.rename, stored(work, address)["name"])
    with work() as unit:
        assert campaigns.get(unit, address.split("/")[2]).version == version
