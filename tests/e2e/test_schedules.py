"""One campaign of each kind of schedule, made by a person with a browser; what repeats is activated and steered."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]

CHECKED = 30_000  # a pre-flight walks the whole audience
WORDS, DATES = "#schedule-words", "#next-dates li"


def compose(page, name):
    page.goto("/campaigns/new")
    page.locator("#title").wait_for()
    page.fill("#campaign-name", name)
    page.fill("#title", "Hi there")
    page.fill("#body", "Something to read.")
    page.wait_for_timeout(900)  # the last pause in typing
    saved(page)
    page.get_by_role("tab", name="Delivery").click()


def saved(page):
    expect(page.locator(".saved")).to_have_text("Saved")


def choose(page, kind):
    page.get_by_role("radiogroup", name="Schedule").get_by_role("radio", name=kind).click()


def settled(page):
    """Once what was typed has been heard and saved."""
    page.wait_for_timeout(700)
    saved(page)


def reopened(page):
    """The step that was open is in the address."""
    page.reload()
    expect(page.get_by_role("tab", name="Delivery")).to_have_attribute("aria-selected", "true")


def test_what_sends_once_is_read_back_and_kept(owner, open_page):
    page = open_page()
    compose(page, "Once, at a time")
    choose(page, "At a time")
    page.fill("#at", "2030-07-01T09:00")
    page.fill("#zone", "Europe/Warsaw")
    settled(page)
    expect(page.locator(WORDS)).to_have_text("On 1 July 2030 at 09:00 (UTC+02:00).")
    page.fill("#zone", "Nowhere/At_all")
    expect(page.get_by_text("a zone such as Europe/Warsaw")).to_be_visible()
    expect(page.locator(".saved")).to_have_text("Not saved yet")
    page.fill("#zone", "Europe/Warsaw")
    settled(page)
    choose(page, "Local time")
    page.fill("#wall", "2030-12-01T09:00")
    page.select_option("#past", "skip")
    settled(page)
    expect(page.locator(WORDS)).to_have_text("On 1 December 2030 at 09:00, on each person's own clock.")
    choose(page, "Best hour")
    page.fill("#date", "2030-12-01")
    settled(page)
    expect(page.locator(WORDS)).to_have_text("On 1 December 2030, at the hour at which each person opens most.")
    choose(page, "Local time")
    expect(page.locator("#wall")).to_have_value("2030-12-01T09:00")
    settled(page)
    reopened(page)
    expect(page.locator("#past")).to_have_value("skip")
    expect(page.locator("#wall")).to_have_value("2030-12-01T09:00")


def test_a_scheduled_campaign_can_be_taken_back(owner, open_page):
    page = open_page()
    compose(page, "Taken back")
    choose(page, "Local time")
    page.fill("#wall", "2030-12-01T09:00")
    settled(page)
    page.click("#review")
    expect(page.get_by_text("Starts 1 Dec 09:00 in each person's own time zone")).to_be_visible(timeout=CHECKED)
    expect(page.get_by_text("first clocks at 30 Nov 19:00 UTC")).to_be_visible()
    expect(page.locator("#launch")).to_have_text(re.compile("^Schedule for"), timeout=CHECKED)
    page.click("#launch")
    expect(page.get_by_text("Scheduled", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Unschedule").click()
    expect(page.get_by_role("tab", name="Pre-flight & launch")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("Draft", exact=True).first).to_be_visible()


def test_a_recurring_campaign_is_activated_paused_resumed_and_cancelled(owner, open_page):
    page = open_page()
    compose(page, "Second Tuesday")
    choose(page, "Recurring")
    page.select_option("#unit", "month")
    page.select_option("#month_by", "place")
    page.select_option("#place", "2")
    page.select_option("#place_day", "TU")
    page.fill("#starts", "2030-01-01")
    page.fill("#exclude", "2030-03-12")
    page.get_by_role("button", name="Leave out").click()
    page.select_option("#clock", "zone")
    page.fill("#zone", "Europe/Warsaw")
    settled(page)
    expect(page.locator(WORDS)).to_have_text(
        "Every month on the second Tuesday at 09:00, in the time zone Europe/Warsaw, not on 12 March 2030."
    )
    shown = page.locator(DATES).all_inner_texts()
    assert [text.removesuffix(", 09:00") for text in shown] == [
        "Tue 8 Jan 2030", "Tue 12 Feb 2030", "Tue 9 Apr 2030", "Tue 14 May 2030", "Tue 11 Jun 2030",
    ]  # fmt: skip
    page.locator("#custom").click()
    expect(page.locator("#rule")).to_have_value("FREQ=MONTHLY;BYDAY=2TU")
    page.fill("#rule", "FREQ=MONTHLY;BYDAY=2TU;BYHOUR=nine")
    expect(page.locator(".saved")).to_have_text("Not saved yet")
    page.fill("#rule", "FREQ=MONTHLY;BYDAY=2TU")
    settled(page)
    page.click("#review")
    expect(page.get_by_text("Each time it goes to whoever is in the audience then.")).to_be_visible(timeout=CHECKED)
    expect(page.locator("#launch")).to_have_text("Activate")
    page.click("#launch")
    expect(page.get_by_text("Active", exact=True).first).to_be_visible()
    expect(page.locator("#schedule")).to_contain_text("Every month on the second Tuesday")
    expect(page.get_by_text("No runs yet")).to_be_visible()
    page.goto("/campaigns?search=Second+Tuesday")
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("8 Jan 2030, 0")
    row.get_by_role("button", name="Pause").click()
    expect(row.get_by_text("Paused")).to_be_visible()
    row.get_by_role("button", name="Resume").click()
    expect(row.get_by_text("Active", exact=True)).to_be_visible()
    row.get_by_role("button", name="Cancel").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel campaign").click()
    expect(row.get_by_text("Cancelled").first).to_be_visible()


def test_an_event_campaign_from_the_example(owner, open_page):
    page = open_page()
    compose(page, "Left in the cart")
    choose(page, "After an event")
    expect(page.get_by_text("Choose the event that starts it.")).to_be_visible()
    page.get_by_role("button", name="Use an example").click()
    expect(page.locator(WORDS)).to_contain_text(
        "When cart_abandoned happens, 1 hour later, unless purchase happens first"
    )
    page.get_by_role("button", name="Only with a property").first.click()
    page.get_by_label("Property").fill("total")
    page.get_by_label("Kind of value").select_option("number")
    page.get_by_label("Value", exact=True).fill("lots")
    expect(page.get_by_text("a value of its kind")).to_be_visible()
    page.get_by_label("Value", exact=True).fill("50")
    settled(page)
    expect(page.locator(WORDS)).to_contain_text("with total = 50")
    page.select_option("#wait", "both")
    page.locator("#wall").fill("18:00")
    settled(page)
    expect(page.locator(WORDS)).to_contain_text("at the next 18:00 on the person's own clock")
    reopened(page)
    expect(page.get_by_label("Value", exact=True)).to_have_value("50")
    page.click("#review")
    page.click("#launch")
    expect(page.get_by_text("Active", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_the_rules_of_a_send_are_kept(owner, open_page):
    page = open_page()
    compose(page, "By the rules")
    page.select_option("#quiet_hours", "drop")
    page.fill("#throttle", "1 200")
    page.fill("#spread", "45")
    page.get_by_text("Lateness and last moment").click()
    page.fill("#late_minutes", "soon")
    expect(page.get_by_text("Write a whole number of minutes.")).to_be_visible()
    page.get_by_text("Lateness and last moment").click()
    expect(page.get_by_text("Has a mistake")).to_be_visible()
    page.get_by_text("Lateness and last moment").click()
    page.fill("#late_minutes", "90")
    page.select_option("#late_then", "ask")
    settled(page)
    reopened(page)
    expect(page.locator("#quiet_hours")).to_have_value("drop")
    expect(page.locator("#throttle")).to_have_value("1200")
    expect(page.locator("#spread")).to_have_value("45")
    expect(page.locator("#late_minutes")).to_have_value("90")
    expect(page.locator("#late_then")).to_have_value("ask")


def test_a_schedule_is_chosen_without_a_mouse(owner, open_page):
    page = open_page(width=390, height=844)
    compose(page, "By keyboard")
    page.get_by_role("radiogroup", name="Schedule").get_by_role("radio", name="At once").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#every")).to_be_visible()
    settled(page)
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator("#every")).to_be_focused()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
