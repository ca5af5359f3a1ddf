"""People in the console: the list follows the address, a person's page changes what it says it changes."""

import orjson
import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import apps, consents, ids, preferences, subscribers
from console.rows import people_wishes as rows
from console.states.apps import AppsState
from console.states.people import PeopleState, TokenHealthState
from console.states.people_actions import PersonActionsState
from console.states.people_person import PersonHistoryState, PersonState
from console.states.people_retention import RetentionState
from console.states.people_wishes import WishesState, WishHistoryState
from tests.services.test_people_search import add_person


@pytest.fixture
def ana(console, shop):
    """A person with two devices; their public id."""
    number, _ = add_person(
        console, shop, "ana", hours=1, attributes={"plan": "pro"}, devices=[("ios",), ("web", "invalid")]
    )
    with console.reading(OPERATOR, shop.number) as work:
        return ids.public(work, ids.USER, number)


async def opened(visitor, person, tab="profile"):
    visitor.at(f"/people/{person}?tab={tab}")
    for handler in (PersonState.load, PersonHistoryState.load, WishesState.load, WishHistoryState.load):
        await visitor.do(handler)
    return await visitor.state(PersonState)


async def test_the_list_follows_the_address(visitor, console, shop, ana):
    add_person(console, shop, None, hours=2)
    who = visitor(Role.ANALYST).at("/people")
    await who.do(PeopleState.load)
    state = await who.state(PeopleState)
    assert [line.name for line in state.rows] == ["ana", "Anonymous"]
    assert [(mark.platform, mark.state) for mark in state.rows[0].marks] == [("ios", "active"), ("web", "invalid")]
    assert not state.narrowed
    await who.at("/people?q=plan%3Apro&platform=ios").do(PeopleState.load)
    assert [line.name for line in state.rows] == ["ana"]
    chip = next(chip for chip in state.chips if chip.on)
    assert (chip.label, chip.href) == ("iOS", "/people?q=plan%3Apro")
    await who.at("/people?device=dead").do(PeopleState.load)
    assert "must be one of" in state.problem
    assert "/people?q=ben" in str(await who.at("/people").do(PeopleState.look_for, " ben "))


async def test_token_health_is_counted_only_when_looked_at(visitor, ana):
    who = visitor(Role.ANALYST).at("/people")
    await who.do(TokenHealthState.load)
    state = await who.state(TokenHealthState)
    assert state.lines == ()
    await who.at("/people?view=health").do(TokenHealthState.load)
    assert [(line.word, line.active, line.invalid) for line in state.lines] == [("iOS", "1", "0"), ("Web", "0", "1")]


async def test_a_person_is_unsubscribed_and_that_is_taken_back(visitor, console, shop, ana):
    who = visitor(Role.EDITOR)
    page = await opened(who, ana)
    assert (page.shown.reachable, page.shown.switchable) == ("1 of 2 devices reachable", 1)
    answer = await who.do(PersonState.unsubscribe)
    assert "1 device unsubscribed" in str(answer)
    assert [device.state for device in page.shown.devices] == ["unsubscribed", "invalid"]
    await who.do(PersonState.resubscribe)
    assert [device.state for device in page.shown.devices] == ["active", "invalid"]


async def test_devices_are_signed_out_and_removed_but_only_this_person_s(visitor, console, shop, ana):
    _, (device,) = add_person(console, shop, "ben", devices=[("android",)])
    who = visitor(Role.EDITOR)
    page = await opened(who, ana)
    with console.reading(OPERATOR, shop.number) as work:
        theirs = ids.public(work, ids.DEVICE, device)
    with pytest.raises(NotFound):
        await who.do(PersonState.remove, theirs)
    await who.do(PersonState.sign_out, page.shown.devices[0].id)
    assert len(page.shown.devices) == 1
    await who.do(PersonState.remove, page.shown.devices[0].id)
    assert page.shown.devices == ()


