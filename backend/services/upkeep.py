"""What the clock tidies: rows that may not be sent any more, runs that are done, records out of date."""

from datetime import datetime, timedelta
from functools import lru_cache

from backend.bootstrap import Core
from backend.db import CLOCK, Work
from backend.domain import content
from backend.domain.vocabulary import DeliveryState
from backend.queries import chunks, endings, results, retention
from backend.services import pace, processes, subscribers
from backend.services.finishing import finish
from backend.services.rendering import DEFAULT_TTL
from backend.services.runs import AT_ONCE

PAGE = 20_000
KEYS_KEPT = timedelta(hours=24)


def anything_alive(core: Core) -> bool:
    """Whether there is anything to tidy at all; one cheap question where there is not."""
    with core.reading(CLOCK) as work:
        return endings.anything_alive(work.session)


def end_rows(core: Core) -> int:
    """Cancels the planned rows of cancelled runs and expires those past their last moment or their own life.

    Wherever they wait: in paused runs, in lanes that stand still, for another try. At most a page a run; how many.
    """
    with core.reading(CLOCK) as work:
        waiting = endings.runs_with_rows_to_end(work.session, work.now)
        revisions = endings.open_revisions(work.session)
        now = work.now
    ended = sum(_end(core, run, DeliveryState(state)) for run, state in waiting)
    for revision, oldest in revisions:
        if (due_before := now - _life(core, revision)) > oldest:
            ended += _outlive(core, revision, due_before)
    return ended


def _end(core: Core, run_id: int, state: DeliveryState, due_before: datetime | None = None) -> int:
    """The run's row is locked first, as everywhere that planned rows are changed."""
    reason = {DeliveryState.CANCELLED: None, DeliveryState.EXPIRED: "ttl_passed" if due_before else "too_late"}[state]
    with core.work(CLOCK) as work:
        endings.lock_run(work.session, run_id)
        rows = endings.end_planned(work.session, run_id, state, reason, work.now, PAGE, due_before=due_before)
        chunks.close_empty(work.session, [run_id])
        if rows:
            results.touch_run(work.session, run_id, work.now)
        return rows


def _outlive(core: Core, revision_id: int, due_before: datetime) -> int:
    """Expires what of a revision was due so long ago that none of its messages is of use any more."""
    with core.reading(CLOCK) as work:
        runs = endings.outlived(work.session, revision_id, due_before)
    return sum(_end(core, run, DeliveryState.EXPIRED, due_before) for run in runs)


@lru_cache(maxsize=4096)
def _life(core: Core, revision_id: int) -> timedelta:
    """How long the longest-lived message of a revision is of use; a revision never changes."""
    with core.reading(CLOCK) as work:
        wordings = endings.contents(work.session, revision_id)
    layers = [layer for wording in wordings for _, layer in content.layers({"ttl_seconds": DEFAULT_TTL, **wording})]
    named = [layer["ttl_seconds"] for layer in layers if layer.get("ttl_seconds") is not None]
    return max((timedelta(seconds=ttl) if ttl else AT_ONCE for ttl in named), default=timedelta(seconds=DEFAULT_TTL))


def finish_runs(core: Core) -> int:
    """Ends runs whose last chunk was done by two workers at the same moment, and empty ones."""
    with core.reading(CLOCK) as work:
        idle = endings.perhaps_finished(work.session)
    ended = 0
    for run_id in idle:
        with core.work(CLOCK) as work:
            ended += finish(work, run_id)
    return ended


def sweep(work: Work) -> None:
    """Removes what is kept for a short time only: idempotency keys, ended sessions, ephemeral devices, idle buckets."""
    retention.sweep(work.session, now=work.now, keys=work.now - KEYS_KEPT)
    subscribers.forget_ephemeral(work)
    processes.forget(work)
    pace.forget(work)
