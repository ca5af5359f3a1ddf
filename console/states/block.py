"""One content block: its texts, who uses it, and what somebody reads of it."""

import json

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, FieldError, Invalid, NotFound
from backend.services import blocks, inspector, people_search, variables
from backend.services.blocks import BlockRow
from backend.services.inspector import Whom
from console import routes
from console.rows import blocks as rows
from console.rows.blocks import BlockProblem, BlockText, Reading, Said
from console.rows.segments import Link
from console.rows.templates import uses
from console.rows.variable_menu import VariableMenu, menu_of
from console.states.base import read, requires, write

NEW = "new"


class BlockState(rx.State):
    """What the editor shows of the block that the address names. `readings` are by language what `reader` reads, who
    was active last."""

    given: BlockText = BlockText()
    unsaved: bool = False
    problems: tuple[BlockProblem, ...] = ()
    problem: str = ""
    uses: tuple[Link, ...] = ()
    menu: VariableMenu = VariableMenu()
    reader: str = ""
    readings: tuple[Reading, ...] = ()
    missing: bool = False
    ready: bool = False
    _stored: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def start(self):
        """A new block, which is kept once it is saved."""
        self._begin()
        self.menu, self.reader = await read(_surroundings)
        self.given, self.ready = BlockText(NEW, self.given.revision + 1, True), True

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads the block that the address names."""
        self._begin()
        block_id = self.router.url.path.strip("/").split("/")[1]
        try:
            row, found = await read(_opened, block_id)
        except NotFound:
            self.missing = self.ready = True
            return
        self.menu, self.reader = await read(_surroundings)
        self._take(row)
        self.uses, self.ready = uses(found), True
        self.readings = await read(_read, self.reader, Said(row.id, row.name, row.text, dict(row.locales)))

    @rx.event
    @requires(Role.EDITOR)
    async def heard(self, typed: dict):
        """Whether there is something to save, and what comes of it for the reader."""
        said = rows.parse(typed)
        if said.id != self.given.id or not self.ready:
            return
        self.unsaved = json.dumps([said.name, said.text, said.locales]) != self._stored
        self.readings = await read(_read, self.reader, said)

    @rx.event
    @requires(Role.EDITOR)
    async def save(self, typed: dict | None):
        """Keeps the texts: every draft that calls the block says them from now on."""
        said, self.problems, self.problem = rows.parse(typed), (), ""
        if said.id != self.given.id:
            return None
        try:
            row = await write(_save, said)
        except Invalid as error:
            self.problems = rows.problems(error.errors)
            return rx.toast.warning("Not saved: see the marked fields.")
        except Conflict as error:
            self.problems = rows.problems([FieldError("name", error.detail)])
            return None
        if said.id == NEW:
            self.unsaved = False
            return [rx.toast.success("Saved"), rx.redirect(routes.block(row.id), replace=True)]
        self._keep(row)
        return rx.toast.success("Saved")

    @rx.event
    @requires(Role.EDITOR)
    async def delete(self):
        """For good; what still uses it stands in the way, and is said."""
        try:
            await write(blocks.delete, self.given.id)
        except Conflict as error:
            self.problem = error.detail
            return None
        self.unsaved = False
        return [rx.toast.success("Block deleted"), rx.redirect(routes.BLOCKS)]

    def _begin(self):
        given = self.given
        self.reset()
        self.given = BlockText("", given.revision)

    def _take(self, row: BlockRow):
        self.given = BlockText(row.id, self.given.revision + 1, False, row.name, row.text, dict(row.locales))
        self._keep(row)

    def _keep(self, row: BlockRow):
        self.unsaved, self._stored = False, json.dumps([row.name, row.text, dict(row.locales)])


def _opened(work: Work, block_id: str):
    return blocks.get(work, block_id), blocks.uses(work, block_id)


def _surroundings(work: Work) -> tuple[VariableMenu, str]:
    """The menu without the blocks: none calls another. And who was active last."""
    found = menu_of(variables.listing(work))
    groups = tuple(one for one in found.groups if one.title != "Content blocks")
    people = people_search.search(work, "", limit=1).items
    return VariableMenu(groups, found.filters), (people[0].user_id or people[0].id) if people else ""


def _save(work: Work, said: Said) -> BlockRow:
    if said.id == NEW:
        return blocks.create(work, said.name, said.text, said.locales)
    return blocks.save(work, said.id, text=said.text, locales=said.locales)


def _read(work: Work, reader: str, said: Said) -> tuple[Reading, ...]:
    texts = {"": said.text, **said.locales}
    return tuple(_reading(work, reader, tag, text) for tag, text in texts.items() if text.strip())


def _reading(work: Work, reader: str, tag: str, text: str) -> Reading:
    try:
        found = inspector.of_content(work, {"body": text}, Whom(user_id=reader or None, locale=tag or None))
    except (Invalid, NotFound) as error:
        return Reading(tag, problem=error.detail)
    if found.message is None:
        return Reading(tag, problem=found.problems[0].message)
    return Reading(tag, found.message.body)
