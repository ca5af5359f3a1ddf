"""Rows that are decided before their turn: read in few pieces, and not kept for long."""

import pytest

from backend.domain.vocabulary import DeliveryState
from backend.services import ahead
from backend.services.ahead import Ahead
from backend.services.runs import NotSent
from backend.services.steps import Batch


class Chunk:
    """Planned rows by number; `mark` takes them away, as the database would."""

    def __init__(self, count: int) -> None:
        self.planned = list(range(count))
        self.readings: list[int] = []

    def read(self, most: int) -> Batch:
        self.readings.append(most)
        rows = [NotSent(number, DeliveryState.SKIPPED, "") for number in self.planned[:most]]
        return Batch(rows, last=len(self.planned) <= most)

    def mark(self, batch: Batch) -> None:
        for row in batch.prepared:
            self.planned.remove(row.id)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(ahead.time, "monotonic", lambda: now[0])
    return now


def test_every_row_comes_once_in_its_order_and_the_last_says_so(clock):
    chunk, seen = Chunk(500), []
    rows = Ahead(chunk.read)
    while True:
        batch = rows.take(80)
        seen += [row.id for row in batch.prepared]
        chunk.mark(batch)
        if batch.last:
            break
    assert seen == list(range(500))
    assert not chunk.planned
    assert len(chunk.readings) == 2


def test_a_verdict_is_not_kept_for_long(clock):
    chunk = Chunk(300)
    rows = Ahead(chunk.read)
    chunk.mark(rows.take(10))
    clock[0] += ahead.FRESH
    assert [row.id for row in rows.take(3).prepared] == [10, 11, 12]
    assert len(chunk.readings) == 2


def test_a_slow_lane_reads_little(clock):
    chunk = Chunk(500)
    rows = Ahead(chunk.read)
    for _ in range(8):
        chunk.mark(rows.take(1))
        clock[0] += ahead.FRESH
    assert chunk.readings[-1] < chunk.readings[0] / 8


def test_what_was_forgotten_is_read_again(clock):
    chunk = Chunk(100)
    rows = Ahead(chunk.read)
    rows.take(10)
    rows.forget()
    assert [row.id for row in rows.take(2).prepared] == [0, 1]


def test_an_empty_chunk_is_through_at_once(clock):
    assert Ahead(Chunk(0).read).take(5) == Batch([], last=True)
