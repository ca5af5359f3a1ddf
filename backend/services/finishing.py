"""The end of a run: when no delivery of it is open, and never before."""

from backend.db import Work
from backend.queries import campaigns, chunks, endings


def finish(work: Work, run_id: int) -> bool:
    """Ends a run that has no open delivery; whether it did."""
    if chunks.any_undone(work.session, run_id):
        return False
    endings.lock_campaign_of(work.session, run_id)
    endings.lock_run(work.session, run_id)  # a message has no campaign to lock, and its dead letters may be put back
    if endings.any_open(work.session, run_id) or not endings.finish_run(work.session, run_id, work.now):
        return False
    campaigns.finish_campaign_of(work.session, run_id, work.now)
    return True
