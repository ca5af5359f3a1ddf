"""What an event campaign says before anybody's event has come, and when it stops itself."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.dispatch import LeaseQueue
from backend.providers import encoder
from backend.providers.base import Outcome, OutcomeKind
from backend.queries import deliveries as sending
from backend.services import apps, campaigns, ids, inspector, messages, preflight, runs, templates, triggers
from backend.services.inspector import Whom
from backend.services.steps import Held, Steps
from tests.factories import definition
from tests.services.test_triggers import World, schedule


@pytest.fixture
def world(core: Core, app: apps.AppRow) -> World:
    return World(core, app)


TEXT = [
    {"name": "A", "weight": 1, "content": {"title": "{{ event.name }}", "body": "{{ event.sku }} × {{ event.count }}"}}
]


def bodies(world: World, name: str) -> tuple[Any, ...]:
    """What pre-flight, preview and a test make of a campaign's text."""
    with world.work() as work:
        found = preflight.preflight(work, name)
        data = campaigns.find(work, name).definition
        shown = inspector.of_content(work, TEXT[0]["content"], Whom("ana", platform="web"), schedule=data["schedule"])
        sent = messages.send_test(work, name, user_ids=["ana"])
        read = work.session.execute(text("SELECT data FROM context")).scalars().all()
        message = shown.message.body if shown.message else shown.problems
        return found.send, found.skipped, message, len(sent.deliveries), len(read)


def test_a_text_that_reads_the_event_can_be_looked_at_and_tried_before_there_is_one(world: World):
    world.person("ana")
    with world.work() as work:
        made = {"variants": TEXT, "schedule": schedule("cart", where={"sku": "a1"}), "category": "transactional"}
        name = campaigns.create(work, definition(**made)).row.id
        assert triggers.sample(work, {"kind": "now"}) is None
        assert triggers.sample(work, None) is None
    world.tell(("ana", "cart"), properties={"sku": "b2", "count": 12, "open": False})
    assert bodies(world, name) == (1, {}, "a1 × 12", 1, 1), "made up of what such events say, and of the rule"
    world.tell(("ana", "cart"), properties={"sku": "a1", "count": 3})
    world.clock.tick(seconds=1)
    world.tell(("ana", "cart"), properties={"sku": "c3", "count": 4})
    assert bodies(world, name) == (1, {}, "a1 × 3", 1, 2), "the last one that it would have answered"


def test_a_test_of_an_event_campaign_is_rendered_by_the_senders_with_the_same_event(world: World):
    world.person("ana")
    world.tell(("ana", "cart"), properties={"sku": "a1", "count": 3})
    with world.work() as work:
        name = campaigns.create(work, definition(variants=TEXT, schedule=schedule("cart"))).row.id
        sent = messages.send_test(work, name, user_ids=["ana"])
        number = ids.number(work, ids.DELIVERY, sent.deliveries[0])
        row, context = sending.one(work.session, number, None), runs.load(work, ids.number(work, ids.RUN, sent.run_id))
        assert runs.render(row, context, ("en",), work.core.keyring).body == "a1 × 3"


def test_a_template_for_the_api_reads_the_event_as_its_data(world: World):
    """The properties beside the event's own name, time and value; what the API gives goes first."""
    world.person("ana")
    world.tell(("ana", "cart"), properties={"sku": "a1", "order": {"id": "A-1"}})
    with world.work() as work:
        content = {"title": "{{ data.sku }} {{ data.order.id }} {{ data.name }}"}
        made = templates.create(work, "t", content, {"required": ["sku"], "properties": {"sku": {}, "order": {}}})
        changes = {"variants": [{"name": "A", "template_id": made.id}], "schedule": schedule("cart")}
        name = campaigns.create(work, definition(**changes)).row.id
        campaigns.launch(work, name)
        sent = messages.send_test(work, name, user_ids=["ana"])
        number = ids.number(work, ids.DELIVERY, sent.deliveries[0])
        row, context = sending.one(work.session, number, None), runs.load(work, ids.number(work, ids.RUN, sent.run_id))
        assert runs.render(row, context, ("en",), work.core.keyring).title == "a1 A-1 cart"
        both = SimpleNamespace(context={"data": {"x": 1}, "event": {"x": 2}}, address_kind="topic")
        assert runs.variables(both, context)["data"] == {"x": 1}


def all_fail(world: World) -> None:
    """Whatever is to be sent now is refused by its provider."""
    queue = LeaseQueue(world.core)
    steps = Steps(world.core, queue)
    for claim in queue.claim("worker", 10):
        with world.core.reading(OPERATOR) as work:
            held = Held(claim, runs.load(work, claim.run_id), encoder("webpush"))
        ready = steps.mark(held, steps.decide(held, 500).prepared)
        refused = Outcome(OutcomeKind.FAILED, 400, "BadRequest")
        steps.write(held, [(one, refused) for one in ready], last=True)


def test_a_campaign_whose_small_runs_all_fail_stops_after_a_hundred_answers(world: World):
    name = world.campaign(schedule("cart"))
    people = [f"p{number}" for number in range(104)]
    for one in people:
        world.person(one)
    for some, state in ((people[:60], "active"), (people[60:99], "active"), (people[99:], "paused")):
        world.tell(*((one, "cart") for one in some))
        assert world.tick(seconds=1) == len(some)
        all_fail(world)
        with world.work() as work:
            assert campaigns.get(work, name).row.state == state
    world.tell(("p0", "cart"))
    assert world.tick(seconds=1) == 0
