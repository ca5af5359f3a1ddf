"""Long lists in pages: a cursor names the last row seen, so that new rows never shift a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.crypto import b64url, from_b64url
from backend.errors import Invalid

Row = TypeVar("Row")
Item = TypeVar("Item")
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page; `next` is the cursor of the one after it, None at the end."""

    items: tuple[Item, ...]
    next: str | None = None


def after(cursor: str | None) -> int | None:
    """The row number that a cursor names. Raises `Invalid` for a cursor that is not ours."""
    if not cursor:
        return None
    try:
        return int(from_b64url(cursor).decode())
    except ValueError as error:
        raise Invalid("cursor", "is not one that this list has given out") from error


def checked(limit: int) -> int:
    """The limit itself. Raises `Invalid` outside 1 to 1000."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid("limit", f"must be between 1 and {MAX_LIMIT}")
    return limit


def page(rows: Sequence[Row], limit: int, key: Callable[[Row], int], item: Callable[[Row], Item]) -> Page[Item]:
    """Cuts `limit + 1` fetched rows into a page; the extra row tells that there is a next one."""
    shown = rows[:limit]
    more = b64url(str(key(shown[-1])).encode()) if len(rows) > limit else None
    return Page(tuple(item(row) for row in shown), more)
