"""A picture that a platform does not show is told of before the launch, as far as somebody has looked at it."""

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.picture import Picture, PictureType
from backend.services import campaigns, credentials, picture_shelf, preflight, subscribers
from backend.services.apps import AppRow
from backend.services.registration import DeviceIn
from tests.factories import Simulator, definition

HEAVY = "https://shop.example/heavy.jpg"
LIGHT = "https://shop.example/light.jpg"


@pytest.fixture
def shop(core: Core, app: AppRow, provider: Simulator) -> AppRow:
    """Two Android phones and an iPhone; one picture of three megabytes has been looked at, and a small one."""
    authority = provider.authority
    with core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, "fcm", authority.fcm_credential_body(), trusted=True)
        credentials.add_credential(work, "apns", authority.apns_credential_body("com.example.shop"), trusted=True)
        for number, platform in enumerate(("android", "android", "ios")):
            address = authority.device_address("apns" if platform == "ios" else "fcm", number)
            device = {"platform": platform, **address, "user_id": f"u{number}", "permission": "granted"}
            subscribers.register_device(work, DeviceIn.model_validate(device), trusted=True)
    picture_shelf.note(core, app.number, HEAVY, Picture(PictureType.JPEG, 3_000_000, 1200, 600, declared="image/jpeg"))
    picture_shelf.note(core, app.number, LIGHT, Picture(PictureType.JPEG, 90_000, 1200, 600, declared="image/jpeg"))
    return app


def warned(core: Core, app: AppRow, **content) -> list[tuple[str, bool, int | None, str]]:
    with core.work(OPERATOR, app.number) as work:
        variants = [{"name": "A", "content": {"title": "Hello", **content}}]
        campaign = campaigns.create(work, definition(variants=variants)).row.id
        found = preflight.preflight(work, campaign)
    assert found.send == 3
    return [(one.field, one.blocking, one.devices, one.message) for one in found.problems]


def test_it_is_told_for_the_platform_that_drops_it(core: Core, shop: AppRow):
    said = "Android drops pictures over 1 MB; this one has 3.0 MB. 2 devices would get it without its picture"
    assert warned(core, shop, image=HEAVY) == [("variants[0].content.image", False, 2, said)]


@pytest.mark.parametrize(
    "content",
    [
        {"image": LIGHT},
        {"image": "https://shop.example/never-looked-at.jpg"},
        {"image": HEAVY, "android": {"image": LIGHT}},
        {"ios": {"image": HEAVY}},
        {},
    ],
)
def test_what_is_shown_or_unknown_is_not_spoken_of(core: Core, shop: AppRow, content):
    assert warned(core, shop, **content) == []


def test_what_one_app_has_looked_at_another_does_not_know(core: Core, shop: AppRow):
    assert picture_shelf.noted(core, shop.number, HEAVY) is not None
    assert picture_shelf.noted(core, shop.number + 1, HEAVY) is None


def test_few_addresses_are_remembered(core: Core, shop: AppRow, monkeypatch):
    monkeypatch.setattr(picture_shelf, "MOST", 2)
    picture_shelf.note(core, shop.number, "https://shop.example/3.png", Picture(PictureType.PNG, 1, 1, 1))
    folder = core.settings.data_dir / picture_shelf.FACTS / str(shop.number)
    assert len(list(folder.iterdir())) == 2
