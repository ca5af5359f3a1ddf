"""One rich push, from the first word to its last number: written in two languages with buttons, a picture and an
Android override, looked at for three people, taken apart, tested, checked, launched. Two who write at once, too."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.e2e.keyboard import Keyboard
from tests.services.picture_host import answer, image

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]

HI, CZESC = "Hi {{ user.name | default('there') }}, spring is here", "Cześć {{ user.name | default('Ty') }}, wiosna"
BUTTONS = (("Shop now", "https://shop.example/now"), ("Later", "https://shop.example/later"))
SERVER = 30_000  # a pre-flight walks the whole audience, a test goes out and comes back


@dataclass(frozen=True)
class People:
    """Of the demo's people with a device that takes pushes: one who is known, one without a name, one who reads
    Polish. Testers have an iPhone."""

    testers: list[str]
    known: str
    name: str
    nameless: str
    polish: str
    pole: str

    def hear(self) -> tuple[tuple[str, str], ...]:
        """Each with the title that they get."""
        spring = ", spring is here"
        return (
            (self.known, f"Hi {self.name}{spring}"),
            (self.nameless, f"Hi there{spring}"),
            (self.polish, f"Cześć {self.pole}, wiosna"),
        )


@pytest.fixture(scope="module")
def server(product) -> Iterator[httpx.Client]:
    """The API, as the demo shop's own server."""
    made = product.command("key", "add", "--app", "demo", "--scope", "server")
    with httpx.Client(
        base_url=f"{product.base}/api/v1", headers={"Authorization": f"Bearer {made['key']}"}, timeout=30
    ) as client:
        yield client


@pytest.fixture(scope="module")
def people(server: httpx.Client) -> People:
    found = [server.get(f"/users/u{number:07d}").raise_for_status().json() for number in range(60)]
    named = [one for one in found if "name" in one["attributes"]]
    iphones = [one for one in named if one["language"] == "en" and on(one, "ios")]
    pole = next(one for one in named if one["language"] == "pl" and on(one, "ios", "android"))
    nameless = next(one for one in found if one not in named and one["language"] != "pl" and on(one, "ios", "android"))
    return People(
        [one["user_id"] for one in iphones[1:3]],
        iphones[0]["user_id"],
        iphones[0]["attributes"]["name"],
        nameless["user_id"],
        pole["user_id"],
        pole["attributes"]["name"],
    )


def on(person: dict, *platforms: str) -> bool:
    """Whether pushes get through to a device of theirs on one of the platforms."""
    return any(
        one["platform"] in platforms and one["state"] == "active" and one["permission"] == "granted"
        for one in person["devices"]
    )


@pytest.fixture(scope="module")
def picture(gallery) -> str:
    """The address of a picture."""
    gallery.host.answers["/spring.jpg"] = answer(image(1200, 600))
    return f"{gallery.host.origin}/spring.jpg"


def drafted(page, name: str) -> None:
    """A new draft, open at its message."""
    page.goto("/campaigns/new")
    page.wait_for_url(re.compile(r"/campaigns/cmp_[\w-]+/edit"))
    page.goto(page.url.partition("?")[0] + "?step=message")
    expect(page.locator("#title")).to_be_editable()
    page.fill("#campaign-name", name)


def campaign(page) -> str:
    return re.search(r"cmp_[\w-]+", page.url).group()


def saved(page) -> None:
    expect(page.locator(".saved")).to_have_text("Saved")


def layer(page, group: str, name: str):
    return page.get_by_role("group", name=group).get_by_role("button", name=re.compile(f"^{name}"))


def shows(page, person: str, *texts: str) -> None:
    """The preview is this person's, as the server has rendered it."""
    expect(page.locator("#person")).to_contain_text(person)
    expect(page.locator(".exactness")).to_have_attribute("data-exact", "true")
    for text in texts:
        expect(page.locator(".stage")).to_contain_text(text)


