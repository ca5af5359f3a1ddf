"""Imports as the console shows them: lines of the history, and one import with its columns, rows and refusals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backend.domain.vocabulary import ImportKind, ImportState
from backend.errors import FieldError
from backend.services.import_jobs import Check, ImportRow, Preview
from backend.services.import_mapping import IGNORE, TARGETS, TYPES, Field
from backend.services.import_pages import Refusal
from console import routes, words
from console.words import NEVER, When

KIND = {ImportKind.USERS: "People", ImportKind.DEVICES: "Devices", ImportKind.LIST: "List members"}
FORMAT = {"csv": "CSV", "jsonl": "JSON Lines"}
DELIMITER = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
NAMED = {
    "user_id": "User id",
    "timezone": "Time zone",
    "lat": "Latitude",
    "lon": "Longitude",
    "fid": "Firebase installation id",
    "p256dh": "Subscription key p256dh",
    "auth": "Subscription key auth",
    "endpoint": "Subscription endpoint",
    "token": "Push token",
}
TYPE = {
    "text": "Text",
    "number": "Number",
    "boolean": "True or false",
    "date": "Date",
    "list": "List",
    "given": "As it stands",
}
LIVE = (ImportState.RUNNING,)
OVER = (ImportState.FINISHED, ImportState.CANCELLED, ImportState.FAILED)
SAMPLES = 3
Mark = tuple[float, int, int]
"""A moment (seconds), the rows and the bytes done by then."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of several."""

    value: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class ImportLine:
    """An import and how far it is, in words."""

    id: str = ""
    href: str = routes.IMPORTS
    filename: str = ""
    kind: str = ""
    state: str = ImportState.UPLOADED
    percent: float = 0.0
    rows: str = words.NOTHING
    refused: str = words.NOTHING
    some_refused: bool = False
    by: str = ""
    created: When = NEVER


@dataclass(frozen=True, slots=True)
class ImportPage:
    """One import in full. `rate` and `left` are known while it runs; `target` is where its people are."""

    line: ImportLine = ImportLine()
    problem: str = ""
    layout: str = ""
    csv: bool = False
    header: bool = True
    delimiter: str = ","
    needs_list: bool = False
    list_id: str = ""
    live: bool = False
    over: bool = False
    added: str = ""
    changed: str = ""
    changed_word: str = "Known before"
    rate: str = ""
    left: str = ""
    took: str = ""
    refusals: str = ""
    targets: tuple[Option, ...] = ()
    types: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column of the file and what it becomes; `problem` says why that cannot be."""

    place: int = 0
    column: str = ""
    sample: str = ""
    target: str = IGNORE
    name: str = ""
    kind: str = "text"
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A row as it was read."""

    number: str = ""
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """A row that is not taken, and why."""

    row: str = ""
    reason: str = ""
    held: str = ""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """What the first rows would do; `done` once they were tried."""

    done: bool = False
    rows: str = ""
    added: str = ""
    changed: str = ""
    refused: str = ""
    some_refused: bool = False
    refusals: tuple[RefusalLine, ...] = ()


NO_CHECK = CheckLine()
NO_PAGE = ImportPage()


def line(row: ImportRow, zone: str, now: datetime) -> ImportLine:
    done = row.bytes_done / row.bytes_total if row.bytes_total else 0.0
    return ImportLine(
        id=row.id,
        href=routes.file_import(row.id),
        filename=row.filename,
        kind=KIND[row.kind],
        state=row.state,
        percent=100.0 if row.state == ImportState.FINISHED else round(min(100.0, 100 * done), 1),
        rows=words.number(row.rows_done),
        refused=words.number(row.rows_refused),
        some_refused=row.rows_refused > 0,
        by=row.created_by.partition(" ")[2] or row.created_by,
        created=words.when(row.created_at, zone, now),
    )


