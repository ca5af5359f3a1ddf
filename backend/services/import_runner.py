"""Takes files in, a page of rows a transaction: the rows, the counters and the place in the file are one commit.

So a process that dies loses the page it was at, and whoever goes on begins there: no row is taken twice.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy.exc import DataError, IntegrityError

from backend.again import anew
from backend.bootstrap import Core
from backend.db import CLOCK, Work
from backend.domain.vocabulary import ImportKind, ImportState
from backend.models import ImportJob
from backend.queries import imports as queries
from backend.services import audit, ids, import_files, import_jobs, import_pages
from backend.services import import_reader as reader
from backend.services.import_mapping import Converter, Field
from backend.services.import_pages import Page, Refusal

PAGE: Final = 1000
BUDGET: Final = 2.0
REST: Final = 0.01
"""Seconds between two pages, in which others may write to SQLite and the console's own thread may run."""
MOST_REFUSALS: Final = 100_000
ABANDONED: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker needs of a job that it has taken."""

    number: int
    app_id: int
    kind: ImportKind
    path: str
    format: str
    delimiter: str
    columns: tuple[str, ...]
    fields: tuple[Field, ...]
    list_number: int | None
    at: int
    rows: int
    kept: int


def tick(core: Core, owner: str, *, budget: float = BUDGET) -> None:
    """Works for so many seconds at what is running; `owner` names this worker. Any number of processes may tick."""
    ends = time.monotonic() + budget
    for number, path in _waiting(core, owner):
        if not import_files.place(core, path).is_file():
            continue  # another machine has the file
        if (job := _take(core, number, owner)) is not None:
            _work_at(core, job, owner, ends)
        if time.monotonic() >= ends:
            return


def forget(work: Work) -> None:
    """Removes files that are of no use any more: their import has ended, or was not started for a week."""
    for number, path in queries.leftovers(work.session, work.now - ABANDONED):
        if import_files.remove(work.core, path):
            never = {"state": ImportState.CANCELLED, "problem": "It was never started.", "finished_at": work.now}
            queries.change(work.session, number, [ImportState.UPLOADED], path="", **never)
            queries.change(work.session, number, queries.ENDED, path="")


def _waiting(core: Core, owner: str) -> list[tuple[int, str]]:
    with core.reading(CLOCK) as work:
        return queries.waiting(work.session, owner, work.now)


def _take(core: Core, number: int, owner: str) -> _Job | None:
    """Takes the job over, None when somebody else was quicker."""
    with core.work(CLOCK) as work:
        if not queries.hold(work.session, number, owner, work.now, _until(work)):
            return None
        job = queries.by_number(work.session, number)
        assert job is not None
        return _of(job, queries.kept_refusals(work.session, number))


def _of(job: ImportJob, kept: int) -> _Job:
    return _Job(
        job.id, job.app_id, ImportKind(job.kind), job.path, job.format, job.mapping["delimiter"], tuple(job.columns),
        import_jobs.fields_of(job), job.list_id, job.bytes_done, job.rows_done, kept,
    )  # fmt: skip


def _until(work: Work) -> Any:
    return work.now + timedelta(seconds=max(work.core.settings.lease_seconds, 2 * BUDGET))


def _work_at(core: Core, job: _Job, owner: str, ends: float) -> None:
    try:
        with import_files.place(core, job.path).open("rb") as file:
            records = reader.records(file, job.format, job.delimiter, job.at)
            _pages(core, job, owner, ends, records)
    except OSError as error:
        _fail(core, job, owner, f"The file cannot be read: {error.strerror}.")
    except (DataError, IntegrityError):
        _fail(core, job, owner, f"The database refused rows after row {job.rows:,}; nothing of them was taken.")


def _pages(core: Core, job: _Job, owner: str, ends: float, records: Iterator[reader.Record]) -> None:
    """Page by page, one at least, until the file or the time ends, or the job is not this worker's any more."""
    converter = Converter(job.kind, job.fields)
    at, rows, kept = job.at, job.rows, job.kept
    while True:
        page = import_pages.read(list(islice(records, PAGE)), rows + 1, converter, job.columns)
        if not page.rows:
            _finish(core, job, owner, at)
            return
        refused = _commit(core, job, owner, at, page, MOST_REFUSALS - kept)
        if refused is None:
            return
        if time.monotonic() >= ends:
            return
        at, rows, kept = page.end, rows + page.rows, kept + refused
        time.sleep(REST)


@anew
def _commit(core: Core, job: _Job, owner: str, at: int, page: Page, room: int) -> int | None:
    """Takes a page in; how many rows were refused, None when the job is not this worker's any more."""
    with core.work(CLOCK, job.app_id) as work:
        if not queries.hold(work.session, job.number, owner, work.now, _until(work), at):
            return None
        taken = import_pages.take(work, job.kind, page, job.fields, job.list_number)
        queries.add_refusals(work.session, [_refusal(job.number, one) for one in taken.refusals[: max(0, room)]])
        queries.advance(
            work.session, job.number, page.end,
            rows_done=page.rows, rows_added=taken.added, rows_changed=taken.changed, rows_refused=len(taken.refusals),
        )  # fmt: skip
        return len(taken.refusals)


def _refusal(number: int, refusal: Refusal) -> dict[str, Any]:
    problems = [
        {"field": import_pages.storable(one.field), "message": import_pages.storable(one.message)}
        for one in refusal.problems
    ]
    return {"job_id": number, "row": refusal.row, "raw": refusal.raw, "problems": problems}


def _finish(core: Core, job: _Job, owner: str, at: int) -> None:
    with core.work(CLOCK, job.app_id) as work:
        if queries.hold(work.session, job.number, owner, work.now, _until(work), at):
            _end(work, job, state=ImportState.FINISHED)
    with core.work(CLOCK) as work:
        forget(work)


def _fail(core: Core, job: _Job, owner: str, sentence: str) -> None:
    with core.work(CLOCK, job.app_id) as work:
        if queries.hold(work.session, job.number, owner, work.now, _until(work)):
            _end(work, job, state=ImportState.FAILED, problem=sentence)


def _end(work: Work, job: _Job, **values: Any) -> None:
    ended = {"finished_at": work.now, "owner": None, "lease_until": None, **values}
    if values["state"] == ImportState.FINISHED:
        ended["bytes_done"] = ImportJob.bytes_total
    queries.change(work.session, job.number, [ImportState.RUNNING], **ended)
    row = queries.by_number(work.session, job.number)
    assert row is not None
    counts: Sequence[str] = ("rows_done", "rows_added", "rows_changed", "rows_refused")
    detail = {name: getattr(row, name) for name in counts}
    audit.record(work, f"import.{values['state']}", ids.public(work, ids.IMPORT, row.id), **detail)
