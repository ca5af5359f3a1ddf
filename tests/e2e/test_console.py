"""The main job, by a person with a browser; and every page, wide and narrow, light and dark."""

import re
import socket

import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text) or 0)


def compose(page, name: str, title: str) -> None:
    page.goto("/campaigns/new")
    page.locator("#title").wait_for()
    page.fill("#campaign-name", name)
    page.fill("#title", title)
    page.fill("#body", "Everything 20% off until Sunday.")
    expect(page.locator(".saved")).to_have_text("Saved")


def test_from_the_set_up_link_to_opens_on_the_chart(owner, open_page):
    page = open_page()
    compose(page, "Weekend sale", "Hi {{ user.name | default('there') }}, the sale is on")
    expect(page.locator(".ios-title")).to_have_text("Hi there, the sale is on")
    expect(page.locator("#campaign-name")).to_have_value("Weekend sale")
    page.wait_for_timeout(800)  # the last pause in typing
    expect(page.locator(".saved")).to_have_text("Saved")
    people = number(page.locator("#reach").inner_text())
    assert people > 1000
    page.click("#review")
    expect(page.locator("#launch")).to_be_enabled()
    assert number(page.locator("#launch").inner_text()) == people
    page.click("#launch")
    expect(page.locator("h1")).to_have_text("Weekend sale")
    opened = page.locator("#funnel-opened .funnel-value")
    expect(opened).not_to_have_text(re.compile("^[0–]$"), timeout=60_000)
    before = number(opened.inner_text())
    expect(page.get_by_text("Finished", exact=True).first).to_be_visible(timeout=120_000)
    expect(page.locator(".js-plotly-plot .bars path").first).to_be_visible()
    audience, accepted, delivered, after = (
        number(page.locator(f"#funnel-{step} .funnel-value").inner_text())
        for step in ("audience", "accepted", "delivered", "opened")
    )
    assert audience >= accepted >= delivered >= after >= before > 0
    page.click("#funnel-opened")
    page.locator("tbody tr").first.wait_for()
    page.locator("tbody tr a").first.click()
    expect(page.get_by_text("Accepted by the provider")).to_be_visible()
    expect(page.get_by_text("As sent")).to_be_visible()


def test_what_is_typed_is_there_after_a_reload(owner, open_page):
    page = open_page()
    compose(page, "Kept", "A title to keep")
    page.get_by_role("button", name="Add button").click()
    page.get_by_label("Button text").fill("Shop now")
    page.locator(".stage").get_by_role("button", name="Chrome", exact=True).click()
    expect(page.locator(".chrome-buttons .p-button")).to_have_text("Shop now")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1000)
    page.reload()
    expect(page.locator("#title")).to_have_value("A title to keep")
    expect(page.get_by_label("Button text")).to_have_value("Shop now")
    expect(page.locator(".ios-title")).to_have_text("A title to keep")
    page.goto("/campaigns?search=Kept")
    page.get_by_role("button", name="Delete draft").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete draft").click()
    expect(page.get_by_text("No campaign matches")).to_be_visible()


def test_the_palette_answers_to_the_keyboard(owner, open_page):
    page = open_page()
    page.goto("/campaigns")
    page.get_by_role("heading", name="Campaigns").wait_for()
    page.locator("tbody tr").first.wait_for()
    page.keyboard.press("Control+k")
    page.locator(".palette-input").fill("deliv")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.locator(".palette")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".palette")).to_be_hidden()


def test_the_palette_finds_things_as_one_types(owner, open_page):
    page = open_page(width=390)
    page.goto("/deliveries")
    page.get_by_role("button", name="Search").click()
    typed, items = page.locator(".palette-input"), page.locator(".palette-item")
    expect(typed).to_be_focused()
    page.keyboard.type("no such thing")
    expect(page.get_by_text("Nothing found for no such thing")).to_be_visible()
    typed.fill("u00000")
    expect(page.get_by_role("group", name="People").locator("a")).to_have_count(5)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.type("07")
    expect(typed).to_have_value("u0000007")
    page.keyboard.press("Enter")  # before the answer is there: it is waited for
    expect(page.get_by_role("heading", name="u0000007")).to_be_visible()


