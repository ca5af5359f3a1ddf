"""Segments: rules kept under a name, counted and listed."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.api.problems import DOCUMENTED
from backend.services import segmentation
from backend.services.segmentation import Estimate, SegmentMember, SegmentRow

router = APIRouter(prefix="/segments", tags=["Server"], responses=DOCUMENTED)
SegmentId = Annotated[str, Path(max_length=64)]
Search = Annotated[str, Query(max_length=200, description="A part of the name.")]
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


@router.post("/estimate")
def estimate_rules(caller: ServerCaller, body: RulesIn) -> Estimate:
    """Counts the users and devices for which the rules are true now, and names the first users."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segmentation.estimate(work, body.rules)


@router.post("", status_code=201)
def create_segment(caller: ServerCaller, body: SegmentIn) -> SegmentRow:
    """Keeps rules under a name; a wrong rule is named by its path, such as `rules[1].value`."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return segmentation.create(work, body.name, body.rules)


@router.get("", response_model=PageOut[SegmentRow])
def get_segments(caller: ServerCaller, search: Search = "", limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The app's segments, newest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segmentation.listing(work, search=search, cursor=cursor, limit=limit)


@router.get("/{segment_id}")
def get_segment(caller: ServerCaller, segment_id: SegmentId) -> SegmentRow:
    """A segment with its rules, and what they say in words."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segmentation.get(work, segment_id)


@router.put("/{segment_id}")
def replace_segment(caller: ServerCaller, segment_id: SegmentId, body: SegmentIn) -> SegmentRow:
    """Gives a segment another name and rules; what was launched keeps the ones it had."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return segmentation.save(work, name=body.name, rules=body.rules, segment_id=segment_id)


@router.delete("/{segment_id}", status_code=204)
def delete_segment(caller: ServerCaller, segment_id: SegmentId) -> None:
    """Takes a segment away, unless a campaign or another segment still needs it."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        segmentation.delete(work, segment_id)


@router.get("/{segment_id}/members", response_model=PageOut[SegmentMember])
def get_members(caller: ServerCaller, segment_id: SegmentId, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The users for whom the segment is true now, each with the devices that it is true for."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return segmentation.members(work, segment_id, cursor=cursor, limit=limit)
