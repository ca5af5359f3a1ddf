"""Column types and names that every table shares."""

from typing import Any, Literal, cast

from sqlalchemy import JSON, BigInteger, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = BigInteger().with_variant(Integer, "sqlite")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Sealed = LargeBinary
Word = String(32)
Small = SmallInteger


def primary_key() -> Any:
    """A 64-bit number; outside it is only seen through the key ring's public ids."""
    return Field(default=None, primary_key=True, sa_type=BigId)


def reference(
    target: str, *, index: bool = False, nullable: bool = False, on_delete: Literal["CASCADE", "SET NULL"] = "CASCADE"
) -> Any:
    """A foreign key; what belongs to a row goes with it unless said otherwise."""
    return Field(
        default=None, foreign_key=target, index=index, nullable=nullable, sa_type=cast("Any", BigId), ondelete=on_delete
    )


def json_field(default: Any = dict) -> Any:
    return Field(default_factory=default, sa_type=Json, nullable=False)
