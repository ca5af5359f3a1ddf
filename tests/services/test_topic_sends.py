"""Topics as an audience: one message a topic and project, from the draft to the report, against the simulator."""

import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.policy import Policy, Skip, Target, decide
from backend.domain.vocabulary import SkipReason
from backend.errors import Invalid
from backend.services import (
    analytics,
    campaigns,
    categories,
    credentials,
    definition,
    deliveries,
    messages,
    planner,
    preflight,
    segmentation,
    subscribers,
    topics,
)
from backend.services.apps import AppRow
from backend.services.categories import CategoryIn
from backend.services.topics import Members
from tests import factories
from tests.factories import Simulator
from tests.services.test_pipeline import sending, until

NEWS = {"topics": ["news"]}


def draft(core: Core, app: AppRow, **changes) -> str:
    with core.work(OPERATOR, app.number) as work:
        return campaigns.create(work, factories.definition(**{"audience": NEWS, **changes})).row.id


def launch(core: Core, app: AppRow, campaign: str) -> None:
    with core.work(OPERATOR, app.number) as work:
        campaigns.launch(work, campaign)


def sent(core: Core, app: AppRow, **changes) -> str:
    campaign = draft(core, app, **changes)
    launch(core, app, campaign)
    with sending(core):
        until(core, app, campaign, "finished")
    return campaign


def check(core: Core, app: AppRow, campaign: str) -> preflight.Preflight:
    with core.reading(OPERATOR, app.number) as work:
        return preflight.preflight(work, campaign)


def content(**fields) -> list[dict]:
    return [{"name": "A", "content": {"title": "Hello", **fields}}]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"audience": {**NEWS, "everyone": True}}, "audience.everyone"),
        ({"audience": {**NEWS, "include": ["seg_a"]}}, "audience.include"),
        ({"audience": {**NEWS, "exclude": ["seg_a"]}}, "audience.exclude"),
        ({"audience": {**NEWS, "unseen_days": 30}}, "audience.unseen_days"),
        ({"audience": {"topics": ["/topics/news"]}}, "audience.topics[0]"),
        ({"audience": {"topics": [f"t{n}" for n in range(6)]}}, "audience.topics"),
        ({"audience": NEWS, "variants": [*content(), {"name": "B", "content": {"title": "Hi"}}]}, "variants"),
        ({"audience": NEWS, "holdout_percent": 5}, "holdout_percent"),
    ],
)
def test_what_cannot_be_asked_of_a_topic_is_refused_with_a_sentence(wrong, field: str):
    with pytest.raises(Invalid) as caught:
        definition.parse(factories.definition(**wrong))
    assert [(error.field, bool(error.message)) for error in caught.value.errors] == [(field, True)]


def test_topics_are_kept_once_each_and_other_audiences_do_not_speak_of_them():
    kept = definition.to_json(definition.parse(factories.definition(audience={"topics": ["b", "a", "b"]})))
    assert kept["audience"]["topics"] == ["b", "a"]
    assert definition.to_json(definition.parse(kept)) == kept
    assert "topics" not in definition.to_json(definition.parse(factories.definition()))["audience"]


def test_a_topics_message_waits_for_nobodys_wishes():
    hard = Policy(opted_in_by_default=False, unseen_days=1, holdout_percent=99)
    assert not isinstance(decide(Target(topic=True), hard, None), Skip)
    assert decide(Target(topic=True, state="invalid"), hard, None) == Skip(SkipReason.UNSUBSCRIBED)


def test_the_audience_in_words_and_numbers(core: Core, shop: AppRow):
    with core.reading(OPERATOR, shop.number) as work:
        audience = {"topics": ["news", "Sport"]}
        assert segmentation.audience_text(work, audience) == "Topics news and Sport"
        size = segmentation.audience_size(work, audience)
    assert (size.people, size.devices, size.by_platform, size.people_unreachable) == (0, 2, {"topic": 2}, {})


