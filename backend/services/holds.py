"""Lanes that stand still: held by a member, or because their provider refuses our credential.

    hold(work, credential_id, HeldKind.PROVIDER, sentence)    the sender, after a BLOCKED outcome
    stop_starved(work)                                        after that, in a unit of work of its own
    release(work, credential_id)                              good news: the lane sends again
    pause(work, "crd_…"), resume(work, "crd_…")               a member's own word
    tick(core)                                                the clock

A run is paused by `credential` exactly while every open chunk of it is on a lane that its provider has
shut; its other lanes go on as long as they have work. A lane that a member has paused pauses no run.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from backend.bootstrap import Core
from backend.db import CLOCK, Work
from backend.domain.vocabulary import HeldKind, PauseReason
from backend.errors import NotFound
from backend.queries import credentials
from backend.queries import holds as queries
from backend.queries.holds import Moved
from backend.services import audit, ids

FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)
"""`held_until` of a lane that waits for somebody's decision."""
PAUSED_BY_MEMBER = "Paused by a member."


def hold(work: Work, credential_id: int, kind: HeldKind, sentence: str) -> bool:
    """Stops a lane until it is released; `sentence` says why. False when it stands still already.

    A member's hold stays above a provider's: it ends by a member's word alone.
    """
    held = queries.hold(work.session, credential_id, kind, sentence, FOR_GOOD, work.now)
    if held:
        _record(work, "credential.held", credential_id, kind=kind, reason=sentence)
    return held


def release(work: Work, credential_id: int, kinds: Sequence[HeldKind] = tuple(HeldKind)) -> bool:
    """Lets a lane send again that is held in one of these ways, and the runs that waited for it go on.

    Whether there was something to let go.
    """
    released = queries.release(work.session, credential_id, kinds, work.now)
    if released:
        _record(work, "credential.released", credential_id)
        _resume_fed(work)
    return released


def pause(work: Work, public_id: str) -> None:
    """A member stops the lane; what it has to send waits. Raises `NotFound`."""
    hold(work, _number(work, public_id), HeldKind.MEMBER, PAUSED_BY_MEMBER)


def resume(work: Work, public_id: str) -> None:
    """A member lets the lane go, whoever held it. Raises `NotFound`."""
    release(work, _number(work, public_id))


def tick(core: Core) -> int:
    """Pauses runs that have no lane left and lets those go on that have one again; how many were paused."""
    with core.reading(CLOCK) as work:
        if not queries.anything_to_do(work.session, work.now):
            return 0
    with core.work(CLOCK) as work:
        _resume_fed(work)
        return stop_starved(work)


def stop_starved(work: Work) -> int:
    """Pauses the runs that have no lane left, with the lane's sentence; how many."""
    runs = queries.pause_starved(work.session, work.now)
    _record_campaigns(work, "campaign.pause", runs)
    return len(runs)


def _resume_fed(work: Work) -> None:
    _record_campaigns(work, "campaign.resume", queries.resume_fed(work.session, work.now))


def _record_campaigns(work: Work, action: str, runs: Sequence[Moved]) -> None:
    """API messages have no campaign that people know, and would fill the trail."""
    for run in runs:
        if run.kind == "send":
            name = ids.public(work, ids.CAMPAIGN, run.campaign_id)
            audit.record(work.within(run.app_id), action, name, reason=PauseReason.CREDENTIAL)


def _record(work: Work, action: str, credential_id: int, **detail: str) -> None:
    row = credentials.by_number(work.session, credential_id)
    if row is not None:
        name = ids.public(work, ids.CREDENTIAL, credential_id)
        audit.record(work.within(row.app_id), action, name, **detail)


def _number(work: Work, public_id: str) -> int:
    number = ids.number(work, ids.CREDENTIAL, public_id)
    if not credentials.belongs(work.session, number, work.app_id):
        raise NotFound("There is no such credential.")
    return number
