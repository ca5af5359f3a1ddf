"""What a text may read is listed as it is written, and each of it can be filled in."""

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps, blocks, people, runs, variables
from backend.services import template_engine as engine
from backend.services.template_filters import FILTERS
from tests.services.test_triggers import World, schedule


@pytest.fixture
def world(core: Core, app: apps.AppRow) -> World:
    return World(core, app)


def told(world: World) -> None:
    world.person("ana")
    world.tell(("ana", "cart"), properties={"sku": "a1", "unit price": 3.5, "it's": True, "_hidden": "x"}, value=5.0)
    world.tell(("ana", "login"), properties={"via": "web"})


def test_the_apps_own_names_are_listed_as_they_are_written(world: World):
    told(world)
    with world.work() as work:
        block = blocks.create(work, "footer_2", "Bye")
        found = variables.listing(work, schedule("cart"))
        everything = variables.listing(work)
        nothing = variables.listing(work, {"kind": "now"})
    assert {one.name: (one.kind, one.source) for one in found.event} == {
        "event.name": ("text", "every event"),
        "event.at": ("date", "every event"),
        "event.value": ("number", "events with a value"),
        "event.currency": ("text", "events with a value"),
        "event['it\\'s']": ("boolean", "cart"),
        "event.sku": ("text", "cart"),
        "event['unit price']": ("number", "cart"),
    }
    assert {one.source for one in everything.event} == {"every event", "events with a value", "cart", "login"}
    assert nothing.event == ()
    assert [(one.name, one.label, one.example, one.source) for one in found.blocks] == [
        ("block.footer_2", "Footer 2", "Bye", block.id)
    ]
    assert "user.id" in {one.name for one in found.profile}
    assert {one.name for one in found.device} >= {"device.platform", "device.model"}


def test_attributes_are_listed_with_kind_and_example(core: Core, app: apps.AppRow):
    attributes = {"plan": "pro", "cart-size": 3, "email": "a@x.example", "country": "FR"}
    with core.work(OPERATOR, app.number) as work:
        people.users_batch(work, [{"user_id": "ana", "attributes": attributes}])
    with core.reading(OPERATOR, app.number) as work:
        found = {one.name: one for one in variables.listing(work).attributes}
    assert {name: one.kind for name, one in found.items()} == {
        "user.plan": "text",
        "user['cart-size']": "number",
        "user.email": "text",
    }
    assert (found["user.plan"].example, found["user.email"].example) == ("pro", "")


def test_everything_listed_can_be_written_into_a_text(world: World):
    told(world)
    with world.work() as work:
        blocks.create(work, "footer", "Bye")
        found = variables.listing(work)
        groups = (found.profile, found.attributes, found.device, found.event, found.app, found.blocks)
        text = " ".join(f"{{{{ {one.name} }}}}" for group in groups for one in group)
        engine.refuse(text)
        assert runs.bare(work, {"title": text}).wordings


def test_every_filter_is_explained_with_what_comes_of_it(world: World):
    with world.work() as work:
        found = variables.listing(work).filters
    assert [one.name for one in found] == list(FILTERS)
    for one in found:
        assert one.name in one.example
        assert one.sentence.endswith(".")
        assert engine.fill(one.example, engine.context({}, "en")) == one.gives != ""
