"""Templates as their editors see them: late saves, archived ones, who uses them, what they need."""

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid, NotFound, Stale
from backend.services import blocks, campaigns, data_schema, templates
from backend.services.apps import AppRow
from tests.factories import definition

SCHEMA = {"type": "object", "properties": {"order": {"type": "string", "examples": ["A-1"]}}, "required": ["order"]}


def test_a_late_save_is_told_what_it_would_have_undone(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, "Hello", {"title": "one"})
        templates.save(work, made.id, content={"title": "theirs"}, data_schema=SCHEMA, version=1)
        with pytest.raises(Stale) as refused:
            templates.save(work, made.id, name="Hi", content={"title": "mine"}, data_schema={}, version=1)
        assert {one.field for one in refused.value.errors} == {"name", "content.title", "data_schema"}
        assert (refused.value.version, refused.value.current["content"]["title"]) == (2, "theirs")
        with pytest.raises(Stale) as refused:
            templates.save(work, made.id, content={"title": "mine {{", "ios": 3}, version=1)
        assert {one.field for one in refused.value.errors} >= {"content.title", "content.ios"}
        assert templates.save(work, made.id, content={"title": "mine"}, version=2).version == 3


def test_an_archived_template_comes_back_as_it_was(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, "Hello", {"title": "one"})
        with pytest.raises(NotFound):
            templates.bring_back(work, made.id)
        templates.archive(work, made.id)
        assert not templates.listing(work).items
        assert templates.bring_back(work, made.id).version == 1
        assert [one.id for one in templates.listing(work).items] == [made.id]


def test_who_uses_what_is_known_of_all_at_once(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        blocks.create(work, "hours", "9 to 5")
        calls = templates.create(work, "Calls", {"title": "x", "body": "{{ block.hours }}"})
        plain = templates.create(work, "Plain", {"title": "x"})
        variants = [{"name": name, "template_id": calls.id} for name in "AB"]
        used = campaigns.create(work, definition(variants=variants)).row
        own = campaigns.create(work, definition(variants=[{"content": {"title": "{{ block.hours }}"}}])).row
        found = templates.all_uses(work)
        assert {key: [use.id for use in uses] for key, uses in found.items()} == {calls.id: [used.id]}
        assert [use.id for use in blocks.all_uses(work)["hours"]] == [own.id, used.id, calls.id]
        assert plain.id not in found


def test_what_is_wrong_is_told_without_writing(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        wrong = templates.wrong(work, {"title": "{{ user.name"}, {"type": "object", "oops": 1})
        assert {one.field for one in wrong} == {"content.title", "data_schema.oops"}
        assert templates.wrong(work, {"title": "x"}, None) == []
        assert not templates.listing(work).items


def test_what_texts_read_of_the_data():
    said = {
        "title": "{{ data.order.id }} {{ user.name }}",
        "locales": {"pl": {"body": "{% if data.late %}x{% endif %}"}},
    }
    assert templates.data_read(said) == ("late", "order")
    assert templates.data_read({"title": "{{ data.order"}) == ()


def test_examples_make_the_sample():
    nested = {"type": "object", "properties": {"id": {"type": "integer", "default": 7}, "note": {"type": "string"}}}
    schema = {
        "properties": {**SCHEMA["properties"], "paid": {"const": True}, "kind": {"enum": ["a", "b"]}, "at": nested}
    }
    assert data_schema.sample(schema) == {"order": "A-1", "paid": True, "kind": "a", "at": {"id": 7}}
    assert data_schema.sample(None) == data_schema.sample({"properties": {"x": True}}) == {}


def test_a_stale_save_says_nothing_of_what_is_the_same(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, "Hello", {"title": "one"})
        with pytest.raises(Stale) as refused:
            templates.save(work, made.id, content={"title": "one"}, version=9)
        assert refused.value.errors == []
        with pytest.raises(Invalid):
            templates.save(work, made.id, name=" ", version=1)
