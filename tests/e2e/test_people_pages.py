"""People in the browser: found, looked at, switched off and on again."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e


def test_a_person_is_found_looked_at_and_unsubscribed_with_a_way_back(owner, open_page):
    page = open_page()
    page.goto("/people")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.fill("#people-search", "plan:pro")
    page.wait_for_url(re.compile(r"q=plan%3Apro"))
    expect(page.locator("tbody tr").first).to_be_visible()
    page.get_by_role("button", name="Reachable").click()
    page.wait_for_url(re.compile(r"device=reachable"))
    page.locator("tbody tr a.cell").first.click()
    expect(page.get_by_text("In this state since").first).to_be_visible()
    page.get_by_role("button", name="Unsubscribe", exact=True).click()
    page.get_by_role("alertdialog").get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("button", name="Subscribe again")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Unsubscribe", exact=True)).to_be_visible()
    page.get_by_role("link", name="Preferences & consents").click()
    page.get_by_role("button", name="Record a consent").click()
    page.fill("#purpose", "marketing")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text("Holds now")).to_be_visible()
