"""Content blocks in the console: written, shown as somebody reads them, not deleted while something says them."""

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import blocks, subscribers, templates
from console import routes
from console.rows import blocks as rows
from console.states.block import NEW, BlockState
from console.states.blocks import BlocksState


@pytest.fixture
def hours(console, shop):
    with console.work(OPERATOR, shop.number) as work:
        subscribers.users_batch(work, [{"user_id": "ann", "attributes": {"name": "Ann"}}])
        return blocks.create(work, "hours", "9 to 5, {{ user.name }}", {"pl": "od 9 do 17"}).id


@pytest.fixture
async def editor(visitor, hours):
    who = visitor(Role.EDITOR).at(routes.block(hours))
    await who.do(BlockState.load)
    return who


def sent(block_id, text, name="hours", **locales):
    return {"id": block_id, "name": name, "text": text, "locales": locales}


async def test_the_list_says_how_each_is_called_and_where_it_is_used(visitor, hours, console, shop):
    with console.work(OPERATOR, shop.number) as work:
        templates.create(work, "T", {"title": "{{ block.hours }}"})
    who = visitor(Role.EDITOR).at(routes.BLOCKS)
    await who.do(BlocksState.load)
    state = await who.state(BlocksState)
    assert [(row.call, row.languages, row.used) for row in state.rows] == [("{{ block.hours }}", "pl", "1 template")]
    assert "search=ho" in str(await who.do(BlocksState.look_for, "ho"))


async def test_each_language_is_shown_as_somebody_reads_it(editor, hours):
    state = await editor.state(BlockState)
    assert (state.reader, state.unsaved) == ("ann", False)
    assert [(one.language, one.text) for one in state.readings] == [("", "9 to 5, Ann"), ("pl", "od 9 do 17")]
    assert "Content blocks" not in [group.title for group in state.menu.groups]
    await editor.do(BlockState.heard, sent(hours, "Closed, {{ user.nickname }}"))
    assert (state.unsaved, len(state.readings), state.readings[0].text) == (True, 1, "")
    assert "user.nickname" in state.readings[0].problem
    await editor.do(BlockState.heard, sent(hours, "Closed {{"))
    assert state.readings[0].problem != ""
    await editor.do(BlockState.heard, sent("blk_other", "x"))
    assert state.readings[0].problem != ""


async def test_it_is_saved_and_what_is_refused_stays_at_its_place(editor, hours, console, shop):
    state = await editor.state(BlockState)
    await editor.do(BlockState.save, sent(hours, "{{ user.name", pl=""))
    assert {one.field for one in state.problems} == {"text", "locales.pl"}
    assert next(one for one in state.problems if one.field == "text").at >= 0
    assert "Saved" in str(await editor.do(BlockState.save, sent(hours, "Always", de="Immer")))
    with console.reading(OPERATOR, shop.number) as work:
        row = blocks.get(work, hours)
    assert (row.text, row.locales, state.unsaved, state.problems) == ("Always", {"de": "Immer"}, False, ())
    assert await editor.do(BlockState.save, None) == []


async def test_a_new_one_needs_a_name_of_its_own(visitor, hours):
    who = visitor(Role.EDITOR).at(routes.NEW_BLOCK)
    await who.do(BlockState.start)
    state = await who.state(BlockState)
    assert (state.given.id, state.given.fresh) == (NEW, True)
    for name in ("", "Not a name", "hours"):
        await who.do(BlockState.save, sent(NEW, "Text", name))
        assert state.problems[0].field == "name"
    assert "/blocks/blk_" in str(await who.do(BlockState.save, sent(NEW, "Text", "farewell")))


async def test_one_in_use_is_not_deleted_and_says_why(editor, hours, console, shop):
    with console.work(OPERATOR, shop.number) as work:
        made = templates.create(work, "Greeting", {"title": "{{ block.hours }}"})
    state = await editor.state(BlockState)
    await editor.do(BlockState.delete)
    assert "Greeting" in state.problem
    with console.work(OPERATOR, shop.number) as work:
        templates.archive(work, made.id)
    assert "deleted" in str(await editor.do(BlockState.delete))
    await editor.do(BlockState.load)
    assert state.missing


@pytest.mark.parametrize("typed", [None, "x", {"locales": 3}, {"locales": {"pl": None}, "text": 5}])
def test_what_is_no_block_is_read_as_an_empty_one(typed):
    assert set(rows.parse(typed).locales.values()) <= {""}
