"""What the composer makes of a definition, and what goes back into it."""

import pytest

from console.rows import compose, once_form, send_rules


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
