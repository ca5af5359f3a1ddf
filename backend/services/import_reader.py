"""Rows out of a file, one after another, each with the place where it ends; never more than a row in memory.

CSV is read by Python's own reader in its strict way: a row whose quotation marks do not close is refused and
reading goes on at its next line. JSON Lines are objects, flattened to `attributes.plan`.
"""

import csv
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

CSV: Final = "csv"
JSONL: Final = "jsonl"
MAX_LINE: Final = 1 << 20
MAX_COLUMNS: Final = 500
BOM: Final = b"\xef\xbb\xbf"
DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLE_BYTES: Final = 1 << 16
SAMPLE_ROWS: Final = 20
_BLOCK: Final = 1 << 18
_TOO_LONG: Final = f"is longer than {MAX_LINE:,} bytes"
_NOT_UTF8: Final = "is not valid UTF-8"
_DEPTH: Final = 3
_LONE: Final = re.compile("[\udc80-\udcff]")
_PROBLEMS: Final = {
    "unexpected end of data": "has a quotation mark that is never closed",
    "field larger": "has a field of more than 131,072 characters: is a quotation mark never closed?",
    "expected after": "has text after a closing quotation mark",
}


@dataclass(frozen=True, slots=True)
class Record:
    """A row: its values (a list for CSV, a mapping for JSON Lines) or why it cannot be read, and where it ends."""

    end: int
    values: Any
    problem: str | None = None


class TooLongError(ValueError):
    """A line that is not held in memory; it has been passed over."""


class Lines:
    """The lines of a file as text, from an offset on; bytes that are no UTF-8 come as lone surrogates.

    `offset` is where the next line begins, `first_end` where the first one ended since it was last set to 0.
    """

    def __init__(self, file: BinaryIO, offset: int = 0) -> None:
        self._file = file
        self.first_end = 0
        self.seek(offset or self._after_mark())

    def _after_mark(self) -> int:
        self._file.seek(0)
        return len(BOM) if self._file.read(len(BOM)) == BOM else 0

    def seek(self, offset: int) -> None:
        self._file.seek(offset)
        self.offset = offset
        self._ready: deque[bytes] = deque()
        self._rest = b""
        self._ended = False

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if not self._ready:
            self._fill()
        line = self._ready.popleft()
        self._passed(len(line))
        if len(line) > MAX_LINE:
            raise TooLongError
        return line.decode("utf-8", "surrogateescape")

    def _passed(self, count: int) -> None:
        self.offset += count
        self.first_end = self.first_end or self.offset

    def _fill(self) -> None:
        """Reads until there is a whole line; the last piece waits, for its end may be the first half of CR LF."""
        while not self._ready:
            if self._ended:
                raise StopIteration
            block = self._file.read(_BLOCK)
            self._ended = not block
            lines = (self._rest + block).splitlines(keepends=True)
            self._rest = lines.pop() if lines and not self._ended else b""
            self._ready.extend(lines)
            if len(self._rest) > MAX_LINE:
                self._skip()

    def _skip(self) -> None:
        """Passes over a line that is too long, a block at a time; what was read before it is kept for later."""
        if self._ready:
            return
        passed, self._rest = len(self._rest), b""
        while block := self._file.read(_BLOCK):
            first = block.splitlines(keepends=True)[0]
            if first.endswith((b"\n", b"\r")):
                passed += len(first)
                break
            passed += len(block)
        self._passed(passed)
        self._file.seek(self.offset)
        raise TooLongError


def records(file: BinaryIO, form: str, delimiter: str = ",", offset: int = 0) -> Iterator[Record]:
    """The rows from this offset on; blank lines are none."""
    lines = Lines(file, offset)
    return _objects(lines) if form == JSONL else _rows(lines, delimiter)


def _rows(lines: Lines, delimiter: str) -> Iterator[Record]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.first_end = 0
        try:
            values = next(reader)
        except StopIteration:
            return
        except TooLongError:
            yield _again(lines, _TOO_LONG)
        except csv.Error as error:
            yield _again(lines, _sentence(str(error)))
        else:
            if values:
                yield Record(lines.offset, values, None if all(map(_sound, values)) else _NOT_UTF8)


def _again(lines: Lines, problem: str) -> Record:
    """Only the first line of what could not be read is given up: the rows after it are rows of their own."""
    if lines.first_end < lines.offset:
        lines.seek(lines.first_end)
    return Record(lines.offset, [], problem)


def _sentence(error: str) -> str:
    return next((said for part, said in _PROBLEMS.items() if part in error), f"cannot be read: {error}")


def _sound(text: str) -> bool:
    return text.isascii() or not _LONE.search(text)


def _objects(lines: Lines) -> Iterator[Record]:
    while True:
        lines.first_end = 0
        try:
            line = next(lines)
        except StopIteration:
            return
        except TooLongError:
            yield Record(lines.offset, {}, _TOO_LONG)
            continue
        if line.strip():
            values, problem = _object(line)
            yield Record(lines.offset, values, problem)


def _object(line: str) -> tuple[dict[str, Any], str | None]:
    if not _sound(line):
        return {}, _NOT_UTF8
    try:
        value = json.loads(line, parse_constant=_refuse)
    except RecursionError:
        return {}, "is nested too deeply"
    except ValueError as error:
        return {}, f"is not JSON: {error}"[:200]
    if not isinstance(value, dict):
        return {}, "must be a JSON object"
    flat: dict[str, Any] = {}
    _flatten("", value, flat, _DEPTH)
    if len(flat) > MAX_COLUMNS:
        return {}, f"has more than {MAX_COLUMNS} fields"
    return flat, None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _flatten(prefix: str, value: Mapping[str, Any], into: dict[str, Any], depth: int) -> None:
    for name, inner in value.items():
        if isinstance(inner, dict) and inner and depth > 1:
            _flatten(f"{prefix}{name}.", inner, into, depth - 1)
        else:
            into[prefix + name] = inner


def sniff_delimiter(head: str) -> str:
    """The character that parts the columns: the one by which the first rows have the most columns, equally many."""
    return max(DELIMITERS, key=lambda one: _score(head, one))


def _score(head: str, delimiter: str) -> tuple[float, int]:
    counts = []
    try:
        for row in csv.reader(head.splitlines(keepends=True), delimiter=delimiter):
            if row:
                counts.append(len(row))
            if len(counts) > SAMPLE_ROWS:
                break
    except csv.Error:
        return 0.0, 0
    if not counts or counts[0] < 2:
        return 0.0, 0
    return sum(count == counts[0] for count in counts) / len(counts), counts[0]


def named(header: Sequence[str]) -> list[str]:
    """The columns' names, each once: the second `email` is `email (2)`, one without a name `Column 3`."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        base = " ".join(cell.replace("\0", "").split())[:100] or f"Column {place}"
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base} ({count})"
        names.append(name)
    return names
