"""Templates kept in versions, each app its own."""

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid, NotFound
from backend.services import apps, audit, templates
from backend.services.apps import AppRow


def test_each_new_content_is_a_version(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, " Hello ", {"title": "one"})
        assert (made.name, made.version, made.content["title"], made.content["sound"]) == ("Hello", 1, "one", "default")
        assert templates.save(work, made.id, content={"title": "one"}).version == 1
        assert templates.save(work, made.id, name="Hi", content={"title": "two"}).version == 2
    with core.reading(OPERATOR, app.number) as work:
        assert templates.get(work, made.id).name == "Hi"
        assert templates.content_of(work, made.id)["title"] == "two"
        states = templates.versions(work, made.id)
        assert [(one.version, one.content["title"]) for one in states] == [(2, "two"), (1, "one")]
        assert states[0].created_by


def test_a_copy_goes_its_own_way(sqlite_core: Core):
    with sqlite_core.work(OPERATOR) as setting_up:
        work = setting_up.within(apps.create_app(setting_up, slug="shop").number)
        made = templates.create(work, "x" * 200, {"title": "one"})
        copied = templates.duplicate(work, made.id)
        templates.save(work, made.id, content={"title": "two"})
        assert copied.name.endswith("x (copy)")
        assert templates.content_of(work, copied.id)["title"] == "one"


def test_lists_are_searched_and_paged(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = [templates.create(work, name, {"title": name}).id for name in ("Sale 5%", "Sale", "News")]
        page = templates.listing(work, limit=2)
        assert [one.id for one in page.items] == made[:0:-1]
        assert [one.id for one in templates.listing(work, limit=2, cursor=page.next).items] == made[:1]
        assert [one.name for one in templates.listing(work, search="5%").items] == ["Sale 5%"]


def test_an_archived_template_and_another_apps_are_not_there(sqlite_core: Core):
    with sqlite_core.work(OPERATOR) as setting_up:
        work = setting_up.within(apps.create_app(setting_up, slug="shop").number)
        gone, kept = (templates.create(work, name, {"title": "x"}).id for name in ("gone", "kept"))
        templates.archive(work, gone)
        with pytest.raises(NotFound):
            templates.get(work, gone)
        with pytest.raises(NotFound):
            templates.content_of(work, gone)
        assert [one.id for one in templates.listing(work).items] == [kept]
        other = apps.create_app(work, slug="other")
    with sqlite_core.work(OPERATOR, other.number) as work:
        for call in (templates.get, templates.content_of, templates.versions, templates.duplicate, templates.archive):
            with pytest.raises(NotFound):
                call(work, kept)
        with pytest.raises(NotFound):
            templates.save(work, kept, name="mine")


@pytest.mark.parametrize(
    ("name", "content", "field"),
    [(" ", {"title": "x"}, "name"), ("x", {"title": "{{ x }}"}, "content.title"), ("x", {"locales": {"pl": {"x": 1}}}, "content.locales.pl.x")],
)  # fmt: skip
def test_nothing_wrong_is_kept(sqlite_core: Core, name: str, content: dict, field: str):
    with sqlite_core.work(OPERATOR) as work:
        number = apps.create_app(work, slug="shop").number
    with pytest.raises(Invalid) as caught, sqlite_core.work(OPERATOR, number) as work:
        templates.create(work, name, content)
    assert caught.value.errors[0].field == field
    with sqlite_core.reading(OPERATOR, number) as work:
        assert not templates.listing(work).items


SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}}


def test_an_old_version_comes_back_as_a_new_one(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, "Hello", {"title": "one"}, SCHEMA)
        templates.save(work, made.id, content={"title": "two"}, data_schema={})
        assert templates.get(work, made.id).data_schema is None
        back = templates.restore(work, made.id, 1)
        assert (back.version, back.content["title"], back.data_schema) == (3, "one", SCHEMA)
        assert templates.restore(work, made.id, 1).version == 3, "it says that already"
        told = [(one.version, one.restored_from, bool(one.created_by)) for one in templates.versions(work, made.id)]
        assert told == [(3, 1, True), (2, None, True), (1, None, True)]
        assert [one.data_schema for one in templates.versions(work, made.id)] == [SCHEMA, None, SCHEMA]
        with pytest.raises(NotFound):
            templates.restore(work, made.id, 9)
        actions = [one.action for one in audit.listing(work).items]
        assert actions[:3] == ["template.restored", "template.restored", "template.changed"]


def test_another_schema_is_another_version_and_a_copy_has_it(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, "Hello", {"title": "one"})
        assert templates.save(work, made.id, data_schema=SCHEMA).version == 2
        assert templates.save(work, made.id, data_schema=SCHEMA).version == 2
        assert templates.save(work, made.id, content={"title": "two"}).data_schema == SCHEMA
        assert templates.duplicate(work, made.id).data_schema == SCHEMA
        with pytest.raises(Invalid) as caught:
            templates.save(work, made.id, data_schema={"$ref": "https://x.example"})
        assert caught.value.errors[0].field == "data_schema.$ref"
