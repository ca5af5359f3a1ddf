"""What a browser has typed, laid over what is saved by now."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.services import clashes

Contents = Sequence[Mapping[str, Any]]


def with_words(variants: Contents, names: Sequence[str], contents: Contents) -> list[dict[str, Any]]:
    """The variants that a browser knows by these names, with its words. One that is not there any more is made up
    anew; one that says what a template says does so until something else is written."""
    known = {one["name"]: one for one in variants}
    if not set(names) <= known.keys() and len(names) == len(variants):  # renamed meanwhile
        known = dict(zip(names, variants, strict=True))
    blank = {"weight": 1, "template_id": None, "content": None}
    rows = [(known.get(name, {**blank, "name": name}), words) for name, words in zip(names, contents, strict=False)]
    return [{**one, "content": dict(words), "template_id": None} if words else dict(one) for one, words in rows]


def with_words_of(definition: Mapping[str, Any], names: Sequence[str], contents: Contents) -> dict[str, Any]:
    """A whole definition with a browser's words in its variants."""
    return {**definition, "variants": with_words(definition["variants"], names, contents)}


def laid_over(variants: Contents, names: Sequence[str], known: Contents, typed: Contents) -> list[dict[str, Any]]:
    """The saved variants with what the browser changed since it was `known` to hold something else; nothing that
    came in from elsewhere meanwhile is undone."""
    base, mine = (with_words(variants, names, contents) for contents in (known, typed))
    merged = clashes.merge({"variants": base}, {"variants": mine}, {"variants": list(variants)}, {})
    return merged.value["variants"]
