"""Runs, lanes and chunks laid out row by row, under a clock that a test turns."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.dispatch import ChunkQueue
from backend.dispatch.leases import WORKER
from backend.models import Chunk, Credential, Delivery, Dims, Receipt, Revision, Run
from backend.queries.chunks import ClaimedChunk
from backend.services import campaigns
from backend.services.apps import AppRow
from tests import factories

START = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(eq=False)
class Clock:
    """Stands still until it is told to move."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Board:
    """One app's rows as a queue sees them."""

    core: Core
    app: AppRow
    clock: Clock
    _devices: int = field(default=0)

    def lane(self, *, held_until: datetime | None = None) -> int:
        """A credential; nothing is ever sent through it."""
        row = Credential(
            app_id=self.app.number,
            provider="fcm",
            environment="production",
            sealed_secret=b"-",
            created_at=self.clock.now,
            updated_at=self.clock.now,
            held_until=held_until,
        )
        return self._add(row)

    def run(self, state: str = "running", *, on_unknown: str = "retry") -> int:
        """A run whose audience is complete."""
        with self.core.work(OPERATOR, self.app.number) as work:
            made = campaigns.create(work, factories.definition(on_unknown=on_unknown))
            campaign = campaigns.find(work, made.row.id)
            revision: Revision = campaigns.revise(work, campaign, campaign.definition)
        run = Run(
            app_id=self.app.number,
            campaign_id=campaign.id,
            revision_id=revision.id,
            occasion="once",
            state=state,
            due_at=self.clock.now,
            created_at=self.clock.now,
            planned_at=self.clock.now,
        )
        return self._add(run)

    def chunk(
        self, run: int, lane: int, rows: int = 2, *, priority: int = 0, not_before: datetime | None = None
    ) -> int:
        """A ready chunk with so many planned rows; its number within the run is the next one."""
        with Session(self.core.engine, expire_on_commit=False) as session:
            owner = session.get_one(Run, run)
            chunk = Chunk(
                run_id=run,
                number=owner.next_chunk,
                credential_id=lane,
                priority=priority,
                not_before=not_before or self.clock.now,
            )
            owner.next_chunk += 1
            owner.audience += rows
            dims = self._dims(session)
            session.add_all([chunk, owner, *(self._delivery(run, chunk.number, dims) for _ in range(rows))])
            session.commit()
            return chunk.id

    def _dims(self, session: Session) -> int:
        known = session.exec(select(col(Dims.id)).where(col(Dims.app_id) == self.app.number)).first()
        if known is None:
            row = Dims(app_id=self.app.number, platform="android")
            session.add(row)
            session.flush()
            known = row.id
        return known

    def _delivery(self, run: int, chunk: int, dims: int) -> Delivery:
        self._devices += 1
        return Delivery(
            run_id=run,
            user_id=self._devices,
            device_id=self._devices,
            chunk=chunk,
            dims_id=dims,
            due_at=self.clock.now,
        )

    def receipt(self, delivery: int) -> None:
        """A device says that this delivery has arrived."""
        at = self.clock.now
        self._add(Receipt(delivery_id=delivery, type="delivered", at=at, received_at=at))

    def set_run(self, run: int, state: str) -> None:
        self._change(Run, run, state=state)

    def hold_lane(self, lane: int, until: datetime | None) -> None:
        self._change(Credential, lane, held_until=until)

    def set_rows(self, chunk: int, state: str, most: int = 1000) -> list[int]:
        """Puts the first rows of a chunk into a state; their ids."""
        with Session(self.core.engine) as session:
            rows = session.exec(self._rows_of(chunk).order_by(col(Delivery.id)).limit(most)).all()
            for row in rows:
                row.state = state
            ids = [row.id for row in rows]
            session.commit()
            return ids

    def states(self, chunk: int) -> Counter[str]:
        """How many rows of a chunk are in each state."""
        with Session(self.core.engine) as session:
            return Counter(row.state for row in session.exec(self._rows_of(chunk)))

    def rows(self, chunk: int) -> list[Delivery]:
        with Session(self.core.engine) as session:
            found = session.exec(self._rows_of(chunk).order_by(col(Delivery.id))).all()
            session.expunge_all()
            return list(found)

    def _rows_of(self, chunk: int) -> Any:
        return (
            select(Delivery)
            .join(Chunk, (col(Chunk.run_id) == col(Delivery.run_id)) & (col(Chunk.number) == col(Delivery.chunk)))
            .where(col(Chunk.id) == chunk)
        )

    def chunk_row(self, chunk: int) -> Chunk:
        with Session(self.core.engine) as session:
            found = session.get_one(Chunk, chunk)
            session.expunge(found)
            return found

    def count(self, state: str) -> int:
        """How many chunks are in a state."""
        with Session(self.core.engine) as session:
            return session.exec(select(func.count()).where(col(Chunk.state) == state)).one()

    def _add(self, row: Any) -> int:
        with Session(self.core.engine, expire_on_commit=False) as session:
            session.add(row)
            session.commit()
            return row.id

    def _change(self, model: Any, number: int, **values: Any) -> None:
        with Session(self.core.engine) as session:
            row = session.get_one(model, number)
            for name, value in values.items():
                setattr(row, name, value)
            session.commit()


def laid_out(core: Core, app: AppRow) -> Board:
    """A board over this core, its clock standing at START."""
    clock = Clock()
    return Board(replace(core, clock=clock), app, clock)


LEASE = 2.0  # seconds, by settings_for


def claimed(queue: ChunkQueue, limit: int = 100, worker: str = "one", busy: list[int] | None = None) -> list[int]:
    return [claim.id for claim in queue.claim(worker, limit, busy or ())]


def only(queue: ChunkQueue, worker: str = "one") -> ClaimedChunk:
    (claim,) = queue.claim(worker, 1)
    return claim


def settle(board: Board, queue: ChunkQueue, claim: ClaimedChunk) -> bool:
    with board.core.work(WORKER) as work:
        return queue.settle(work, claim)


def pass_lease(board: Board) -> None:
    board.clock.forward(LEASE + 0.1)
