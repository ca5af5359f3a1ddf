"""Tests of a campaign: who gets them, through the real senders, and each provider's own reply."""

import time

import pytest
from sqlalchemy import event, text

from backend.bootstrap import Core
from backend.db import OPERATOR, Actor
from backend.errors import Conflict, Invalid, NotFound
from backend.services import analytics, campaigns, ids, members, messages, receipts, subscribers, testers, trials
from backend.services.apps import AppRow
from backend.services.receipts import ReceiptIn
from tests.factories import Simulator, definition, shop
from tests.services.test_people_search import add_person
from tests.services.test_pipeline import sending

SINGLE = """
    SELECT u.external_id, d.platform FROM "user" u JOIN device d ON d.user_id = u.id
    WHERE d.state = 'active' AND d.permission = 'granted' AND (SELECT count(*) FROM device o WHERE o.user_id = u.id) = 1
    ORDER BY u.id
"""


@pytest.fixture
def stage(core: Core, provider: Simulator) -> AppRow:
    return shop(core, provider.authority, 400, slug="stage")


@pytest.fixture
def people(core: Core, stage: AppRow) -> dict[str, list[str]]:
    """People with one good device, by its platform."""
    with core.engine.connect() as connection:
        found: dict[str, list[str]] = {}
        for name, platform in connection.execute(text(SINGLE)):
            found.setdefault(platform, []).append(name)
    return found


def drafted(core: Core, app: AppRow, **changes) -> str:
    with core.work(OPERATOR, app.number) as work:
        return campaigns.create(work, definition(**changes)).row.id


def tried(core: Core, app: AppRow, campaign: str, **whom):
    with core.work(OPERATOR, app.number) as work:
        return messages.send_test(work, campaign, **whom)


def told(core: Core, app: AppRow, campaign: str, run: str) -> trials.Trial:
    with core.reading(OPERATOR, app.number) as work:
        return trials.get(work, campaign, run)


def settled(core: Core, app: AppRow, campaign: str, run: str, seconds: float = 20) -> trials.Trial:
    deadline = time.monotonic() + seconds
    with sending(core):
        while (found := told(core, app, campaign, run)).open:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
    return found


def test_each_provider_says_what_it_made_of_it(core: Core, stage: AppRow, people, provider: Simulator):
    chosen = [people[platform][0] for platform in ("ios", "android", "web")]
    campaign = drafted(core, stage)
    sent = tried(core, stage, campaign, user_ids=chosen)
    assert sent.unreached == ()
    before = told(core, stage, campaign, sent.run_id)
    assert (before.open, {one.reply for one in before.results}) == (3, {"Waits for its turn."})
    done = settled(core, stage, campaign, sent.run_id)
    assert (done.open, done.accepted) == (0, 3)
    by_platform = {one.platform: one for one in done.results}
    assert {one.person for one in done.results} == set(chosen)
    assert by_platform["ios"].reply == "Apple took it."
    assert len(by_platform["ios"].reference) == 36  # apns-id
    assert by_platform["android"].reference.startswith("projects/")
    assert by_platform["web"].reference.startswith("https://")
    assert all(0 <= one.seconds < 20 and one.model and one.variant == "A" for one in done.results)
    assert provider.stats()["pairs"] == 3
    with core.reading(OPERATOR, stage.number) as work:
        assert analytics.report(work, campaign).totals.audience == 0
        assert [one.run_id for one in trials.listing(work, campaign).items] == [sent.run_id]


def test_a_refusal_is_shown_in_the_providers_own_words(core: Core, stage: AppRow, people, provider: Simulator):
    mix = {"apns": {"410/Unregistered": 1.0}, "fcm": {"404/UNREGISTERED": 1.0}, "webpush": {"410/106": 1.0}}
    provider.behave(mix=mix)
    campaign = drafted(core, stage)
    sent = tried(core, stage, campaign, user_ids=[people[one][1] for one in ("ios", "android", "web")])
    done = settled(core, stage, campaign, sent.run_id)
    found = {one.platform: (one.state, one.status, one.reason, one.reply) for one in done.results}
    assert found == {
        "ios": ("failed", 410, "Unregistered", "Apple refused it. The app was uninstalled or the token has expired."),
        "android": (
            "failed",
            404,
            "UNREGISTERED",
            "Google refused it. The app was uninstalled or the token has expired.",
        ),
        "web": ("failed", 410, "410", "The push service refused it. The browser has dropped its subscription."),
    }
    assert '"reason":"Unregistered"' in next(one.raw for one in done.results if one.platform == "ios").replace(" ", "")
    again = tried_nobody(core, stage, campaign, user_ids=[people["ios"][1]])
    assert again == [
        (
            "user_ids[0]",
            f"{people['ios'][1]} has no device that can be reached: The app was uninstalled or the token has expired.",
        )
    ]


