"""HPACK (RFC 7541): the header blocks we write, and the two decoders that read the peer's.

What we write is literals only: no table, so nothing can get out of step with the peer. What we read is
decoded by `jh2`'s decoder in Rust where its wheel has one, elsewhere by `hpack`'s in Python, which takes
ten times as long.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol

import hpack

LONGEST = 65_536
"""Bytes of header fields that we take in one answer, each counted with 32 more (RFC 9113 10.5.1)."""

Fields = Iterable[tuple[bytes, bytes]]


class HeaderError(Exception):
    """The peer's header block cannot be read, and so no later one of its connection can."""


class Decoder(Protocol):
    """Reads the header blocks of one connection, in the order they came."""

    def decode(self, block: bytes) -> Fields:
        """Raises `HeaderError`."""


class PythonDecoder:
    """`hpack`'s."""

    def __init__(self) -> None:
        self._decoder = hpack.Decoder(max_header_list_size=LONGEST)

    def decode(self, block: bytes) -> Fields:
        try:
            return self._decoder.decode(block, raw=True)
        except (hpack.HPACKError, IndexError, TypeError) as error:
            raise HeaderError(str(error)) from error


def _rust_module() -> Any:
    try:
        from jh2 import _hazmat
    except ImportError:  # the wheel for machines without a build of its own
        return None
    return _hazmat


_rust = _rust_module()


class RustDecoder:
    """`jh2`'s. A block that ends too early makes it panic, which reaches Python as a BaseException."""

    def __init__(self) -> None:
        self._decoder = _rust.Decoder(LONGEST)

    def decode(self, block: bytes) -> Fields:
        try:
            return [(name, value) for name, value, _ in self._decoder.decode(block, raw=True)]
        except (_rust.HPACKError, _rust.OversizedHeaderListError) as error:
            raise HeaderError(str(error)) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise HeaderError(str(error)) from error


DECODERS: dict[str, Callable[[], Decoder]] = {"hpack": PythonDecoder}
if _rust is not None:
    DECODERS["jh2"] = RustDecoder

new_decoder: Callable[[], Decoder] = DECODERS.get("jh2", PythonDecoder)
"""The faster of those that this machine has."""


_STATIC_NAMES = {":authority": 1, ":method": 2, ":path": 4, ":scheme": 6, "authorization": 23}
_STATIC_NAMES |= {"content-encoding": 26, "content-length": 28, "content-type": 31}
_NEVER_INDEXED, _NOT_INDEXED = 0x10, 0x00
_SECRET = frozenset({"authorization", ":path"})
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
def _name(name: str) -> bytes:
    """The start of a literal field: how it may be indexed, and its name."""
    flags = _NEVER_INDEXED if name in _SECRET else _NOT_INDEXED
    index = _STATIC_NAMES.get(name)
    if index is not None:
        return _integer(index, 4, flags)
    raw = name.encode()
    return bytes([flags]) + _integer(len(raw), 7, 0) + raw


@lru_cache(maxsize=4096)
def _length(length: int) -> bytes:
    return _integer(length, 7, 0)


def header_block(fields: Iterable[tuple[str, str]]) -> bytes:
    """The fields in HPACK, all as literals. Names are lower case."""
    parts: list[bytes] = []
    for name, value in fields:
        raw = value.encode()
        parts += (_name(name), _length(len(raw)), raw)
    return b"".join(parts)
