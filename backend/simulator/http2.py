"""An HTTP/2 server over TLS on asyncio: one write a loop turn for many answers, and clean GOAWAYs.

Windows stay at HTTP/2's defaults (65 535 bytes) on purpose: a client that forgets flow control should
find out here.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import Encoder, HeaderTuple, NeverIndexedHeaderTuple

from backend.simulator.wire import Ending, Reply, Request, Session

HOST = "127.0.0.1"
_BODY_KEPT = 65_536
_LINGER = 1.0
_CONFIGURATION = H2Configuration(
    client_side=False,
    header_encoding=None,
    validate_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)
_NAME = re.compile(r":?[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"(?:[^\x00-\x20\x7f](?:[^\x00\r\n]*[^\x00-\x20\x7f])?)?")
_UNIQUE = frozenset({"apns-id", "location"})
_PSEUDO = frozenset({":method", ":scheme", ":authority", ":path"})
_NEEDED = frozenset({":method", ":scheme", ":path"})
_OF_CONNECTIONS = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})


@dataclass(slots=True)
class _Arriving:
    """A request that is not answered yet."""

    headers: dict[str, str]
    repeated: frozenset[str]
    body: bytearray = field(default_factory=bytearray)

    def complete(self) -> Request:
        headers = self.headers
        return Request(
            headers.get(":method", ""),
            headers.get(":path", ""),
            headers.get(":authority") or headers.get("host", ""),
            headers,
            self.repeated,
            bytes(self.body),
        )


class _Malformed(Exception):
    """The header list breaks RFC 9113, 8.2 and 8.3."""


def _arriving(fields: list[tuple[bytes, bytes]]) -> _Arriving:
    """h2 could check this as well, a character at a time; two regular expressions are ten times as fast."""
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    regular = False
    for raw_name, raw_value in fields:
        name = raw_name.decode("latin-1")
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(raw_value) or name in _OF_CONNECTIONS:
            raise _Malformed(name)
        if name in headers:
            repeated.add(name)
        if name[0] != ":":
            regular = True
        elif regular or name in repeated or name not in _PSEUDO:
            raise _Malformed(name)
        headers[name] = raw_value.decode("latin-1")
    if not headers.keys() >= _NEEDED:
        raise _Malformed("a pseudo header is missing")
    return _Arriving(headers, frozenset(repeated))


def _fields(reply: Reply) -> list[HeaderTuple | tuple[str, str]]:
    fields: list[HeaderTuple | tuple[str, str]] = [(":status", str(reply.status))]
    for name, value in reply.headers:
        # What differs each time would only push the rest out of the compression table.
        fields.append(NeverIndexedHeaderTuple(name, value) if name in _UNIQUE else (name, value))
    return fields


class _Encoder(Encoder):
    """Huffman coding in Python costs more than the bytes it saves on loopback."""

    def encode(self, headers: Any, huffman: bool = False) -> bytes:
        return super().encode(headers, huffman=False)


class _H2(H2Connection):
    """h2 without its limit of streams, which `Connection` keeps.

    h2 counts all streams again for each new one, which is quadratic in what is under way, and ends the whole
    connection where a provider refuses the one stream too many. It must only forget closed streams at times.
    """

    _asked = 0

    @property
    def open_inbound_streams(self) -> int:
        self._asked += 1
        if self._asked % 64 == 0:
            self._open_streams(1)
        return 0


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, session: Session, connections: set["Connection"]) -> None:
        self._session = session
        self._connections = connections
        self._h2 = _H2(_CONFIGURATION)
        self._h2.encoder = _Encoder()
        self._arriving: dict[int, _Arriving] = {}
        self._answering: set[int] = set()
        self._silent: set[int] = set()
        self._bodies: dict[int, memoryview] = {}
        self._streams = session.streams
        self._last: int | None = None
        self._leaving = self._flushing = False
        self._handlers: dict[type[Event], Callable[..., None]] = {
            RequestReceived: self._on_request,
            DataReceived: self._on_data,
            StreamEnded: self._on_end,
            StreamReset: self._on_reset,
            WindowUpdated: self._on_window,
            RemoteSettingsChanged: self._on_settings,
            ConnectionTerminated: self._on_goaway,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        tls = transport.get_extra_info("ssl_object")
        if tls is None or tls.selected_alpn_protocol() != "h2":
            transport.abort()
            return
        self._connections.add(self)
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: self._streams,
                SettingCodes.MAX_HEADER_LIST_SIZE: 65_536,
            },
        )
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._leaving = True
        self._arriving.clear()
        self._answering.clear()
        self._bodies.clear()

    def pause_writing(self) -> None:
        """A client that does not read its answers gets no more requests in: memory stays bounded."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self._flush()
            self._transport.close()
            return
        if self._h2.state_machine.state is ConnectionState.CLOSED:
            # The client said GOAWAY. For h2 that is the end; a client may still await what it has asked.
            self._h2.state_machine.state = ConnectionState.SERVER_OPEN
        for event in events:
            handler = self._handlers.get(type(event))
            if handler is not None and not self._transport.is_closing():
                handler(event)
        self._flush()

    def _on_request(self, event: RequestReceived) -> None:
        if self._last is not None and event.stream_id > self._last:
            return
        if len(self._arriving) + len(self._answering) + len(self._silent) >= self._streams:
            self._reset(event.stream_id, ErrorCodes.REFUSED_STREAM)
            return
        try:
            self._arriving[event.stream_id] = _arriving(event.headers)
        except _Malformed:
            self._reset(event.stream_id, ErrorCodes.PROTOCOL_ERROR)

    def _on_data(self, event: DataReceived) -> None:
        request = self._arriving.get(event.stream_id)
        if request is not None and len(request.body) <= _BODY_KEPT:
            request.body += event.data or b""
        self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)

    def _on_end(self, event: StreamEnded) -> None:
        request = self._arriving.pop(event.stream_id, None)
        if request is None:
            return
        reply = self._session.answer(request.complete())
        if self._session.streams > self._streams:
            self._streams = self._session.streams
            self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self._streams})
        self._answering.add(event.stream_id)
        if reply.goaway and self._last is None:
            self._goaway(event.stream_id)
        if reply.delay > 0:
            self._loop.call_later(reply.delay, self._finish_later, event.stream_id, reply)
        else:
            self._finish(event.stream_id, reply)

    def _finish_later(self, stream: int, reply: Reply) -> None:
        self._finish(stream, reply)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _finish(self, stream: int, reply: Reply) -> None:
        if stream not in self._answering:
            return
        self._answering.discard(stream)
        match reply.ending:
            case Ending.ANSWER:
                self._send(stream, reply)
            case Ending.REFUSE:
                self._reset(stream, ErrorCodes.REFUSED_STREAM)
            case Ending.RESET:
                self._reset(stream, ErrorCodes.INTERNAL_ERROR)
            case Ending.SILENCE:
                self._silent.add(stream)
            case Ending.HANG_UP:
                self._transport.abort()

    def _send(self, stream: int, reply: Reply) -> None:
        self._h2.send_headers(stream, _fields(reply), end_stream=not reply.body)
        if reply.body:
            self._bodies[stream] = memoryview(reply.body)
            self._pump(stream)

    def _pump(self, stream: int) -> None:
        """Sends as much of a body as the client's windows allow."""
        body = self._bodies.pop(stream)
        while body:
            room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._bodies[stream] = body
                return
            self._h2.send_data(stream, bytes(body[:room]), end_stream=len(body) <= room)
            body = body[room:]

    def _reset(self, stream: int, code: ErrorCodes) -> None:
        self._h2.reset_stream(stream, code)

    def _on_reset(self, event: StreamReset) -> None:
        stream = event.stream_id
        self._arriving.pop(stream, None)
        self._bodies.pop(stream, None)
        self._answering.discard(stream)
        self._silent.discard(stream)

    def _on_window(self, event: WindowUpdated) -> None:
        for stream in [event.stream_id] if event.stream_id else list(self._bodies):
            if stream in self._bodies:
                self._pump(stream)

    def _on_settings(self, event: RemoteSettingsChanged) -> None:
        for stream in list(self._bodies):
            self._pump(stream)

    def _on_goaway(self, event: ConnectionTerminated) -> None:
        self._last = self._last if self._last is not None else self._h2.highest_inbound_stream_id

    def retire(self) -> None:
        """Says GOAWAY, answers what is under way, and closes."""
        if self._last is None:
            self._goaway(self._h2.highest_inbound_stream_id)
        self._flush()

    def _goaway(self, last: int) -> None:
        self._last = last
        self._h2.close_connection(ErrorCodes.NO_ERROR, b'{"reason":"Shutdown"}', last)
        # h2 takes the connection for closed now and would refuse to send the answers still due.
        self._h2.state_machine.state = ConnectionState.SERVER_OPEN
        for stream in [stream for stream in self._arriving if stream > last]:
            del self._arriving[stream]

    def _flush(self) -> None:
        self._flushing = False
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)
        if self._last is not None and not self._leaving and not self._busy():
            # Closing while the client still writes would make the kernel reset the connection and throw
            # away answers that the client has not read: so the client gets a moment to close first.
            self._leaving = True
            self._loop.call_later(_LINGER, self._transport.close)

    def _busy(self) -> bool:
        return bool(self._arriving or self._answering or self._bodies)

    @property
    def done(self) -> bool:
        """Nothing is owed to the client any more."""
        return self._leaving

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


class Server:
    """Listens on loopback; each connection gets a session of its own."""

    def __init__(self, open_session: Callable[[], Session], context: ssl.SSLContext) -> None:
        self._open_session = open_session
        self._context = context
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Returns the port it listens on; 0 asks for any. Raises `OSError` where it is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._open_session(), self._connections),
            HOST,
            port,
            ssl=self._context,
            ssl_shutdown_timeout=0.5,
        )
        taken: int = self._server.sockets[0].getsockname()[1]
        return taken

    async def stop(self, patience: float = 1.0) -> None:
        """GOAWAY to all, at most `patience` seconds for what is under way, then the end."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.retire()
        await self._until(lambda: all(each.done for each in self._connections), patience)
        for connection in list(self._connections):
            connection.close()
        await self._until(lambda: not self._connections, patience)
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()

    async def _until(self, reached: Callable[[], bool], patience: float) -> None:
        for _ in range(int(patience / 0.01)):
            if reached():
                return
            await asyncio.sleep(0.01)


def tls_context(certificate: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, HTTP/2 only; `certificate` is the path of a PEM file with chain and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2"])
    return context
