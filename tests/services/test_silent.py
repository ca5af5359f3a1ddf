"""Silent pushes and installation ids, from the campaign to each provider's own rules, against the simulator."""

import json

import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import campaigns, credentials, deliveries, messages, subscribers
from backend.services.apps import AppRow
from tests import factories
from tests.factories import Simulator
from tests.services.test_pipeline import sending, until

SILENT = [{"name": "A", "content": {"silent": True, "data": {"sync": "orders"}}}]
FID = "eSoMeInStAlLaTiOn_id01"


@pytest.fixture
def shop(core: Core, app: AppRow, provider: Simulator) -> AppRow:
    """An app with a lane to each provider."""
    authority = provider.authority
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "apns", authority.apns_credential_body("com.example.shop"), trusted=True)
        credentials.add_credential(work, "fcm", authority.fcm_credential_body(), trusted=True)
        credentials.add_credential(
            work, "webpush", authority.webpush_credential_body("mailto:a@b.example"), trusted=True
        )
    return app


def register(core: Core, app: AppRow, user: str, **given) -> str:
    with core.work(OPERATOR, app.number) as work:
        one = subscribers.DeviceIn.model_validate({"user_id": user, **given})
        return subscribers.register_device(work, one, trusted=True).device.id


def everywhere(core: Core, app: AppRow, provider: Simulator) -> None:
    """A device of each kind, its user named after it."""
    addresses = provider.authority.device_address
    register(core, app, "apns", platform="ios", **addresses("apns", 1))
    register(core, app, "android", platform="android", **addresses("fcm", 1))
    register(core, app, "webpush", platform="web", **addresses("webpush", 1))
    register(core, app, "ios_fcm", platform="ios", provider="fcm", **addresses("fcm", 2))
    register(core, app, "web_fcm", platform="web", provider="fcm", **addresses("fcm", 3))


def sent(core: Core, app: AppRow, **changes) -> dict[str, tuple[str, dict]]:
    """user → (state, body) of a campaign to everyone."""
    campaign = factories.launched(core, app, **changes)
    with sending(core):
        until(core, app, campaign, "finished")
    with core.reading(OPERATOR, app.number) as work:
        rows = deliveries.search(work, campaign_id=campaign).items
        told = {row.user_id: (row, deliveries.explain(work, row.id)) for row in rows}
    assert all(one.body_as_sent for row, one in told.values() if row.state == "accepted")
    return {user: (row.state, json.loads(one.body or "{}")) for user, (row, one) in told.items()}


def test_a_silent_push_obeys_each_providers_rules(core: Core, shop: AppRow, provider: Simulator):
    everywhere(core, shop, provider)
    told = sent(core, shop, variants=SILENT, priority="high")
    assert {user: state for user, (state, _) in told.items()} == dict.fromkeys(told, "accepted")
    assert len(told) == provider.stats()["pairs"] == 5
    bodies = {user: body for user, (_, body) in told.items()}
    assert bodies["apns"]["aps"] == {"content-available": 1}
    assert bodies["apns"]["sync"] == "orders"
    android = bodies["android"]["message"]
    assert "notification" not in android
    assert "notification" not in android["android"]
    assert android["android"]["priority"] == "NORMAL"
    assert android["data"]["sync"] == "orders"
    through = bodies["ios_fcm"]["message"]
    assert through["apns"]["payload"]["aps"] == {"content-available": 1}
    assert (through["apns"]["headers"]["apns-priority"], through["apns"]["headers"]["apns-push-type"]) == (
        "5", "background",
    )  # fmt: skip
    assert "notification" not in through
    assert "notification" not in bodies["web_fcm"]["message"]["webpush"]
    assert bodies["web_fcm"]["message"]["data"]["sync"] == "orders"
    assert bodies["webpush"]["data"]["sync"] == "orders"


def test_silence_on_one_platform_leaves_the_words_on_the_others(core: Core, shop: AppRow, provider: Simulator):
    everywhere(core, shop, provider)
    words = [{"name": "A", "content": {"title": "Hello", "ios": {"silent": True}}}]
    told = {user: body for user, (_, body) in sent(core, shop, variants=words).items()}
    assert "alert" not in told["apns"]["aps"]
    assert "alert" not in told["ios_fcm"]["message"]["apns"]["payload"]["aps"]
    assert told["android"]["message"]["notification"] == {"title": "Hello"}


def test_installation_ids_are_registered_bound_and_sent_to(core: Core, shop: AppRow, provider: Simulator):
    with core.work(OPERATOR, shop.number) as work:
        lane = credentials.active_for(work, "fcm", "production")
    for user, platform, fid in (("a", "android", FID), ("i", "ios", f"c{FID[1:]}"), ("w", "web", f"d{FID[1:]}")):
        register(core, shop, user, platform=platform, provider="fcm", fid=fid)
    with core.reading(OPERATOR) as work:
        bound = work.session.execute(text("SELECT DISTINCT credential_id, address_kind FROM device")).all()
    assert bound == [(lane, "fid")]
    told = sent(core, shop)
    assert {user: state for user, (state, _) in told.items()} == dict.fromkeys(("a", "i", "w"), "accepted")
    assert told["a"][1]["message"]["fid"] == "*" * len(FID)  # an address is shown to nobody
    assert all("token" not in body["message"] for _, body in told.values())
    assert set(told["i"][1]["message"]) == {"fid", "data", "apns"}


def test_a_dead_installation_id_is_pruned_and_comes_back_with_its_app(core: Core, shop: AppRow, provider: Simulator):
    dead = provider.authority.device_address("fcm", 9, dead=True)["token"].split(":")[0]
    device = register(core, shop, "a", platform="android", fid=dead)
    assert sent(core, shop)["a"][0] == "failed"
    with core.reading(OPERATOR, shop.number) as work:
        row = subscribers.get_device(work, device)
    assert (row.state, row.reason) == ("invalid", "UNREGISTERED")
    assert register(core, shop, "a", platform="android", fid=dead) == device
    with core.reading(OPERATOR, shop.number) as work:
        assert subscribers.get_device(work, device).state == "active"


def test_a_message_may_name_an_installation_id(core: Core, shop: AppRow, provider: Simulator):
    with core.work(OPERATOR, shop.number) as work:
        messages.send(work, {"tokens": [{"platform": "ios", "provider": "fcm", "fid": FID}]}, content={"title": "Hi"})
        run = campaigns.listing(work).items
    assert run == ()
    with sending(core):
        for _ in range(200):
            if provider.stats()["pairs"]:
                break
            import time

            time.sleep(0.05)
    assert [pair[1] for pair in provider.pairs()] == [FID]
