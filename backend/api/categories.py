"""The kinds of push that an app offers, which its people may switch off."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from backend.api.admin import InChosen
from backend.api.paging import PageOut
from backend.services import categories
from backend.services.categories import CategoryChange, CategoryIn, CategoryRow

router = APIRouter(tags=["Admin"])
Slug = Annotated[str, Path(max_length=64, description="The category's slug.")]
Archived = Annotated[bool, Query(description="With the archived ones.")]


@router.get("/categories", summary="The app's categories")
def list_categories(caller: InChosen, archived: Archived = False) -> PageOut[CategoryRow]:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return PageOut(items=categories.listing(work, archived=archived))


@router.post("/categories", status_code=201, summary="Make a category")
def create_category(caller: InChosen, body: CategoryIn) -> CategoryRow:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return categories.create(work, body)


@router.patch("/categories/{category}", summary="Change a category")
def change_category(caller: InChosen, category: Slug, body: CategoryChange) -> CategoryRow:
    """Changes what is given, for pushes from now on. One that becomes mandatory goes to everybody, whatever they said."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return categories.change(work, category, body)


@router.delete("/categories/{category}", summary="Archive a category")
def archive_category(caller: InChosen, category: Slug) -> CategoryRow:
    """Takes it out of use: no campaign may choose it, no preference page shows it, and what people said on it is kept.
    A campaign that is scheduled or under way in it forbids that."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return categories.archive(work, category)


@router.post("/categories/{category}/restore", summary="Take an archived category back into use")
def restore_category(caller: InChosen, category: Slug) -> CategoryRow:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return categories.restore(work, category)
