"""The catalogue: what an app's people are known by, for whoever writes segment rules."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from backend.api.deps import ServerCaller
from backend.api.problems import DOCUMENTED
from backend.services import catalogue
from backend.services.catalogue import AttributeRow, EventNameRow

router = APIRouter(prefix="/catalogue", tags=["Server"], responses=DOCUMENTED)
Field = Annotated[str, Query(max_length=200, description="The field of a rule: `user.country`, `attr.plan`.")]
Start = Annotated[str, Query(max_length=200, description="What the values begin with, whatever the case.")]
Limit = Annotated[int, Query(ge=1, le=catalogue.MOST_VALUES)]


@dataclass(frozen=True, slots=True)
class CatalogueOut:
    """Attributes of users and kinds of events, by name."""

    attributes: tuple[AttributeRow, ...]
    events: tuple[EventNameRow, ...]


@dataclass(frozen=True, slots=True)
class ValuesOut:
    """Values of a field, the commonest first."""

    values: tuple[str, ...]


@router.get("")
def get_catalogue(caller: ServerCaller) -> CatalogueOut:
    """Which attributes and events the app has been told, with the kinds of their values and a few examples."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return CatalogueOut(catalogue.attributes(work), catalogue.events(work))


@router.get("/values")
def get_values(caller: ServerCaller, field: Field, start: Start = "", limit: Limit = 20) -> ValuesOut:
    """Values that a field really has, to choose from; none of what looks like a person's own."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return ValuesOut(catalogue.values(work, field, start, limit))