async def test_attributes_are_written_by_kind_and_removed(visitor, ana):
    who = visitor(Role.EDITOR)
    page = await opened(who, ana)
    actions = await who.state(PersonActionsState)
    for kind, value, shown in (
        ("number", "12", "12"),
        ("boolean", "true", "true"),
        ("list", "a, b", "a, b"),
        ("date", "2026-12-01", "2026-12-01"),
    ):
        await who.do(PersonActionsState.open_attribute, "", "text", "")
        await who.do(
            PersonActionsState.save_attribute, {"attribute_name": "x", "attribute_kind": kind, "attribute_value": value}
        )
        line = next(line for line in page.shown.attributes if line.name == "x")
        assert (line.kind, line.value) == (kind, shown)
    await who.do(PersonActionsState.open_attribute, "", "text", "")
    for kind, value in (("number", "many"), ("boolean", "perhaps"), ("date", "soon")):
        await who.do(
            PersonActionsState.save_attribute, {"attribute_name": "x", "attribute_kind": kind, "attribute_value": value}
        )
        assert actions.form.problem.startswith("Write ")
    await who.do(
        PersonActionsState.save_attribute, {"attribute_name": "1 x", "attribute_kind": "text", "attribute_value": "v"}
    )
    assert "letters, digits" in actions.form.problem
    await who.do(PersonActionsState.forget_attribute, "x")
    assert [line.name for line in page.shown.attributes] == ["plan"]


async def test_the_export_is_a_file_with_everything(visitor, ana):
    who = visitor(Role.EDITOR)
    await opened(who, ana)
    assert f"person-{ana}.json" in str(await who.do(PersonActionsState.export))


async def test_erasing_asks_for_the_id_and_takes_the_person_away(visitor, console, shop, ana):
    who = visitor(Role.ADMIN)
    page = await opened(who, ana)
    await who.do(PersonActionsState.erase, {"typed": "ben"})
    assert (await who.state(PersonActionsState)).problem == "Type ana to erase this person."
    assert "/people" in str(await who.do(PersonActionsState.erase, {"typed": "ana"}))
    with console.reading(OPERATOR, shop.number) as work, pytest.raises(NotFound):
        subscribers.get_user(work, "ana")
    await opened(who, ana)
    assert page.missing


async def test_wishes_are_changed_in_the_member_s_name_and_consents_written_down(visitor, console, shop, ana):
    who = visitor(Role.EDITOR)
    await opened(who, ana, "wishes")
    state = await who.state(WishesState)
    await who.do(WishesState.switch, "marketing", False)
    marketing = next(wish for wish in state.wishes if wish.slug == "marketing")
    assert (marketing.on, "member editor@example.test" in marketing.said) == (False, True)
    times = {"quiet_start": "22:00", "quiet_end": "07:00", "quiet_zone": "", "paused_until": "2030-01-02T09:00"}
    await who.do(WishesState.save, {**times, "quiet_zone": "Mars"})
    assert "time zone" in state.wrong
    await who.do(WishesState.save, {**times, "quiet_end": ""})
    assert state.wrong == "Write both times, from and to, or neither."
    await who.do(WishesState.save, times)
    with console.reading(OPERATOR, shop.number) as work:
        held = preferences.get(work, ids.number(work, ids.USER, ana))
    assert (held.quiet_hours["start"], held.paused_until.isoformat()) == ("22:00", "2030-01-02T08:00:00+00:00")
    assert (state.form.until, state.wrong) == ("2030-01-02T09:00", "")
    await who.do(WishesState.save, {})
    assert state.form == rows.WishForm()
    await who.do(WishesState.add_consent, {"purpose": "", "answer": "yes"})
    assert state.problem.startswith("Purpose")
    await who.do(WishesState.add_consent, {"purpose": "marketing", "answer": "no", "how": "By phone", "said_at": ""})
    assert [(line.purpose, line.given, line.holds) for line in state.consents] == [("marketing", False, True)]
    with console.reading(OPERATOR, shop.number) as work:
        assert consents.every(work, ids.number(work, ids.USER, ana))[0].recorded_by == "member editor@example.test"


