"""Templates in the console: written in the browser, saved as versions, never over somebody else's."""

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import campaigns, subscribers, templates
from console import routes
from console.rows import template_draft, variable_menu
from console.rows import templates as rows
from console.rows.variable_menu import VariableMenu
from console.states.clash import ClashState
from console.states.compose import CONFLICT, SAVED, ComposeState
from console.states.preview import PreviewState
from console.states.template import TemplateState
from console.states.template_tabs import TemplateTabsState
from console.states.template_text import NEW, TemplateTextState
from console.states.template_versions import TemplateVersionsState
from console.states.templates import TemplatesState
from console.states.writing import WritingState

SCHEMA = {"type": "object", "properties": {"order": {"type": "string", "examples": ["A-1"]}}, "required": ["order"]}


def typed(of, version, content, name="Hello", schema=None, **more):
    """What a browser sends of a template."""
    made = template_draft.document(name, content, schema)
    return {**template_draft.draft_of(made, of, version, 1, "en"), "edit": 1_000_001, **more}


@pytest.fixture
def kept(console, shop):
    """A template of two versions, used by a draft; ids of both."""
    with console.work(OPERATOR, shop.number) as work:
        made = templates.create(work, "Hello", {"title": "One", "body": "Text"}).id
        templates.save(work, made, content={"title": "Two", "body": "Text"})
        variants = [{"template_id": made}]
        draft = {"name": "Sale", "audience": {"everyone": True}, "variants": variants}
        return made, campaigns.create(work, draft).row.id


@pytest.fixture
async def editor(visitor, kept):
    return await opened(visitor, kept[0])


async def opened(visitor, template_id, role=Role.EDITOR, **asked):
    who = visitor(role).at(routes.template(template_id, **asked))
    for state in (TemplateTabsState, TemplateState, TemplateVersionsState):
        await who.do(state.load)
    return who


def newest(console, shop, template_id):
    with console.reading(OPERATOR, shop.number) as work:
        return templates.get(work, template_id)


async def test_the_list_says_where_each_is_used_and_finds_by_name(visitor, kept):
    who = visitor(Role.EDITOR).at(f"{routes.TEMPLATES}?search=hel")
    await who.do(TemplatesState.load)
    state = await who.state(TemplatesState)
    assert [(row.name, row.said, row.version, row.used, row.used_by) for row in state.rows] == [
        ("Hello", "Two", 2, "1 campaign", "Sale")
    ]
    assert state.rows[0].by == "operator command line"
    await who.at(f"{routes.TEMPLATES}?search=nothing").do(TemplatesState.load)
    assert (state.rows, state.ready) == ((), True)
    assert "search=x" in str(await who.do(TemplatesState.look_for, "x"))


async def test_it_is_archived_brought_back_and_copied(visitor, kept, console, shop):
    who = visitor(Role.EDITOR).at(routes.TEMPLATES)
    assert "Undo" in str(await who.do(TemplatesState.archive, kept[0]))
    with pytest.raises(NotFound):
        newest(console, shop, kept[0])
    await who.do(TemplatesState.bring_back, kept[0])
    assert newest(console, shop, kept[0]).name == "Hello"
    assert "/templates/tpl_" in str(await who.do(TemplatesState.duplicate, kept[0]))


async def test_a_new_campaign_says_what_the_template_says(visitor, kept, console, shop):
    who = visitor(Role.EDITOR).at(routes.TEMPLATES)
    assert "/edit" in str(await who.do(TemplatesState.use, kept[0]))
    with console.reading(OPERATOR, shop.number) as work:
        made = campaigns.listing(work).items[0]
        assert made.name == "Hello"
        assert campaigns.get(work, made.id).definition["variants"][0]["template_id"] == kept[0]


