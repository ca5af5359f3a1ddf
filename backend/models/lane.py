"""What lanes remember beside their credential: their pace, how they fare, what they could not deliver."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.models.base import BigId, json_field, primary_key, reference


class Pace(SQLModel, table=True):
    """A token bucket that all workers take from: `lane:<credential>` or `run:<run>`.

    `tokens` were there at `filled_at`; `recent` is what was taken a second of late. `share` (0 to 1) of the full rate is allowed now: it grows from
    `ramp_started_at` on, and is halved at `slowed_at` when a provider says that we are too fast.
    """

    __tablename__ = "pace"

    name: str = Field(primary_key=True, max_length=64)
    tokens: float
    filled_at: datetime
    recent: float = 0.0
    share: float = 1.0
    ramp_started_at: datetime | None = None
    slowed_at: datetime | None = None


class LaneReport(SQLModel, table=True):
    """How one lane fares in one process, in the process's own words; rewritten at each heartbeat."""

    __tablename__ = "lane_report"
    __table_args__ = (UniqueConstraint("process", "credential_id"), Index("ix_lane_report_at", "at"))

    id: int = primary_key()
    process: str = Field(max_length=200)
    credential_id: int = reference("credential.id", index=True)
    at: datetime
    data: dict[str, Any] = json_field()


class DeadLetter(SQLModel, table=True):
    """A delivery that ended without its device being at fault, with the provider's reply: retry it or drop it."""

    __tablename__ = "dead_letter"
    __table_args__ = (Index("ix_dead_letter_app", "app_id", "delivery_id"), Index("ix_dead_letter_at", "at"))

    delivery_id: int = Field(foreign_key="delivery.id", primary_key=True, ondelete="CASCADE", sa_type=BigId)
    app_id: int = reference("app.id")
    run_id: int = reference("run.id", index=True)
    credential_id: int = reference("credential.id", index=True)
    at: datetime
    status: int = 0
    reason: str = Field(default="", max_length=120)
    raw: str = Field(default="")
