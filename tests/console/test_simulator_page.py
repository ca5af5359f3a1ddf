"""The page "Simulator": the book in words, the knobs as a form, and the handlers over a running simulator."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from backend.bootstrap import Core
from backend.domain.vocabulary import Role
from backend.simulator.authority import Endpoints
from backend.simulator.behaviour import HOSTS, KNOBS, Behaviour
from backend.simulator.faults import CATALOGUE
from backend.simulator.presets import PRESETS
from backend.simulator.run import serve
from console import simulation
from console.rows import simulator as rows
from console.rows import simulator_form as forms
from console.simulation import Seen
from console.states.session import SessionState
from console.states.simulator import SimulatorState

PEOPLE = {"delivered": 90, "displayed": 80, "opened": 20, "action": 2, "dismissed": 12}
RECEIPTS = {"pending": 4, "posted": 200, "duplicates": 1, "refused": 0, "failed": 3}
STATS = {
    "accepted": {"apns": 60, "fcm": 40, "webpush": 0},
    "accepted_at": {"apns": 60, "fcm": 40},
    "pairs": 98,
    "repeats": 2,
    "repeats_other_key": 1,
    "refused": {"429": 3, "BadTopic": 5},
    "endings": {"reset": 7, "silence": 1},
    "connections": {"apns": 3},
    "turned_away": {"fcm": 12},
    "tokens": {},
    "down": {"fcm": 41.6},
    "topics": {},
    "people": PEOPLE | RECEIPTS,
}
REFUSAL = {"service": "topics", "status": 404, "reason": "UNREGISTERED", "detail": "gone"}


def seen(**behaviour) -> Seen:
    return Seen(STATS, Behaviour.parse(behaviour).knobs(), [REFUSAL | {"status": 400 + n} for n in range(20)])


def test_the_book_in_words():
    found = rows.figures(seen())
    assert (found.accepted.value, found.accepted.note) == ("100", "98 different")
    assert (found.refused.value, found.refused.note, found.refused.hint) == (
        "8",
        "BadTopic: 5 …",
        "BadTopic: 5, 429: 3",
    )
    assert (found.unanswered.value, found.unanswered.note) == ("8", "reset: 7 …")
    assert (found.repeated.value, found.repeated.note) == ("2", "1 under another key")
    assert (found.receipts.value, found.receipts.note) == ("200", "4 still to come")


def test_hosts_people_and_refusals_in_words():
    lines = {line.host: line for line in rows.hosts(seen())}
    assert list(lines) == list(HOSTS)
    assert (lines["fcm"].state, lines["fcm"].note, lines["fcm"].turned_away) == ("down", "back in 42 s", "12")
    assert (lines["apns"].state, lines["apns"].accepted, lines["apns"].connections) == ("up", "60", "3")
    assert [(line.count, line.share) for line in rows.people(seen())][:3] == [
        ("90", "91.8% of accepted"),
        ("80", "88.9% of delivered"),
        ("20", "25.0% of displayed"),
    ]
    newest = rows.refusals(seen())[0]
    assert (newest.service, newest.status, len(rows.refusals(seen()))) == ("FCM topics", "419", rows.LAST)


@pytest.mark.parametrize("name", PRESETS)
def test_a_weather_is_known_by_its_knobs(name: str):
    assert rows.weather(seen(**PRESETS[name].knobs)).name == name


def test_other_knobs_are_somebodys_own():
    weather = rows.weather(seen(refuse=0.3))
    assert (weather.name, weather.title, weather.down) == ("custom", "Own settings", True)


def filled(groups: tuple[forms.Group, ...], answers: tuple[forms.Answer, ...] = ()) -> dict[str, str]:
    """What a browser sends of a form that nobody has touched."""
    form = {field.name: field.value for group in groups for field in group.fields}
    for line in answers:
        form |= {
            f"answer_{line.number}": line.answer,
            f"share_{line.number}": line.share,
            f"wait_{line.number}": line.wait,
        }
    return form


@pytest.mark.parametrize("name", PRESETS)
def test_a_form_that_nobody_has_touched_changes_nothing(name: str):
    behaviour = Behaviour.parse({**PRESETS[name].knobs, "only": {"fcm": {"refuse": 0.25, "down_as": "silent"}}}).knobs()
    for place, _ in forms.PLACES:
        groups, answers = forms.groups(behaviour, place, down=True), forms.answers(behaviour)
        knobs, wrong = forms.knobs_of(behaviour, place, filled(groups))
        knobs["mix"], checked = forms.mix_of(answers, filled(groups, answers))
        assert wrong == {}
        assert [line.error for line in checked] == [""] * len(answers)
        assert Behaviour.parse(knobs).knobs() == behaviour


def test_every_knob_has_its_place_in_the_form():
    groups = forms.groups(Behaviour().knobs(), forms.EVERYWHERE, down=False)
    assert {field.name for group in groups for field in group.fields} == set(KNOBS)
    local = forms.groups(Behaviour().knobs(), "fcm", down=False)
    assert {field.name for group in local for field in group.fields} == {n for n, knob in KNOBS.items() if knob.local}


def test_an_outage_that_is_over_is_not_asked_for_again():
    behaviour = Behaviour(down_seconds=60, only={"fcm": {"down_seconds": 5}}).knobs()
    for place, value in ((forms.EVERYWHERE, "60"), ("fcm", "5")):
        for down, shown in ((True, value), (False, "")):
            fields = [f for group in forms.groups(behaviour, place, down=down) for f in group.fields]
            assert next(field.value for field in fields if field.name == "down_seconds") == shown


def test_a_host_shows_what_holds_elsewhere_and_notes_what_differs():
    behaviour = Behaviour(latency_ms=70, refuse=0.1, only={"fcm": {"refuse": 0.5, "down_as": "reset"}}).knobs()
    groups = forms.groups(behaviour, "fcm", down=False)
    fields = {field.name: field for group in groups for field in group.fields}
    assert (fields["latency_ms"].value, fields["latency_ms"].otherwise) == ("", "70")
    assert (fields["refuse"].value, fields["refuse"].otherwise) == ("50", "10")
    assert fields["down_as"].options[0].label == "Nobody listens (as elsewhere)"
    assert [group.note for group in groups if group.note] == [
        "Refused unseen: 50 %",
        "What clients meet then: Connections are reset",
    ]


WRONG = [
    ("latency_ms", "abc", "Type a number."),
    ("streams", "1.5", "Type a whole number."),
    ("streams", "-1", "Between 0 and 100000."),
    ("refuse", "101", "Between 0 and 100."),
    ("receipt_slowness", "nan", "Between 0 and 1e+06."),
    ("goaway_every", "-1", "Not below 0."),
]


@pytest.mark.parametrize(("name", "text", "said"), WRONG)
def test_a_wrong_field_is_said_in_its_place(name: str, text: str, said: str):
    behaviour = Behaviour().knobs()
    _, wrong = forms.knobs_of(behaviour, forms.EVERYWHERE, {name: text})
    assert wrong == {name: said}
    groups = forms.with_errors(forms.groups(behaviour, forms.EVERYWHERE, down=False), wrong)
    assert {field.name: field.error for group in groups for field in group.fields if field.error} == wrong


def test_answers_are_read_added_up_and_refused():
    lines = tuple(forms.Answer(n, "apns:429/TooManyRequests", "40") for n in range(3))
    mix, checked = forms.mix_of(lines[:2], {"wait_1": "9", "share_0": "12,5"})
    assert mix == {"apns": {"429/TooManyRequests": 0.125, "429/TooManyRequests@9": 0.4}}
    assert [line.error for line in checked] == ["", ""]
    _, checked = forms.mix_of(lines, {})
    assert [line.error for line in checked] == ["", "", "The shares of one provider come to more than 100%."]
    for field, text in (("share_0", "x"), ("share_0", "-1"), ("wait_0", "1.5"), ("answer_0", "apns:200/OK")):
        _, (line,) = forms.mix_of(lines[:1], {field: text})
        assert line.error, field


def test_every_fault_can_be_chosen_and_named():
    options = {option.value: option.label for _, options in forms.choices() for option in options}
    assert set(options) == {f"{service}:{fault}" for service, faults in CATALOGUE.items() for fault in faults}
    assert options["webpush:503/201"] == "Web Push · 503 errno 201"
    assert options["fcm:502/"] == "FCM · 502"
    (own,) = forms.answers(Behaviour(mix={"webpush2": {"418/Tea@3": 0.5}}).knobs())
    assert (own.known, own.label, own.wait, own.share) == (False, "Second push service · 418 Tea", "3", "50")


# The handlers


@pytest.fixture
def admin(visitor):
    return visitor(Role.ADMIN)


@pytest_asyncio.fixture
async def simulator(console: Core) -> AsyncIterator[Endpoints]:
    """One that serves from this installation's folder."""
    ready: asyncio.Future[Endpoints] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(console.settings.simulator_dir, 0, None, on_ready=ready.set_result))
    yield await ready
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_without_a_simulator_the_page_says_so(admin, console):
    await admin.do(SessionState.enter)
    assert not (await admin.state(SessionState)).simulator
    await admin.at("/simulator").do(SimulatorState.load)
    state = await admin.state(SimulatorState)
    assert (state.ready, state.running) == (True, False)
    Endpoints("https://127.0.0.1:1", "", "", 2**22 + 5, "", control="https://127.0.0.1:1").write(_folder(console))
    assert simulation.found() is None
    with pytest.raises(simulation.NoSimulator):
        await admin.do(SimulatorState.choose, "errors")


