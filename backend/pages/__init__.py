"""Pages that an app's people see: plain HTML that works without scripts, cookies and anything from elsewhere."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import available_timezones

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from backend.domain import colour

HERE: Final = Path(__file__).parent
FALLBACK: Final = "en"
RIGHT_TO_LEFT: Final = frozenset({"ar"})
OURS: Final = "#5b5bd6"
"""The accent of an app that has no colour of its own."""
LIGHT, DARK = "#ffffff", "#15171c"
SEEN: Final = 3.0
"""Contrast by which a switch or a button is seen against the page."""
REGIONS: Final = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)

Words = Mapping[str, str]


@cache
def words() -> dict[str, Words]:
    """Every text by language."""
    found: dict[str, Words] = json.loads((HERE / "words.json").read_text(encoding="utf-8"))
    return found


def language(wanted: Iterable[str]) -> str:
    """The first of these tags that the pages speak, English when they speak none of them."""
    known = words()
    return next((one for tag in wanted if (one := tag.replace("_", "-").split("-")[0].lower()) in known), FALLBACK)


def accepted(header: str) -> list[str]:
    """The languages of an `Accept-Language`, the best first."""
    found = []
    for part in header[:1000].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            found.append((-float(quality or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for _, tag in sorted(found, key=lambda one: one[0]) if tag]


def page(name: str, spoken: str, *, color: str | None = None, **values: Any) -> str:
    """A page as HTML in a language, in an app's colour where it reads well. `nonce` must be among the values."""
    html: str = _template(name).render(
        words=words()[spoken],
        language=spoken,
        direction="rtl" if spoken in RIGHT_TO_LEFT else "ltr",
        colours=_colours(color if color and colour.is_colour(color) else OURS),
        **values,
    )
    return html


@cache
def _template(name: str) -> Any:
    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["told"] = _told
    made.globals["zones"] = _zones()
    return made.get_template(name)


def _told(at: datetime, pattern: str) -> str:
    """A date as the language writes it, with the time where there is one to tell."""
    return at.strftime(pattern)


@cache
def _zones() -> Markup:
    """The options of a choice of time zone, made once: there are 400."""
    named = sorted(name for name in available_timezones() if name.split("/")[0] in REGIONS)
    return Markup("".join(f"<option>{name}" for name in named))  # noqa: S704 - names of the tz database


@cache
def _colours(accent: str) -> dict[str, str]:
    light, dark = colour.readable(accent, LIGHT, SEEN), colour.readable(accent, DARK, SEEN)
    return {
        "light": LIGHT, "dark": DARK, "accent": light, "on_accent": colour.ink(light), "dark_accent": dark,
        "on_dark_accent": colour.ink(dark),
    }  # fmt: skip