def test_without_fcm_a_draft_is_kept_and_a_launch_refused(core: Core, app: AppRow):
    campaign = draft(core, app)
    found = check(core, app, campaign)
    assert (found.audience, [one.field for one in found.problems]) == (0, ["audience.topics"])
    with pytest.raises(Invalid) as caught:
        launch(core, app, campaign)
    assert "FCM credential" in caught.value.errors[0].message
    with pytest.raises(Invalid), core.work(OPERATOR, app.number) as work:
        messages.send(work, {"topics": ["news"]}, content={"title": "Hello"})


def test_a_credential_that_goes_before_the_send_leaves_a_sentence(core: Core, shop: AppRow):
    campaign = draft(core, shop)
    launch(core, shop, campaign)
    with core.work(OPERATOR, shop.number) as work:
        row = credentials.list_credentials(work)[0]
        credentials.delete_credential(work, row.id)
    planner.tick(core)
    with core.reading(OPERATOR, shop.number) as work:
        row = campaigns.get(work, campaign).row
    assert row.state == "paused"
    assert "FCM credential" in row.pause_detail


def test_preflight_says_what_a_send_to_a_topic_is(core: Core, shop: AppRow):
    with core.work(OPERATOR, shop.number) as work:
        one = {"platform": "android", "token": "token-1", "user_id": "ann"}
        subscribers.register_device(work, subscribers.DeviceIn.model_validate(one), trusted=True)
    topics.change(core, OPERATOR, shop.number, "news", Members(user_ids=("ann",)), wanted=True)
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE topic_subscription SET state = 'subscribed'"))
    found = check(core, shop, draft(core, shop))
    assert (found.audience, found.send, found.members) == (1, 1, 1)
    assert found.notes[0] == "1 message to topic news: topics give no per-device result."
    assert not found.problems
    assert set(found.largest_payload) == {"topic"}
    with core.reading(OPERATOR, shop.number) as work:
        assert work.session.execute(text("SELECT count(*) FROM device")).scalar_one() == 1


def test_a_personal_text_needs_a_default(core: Core, shop: AppRow):
    found = check(core, shop, draft(core, shop, variants=content(body="Hi {{ user.name }}")))
    assert found.skipped == {"template_error": 1}
    assert "nobody in particular" in found.problems[0].message
    for body in ("Hi {{ user.name | default('you') }}", "{{ app.name }}", "{{ device.model | default('phone') }}"):
        assert check(core, shop, draft(core, shop, variants=content(body=body))).send == 1
    for body in ("{{ user.sessions }}", "{{ device.platform }}"):
        assert check(core, shop, draft(core, shop, variants=content(body=body))).send == 0


def test_a_topics_message_has_half_the_room(core: Core, shop: AppRow):
    found = check(core, shop, draft(core, shop, variants=content(body="x" * 2_000)))
    assert found.skipped == {"too_large": 1}
    assert "2048" in found.problems[0].message


