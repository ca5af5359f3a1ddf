"""Imports: a file is uploaded, its columns are told what they become, it is tried, and taken in while one watches."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, Final

from backend.bootstrap import Core
from backend.db import Actor, Work
from backend.domain.vocabulary import ImportKind, ImportState
from backend.errors import Conflict, FieldError, Invalid, NotFound, WrongState
from backend.models import ImportJob
from backend.queries import imports as queries
from backend.services import audit, ids, import_files, import_mapping, import_pages, lists, page
from backend.services import import_reader as reader
from backend.services.import_files import Arrived
from backend.services.import_mapping import Converter, Field
from backend.services.import_pages import Refusal, Taken
from backend.services.page import Page

PREVIEW: Final = 20
SAMPLES: Final = 200
TRIED: Final = 1000
REMEMBERED: Final = 20
TOLD: Final = 50
S = ImportState


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import and how far it is. `rows_added` are new, `rows_changed` were known, `rows_refused` were not taken."""

    id: str
    kind: ImportKind
    format: str
    filename: str
    state: ImportState
    problem: str | None
    list_id: str | None
    encoding: str
    delimiter: str
    header: bool
    fields: tuple[Field, ...]
    bytes_total: int
    bytes_done: int
    rows_done: int
    rows_added: int
    rows_changed: int
    rows_refused: int
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows as they were read, a cell a column; `problem` is what is wrong with a row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What taking in the first rows would do; `refusals` are the first of them."""

    rows: int
    added: int
    changed: int
    refused: int
    refusals: tuple[Refusal, ...]


def add(work: Work, arrived: Arrived, *, kind: str, filename: str = "", list_id: str | None = None) -> ImportRow:
    """An import of a file that has arrived. Raises `Invalid` with a sentence for a file that cannot be read."""
    wanted = _kind(kind)
    job = ImportJob(
        app_id=work.app_id,
        kind=wanted,
        format=_format(work.core, arrived.name, filename),
        filename=import_pages.storable(filename.replace("\\", "/").rpartition("/")[2])[:255] or "file",
        path=arrived.name,
        list_id=_list_number(work, list_id),
        bytes_total=arrived.size,
        created_by=str(work.actor)[:200],
        created_at=work.now,
        mapping={"encoding": arrived.encoding, "delimiter": ",", "header": True},
    )
    _lay_out(work, job, delimiter=None, header=True)
    work.session.add(job)
    work.session.flush()
    row = _row(work, job)
    audit.record(work, "import.uploaded", row.id, filename=job.filename, kind=job.kind, bytes=job.bytes_total)
    return row


def get(work: Work, import_id: str) -> ImportRow:
    """An import of the app. Raises `NotFound`."""
    return _row(work, _found(work, import_id))


def listing(work: Work, *, cursor: str | None = None, limit: int = 50) -> Page[ImportRow]:
    """The app's imports, newest first."""
    found = queries.listing(work.session, work.app_id, page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda job: job.id, lambda job: _row(work, job))


def preview(work: Work, import_id: str) -> Preview:
    """The first rows. Raises `Conflict` when the file is gone."""
    job = _found(work, import_id)
    with _open(work.core, job) as file:
        records = list(islice(_records(job, file), PREVIEW))
    return Preview(tuple(job.columns), tuple(_cells(record, job.columns) for record in records))


def change(
    work: Work,
    import_id: str,
    *,
    fields: Sequence[Mapping[str, str]] | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    list_id: str | None = None,
) -> ImportRow:
    """Says what the columns become, or how the file is to be read (then the columns are guessed afresh).

    Raises `Invalid` naming each wrong field, `WrongState` once it was started.
    """
    job = _found(work, import_id)
    if job.state != S.UPLOADED:
        raise WrongState("change", job.state, [S.UPLOADED])
    if delimiter is not None and delimiter not in reader.DELIMITERS:
        raise Invalid("delimiter", f"must be one of {' '.join(reader.DELIMITERS)}".replace("\t", "tab"))
    if header is not None or delimiter is not None:
        now_header = job.mapping["header"] if header is None else header
        _lay_out(work, job, delimiter=delimiter or job.mapping["delimiter"], header=now_header)
    if fields is not None:
        chosen = _fields_in(fields)
        import_mapping.check(ImportKind(job.kind), job.columns, chosen)
        job.mapping = {**job.mapping, "fields": import_mapping.as_json(chosen)}
    if list_id is not None:
        job.list_id = _list_number(work, list_id)
    work.session.flush()
    return _row(work, job)


