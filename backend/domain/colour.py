"""Colours that people can read: contrast as WCAG 2 measures it."""

import re
from typing import Final

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
BLACK: Final = "#000000"
WHITE: Final = "#ffffff"
STEPS: Final = 20

Parts = tuple[int, int, int]


def is_colour(text: str | None) -> bool:
    """Whether it is `#rrggbb`."""
    return bool(text and _HEX.fullmatch(text))


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, against: str, least: float) -> str:
    """The colour itself, or the nearest shade or tint of it that stands out so much."""
    aim = max((BLACK, WHITE), key=lambda end: contrast(end, against))
    mixed = (_mixed(colour, aim, step / STEPS) for step in range(STEPS + 1))
    return next((one for one in mixed if contrast(one, against) >= least), aim)


def ink(ground: str) -> str:
    """Black or white, whichever reads better on it: the better one always has 4.5 and more."""
    return max((WHITE, BLACK), key=lambda one: contrast(one, ground))


def _mixed(colour: str, other: str, part: float) -> str:
    mixed = (round(a + (b - a) * part) for a, b in zip(_parts(colour), _parts(other), strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(value / 255) for value in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> Parts:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