async def test_a_save_makes_a_version_and_what_is_refused_stays(editor, kept, console, shop):
    state = await editor.state(TemplateState)
    assert (state.name, state.version, state.ready) == ("Hello", 2, True)
    await editor.do(TemplateState.save, typed(kept[0], 2, {"title": "Hi {{ user.name"}))
    assert (state.problems[0].field, newest(console, shop, kept[0]).version) == ("title", 2)
    await editor.do(TemplateState.save, typed(kept[0], 2, {"title": "Hi"}, name=" ", schema={"type": 3}))
    assert state.judged.schema[0].path == "type"
    await editor.do(TemplateState.save, typed(kept[0], 2, {"title": "Hi"}, broken=True))
    assert "JSON" in state.judged.schema[0].message
    answers = str(await editor.do(TemplateState.save, typed(kept[0], 2, {"title": "Hi"}, name="New", schema=SCHEMA)))
    assert "Saved as version 3" in answers
    row = newest(console, shop, kept[0])
    assert (row.name, row.version, row.content["title"], row.data_schema) == ("New", 3, "Hi", SCHEMA)
    assert (state.version, state.problems, state.saved) == (3, (), SAVED)


async def test_the_name_alone_is_no_version(editor, kept, console, shop):
    content = newest(console, shop, kept[0]).content
    await editor.do(TemplateState.save, typed(kept[0], 2, content, name=""))
    assert (await editor.state(TemplateState)).judged.name != ""
    assert "Saved as" not in str(await editor.do(TemplateState.save, typed(kept[0], 2, content, name="Other")))
    assert newest(console, shop, kept[0]).name == "Other"


async def test_what_is_typed_is_judged_at_once(editor, kept):
    state = await editor.state(TemplateState)
    await editor.do(TemplateState.heard, typed(kept[0], 2, {"title": "{{ data.order }} {{ nobody }}"}))
    assert (state.problems[0].field, state.judged.reads) == ("title", ())
    await editor.do(TemplateState.heard, typed(kept[0], 2, {"title": "{{ data.order }}"}, schema={"no": 1}))
    assert (state.problems, state.judged.reads, state.judged.schema[0].path) == ((), ("order",), "no")
    await editor.do(TemplateState.heard, typed("tpl_other", 2, {"title": "{{ x"}))
    assert state.problems == ()


async def test_changes_to_different_fields_go_together(editor, kept, console, shop):
    mine = {**newest(console, shop, kept[0]).content, "title": "Mine"}
    with console.work(OPERATOR, shop.number) as work:
        templates.save(work, kept[0], content={"title": "Two", "body": "Theirs"})
    answers = str(await editor.do(TemplateState.save, typed(kept[0], 2, mine)))
    row = newest(console, shop, kept[0])
    assert (row.version, row.content["title"], row.content["body"]) == (4, "Mine", "Theirs")
    assert "Saved as version 4" in answers


async def test_the_same_field_waits_for_a_decision(editor, kept, console, shop):
    state, mine = await editor.state(TemplateState), newest(console, shop, kept[0]).content
    mine = {**mine, "title": "Mine", "subtitle": "Mine too"}
    with console.work(OPERATOR, shop.number) as work:
        templates.save(work, kept[0], content={"title": "Theirs", "body": "Text"})
    await editor.do(TemplateState.save, typed(kept[0], 2, mine))
    assert (state.saved, newest(console, shop, kept[0]).version) == (CONFLICT, 3)
    clash = await editor.state(ClashState)
    assert [(one.label, one.mine, one.theirs) for one in clash.lines] == [("Title", "Mine", "Theirs")]
    assert await editor.do(TemplateState.settle, typed(kept[0], 2, mine)) == []
    await editor.do(ClashState.choose, "", "theirs")
    await editor.do(TemplateState.settle, typed(kept[0], 2, mine))
    row = newest(console, shop, kept[0])
    assert (row.version, row.content["title"], row.content["subtitle"], state.saved) == (4, "Theirs", "Mine too", SAVED)


async def test_what_the_browser_still_had_is_shown_again_and_can_be_discarded(editor, kept):
    text = await editor.state(TemplateTextState)
    assert await editor.do(TemplateTextState.resume, None) == []
    assert await editor.do(TemplateTextState.resume, typed("tpl_other", 1, {"title": "x"})) == []
    answers = str(await editor.do(TemplateTextState.resume, typed(kept[0], 1, {"title": "Left"})))
    assert (text.resumed, "Left" in answers, "false, refs" in answers) == (True, True, True)
    assert "Two" in str(await editor.do(TemplateState.discard))
    assert not text.resumed


