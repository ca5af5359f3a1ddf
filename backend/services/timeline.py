"""Counts over time on an even grid: what a chart draws, with a zero where nothing happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
STEPS: Final = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY)
EPOCH: Final = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday, so that weeks begin on one

Found = tuple[datetime, str, str, int]  # start of the bucket, measure, key of the breakdown, count


@dataclass(frozen=True, slots=True)
class Line:
    """One measure (of one key of the breakdown) with a count for each time of its timeline."""

    measure: str
    key: str
    label: str
    counts: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lines over common times: the start (aware UTC) of each bucket of `step_seconds`."""

    step_seconds: int
    times: tuple[datetime, ...]
    lines: tuple[Line, ...]


def floor(instant: datetime, step: timedelta) -> datetime:
    """The start of the step that an instant lies in; days begin at midnight UTC, weeks on Monday."""
    return EPOCH + (instant - EPOCH) // step * step


def ceiling(instant: datetime, step: timedelta) -> datetime:
    """The first start of a step at or after an instant."""
    return EPOCH - (EPOCH - instant) // step * step


def step_for(span: timedelta, finest: timedelta, most: int = 400) -> timedelta:
    """The finest usual step, no finer than asked, with which a span has no more buckets than `most`."""
    return next((step for step in STEPS if step >= finest and span / step <= most), STEPS[-1])


def timeline(
    found: Iterable[Found], lines: Sequence[tuple[str, str, str]], start: datetime, end: datetime, step: timedelta
) -> Timeline:
    """Sums what was found into the buckets from `start` to before `end`, which lie on the grid of `step`.

    `lines` names (measure, key, label) of each line wanted, in order; what was found for others is left out.
    Without a label the measure is one.
    """
    import pandas as pd  # type: ignore[import-untyped]  # half a second that a process without charts saves

    grid = pd.date_range(start, end, freq=step, inclusive="left")
    frame = pd.DataFrame(list(found), columns=["at", "measure", "key", "count"])
    frame["at"] = [floor(at, step) for at in frame["at"]]
    wide = frame.pivot_table(index="at", columns=["measure", "key"], values="count", aggfunc="sum", observed=True)
    wide = wide.reindex(index=grid, fill_value=0).fillna(0)
    zeros = pd.Series(0, index=grid)
    made = []
    for measure, key, label in lines:
        series = wide[measure, key] if (measure, key) in wide.columns else zeros
        counts = tuple(int(count) for count in series)
        made.append(Line(measure, key, label or measure, counts, sum(counts)))
    return Timeline(int(step.total_seconds()), tuple(grid.to_pydatetime()), tuple(made))