def bytes_agree(page, server: httpx.Client, person: str) -> None:
    """The inspector shows the body that the API shows, and how full it is."""
    shown = page.locator("#payload-body")
    expect(shown).to_contain_text('"aps"')
    told = server.post(f"/campaigns/{campaign(page)}/preview", json={"user_id": person, "platform": "ios"}).json()
    assert json.loads(shown.inner_text()) == json.loads(told["body"])
    assert page.locator("#preview-payload pre").last.text_content() == told["body"]
    assert number(page.locator("#payload-size").inner_text().partition(" of ")[0]) == told["bytes"] < told["limit"]
    full = float(page.get_by_role("progressbar", name="Bytes of the limit").get_attribute("aria-valuenow"))
    assert full == pytest.approx(100 * told["bytes"] / told["limit"], abs=0.1)


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text) or 0)


def iphone(page, tester: str):
    """Where it is chosen for a test."""
    return page.locator(".trial-person", has_text=tester).get_by_role("checkbox", name="iPhone").first


def accepted(page) -> None:
    """What the test has come to, at each device."""
    results = page.locator("#trial-results > li")
    expect(results).not_to_have_count(0, timeout=SERVER)
    for result in results.all():
        expect(result).to_have_attribute("data-state", "accepted", timeout=SERVER)
        expect(result).to_contain_text("Apple took it.")


def adds_up(page) -> int:
    """The pre-flight's parts come to the audience; how many it is."""
    parts = page.locator("[data-outcome] > .share-num:not(.muted)").all_inner_texts()
    whole = number(page.locator("#preflight .panel-head", has_text="What becomes of the audience").inner_text())
    assert sum(map(number, parts)) == whole > 1000
    return whole


def finished(page, whole: int) -> None:
    """The report's numbers come to what the pre-flight counted."""
    expect(page.get_by_text("Finished", exact=True).first).to_be_visible(timeout=120_000)
    audience, taken, delivered = (
        number(page.locator(f"#funnel-{step} .funnel-value").inner_text())
        for step in ("audience", "accepted", "delivered")
    )
    lost = page.locator("section", has_text="Skipped and failed, by reason").locator(".share-num:not(.muted)")
    assert audience == whole == taken + sum(map(number, lost.all_inner_texts()))
    assert taken >= delivered > 0


def test_a_rich_push_goes_all_the_way(owner, open_page, server, people, picture):
    page = open_page()
    drafted(page, "Spring, all of it")
    written(page, picture)
    saved(page)
    for person, title in people.hear():
        page.click("#person")
        page.keyboard.type(person)
        page.keyboard.press("Enter")
        shows(page, person, title, "Seeds and bulbs, now in the app.")
    layer(page, "Platform", "All").click()
    shows(page, people.polish, "Nowe nasiona są w sklepie.")
    expect(page.locator(".stage img").first).to_have_attribute("src", re.compile("^/pictures/"))
    page.locator(".stage").get_by_role("button", name="Chrome", exact=True).click()
    expect(page.locator(".chrome-buttons .p-button")).to_have_text([text for text, _ in BUTTONS])
    page.get_by_role("tab", name="Payload").click()
    bytes_agree(page, server, people.polish)
    tried(page, people.testers[0])
    page.click("#review")
    expect(page.locator("#launch")).to_be_enabled(timeout=SERVER)
    whole = adds_up(page)
    page.locator("[data-outcome='no_permission']").click()
    expect(page.locator(".preflight-device")).not_to_have_count(0)
    page.get_by_role("button", name="Close").click()
    page.click("#launch")
    expect(page.locator("h1")).to_have_text("Spring, all of it")
    finished(page, whole)


