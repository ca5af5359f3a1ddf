"""Long lists in pages: a cursor names the last row seen, so that new rows never shift a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.db import Work
from backend.errors import Invalid
from backend.services import ids

Row = TypeVar("Row")
Item = TypeVar("Item")
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page; `next` is the cursor of the one after it, None at the end."""

    items: tuple[Item, ...]
    next: str | None = None


def after(work: Work, cursor: str | None) -> int | None:
    """The row number that a cursor names. Raises `Invalid` for a cursor that is not ours."""
    if not cursor:
        return None
    number = work.core.keyring.number(ids.CURSOR, cursor)
    if number is None:
        raise Invalid("cursor", "is not one that this list has given out")
    return number


def checked(limit: int) -> int:
    """The limit itself. Raises `Invalid` outside 1 to 1000."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid("limit", f"must be between 1 and {MAX_LIMIT}")
    return limit


def page(
    work: Work, rows: Sequence[Row], limit: int, key: Callable[[Row], int], item: Callable[[Row], Item]
) -> Page[Item]:
    """Cuts `limit + 1` fetched rows into a page; the extra row tells that there is a next one.

    The cursor is sealed like every public id: a row's number says how many there are.
    """
    shown = rows[:limit]
    more = ids.public(work, ids.CURSOR, key(shown[-1])) if len(rows) > limit else None
    return Page(tuple(item(row) for row in shown), more)
