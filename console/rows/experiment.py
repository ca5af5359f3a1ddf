"""The set-up of an experiment: variants with their shares, and who is held out."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console import words

LETTERS: Final = "ABCDEFGH"
MOST: Final = len(LETTERS)
HEAVIEST: Final = 10_000
HUNDRED: Final = 100
NAME_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class VariantLine:
    """A variant; `weight` as typed or stored, `share` of the people who are sent something, `whole` of all."""

    name: str
    at: int
    weight: str
    share: str
    whole: str
    said: str
    template_id: str = ""
    first: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """A template that a variant may take its words from."""

    value: str
    label: str


def variant_lines(definition: Mapping[str, Any]) -> tuple[VariantLine, ...]:
    variants = definition["variants"]
    weights = [_weight(one["weight"]) for one in variants]
    sent = 100.0 - _percent(definition["holdout_percent"])
    return tuple(
        VariantLine(
            name=one["name"],
            at=at,
            weight=str(one["weight"]),
            share=words.percent(weight, sum(weights)),
            whole=f"{sent * weight / max(sum(weights), 1):.1f}%",
            said=_said(one),
            template_id=one.get("template_id") or "",
            first=at == 0,
            last=at == len(variants) - 1,
        )
        for at, (one, weight) in enumerate(zip(variants, weights, strict=True))
    )


def _weight(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _percent(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _said(variant: Mapping[str, Any]) -> str:
    """What the variant is about, in one line."""
    content = variant.get("content") or {}
    return content.get("title") or content.get("body") or ""


def split_words(definition: Mapping[str, Any]) -> str:
    """The whole set-up in a few words."""
    held, count = _percent(definition["holdout_percent"]), len(definition["variants"])
    split = "One message for all" if count == 1 else f"{count} variants"
    return f"{split}, {held:.12g}% held out" if held else split


def added(variants: Sequence[Mapping[str, Any]], like: int) -> list[dict[str, Any]]:
    """One more, which says what another does, under the next free letter; no more than there may be. Where all had
    the same weight they have it again, out of a hundred; else the new one weighs what the other does."""
    rows = [dict(one) for one in variants]
    if len(rows) >= MOST:
        return rows
    source = rows[like] if 0 <= like < len(rows) else rows[0]
    taken = {one["name"] for one in rows}
    name = next(letter for letter in LETTERS if letter not in taken)
    even = len({one["weight"] for one in rows}) == 1
    rows.append({**copy.deepcopy(source), "name": name})
    return [{**one, "weight": HUNDRED // len(rows)} for one in rows] if even else rows


def removed(variants: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """Without one; the last one stays."""
    kept = [dict(one) for one in variants if one["name"] != name]
    return kept or [dict(one) for one in variants]


def moved(variants: Sequence[Mapping[str, Any]], name: str, by: int) -> list[dict[str, Any]]:
    """With one further to the front (-1) or the back (+1)."""
    rows = [dict(one) for one in variants]
    at = next((place for place, one in enumerate(rows) if one["name"] == name), None)
    if at is None or not 0 <= at + by < len(rows):
        return rows
    rows[at], rows[at + by] = rows[at + by], rows[at]
    return rows


def changed(variants: Sequence[Mapping[str, Any]], at: int, **fields: Any) -> list[dict[str, Any]]:
    """With other fields of one variant; what cannot be read stands in it as typed: the service refuses it."""
    return [{**one, **fields} if place == at else dict(one) for place, one in enumerate(variants)]


def weight_of(typed: Any) -> int | str:
    """A slider gives a number, a field its text."""
    text = str(int(typed)) if isinstance(typed, float) and typed.is_integer() else str(typed).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(HEAVIEST)) else text[:20]