def test_signing_out_and_in_again_leads_back(owner, open_page):
    page = open_page(signed_in=False)
    page.goto("/deliveries?state=accepted")
    expect(page).to_have_url(re.compile(r"/login/?\?next="))
    page.fill("#email", owner["email"])
    page.fill("#password", "not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    page.fill("#password", owner["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
    expect(page).to_have_url(re.compile("state=accepted"))
    page.get_by_role("button", name="Account").click()
    page.get_by_text("Sign out").click()
    expect(page).to_have_url(re.compile("/login"))


def test_a_lane_is_opened_paused_and_resumed_from_the_keyboard(owner, open_page):
    page = open_page()
    page.goto("/health")
    lane = page.locator(".lane-title", has_text="Web Push")
    lane.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"open=crd_"))
    expect(page.get_by_text("Answers of the last minute")).to_be_visible()
    row = page.locator("tr", has=lane)
    row.get_by_role("button", name="Pause lane").press("Enter")
    page.get_by_role("alertdialog").get_by_role("button", name="Pause lane").press("Enter")
    expect(row.get_by_text("Paused", exact=True)).to_be_visible()
    page.reload()
    expect(row.get_by_text("Paused", exact=True)).to_be_visible()
    expect(page.get_by_text("Answers of the last minute")).to_be_visible()
    row.get_by_role("button", name="Resume lane").press("Enter")
    expect(row.get_by_role("button", name="Pause lane")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_every_page_fits(owner, open_page, width, height, scheme):
    page = open_page(width=width, height=height, scheme=scheme)
    for path, ready in (
        ("/", ".js-plotly-plot"),
        ("/campaigns", "tbody tr"),
        ("/deliveries", "tbody tr"),
        ("/apps", "#app_name"),
        ("/simulator", ".presets"),
        ("/health", ".lane-title"),
        ("/templates", "main .page-head"),
        ("/templates/new", "#title"),
        ("/blocks", "main .page-head"),
        ("/blocks/new", "main .page-head"),
        ("/campaigns/new", "#title"),
        *((f"{{open}}?step={step}", f"#step-{step}") for step in ("message", "experiment", "delivery", "launch")),
        ("/deliveries/dlv_nothing", ".empty"),
        ("/campaigns/cmp_nothing", ".empty"),
    ):
        page.goto(path.replace("{open}", page.url.partition("?")[0]))
        page.locator(ready).first.wait_for()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_on_a_phone_the_navigation_is_a_drawer(owner, open_page):
    page = open_page(width=390, height=844)
    page.goto("/campaigns")
    page.locator("tbody tr").first.wait_for()
    expect(page.get_by_role("link", name="Deliveries")).to_have_count(0)
    page.get_by_role("button", name="Open navigation").click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("button", name="Switch app").click()
    expect(page.get_by_role("menuitem", name="Demo shop")).to_be_visible()
    page.keyboard.press("Escape")
    drawer.get_by_role("link", name="Deliveries").click()
    expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
    expect(drawer).to_be_hidden()


@pytest.mark.parametrize(("origin", "taken"), [(None, True), ("http://evil.example", False)])
def test_the_websocket_is_held_to_its_own_origin(product, origin, taken):
    host, port = product.base.removeprefix("http://").split(":")
    request = (
        "GET /_event/?EIO=4&transport=websocket HTTP/1.1\r\n"
        f"Host: {host}:{port}\r\nOrigin: {origin or product.base}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request.encode())
        status = connection.recv(64).split()[1]
    assert (status == b"101") is taken


def test_a_page_of_an_allowed_origin_may_register_a_device_and_no_other(product):
    """The preflight is answered by the apps' own lists, though a framework stands around the API."""
    import httpx

    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    with httpx.Client(base_url=product.base) as browser:
        receipts = browser.options("/api/v1/receipts", headers={**asked, "origin": "https://anywhere.example"})
        devices = browser.options("/api/v1/devices", headers={**asked, "origin": "https://anywhere.example"})
    assert receipts.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in devices.headers