def written(page, picture: str) -> None:
    """The message: two languages, a picture, two buttons, other words on Android."""
    page.fill("#title", HI)
    page.fill("#body", "New seeds and bulbs are in the shop.")
    page.fill("#link", "https://shop.example/spring")
    page.fill("#image", picture)
    for place, (text, link) in enumerate(BUTTONS, 1):
        page.get_by_role("button", name="Add button").click()
        button = page.get_by_role("group", name=f"Button {place}", exact=True)
        button.get_by_label("Button text").fill(text)
        button.get_by_label("Button link").fill(link)
    expect(page.locator(".picture-facts")).to_contain_text("1200 × 600")
    page.get_by_role("button", name="Add a language").click()
    page.keyboard.type("polski")
    page.keyboard.press("Enter")
    page.fill("#title", CZESC)
    page.fill("#body", "Nowe nasiona są w sklepie.")
    layer(page, "Language", "English").click()
    layer(page, "Platform", "Android").click()
    page.fill("#body", "Seeds and bulbs, now in the app.")


def tried(page, tester: str) -> None:
    """To their iPhone."""
    page.get_by_text("Add a test user").click()
    page.fill("#tester_user", tester)
    page.get_by_role("button", name="Add", exact=True).click()
    iphone(page, tester).check()
    page.click("#send-test")
    accepted(page)


def test_a_rich_push_goes_all_the_way_with_nothing_but_the_keyboard(owner, open_page, server, people, picture):
    page = open_page()
    page.goto("/campaigns")
    page.locator("tbody tr").first.wait_for()
    keys = Keyboard(page)
    keys.to(page.get_by_role("link", name="New campaign"))
    keys.press("Enter")
    expect(page.locator("#campaign-name")).to_be_visible()
    keys.to(page.locator("#campaign-name"))
    keys.press("Control+a")
    keys.write("Spring, by keyboard")
    keys.press("Alt+2")
    written_by_keys(page, keys, picture)
    saved(page)
    looked_at_by_keys(page, keys, people)
    bytes_agree(page, server, people.nameless)
    tried_by_keys(page, keys, people.testers[1])
    whole = checked_by_keys(page, keys)
    keys.to(page.locator("#launch"))
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Spring, by keyboard")
    finished(page, whole)


def looked_at_by_keys(page, keys: Keyboard, people: People) -> None:
    """Two whom the search finds, and a telling one; then the bytes of the last."""
    keys.to(page.locator("#person"))
    for person, hello in ((people.known, f"Hi {people.name}"), (people.polish, f"Cześć {people.pole}")):
        keys.press("Enter")
        keys.write(person)
        keys.press("Enter")
        shows(page, person, hello, "Seeds and bulbs, now in the app.")
        expect(page.locator("#person")).to_be_focused()
    card = page.locator(".inspect-card")
    expect(card.filter(has_text="Missing")).to_be_visible()
    keys.to(card.first)
    if not keys.at(card.filter(has_text="Missing")):
        keys.to(card.filter(has_text="Missing"), key="ArrowRight")
    shows(page, people.nameless, "Hi there")
    keys.to(page.get_by_role("tab", name="Device"))
    keys.press("ArrowRight")
    expect(page.get_by_role("tab", name="Payload")).to_have_attribute("aria-selected", "true")
    keys.to(page.locator("#preview-payload").get_by_role("button", name="iOS"))
    keys.press("Enter")


def tried_by_keys(page, keys: Keyboard, tester: str) -> None:
    """To their iPhone."""
    keys.to(page.locator("summary", has_text="Add a test user"))
    keys.press("Enter")
    keys.to(page.locator("#tester_user"))
    keys.write(tester)
    keys.to(page.get_by_role("button", name="Add", exact=True))
    keys.press("Enter")
    device = iphone(page, tester)
    expect(device).to_be_visible()
    keys.to(device, key="Shift+Tab")
    if not device.is_checked():
        keys.press("Space")
    expect(device).to_be_checked()
    keys.to(page.locator("#send-test"))
    keys.press("Enter")
    accepted(page)


