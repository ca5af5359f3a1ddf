"""What is brought in from files, and how far it has come."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from backend.models.base import BigId, Json, Word, json_field, primary_key, reference


class ImportJob(SQLModel, table=True):
    """A file of users, devices or list members on its way in.

    The file lies under the data folder at `path`. `bytes_done` is where the next row begins: whoever goes on
    after a crash begins there, and repeats nothing that was committed. `state` is uploaded, running, paused,
    finished, cancelled or failed; the worker that has it says so by `owner` until `lease_until`.
    """

    __tablename__ = "import_job"
    __table_args__ = (Index("ix_import_job_app", "app_id", "id"), Index("ix_import_job_due", "state", "lease_until"))

    id: int = primary_key()
    app_id: int = reference("app.id")
    kind: str = Field(sa_type=Word)
    format: str = Field(sa_type=Word)
    filename: str = Field(max_length=255)
    path: str = Field(max_length=255)
    columns: list[str] = json_field(list)
    mapping: dict[str, Any] = json_field()
    list_id: int | None = reference("user_list.id", nullable=True, on_delete="SET NULL")
    state: str = Field(default="uploaded", sa_type=Word)
    problem: str | None = Field(default=None, max_length=500)
    bytes_total: int = Field(default=0, sa_type=BigId)
    bytes_done: int = Field(default=0, sa_type=BigId)
    rows_done: int = Field(default=0, sa_type=BigId)
    rows_added: int = Field(default=0, sa_type=BigId)
    rows_changed: int = Field(default=0, sa_type=BigId)
    rows_refused: int = Field(default=0, sa_type=BigId)
    created_by: str = Field(default="", max_length=200)
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    owner: str | None = Field(default=None, max_length=200)
    lease_until: datetime | None = None


class ImportRefusal(SQLModel, table=True):
    """A row of a file that was not taken: its number (the first is 1), what it held, what is wrong with it."""

    __tablename__ = "import_refusal"

    job_id: int = Field(foreign_key="import_job.id", primary_key=True, ondelete="CASCADE", sa_type=BigId)
    row: int = Field(primary_key=True, sa_type=BigId)
    raw: dict[str, Any] = json_field()
    problems: list[Any] = Field(default_factory=list, sa_type=Json, nullable=False)
