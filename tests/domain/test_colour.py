"""Colours that people can read."""

import pytest

from backend.domain import colour


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.0),
        ("#123456", "#123456", 1),
    ],
)
def test_contrast_is_what_the_web_guidelines_say(one, other, ratio):
    assert colour.contrast(one, other) == colour.contrast(other, one) == pytest.approx(ratio, abs=0.01)


def test_a_colour_that_is_seen_stays_and_another_moves_no_further_than_it_must():
    assert colour.readable("#e11d48", "#ffffff", 3) == "#e11d48"
    darker = colour.readable("#ffff00", "#ffffff", 3)
    assert 3 <= colour.contrast(darker, "#ffffff") < 4
    lighter = colour.readable("#000000", "#15171c", 3)
    assert 3 <= colour.contrast(lighter, "#15171c") < 4


@pytest.mark.parametrize("ground", ["#ffffff", "#000000", "#808080", "#757575", "#e11d48", "#00ff00"])
def test_ink_reads_on_any_ground(ground):
    assert colour.contrast(colour.ink(ground), ground) >= 4.5


@pytest.mark.parametrize(("text", "good"), [("#e11d48", True), ("#E11D48", True), ("red", False), ("#fff", False), (None, False), ("#e11d48;", False)])  # fmt: skip
def test_a_colour_is_six_digits(text, good):
    assert colour.is_colour(text) is good
