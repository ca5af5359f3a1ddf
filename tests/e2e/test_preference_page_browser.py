"""The preference page in a browser that runs no scripts, on a phone, light and dark."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update
from sqlmodel import col

from backend.api import create_api
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.models import App
from backend.services import apps, categories, preference_link, preferences, subscribers
from backend.services.categories import CategoryIn
from backend.services.preferences import PreferencesIn
from tests.api.served import within

pytestmark = pytest.mark.e2e


@pytest.fixture
def address(sqlite_core: Core) -> Iterator[str]:
    with within(create_api(sqlite_core)) as base:
        yield base


def person(core: Core, language: str) -> tuple[int, int, str]:
    """(app, user, path of the page) of somebody with two devices."""
    with core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop", name="Corner Shop")
        night = [{"start": "22:00", "end": "08:00"}]
        work.session.execute(update(App).where(col(App.id) == app.number).values(color="#e11d48", quiet_hours=night))
    with core.work(OPERATOR, app.number) as work:
        told = "What is new and what is reduced, once a week at most."
        categories.create(work, CategoryIn(slug="digest", name="Weekly digest", kind="marketing", description=told))
        for number, model in enumerate(["iPhone 17", "Chrome on Windows"]):
            given = {"platform": "ios", "token": f"{number:064x}", "user_id": "ana", "model": model}
            subscribers.register_device(work, subscribers.DeviceIn(**given), trusted=True)
        user = subscribers.ensure_user(work, "ana")
        subscribers.put_user(work, user, subscribers.UserIn(language=language))
        return app.number, user, urlsplit(preference_link.make(work, user).url).path


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "ar"), ("light", "de"), ("dark", "en")])
def test_somebody_on_a_phone_without_scripts_says_what_they_want(
    chromium, address, sqlite_core, tmp_path, scheme, language
):
    app, user, path = person(sqlite_core, language)
    context = chromium.new_context(
        base_url=address, viewport={"width": 390, "height": 844}, java_script_enabled=False, color_scheme=scheme
    )
    page = context.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path)
    _picture(page, tmp_path, f"{scheme}-{language}-before")
    page.locator("label.row", has=page.locator("[name='c:digest']")).click()
    page.locator("details").nth(1).locator("summary").click()
    page.locator("details").nth(1).locator("select").first.select_option("on")
    page.locator("[name=pause]").select_option("week")
    assert not page.locator("[name=start]").is_visible()
    page.locator("[name=quiet][value=own]").check()
    page.locator("[name=start]").fill("21:00")
    page.locator("[name=day][value=sat]").uncheck()
    _picture(page, tmp_path, f"{scheme}-{language}-chosen")
    page.locator("button:not(.plain)").click()
    page.locator("[role=status]").wait_for()
    _picture(page, tmp_path, f"{scheme}-{language}-saved")
    width = page.locator("html").bounding_box()["width"]
    boxes = [one.bounding_box() for one in page.locator("main *:visible").all()]
    assert all(box["x"] >= -1 and box["x"] + box["width"] <= width + 1 for box in boxes if box)
    with sqlite_core.work(OPERATOR, app) as work:
        held = preferences.get(work, user)
        assert held.categories == {"transactional": True, "updates": True, "marketing": True, "digest": False}
        assert held.quiet_hours["start"] == "21:00"
        assert "sat" not in held.quiet_hours["days"]
        assert held.paused_until > datetime.now(UTC) + timedelta(days=6)
        assert [len(wish.devices) for wish in preferences.wishes(work, user)] == [0, 0, 1, 0]
        preferences.put(work, user, PreferencesIn(paused_until=None))
    page.locator("[name=everything]").click()
    page.locator("[role=status]").wait_for()
    assert not page.locator("input.switch:checked").all()
    page.goto("/preferences/nonsense")
    _picture(page, tmp_path, f"{scheme}-{language}-refused")
    assert complaints == ["Failed to load resource: the server responded with a status of 403 (Forbidden)"]
    assert {urlsplit(url).path for url in asked} <= {path, "/preferences/nonsense"}
    context.close()


def _picture(page, folder: Path, name: str) -> None:
    """For whoever wants to see it: the folder is the test's own."""
    page.screenshot(path=folder / f"{name}.png", full_page=True)
