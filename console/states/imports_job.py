"""One import: its columns are told what they become, its first rows are tried, then it is watched."""

import asyncio
from time import monotonic

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import ImportState, Role
from backend.errors import Conflict, Invalid, NotFound
from backend.services import import_jobs, lists
from backend.services.import_mapping import ATTRIBUTE, attribute_name
from console.core import core
from console.rows import imports as rows
from console.states.base import actor, app_number, read, requires, viewer, write

LOOKS = 10
SHOWN = 20
LISTS = 200


class ImportJobState(rx.State):
    """The import of the address. `_marks` are the last looks, by which its speed is known."""

    job: rows.ImportPage = rows.NO_PAGE
    columns: tuple[rows.ColumnLine, ...] = ()
    preview: tuple[rows.PreviewLine, ...] = ()
    lists: tuple[rows.Option, ...] = ()
    problem: str = ""
    checked: rows.CheckLine = rows.NO_CHECK
    checking: bool = False
    refused: tuple[rows.RefusalLine, ...] = ()
    ready: bool = False
    missing: bool = False
    _marks: tuple[rows.Mark, ...] = ()

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        self.reset()
        await self._read_all()

    @rx.event
    @requires(Role.EDITOR)
    async def refresh(self, _moment: str = ""):
        """Once a second while it is taken in."""
        await self._watch()

    @rx.event
    @requires(Role.EDITOR)
    async def becomes(self, place: int, target: str):
        """What a column becomes; an attribute is called as the column is."""
        column = next((one.column for one in self.columns if one.place == place), "")
        named = {"name": attribute_name(column)} if target == ATTRIBUTE else {}
        await self._remap(rows.changed(self.columns, place, target=str(target), **named))

    @rx.event
    @requires(Role.EDITOR)
    async def name_it(self, place: int, name: str):
        await self._remap(rows.changed(self.columns, place, name=str(name).strip()[:64]))

    @rx.event
    @requires(Role.EDITOR)
    async def type_it(self, place: int, kind: str):
        await self._remap(rows.changed(self.columns, place, kind=str(kind)[:20]))

    @rx.event
    @requires(Role.EDITOR)
    async def read_as(self, delimiter: str, header: bool):
        """Reads the file in another way; the columns are guessed afresh."""
        try:
            await write(import_jobs.change, self.job.line.id, delimiter=str(delimiter), header=bool(header))
        except Invalid as error:
            return rx.toast.error(f"Read so, the file {error.errors[0].message}.")
        await self._read_all()
        return None

    @rx.event
    @requires(Role.EDITOR)
    async def into(self, list_id: str):
        """Which list the people go to."""
        await write(import_jobs.change, self.job.line.id, list_id=str(list_id)[:64])
        await self._watch()

    @rx.event
    @requires(Role.EDITOR)
    async def check(self):
        """Tries the first thousand rows."""
        self.checking, self.checked = True, rows.NO_CHECK
        yield
        try:
            self.checked = rows.check_line(await _tried(self.job.line.id))
        except Invalid as error:
            self.columns, self.problem = rows.told(self.columns, error.errors)
        finally:
            self.checking = False

    @rx.event
    @requires(Role.EDITOR)
    async def move(self, verb: str):
        """Start, pause, resume or cancel."""
        verbs = {"start": import_jobs.start, "pause": import_jobs.pause, "resume": import_jobs.resume}
        try:
            await write(verbs.get(str(verb), import_jobs.cancel), self.job.line.id)
        except Invalid as error:
            self.columns, self.problem = rows.told(self.columns, error.errors)
            return rx.toast.error("Some columns need another look.")
        self._marks = ()
        await self._watch()
        return None

    async def _remap(self, columns: tuple[rows.ColumnLine, ...]):
        """Keeps the columns where they can be so; else says at which of them why not."""
        self.checked = rows.NO_CHECK
        try:
            await write(import_jobs.change, self.job.line.id, fields=rows.fields(columns))
            self.columns, self.problem = rows.told(columns, ())
        except Invalid as error:
            self.columns, self.problem = rows.told(columns, error.errors)

    async def _read_all(self):
        await self._watch()
        if self.missing or self.job.line.state != ImportState.UPLOADED:
            return
        self.lists, self.columns, self.preview = await read(_laid_out, self.job.line.id)
        self.checked, self.problem = rows.NO_CHECK, ""

    async def _watch(self):
        asked = self.job.line.id or self.router.url.path.strip("/").split("/")[-1]
        try:
            found, refused, now = await read(_found, asked)
        except NotFound:
            self.missing, self.ready = True, True
            return
        self._marks = (*self._marks[-LOOKS:], (monotonic(), found.rows_done, found.bytes_done))
        self.job = rows.page(found, self._marks, viewer().app.default_timezone, now)
        self.refused = tuple(rows.refusal(one) for one in refused)
        self.missing, self.ready = False, True


def _found(work: Work, import_id: str):
    return import_jobs.get(work, import_id), import_jobs.refusals(work, import_id, limit=SHOWN), work.now


async def _tried(import_id: str):
    """A trial is a transaction of its own, which is undone."""
    return await asyncio.to_thread(import_jobs.check, core(), actor(), app_number(), import_id)


def _laid_out(work: Work, import_id: str):
    """The choices of a file that waits: lists, columns with their first values, rows."""
    known = tuple(rows.Option(one.id, one.name) for one in lists.listing(work, limit=LISTS).items)
    fields = import_jobs.get(work, import_id).fields
    try:
        preview = import_jobs.preview(work, import_id)
    except Conflict:
        preview = import_jobs.Preview((), ())
    return known, rows.columns(fields, preview), rows.preview_rows(preview)
