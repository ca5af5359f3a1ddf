"""Topics in the composer: offered where there is Firebase, chosen, counted, confirmed."""

import pytest
from sqlmodel import select

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.models import Credential, Device, TopicSubscription, User
from backend.services import apps, campaigns, credentials
from console.rows import audience as audience_rows
from console.rows import topics as rows
from console.rows.topics import TopicLine
from console.states.audience import AudienceState
from console.states.compose import SAVED, ComposeState
from console.states.content import ContentState
from console.states.launch import LaunchState
from console.states.topics import TopicsState
from tests.console.test_states import draft, reopen
from tests.factories import typed
from tests.services.test_accounts_credentials import fcm


@pytest.fixture
def editor(visitor):
    return visitor(Role.EDITOR)


@pytest.fixture
def firebase(console, shop):
    """An FCM credential, and three phones that follow `news`."""
    with console.work(OPERATOR, shop.number) as work:
        credentials.add_credential(work, "fcm", fcm(), trusted=True)
        lane = work.session.exec(select(Credential.id)).one()
        for number in range(3):
            user = User(app_id=shop.number, bucket=number, first_seen=work.now)
            work.session.add(user)
            work.session.flush()
            device = Device(
                app_id=shop.number, user_id=user.id, credential_id=lane, platform="android", provider="fcm",
                environment="production", address_kind="token", sealed_address=b"", address_index=bytes([number]),
                index_version="1", secret_hash="", first_seen=work.now, last_seen=work.now, registered_at=work.now,
            )  # fmt: skip
            work.session.add(device)
            work.session.flush()
            place = TopicSubscription(
                app_id=shop.number, device_id=device.id, topic="news", state="subscribed", not_before=work.now,
                changed_at=work.now,
            )  # fmt: skip
            work.session.add(place)


async def opened(editor):
    address = await draft(editor)
    await editor.do(TopicsState.load)
    return address


async def test_without_firebase_no_topics_are_offered(editor):
    await opened(editor)
    assert not (await editor.state(TopicsState)).offered


async def test_a_known_topic_is_chosen_counted_and_kept(editor, firebase, console, shop):
    address = await opened(editor)
    topics, audience = await editor.state(TopicsState), await editor.state(AudienceState)
    assert topics.offered
    assert topics.shown == (TopicLine("news", "3 devices subscribed", chosen=False),)
    await editor.do(AudienceState.choose_mode, "topics")
    compose = await editor.state(ComposeState)
    assert "topic" in compose.errors.audience
    await editor.do(TopicsState.toggle, "news")
    assert compose.saved == SAVED
    reach = audience.reach
    assert (reach.shown, reach.unit, reach.people, reach.platforms) == (
        "1", "message", "", "Known to follow: 3 devices",
    )  # fmt: skip
    with console.reading(OPERATOR, shop.number) as work:
        kept = campaigns.get(work, address.split("/")[2])
    assert kept.definition["audience"]["topics"] == ["news"]
    assert kept.row.audience_text == "Topic news"
    await reopen(editor, address)
    await editor.do(TopicsState.load)
    assert (audience.mode, rows.chosen(topics.shown)) == ("topics", ["news"])
    await editor.do(AudienceState.choose_mode, "everyone")
    assert (audience.reach.devices, audience.reach.unit) == (3, "devices")
    await editor.do(AudienceState.choose_mode, "topics")
    assert audience.reach.unit == "message"


async def test_a_topic_that_only_the_app_knows_is_named(editor, firebase):
    await opened(editor)
    await editor.do(AudienceState.choose_mode, "topics")
    topics, audience = await editor.state(TopicsState), await editor.state(AudienceState)
    await editor.do(TopicsState.add, {"topic": "/topics/sport"})
    assert topics.problem == "A topic's name is written without /topics/ in front: sport."
    await editor.do(TopicsState.add, {"topic": " sport "})
    assert (topics.problem, topics.shown[0]) == ("", TopicLine("sport", rows.STRANGE, chosen=True))
    await editor.do(TopicsState.add, {"topic": "news"})
    assert rows.chosen(topics.shown) == ["sport", "news"]
    assert audience.reach.shown == "2"


async def test_a_launch_to_a_topic_says_what_it_is_and_asks_by_its_followers(editor, firebase, console, shop, visitor):
    await opened(editor)
    await editor.do(ContentState.store, typed(title="Hi"))
    await editor.do(AudienceState.choose_mode, "topics")
    await editor.do(TopicsState.toggle, "news")
    with console.work(OPERATOR, shop.number) as work:
        apps.update_app(work, shop.number, launch_threshold=2)
    await editor.do(LaunchState.review)
    launch = await editor.state(LaunchState)
    check = launch.check
    assert (check.audience, check.shown, check.whom, check.count) == (1, "1 message", "topic news", 3)
    assert (check.must_type, check.possible) == (True, True)
    assert "per-device" in check.notes[0]
    assert not await editor.do(LaunchState.launch)
    await editor.do(LaunchState.type_count, "3")
    assert await editor.do(LaunchState.launch)


def test_unknown_chosen_topics_stand_before_the_known():
    shown = rows.lines([], ["b", "a"])
    assert [line.name for line in shown] == ["b", "a"]
    assert audience_rows.audience_of("topics", (), "", 30, ["a"]) == {
        "include": [], "exclude": [], "everyone": False, "unseen_days": None, "topics": ["a"],
    }  # fmt: skip