async def test_a_new_one_is_kept_once_it_is_saved(visitor, console, shop):
    who = visitor(Role.EDITOR).at(routes.NEW_TEMPLATE)
    await who.do(TemplateState.start)
    assert (await who.state(TemplateState)).key == NEW
    answers = str(await who.do(TemplateState.save, typed(NEW, 0, {"title": "Fresh"})))
    assert "/templates/tpl_" in answers
    with console.reading(OPERATOR, shop.number) as work:
        assert templates.listing(work).items[0].content["title"] == "Fresh"


async def test_versions_are_told_apart_and_an_old_one_comes_back(editor, visitor, kept, console, shop):
    state = await editor.state(TemplateVersionsState)
    assert [(row.number, row.changes, row.newest) for row in state.rows] == [
        (2, "Title", True),
        (1, "The first one", False),
    ]
    assert [use.label for use in state.uses] == ["Sale"]
    assert f'"template_id": "{kept[0]}"' in state.snippet
    who = await opened(visitor_again(visitor, editor), kept[0], version="1")
    state = await who.state(TemplateVersionsState)
    assert (state.looking.number, state.against) == (1, 2)
    assert [(line.label, line.one, line.other, line.differs) for line in state.lines] == [
        ("Title", "One", "Two", True),
        ("Body", "Text", "Text", False),
    ]
    await who.do(TemplateVersionsState.compare, "nonsense")
    assert state.against == 2
    assert "is back as version 3" in str(await who.do(TemplateVersionsState.restore))
    assert newest(console, shop, kept[0]).content["title"] == "One"
    await who.at(routes.template(kept[0])).do(TemplateVersionsState.load)
    assert state.rows[0].restored_from == 1


def visitor_again(visitor, who):
    """The same member: a role has one address."""
    return lambda _role: who


async def test_an_old_version_is_never_saved(editor, visitor, kept, console, shop):
    who = await opened(visitor_again(visitor, editor), kept[0], version="1")
    assert await who.do(TemplateState.save, typed(f"{kept[0]}@1", 1, {"title": "x"})) == []
    assert newest(console, shop, kept[0]).version == 2


async def test_what_is_not_there_is_said(visitor):
    who = await opened(visitor, "tpl_nothing")
    assert (await who.state(TemplateState)).missing


async def test_the_preview_reads_the_examples_as_data(editor, kept, console, shop):
    with console.work(OPERATOR, shop.number) as work:
        subscribers.users_batch(work, [{"user_id": "ann", "attributes": {"name": "Ann"}}])
    answers = await editor.do(PreviewState.look_as, "ann", "")
    answers = await editor.do(
        PreviewState.follow, typed(kept[0], 2, {"title": "{{ data.order }} {{ user.name }}"}, schema=SCHEMA)
    )
    assert "A-1 Ann" in str(answers[0])
    await editor.do(PreviewState.follow, typed(kept[0], 2, {"title": "{{ data.order }}"}, schema={"nonsense": 1}))
    preview = await editor.state(PreviewState)
    assert preview.wrong[0].field == "title"
    assert (await editor.state(ComposeState))._definition() == {}


async def test_the_menu_offers_the_data_first(editor, kept):
    await editor.do(WritingState.look_around, typed(kept[0], 2, {"title": "x"}, schema=SCHEMA))
    menu = (await editor.state(WritingState)).menu
    assert [(row.name, row.example) for row in menu.groups[0].variables] == [("data.order", "A-1")]
    assert variable_menu.with_data(VariableMenu(), {"properties": [1]}) == VariableMenu()


def test_a_call_of_the_api_carries_the_examples():
    told = rows.snippet("https://push.example", "tpl_1", {"properties": {"note": {"examples": ["it's"]}}})
    assert told.startswith("curl https://push.example/api/v1/messages")
    assert "it'\\''s" in told
    assert '"data"' not in rows.snippet("https://push.example", "tpl_1", None)


@pytest.mark.parametrize(
    "sent", [None, "x", {"schema": 3, "version": True}, {"contents": "x", "name": 7, "schema": []}]
)
def test_what_is_no_draft_is_read_as_an_empty_one(sent):
    read = template_draft.parse(sent)
    assert (read.version, read.schema, read.content) == (0, None, {})
    assert template_draft.sample_of(sent) in (None, {})
