"""What the composer makes of a definition, and what goes back into it."""

import pytest

from console.rows import compose, once_form, send_rules
from console.rows.compose import Button, Draft

CONTENT = {
    "title": "Hi",
    "body": "There",
    "image": None,
    "link": "app://x",
    "data": {"k": "v"},
    "actions": [{"id": "buy", "title": "Buy", "link": None, "icon": "https://example.test/i.png"}],
    "locales": {"pl": {"title": "Cześć", "actions": []}},
    "ios": {"interruption_level": "passive", "relevance_score": 0.5},
}


def test_an_edit_keeps_what_the_form_does_not_show():
    draft = compose.parse_draft(compose.draft_json(compose.draft_of(CONTENT)) | {"title": "New"})
    edited = compose.with_draft(CONTENT, draft)
    assert edited == CONTENT | {"title": "New", "subtitle": ""}


def test_an_untitled_button_is_left_out_until_it_has_a_title():
    draft = compose.new_button(compose.draft_of(CONTENT))
    assert [button.id for button in draft.buttons] == ["buy", "button_1"]
    assert len(compose.with_draft(CONTENT, draft)["actions"]) == 1
    assert compose.without_button(draft, "buy").buttons == (Button("button_1"),)


def test_another_language_says_only_what_differs():
    draft = Draft(language="pl", title="Cześć!", body=" ")
    assert compose.with_draft(CONTENT, draft)["locales"]["pl"] == {"title": "Cześć!", "actions": []}
    assert compose.without_language(CONTENT, "pl")["locales"] == {}


@pytest.mark.parametrize("sent", [None, [], "x", {"title": 5, "buttons": "x"}, {"buttons": [1, {"title": {}}]}])
def test_whatever_a_browser_sends_becomes_a_draft(sent):
    draft = compose.parse_draft(sent)
    assert draft.title == ""
    assert all(button.title == "" for button in draft.buttons)


def test_platform_fields_go_to_their_platform_and_leave_when_empty():
    set_ = compose.with_extra(CONTENT, "channel_id", "promo")
    assert set_["android"] == {"channel_id": "promo"}
    assert compose.with_extra(CONTENT, "interruption_level", "")["ios"] == {"relevance_score": 0.5}
    assert compose.with_extra(CONTENT, "ttl_hours", "0.5")["ttl_seconds"] == 1800
    assert compose.with_extra(CONTENT, "require_interaction", True)["web"] == {"require_interaction": True}
    assert compose.extras_of(set_).channel_id == "promo"
    with pytest.raises(ValueError, match="invalid literal"):
        compose.with_extra(CONTENT, "badge", "many")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("variants[0].content.title", "title"),
        ("variants[0].content.locales.pl.body", "body"),
        ("variants[0].content.actions[1].title", "buttons"),
        ("variants[0].content.ios.interruption_level", "extras"),
        ("audience.include[0]", "audience"),
        ("name", "name"),
        ("priority", "other"),
    ],
)
def test_a_refusal_is_said_beside_its_field(path, field):
    errors = compose.errors_by_field([(path, "is wrong")])
    assert "s wrong" in getattr(errors, field)


@pytest.mark.parametrize(
    ("path", "part", "field"),
    [
        ("schedule.at", "schedule", "at"),
        ("schedule.exclude[3]", "schedule", "exclude"),
        ("schedule.where.a.b", "schedule", "where"),
        ("schedule", "schedule", "whole"),
        ("throttle_per_minute", "rules", "throttle"),
        ("late.then", "rules", "late"),
        ("not_after", "rules", "not_after"),
    ],
)
def test_a_refusal_of_the_delivery_is_said_beside_its_field(path, part, field):
    errors = compose.errors_by_field([(path, "is wrong")])
    assert getattr(getattr(errors, part), field)
    assert errors.other == ""


def test_a_wall_time_is_an_instant_of_its_zone():
    assert once_form.instant("2026-12-01T09:00", "Europe/Warsaw") == "2026-12-01T09:00:00+01:00"
    assert once_form.local_text("2026-12-01T08:00:00+00:00", "Europe/Warsaw") == "2026-12-01T09:00"


@pytest.mark.parametrize(
    ("text", "number"), [("600", 600), ("10 000", 10_000), ("1\u202f000\u202f000", 1_000_000),
                         ("10,000", 10_000), ("1.000", 1_000), ("1'000", 1_000)],
)  # fmt: skip
def test_a_whole_number_is_read_however_its_thousands_are_set_apart(text, number):
    assert send_rules.whole_or_text(text) == number


@pytest.mark.parametrize("text", ["many", "1.5", "-3", "1,00", "10 00", "²", "1e3"])
def test_what_is_no_whole_number_stays_as_typed(text):
    assert send_rules.whole_or_text(text) == text
