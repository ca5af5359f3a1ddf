"""HTTP/2 frames as bytes (RFC 9113), as far as a client writes them, and the errors of that layer."""

import struct
from collections.abc import Iterator, Mapping
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = 9
"""Bytes in front of each frame's payload."""
FRAME = 16_384
"""The largest payload that everybody takes; we offer no more than that."""
WINDOW = 65_535
"""Each flow control window before anybody says otherwise."""
LARGEST = 2**31 - 1
"""The largest window, and the largest stream id."""

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITISED = 0x20

_HEAD = struct.Struct(">HBBBL")
_SETTING = struct.Struct(">HL")
_GOAWAY = struct.Struct(">LL")


class Setting(IntEnum):
    """What a SETTINGS frame may say."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class ErrorCode(IntEnum):
    """Why a stream or a connection ended."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


def code_name(code: int) -> str:
    """The error code's name, or its number where nobody has named it."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return str(code)


class ProtocolError(Exception):
    """The peer broke the protocol; the connection cannot go on. `code` is what GOAWAY tells it."""

    def __init__(self, text: str, code: ErrorCode = ErrorCode.PROTOCOL_ERROR) -> None:
        super().__init__(text)
        self.code = code


def head(length: int, kind: int, flags: int, stream: int) -> bytes:
    """The nine bytes in front of a payload of `length` bytes."""
    return _HEAD.pack(length >> 8, length & 0xFF, kind, flags, stream)


def parse_head(data: bytes, at: int) -> tuple[int, int, int, int]:
    """(length, kind, flags, stream) of the frame that begins at `at`."""
    high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
    return high << 8 | low, kind, flags, stream & LARGEST


def settings(values: Mapping[Setting, int]) -> bytes:
    payload = b"".join(_SETTING.pack(name, value) for name, value in values.items())
    return head(len(payload), SETTINGS, 0, 0) + payload


def parse_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """(name, value) in the order of the frame. Raises `ProtocolError`."""
    if len(payload) % 6:
        raise ProtocolError("a SETTINGS frame of odd length", ErrorCode.FRAME_SIZE_ERROR)
    return _SETTING.iter_unpack(payload)


def window_update(stream: int, increment: int) -> bytes:
    return head(4, WINDOW_UPDATE, 0, stream) + increment.to_bytes(4, "big")


def rst_stream(stream: int, code: ErrorCode) -> bytes:
    return head(4, RST_STREAM, 0, stream) + code.to_bytes(4, "big")


def ping(payload: bytes, flags: int = 0) -> bytes:
    return head(8, PING, flags, 0) + payload


def goaway(code: ErrorCode) -> bytes:
    """A client's: it accepted no stream of the server's, so the last one is 0."""
    return head(8, GOAWAY, 0, 0) + _GOAWAY.pack(0, code)


def parse_goaway(payload: bytes) -> tuple[int, int, str]:
    """(last stream, error code, what the peer says about it). Raises `ProtocolError`."""
    if len(payload) < 8:
        raise ProtocolError("a short GOAWAY frame", ErrorCode.FRAME_SIZE_ERROR)
    last, code = _GOAWAY.unpack_from(payload)
    return last & LARGEST, code, payload[8:].decode("utf-8", "replace")[:200]


def number(payload: bytes, kind: str) -> int:
    """The one 32-bit number that the frame holds. Raises `ProtocolError`."""
    if len(payload) != 4:
        raise ProtocolError(f"a {kind} frame of {len(payload)} bytes", ErrorCode.FRAME_SIZE_ERROR)
    return int.from_bytes(payload, "big")


def header_frames(stream: int, block: bytes, end_stream: bool, largest: int) -> bytes:
    """HEADERS, followed by CONTINUATION where the block is larger than one frame may be."""
    flags = END_STREAM if end_stream else 0
    if len(block) <= largest:
        return head(len(block), HEADERS, flags | END_HEADERS, stream) + block
    parts = [head(largest, HEADERS, flags, stream), block[:largest]]
    for at in range(largest, len(block), largest):
        piece = block[at : at + largest]
        parts += (head(len(piece), CONTINUATION, END_HEADERS if at + largest >= len(block) else 0, stream), piece)
    return b"".join(parts)


def unpadded(flags: int, payload: bytes) -> bytes:
    """The payload without its padding. Raises `ProtocolError`."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ProtocolError("more padding than frame")
    return payload[1 : len(payload) - payload[0]]
