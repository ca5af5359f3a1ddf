"""HTTP/2 without a network: `h2` bent to a client that must not lose a message.

Three things of `h2` 4 stand in the way. A GOAWAY closes its state machine, though RFC 9113 6.8 lets
the streams that the peer accepted finish. One bad frame throws away the events of the good frames
before it in the same read. Opening a stream walks over all open ones. And its HPACK encoder spends
more time on Huffman codes than the bytes they save are worth.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event
from h2.exceptions import FrameTooLargeError
from h2.settings import SettingCodes, Settings
from hpack import Encoder

_FRAME_HEADER = 9
_GOAWAY = 7
_MAX_FRAME = 16_384
_WINDOW = 1_048_576
_LAST_STREAM = 2**31 - 1_000
"""Stream ids end at 2**31 - 1; a connection that comes near is replaced."""
_SWEEP = 256
"""Closed streams are dropped from `h2`'s table once in so many, and not at every new one."""

_STATIC_NAMES = {b":authority": 1, b":method": 2, b":path": 4, b":scheme": 6, b"authorization": 23}
_STATIC_NAMES |= {b"content-encoding": 26, b"content-length": 28, b"content-type": 31}
_NEVER_INDEXED, _NOT_INDEXED = 0x10, 0x00
_SECRET = frozenset({b"authorization", b":path"})
"""`:path` holds a device's address: neither may enter a table that other requests could probe."""


def _integer(value: int, prefix_bits: int, flags: int) -> bytes:
    """RFC 7541 5.1."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([flags | value])
    octets, value = bytearray([flags | limit]), value - limit
    while value >= 128:
        octets.append(value % 128 + 128)
        value //= 128
    octets.append(value)
    return bytes(octets)


@lru_cache(maxsize=256)
def _name(name: bytes) -> bytes:
    """The start of a literal field: how it may be indexed, and its name."""
    flags = _NEVER_INDEXED if name in _SECRET else _NOT_INDEXED
    index = _STATIC_NAMES.get(name)
    if index is not None:
        return _integer(index, 4, flags)
    return bytes([flags]) + _integer(len(name), 7, 0) + name


@lru_cache(maxsize=4096)
def _length(length: int) -> bytes:
    return _integer(length, 7, 0)


def header_block(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The fields in HPACK, all as literals: no table, so nothing can get out of step with the peer."""
    parts: list[bytes] = []
    for name, value in fields:
        parts += (_name(name), _length(len(value)), value)
    return b"".join(parts)


class _ReadyMade(Encoder):
    """Gives `h2` the block we made; where the peer changed the table's size, it says that ours is 0."""

    _announce = b""

    @property
    def header_table_size(self) -> int:
        return 0

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        self._announce = b"\x20"

    def encode(self, headers: Sequence[tuple[bytes, bytes]], huffman: bool = False) -> bytes:  # type: ignore[override]
        announce, self._announce = self._announce, b""
        return announce + headers[1][1]


def _settings() -> Settings:
    return Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.MAX_FRAME_SIZE: _MAX_FRAME,
            SettingCodes.MAX_HEADER_LIST_SIZE: 65_536,
        },
    )


class Session(H2Connection):
    """The client's half of one HTTP/2 connection. Bytes in, events out; it never touches a socket."""

    MAX_CLOSED_STREAMS = 8_192

    def __init__(self) -> None:
        config = H2Configuration(
            client_side=True,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
        )
        super().__init__(config)
        self.encoder = _ReadyMade()
        self.local_settings = _settings()
        self.open_streams = 0
        self._closed_since_sweep = 0
        self._received = bytearray()
        self.initiate_connection()
        self.increment_flow_control_window(_WINDOW)

    @property
    def open_outbound_streams(self) -> int:
        return self.open_streams

    @property
    def exhausted(self) -> bool:
        """Whether the connection is near the end of its stream ids."""
        return self.highest_outbound_stream_id >= _LAST_STREAM

    def clear_outbound_data_buffer(self) -> None:
        """Does nothing: `h2` calls it at GOAWAY, and the bytes belong to streams the peer accepted."""

    def begin(self, block: bytes, end_stream: bool) -> int:
        """Opens a stream and gives back its id; the caller has checked that the peer allows one more."""
        stream = self.get_next_available_stream_id()
        self.send_headers(stream, ((b":method", b"POST"), (b":block", block)), end_stream=end_stream)
        self.open_streams += 1
        return stream

    def ended(self) -> None:
        """One stream less is open."""
        self.open_streams -= 1
        self._closed_since_sweep += 1
        if self._closed_since_sweep >= _SWEEP:
            self._closed_since_sweep = 0
            _ = super().open_outbound_streams  # h2 drops what is closed while it counts

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events in `data`, frame by frame, so that what came before a bad frame is kept.

        Raises `h2.exceptions.ProtocolError` where the peer breaks the protocol.
        """
        self._received += data
        start, buffer = 0, self._received
        try:
            while len(buffer) - start >= _FRAME_HEADER:
                length = int.from_bytes(buffer[start : start + 3], "big")
                if length > _MAX_FRAME:
                    raise FrameTooLargeError(f"a frame of {length} bytes")
                end = start + _FRAME_HEADER + length
                if end > len(buffer):
                    return
                frame, kind, start = buffer[start:end], buffer[start + 3], end
                yield from self._take(frame, kind)
        finally:
            del buffer[:start]

    def _take(self, frame: bytearray, kind: int) -> list[Event]:
        if kind != _GOAWAY:
            return self.receive_data(frame)
        state = self.state_machine.state
        events = self.receive_data(frame)
        self.state_machine.state = state
        return events
