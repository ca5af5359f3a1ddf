"""Static lists of users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backend.db import Work
from backend.errors import NotFound
from backend.queries import audience
from backend.queries import lists as queries
from backend.services import ids, page
from backend.services.fields import ExternalId, Name
from backend.services.page import Page


class ListIn(BaseModel):
    """A new list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name


class MembersIn(BaseModel):
    """Users to put into a list or to take out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_ids: list[ExternalId] = Field(min_length=1, max_length=10_000)


@dataclass(frozen=True, slots=True)
class ListRow:
    """A static list; `members` is how many users are in it."""

    id: str
    name: str
    members: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """`changed` users came or went; `unknown` names those whom the app has never told us about."""

    changed: int
    members: int
    unknown: tuple[str, ...]


def create(work: Work, given: ListIn) -> ListRow:
    """Makes an empty list."""
    return get(work, ids.public(work, ids.LIST, queries.add_list(work.session, work.app_id, given.name, work.now)))


def get(work: Work, list_id: str) -> ListRow:
    """A list of the app. Raises `NotFound`."""
    return _row(work, _found(work, list_id))


def listing(work: Work, *, cursor: str | None = None, limit: int = 50) -> Page[ListRow]:
    """The app's lists, newest first."""
    rows = queries.lists(work.session, work.app_id, page.after(work, cursor), page.checked(limit) + 1)
    return page.page(work, rows, limit, lambda row: int(row.id), lambda row: _row(work, row))


def add_members(work: Work, list_id: str, user_ids: Sequence[str]) -> MembersChanged:
    """Puts users into the list; who is there already stays once. Raises `NotFound` for the list."""
    number = int(_found(work, list_id).id)
    known = audience.user_numbers(work.session, work.app_id, user_ids)
    return _changed(work, list_id, user_ids, known, queries.add_members(work.session, number, known.values()))


def remove_members(work: Work, list_id: str, user_ids: Sequence[str]) -> MembersChanged:
    """Takes users out of the list. Raises `NotFound` for the list."""
    number = int(_found(work, list_id).id)
    known = audience.user_numbers(work.session, work.app_id, user_ids)
    return _changed(work, list_id, user_ids, known, queries.remove_members(work.session, number, known.values()))


def _changed(work: Work, list_id: str, user_ids: Sequence[str], known: dict[str, int], changed: int) -> MembersChanged:
    unknown = tuple(name for name in dict.fromkeys(user_ids) if name not in known)
    return MembersChanged(changed, get(work, list_id).members, unknown)


def _found(work: Work, list_id: str) -> Any:
    row = queries.one(work.session, work.app_id, ids.number(work, ids.LIST, list_id))
    if row is None:
        raise NotFound(f"There is no {list_id[:40]!r}.")
    return row


def _row(work: Work, row: Any) -> ListRow:
    return ListRow(ids.public(work, ids.LIST, row.id), row.name, row.members, row.created_at)