def _folder(console: Core):
    console.settings.simulator_dir.mkdir(parents=True, exist_ok=True)
    return console.settings.simulator_dir


async def test_only_admins_are_led_to_it(visitor, simulator):
    for role in (Role.EDITOR, Role.ADMIN):
        member = visitor(role)
        await member.do(SessionState.enter)
        assert (await member.state(SessionState)).simulator is (role is Role.ADMIN)


async def test_a_weather_is_chosen_and_the_form_follows(admin, simulator):
    await admin.at("/simulator").do(SimulatorState.load)
    state = await admin.state(SimulatorState)
    assert (state.running, state.weather.name, state.answers) == (True, "well", ())
    before = state.revision
    await admin.do(SimulatorState.refresh)
    assert state.revision == before
    (said,) = await admin.do(SimulatorState.choose, "errors")
    assert "5% temporary errors" in str(said)
    assert (state.weather.name, len(state.answers), state.revision) == ("errors", 7, before + 1)
    assert await admin.do(SimulatorState.choose, "hail") == []


async def test_the_form_is_applied_or_says_what_is_wrong(admin, simulator):
    await admin.at("/simulator").do(SimulatorState.load)
    state = await admin.state(SimulatorState)
    await admin.do(SimulatorState.add_answer)
    await admin.do(SimulatorState.add_answer)
    await admin.do(SimulatorState.remove_answer, 0)
    assert [line.number for line in state.answers] == [1]
    form = filled(state.groups, state.answers) | {"refuse": "5", "latency_ms": "x"}
    (said,) = await admin.do(SimulatorState.apply, form)
    assert "Nothing was applied" in str(said)
    assert state.groups[0].fields[0].error == "Type a number."
    assert (await asyncio.to_thread(simulation.look)).behaviour == Behaviour().knobs()
    await admin.do(SimulatorState.apply, form | {"latency_ms": "15", "answer_1": "fcm:500/INTERNAL", "share_1": "20"})
    wanted = Behaviour(refuse=0.05, latency_ms=15, mix={"fcm": {"500/INTERNAL": 0.2}})
    assert Behaviour.parse((await asyncio.to_thread(simulation.look)).behaviour) == wanted
    assert (state.weather.title, state.groups[0].fields[0].error) == ("Own settings", "")


async def test_one_host_may_differ(admin, simulator):
    await admin.do(SimulatorState.choose, "slow")
    await admin.at("/simulator?host=webpush2").do(SimulatorState.load)
    state = await admin.state(SimulatorState)
    assert state.place == "webpush2"
    await admin.do(SimulatorState.apply, filled(state.groups) | {"down_seconds": "30", "down_as": "reset"})
    behaviour = (await asyncio.to_thread(simulation.look)).behaviour
    assert behaviour["only"] == {"webpush2": {"down_seconds": 30, "down_as": "reset"}}
    assert behaviour["latency_ms"] == 1000
    assert {line.host: line.state for line in state.hosts}["webpush2"] == "down"
    await admin.at("/simulator?host=nowhere").do(SimulatorState.load)
    assert state.place == forms.EVERYWHERE


async def test_counting_begins_anew(admin, simulator):
    await admin.at("/simulator").do(SimulatorState.load)
    (said,) = await admin.do(SimulatorState.forget)
    assert "anew" in str(said)
    assert (await admin.state(SimulatorState)).figures.accepted.value == "0"
