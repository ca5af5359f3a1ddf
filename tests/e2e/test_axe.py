"""Every page of the console, light and dark, wide and narrow: nothing that keeps a person with a screen reader, a
keyboard or weak eyes from their work, and nothing that sticks out of a phone's window. The rules are axe-core's, from
the package; serious and critical ones count."""

import re
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import httpx
import pytest

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RUN = """async within => {
    const more = [...document.querySelectorAll("main tbody")].flatMap(b => [...b.rows].slice(3));
    const found = await axe.run({include: [within], exclude: more}, {resultTypes: ["violations"]});
    const bad = found.violations.filter(v => ["serious", "critical"].includes(v.impact));
    return bad.flatMap(v => v.nodes.slice(0, 5).map(n => `${v.id}: ${n.target.join(" ")} ${n.html.slice(0, 200)} ` +
        [...n.any, ...n.all, ...n.none].map(c => c.message).join("; ")));
}"""
WIDER = """async () => {
    const root = document.documentElement, fits = () => root.scrollWidth <= root.clientWidth;
    for (let wait = 0; wait < 40 && !fits(); wait++) await new Promise(done => setTimeout(done, 50));
    if (fits()) return [];
    const room = root.clientWidth;
    const out = [...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > room + 0.5);
    return out.slice(-5).map(one => `wider than the window: ${one.outerHTML.slice(0, 120)}`);
}"""
STILL = "*, *::before, *::after { animation: none !important; transition: none !important; }"
STEPS = ("audience", "message", "experiment", "delivery", "launch")
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PLACES = {
    "/": ["/"],
    "/campaigns": ["/campaigns", "/campaigns?state=waiting", "/campaigns?search=nothing-like-it"],
    "/campaigns/new": [],  # passed through: the composer is below
    "/campaigns/[campaign_id]": ["{report}", "/campaigns/cmp_nothing"],
    "/campaigns/[campaign_id]/edit": [f"{{draft}}/edit?step={step}" for step in STEPS],
    "/calendar": ["/calendar", "/calendar?view=week"],
    "/people": ["/people"],
    "/people/[person_id]": ["{person}", "{person}?tab=events", "{person}?tab=pushes"],
    "/segments": ["/segments"],
    "/segments/new": ["/segments/new"],
    "/segments/[segment_id]": ["{segment}"],
    "/lists": ["/lists"],
    "/lists/[list_id]": ["{list}"],
    "/import": ["/import"],
    "/import/[import_id]": ["{import}"],
    "/templates": ["/templates", "/templates?search=nothing-like-it"],
    "/templates/new": ["/templates/new"],
    "/templates/[template_id]": ["{template}", "{template}?version=1"],
    "/blocks": ["/blocks"],
    "/blocks/new": ["/blocks/new"],
    "/blocks/[block_id]": ["{block}"],
    "/deliveries": ["/deliveries"],
    "/deliveries/[delivery_id]": ["{delivery}"],
    "/apps": ["/apps", "/apps?new=app"],
    "/channels": ["/channels"],
    "/policies": ["/policies"],
    "/health": ["/health"],
    "/simulator": ["/simulator"],
    "/login": ["/login"],
    "/setup": ["/setup"],
}
"""Where each route is looked at, by what is shown there; a name in braces is a thing that the fixture found."""


def test_no_page_is_forgotten():
    import console.pages  # noqa: F401 - registers them
    from console.shell import PAGES

    assert {page.route for page in PAGES} <= set(PLACES)


@pytest.fixture(scope="module")
def server(product) -> Iterator[httpx.Client]:
    """The API, as the demo shop's admin."""
    made = product.command("key", "add", "--app", "demo", "--scope", "admin")
    with httpx.Client(
        base_url=f"{product.base}/api/v1", headers={"Authorization": f"Bearer {made['key']}"}, timeout=30
    ) as client:
        yield client


@pytest.fixture
def asked(server: httpx.Client) -> Iterator[str]:
    """A draft that waits for approval, in an app that wants it for as long."""
    app = next(one["id"] for one in server.get("/apps").json()["items"] if one["slug"] == "demo")
    server.patch(f"/apps/{app}", json={"approval_required": True}).raise_for_status()
    content = {"title": "Hello", "body": "Spring is here.", "locales": {"pl": {"title": "Dzień dobry"}}}
    body = {"name": "To be read by axe", "category": "marketing", "audience": {"everyone": True}}
    draft = server.post("/campaigns", json={**body, "variants": [{"name": "A", "weight": 1, "content": content}]})
    number = draft.raise_for_status().json()["id"]
    server.post(f"/campaigns/{number}/approval", json={"note": "Please look."}).raise_for_status()
    yield f"/campaigns/{number}"
    server.patch(f"/apps/{app}", json={"approval_required": False}).raise_for_status()
    server.delete(f"/campaigns/{number}")