def test_a_wrong_token_and_a_provider_that_is_down_for_a_moment(core: Core, stage: AppRow, people, provider: Simulator):
    provider.behave(mix={"apns": {"400/BadDeviceToken": 1.0}, "fcm": {"503/UNAVAILABLE": 1.0}})
    campaign = drafted(core, stage)
    sent = tried(core, stage, campaign, user_ids=[people["ios"][2], people["android"][2]])
    with sending(core):
        deadline = time.monotonic() + 20
        while not waits(found := told(core, stage, campaign, sent.run_id)):
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        again = next(one for one in found.results if one.platform == "android")
        assert again.reply == "Google did not take it. The provider was not available. It is tried again."
        assert (again.status, again.next_try_at is not None) == (503, True)
        provider.behave()
        while (found := told(core, stage, campaign, sent.run_id)).open:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
    replies = {one.platform: (one.state, one.reply, one.attempts > 1) for one in found.results}
    assert replies["android"] == ("accepted", "Google took it.", True)
    assert replies["ios"][:2] == (
        "failed",
        "Apple refused it. The token is malformed or belongs to the other environment.",
    )


def waits(found: trials.Trial) -> bool:
    return any(one.platform == "android" and one.next_try_at for one in found.results)


def test_what_the_device_says_comes_in_later(core: Core, stage: AppRow, people):
    campaign = drafted(core, stage)
    sent = tried(core, stage, campaign, user_ids=[people["ios"][3]])
    (row,) = settled(core, stage, campaign, sent.run_id).results
    number = core.keyring.number(ids.DELIVERY, row.delivery_id)
    proof = core.keyring.sign_receipt(stage.number, number)
    with core.work(OPERATOR, stage.number) as work:
        receipts.record(work, [[ReceiptIn(m=row.delivery_id, t=proof, type="opened")]])
    (row,) = told(core, stage, campaign, sent.run_id).results
    assert [one.type for one in row.receipts] == ["opened"]


def test_a_text_that_cannot_be_filled_in_is_told_by_its_field(core: Core, stage: AppRow, people):
    wording = {"title": "Hello {{ user.shoe_size }}", "body": "x"}
    campaign = drafted(core, stage, variants=[{"name": "A", "weight": 1, "content": wording}])
    sent = tried(core, stage, campaign, user_ids=[people["ios"][0]])
    (row,) = settled(core, stage, campaign, sent.run_id).results
    assert (row.state, row.reason) == ("skipped", "template_error")
    assert row.reply.startswith("Not sent. title: ")
    assert "shoe_size" in row.reply


def test_everybody_gets_the_variant_that_is_named(core: Core, stage: AppRow, people, provider: Simulator):
    wordings = [
        {"name": name, "weight": weight, "content": {"title": f"Title {name}", "body": "x"}}
        for name, weight in (("A", 1), ("B", 99))
    ]
    campaign = drafted(core, stage, variants=wordings)
    whom = {"user_ids": people["ios"][:3]}
    for name in ("A", "B"):
        sent = tried(core, stage, campaign, variant=name, **whom)
        assert {one.variant for one in told(core, stage, campaign, sent.run_id).results} == {name}
    with pytest.raises(Invalid, match="is not a variant of this campaign; it has A, B"):
        tried(core, stage, campaign, variant="C", **whom)


def tried_nobody(core: Core, app: AppRow, campaign: str, **whom) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as error:
        tried(core, app, campaign, **whom)
    return [(one.field, one.message) for one in error.value.errors]


def test_who_cannot_be_reached_is_told_by_name(core: Core, stage: AppRow, people):
    campaign = drafted(core, stage)
    add_person(core, stage, "bare")
    add_person(core, stage, "gone", devices=[("ios", "unsubscribed")])
    named = [people["ios"][0], "nobody", "bare", "gone"]
    sent = tried(core, stage, campaign, user_ids=named)
    assert len(sent.deliveries) == 1
    assert [(one.field, one.name) for one in sent.unreached] == [
        ("user_ids[1]", "nobody"), ("user_ids[2]", "bare"), ("user_ids[3]", "gone"),
    ]  # fmt: skip
    assert [one.reason for one in sent.unreached] == [
        "is not a user of this app.",
        "has no device.",
        "has no device that can be reached: The device has unsubscribed or its address is dead.",
    ]
    assert tried_nobody(core, stage, campaign, user_ids=["bare"]) == [("user_ids[0]", "bare has no device.")]
    assert tried_nobody(core, stage, campaign)[0][0] == "user_ids"
    assert tried_nobody(core, stage, campaign, device_ids=["dev_x"])[0] == ("device_ids[0]", "is not a device id")
    assert tried_nobody(core, stage, campaign, tester_ids=["tst_x"])[0][0] == "tester_ids[0]"