async def test_the_words_of_devices_are_shown_and_taken_back_and_history_says_who(visitor, console, shop, ana):
    with console.work(OPERATOR, shop.number) as work:
        number = ids.number(work, ids.USER, ana)
        (phone, _) = subscribers.get_user(work, "ana").devices
        off = preferences.DevicePreferencesIn(categories={"marketing": False})
        preferences.put_device(work, phone.id, off)
        never = {"start": "00:00", "end": "00:00"}
        preferences.put(work, number, preferences.PreferencesIn(quiet_hours=never))
    who = visitor(Role.EDITOR)
    await opened(who, ana, "wishes")
    state, history = await who.state(WishesState), await who.state(WishHistoryState)
    (word,) = next(wish for wish in state.wishes if wish.slug == "marketing").devices
    assert (word.device, word.on, word.title) == (phone.id, False, "iOS")
    told = [(line.what, line.where, line.before, line.after, line.by) for line in history.changes]
    assert told == [
        ("Quiet hours", "", "App's default", "Never quiet", "operator command line"),
        ("Marketing", "iOS", "As the person", "Off", "operator command line"),
    ]
    answers = await who.do(WishesState.follow, "marketing", phone.id)
    assert "follows the person again" in str(answers)
    assert not any(wish.devices for wish in state.wishes)
    times = {"quiet_start": "22:00", "quiet_end": "07:00", "quiet_mon": "on", "quiet_sun": "on"}
    await who.do(WishesState.save, times)
    assert [box.word for box in state.form.days if box.on] == ["Mon", "Sun"]
    await who.do(WishHistoryState.load)
    assert (history.changes[0].after, history.changes[0].by) == ("Mon Sun 22:00–07:00", "member editor@example.test")
    assert "/preferences/" in str(await who.do(WishesState.copy_link))


async def test_another_persons_device_is_not_changed_from_here(visitor, console, shop, ana):
    add_person(console, shop, "ben", devices=[("ios",)])
    with console.work(OPERATOR, shop.number) as work:
        (theirs,) = subscribers.get_user(work, "ben").devices
        preferences.put_device(work, theirs.id, preferences.DevicePreferencesIn(categories={"marketing": False}))
    who = visitor(Role.EDITOR)
    await opened(who, ana, "wishes")
    with pytest.raises(NotFound):
        await who.do(WishesState.follow, "marketing", theirs.id)
    with console.reading(OPERATOR, shop.number) as work:
        assert preferences.of_device(work, theirs.id).categories["marketing"] is False


async def test_history_shows_events_and_pushes_by_tab(visitor, console, shop, ana):
    with console.work(OPERATOR, shop.number) as work:
        event = subscribers.EventIn(name="buy", user_id="ana", properties={"sku": "x"}, value=9.5, currency="EUR")
        subscribers.record_events(work, [event])
    who = visitor(Role.ANALYST)
    await opened(who, ana, "events")
    state = await who.state(PersonHistoryState)
    (line,) = state.events
    assert (line.name, line.detail, orjson.loads(line.properties)) == ("buy", "9.5 EUR", {"sku": "x"})
    await opened(who, ana, "pushes")
    assert (state.events, state.pushes, state.ready) == ((), (), True)


async def test_retention_is_set_and_wrong_days_are_named_in_place(visitor, console, shop):
    who = visitor(Role.ADMIN).at("/apps")
    await who.do(AppsState.load)
    await who.do(RetentionState.load)
    state = await who.state(RetentionState)
    form = {line.field: line.days for line in state.lines}
    await who.do(RetentionState.save, {**form, "kept_events": "0", "kept_audit": "x"})
    assert {line.field for line in state.lines if line.problem} == {"kept_events", "kept_audit"}
    await who.do(RetentionState.save, {**form, "kept_events": "90", "kept_attempts": ""})
    with console.reading(OPERATOR) as work:
        kept = apps.get_app(work, shop.number).retention
    assert (kept["events"], kept["attempts"], kept["imports"]) == (90, None, 30)
