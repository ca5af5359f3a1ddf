"""The demo's providers made to misbehave, by a person with a browser."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]


def test_a_weather_a_fault_of_ones_own_and_back(owner, open_page):
    page = open_page()
    page.goto("/")
    page.get_by_role("link", name="Simulator").click()
    badge = page.locator(".page-head .rt-Badge")
    expect(badge).to_have_text("All is well")
    page.get_by_role("radio", name="5% temporary errors").click()
    expect(badge).to_have_text("5% temporary errors")
    expect(page.get_by_label("Answer", exact=True)).to_have_count(7)
    page.get_by_text("Lost answers", exact=True).click()
    page.locator("#refuse_slider").fill("12.5")
    expect(page.locator("#refuse")).to_have_value("12.5")
    page.fill("#reset_after_accept", "200")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Between 0 and 100.")).to_be_visible()
    page.fill("#reset_after_accept", "1")
    page.keyboard.press("Control+s")
    expect(badge).to_have_text("Own settings")
    expect(page.get_by_text("Refused unseen: 12.5 %")).to_be_visible()
    page.get_by_role("link", name="Second push service").click()
    expect(page).to_have_url(re.compile("host=webpush2"))
    page.get_by_text("Connections", exact=True).last.click()
    page.fill("#down_seconds", "30")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("row", name="Second push service")).to_contain_text("Down")
    page.get_by_role("button", name="Reset faults").click()
    expect(badge).to_have_text("All is well")
    expect(page.get_by_role("row", name="Second push service")).to_contain_text("Up")
