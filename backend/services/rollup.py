"""The roll-up: hourly counts a run, so that charts of months need not read millions of rows.

Each pass counts a run from its rows anew, so a pass too many changes nothing. `Run.rolled_at` is the
instant up to which the roll-up is complete: `MARGIN` before the pass, because a transaction that was
open during the pass may commit activity that carries an earlier time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from backend.bootstrap import Core
from backend.db import CLOCK, Work
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


@dataclass(frozen=True, slots=True)
class Counted:
    """What a pass has found: the new rows, whose they are, and up to when they are complete.

    `seen` has each run's `rolled_at` as the pass found it: a run that another pass has done since is its.
    """

    seen: Mapping[int, datetime | None]
    rows: Sequence[dict[str, Any]]
    until: datetime


def tick(core: Core) -> int:
    """One pass: counts while nobody waits (a run of 200 000 takes a second), then writes in milliseconds.

    How many runs. Any number of processes may call it at any time.
    """
    with core.reading(CLOCK) as work:
        found = count(work)
    if not found.seen:
        return 0
    with core.work(CLOCK) as work:
        return write(work, found)


def roll_up(work: Work) -> int:
    """The same within one transaction that may write."""
    return write(work, count(work))


def count(work: Work) -> Counted:
    """Counts the runs that have moved, the longest-waiting first, a bounded number of rows."""
    return _counted(work, list(_affordable(_due(work))))


def write(work: Work, found: Counted) -> int:
    """Writes what `count` found, where no other pass has come in between; how many runs."""
    ours = rollups.claim(work.session, found.seen)
    if ours:
        rollups.replace(work.session, ours, [row for row in found.rows if row["run_id"] in ours], found.until)
    return len(ours)


def recompute(work: Work, run_id: int | None = None) -> int:
    """Counts a run, or every run, anew from its rows, whatever its roll-up says; how many runs.

    Runs whose deliveries retention has removed keep what was counted while they were there.
    """
    runs = rollups.with_rows(work.session, run_id)
    parts = (runs[start : start + RUNS_A_TICK] for start in range(0, len(runs), RUNS_A_TICK))
    return sum(write(work, _counted(work, part)) for part in parts)


def _due(work: Work) -> list[RunMark]:
    return [run for run in rollups.behind(work.session, CANDIDATES) if is_due(run, work.now)]


def _counted(work: Work, runs: Sequence[RunMark]) -> Counted:
    seen = {run.id: run.rolled_at for run in runs}
    return Counted(seen, rollups.counted(work.session, list(seen)) if seen else (), work.now - MARGIN)


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
