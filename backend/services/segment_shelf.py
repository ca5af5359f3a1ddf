"""Keeping segments: the sorted list, a copy, taking one away and bringing it back."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from backend.db import Work
from backend.domain.content import clean
from backend.errors import Conflict, Invalid, NotFound
from backend.models import Segment
from backend.queries import segment_shelf as queries
from backend.services import audit, ids, segment_uses, segmentation
from backend.services.segment_library import Library, read_rules
from backend.services.segment_uses import Use
from backend.services.segmentation import SegmentRow

OWN: Final = "Only: "
"""Begins the name of a segment that one campaign has made for itself."""
COPY_SUFFIX: Final = " (copy)"
SORTS: Final = tuple(queries.SORTS)
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Shelved:
    """A segment with the places that use it."""

    segment: SegmentRow
    uses: tuple[Use, ...]


def shelf(work: Work, *, search: str = "", archived: bool = False, sort: str = "-updated_at") -> tuple[Shelved, ...]:
    """The app's segments (500 at most) but for those that campaigns made for themselves. Raises `Invalid`."""
    if sort not in SORTS:
        raise Invalid("sort", f"must be one of {', '.join(SORTS)}")
    found = queries.shelf(
        work.session, work.app_id, search=clean(search), archived=archived, own=OWN, sort=sort, limit=MOST
    )
    uses = segment_uses.all_uses(work)
    shown = (segmentation.row_of(work, one) for one in found)
    return tuple(Shelved(row, uses.get(row.id, ())) for row in shown)


def get(work: Work, segment_id: str) -> SegmentRow:
    """A segment, archived or not. Raises `NotFound`."""
    return segmentation.row_of(work, _found(work, segment_id))


def duplicate(work: Work, segment_id: str) -> SegmentRow:
    """A segment with the same rules under a name of its own. Raises `NotFound`."""
    row = segmentation.get(work, segment_id)
    name = row.name[: 200 - len(COPY_SUFFIX)] + COPY_SUFFIX
    return segmentation.save(work, name=name, rules=row.rules)


def restore(work: Work, segment_id: str) -> SegmentRow:
    """Brings an archived segment back. Raises `Invalid` when its rules name what is gone."""
    segment = _found(work, segment_id)
    Library(work, own=segment_id).add(read_rules(segment.rules))
    segment.archived_at = None
    work.session.flush()
    audit.record(work, "segment.restored", segment_id, name=segment.name)
    return segmentation.row_of(work, segment)


def find_own(work: Work, segment_id: str) -> SegmentRow | None:
    """The segment, if it is one that a campaign has made for itself."""
    if not segment_id.startswith(f"{ids.SEGMENT}_"):
        return None
    try:
        row = segmentation.get(work, segment_id)
    except NotFound:
        return None
    return row if row.name.startswith(OWN) else None


def forget_own(work: Work, audience: Mapping[str, Any]) -> None:
    """Archives the segments that a campaign made for itself, but for those that something else uses."""
    for segment_id in segment_uses.audience_names(audience):
        if find_own(work, segment_id) is not None:
            with contextlib.suppress(Conflict):
                segmentation.delete(work, segment_id)


def _found(work: Work, segment_id: str) -> Segment:
    segment = queries.find(work.session, work.app_id, ids.number(work, ids.SEGMENT, segment_id))
    if segment is None:
        raise NotFound(f"There is no segment {segment_id}.")
    return segment
