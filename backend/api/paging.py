"""Lists in pages: `{"items": […], "next": cursor or null}` with `?limit=&cursor=`."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from backend.services.page import MAX_LIMIT

Item = TypeVar("Item")
DEFAULT = 50
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page holds.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before.")]


class PageOut(BaseModel, Generic[Item]):
    """One page of a list."""

    model_config = ConfigDict(from_attributes=True)

    items: list[Item]
    next: str | None = Field(default=None, description="The cursor of the next page; null at the end.")