def page(row: ImportRow, marks: Sequence[Mark], zone: str, now: datetime) -> ImportPage:
    rate, left = _speed(row, marks)
    took = (row.finished_at - row.started_at).total_seconds() if row.finished_at and row.started_at else None
    return ImportPage(
        line=line(row, zone, now),
        problem=row.problem or "",
        layout=", ".join([FORMAT[row.format], row.encoding, size(row.bytes_total)]),
        csv=row.format == "csv",
        header=row.header,
        delimiter=row.delimiter,
        needs_list=row.kind is ImportKind.LIST,
        list_id=row.list_id or "",
        live=row.state in LIVE,
        over=row.state in OVER,
        added=words.number(row.rows_added),
        changed=words.number(row.rows_changed),
        changed_word="In it before" if row.kind is ImportKind.LIST else "Known before",
        rate=rate,
        left=left,
        took=words.duration(took) if took is not None else "",
        refusals=f"/files/imports/{row.id}/refusals.csv",
        targets=targets(row.kind),
        types=tuple(Option(name, TYPE[name]) for name in TYPES if name != "given" or row.format == "jsonl"),
    )


def targets(kind: ImportKind) -> tuple[Option, ...]:
    """What a column may become."""
    named = [Option(one, NAMED.get(one, one.replace("_", " ").capitalize())) for one in TARGETS[kind]]
    return (Option(IGNORE, "Leave out"), *named)


def _speed(row: ImportRow, marks: Sequence[Mark]) -> tuple[str, str]:
    """Rows a second and the time that remains, by the last few looks."""
    if len(marks) < 2 or row.state not in LIVE:
        return "", ""
    (began, rows, size_then), (ended, rows_now, size_now) = marks[0], marks[-1]
    seconds = ended - began
    if seconds <= 0 or size_now <= size_then:
        return "", ""
    left = (row.bytes_total - size_now) / ((size_now - size_then) / seconds)
    return words.per_second((rows_now - rows) / seconds).replace("/s", " rows/s"), words.duration(left)


def size(count: int) -> str:
    """`3.4 MB`."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def columns(fields: Sequence[Field], preview: Preview) -> tuple[ColumnLine, ...]:
    return tuple(
        ColumnLine(place, one.column, _sample(preview, place), one.to, one.name, one.type)
        for place, one in enumerate(fields)
    )


def _sample(preview: Preview, place: int) -> str:
    seen = dict.fromkeys(row[place] for row in preview.rows if place < len(row) and row[place])
    return " · ".join(list(seen)[:SAMPLES])


def changed(lines: Sequence[ColumnLine], place: int, **values: str) -> tuple[ColumnLine, ...]:
    """The columns with one of them changed; what becomes an attribute gets its column's name."""
    return tuple(replace(one, **values) if one.place == place else one for one in lines)


def fields(lines: Sequence[ColumnLine]) -> list[dict[str, str]]:
    return [{"column": one.column, "to": one.target, "name": one.name, "type": one.kind} for one in lines]


def told(lines: Sequence[ColumnLine], errors: Sequence[FieldError]) -> tuple[tuple[ColumnLine, ...], str]:
    """Each error at its column, and the ones of no column in one sentence."""
    at = {one.field: one.message for one in errors}
    shown = tuple(replace(one, problem=_sentence(at.pop(f"fields[{one.place}]", ""))) for one in lines)
    return shown, " ".join(_sentence(message) for message in at.values())


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}." if message else ""


def preview_rows(preview: Preview) -> tuple[PreviewLine, ...]:
    return tuple(PreviewLine(str(number), row) for number, row in enumerate(preview.rows, 1))


def refusal(one: Refusal) -> RefusalLine:
    held = " · ".join(str(cell) for cell in one.raw.values() if cell)
    return RefusalLine(words.number(one.row), one.reason[:500], held[:200])


def check_line(found: Check) -> CheckLine:
    return CheckLine(
        done=True,
        rows=words.plural(found.rows, "row"),
        added=words.number(found.added),
        changed=words.number(found.changed),
        refused=words.number(found.refused),
        some_refused=found.refused > 0,
        refusals=tuple(refusal(one) for one in found.refusals[:10]),
    )
