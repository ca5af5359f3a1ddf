"""The least that can stand behind a sender: it takes every push, looks at none, and counts.

For measuring what a sender costs, the far side must not be what is measured: the strict simulator spends as
much on a push as the sender does. The sink reads frame headers only, and answers with bytes made beforehand.
"""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from hpack import Decoder

from backend.simulator.authority import Authority, Endpoints
from backend.simulator.http2 import HOST, tls_context

_PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
_DATA, _HEADERS, _RST, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_WINDOW = 2**31 - 1 - 65_535
_TOKEN_REQUEST = (b"assertion=", b"grant_type=")


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


@dataclass(frozen=True, slots=True)
class Taste:
    """What one provider's sink says: header block (HPACK literals only) and body of its welcome."""

    block: bytes
    body: bytes = b""
    streams: int = 1_000
    echoes: bool = False

    def opening(self) -> bytes:
        """SETTINGS, and a connection window that never ends."""
        settings = (3).to_bytes(2, "big") + self.streams.to_bytes(4, "big")
        return _frame(_SETTINGS, 0, 0, settings) + _frame(8, 0, 0, _WINDOW.to_bytes(4, "big"))

    def answer(self, stream: int, echo: bytes = b"") -> bytes:
        if not self.body:
            return _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, self.block + echo)
        head = _frame(_HEADERS, _END_HEADERS, stream, self.block)
        return head + _frame(_DATA, _END_STREAM, stream, self.body)


def _token() -> Taste:
    answer = {"access_token": "ya29.sink", "expires_in": 3599, "token_type": "Bearer"}
    kind = b"\x0f\x10\x10application/json"
    return Taste(b"\x88" + kind, orjson.dumps(answer))


TASTES = {
    "apns": Taste(b"\x88", echoes=True),
    "fcm": Taste(b"\x88", b'{"name":"projects/tocsin-simulator/messages/0:1"}', streams=100),
    "webpush": Taste(b"\x08\x03201", streams=100),
}
_TOKEN = _token()


class Sink(asyncio.Protocol):
    """One connection; `taken` counts the pushes of all."""

    taken = 0

    def __init__(self, taste: Taste) -> None:
        self._taste, self._buffer, self._skip = taste, bytearray(), _PREFACE
        self._asking: set[int] = set()
        self._echoes: dict[int, bytes] = {}
        self._decoder = Decoder()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._taste.opening())

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at, out = self._skip, []
        while len(buffer) >= at + 9:
            end = at + 9 + int.from_bytes(buffer[at : at + 3], "big")
            if end > len(buffer):
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            reply = self._frame(kind, flags, int.from_bytes(buffer[at + 5 : at + 9], "big"), at + 9, end)
            if reply:
                out.append(reply)
            at = end
        if len(buffer) > at:
            del buffer[:at]
            self._skip = 0
        else:
            self._skip = at - len(buffer)
            buffer.clear()
        if out:
            self._transport.write(b"".join(out))

    def _frame(self, kind: int, flags: int, stream: int, start: int, end: int) -> bytes:
        if kind == _DATA and self._buffer.startswith(_TOKEN_REQUEST, start, end):
            self._asking.add(stream)
        if kind == _HEADERS and self._taste.echoes:
            self._echo(stream, bytes(self._buffer[start:end]))
        if kind in {_DATA, _HEADERS} and flags & _END_STREAM:
            return self._answer(stream)
        if kind == _SETTINGS and not flags & _ACK:
            return _frame(_SETTINGS, _ACK, 0, b"")
        if kind == _PING and not flags & _ACK:
            return _frame(_PING, _ACK, 0, bytes(self._buffer[start:end]))
        if kind == _GOAWAY:
            self._transport.close()
        return b""

    def _echo(self, stream: int, block: bytes) -> None:
        """Some clients know their answers by the `apns-id` alone; ours, which knows streams, writes it in clear."""
        if b"apns-id" in block:
            return
        for name, value in self._decoder.decode(block, raw=True):
            if name == b"apns-id":
                self._echoes[stream] = b"\x00\x07apns-id" + bytes((len(value),)) + value

    def _answer(self, stream: int) -> bytes:
        if stream in self._asking:
            self._asking.discard(stream)
            return _TOKEN.answer(stream)
        Sink.taken += 1
        return self._taste.answer(stream, self._echoes.pop(stream, b""))


async def serve(directory: Path) -> None:
    """Serves until SIGTERM on three free ports, whose addresses it writes into `endpoints.json`."""
    authority = Authority.load_or_create(directory)
    context = tls_context(str(authority.server_path))
    apns, fcm, webpush = [await _listen(taste, context) for taste in TASTES.values()]
    Endpoints(apns, fcm, webpush, os.getpid(), str(authority.ca_path.resolve())).write(directory)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


async def _listen(taste: Taste, context: ssl.SSLContext) -> str:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(taste), HOST, 0, ssl=context)
    return f"https://{HOST}:{server.sockets[0].getsockname()[1]}"


def main(arguments: Sequence[str]) -> None:
    """`python -m backend.simulator.sink DIRECTORY`."""
    asyncio.run(serve(Path(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
