"""Content that several campaigns share."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.models.base import Json, json_field, primary_key, reference


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
    """One immutable state of a template's content.

    `data_schema` (JSON Schema) says what `data.*` has to hold; `restored_from` is the version that this one repeats.
    """

    __tablename__ = "template_version"
    __table_args__ = (UniqueConstraint("template_id", "version"),)

    id: int = primary_key()
    template_id: int = reference("template.id")
    version: int
    content: dict[str, Any] = json_field()
    data_schema: dict[str, Any] | None = Field(default=None, sa_type=Json)
    restored_from: int | None = None
    created_at: datetime
    created_by: str = Field(default="", max_length=400)


class ContentBlock(SQLModel, table=True):
    """A text that contents share by `{{ block.NAME }}`; `locales` has it in other languages.

    A draft reads it as it is now, what has been launched as it was then.
    """

    __tablename__ = "content_block"
    __table_args__ = (UniqueConstraint("app_id", "name"),)

    id: int = primary_key()
    app_id: int = reference("app.id")
    name: str = Field(max_length=64)
    text: str
    locales: dict[str, str] = json_field()
    created_at: datetime
    updated_at: datetime
    updated_by: str = Field(default="", max_length=400)
