"""The message form in a browser: layers, languages, variables and emoji, and that nothing typed is lost."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]


def opened(page):
    """A new draft at its message."""
    page.goto("/campaigns/new")
    page.wait_for_url(re.compile(r"/campaigns/cmp_[\w-]+/edit"))
    page.goto(page.url.split("?")[0] + "?step=message")
    expect(page.locator("#title")).to_be_editable()
    return page


def layer(page, group: str, name: str) -> None:
    page.get_by_role("group", name=group).get_by_role("button", name=re.compile(f"^{name}")).click()


def saved(page) -> None:
    expect(page.locator(".saved")).to_contain_text(re.compile(r"^Saved"))


def test_a_message_in_two_languages_with_an_override_comes_back_as_it_was(owner, open_page):
    page = opened(open_page())
    page.fill("#title", "Your order is on its way")
    page.fill("#body", "It arrives tomorrow.")
    page.get_by_role("button", name="Add a language").click()
    page.keyboard.type("polski")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_value("")
    expect(page.locator("#title")).to_have_attribute("placeholder", "Your order is on its way")
    page.fill("#title", "Zamówienie w drodze")
    expect(page.get_by_text("Not translated: body")).to_be_visible()
    layer(page, "Platform", "Android")
    expect(page.get_by_text("Subtitle: not on Android")).to_be_visible()
    page.fill("#body", "Jutro u Ciebie")
    page.fill("#channel_id", "orders")
    page.get_by_role("button", name="Body: nothing here").click()
    expect(page.locator("#body")).to_have_attribute("placeholder", "Nothing here")
    page.get_by_role("button", name="Body: use the common one").click()
    expect(page.locator("#body")).to_have_attribute("placeholder", "It arrives tomorrow.")
    page.fill("#body", "Jutro u Ciebie")
    page.locator("#body").blur()
    saved(page)
    page.reload()
    expect(page.locator("#title")).to_have_value("Your order is on its way")
    layer(page, "Language", "Polish")
    expect(page.locator("#title")).to_have_value("Zamówienie w drodze")
    layer(page, "Platform", "Android")
    expect(page.locator("#body")).to_have_value("Jutro u Ciebie")
    expect(page.locator("#channel_id")).to_have_value("orders")
    page.get_by_role("button", name="Remove this language").click()
    expect(page.get_by_role("group", name="Language")).not_to_contain_text("Polish")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator("#body")).to_have_value("Jutro u Ciebie")


def test_a_mistake_is_underlined_where_it_is_and_what_was_typed_stays(owner, open_page):
    page = opened(open_page())
    page.fill("#title", "🎉 Hi {{ user.plan | nothing }}")
    expect(page.locator(".saved")).to_contain_text("Not saved")
    marked = page.locator(".mf-text", has=page.locator("#title")).locator("[data-wrong]")
    assert "nothing" in "".join(marked.all_inner_texts())
    expect(page.get_by_role("alert").filter(has_text="nothing")).to_be_visible()
    expect(page.locator("#title")).to_have_value("🎉 Hi {{ user.plan | nothing }}")
    page.fill("#title", "🎉 Hi {{ user.unheard_of }}!")
    saved(page)
    expect(marked.first).to_contain_text("user.unheard_of")
    page.fill("#title", "🎉 Hi")
    saved(page)
    expect(marked).to_have_count(0)


def test_a_variable_and_an_emoji_go_in_at_the_caret_by_keyboard_alone(owner, open_page):
    page = opened(open_page())
    title = page.locator("#title")
    title.focus()
    page.keyboard.type("Hi ")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("country")
    page.keyboard.press("Enter")
    page.keyboard.type("there")
    page.keyboard.press("Enter")
    expect(title).to_have_value("Hi {{ user.country | default('there') }}")
    expect(title).to_be_focused()
    page.keyboard.press("Control+z")
    expect(title).to_have_value("Hi ")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    search = page.get_by_placeholder("Search", exact=True)
    expect(search).to_be_focused()
    search.fill("red heart")
    page.locator(".mf-emoji").get_by_text("❤️").first.wait_for()
    page.keyboard.press("Enter")
    expect(title).to_have_value(re.compile("^Hi ❤"))
    page.keyboard.press("Control+s")
    saved(page)
