"""HTTP/2 frames as bytes (RFC 9113, 4 and 6), and header blocks (RFC 7541) as a server reads and writes them.

Header blocks are written as literals, so that no table can get out of step. They are read by `jh2`'s
decoder in Rust where its wheel has one, by `hpack`'s in Python elsewhere, which takes thirty times as long.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from types import TracebackType
from typing import Any

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITISED = 0x4, 0x8, 0x20
HEAD = 9
FRAME = 16_384
WINDOW = 65_535
LARGEST = 2**31 - 1
LONGEST_HEADERS = 65_536
"""Bytes of header fields in one request, each counted with 32 more (RFC 9113 10.5.1)."""

Fields = Sequence[tuple[bytes, bytes]]


class Setting(IntEnum):
    """RFC 9113 6.5.2."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class Code(IntEnum):
    """RFC 9113 7."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9


class Broken(Exception):
    """The client breaks the protocol so that the connection must end."""

    def __init__(self, why: str, code: Code = Code.PROTOCOL_ERROR) -> None:
        super().__init__(why)
        self.code = code


_HEAD = struct.Struct("!HBBBL")
_PAIR = struct.Struct("!HL")
_NUMBER = struct.Struct("!L")


def read_head(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Length, type, flags and stream of the frame that begins there."""
    high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
    return high << 8 | low, kind, flags, stream & LARGEST


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    length = len(payload)
    return _HEAD.pack(length >> 8, length & 0xFF, kind, flags, stream) + payload


def settings(values: Iterable[tuple[Setting, int]]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(_PAIR.pack(name, value) for name, value in values))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """Raises `Broken`."""
    if len(payload) % 6:
        raise Broken("SETTINGS of a wrong length", Code.FRAME_SIZE_ERROR)
    return list(_PAIR.iter_unpack(payload))


def number(payload: bytes) -> int:
    """The 31 bits that WINDOW_UPDATE and others carry. Raises `Broken`."""
    if len(payload) != 4:
        raise Broken("a number of a wrong length", Code.FRAME_SIZE_ERROR)
    value: int = _NUMBER.unpack(payload)[0]
    return value & LARGEST


def window_update(stream: int, size: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, _NUMBER.pack(size))


def rst_stream(stream: int, code: Code) -> bytes:
    return frame(RST_STREAM, 0, stream, _NUMBER.pack(code))


def goaway(last: int, code: Code, reason: bytes) -> bytes:
    return frame(GOAWAY, 0, 0, _NUMBER.pack(last) + _NUMBER.pack(code) + reason)


def unpadded(flags: int, payload: bytes) -> bytes:
    """Raises `Broken`."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise Broken("more padding than frame")
    return payload[1 : len(payload) - payload[0]]


class PythonDecoder:
    """`hpack`'s."""

    def __init__(self) -> None:
        self._decoder = hpack.Decoder(max_header_list_size=LONGEST_HEADERS)

    def decode(self, block: bytes) -> Fields:
        """Raises `Broken`."""
        try:
            return [(name, value) for name, value in self._decoder.decode(block, raw=True)]
        except (hpack.HPACKError, IndexError, TypeError) as error:
            raise Broken(str(error), Code.COMPRESSION_ERROR) from error


def _rust_module() -> Any:
    try:
        from jh2 import _hazmat
    except ImportError:  # a machine for which there is no wheel with the Rust module
        return None
    return _hazmat


_rust = _rust_module()


class _Panics:
    """Turns what a panic in Rust becomes, which is no `Exception`, into `Broken`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None and kind.__name__ == "PanicException":
            raise Broken(str(error), Code.COMPRESSION_ERROR) from error


class RustDecoder:
    """`jh2`'s."""

    def __init__(self) -> None:
        self._decoder = _rust.Decoder(LONGEST_HEADERS)

    def decode(self, block: bytes) -> Fields:
        """Raises `Broken`."""
        try:
            with _Panics():
                return [(name, value) for name, value, _ in self._decoder.decode(block, raw=True)]
        except (_rust.HPACKError, _rust.OversizedHeaderListError) as error:
            raise Broken(str(error), Code.COMPRESSION_ERROR) from error


DECODERS: dict[str, Callable[[], PythonDecoder | RustDecoder]] = {"hpack": PythonDecoder}
if _rust is not None:
    DECODERS["jh2"] = RustDecoder
new_decoder = DECODERS.get("jh2", PythonDecoder)
"""The faster of those that this machine has."""

_NAMES = {"cache-control": 24, "content-length": 28, "content-type": 31, "date": 33, "location": 46, "retry-after": 53}
_STATUSES = {200: b"\x88", 204: b"\x89", 400: b"\x8c", 404: b"\x8d", 500: b"\x8e"}
_STATUS_NAME = 8


def _integer(value: int, prefix_bits: int) -> bytes:
    """RFC 7541 5.1."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([value])
    octets, value = bytearray([limit]), value - limit
    while value >= 128:
        octets.append(value % 128 + 128)
        value //= 128
    octets.append(value)
    return bytes(octets)


@lru_cache(maxsize=64)
def _name(name: str) -> bytes:
    """The start of a literal field that is not indexed."""
    index = _NAMES.get(name)
    return _integer(index, 4) if index else b"\0" + _text(name)


@lru_cache(maxsize=1024)
def _text(text: str) -> bytes:
    raw = text.encode("latin-1")
    return _integer(len(raw), 7) + raw


@lru_cache(maxsize=128)
def _status(status: int) -> bytes:
    return _STATUSES.get(status) or _integer(_STATUS_NAME, 4) + _text(str(status))


def header_block(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """A reply's headers, names in lower case."""
    parts = [_status(status)]
    for name, value in headers:
        raw = value.encode("latin-1")
        size = len(raw)
        parts += (_name(name), bytes((size,)) if size < 127 else _integer(size, 7), raw)
    return b"".join(parts)
