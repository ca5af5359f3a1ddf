"""For whom the composer shows a notification, and what it tells of the bytes."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import campaigns, credentials, subscribers
from backend.services.registration import DeviceIn
from console import routes
from console.components.draft import held_var
from console.states.compose import ComposeState
from console.states.content import ContentState
from console.states.preview import PreviewState
from console.states.telling import TellingState
from tests.factories import definition, typed

TEXT = "Hi {{ user.name }}, {{ user.id }}"


def register(work, user, platform, token, **facts):
    given = {"platform": platform, "token": token, "user_id": user, "permission": "granted", **facts}
    return subscribers.register_device(work, DeviceIn.model_validate(given), trusted=True).device.id


def apns_key():
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"topic": "a.b", "environment": "production", "team_id": "T" * 10, "key_id": "K" * 10, "private_key": pem}


@pytest.fixture
def crowd(console, shop):
    """Ann with two phones, Ben without a name, Dalia who reads Arabic; the ids of Ann's devices."""
    with console.work(OPERATOR, shop.number) as work:
        credentials.add_credential(work, "apns", apns_key())
        people = (
            {"user_id": "ann", "attributes": {"name": "Ann"}},
            {"user_id": "ben"},
            {"user_id": "dalia", "attributes": {"name": "D"}},
        )
        subscribers.users_batch(work, list(people))
        own = (
            register(work, "ann", "ios", "a" * 64, model="iPhone 15"),
            register(work, "ann", "android", "f:" + "b" * 60),
        )
        register(work, "ben", "ios", "c" * 64)
        register(work, "dalia", "ios", "d" * 64, locale="ar-EG")
        return own


@pytest.fixture
async def editor(visitor, console, shop, crowd):
    """An editor with a campaign open, to everybody, whose text needs a name."""
    with console.work(OPERATOR, shop.number) as work:
        made = campaigns.create(work, definition(variants=[{"name": "A", "content": {"title": TEXT}}])).row.id
    who = visitor(Role.EDITOR).at(routes.edit_campaign(made))
    for state in (ComposeState, ContentState, PreviewState, TellingState):
        await who.do(state.load)
    await who.do(TellingState.look, typed(title=TEXT))
    return who


async def test_those_who_show_most_are_offered(editor):
    telling = await editor.state(TellingState)
    assert telling.ready
    assert {one.person: one.why for one in telling.cards} == {
        "ann": "Longest",
        "ben": "Missing",
        "dalia": "Right to left",
    }
    assert next(one for one in telling.cards if one.person == "ben").detail == "user.name"
    assert telling.largest["ios"] > 100


async def test_somebody_is_found_by_id_and_by_attribute(editor):
    telling = await editor.state(TellingState)
    for text, people in (("be", ["ben"]), ("name:Ann", ["ann"]), ("", ["ann", "ben", "dalia"]), ("nobody-at-all", [])):
        await editor.do(TellingState.look_for, text)
        assert (sorted(one.id for one in telling.found), telling.answered) == (people, text)


async def test_the_browser_is_told_what_the_chosen_person_gets(editor, crowd):
    preview = await editor.state(PreviewState)
    await editor.do(ContentState.store, typed(title=TEXT, android={"title": "Droid {{ user.name }}"}))
    assert [one.name for one in preview.payload.problems] == ["title"]
    answers = await editor.do(PreviewState.look_as, "ann", "")
    told = str(answers[0])
    assert all(part in told for part in ("Hi Ann, ann", "Droid Ann", held_var._setter_name))
    assert preview.payload.spoken.text == "Shop, now, Hi Ann, ann"
    assert [one.label for one in preview.devices] == ["iPhone 15", "Android"]
    assert [one.id for one in preview.recent] == ["ann"]
    await editor.do(PreviewState.look_on, crowd[1])
    assert (preview.platform, preview.payload.spoken.text) == ("android", "Shop, Droid Ann")
    assert '"token": "*' in preview.payload.pretty
    await editor.do(PreviewState.inspect, "web")
    assert preview.payload.title == "Web by Web Push"
    await editor.do(PreviewState.look_as, "stranger", "")
    assert "stranger" in preview.problem
    await editor.do(PreviewState.look_as, "", "")
    assert (preview.problem, preview.device, preview.devices) == ("", "", ())


async def test_a_draft_of_another_campaign_is_not_rendered(editor):
    assert await editor.do(PreviewState.follow, {**typed(title="x"), "of": "cmp_other"}) == []


async def test_what_is_too_large_names_the_field_to_trim(editor):
    preview = await editor.state(PreviewState)
    await editor.do(ContentState.store, typed(title="Hi", body="x" * 5_000))
    assert (preview.payload.tone, preview.payload.full) == ("red", 100.0)
    assert preview.payload.trim.startswith("Too large: shorten body by ")
    assert preview.payload.costs[0].field == "body"
    assert preview.payload.raw == ""
    await editor.do(ContentState.store, typed(title="Hi", actions=[{"id": "a", "title": "Buy"}]))
    assert "button 1" in [one.field for one in preview.payload.costs]


async def test_links_are_taken_apart_and_words_are_read_aloud(editor):
    preview = await editor.state(PreviewState)
    actions = [{"id": "a", "title": "Buy", "link": "shop://cart/1?x=2"}]
    await editor.do(ContentState.store, typed(title="SALE NOW TODAY 🎉", link="https://x.example/a#b", actions=actions))
    web, deep = preview.payload.links
    assert (web.kind, web.host, web.path) == ("Web address", "x.example", "/a#b")
    assert (deep.at, deep.kind, deep.scheme, deep.host) == ("Button “Buy”", "Deep link", "shop", "cart")
    said = preview.payload.spoken
    assert (said.text, said.buttons) == ("Shop, now, SALE NOW TODAY  party popper", "Buy")
    assert said.remarks == ("Words in capitals may be spelled letter by letter.",)
    await editor.do(ContentState.store, typed(silent=True, data={"k": "v"}))
    assert "shows nothing" in preview.payload.spoken.text


async def test_what_goes_to_a_topic_is_its_one_body_whoever_is_looked_through(editor, console, shop):
    campaign = (await editor.state(ComposeState))._id
    with console.work(OPERATOR, shop.number) as work:
        campaigns.update(work, campaign, {"audience": {"topics": ["news"]}})
    for state in (ComposeState, ContentState, PreviewState, TellingState):
        await editor.do(state.load)
    await editor.do(PreviewState.look_as, "ann", "")
    await editor.do(ContentState.store, typed(title="Hi {{ user.name | default('all') }}"))
    told = (await editor.state(PreviewState)).payload
    assert (told.title, told.topic, told.limit) == ("Topic news by FCM", "news", 2_048)
    assert told.spoken.text == "Shop, now, Hi all"
    await editor.do(TellingState.look, typed(title=TEXT))
    telling = await editor.state(TellingState)
    assert (telling.ready, telling.cards) == (True, ())
