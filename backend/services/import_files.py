"""Uploaded files: written to the data folder piece by piece, recognised, brought to UTF-8, taken away again."""

import codecs
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend.bootstrap import Core
from backend.errors import Invalid, TooMuch
from backend.services import import_reader as reader

MAX_UPLOAD: Final = 2 * 1024**3
UTF8: Final = "UTF-8"
UTF16: Final = "UTF-16"
WINDOWS: Final = "Windows-1252"
_CODECS: Final = {"UTF-16": "utf-16", "UTF-16 LE": "utf-16-le", "UTF-16 BE": "utf-16-be", WINDOWS: "cp1252"}
_HEAD: Final = 4096
_BLOCK: Final = 1 << 20
_FOREIGN: Final = {
    b"PK\x03\x04": "is a ZIP or Excel file; save the sheet as CSV",
    b"\x1f\x8b": "is compressed; unpack it first",
    b"\xd0\xcf\x11\xe0": "is an old Excel file; save the sheet as CSV",
    b"%PDF": "is a PDF; save the table as CSV",
    b"SQLite format 3": "is a database; export its table as CSV",
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file as it lies in the folder, in UTF-8 by now."""

    name: str
    encoding: str
    size: int


class Upload:
    """A file on its way in. Call `write` for each piece, then `close` or `abandon`; none of it is kept in memory."""

    def __init__(self, core: Core, limit: int = MAX_UPLOAD) -> None:
        self._folder, self._limit = folder(core), limit
        self.name = secrets.token_hex(16)
        self._file = (self._folder / self.name).open("xb")
        self._size = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._wrong_at: int | None = None

    def write(self, piece: bytes) -> None:
        """Raises `TooMuch` over the limit."""
        if self._size + len(piece) > self._limit:
            raise TooMuch(f"A file has at most {self._limit // 1024**2:,} MB.")
        self._file.write(piece)
        if self._wrong_at is None:
            self._check(piece)
        self._size += len(piece)

    def _check(self, piece: bytes, *, final: bool = False) -> None:
        try:
            self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            self._wrong_at = max(0, self._size + error.start - 4)

    def close(self) -> Arrived:
        """Recognises the encoding and brings the file to UTF-8. Raises `Invalid` for what is no text."""
        if self._wrong_at is None:
            self._check(b"", final=True)
        self._file.close()
        path = self._folder / self.name
        encoding = _recognised(path, self._wrong_at)
        if encoding in _CODECS:
            _to_utf8(path, _CODECS[encoding])
        return Arrived(self.name, encoding.partition(" ")[0], path.stat().st_size)

    def abandon(self) -> None:
        self._file.close()
        (self._folder / self.name).unlink(missing_ok=True)


def folder(core: Core) -> Path:
    """Where files lie until they are taken in; only the server's own account may look."""
    path = core.settings.data_dir / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def place(core: Core, name: str) -> Path:
    return folder(core) / name


def remove(core: Core, name: str) -> bool:
    """Takes a file away; whether it was here: another machine may have it."""
    with suppress(FileNotFoundError):
        place(core, name).unlink()
        return True
    return False


def _recognised(path: Path, wrong_at: int | None) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not head.strip():
            raise Invalid("file", "is empty")
        for mark, sentence in _FOREIGN.items():
            if head.startswith(mark):
                raise Invalid("file", sentence)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return UTF16
        if wide := _wide(head):
            return wide
        if wrong_at is None:
            return UTF8
        file.seek(max(0, wrong_at - _HEAD))
        return _eight_bits(file.read(reader.SAMPLE_BYTES))


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: every other byte of western text is a NUL."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = max(1, len(head) // 2)
    if odd > 0.4 * half > even:
        return "UTF-16 LE"
    return "UTF-16 BE" if even > 0.4 * half > odd else ""


def _eight_bits(around: bytes) -> str:
    """What holds bytes that are no UTF-8: a text of Windows, unless there is more good UTF-8 than bad."""
    good = sum(not char.isascii() for char in around.decode("utf-8", "ignore"))
    bad = around.decode("utf-8", "replace").count("\ufffd")
    return UTF8 if good > bad else WINDOWS


def _to_utf8(path: Path, codec: str) -> None:
    made = path.with_suffix(".utf8")
    try:
        with made.open("wb") as file:
            for text in _decoded(path, codec):
                file.write(text.encode("utf-8", "replace"))
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def _decoded(path: Path, codec: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)("replace")
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield decoder.decode(block)
    yield decoder.decode(b"", final=True)
