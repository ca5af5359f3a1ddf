"""People written out as CSV or JSON Lines: a page at a time, so that everybody takes no more memory than a few.

Texts that a spreadsheet would calculate get an apostrophe in front, which an import takes off again.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.bootstrap import Core
from backend.db import Actor, Work
from backend.errors import Invalid
from backend.queries import audience
from backend.queries import export as queries
from backend.queries import segments as compiler
from backend.services import audit, ids, import_jobs, lists, segmentation

FORMATS: Final = ("csv", "jsonl")
MEDIA: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
BOM: Final = "\ufeff"
PAGE: Final = 1000
PROFILE: Final = (
    "user_id",
    "id",
    "language",
    "country",
    "timezone",
    "lat",
    "lon",
    "sessions",
    "first_seen",
    "last_active",
)
OTHER: Final = "other_attributes"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
Numbers = Callable[[Work, int], list[int]]


@dataclass(frozen=True, slots=True)
class Export:
    """A file that is made while it is sent: call `pieces` once."""

    filename: str
    media_type: str
    pieces: Iterator[str]


def everyone(core: Core, actor: Actor, app_id: int, form: str, *, bom: bool = False) -> Export:
    """All people of the app. Raises `Invalid` for an unknown format."""

    def numbers(work: Work, after: int) -> list[int]:
        return queries.matching(work.session, compiler.in_app(work.app_id), after, PAGE)

    return _export(core, actor, app_id, "people", "", form, bom, lambda _work: numbers)


def segment(core: Core, actor: Actor, app_id: int, segment_id: str, form: str, *, bom: bool = False) -> Export:
    """The people for whom a segment is true. Raises `NotFound`."""

    def prepared(work: Work) -> Numbers:
        where = segmentation.condition(work, segmentation.get(work, segment_id).rules)
        return lambda reading, after: queries.matching(reading.session, where, after, PAGE)

    return _export(core, actor, app_id, "segment", segment_id, form, bom, prepared)


def static_list(core: Core, actor: Actor, app_id: int, list_id: str, form: str, *, bom: bool = False) -> Export:
    """The people of a list. Raises `NotFound`."""

    def prepared(work: Work) -> Numbers:
        number = ids.number(work, ids.LIST, lists.get(work, list_id).id)
        return lambda reading, after: queries.members(reading.session, number, after, PAGE)

    return _export(core, actor, app_id, "list", list_id, form, bom, prepared)


def _export(
    core: Core,
    actor: Actor,
    app_id: int,
    what: str,
    subject: str,
    form: str,
    bom: bool,
    prepared: Callable[[Work], Numbers],
) -> Export:
    if form not in FORMATS:
        raise Invalid("format", f"must be one of {', '.join(FORMATS)}")
    with core.work(actor, app_id) as work:
        numbers = prepared(work)
        names = queries.attribute_names(work.session, work.app_id) if form == "csv" else []
        audit.record(work, f"{what}.exported", subject, format=form)
        day = f"{work.now:%Y-%m-%d}"
    pages = _pages(core, actor, app_id, numbers)
    pieces = _csv(pages, names, bom=bom) if form == "csv" else _jsonl(pages)
    return Export(f"{what}-{day}.{form}", MEDIA[form], pieces)


def _pages(core: Core, actor: Actor, app_id: int, numbers: Numbers) -> Iterator[list[dict[str, Any]]]:
    """People as mappings; each page is a transaction of its own, so that none stays open while the other side reads."""
    after = 0
    while True:
        with core.reading(actor, app_id) as work:
            chosen = numbers(work, after)
            people = _people(work, chosen) if chosen else []
        if not chosen:
            return
        after = chosen[-1]
        yield people


def _people(work: Work, numbers: Sequence[int]) -> list[dict[str, Any]]:
    devices: dict[int, list[dict[str, str]]] = {}
    for one in queries.devices(work.session, numbers):
        devices.setdefault(one.user_id, []).append({"platform": one.platform, "state": one.state})
    rows = audience.users(work.session, work.app_id, numbers)
    return [_person(work, row, devices.get(row.id, [])) for row in rows]


def _person(work: Work, row: Any, devices: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "user_id": row.external_id,
        "id": ids.public(work, ids.USER, row.id),
        "language": row.language,
        "country": row.country,
        "timezone": row.timezone,
        "lat": row.latitude,
        "lon": row.longitude,
        "sessions": row.sessions,
        "first_seen": row.first_seen.isoformat(),
        "last_active": row.last_active.isoformat() if row.last_active else None,
        "attributes": row.attributes,
        "devices": devices,
    }


def _jsonl(pages: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    for people in pages:
        yield "".join(json.dumps(person, ensure_ascii=False) + "\n" for person in people)


def _csv(pages: Iterator[list[dict[str, Any]]], names: Sequence[str], *, bom: bool) -> Iterator[str]:
    header = [*PROFILE, *(f"attributes.{name}" for name in names), OTHER, "devices"]
    yield (BOM if bom else "") + lines([header])
    for people in pages:
        yield lines([_cells(person, names) for person in people])


def _cells(person: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """What the header has no column for goes into one of its own, so that nothing is left out."""
    attributes = person["attributes"]
    other = {name: value for name, value in attributes.items() if name not in names}
    devices = "; ".join(f"{one['platform']} {one['state']}" for one in person["devices"])
    rest = json.dumps(other, ensure_ascii=False) if other else ""
    return [*(person[name] for name in PROFILE), *(attributes.get(name) for name in names), rest, devices]


def refusals(core: Core, actor: Actor, app_id: int, import_id: str) -> Export:
    """The refused rows of an import as CSV: row number, reason, and the columns as they stood. Raises `NotFound`."""
    with core.reading(actor, app_id) as work:
        job = import_jobs.get(work, import_id)
    columns = [field.column for field in job.fields]
    name = f"{job.filename.rpartition('.')[0] or job.filename} refused.csv"
    return Export(name, MEDIA["csv"], _refused(core, actor, app_id, import_id, columns))


def _refused(core: Core, actor: Actor, app_id: int, import_id: str, columns: Sequence[str]) -> Iterator[str]:
    yield lines([["row", "reason", *columns]])
    after = 0
    while True:
        with core.reading(actor, app_id) as work:
            page = import_jobs.refusals(work, import_id, after, PAGE)
        if not page:
            return
        after = page[-1].row
        yield lines([[one.row, one.reason, *(one.raw.get(name, "") for name in columns)] for one in page])


def lines(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as RFC 4180 has them, harmless to spreadsheets."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([[_cell(value) for value in row] for row in rows])
    return written.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
