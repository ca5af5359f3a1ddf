"""Files on their way in, straight to the data folder: as the body itself, or as the one file of a form."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.requests import ClientDisconnect

from backend.api.deps import core_of
from backend.bootstrap import Core
from backend.errors import Invalid
from backend.services import import_files
from backend.services.import_files import Arrived, Upload

PIECE = 1 << 20
MAX_FIELD = 1000
MAX_FIELDS = 20
MAX_BOUNDARY = 70
"""Characters, by RFC 2046."""


@dataclass
class Received:
    """A file that has arrived, what the sender calls it, and the other fields of its form."""

    arrived: Arrived
    filename: str
    fields: dict[str, str]


async def receive(request: Request) -> Received:
    """Writes the body to a file as it comes. Raises `Invalid`, `TooMuch`; then nothing is kept."""
    form = _Form.of(request)
    upload = Upload(core_of(request))
    whole = False
    try:
        async for piece in _pieces(request, form):
            await asyncio.to_thread(upload.write, piece)
        if form and not form.has_file:
            raise Invalid("file", "is needed")
        arrived = await asyncio.to_thread(upload.close)
        whole = True
    except ClientDisconnect as error:
        raise Invalid("file", "did not arrive whole") from error
    finally:
        if not whole:
            upload.abandon()
    return Received(arrived, form.filename if form else "", form.fields if form else {})


async def _pieces(request: Request, form: "_Form | None") -> AsyncIterator[bytes]:
    """The file in pieces of about a megabyte: each is one hop to a thread."""
    held = bytearray()
    async for chunk in request.stream():
        held += form.file_of(chunk) if form else chunk
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


@dataclass
class _Form:
    """`multipart/form-data` read as it comes: the bytes of its file are handed on, its small fields are kept."""

    boundary: bytes
    filename: str = ""
    has_file: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    _name: str = ""
    _in_file: bool = False
    _header: bytes = b""
    _value: bytes = b""
    _text: bytearray = field(default_factory=bytearray)
    _file: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end")
        self._parser = MultipartParser(self.boundary, {f"on_{name}": getattr(self, f"_{name}") for name in names})  # type: ignore[arg-type]

    @classmethod
    def of(cls, request: Request) -> "_Form | None":
        kind = Message()
        kind["content-type"] = request.headers.get("content-type", "")
        if kind.get_content_type() != "multipart/form-data":
            return None
        boundary = kind.get_param("boundary")
        if not isinstance(boundary, str) or not boundary:
            raise Invalid("file", "comes in a form without a boundary")
        if len(boundary) > MAX_BOUNDARY:
            raise Invalid("file", f"comes in a form whose boundary has more than {MAX_BOUNDARY} characters")
        return cls(boundary.encode("latin-1", "replace"))

    def file_of(self, chunk: bytes) -> bytes:
        """What this piece of the body holds of the file."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise Invalid("file", "comes in a form that cannot be read") from error
        found = bytes(self._file)
        self._file.clear()
        return found

    def _part_begin(self) -> None:
        self._name, self._in_file = "", False
        self._text.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            told = Message()
            told["content-disposition"] = self._value.decode("utf-8", "replace")
            self._name = str(told.get_param("name", "", "content-disposition"))
            filename = told.get_filename()
            if filename is not None:
                self._open(filename)
        self._header = self._value = b""

    def _open(self, filename: str) -> None:
        if self.has_file:
            raise Invalid("file", "comes twice; send one file")
        self.filename, self.has_file, self._in_file = filename, True, True

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file += data[start:end]
        elif len(self._text) + end - start > MAX_FIELD:
            raise Invalid(self._name[:64] or "body", "is too long")
        else:
            self._text += data[start:end]

    def _part_end(self) -> None:
        if not self._in_file and self._name:
            if len(self.fields) >= MAX_FIELDS:
                raise Invalid("body", f"has more than {MAX_FIELDS} fields")
            self.fields[self._name] = self._text.decode("utf-8", "replace")


@contextmanager
def discarding(core: Core, received: Received) -> Iterator[None]:
    """Takes the file away again when the block fails."""
    kept = False
    try:
        yield
        kept = True
    finally:
        if not kept:
            import_files.remove(core, received.arrived.name)
