"""The test panel and the pictures of the composer, over a real database and a real picture host."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.models import Delivery
from backend.services import credentials, subscribers
from backend.services.registration import DeviceIn
from console import core as held
from console.rows import pictures as rows
from console.states.compose import UNSAVED, ComposeState
from console.states.content import ContentState
from console.states.drafts import DraftState
from console.states.pictures import PictureState
from console.states.trial import TrialState
from tests.console.test_segment_states import Held
from tests.console.test_states import KEYS
from tests.factories import typed
from tests.providers.peer import certificate
from tests.services.picture_host import PictureHost, answer, image


@pytest.fixture
def editor(visitor):
    return visitor(Role.EDITOR)


@pytest.fixture
def work(console, shop):
    return lambda: console.work(OPERATOR, shop.number)


@pytest.fixture
def people(work):
    """u0 and u1 have a browser each, u2 has none."""
    with work() as unit:
        credentials.add_credential(unit, "webpush", {"subject": "mailto:ops@example.test"})
        for number in range(2):
            subscription = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{number}", "keys": KEYS}
            device = {"platform": "web", "subscription": subscription, "user_id": f"u{number}", "model": "Chrome"}
            subscribers.register_device(unit, DeviceIn.model_validate(device), holder=None, trusted=True)
        subscribers.ensure_user(unit, "u2")


@pytest_asyncio.fixture
async def panel(editor, people) -> TrialState:
    """The panel of a new draft that says something."""
    opened = await editor.do(DraftState.start)
    editor.at(opened[0].args[0][1]._var_value)
    for handler in (ComposeState.load, ContentState.load, TrialState.load):
        await editor.do(handler)
    await editor.do(ContentState.store, typed(title="Hi"))
    return await editor.state(TrialState)


async def test_ones_own_devices_are_chosen_and_tried(editor, panel, work):
    assert (panel.ready, panel.testers) == (True, ())
    await editor.do(TrialState.send)
    assert panel.problem.startswith("Nobody is named")
    await editor.do(TrialState.add, {"tester_user": "u0", "tester_name": "", "tester_own": "on"})
    await editor.do(TrialState.add, {"tester_user": "u1", "tester_name": "Ben"})
    mine, ben = panel.testers
    assert (mine.mine, mine.note, ben.name, ben.note) == (True, "My devices", "Ben", "u1")
    await editor.do(TrialState.toggle, ben.devices[0].id)
    assert [one.chosen for tester in panel.testers for one in tester.devices] == [True, False]
    await editor.do(TrialState.send)
    assert (panel.problem, panel.watching, panel.shown.open) == ("", True, 1)
    (result,) = panel.shown.results
    assert (result.device, result.state, result.reply) == ("Chrome", "planned", "Waits for its turn.")
    with work() as unit:
        row = unit.session.get(Delivery, 1)
        row.state, row.provider_ref, row.ended_at = "accepted", "https://push.example/m/1", unit.now
    await editor.do(TrialState.refresh)
    (result,) = panel.shown.results
    assert (result.reply, result.reference) == ("The push service took it.", "https://push.example/m/1")
    assert (panel.shown.summary, panel.shown.open, panel.watching) == ("1 of 1 device accepted", 0, True)


async def test_the_last_tests_stay_to_be_looked_at(editor, panel):
    await editor.do(TrialState.add, {"tester_user": "u0"})
    await editor.do(TrialState.send)
    first = panel.shown.run_id
    await editor.do(TrialState.send)
    assert [one.run_id for one in panel.earlier][1] == first != panel.shown.run_id
    await editor.do(TrialState.show, first)
    assert panel.shown.run_id == first
    await editor.do(TrialState.load)
    assert panel.shown.run_id == panel.earlier[0].run_id


async def test_what_cannot_be_is_told(editor, panel):
    for user in ("nobody", ""):
        (answered,) = await editor.do(TrialState.add, {"tester_user": user})
        assert "no user" in str(answered)
    await editor.do(TrialState.add, {"tester_user": "u2"})
    assert panel.testers[0].devices == ()
    await editor.do(TrialState.choose_variant, "Z")
    await editor.do(TrialState.add, {"tester_user": "u0"})
    await editor.do(TrialState.send)
    assert panel.problem.startswith("Is not a variant of this campaign")
    await editor.do(TrialState.suggest, "u")
    assert set(panel.suggestions) == {"u0", "u1", "u2"}
    await editor.do(TrialState.remove, panel.testers[0].id)
    assert len(panel.testers) == 1
    compose = await editor.state(ComposeState)
    compose.saved = UNSAVED
    await editor.do(TrialState.send)
    assert panel.problem == "The draft is not saved yet: see the marked fields."


@pytest_asyncio.fixture
async def host(console, tmp_path: Path):
    """A picture host that the console trusts and may reach."""
    pem, context = certificate(tmp_path)
    context.set_alpn_protocols(["http/1.1"])
    (tmp_path / "ca.pem").write_text(pem)
    reaching = replace(console.settings, allow_private_networks=True, ca_file=tmp_path / "ca.pem")
    held.use(replace(console, settings=reaching))
    made = PictureHost({"/a.jpg": answer(image()), "/b.webp": answer(image(800, 800, "WEBP"), "image/webp")})
    server = await made.serve(context)
    yield made
    server.close()


async def looked(editor, handler, asked) -> dict:
    """What the browser is told in the end."""
    events = [event async for event in handler.fn(Held(await editor.state(PictureState)), asked)]
    assert len(events) >= 1
    return {url: json.loads(row) for url, row in (await editor.state(PictureState))._known.items()}


async def test_each_picture_is_looked_at_once(editor, shop, host):
    good, square, gone = (host.origin + path for path in ("/a.jpg", "/b.webp", "/gone.jpg"))
    named = [good, f" {gone} ", square, good]
    known = await looked(editor, PictureState.look, named)
    assert known[good]["src"].startswith("/pictures/")
    assert (known[good]["width"], known[good]["type"], known[good]["problems"]) == (1200, "jpeg", {})
    assert known[good]["text"].startswith("1200 × 600 · 2:1 · JPEG · ")
    assert known[square]["problems"] == {"ios": "iOS shows JPEG, PNG and GIF, not WebP."}
    assert known[gone] == {"problem": "No picture: the address answers with status 404."}
    asked = len(host.asked)
    await looked(editor, PictureState.look, named)
    assert len(host.asked) == asked
    host.answers["/gone.jpg"] = answer(image(600, 300))
    known = await looked(editor, PictureState.again, gone)
    assert known[gone]["width"] == 600
    assert len(host.asked) == asked + 1


async def test_addresses_with_variables_wait_for_a_person(editor, shop, host):
    await looked(editor, PictureState.look, [host.origin + "/{{ user.id }}.jpg", "nonsense", None, 7])
    assert host.asked == []
    assert rows.wanted("") == ()
    assert len(rows.wanted([f"https://x.example/{n}" for n in range(40)])) == rows.MOST