def checked_by_keys(page, keys: Keyboard) -> int:
    """The pre-flight, and the devices behind one of its numbers; how many it counts."""
    keys.press("Alt+5")
    keys.to(page.get_by_role("button", name="Run pre-flight"))
    keys.press("Enter")
    expect(page.locator("#launch")).to_be_enabled(timeout=SERVER)
    whole = adds_up(page)
    part = page.locator("[data-outcome='no_permission']")
    keys.to(part)
    keys.press("Enter")
    expect(page.locator(".preflight-device")).not_to_have_count(0)
    keys.press("Escape")
    expect(part).to_be_focused()
    return whole


def written_by_keys(page, keys: Keyboard, picture: str) -> None:
    """The same message, from the row of steps on."""
    keys.to(page.locator("#title"))
    keys.write("Hi ")
    keys.to(page.get_by_role("button", name="Insert a variable").first)
    keys.press("Enter")
    keys.write("user.name")
    keys.press("Enter")
    keys.write("there")
    keys.press("Enter")
    expect(page.locator("#title")).to_be_focused()
    keys.write(", spring is here")
    expect(page.locator("#title")).to_have_value(HI)
    for field, text in (("body", "New seeds and bulbs are in the shop."), ("image", picture)):
        keys.to(page.locator(f"#{field}"))
        keys.write(text)
    for place, (text, link) in enumerate(BUTTONS, 1):
        keys.to(page.get_by_role("button", name="Add button"))
        keys.press("Enter")
        button = page.get_by_role("group", name=f"Button {place}", exact=True)
        expect(button.get_by_label("Button text")).to_be_focused()
        keys.write(text)
        keys.to(button.get_by_label("Button link"))
        keys.write(link)
    keys.to(page.get_by_role("button", name="Add a language"), key="Shift+Tab")
    keys.press("Enter")
    keys.write("polski")
    keys.press("Enter")
    expect(layer(page, "Language", "Polish")).to_have_attribute("aria-pressed", "true")
    keys.to(page.locator("#title"))
    keys.write(CZESC)
    keys.to(page.locator("#body"))
    keys.write("Nowe nasiona są w sklepie.")
    keys.to(layer(page, "Language", "English"), key="Shift+Tab")
    keys.press("Enter")
    keys.to(layer(page, "Platform", "Android"), key="Shift+Tab")
    keys.press("Space")
    keys.to(page.locator("#body"))
    keys.write("Seeds and bulbs, now in the app.")


def test_two_who_write_at_once_lose_nothing(owner, open_page):
    mine, theirs = open_page(), open_page()
    drafted(mine, "Ours")
    mine.fill("#title", "Ours")
    saved(mine)
    mine.wait_for_timeout(800)  # the last pause in typing
    saved(mine)
    theirs.goto(mine.url)
    theirs.fill("#title", "Their title")
    theirs.fill("#campaign-name", "Their name")
    theirs.fill("#body", "Their body")
    theirs.locator("#body").blur()
    theirs.wait_for_timeout(800)
    saved(theirs)
    mine.fill("#title", "My title")
    mine.fill("#campaign-name", "My name")
    clash = mine.get_by_role("region", name="Changes that collide")
    expect(clash).to_contain_text("Their title")
    expect(clash).to_contain_text("My title")
    expect(mine.locator(".saved")).to_have_text("Not saved")
    expect(mine.locator("#title")).to_have_value("My title")
    clash.get_by_role("radiogroup", name="Name").get_by_role("radio", name="Take theirs").click()
    expect(mine.locator("#settle")).to_be_disabled()
    clash.get_by_role("radiogroup", name="title").get_by_role("radio", name="Keep mine").click()
    mine.click("#settle")
    expect(clash).to_be_hidden()
    saved(mine)
    for page in (mine, theirs):
        page.reload()
        expect(page.locator("#campaign-name")).to_have_value("Their name")
        expect(page.locator("#title")).to_have_value("My title")
        expect(page.locator("#body")).to_have_value("Their body")
