"""Static lists of users: made by hand, from a file, from what a segment finds now, or by the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.db import Work
from backend.domain.content import clean
from backend.domain.segment import Subject, rules_of
from backend.errors import Conflict, NotFound
from backend.queries import audience, segment_rows
from backend.queries import lists as queries
from backend.services import audit, ids, page, segmentation
from backend.services.fields import ExternalId, Name
from backend.services.page import Page
from backend.services.segment_library import read_rules

Source = Literal["file", "segment", "api"]
SHOWN = 3


class ListIn(BaseModel):
    """A new list, or a list's new name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name


class MembersIn(BaseModel):
    """Users to put into a list or to take out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_ids: list[ExternalId] = Field(min_length=1, max_length=10_000)


@dataclass(frozen=True, slots=True)
class ListRow:
    """A static list; `members` is how many users are in it, `source` where the first of them came from."""

    id: str
    name: str
    source: str
    members: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """A segment whose rules name the list, or a campaign, yet to end, whose audience does."""

    kind: Literal["segment", "campaign"]
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ListMember:
    """A user of a list; `user_id` is null while anonymous."""

    id: str
    user_id: str | None
    language: str | None
    country: str | None
    last_active: datetime | None


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """`changed` users came or went; `unknown` names those whom the app has never told us about."""

    changed: int
    members: int
    unknown: tuple[str, ...]


def create(work: Work, given: ListIn, source: Source = "api") -> ListRow:
    """Makes an empty list."""
    number = queries.add_list(work.session, work.app_id, given.name, source, work.now)
    made = get(work, ids.public(work, ids.LIST, number))
    audit.record(work, "list.created", made.id, name=made.name)
    return made


def get(work: Work, list_id: str) -> ListRow:
    """A list of the app. Raises `NotFound`, also for an archived one."""
    return _row(work, _found(work, list_id))


def listing(work: Work, *, search: str = "", cursor: str | None = None, limit: int = 50) -> Page[ListRow]:
    """The app's lists, newest first."""
    before = page.after(work, cursor)
    rows = queries.lists(work.session, work.app_id, clean(search), before, page.checked(limit) + 1)
    return page.page(work, rows, limit, lambda row: int(row.id), lambda row: _row(work, row))


def rename(work: Work, list_id: str, given: ListIn) -> ListRow:
    """Gives a list another name."""
    queries.change(work.session, int(_found(work, list_id).id), name=given.name)
    audit.record(work, "list.renamed", list_id, name=given.name)
    return get(work, list_id)


def usages(work: Work) -> dict[str, tuple[Use, ...]]:
    """Where each list of the app is used, by its id."""
    found: dict[str, list[Use]] = {}
    for segment in segment_rows.live(work.session, work.app_id):
        use = Use("segment", ids.public(work, ids.SEGMENT, segment.id), segment.name)
        for rule in rules_of(read_rules(segment.rules)):
            for one in rule.value if rule.subject is Subject.LIST else ():
                found.setdefault(one, []).append(use)
    for number, name, definition in queries.campaigns(work.session, work.app_id):
        audience_of = definition.get("audience") or {}
        for one in (*audience_of.get("include", ()), *audience_of.get("exclude", ())):
            found.setdefault(one, []).append(Use("campaign", ids.public(work, ids.CAMPAIGN, number), name))
    return {one: tuple(dict.fromkeys(uses)) for one, uses in found.items() if one.startswith(f"{ids.LIST}_")}


def usage(work: Work, list_id: str) -> tuple[Use, ...]:
    """Where a list is used. Raises `NotFound`."""
    _found(work, list_id)
    return usages(work).get(list_id, ())


def archive(work: Work, list_id: str) -> None:
    """Takes a list out of use. Raises `Conflict` while a segment, or a campaign that has yet to end, names it."""
    row = _found(work, list_id)
    if uses := usage(work, list_id):
        named = ", ".join(f"the {use.kind} “{use.name}”" for use in uses[:SHOWN])
        raise Conflict(f"“{row.name}” is still used by {named}.")
    queries.change(work.session, int(row.id), archived_at=work.now)
    audit.record(work, "list.archived", list_id, name=row.name)


def members(
    work: Work, list_id: str, *, search: str = "", cursor: str | None = None, limit: int = 50
) -> Page[ListMember]:
    """The users of a list, those known longest first. Raises `NotFound` for the list."""
    number = int(_found(work, list_id).id)
    after = page.after(work, cursor)
    rows = queries.members(work.session, number, clean(search), after, page.checked(limit) + 1)
    return page.page(work, rows, limit, lambda row: int(row.id), lambda row: _member(work, row))


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


def fill(work: Work, list_id: str, segment_id: str) -> MembersChanged:
    """Puts everybody into the list for whom the segment is true now; later changes to it change nothing here.

    Raises `NotFound` for the list or the segment.
    """
    row = _found(work, list_id)
    segment = segmentation.get(work, segment_id)
    where = segmentation.condition(work, segment.rules)
    changed = queries.add_matching(work.session, int(row.id), where)
    if not row.members:
        queries.change(work.session, int(row.id), source="segment")
    audit.record(work, "list.filled", list_id, segment=segment_id, added=changed)
    return MembersChanged(changed, get(work, list_id).members, ())


def _changed(work: Work, list_id: str, user_ids: Sequence[str], known: dict[str, int], changed: int) -> MembersChanged:
    unknown = tuple(name for name in dict.fromkeys(user_ids) if name not in known)
    return MembersChanged(changed, get(work, list_id).members, unknown)


def _found(work: Work, list_id: str) -> Any:
    row = queries.one(work.session, work.app_id, ids.number(work, ids.LIST, list_id))
    if row is None:
        raise NotFound(f"There is no {list_id[:40]!r}.")
    return row


def _row(work: Work, row: Any) -> ListRow:
    return ListRow(ids.public(work, ids.LIST, row.id), row.name, row.source, row.members, row.created_at)


def _member(work: Work, row: Any) -> ListMember:
    name = ids.public(work, ids.USER, row.id)
    return ListMember(name, row.external_id, row.language, row.country, row.last_active)
