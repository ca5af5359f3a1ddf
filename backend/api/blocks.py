"""Blocks: texts that contents share by `{{ block.NAME }}`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.api.problems import DOCUMENTED
from backend.api.templates import Uses
from backend.services import blocks
from backend.services.blocks import BlockRow

router = APIRouter(prefix="/blocks", tags=["Server"], responses=DOCUMENTED)
BlockId = Annotated[str, Path(max_length=64)]
Search = Annotated[str, Query(max_length=200, description="A part of the name.")]
Text = Annotated[str, Field(description="In the template language; it calls no other block.")]
Locales = Annotated[dict[str, str], Field(description="The text in other languages, by language tag.")]


class BlockIn(BaseModel):
    """A text to share."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(description="1 to 64 of a-z, 0-9 and _; texts call the block by it, so it stays.")]
    text: Text
    locales: Locales = {}


class BlockChange(BaseModel):
    """What becomes different; `locales` takes the place of all other languages."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = None
    locales: Locales | None = None


@router.post("", status_code=201)
def create_block(caller: ServerCaller, body: BlockIn) -> BlockRow:
    """Any text of a campaign or template calls it by `{{ block.NAME }}`, and gets it in its own language."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return blocks.create(work, body.name, body.text, body.locales)


@router.get("", response_model=PageOut[BlockRow])
def get_blocks(caller: ServerCaller, search: Search = "", limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    """The app's blocks, newest first."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return blocks.listing(work, search=search, cursor=cursor, limit=limit)


@router.get("/{block_id}")
def get_block(caller: ServerCaller, block_id: BlockId) -> BlockRow:
    """A block as it is now."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return blocks.get(work, block_id)


@router.get("/{block_id}/uses")
def get_block_uses(caller: ServerCaller, block_id: BlockId) -> Uses:
    """The campaigns that have yet to end, and the templates, that call the block."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return Uses(items=list(blocks.uses(work, block_id)))


@router.patch("/{block_id}")
def change_block(caller: ServerCaller, block_id: BlockId, body: BlockChange) -> BlockRow:
    """Another text, for every draft that calls it; what has been launched keeps the text it had."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return blocks.save(work, block_id, text=body.text, locales=body.locales)


@router.delete("/{block_id}", status_code=204)
def delete_block(caller: ServerCaller, block_id: BlockId) -> None:
    """Removes a block that nothing calls any more; 409 names what does."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        blocks.delete(work, block_id)