@pytest.fixture
def kept(server: httpx.Client) -> Iterator[dict[str, str]]:
    """A template of two versions that has a shared block in it."""
    block = server.post("/blocks", json={"name": "axe_hours", "text": "9 to 5", "locales": {"pl": "9–17"}})
    text = {"title": "We are open", "body": "{{ block.axe_hours }}"}
    template = server.post("/templates", json={"name": "To be read by axe", "content": text})
    made = {"block": block.raise_for_status().json()["id"], "template": template.raise_for_status().json()["id"]}
    again = {"content": {**text, "title": "We are open today"}}
    server.patch(f"/templates/{made['template']}", json=again).raise_for_status()
    yield {name: f"/{name}s/{number}" for name, number in made.items()}
    server.delete(f"/templates/{made['template']}").raise_for_status()
    server.delete(f"/blocks/{made['block']}")


@pytest.fixture
def things(page, server: httpx.Client, asked: str, kept: dict[str, str]) -> dict[str, str]:
    """One of each thing that a page is about."""
    upload = server.post(
        "/imports", params={"kind": "users"}, content=b"user_id\nann\n", headers={"content-type": "text/csv"}
    )
    lists = {"person": "/people", "segment": "/segments", "list": "/lists", "delivery": "/deliveries"}
    found = {name: first(page, path, f"{path}/") for name, path in lists.items()}
    found["report"] = first(page, "/campaigns?state=finished", "/campaigns/cmp_")
    return {**found, **kept, "draft": asked, "import": f"/import/{upload.raise_for_status().json()['id']}"}


def first(page, path: str, begins: str) -> str:
    page.goto(path)
    link = page.locator(f"main tbody a[href^='{begins}']").first
    link.wait_for()
    return link.get_attribute("href").partition("?")[0]


@pytest.fixture
def page(owner, open_page):
    made = open_page()
    made.add_init_script(AXE)
    return made


def settled(page) -> None:
    """Nothing is on its way any more, and nothing moves."""
    page.locator("main .page-head, main .empty, .gate-box").first.wait_for()
    page.add_style_tag(content=STILL)
    page.wait_for_function("() => !document.querySelector('main .skeleton')")


def look(page, within: str = "html") -> list[str]:
    """What is wrong on a wide light page, and on a narrow dark one."""
    found = page.evaluate(RUN, within)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(NARROW)
    page.wait_for_function("document.documentElement.classList.contains('dark')")
    found += [f"dark, narrow: {one}" for one in [*page.evaluate(WIDER), *page.evaluate(RUN, within)]]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    return found


def test_every_page_can_be_read_and_worked_by_everybody(page, things: dict[str, str]):
    wrong: dict[str, list[str]] = {}
    for place in (place.format(**things) for places in PLACES.values() for place in places):
        page.goto(place)
        settled(page)
        if found := look(page):
            wrong[place] = found
    assert not wrong, "\n".join(f"{place}\n  " + "\n  ".join(found) for place, found in wrong.items())


def test_dialogs_and_menus_too(page):
    """What opens above a page; Esc closes each. The page beneath is out of reach meanwhile: the focus is held above."""
    wrong: list[str] = []
    for place, opener, opened in (
        ("/apps", "Switch app", "menu"),
        ("/apps", "Account", "menu"),
        ("/apps", "Add credential", "dialog"),
        ("/apps", "New key", "dialog"),
        ("/lists", "New list", "dialog"),
        ("/campaigns", "Search", "dialog"),
        ("/campaigns?state=finished", "Archive", "alertdialog"),
    ):
        if not page.url.endswith(place):
            page.goto(place)
            settled(page)
        page.get_by_role("button", name=re.compile(f"^{opener}")).first.click()
        page.get_by_role(opened).wait_for()
        wrong += [f"{place}, {opener}: {one}" for one in look(page, f"[role={opened}]")]
        page.keyboard.press("Escape")
        page.get_by_role(opened).wait_for(state="hidden")
    assert not wrong, "\n".join(wrong)