def test_testers_are_named_users_and_members_own_devices(core: Core, stage: AppRow, people):
    ana, ben = people["ios"][0], people["web"][0]
    with core.work(OPERATOR) as work:
        ids_of = [members.add_member(work, f"{name}@example.test", "editor", password="correct horse") for name in "mn"]
    numbers = [core.keyring.number(ids.MEMBER, one.id) for one in ids_of]
    mia, nils = (Actor("member", number, name) for number, name in zip(numbers, "mn", strict=True))
    with core.work(mia, stage.number) as work:
        testers.add(work, ben, name="Ben of the web team")
        own = testers.add(work, ana, name="My phone", mine=True)
        rows = testers.listing(work)
    assert [(row.name, row.mine, row.member) for row in rows] == [
        ("My phone", True, "m@example.test"), ("Ben of the web team", False, None),
    ]  # fmt: skip
    assert [(one.platform, one.problem) for one in own.devices] == [("ios", "")]
    with core.work(nils, stage.number) as work:
        assert [row.mine for row in testers.listing(work)] == [False, False]
        with pytest.raises(Conflict, match="another member's"):
            testers.add(work, ana, mine=True)
        assert testers.add(work, ana, name="Mia's phone").member == "m@example.test"
        with pytest.raises(NotFound):
            testers.add(work, "nobody")
        with pytest.raises(Invalid, match="member"):
            testers.add(work, ben, member_id="mem_x")
    campaign = drafted(core, stage)
    sent = tried(core, stage, campaign, tester_ids=[row.id for row in rows])
    found = told(core, stage, campaign, sent.run_id)
    assert {one.person for one in found.results} == {"Mia's phone", "Ben of the web team"}
    with core.work(mia, stage.number) as work:
        testers.remove(work, own.id)
        assert [row.name for row in testers.listing(work)] == ["Ben of the web team"]
        with pytest.raises(NotFound):
            testers.remove(work, own.id)
        subscribers.erase_user(work, ben)
        assert testers.listing(work) == ()


def test_another_apps_people_and_testers_are_not_there(core: Core, app: AppRow, stage: AppRow, people):
    with core.work(OPERATOR, stage.number) as work:
        theirs = testers.add(work, people["ios"][0])
        device = theirs.devices[0].id
    campaign = drafted(core, app)
    for whom in ({"user_ids": [people["ios"][0]]}, {"device_ids": [device]}, {"tester_ids": [theirs.id]}):
        assert tried_nobody(core, app, campaign, **whom)
    with core.work(OPERATOR, app.number) as work:
        assert testers.listing(work) == ()
        with pytest.raises(NotFound):
            testers.remove(work, theirs.id)
    other = drafted(core, stage)
    sent = tried(core, stage, other, tester_ids=[theirs.id])
    with core.reading(OPERATOR, app.number) as work, pytest.raises(NotFound):
        trials.get(work, campaign, sent.run_id)


def test_an_anonymous_tester_stays_one_when_they_get_a_name(core: Core, stage: AppRow):
    from backend.queries import merging

    user, _ = add_person(core, stage, None, devices=[("ios",)])
    known, _ = add_person(core, stage, "known")
    with core.work(OPERATOR, stage.number) as work:
        testers.add(work, ids.public(work, ids.USER, user), name="Somebody")
        merging.hand_over(work.session, user, known)
        assert [(row.user_id, row.name) for row in testers.listing(work)] == [("known", "Somebody")]


def test_what_was_wrong_with_many_is_told_in_a_few_looks(core: Core, stage: AppRow, people):
    """The console asks again and again while a test is under way."""
    campaign = drafted(core, stage, variants=[{"name": "A", "content": {"title": "{{ user.nope }}"}}])
    names = [name for platform in people.values() for name in platform]
    sent = tried(core, stage, campaign, user_ids=names)
    settled(core, stage, campaign, sent.run_id)
    looks: list[str] = []
    listening = (core.engine, "before_cursor_execute", lambda *given: looks.append(given[2]))
    event.listen(*listening)
    told_of = told(core, stage, campaign, sent.run_id).results
    event.remove(*listening)
    assert len(told_of) > trials.MOST_TOLD
    assert len(looks) < 20
    detail = "Not sent. title: user.nope is not known here; add | default('…')"
    assert [one.reply for one in told_of].count(detail) == trials.MOST_TOLD
    assert told_of[-1].reply == detail
    assert told_of[0].reply.startswith("Not sent. ")


def test_a_push_that_is_too_large_is_told_with_its_size(core: Core, stage: AppRow, people):
    text = {"title": "Hi", "data": {"note": "{{ user.name | default('x') }}" + "x" * 4_000, "more": "y" * 200}}
    campaign = drafted(core, stage, variants=[{"name": "A", "content": text}])
    sent = tried(core, stage, campaign, user_ids=[people["ios"][0], people["web"][0]])
    done = settled(core, stage, campaign, sent.run_id)
    assert [one.reason for one in done.results] == ["too_large"] * 2
    assert all(one.reply.startswith("Not sent. Too large: ") for one in done.results), done.results
