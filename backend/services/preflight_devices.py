"""The devices behind a number of a pre-flight, found by the same walk."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from backend.db import Work
from backend.errors import Invalid
from backend.services import campaigns, ids
from backend.services import page as paging
from backend.services.page import Page
from backend.services.preflight_walk import PAGE, Fate, Walk
from backend.services.runs import NotSent
from backend.services.words import REASONS

SEND: Final = "send"
DEFERRED: Final = "deferred"
LOOK: Final = 5 * PAGE
"""So many devices are looked at for one answer; `next` goes on behind them."""


@dataclass(frozen=True, slots=True)
class PreflightDevice:
    """A device of the audience with what would come of it; `user_id` is the app's own name, null for the anonymous.

    `detail` says more where there is more to say; `until` is when a deferred one would go out.
    """

    device_id: str
    user_id: str | None
    person_id: str
    platform: str
    locale: str | None
    detail: str
    until: datetime | None


def devices(
    work: Work, campaign_id: str, *, outcome: str, cursor: str | None = None, limit: int = 50
) -> Page[PreflightDevice]:
    """The devices with this outcome: `send`, `deferred`, or the reason why they would be skipped.

    A rare outcome may give a page that is not full, or empty, and has a `next` all the same: so many devices are
    looked at for one answer. Of topics there are no devices. Raises `NotFound`, and `Invalid` for an unknown outcome.
    """
    if outcome not in (SEND, DEFERRED, *REASONS):
        raise Invalid("outcome", f"must be {SEND}, {DEFERRED} or the reason for which devices are skipped")
    size, after = paging.checked(limit), paging.after(work, cursor) or 0
    walk = Walk(work, campaigns.find(work, campaign_id, lock=False))
    found: list[PreflightDevice] = []
    last, looked = 0, 0
    for fate in islice(_fates(walk, after), LOOK):
        last, looked = fate.row.device_id, looked + 1
        if _outcome(fate) == outcome:
            found.append(_device(work, fate))
        if len(found) == size:
            break
    more = looked == LOOK or len(found) == size
    return Page(tuple(found), ids.public(work, ids.CURSOR, last) if more else None)


def _fates(walk: Walk, after: int) -> Iterator[Fate]:
    for page in walk.pages(after):
        yield from (fate for fate in page if fate.row.device_id)


def _outcome(fate: Fate) -> str:
    if fate.until is not None:
        return DEFERRED
    return fate.result.reason if isinstance(fate.result, NotSent) else SEND


def _device(work: Work, fate: Fate) -> PreflightDevice:
    row = fate.row
    return PreflightDevice(
        device_id=ids.public(work, ids.DEVICE, row.device_id),
        user_id=row.external_id,
        person_id=ids.public(work, ids.USER, row.user_id),
        platform=row.platform,
        locale=row.locale,
        detail=_detail(fate),
        until=fate.until,
    )


def _detail(fate: Fate) -> str:
    if not isinstance(fate.result, NotSent):
        return ""
    if fate.until is not None:
        return f"Then: {REASONS.get(fate.result.reason, fate.result.reason)}"
    return fate.result.detail
