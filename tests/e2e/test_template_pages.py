"""Templates and blocks in a browser: written, used by a campaign, changed, brought back."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]


def saved(page, word: str = "Saved") -> None:
    expect(page.locator(".saved")).to_contain_text(re.compile(rf"^{word}"))


def previewed(page, text: str) -> None:
    expect(page.locator("#preview-device")).to_contain_text(text)


def kept(page, name: str, title: str):
    """A new template of this name and title, open."""
    page.goto("/templates/new")
    page.fill("#template-name", name)
    page.fill("#title", title)
    page.fill("#body", "It is about time.")
    saved(page, "Unsaved changes")
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(r"/templates/tpl_[\w-]+"))
    expect(page.locator("#title")).to_have_value(title)
    return page


def test_a_draft_says_what_its_template_says_and_an_old_version_comes_back(owner, open_page):
    page = kept(open_page(), "Spring", "First words")
    address = page.url.split("?")[0]
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Use in a new campaign").click()
    page.wait_for_url(re.compile(r"/campaigns/cmp_[\w-]+/edit"))
    campaign = page.url.split("?")[0] + "?step=message"
    expect(page.locator("#campaign-name")).to_have_value("Spring")
    page.goto(campaign)
    previewed(page, "First words")

    page.goto(address)
    page.fill("#title", "Second words")
    page.locator("#title").blur()
    page.get_by_role("button", name="Save version").click()
    page.get_by_text("Saved as version 2").wait_for()
    page.goto(campaign)
    previewed(page, "Second words")

    page.goto(f"{address}?tab=versions")
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_role("row", name=re.compile("^Title"))).to_contain_text("Second words")
    previewed(page, "First words")
    page.locator("#restore").click()
    page.get_by_role("button", name="Restore version").click()
    page.get_by_text("Version 1 is back as version 3").wait_for()
    expect(page.locator("#title")).to_have_value("First words")
    page.goto(campaign)
    previewed(page, "First words")
    page.goto(f"{address}?tab=use")
    expect(page.get_by_role("link", name="Spring", exact=True)).to_be_visible()


def test_what_a_template_needs_is_described_and_fills_in_the_preview(owner, open_page):
    page = kept(open_page(), "Order update", "Order {{ data.order_id }}")
    page.click("#to-data")
    page.get_by_role("button", name="order_id", exact=True).click()
    page.get_by_label("Example of order_id").fill("A-1001")
    page.get_by_label("Example of order_id").blur()
    previewed(page, "Order A-1001")
    page.fill("#schema", "{ no")
    expect(page.get_by_role("alert").filter(has_text="no JSON")).to_be_visible()
    page.fill("#schema", '{"properties": {"order_id": {"type": "string", "examples": ["B-2"]}}, "oops": 1}')
    expect(page.get_by_role("alert").filter(has_text="oops")).to_be_visible()
    page.fill("#schema", '{"properties": {"order_id": {"type": "string", "examples": ["B-2"]}}}')
    previewed(page, "Order B-2")
    page.click("#save")
    page.get_by_text("Saved as version 2").wait_for()
    page.click("#to-use")
    expect(page.locator("#snippet")).to_contain_text('"order_id": "B-2"')


def test_two_editors_lose_nothing_and_what_is_unsaved_comes_back(owner, open_page):
    page = kept(open_page(), "Two hands", "Ours")
    other = open_page()
    other.goto(page.url)
    other.fill("#title", "Theirs")
    other.fill("#subtitle", "From them")
    other.click("#save")
    other.get_by_text("Saved as version 2").wait_for()
    page.fill("#title", "Mine")
    page.locator("#title").blur()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_text("This was typed here before")).to_be_visible()
    expect(page.locator("#title")).to_have_value("Mine")
    page.click("#save")
    collide = page.get_by_role("region", name="Changes that collide")
    expect(collide).to_contain_text("Theirs")
    collide.get_by_role("radio", name=re.compile("Keep mine")).click()
    collide.locator("#settle").click()
    page.get_by_text("Saved as version 3").wait_for()
    expect(page.locator("#subtitle")).to_have_value("From them")
    expect(page.locator("#title")).to_have_value("Mine")


def test_a_block_is_said_by_a_template_and_stays_while_it_is(owner, open_page):
    page = open_page()
    page.goto("/blocks/new")
    page.fill("#block-name", "farewell")
    page.fill("#text", "See you, {{ user.name | default('friend') }}")
    page.get_by_role("button", name="Add a language").click()
    page.get_by_label("Language tag").fill("pl")
    page.keyboard.press("Enter")
    page.fill("#text-pl", "Do zobaczenia")
    expect(page.locator("#readings")).to_contain_text("Do zobaczenia")
    page.click("#save")
    page.wait_for_url(re.compile(r"/blocks/blk_[\w-]+"))
    block = page.url
    kept(page, "Goodbye", "{{ block.farewell }}")
    previewed(page, "See you, friend")
    page.goto(block)
    expect(page.get_by_role("link", name="Goodbye")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete block").click()
    expect(page.get_by_role("alert")).to_contain_text("Goodbye")
    page.goto("/blocks")
    expect(page.get_by_role("row", name=re.compile("farewell"))).to_contain_text("1 template")


def test_one_is_found_archived_and_brought_back(owner, open_page):
    page = kept(open_page(), "Short-lived", "Soon gone")
    page.goto("/templates")
    page.fill("#search", "short")
    page.wait_for_url(re.compile("search=short"))
    row = page.get_by_role("row", name=re.compile("Short-lived"))
    row.get_by_role("button", name="Archive").click()
    page.get_by_text("No template matches").wait_for()
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("short-lived")
    expect(page.locator(".palette").get_by_role("link", name="Short-lived")).to_be_visible()
