"""What the report of a campaign is counted from: its rows, and with very many runs the roll-up of those that rest."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from backend.db import Work
from backend.domain.metrics import MEASURE_OF_STATE, OUTCOMES, RECEIPTS, totals
from backend.domain.vocabulary import DeliveryState
from backend.queries import rollups, stats
from backend.services.cells import Cell


def from_rows(work: Work, runs: stats.Runs) -> list[Cell]:
    """Receipts are read first: a delivery accepted in between then only makes accepted larger."""
    received = stats.rows(work.session, stats.responses(runs, "variant", "platform"))
    ended = stats.rows(work.session, stats.outcomes(runs, "variant", "platform", "reason"))
    return [
        Cell(row.run_id, row[1], row.variant, row.platform, getattr(row, "reason", ""), row[-1])
        for row in (*received, *ended)
    ]


def of_many_runs(work: Work, campaign_id: int) -> list[Cell]:
    """The same numbers without reading each row: cells of runs that rest stand for all runs of their revision."""
    moving = set(rollups.unsettled_of(work.session, [campaign_id]))
    return [*(from_rows(work, moving) if moving else ()), *_resting(work, campaign_id, moving)]


def _resting(work: Work, campaign_id: int, moving: set[int]) -> Iterator[Cell]:
    """Why pushes failed or were skipped is not rolled up: that is read from the rows, as far as they are kept."""
    measured: defaultdict[tuple[int, int, str], Counter[str]] = defaultdict(Counter)
    runs: dict[int, int] = {}
    for row in rollups.rolled_cells(work.session, campaign_id, moving):
        measured[row.revision_id, row.variant, row.platform][row.measure] = row[-1]
        runs[row.revision_id] = min(row.run_id, runs.get(row.revision_id, row.run_id))
    still = {place: totals(counted).open for place, counted in measured.items()}
    for row in rollups.ended_otherwise(work.session, campaign_id, moving):
        measured[row.revision_id, row.variant, row.platform][MEASURE_OF_STATE[row.state]] -= row[-1]
        yield Cell(runs[row.revision_id], row.state, row.variant, row.platform, row.reason, row[-1])
    for (revision, variant, platform), counted in measured.items():
        words = {DeliveryState.PLANNED.value: still[revision, variant, platform]}
        words |= {measure.value: counted[measure] for measure in (*OUTCOMES, *RECEIPTS)}
        for word, count in words.items():
            if count > 0:
                yield Cell(runs[revision], word, variant, platform, "", count)
