"""What goes to a topic before it is sent: one body for all its followers, whoever is looked at."""

import orjson
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import Platform
from backend.services import campaigns, credentials, deliveries, inspector, subscribers
from backend.services.apps import AppRow
from backend.services.inspector import Preview, Whom
from tests.factories import Simulator, definition
from tests.services.test_pipeline import sending, until

TEXT = {
    "title": "Hi {{ user.name | default('all') }}", "body": "Spring is here.", "data": {"k": "v"},
    "actions": [{"id": "buy", "title": "Buy"}],
    "ios": {"title": "Hello", "relevance_score": 0.5}, "web": {"link": "https://shop.example/spring"},
}  # fmt: skip


@pytest.fixture
def ann(core: Core, app: AppRow, provider: Simulator) -> str:
    """A person whose name a topic does not know; the app has Firebase."""
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "fcm", provider.authority.fcm_credential_body(), trusted=True)
        subscribers.users_batch(work, [{"user_id": "ann", "attributes": {"name": "Ann"}}])
    return "ann"


def draft(core: Core, app: AppRow, **content) -> str:
    with core.work(OPERATOR, app.number) as work:
        variants = [{"name": "A", "content": {**TEXT, **content}}]
        return campaigns.create(work, definition(audience={"topics": ["news", "sport"]}, variants=variants)).row.id


def looked_at(core: Core, app: AppRow, campaign: str, whom: Whom) -> Preview:
    with core.reading(OPERATOR, app.number) as work:
        return inspector.of_campaign(work, campaign, whom)


def test_it_is_the_topics_whoever_asks(core: Core, app: AppRow, ann: str):
    campaign = draft(core, app)
    told = {platform: looked_at(core, app, campaign, Whom(ann, platform=platform)) for platform in Platform}
    assert {name: one.message.title for name, one in told.items()} == {
        "ios": "Hello", "android": "Hi all", "web": "Hi all",
    }  # fmt: skip
    assert told[Platform.WEB].message.link == "https://shop.example/spring"
    assert len({_plain(one.body) for one in told.values()}) == 1
    for name, one in told.items():
        assert (one.platform, one.provider, one.limit, one.topic) == (name, "fcm", 2048, "news")
        assert (one.user_id, one.device_id, one.variables["user"]) == (None, None, {})
    assert _plain(looked_at(core, app, campaign, Whom()).body) == _plain(told[Platform.IOS].body)


def test_its_price_is_that_of_the_whole_body(core: Core, app: AppRow, ann: str):
    shown = looked_at(core, app, draft(core, app), Whom())
    costs = {one.field: one.bytes for one in shown.fields}
    assert sum(costs.values()) == shown.counted == len(shown.body) - len('{"message":{"topic":"news",')
    assert {"title", "body", "data.k", "actions[0]", "ios.relevance_score", "frame"} <= costs.keys()
    assert costs["data.k"] == len(',"k":"v"')


@pytest.mark.parametrize("over", [0, 1])
def test_its_limit_is_half_of_the_others(core: Core, app: AppRow, ann: str, over: int):
    room = looked_at(core, app, draft(core, app, body="x", ios={}), Whom())
    shown = looked_at(core, app, draft(core, app, body="x" * (1 + 2048 - room.counted + over), ios={}), Whom())
    assert (shown.counted, shown.trim.field) == (2048 + over, "body")
    assert [one.field for one in shown.problems] == ["body"] * over


def test_what_is_shown_is_what_is_sent(core: Core, app: AppRow, ann: str):
    campaign = draft(core, app)
    shown = looked_at(core, app, campaign, Whom())
    with core.work(OPERATOR, app.number) as work:
        campaigns.launch(work, campaign)
    with sending(core):
        until(core, app, campaign, "finished")
    with core.reading(OPERATOR, app.number) as work:
        rows = deliveries.search(work, campaign_id=campaign).items
        sent = {row.topic: deliveries.explain(work, row.id) for row in rows}["news"]
    assert sent.body_as_sent
    assert len(sent.body) == len(shown.body)
    assert _plain(sent.body) == _plain(shown.body)


def _plain(body: str) -> str:
    """Without what is the delivery's and the run's own: its names, its proof, and when it ends."""
    read = orjson.loads(body)["message"]
    headers = read["apns"]["headers"]
    for value in (read["data"]["m"], read["data"]["t"], headers["apns-collapse-id"], headers["apns-expiration"]):
        body = body.replace(value, "?" * len(value))
    return body


def test_before_there_is_firebase_the_body_can_be_looked_at(core: Core, app: AppRow):
    shown = looked_at(core, app, draft(core, app), Whom(platform="web"))
    assert (shown.limit, shown.topic, shown.problems) == (2048, "news", ())
    assert orjson.loads(shown.body)["message"]["topic"] == "news"


def test_a_value_of_a_person_without_a_default_is_missing(core: Core, app: AppRow, ann: str):
    shown = looked_at(core, app, draft(core, app, title="Hi {{ user.name }}", ios={}), Whom(ann))
    assert [one.field for one in shown.problems] == ["title"]
    assert shown.message is None