def check(core: Core, actor: Actor, app_id: int, import_id: str) -> Check:
    """Takes in the first thousand rows by the same code, and takes it back: the whole transaction is undone."""
    with core.reading(actor, app_id) as work:
        job = _found(work, import_id)
        fields = _ready(job)
        with _open(core, job) as file:
            records = list(islice(_records(job, file), TRIED))
    read = import_pages.read(records, 1, Converter(ImportKind(job.kind), fields), job.columns)
    tried: list[Taken] = []
    with suppress(_TakenBackError), core.work(actor, app_id) as work:
        tried.append(import_pages.take(work, ImportKind(job.kind), read, fields, job.list_id))
        raise _TakenBackError
    [taken] = tried
    return Check(len(records), taken.added, taken.changed, len(taken.refusals), taken.refusals[:TOLD])


class _TakenBackError(Exception):
    """A trial is over."""


def start(work: Work, import_id: str) -> ImportRow:
    """Sets the import going. Raises `Invalid` while its columns cannot be taken, `WrongState`."""
    job = _found(work, import_id)
    _ready(job)
    return _moved(work, job, "start", [S.UPLOADED], state=S.RUNNING, started_at=work.now)


def pause(work: Work, import_id: str) -> ImportRow:
    """Stops after the page under way."""
    return _moved(work, _found(work, import_id), "pause", [S.RUNNING], state=S.PAUSED, owner=None, lease_until=None)


def resume(work: Work, import_id: str) -> ImportRow:
    """Goes on where it stopped. Raises `Conflict` when the file of a failed one is gone, `WrongState`."""
    job = _found(work, import_id)
    if job.state == S.FAILED:
        _open(work.core, job).close()
    free = {"owner": None, "lease_until": None, "problem": None, "finished_at": None}
    return _moved(work, job, "resume", [S.PAUSED, S.FAILED], state=S.RUNNING, **free)


def cancel(work: Work, import_id: str) -> ImportRow:
    """Ends it for good; what was taken in stays."""
    alive = [S.UPLOADED, S.RUNNING, S.PAUSED, S.FAILED]
    ended = {"finished_at": work.now, "owner": None, "lease_until": None}
    return _moved(work, _found(work, import_id), "cancel", alive, state=S.CANCELLED, **ended)


def refusals(work: Work, import_id: str, after: int = 0, limit: int = 1000) -> tuple[Refusal, ...]:
    """A page of the refused rows, in the order of the file, after the row of that number."""
    rows = queries.refusals(work.session, _found(work, import_id).id, after, limit)
    return tuple(Refusal(row.row, row.raw, _errors(row.problems)) for row in rows)


def fields_of(job: ImportJob) -> tuple[Field, ...]:
    return import_mapping.from_json(job.mapping.get("fields", ()))


def _errors(stored: Sequence[Mapping[str, str]]) -> tuple[FieldError, ...]:
    return tuple(FieldError(one["field"], one["message"]) for one in stored)


def _kind(kind: str) -> ImportKind:
    try:
        return ImportKind(kind)
    except ValueError as error:
        raise Invalid("kind", f"must be one of {', '.join(ImportKind)}") from error


def _list_number(work: Work, list_id: str | None) -> int | None:
    if not list_id:
        return None
    try:
        lists.get(work, list_id)
    except NotFound as error:
        raise Invalid("list_id", "is not a list of this app") from error
    return ids.number(work, ids.LIST, list_id)


def _format(core: Core, name: str, filename: str) -> str:
    head = _head(core, name).lstrip()
    if head.startswith("["):
        raise Invalid("file", "is one JSON array; write one object a line")
    told = filename.lower().endswith((".jsonl", ".ndjson", ".json"))
    return reader.JSONL if head.startswith("{") or told else reader.CSV


def _head(core: Core, name: str) -> str:
    with import_files.place(core, name).open("rb") as file:
        return file.read(reader.SAMPLE_BYTES).removeprefix(reader.BOM).decode("utf-8", "replace")


def _lay_out(work: Work, job: ImportJob, *, delimiter: str | None, header: bool) -> None:
    """Reads the beginning of the file: its columns, where its rows begin, what the columns might become."""
    if job.format == reader.CSV:
        delimiter = delimiter or reader.sniff_delimiter(_head(work.core, job.path))
    job.mapping = {"encoding": job.mapping["encoding"], "delimiter": delimiter or ",", "header": header}
    job.bytes_done = 0
    with _open(work.core, job) as file:
        if job.format == reader.CSV:
            _name_columns(job, file)
        records = list(islice(_records(job, file), SAMPLES))
    _has_rows(job, records)
    if job.format == reader.JSONL:
        job.columns = _union(records)
    fields = _guessed(work, job, records)
    job.mapping = {**job.mapping, "fields": import_mapping.as_json(fields)}


def _has_rows(job: ImportJob, records: Sequence[reader.Record]) -> None:
    if not records:
        raise Invalid("file", "has a header and no rows" if job.mapping["header"] and job.bytes_done else "is empty")
    if all(record.problem for record in records):
        raise Invalid("file", f"cannot be read: its first row {records[0].problem}")


