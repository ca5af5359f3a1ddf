"""Categories: made, changed, archived while nobody needs them, and back."""

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Conflict, Invalid, NotFound
from backend.services import apps, audit, campaigns, categories, fields, preferences, subscribers
from backend.services.apps import AppRow
from backend.services.categories import CategoryChange, CategoryIn
from backend.services.preferences import PreferencesIn
from tests import factories

NEWS = {"slug": "news", "name": "News", "kind": "marketing"}


def make(core: Core, app: AppRow, **given):
    with core.work(OPERATOR, app.number) as work:
        return categories.create(work, fields.parse(CategoryIn, {**NEWS, **given}))


def change(core: Core, app: AppRow, slug: str, **given):
    with core.work(OPERATOR, app.number) as work:
        return categories.change(work, slug, fields.parse(CategoryChange, given))


def slugs(core: Core, app: AppRow, **which) -> list[str]:
    with core.reading(OPERATOR, app.number) as work:
        return [row.slug for row in categories.listing(work, **which)]


def test_a_category_is_made_once_with_its_caps_in_one_order(core: Core, app: AppRow):
    gap, daily = {"kind": "gap", "minutes": 30}, {"kind": "daily", "pushes": 2}
    made = make(core, app, default="opted_out", description=" Once a week ", caps=[gap, daily, gap])
    assert (made.opted_in_by_default, made.description, made.caps) == (False, "Once a week", (daily, gap))
    with pytest.raises(Conflict):
        make(core, app)
    with core.reading(OPERATOR, app.number) as work:
        assert audit.listing(work).items[0].action == "category.created"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"slug": "x y"}, "slug"),
        ({"slug": "-x"}, "slug"),
        ({"name": " "}, "name"),
        ({"kind": "spam"}, "kind"),
        ({"default": "maybe"}, "default"),
        ({"kind": "mandatory", "default": "opted_out"}, "default"),
        ({"description": "x" * 301}, "description"),
        ({"caps": [{"kind": "daily"}]}, "caps[0]"),
        ({"caps": [{"kind": "daily", "pushes": 1, "hours": 2}]}, "caps[0]"),
        ({"caps": [{"kind": "rolling", "pushes": 0, "hours": 2}]}, "caps[0].pushes"),
        ({"caps": [{"kind": "gap", "minutes": 10**6}]}, "caps[0].minutes"),
        ({"caps": [{"kind": "gap", "minutes": 1}] * 11}, "caps"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(sqlite_core: Core, given, field):
    core = sqlite_core
    with core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    with pytest.raises(Invalid) as error:
        make(core, app, **given)
    assert [one.field for one in error.value.errors] == [field]
    assert "news" not in slugs(core, app, archived=True)


def test_a_change_touches_what_it_names_and_one_that_is_none_leaves_no_trace(core: Core, app: AppRow):
    make(core, app, description="Weekly")
    changed = change(core, app, "news", name="The news", caps=[{"kind": "daily", "pushes": 1}])
    assert (changed.name, changed.description, len(changed.caps)) == ("The news", "Weekly", 1)
    change(core, app, "news", name="The news")
    with core.reading(OPERATOR, app.number) as work:
        entries = [row for row in audit.listing(work).items if row.action == "category.changed"]
    assert [row.detail["fields"] for row in entries] == [["caps", "name"]]
    for wrong in ({"name": None}, {"kind": "mandatory", "default": "opted_out"}):
        with pytest.raises(Invalid):
            change(core, app, "news", **wrong)
    with pytest.raises(NotFound):
        change(core, app, "nothing", name="x")


def test_a_category_that_becomes_mandatory_goes_to_everybody_and_remembers_what_was_said(core: Core, app: AppRow):
    make(core, app)
    with core.work(OPERATOR, app.number) as work:
        ana = subscribers.ensure_user(work, "ana")
        preferences.put(work, ana, PreferencesIn(categories={"news": False}))

    def wants() -> bool:
        with core.reading(OPERATOR, app.number) as work:
            return preferences.get(work, ana).categories["news"]

    assert not wants()
    change(core, app, "news", kind="mandatory")
    assert wants()
    change(core, app, "news", kind="informational")
    assert not wants()


def test_an_archived_category_is_out_of_every_choice_until_it_is_back(core: Core, app: AppRow):
    make(core, app)
    with core.work(OPERATOR, app.number) as work:
        ana = subscribers.ensure_user(work, "ana")
        preferences.put(work, ana, PreferencesIn(categories={"news": False}))
        assert categories.archive(work, "news").archived_at is not None
        assert "news" not in preferences.get(work, ana).categories
        with pytest.raises(Invalid):
            preferences.put(work, ana, PreferencesIn(categories={"news": True}))
        with pytest.raises(Invalid):
            campaigns.create(work, factories.definition(category="news"))
    assert "news" not in slugs(core, app)
    assert "news" in slugs(core, app, archived=True)
    with pytest.raises(Conflict):
        make(core, app)
    with core.work(OPERATOR, app.number) as work:
        categories.restore(work, "news")
        assert preferences.get(work, ana).categories["news"] is False


def test_a_category_that_a_campaign_still_needs_is_not_archived(core: Core, app: AppRow):
    make(core, app)
    later = {"kind": "at", "at": "2099-01-01T09:00:00Z"}
    with core.work(OPERATOR, app.number) as work:
        draft = campaigns.create(work, factories.definition(name="Draft", category="news")).row.id
        categories.archive(work, "news")
        categories.restore(work, "news")
        made = campaigns.create(work, factories.definition(name="New Year", category="news", schedule=later)).row.id
        campaigns.launch(work, made)
    with core.work(OPERATOR, app.number) as work, pytest.raises(Conflict, match="'New Year' still sends"):
        categories.archive(work, "news")
    with core.work(OPERATOR, app.number) as work:
        campaigns.cancel(work, made)
        categories.archive(work, "news")
        with pytest.raises(Invalid):
            campaigns.launch(work, draft)
