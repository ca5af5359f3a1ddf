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


def start(page, name: str) -> None:
    """A new segment, named where the keyboard is when the page opens."""
    page.goto("/segments/new")
    page.wait_for_function("document.activeElement?.id === 'segment-name'")
    expect(page.locator("#people")).not_to_have_text("–")
    page.keyboard.type(name)


def go_to(page, kind: str, name: str, *, back: bool = False) -> None:
    """Tab (or Shift+Tab) until the control of that part or label has the keyboard."""
    asked = {"part": "document.activeElement?.dataset.part", "label": "document.activeElement?.ariaLabel"}[kind]
    for _ in range(40):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.evaluate(asked) == name:
            return
    raise AssertionError(f"The keyboard never comes to {name}.")


def look_at(page, name: str) -> None:
    """Chooses the field of the rule that has just been added, and waits for the keyboard to be at its value."""
    page.wait_for_function("document.activeElement?.dataset.empty === 'true'")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement?.className === 'sb-search'")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement?.closest('.sb-value') !== null")


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
    start(page, "By keyboard")
    go_to(page, "part", "add-rule")
    page.keyboard.press("Enter")
    look_at(page, "country")
    page.keyboard.type("PL")
    go_to(page, "part", "add-group")
    page.keyboard.press("Enter")
    look_at(page, "platform")
    page.keyboard.press("Alt+Shift+Enter")
    look_at(page, "last active")
    page.keyboard.press("Control+a")
    page.keyboard.type("14")
    go_to(page, "part", "not", back=True)
    page.keyboard.press("Space")
    assert rules(page) == TREE
    page.keyboard.press("Control+s")
    saved(page)
    start(page, "Nothing is left over")
    expect(page.locator(".sb-draft")).to_have_count(0)


def test_every_control_of_a_rule_answers_the_keyboard(owner, open_page):
    page = open_page()
    start(page, "Keys")
    go_to(page, "part", "add-rule")
    page.keyboard.press("Space")
    look_at(page, "plan")
    go_to(page, "part", "operator", back=True)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    go_to(page, "label", "Values")
    page.keyboard.type("plu")
    page.locator("[role=option]", has_text="plus").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("pro")
    go_to(page, "part", "more")
    plan = {"field": "attr.plan", "operator": "in", "value": ["plus", "pro"]}
    assert rules(page)["rules"] == [plan]
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Duplicate").wait_for()
    assert page.get_by_role("menuitem", name="Move up").get_attribute("data-disabled") is not None
    page.keyboard.press("Enter")
    focus_on(page, "field")
    go_to(page, "label", "Remove pro")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement?.ariaLabel === 'Values'")
    fewer = plan | {"value": ["plus"]}
    assert rules(page)["rules"] == [plan, fewer]
    go_to(page, "part", "handle", back=True)
    page.keyboard.press("ArrowUp")
    assert rules(page)["rules"] == [fewer, plan]
    go_to(page, "part", "combinator-or", back=True)
    page.keyboard.press("Space")
    go_to(page, "part", "any-device")
    page.keyboard.press("Space")
    assert rules(page) == {"combinator": "or", "not": False, "any_device": True, "rules": [fewer, plan]}
    go_to(page, "label", "Delete this rule")
    page.keyboard.press("Enter")
    assert rules(page)["rules"] == [plan]
    go_to(page, "label", "Undo")
    page.keyboard.press("Enter")
    assert rules(page)["rules"] == [fewer, plan]
    go_to(page, "label", "Redo")
    page.keyboard.press("Enter")
    assert rules(page)["rules"] == [plan]


def test_every_kind_of_value_is_given_by_the_keyboard(owner, open_page):
    page = open_page()
    start(page, "Values")
    go_to(page, "part", "add-rule")
    page.keyboard.press("Enter")
    look_at(page, "purchase")
    page.keyboard.press("ArrowUp")
    go_to(page, "label", "Days")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement?.ariaLabel === 'Property'")
    page.keyboard.type("sku")
    go_to(page, "label", "Value")
    page.keyboard.type("sku-7")
    page.keyboard.press("Alt+Enter")
    look_at(page, "random sample")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Alt+Enter")
    look_at(page, "location")
    for number in ("5", "52.2", "-21"):
        page.keyboard.press("Control+a")
        page.keyboard.type(number)
        page.keyboard.press("Tab")
    bought, sample, near = (one["value"] for one in rules(page)["rules"])
    assert bought == {"times": 2, "days": 31, "where": {"sku": "sku-7"}}
    assert (sample, near) == (11, {"km": 5, "lat": 52.2, "lon": -21})


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