def _name_columns(job: ImportJob, file: BinaryIO) -> None:
    first = next(_records(job, file), None)
    if first is None:
        raise Invalid("file", "is empty")
    if first.problem:
        raise Invalid("file", f"cannot be read: its first row {first.problem}")
    if len(first.values) > reader.MAX_COLUMNS:
        raise Invalid("file", f"has {len(first.values):,} columns; at most {reader.MAX_COLUMNS} are taken")
    header = job.mapping["header"]
    job.columns = reader.named(
        [import_pages.storable(one) for one in first.values] if header else [""] * len(first.values)
    )
    job.bytes_done = first.end if header else 0


def _union(records: Sequence[reader.Record]) -> list[str]:
    """The columns of JSON Lines, in the order in which they come up."""
    names = dict.fromkeys(import_pages.storable(name) for record in records for name in record.values)
    if len(names) > reader.MAX_COLUMNS:
        raise Invalid("file", f"has {len(names):,} fields; at most {reader.MAX_COLUMNS} are taken")
    return [name for name in names if len(name) <= 100]


def _guessed(work: Work, job: ImportJob, records: Sequence[reader.Record]) -> tuple[Field, ...]:
    good = [record.values for record in records if not record.problem]
    samples = [[_cell(values, place, name) for values in good] for place, name in enumerate(job.columns)]
    return import_mapping.guess(ImportKind(job.kind), job.columns, samples, _remembered(work, job))


def _remembered(work: Work, job: ImportJob) -> dict[str, Field]:
    """How these columns were taken in the latest imports of this kind."""
    known: dict[str, Field] = {}
    for earlier in queries.last_started(work.session, job.app_id, job.kind, REMEMBERED):
        for field in fields_of(earlier):
            known.setdefault(field.column, field)
    return known


def _cell(values: Any, place: int, name: str) -> Any:
    if isinstance(values, Mapping):
        return values.get(name)
    return values[place] if place < len(values) else ""


def _cells(record: reader.Record, columns: Sequence[str]) -> tuple[str, ...]:
    if record.problem:
        return (f"This row {record.problem}", *[""] * (len(columns) - 1))
    cells = (_cell(record.values, place, name) for place, name in enumerate(columns))
    return tuple(import_pages.storable(_shown(one))[:200] for one in cells)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _records(job: ImportJob, file: BinaryIO) -> Iterator[reader.Record]:
    return reader.records(file, job.format, job.mapping["delimiter"], job.bytes_done)


def _open(core: Core, job: ImportJob) -> BinaryIO:
    try:
        return import_files.place(core, job.path).open("rb") if job.path else _gone()
    except FileNotFoundError:
        return _gone()


def _gone() -> BinaryIO:
    raise Conflict("The file is not here any more: it is kept until its import has ended.")


def _fields_in(given: Sequence[Mapping[str, str]]) -> tuple[Field, ...]:
    try:
        return tuple(_trimmed(Field(**one)) for one in given)
    except TypeError as error:
        raise Invalid("fields", "takes column, to, name and type") from error


def _trimmed(field: Field) -> Field:
    return field if field.to == import_mapping.ATTRIBUTE else replace(field, name="", type="text")


def _ready(job: ImportJob) -> tuple[Field, ...]:
    fields = fields_of(job)
    import_mapping.check(ImportKind(job.kind), job.columns, fields)
    if job.kind == ImportKind.LIST and job.list_id is None:
        raise Invalid("list_id", "says which list the people go to")
    return fields


def _moved(work: Work, job: ImportJob, verb: str, allowed: Sequence[S], **values: Any) -> ImportRow:
    """Changes the state by compare-and-set, so that of two who try at once one is told so."""
    if not queries.change(work.session, job.id, allowed, **values):
        work.session.refresh(job)
        raise WrongState(verb, job.state, allowed)
    work.session.refresh(job)
    row = _row(work, job)
    audit.record(work, f"import.{verb}", row.id, filename=job.filename, rows=job.rows_done)
    return row


def _found(work: Work, import_id: str) -> ImportJob:
    job = queries.find(work.session, work.app_id, ids.number(work, ids.IMPORT, import_id))
    if job is None:
        raise NotFound(f"There is no {import_id[:40]!r}.")
    return job


def _row(work: Work, job: ImportJob) -> ImportRow:
    told = job.mapping
    return ImportRow(
        id=ids.public(work, ids.IMPORT, job.id),
        kind=ImportKind(job.kind),
        format=job.format,
        filename=job.filename,
        state=S(job.state),
        problem=job.problem,
        list_id=ids.public(work, ids.LIST, job.list_id) if job.list_id else None,
        encoding=told.get("encoding", ""),
        delimiter=told.get("delimiter", ","),
        header=told.get("header", True),
        fields=fields_of(job),
        bytes_total=job.bytes_total,
        bytes_done=job.bytes_done,
        rows_done=job.rows_done,
        rows_added=job.rows_added,
        rows_changed=job.rows_changed,
        rows_refused=job.rows_refused,
        created_by=job.created_by,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )
