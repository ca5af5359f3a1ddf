"""Content that several campaigns share."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.models.base import json_field, primary_key, reference


class Template(SQLModel, table=True):
    """Reusable content; each save is a version, and the newest is used."""

    __tablename__ = "template"

    id: int = primary_key()
    app_id: int = reference("app.id", index=True)
    name: str = Field(max_length=200)
    version: int = 1
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


class TemplateVersion(SQLModel, table=True):
    """One immutable state of a template's content."""

    __tablename__ = "template_version"
    __table_args__ = (UniqueConstraint("template_id", "version"),)

    id: int = primary_key()
    template_id: int = reference("template.id")
    version: int
    content: dict[str, Any] = json_field()
    created_at: datetime
    created_by: str = Field(default="", max_length=400)
