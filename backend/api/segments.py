"""Segments: rules kept under a name, counted and listed."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.api.problems import DOCUMENTED
from backend.services import segment_judge, segment_shelf, segment_uses, segmentation
from backend.services.segment_judge import Check
from backend.services.segment_uses import Use
from backend.services.segmentation import Estimate, SegmentMember, SegmentRow

router = APIRouter(prefix="/segments", tags=["Server"], responses=DOCUMENTED)
SegmentId = Annotated[str, Path(max_length=64)]
Search = Annotated[str, Query(max_length=200, description="A part of the name.")]
Archived = Annotated[bool, Query(description="Those taken away instead of those in use.")]
Rules = Annotated[
    dict[str, Any],
    Field(description="The query JSON of react-querybuilder: `{combinator, not, rules}`."),
]


class RulesIn(BaseModel):
    """Rules to try out."""

    model_config = ConfigDict(extra="forbid")

    rules: Rules


class SegmentIn(BaseModel):
    """A segment to keep."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    rules: Rules


class SegmentChange(SegmentIn):
    """A segment's new name and rules."""

    version: Annotated[
        int | None, Field(ge=1, description="The version they were made of: a 409 tells that it is no longer the last.")
    ] = None


class UsageOut(BaseModel):
    """Where a segment is used."""

    items: tuple[Use, ...]


@router.post("/estimate")
def estimate_rules(caller: ServerCaller, body: RulesIn) -> Estimate:
    """Counts the users and devices for which the rules are true now, and names the first users."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segmentation.estimate(work, body.rules)


@router.post("/check")
def check_rules(caller: ServerCaller, body: RulesIn) -> Check:
    """Says the rules in words, and names by path those that are true for `nobody` or for `everybody`."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segment_judge.check(work, body.rules)


@router.post("", status_code=201)
def create_segment(caller: ServerCaller, body: SegmentIn) -> SegmentRow:
    """Keeps rules under a name; a wrong rule is named by its path, such as `rules[1].value`."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return segmentation.create(work, body.name, body.rules)


@router.get("", response_model=PageOut[SegmentRow])
def get_segments(
    caller: ServerCaller, search: Search = "", archived: Archived = False, limit: Limit = DEFAULT, cursor: Cursor = None
) -> object:
    """The app's segments, newest first; with `archived` those that were taken away."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segmentation.listing(work, search=search, archived=archived, cursor=cursor, limit=limit)


@router.get("/{segment_id}")
def get_segment(caller: ServerCaller, segment_id: SegmentId) -> SegmentRow:
    """A segment with its rules, and what they say in words."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segmentation.get(work, segment_id)


@router.put("/{segment_id}")
def replace_segment(caller: ServerCaller, segment_id: SegmentId, body: SegmentChange) -> SegmentRow:
    """Gives a segment another name and rules; what was launched keeps the ones it had."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return segmentation.save(work, name=body.name, rules=body.rules, segment_id=segment_id, version=body.version)


@router.delete("/{segment_id}", status_code=204)
def delete_segment(caller: ServerCaller, segment_id: SegmentId) -> None:
    """Archives a segment, unless a campaign or another segment still needs it."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        segmentation.delete(work, segment_id)


@router.post("/{segment_id}/restore")
def restore_segment(caller: ServerCaller, segment_id: SegmentId) -> SegmentRow:
    """Brings an archived segment back."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return segment_shelf.restore(work, segment_id)


@router.post("/{segment_id}/duplicate", status_code=201)
def duplicate_segment(caller: ServerCaller, segment_id: SegmentId) -> SegmentRow:
    """Keeps the same rules once more, under a name of their own."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return segment_shelf.duplicate(work, segment_id)


@router.get("/{segment_id}/usage")
def get_usage(caller: ServerCaller, segment_id: SegmentId) -> UsageOut:
    """The campaigns that have yet to end and the segments that name it; a `frozen` one goes on with the rules it has."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        segmentation.get(work, segment_id)
        return UsageOut(items=segment_uses.uses_of(work, segment_id))


@router.get("/{segment_id}/members", response_model=PageOut[SegmentMember])
def get_members(caller: ServerCaller, segment_id: SegmentId, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The users for whom the segment is true now, each with the devices that it is true for."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segmentation.members(work, segment_id, cursor=cursor, limit=limit)
