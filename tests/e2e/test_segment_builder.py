"""The segment builder, by mouse and by keyboard alone: what is built is what is kept, and what is counted."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

SAVED = re.compile(r"/segments/seg_")
TREE = {
    "combinator": "and",
    "not": False,
    "rules": [
        {"field": "user.country", "operator": "=", "value": "PL"},
        {
            "combinator": "or",
            "not": False,
            "rules": [
                {"field": "device.platform", "operator": "=", "value": "ios"},
                {
                    "combinator": "and",
                    "not": True,
                    "rules": [{"field": "user.last_active", "operator": "withinDays", "value": 14}],
                },
            ],
        },
    ],
}


def rules(page) -> dict:
    """What the builder holds, without its own ids."""
    return bare(page.evaluate("tocsinRules()"))


def bare(node: dict) -> dict:
    kept = {name: value for name, value in node.items() if name != "id"}
    return kept | {"rules": [bare(one) for one in node["rules"]]} if "rules" in node else kept


def fields(page) -> list[str]:
    return re.findall(r'"field": "(?:\w+\.)?(\w+)"', json.dumps(rules(page)))


def open_new(page, name: str) -> None:
    page.goto("/segments/new")
    page.locator("[data-part=add-rule]").wait_for()
    expect(page.locator("#people")).not_to_have_text("–")
    page.fill("#segment-name", name)


def choose(page, name: str) -> None:
    """Answers the list of fields, which has the keyboard."""
    page.locator(".sb-search").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator(".sb-search")).to_have_count(0)


def focus_on(page, part: str) -> None:
    page.wait_for_function("part => document.activeElement?.dataset.part === part", arg=part)


def saved(page) -> str:
    page.wait_for_url(SAVED)
    expect(page.locator(".saved")).to_have_text("Saved")
    return page.url.rstrip("/").rsplit("/", maxsplit=1)[-1]


def people(page) -> int:
    expect(page.locator("#numbers")).to_have_attribute("aria-busy", "false")
    return int(re.sub(r"\D", "", page.locator("#people").inner_text()))


@pytest.fixture
def server(product) -> Iterator[httpx.Client]:
    """The app's own back end."""
    key = product.command("key", "add", "--app", "demo", "--scope", "server")["key"]
    with httpx.Client(base_url=f"{product.base}/api/v1", headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


def test_a_tree_is_built_with_the_mouse_and_kept(owner, open_page, server):
    page = open_page()
    open_new(page, "By mouse")
    page.locator("[data-part=add-rule]").click()
    page.locator("[data-part=field]").click()
    choose(page, "country")
    page.get_by_label("Value", exact=True).fill("PL")
    page.locator("[data-part=add-group]").click()
    page.locator("[data-part=field]").nth(1).click()
    choose(page, "platform")
    page.locator("[data-part=add-group]").first.click()
    page.locator("[data-part=field]").nth(2).click()
    choose(page, "last active")
    page.get_by_label("Days").fill("14")
    page.locator("[data-part=not]").nth(2).click()
    assert rules(page) == TREE
    expect(page.locator("#sentence")).to_contain_text("Country is PL and (device platform is ios or not (")
    page.click("#save")
    assert server.get(f"/segments/{saved(page)}").json()["rules"] == TREE
    estimate = server.post("/segments/estimate", json={"rules": TREE}).json()
    assert people(page) == estimate["users"] > 0
    page.reload()
    page.locator("[data-part=add-rule]").first.wait_for()
    assert rules(page) == TREE
    expect(page.locator("#people")).to_have_text(re.compile(r"\d"))
    assert people(page) == estimate["users"]


def test_the_same_tree_is_built_by_the_keyboard_alone(owner, open_page):
    page = open_page()
    open_new(page, "By keyboard")
    for _ in range(30):  # from the name on, Tab reaches the first button of the builder
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.dataset.part") == "add-rule":
            break
    page.keyboard.press("Enter")
    focus_on(page, "field")
    page.keyboard.press("Enter")
    choose(page, "country")
    focus_on(page, "value")
    page.keyboard.type("PL")
    page.keyboard.press("Alt+Shift+Enter")
    focus_on(page, "field")
    page.keyboard.press("Enter")
    choose(page, "platform")
    page.keyboard.press("Alt+Shift+Enter")
    page.wait_for_function("document.activeElement?.dataset.empty === 'true'")
    page.keyboard.press("Enter")
    choose(page, "last active")
    focus_on(page, "days")
    page.keyboard.press("Control+a")
    page.keyboard.type("14")
    page.locator("[data-part=not]").nth(2).focus()
    page.keyboard.press("Space")
    assert rules(page) == TREE
    page.keyboard.press("Control+s")
    saved(page)
    open_new(page, "Nothing is left over")
    expect(page.locator(".sb-draft")).to_have_count(0)


def test_undo_redo_and_moves(owner, open_page):
    page = open_page()
    open_new(page, "Moves")
    page.locator("[data-part=add-rule]").click()
    for name in ("country", "language", "sessions"):
        focus_on(page, "field")
        page.keyboard.press("Enter")
        choose(page, name)
        if name != "sessions":
            page.keyboard.press("Alt+Enter")
    assert fields(page) == ["country", "language", "sessions"]
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    assert fields(page) == ["sessions", "country", "language"]
    page.keyboard.press("Control+z")
    assert fields(page) == ["country", "sessions", "language"]
    page.keyboard.press("Control+Shift+z")
    assert fields(page) == ["sessions", "country", "language"]
    page.locator(".sb-handle").first.drag_to(page.locator(".sb-rule").last)
    assert fields(page) == ["country", "language", "sessions"]
    page.keyboard.press("Alt+Shift+Enter")
    page.locator(".sb-handle").first.drag_to(page.locator(".sb-head").last)
    assert [len(one.get("rules", [])) for one in rules(page)["rules"]] == [0, 0, 2]
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="More for this rule").first.click()
    page.get_by_role("menuitem", name="Duplicate").click()
    assert fields(page)[:2] == ["country", "country"]
    page.keyboard.press("Alt+Backspace")
    assert fields(page)[:2] == ["country", "language"]


def test_what_is_not_saved_waits_and_what_is_wrong_is_said(owner, open_page):
    page = open_page()
    open_new(page, "Wrong")
    page.locator("[data-part=add-rule]").click()
    page.locator("[data-part=field]").click()
    choose(page, "last active")
    page.get_by_label("Days").fill("99999")
    expect(page.locator(".sb-mark")).to_have_text("Must be between 0 and 36500.")
    expect(page.locator("#sentence")).to_have_text("Mend the marked rules to see who fits.")
    page.get_by_label("Days").fill("0")
    expect(page.locator(".sb-mark")).to_have_text("Nobody fits this rule.")
    page.goto("/segments")
    page.goto("/segments/new")
    page.get_by_role("button", name="Bring them back").click()
    expect(page.get_by_label("Days")).to_have_value("0")
    expect(page.locator("#segment-name")).to_have_value("Wrong")
    page.get_by_role("button", name="Undo").click()
    assert rules(page)["rules"] == []


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")])
def test_it_fits_the_window(owner, open_page, width: int, scheme: str):
    page = open_page(width=width, height=844, scheme=scheme)
    page.goto("/segments?search=By%20mouse")
    page.locator("tbody tr a").first.click()
    page.locator("[data-part=add-rule]").first.wait_for()
    expect(page.locator("#people")).to_have_text(re.compile(r"\d"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
