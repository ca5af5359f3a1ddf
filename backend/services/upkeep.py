"""What the clock tidies: rows that may not be sent any more, runs that are done, records out of date."""

from datetime import timedelta

from backend.bootstrap import Core
from backend.db import CLOCK, Work
from backend.domain.vocabulary import DeliveryState
from backend.queries import campaigns, chunks, deliveries, retention
from backend.services import processes, subscribers
from backend.services.sender import finish

PAGE = 20_000
ATTEMPTS_KEPT = timedelta(days=30)
KEYS_KEPT = timedelta(hours=24)


def end_rows(core: Core) -> int:
    """Cancels the planned rows of cancelled runs and expires those past their last moment, page by page."""
    with core.reading(CLOCK) as work:
        waiting = deliveries.runs_with_rows_to_end(work.session, work.now)
    ended = 0
    for run_id, why in waiting:
        state = DeliveryState.CANCELLED if why == "cancelled" else DeliveryState.EXPIRED
        with core.work(CLOCK) as work:
            reason = None if state is DeliveryState.CANCELLED else "too_late"
            rows = deliveries.end_planned(work.session, run_id, state, reason, work.now, PAGE)
            chunks.close_empty(work.session, [run_id])
            if rows:
                deliveries.touch_run(work.session, run_id, work.now)
            ended += rows
    return ended


def finish_runs(core: Core) -> int:
    """Ends runs whose last chunk was done by two workers at the same moment, and empty ones."""
    with core.reading(CLOCK) as work:
        idle = campaigns.perhaps_finished(work.session)
    ended = 0
    for run_id in idle:
        with core.work(CLOCK) as work:
            ended += finish(work, run_id)
    return ended


def sweep(work: Work) -> None:
    """Removes what is kept for a time only: raw answers, idempotency keys, ended sessions, ephemeral devices."""
    retention.sweep(work.session, now=work.now, attempts=work.now - ATTEMPTS_KEPT, keys=work.now - KEYS_KEPT)
    subscribers.forget_ephemeral(work)
    processes.forget(work)
