"""Static lists and their members as lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.services.lists import ListMember, ListRow, Use
from console import routes, words
from console.words import NEVER, When

SOURCE = {"file": "A file", "segment": "A segment", "api": "By hand or API"}
MISSING = 10


@dataclass(frozen=True, slots=True)
class UseLine:
    """A segment or campaign that names the list."""

    kind: str = ""
    name: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class ListLine:
    """A list; `size` says how many people, `used` by how many segments and campaigns."""

    id: str = ""
    name: str = ""
    href: str = routes.LISTS
    members: str = words.NOTHING
    size: str = ""
    source: str = ""
    created: When = NEVER
    used: str = ""
    uses: tuple[UseLine, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A user of the list."""

    id: str = ""
    user_id: str = ""
    language: str = ""
    country: str = ""
    active: When = NEVER


NO_LIST = ListLine()


def line(row: ListRow, uses: Sequence[Use], zone: str, now: datetime) -> ListLine:
    return ListLine(
        id=row.id,
        name=row.name,
        href=routes.static_list(row.id),
        members=words.number(row.members),
        size=words.plural(row.members, "person", "people"),
        source=SOURCE.get(row.source, row.source),
        created=words.when(row.created_at, zone, now),
        used=_used(uses),
        uses=tuple(UseLine(one.kind.capitalize(), one.name, _place(one)) for one in uses),
    )


def _used(uses: Sequence[Use]) -> str:
    counts = [(sum(one.kind == kind for one in uses), kind) for kind in ("segment", "campaign")]
    return ", ".join(words.plural(count, kind) for count, kind in counts if count)


def _place(use: Use) -> str:
    return routes.campaign(use.id) if use.kind == "campaign" else f"/segments/{use.id}"


def member(row: ListMember, zone: str, now: datetime) -> MemberLine:
    return MemberLine(
        id=row.id,
        user_id=row.user_id or "",
        language=row.language or words.NOTHING,
        country=row.country or words.NOTHING,
        active=words.when(row.last_active, zone, now),
    )


def ids_in(text: str) -> list[str]:
    """The ids in what was pasted: parted by lines, commas, semicolons or tabs."""
    for mark in ",;\t\r":
        text = text.replace(mark, "\n")
    return list(dict.fromkeys(one.strip() for one in text.split("\n") if one.strip()))


def added(changed: int, asked: int, unknown: Sequence[str]) -> str:
    """What became of a paste."""
    said = [f"{words.plural(changed, 'person', 'people')} added."]
    if already := asked - changed - len(unknown):
        said.append(f"{words.number(already)} in it before.")
    if unknown:
        shown = ", ".join(unknown[:MISSING]) + (" …" if len(unknown) > MISSING else "")
        said.append(f"{words.plural(len(unknown), 'id')} that nobody has: {shown}")
    return " ".join(said)