def test_from_launch_to_report(core: Core, shop: AppRow, provider: Simulator):
    with core.work(OPERATOR, shop.number) as work:
        categories.create(work, CategoryIn(slug="quiet", name="Quiet", kind="marketing", default="opted_out"))
    words = content(
        body="For {{ user.name | default('all') }}", ios={"title": "For iPhones"}, web={"require_interaction": True}
    )
    told = draft(core, shop, audience={"topics": ["news", "sport"]}, category="quiet", variants=words)
    expected = check(core, shop, told)
    launch(core, shop, told)
    with sending(core):
        until(core, shop, told, "finished")
    assert targets(provider) == ["/topics/news", "/topics/sport"]
    with core.reading(OPERATOR, shop.number) as work:
        row = campaigns.get(work, told).row
        report = analytics.report(work, told)
        found = deliveries.search(work, campaign_id=told).items
        explained = deliveries.explain(work, found[0].id)
        people = analytics.overview(work).users
    assert (row.audience_text, row.progress.accepted, row.progress.audience) == ("Topics news and sport", 2, 2)
    totals = report.totals
    assert totals.accepted + totals.failed + totals.skipped == totals.audience == 2 == expected.audience
    assert set(report.by_platform) == {"topic"}
    assert not report.people_unreachable
    assert [(one.topic, one.user_id, one.device_id, one.platform) for one in found] == [
        ("sport", None, None, "topic"), ("news", None, None, "topic"),
    ]  # fmt: skip
    assert explained.body_as_sent
    assert '"topic":"sport"' in explained.body
    assert "For iPhones" in explained.body
    assert "requireInteraction" in explained.body
    target = b'{"message":{"topic":"sport",'  # does not count against the limit
    assert len(explained.body.encode()) - len(target) - expected.largest_payload["topic"] in range(-10, 1)
    assert people == 0
    with core.reading(OPERATOR, shop.number) as work:
        assert segmentation.audience_size(work, {"everyone": True}).devices == 0
    assert check(core, shop, draft(core, shop, audience={"everyone": True})).audience == 0


def test_a_topic_is_no_device_that_would_miss_its_credential(core: Core, shop: AppRow):
    sent(core, shop)
    with core.work(OPERATOR, shop.number) as work:
        (row,) = credentials.list_credentials(work)
        assert row.devices == 0
        credentials.delete_credential(work, row.id)


def test_a_second_send_goes_through_the_same_row(core: Core, shop: AppRow, provider: Simulator):
    sent(core, shop)
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE device SET state = 'invalid', reason = 'UNREGISTERED'"))
    sent(core, shop)
    with core.reading(OPERATOR) as work:
        assert work.session.execute(text("SELECT count(*), max(state) FROM device")).one() == (1, "active")
    assert provider.stats()["pairs"] == 2


def test_devices_in_two_topics_show_it_once(core: Core, shop: AppRow):
    campaign = sent(core, shop, audience={"topics": ["news", "sport"]})
    with core.reading(OPERATOR, shop.number) as work:
        bodies = [deliveries.explain(work, one.id).body for one in deliveries.search(work, campaign_id=campaign).items]
    tags = {body.split('"tag":"')[1].split('"')[0] for body in bodies}
    proofs = {body.split('"m":"')[1].split('"')[0] for body in bodies}
    assert (len(bodies), len(tags), len(proofs)) == (2, 1, 2)


def test_messages_go_to_topics_too(core: Core, shop: AppRow, provider: Simulator):
    with core.work(OPERATOR, shop.number) as work:
        one = {"platform": "android", "token": provider.authority.device_address("fcm", 1)["token"], "user_id": "ann"}
        subscribers.register_device(work, subscribers.DeviceIn.model_validate(one), trusted=True)
        told = messages.send(
            work,
            {"topics": ["news", "news"], "user_ids": ["ann"]},
            content={"title": "Code {{ data.code }}"},
            data={"code": 7},
        )
        for wrong in ({"topics": ["/topics/news"]}, {"topics": [f"t{n}" for n in range(6)]}):
            with pytest.raises(Invalid):
                messages.send(work, wrong, content={"title": "Hello"})
    assert len(told.deliveries) == 2
    with sending(core):
        settled(core)
    assert "/topics/news" in targets(provider)
    with core.reading(OPERATOR, shop.number) as work:
        assert "Code 7" in deliveries.explain(work, told.deliveries[-1]).body


def targets(provider: Simulator) -> list[str]:
    return sorted(pair[1] for pair in provider.pairs())


def settled(core: Core) -> None:
    import time

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with core.reading(OPERATOR) as work:
            if not work.session.execute(
                text("SELECT count(*) FROM delivery WHERE state IN ('planned', 'sending')")
            ).scalar_one():
                return
        time.sleep(0.05)
    raise AssertionError("something is still open")
