"""A page of a file's rows taken in at once: people, devices or members of a list, by the verbs that the API has."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from backend.db import Work
from backend.domain.vocabulary import ImportKind
from backend.errors import FieldError, Invalid
from backend.queries import audience
from backend.queries import lists as list_queries
from backend.services import imports, people
from backend.services.import_mapping import SECRET, Converter, Field
from backend.services.import_reader import Record
from backend.services.people import BatchResult

SHOWN: Final = 500
MAX_SHOWN: Final = 100
PROBLEMS: Final = 5
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
ROW: Final = "row"
"""The field of a problem that is about the row as a whole."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken: its number (the first is 1), what it held, what is wrong with it."""

    row: int
    raw: dict[str, str]
    problems: tuple[FieldError, ...]

    @property
    def reason(self) -> str:
        """In one sentence."""
        return "; ".join(one.message if one.field == ROW else f"{one.field}: {one.message}" for one in self.problems)


@dataclass(slots=True)
class Page:
    """The rows of a page as they were read: items by their number, and those that are refused already."""

    first: int
    end: int
    rows: int = 0
    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    raws: dict[int, Any] = field(default_factory=dict)
    refused: dict[int, tuple[FieldError, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a page."""

    added: int
    changed: int
    refusals: tuple[Refusal, ...]


def read(records: Sequence[Record], first: int, converter: Converter, columns: Sequence[str]) -> Page:
    """Turns records into items; needs no database. `first` is the number of the first row."""
    page = Page(first, records[-1].end if records else 0, len(records))
    for number, record in enumerate(records, first):
        page.raws[number] = record.values
        try:
            page.items[number] = _item(record, converter, columns)
        except Invalid as error:
            page.refused[number] = tuple(error.errors)
    return page


def _item(record: Record, converter: Converter, columns: Sequence[str]) -> dict[str, Any]:
    if record.problem:
        raise Invalid(ROW, record.problem)
    values = record.values
    if isinstance(values, list) and len(values) > len(columns) and any(cell.strip() for cell in values[len(columns) :]):
        raise Invalid(ROW, f"has {len(values)} columns where the header has {len(columns)}")
    return converter.item(values)


def take(work: Work, kind: ImportKind, page: Page, fields: Sequence[Field], list_number: int | None) -> Taken:
    """Writes the page's items in this unit of work."""
    numbers, items = list(page.items), list(page.items.values())
    known, results = _TAKE[kind](work, items, list_number) if items else (0, [])
    refused = dict(page.refused)
    for result in results:
        if result.status == 422:
            refused[numbers[result.index]] = result.errors or ()
    good = len(items) - sum(result.status == 422 for result in results)
    told = tuple(Refusal(n, _shown(page.raws[n], fields), refused[n][:PROBLEMS]) for n in sorted(refused))
    return Taken(good - known, known, told)


def _users(work: Work, items: Sequence[Mapping[str, Any]], _list: int | None) -> tuple[int, list[BatchResult]]:
    named = {item["user_id"] for item in items if _is_text(item.get("user_id"))}
    known = set(audience.user_numbers(work.session, work.app_id, named))
    results = people.users_batch(work, items)
    changed = 0
    for result in results:
        changed += result.status != 422 and result.id in known
        known.add(result.id or "")
    return changed, results


def _devices(work: Work, items: Sequence[Mapping[str, Any]], _list: int | None) -> tuple[int, list[BatchResult]]:
    results = imports.devices_batch(work, items)
    return sum(result.status == 200 for result in results), results


def _members(work: Work, items: Sequence[Mapping[str, Any]], number: int | None) -> tuple[int, list[BatchResult]]:
    assert number is not None
    named = [item.get("user_id") for item in items]
    known = audience.user_numbers(work.session, work.app_id, {name for name in named if _is_text(name)})
    results = [
        BatchResult(index, 200, name) if name in known else BatchResult(index, 422, errors=(_nobody(name),))
        for index, name in enumerate(named)
    ]
    added = list_queries.add_members(work.session, number, known.values())
    return sum(result.status == 200 for result in results) - added, results


def _nobody(name: Any) -> FieldError:
    return FieldError("user_id", "there is no user with this id" if name else "is needed")


_TAKE: Final = {ImportKind.USERS: _users, ImportKind.DEVICES: _devices, ImportKind.LIST: _members}


def _is_text(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and not _UNSTORABLE.search(name)


def _shown(values: Any, fields: Sequence[Field]) -> dict[str, str]:
    """The row by its columns' names, cut to a size; of an address only its beginning is kept."""
    cells = values if isinstance(values, Mapping) else dict(zip((one.column for one in fields), values, strict=False))
    secret = {one.column for one in fields if one.to in SECRET}
    return {
        storable(name)[:100]: storable(str(cell))[:8] + "…" if name in secret and cell else storable(str(cell))[:SHOWN]
        for name, cell in list(cells.items())[:MAX_SHOWN]
    }


def storable(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)
