"""The roll-up: hourly counts a run, so that charts of months need not read millions of rows.

Each pass counts a run from its rows anew, so a pass too many changes nothing. `Run.rolled_at` is the
instant up to which the roll-up is complete: `MARGIN` before the pass, because a transaction that was
open during the pass may commit activity that carries an earlier time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from backend.db import Work
from backend.domain.vocabulary import RunState
from backend.queries import rollups
from backend.queries.rollups import RunMark

MARGIN: Final = timedelta(seconds=60)
PACE: Final = timedelta(seconds=3)
PACE_A_ROW: Final = timedelta(microseconds=100)  # a pass takes 5 µs a row: at most a twentieth of one core
IDLE: Final = timedelta(minutes=5)
CANDIDATES: Final = 2_000
RUNS_A_TICK: Final = 500
ROWS_A_TICK: Final = 250_000


def roll_up(work: Work) -> int:
    """Brings the runs that have moved up to date, the longest-waiting first, a bounded number of rows
    a tick; how many runs. Any number of processes may call it at any time."""
    if not rollups.lock_roll_up(work.session, wait=False):
        return 0
    due = [run for run in rollups.behind(work.session, CANDIDATES) if is_due(run, work.now)]
    taken = [run.id for run in _affordable(due)]
    _write(work, taken)
    return len(taken)


def anything_behind(work: Work) -> bool:
    """Whether `roll_up` would have something to do: a look that takes no lock."""
    return any(is_due(run, work.now) for run in rollups.behind(work.session, CANDIDATES))


def recompute(work: Work, run_id: int | None = None) -> int:
    """Counts a run, or every run, anew from its rows, whatever its roll-up says; how many runs.

    Runs whose deliveries retention has removed keep what was counted while they were there.
    """
    rollups.lock_roll_up(work.session, wait=True)
    numbers = rollups.with_rows(work.session, run_id)
    for start in range(0, len(numbers), RUNS_A_TICK):
        _write(work, numbers[start : start + RUNS_A_TICK])
    return len(numbers)


def is_due(run: RunMark, now: datetime) -> bool:
    """Whether another pass is worth its price: at once for the first, then the slower the larger the run,
    and for a quiet closed run a last one when nothing can be late any more."""
    if run.rolled_at is None:
        return True
    last_pass = run.rolled_at + MARGIN
    rested = now - last_pass
    moved_at = _latest(run.activity_at, run.finished_at)
    if run.state == RunState.PLANNING or (moved_at is not None and moved_at >= last_pass):
        return rested >= PACE + PACE_A_ROW * run.audience
    if moved_at is not None and moved_at >= run.rolled_at and now >= moved_at + MARGIN:
        return True
    return run.state in rollups.ALIVE and rested >= IDLE


def _latest(*instants: datetime | None) -> datetime | None:
    return max((instant for instant in instants if instant is not None), default=None)


def _affordable(due: Sequence[RunMark]) -> Iterator[RunMark]:
    """As many as a tick may take; one at least, however large."""
    rows = 0
    for run in due[:RUNS_A_TICK]:
        if rows and rows + run.audience > ROWS_A_TICK:
            return
        rows += run.audience
        yield run


def _write(work: Work, run_ids: Sequence[int]) -> None:
    if run_ids:
        rollups.roll_up(work.session, run_ids)
        rollups.mark_rolled(work.session, run_ids, work.now - MARGIN)
