"""Categories as a table and a form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.domain import caps
from backend.domain.vocabulary import CategoryKind
from backend.errors import FieldError
from backend.services import policy_words
from backend.services.categories import CategoryRow
from console.rows.policies import CapLine, cap_json, cap_line, cap_problems, sentence

KINDS = (
    (CategoryKind.MARKETING, "Marketing", "Quiet hours and caps apply; people may switch it off."),
    (CategoryKind.INFORMATIONAL, "Informational", "The same, for news that people asked for."),
    (CategoryKind.MANDATORY, "Mandatory", "Goes to everybody, at any hour."),
)
WORDS = {kind: word for kind, word, _ in KINDS}


@dataclass(frozen=True, slots=True)
class CategoryLine:
    """A category in the table."""

    slug: str = ""
    name: str = ""
    kind: str = ""
    kind_word: str = ""
    default: str = ""
    description: str = ""
    caps: str = ""
    archived: bool = False


@dataclass(frozen=True, slots=True)
class CategoryForm:
    """The dialog: `slug` is empty of a new one, `asking` what must be agreed to first."""

    slug: str = ""
    name: str = ""
    kind: str = CategoryKind.MARKETING
    default: str = "opted_in"
    description: str = ""
    caps: tuple[CapLine, ...] = ()
    next: int = 1_000
    asking: str = ""
    then: str = ""


@dataclass(frozen=True, slots=True)
class CategoryProblems:
    """What is wrong, field by field; `other` is what no field is to blame for."""

    slug: str = ""
    name: str = ""
    default: str = ""
    description: str = ""
    caps: str = ""
    other: str = ""


def line(row: CategoryRow) -> CategoryLine:
    told = ", ".join(policy_words.cap(one) for one in caps.caps(row.caps))
    default = "On" if row.opted_in_by_default else "Off"
    mandatory = row.kind is CategoryKind.MANDATORY
    return CategoryLine(
        row.slug, row.name, row.kind, WORDS[row.kind], "Always" if mandatory else default, row.description,
        "Never capped" if mandatory else told or "–", row.archived_at is not None,
    )  # fmt: skip


def form(row: CategoryRow) -> CategoryForm:
    """The dialog of a category that is there."""
    lines = tuple(cap_line(number, one) for number, one in enumerate(row.caps))
    default = "opted_in" if row.opted_in_by_default else "opted_out"
    return CategoryForm(row.slug, row.name, row.kind, default, row.description, lines)


def values(given: dict[str, Any], held: CategoryForm) -> dict[str, Any]:
    """The dialog as the service takes it."""
    named = {
        name: str(given.get(f"category_{name}", "")).strip() for name in ("name", "kind", "default", "description")
    }
    return {**named, "caps": [cap_json(one) for one in held.caps]}


def question(old: str, new: str) -> str:
    """What a change into or out of mandatory means, to be agreed to; empty of others."""
    if new == CategoryKind.MANDATORY != old:
        return (
            "Mandatory pushes go to everybody at any hour: nobody can switch them off, and quiet hours and caps do "
            "not hold them. What people have said is kept, and counts again if you change it back."
        )
    if old == CategoryKind.MANDATORY != new:
        return "From now on people may switch it off, and quiet hours and caps hold it back."
    return ""


def refused(held: CategoryForm, errors: Sequence[FieldError]) -> tuple[CategoryForm, CategoryProblems]:
    """The dialog with what is wrong in its place."""
    told = {error.field: sentence(error.message) for error in errors}
    known = {name: told.pop(name) for name in ("slug", "name", "default", "description", "caps") if name in told}
    if "slug" in known:
        known["slug"] = "Use a-z, 0-9 and -, up to 64 characters."
    lines = cap_problems(held.caps, errors)
    rest = [text for field, text in told.items() if not field.startswith("caps[")]
    return replace(held, caps=lines), CategoryProblems(**known, other=" ".join(rest))
