"""Topics: who is in one, how the provider is told, and that nobody is left in one by mistake."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.topic import in_words, problem
from backend.domain.vocabulary import CredentialStatus, DeviceState
from backend.errors import Conflict, Invalid, NotFound
from backend.models import Credential, Device, TopicSubscription, User
from backend.queries import results
from backend.queries import topics as queries
from backend.services import apps, lists, segmentation, subscribers, topics
from backend.services.apps import AppRow
from backend.services.registration import DeviceIn, DevicePatch
from backend.services.topics import Members

FCM = {"platform": "android", "token": "a-token-of-one-phone"}


@pytest.fixture
def lane(core: Core, app: AppRow) -> int:
    """An FCM credential without a secret: nothing is sent here."""
    return add_lane(core, app)


def add_lane(core: Core, app: AppRow, project: str = "shop", **values) -> int:
    with core.work(OPERATOR, app.number) as work:
        row = Credential(
            app_id=app.number, provider="fcm", environment="production", public={"project_id": project},
            sealed_secret=b"", created_at=work.now, updated_at=work.now, **values,
        )  # fmt: skip
        work.session.add(row)
        work.session.flush()
        return int(row.id or 0)


def register(core: Core, app: AppRow, **given) -> str:
    with core.work(OPERATOR, app.number) as work:
        return subscribers.register_device(work, DeviceIn.model_validate(given), trusted=True).device.id


def phones(core: Core, app: AppRow, count: int, **given) -> list[str]:
    return [register(core, app, platform="android", token=f"token-{n}", user_id=f"u{n}", **given) for n in range(count)]


def subscribe(core: Core, app: AppRow, name: str = "news", *, wanted: bool = True, **members):
    return topics.change(core, OPERATOR, app.number, name, Members(**members), wanted=wanted)


def tell(core: Core, state: str = "subscribed") -> None:
    """As if the provider had been told of everything that waits."""
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE topic_subscription SET state = :s WHERE state = 'pending'"), {"s": state})


def rows(core: Core) -> dict[int, tuple[str, bool]]:
    with core.reading(OPERATOR) as work:
        return {row.device_id: (row.state, row.wanted) for row in work.session.exec(select(TopicSubscription))}


def claimed(core: Core) -> list[queries.Claimed]:
    with core.work(OPERATOR) as work:
        return queries.claim(work.session, work.now, 100)


def counts(core: Core, app: AppRow, name: str = "news") -> tuple[int, int, int]:
    with core.reading(OPERATOR, app.number) as work:
        row = topics.get(work, name)
    return row.subscribed, row.pending, row.failed


@pytest.mark.parametrize("name", ["news", "a", "news_2.~%-X", "x" * 900])
def test_a_topics_name_is_taken(name: str):
    assert problem(name) is None


@pytest.mark.parametrize("name", ["", "/topics/news", "two words", "ümlaut", "a/b", "x" * 901, "news\n"])
def test_what_is_no_topics_name_is_refused(core: Core, app: AppRow, name: str):
    assert problem(name)
    with pytest.raises(Invalid) as caught:
        subscribe(core, app, name, user_ids=("u1",))
    assert caught.value.errors[0].field == "topic"
    with pytest.raises(Invalid), core.work(OPERATOR, app.number) as work:
        topics.put(work, "dev_x", name, wanted=True)


def test_topics_are_written_out():
    assert in_words(["news"]) == "topic news"
    assert in_words(["a", "b", "c"], "Topic") == "Topics a, b and c"


def test_members_are_named_in_four_ways_and_told_by_what_became_of_them(core: Core, app: AppRow, lane: int):
    devices = phones(core, app, 4)
    register(core, app, platform="ios", token="ab" * 32, user_id="u0")
    with core.work(OPERATOR, app.number) as work:
        segment = segmentation.save(
            work,
            name="Just u2",
            rules={"combinator": "and", "rules": [{"field": "user.id", "operator": "=", "value": "u2"}]},
        )
        chosen = lists.create(work, lists.ListIn(name="l"))
        lists.add_members(work, chosen.id, ["u3"])
    by_user = subscribe(core, app, user_ids=("u0", "nobody"))
    assert (by_user.changed, by_user.unsupported, by_user.unknown) == (1, 1, ("nobody",))
    by_device = subscribe(core, app, device_ids=(devices[1], "dev_nonsense"))
    assert (by_device.changed, by_device.unknown) == (1, ("dev_nonsense",))
    assert subscribe(core, app, segment_id=segment.id).changed == 1
    assert subscribe(core, app, list_id=chosen.id).changed == 1
    assert counts(core, app) == (0, 4, 0)
    together = subscribe(core, app, user_ids=("u0",), device_ids=(devices[1],), list_id=chosen.id)
    assert together.changed == 0
    with pytest.raises(Invalid):
        subscribe(core, app)
    with pytest.raises(NotFound):
        subscribe(core, app, segment_id="seg_x")
    with pytest.raises(NotFound):
        subscribe(core, app, list_id="lst_x")


def test_pages_join_without_a_seam(core: Core, app: AppRow, lane: int, monkeypatch: pytest.MonkeyPatch):
    phones(core, app, 7)
    monkeypatch.setattr(topics, "PAGE", 3)
    assert subscribe(core, app, user_ids=tuple(f"u{n}" for n in range(7))).changed == 7
    assert len(rows(core)) == 7


def test_what_is_known_is_told_once_and_a_failure_again(core: Core, app: AppRow, lane: int):
    phones(core, app, 2)
    everybody = {"user_ids": ("u0", "u1")}
    assert subscribe(core, app, **everybody).changed == 2
    tell(core)
    assert subscribe(core, app, **everybody).changed == 0
    assert subscribe(core, app, wanted=False, user_ids=("u0",)).changed == 1
    assert counts(core, app) == (1, 1, 0)
    tell(core, "unsubscribed")
    assert subscribe(core, app, wanted=False, user_ids=("u0",)).changed == 0
    assert subscribe(core, app, **everybody).changed == 1
    tell(core, "failed")
    assert counts(core, app) == (1, 0, 1)
    assert subscribe(core, app, **everybody).changed == 1


def test_another_apps_people_are_nobody(core: Core, app: AppRow, lane: int):
    phones(core, app, 1)
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    device = next(iter(rows(core)), None)
    assert device is None
    assert subscribe(core, other, user_ids=("u0",)).unknown == ("u0",)
    assert not rows(core)
    with pytest.raises(NotFound), core.reading(OPERATOR, other.number) as work:
        topics.get(work, "news")


def test_a_listing_has_each_topic_once_newest_first(core: Core, app: AppRow, lane: int):
    phones(core, app, 3)
    for name in ("sport", "news", "new_s"):
        subscribe(core, app, name, user_ids=("u0", "u1", "u2"))
    with core.reading(OPERATOR, app.number) as work:
        page = topics.listing(work, limit=2)
        rest = topics.listing(work, limit=2, cursor=page.next)
        found = topics.listing(work, search="new_")
    assert [row.name for row in (*page.items, *rest.items)] == ["new_s", "news", "sport"]
    assert (page.items[0].pending, rest.next) == (3, None)
    assert [row.name for row in found.items] == ["new_s"]


def test_a_device_speaks_for_itself(core: Core, app: AppRow, lane: int):
    device = register(core, app, **FCM)
    with core.work(OPERATOR, app.number) as work:
        place = topics.put(work, device, "news", wanted=True)
        assert (place.name, place.state, place.wanted) == ("news", "pending", True)
        assert subscribers.get_device(work, device).topics == (place,)
        assert topics.put(work, device, "news", wanted=False).wanted is False
        with pytest.raises(NotFound):
            topics.put(work, "dev_x", "news", wanted=True)


def test_only_fcm_has_topics(core: Core, app: AppRow):
    ios = register(core, app, platform="ios", token="ab" * 32)
    unbound = register(core, app, **FCM)
    with core.work(OPERATOR, app.number) as work:
        for device in (ios, unbound):
            with pytest.raises(Invalid):
                topics.put(work, device, "news", wanted=True)
    assert not rows(core)


def test_a_claim_is_exclusive_and_its_end_is_its_fence(core: Core, app: AppRow, lane: int):
    phones(core, app, 2)
    subscribe(core, app, user_ids=("u0", "u1"))
    first = claimed(core)
    assert [row.told for row in first] == [True, True]
    assert claimed(core) == []
    with core.work(OPERATOR) as work:
        row = work.session.exec(select(TopicSubscription)).first()
        until = row.not_before
        queries.settle(work.session, [row.id], until + timedelta(seconds=1), "subscribed", None, work.now)
        work.session.expire_all()
        assert row.state == "pending"
        queries.settle(work.session, [row.id], until, "subscribed", None, work.now)
        work.session.expire_all()
        assert row.state == "subscribed"


def test_a_wish_that_comes_while_the_provider_is_told_is_told_after_it(core: Core, app: AppRow, lane: int):
    phones(core, app, 1)
    subscribe(core, app, user_ids=("u0",))
    held = claimed(core)[0]
    with core.reading(OPERATOR) as work:
        until = work.session.exec(select(TopicSubscription.not_before)).one()
    assert subscribe(core, app, wanted=False, user_ids=("u0",)).changed == 1
    with core.work(OPERATOR) as work:
        queries.settle(work.session, [held.id], until, "subscribed", None, work.now)
    assert rows(core)[held.device_id] == ("pending", False)
    assert claimed(core) == []
    with core.work(OPERATOR) as work:
        late = queries.claim(work.session, work.now + queries.CLAIM, 10)
    assert [row.told for row in late] == [False]


def test_who_takes_no_pushes_leaves_their_topics_and_comes_back_to_them(core: Core, app: AppRow, lane: int):
    device = phones(core, app, 1)[0]
    subscribe(core, app, user_ids=("u0",))
    tell(core)
    with core.work(OPERATOR, app.number) as work:
        subscribers.update_device(work, device, DevicePatch(state=DeviceState.UNSUBSCRIBED))
    assert [row.told for row in claimed(core)] == [False]
    tell(core, "unsubscribed")
    with pytest.raises(Conflict), core.work(OPERATOR, app.number) as work:
        topics.put(work, device, "news", wanted=True)
    with core.work(OPERATOR, app.number) as work:
        back = subscribers.update_device(work, device, DevicePatch(state=DeviceState.ACTIVE))
    assert [(place.state, place.wanted) for place in back.topics] == [("pending", True)]
    assert [row.told for row in claimed(core)] == [True]


def test_a_new_token_joins_the_topics_anew(core: Core, app: AppRow, lane: int):
    device = phones(core, app, 1)[0]
    subscribe(core, app, user_ids=("u0",))
    subscribe(core, app, "sport", wanted=False, user_ids=("u0",))
    tell(core)
    with core.work(OPERATOR, app.number) as work:
        subscribers.update_device(work, device, DevicePatch(locale="pl"))
    assert not claimed(core)
    with core.work(OPERATOR, app.number) as work:
        subscribers.update_device(work, device, DevicePatch(token="another-token"))
    assert [row.topic for row in claimed(core)] == ["news"]


def test_a_dead_device_is_in_no_topic_and_joins_anew_when_it_comes_back(core: Core, app: AppRow, lane: int):
    phones(core, app, 2)
    subscribe(core, app, user_ids=("u0", "u1"))
    tell(core)
    with core.work(OPERATOR) as work:
        first = work.session.exec(select(Device.id).order_by(Device.id)).first()
        results.prune(work.session, [(first, "UNREGISTERED", None)], work.now)
    assert counts(core, app) == (1, 0, 1)
    assert not claimed(core)
    phones(core, app, 2)
    assert [(row.device_id, row.told) for row in claimed(core)] == [(first, True)]


@pytest.mark.parametrize("way", ["remove", "erase"])
def test_whoever_is_removed_leaves_their_topics_first(core: Core, app: AppRow, lane: int, way: str):
    device = phones(core, app, 1)[0]
    subscribe(core, app, user_ids=("u0",))
    tell(core)
    with core.work(OPERATOR, app.number) as work:
        before = work.core.keyring.decrypt(
            work.session.exec(select(Device.sealed_address)).one(), f"device:{app.number}"
        )
        if way == "remove":
            subscribers.remove_device(work, device)
        else:
            subscribers.erase_user(work, "u0")
    with pytest.raises(NotFound), core.reading(OPERATOR, app.number) as work:
        subscribers.get_device(work, device)
    assert counts(core, app) == (0, 1, 0)
    leaving = claimed(core)
    assert [row.told for row in leaving] == [False]
    assert core.keyring.decrypt(leaving[0].sealed_address, f"device:{app.number}") == before
    with core.work(OPERATOR, app.number) as work:
        assert segmentation.audience_size(work, {"everyone": True}).devices == 0
        again = subscribers.register_device(work, DeviceIn(platform="android", token="token-0"), trusted=True)
    assert again.created
    assert again.device.topics == ()
    with core.work(OPERATOR) as work:
        work.session.execute(
            text("UPDATE device SET ephemeral_until = :past WHERE ephemeral_until IS NOT NULL"),
            {"past": "2020-01-01 00:00:00.000000+00"},
        )
    with core.work(OPERATOR) as work:
        assert subscribers.forget_ephemeral(work) == 1
        assert work.session.exec(select(TopicSubscription)).all() == []
        assert len(work.session.exec(select(Device)).all()) == 1
        assert {user.external_id for user in work.session.exec(select(User))} == (
            {"u0", None} if way == "remove" else {None}
        )


def test_devices_in_no_topic_go_without_a_trace(core: Core, app: AppRow, lane: int):
    device = phones(core, app, 1)[0]
    with core.work(OPERATOR, app.number) as work:
        subscribers.remove_device(work, device)
        assert work.session.exec(select(Device)).all() == []


def test_an_export_tells_of_topics(core: Core, app: AppRow, lane: int):
    phones(core, app, 1)
    subscribe(core, app, user_ids=("u0",))
    with core.work(OPERATOR, app.number) as work:
        told = subscribers.export_user(work, "u0")
    assert [place.name for place in told.devices[0].topics] == ["news"]


def test_a_send_goes_through_each_project_once(core: Core, app: AppRow, lane: int):
    from backend.services import topic_audience

    newer = add_lane(core, app)
    other = add_lane(core, app, "second")
    retiring = add_lane(core, app, "third", status=CredentialStatus.RETIRING)
    with core.work(OPERATOR, app.number) as work:
        assert [(one.topic, one.credential_id) for one in topic_audience.fanouts(work, ["a", "b"])] == [
            ("a", other), ("a", newer), ("b", other), ("b", newer),
        ]  # fmt: skip
    phones(core, app, 1)
    with core.work(OPERATOR) as work:
        work.session.execute(text("UPDATE device SET credential_id = :lane"), {"lane": retiring})
    subscribe(core, app, "a", user_ids=("u0",))
    tell(core)
    with core.work(OPERATOR, app.number) as work:
        lanes = [one.credential_id for one in topic_audience.fanouts(work, ["a"])]
    assert sorted(lanes) == sorted([other, newer, retiring])
