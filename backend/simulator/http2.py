"""An HTTP/2 connection over TLS on asyncio: one write a loop turn for many answers, and clean GOAWAYs."""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from backend.simulator.engine import Engine
from backend.simulator.frames import LARGEST, Broken, Code, Fields
from backend.simulator.http1 import Http1Connection
from backend.simulator.wire import Ending, Goaway, Reply, Request, Session

HOST = "127.0.0.1"
OpenSession = Callable[[bytes | None], Session]
"""Makes a connection's session; it is handed the client's certificate (DER) where there is one."""

_LINGER = 1.0
_GRACE = 0.1
"""Seconds between the two GOAWAYs of a graceful retirement."""
_REASON = b'{"reason":"Shutdown"}'
_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME."""
_NAME = re.compile(rb":?[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"(?:[^\x00-\x20\x7f](?:[^\x00\r\n]*[^\x00-\x20\x7f])?)?")
_PSEUDO = frozenset({":method", ":scheme", ":authority", ":path"})
_NEEDED = frozenset({":method", ":scheme", ":path"})
_OF_CONNECTIONS = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
_NAMES_KNOWN = 1_000
_names: dict[bytes, str] = {}


class _Malformed(Exception):
    """The header list breaks RFC 9113, 8.1.1, 8.2 or 8.3."""


def _request(fields: Fields, body: bytes) -> Request:
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    regular = False
    for raw_name, raw_value in fields:
        name, value = _names.get(raw_name) or _good_name(raw_name), raw_value.decode("latin-1")
        if not (value.isprintable() and value == value.strip()) and not _VALUE.fullmatch(raw_value):
            raise _Malformed(name)
        if name in headers:
            repeated.add(name)
        if name[0] != ":":
            regular = True
        elif regular or name in repeated or name not in _PSEUDO:
            raise _Malformed(name)
        headers[name] = value
    if not headers.keys() >= _NEEDED or headers.get("content-length", str(len(body))) != str(len(body)):
        raise _Malformed("a pseudo header is missing, or the length is wrong")
    authority = headers.get(":authority") or headers.get("host", "")
    return Request(headers[":method"], headers[":path"], authority, headers, frozenset(repeated), body)


def _good_name(raw: bytes) -> str:
    """Names are few and come again and again, so each is looked at once."""
    name = raw.decode("latin-1")
    if not _NAME.fullmatch(raw) or name in _OF_CONNECTIONS:
        raise _Malformed(name)
    if len(_names) < _NAMES_KNOWN:
        _names[raw] = name
    return name


@dataclass(slots=True)
class Guests:
    """The connections that one opening of the door has let in; after its closing nobody is welcome."""

    welcome: bool = True
    inside: "set[Connection | Http1Connection]" = field(default_factory=set)


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, open_session: OpenSession, guests: Guests, *, http1: bool = False) -> None:
        self._open_session = open_session
        self._guests, self._http1 = guests, http1
        self._last: int | None = None
        self._leaving = self._flushing = self._retiring = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        tls = transport.get_extra_info("ssl_object")
        newer = tls.selected_alpn_protocol() == "h2"
        if not self._guests.welcome or not (newer or self._http1):
            transport.abort()
            return
        self._session = self._open_session(tls.getpeercert(binary_form=True))
        if not newer:
            self._speak_http1()
            return
        self._guests.inside.add(self)
        self._engine = Engine(self, self._session.streams)
        self._flush()

    def _speak_http1(self) -> None:
        """Hands the connection over."""
        older = Http1Connection(self._session, self._guests.inside.discard)
        self._guests.inside.add(older)
        self._transport.set_protocol(older)
        older.connection_made(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._guests.inside.discard(self)
        self._leaving = True

    def pause_writing(self) -> None:
        """A client that does not read its answers gets no more requests in: memory stays bounded."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        try:
            self._engine.feed(data)
        except Broken as error:
            self._engine.goaway(self._engine.highest, error.code, str(error).encode())
            self._flush()
            self._transport.close()
            return
        self._flush()

    def arrived(self, stream: int, fields: Fields, body: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            request = _request(fields, body)
        except _Malformed:
            self._engine.reset(stream, Code.PROTOCOL_ERROR)
            return
        reply = self._session.answer(request)
        if self._session.streams > self._engine.streams:
            self._engine.allow(self._session.streams)
        if reply.goaway and not self._retiring:
            self._retire(stream, reply.goaway)
        if reply.delay > 0:
            self._loop.call_later(reply.delay, self._finish_later, stream, reply)
        else:
            self._finish(stream, reply)

    def _finish_later(self, stream: int, reply: Reply) -> None:
        if self._transport.is_closing():
            return
        self._finish(stream, reply)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _finish(self, stream: int, reply: Reply) -> None:
        if not self._engine.is_open(stream):
            return
        match reply.ending:
            case Ending.ANSWER:
                headers = (*reply.headers, ("date", self._session.date))
                self._engine.answer(stream, reply.status, headers, reply.body)
            case Ending.REFUSE:
                self._engine.reset(stream, Code.REFUSED_STREAM)
            case Ending.RESET:
                self._engine.reset(stream, Code.INTERNAL_ERROR)
            case Ending.SILENCE:
                self._engine.keep_silent(stream)
            case Ending.HANG_UP:
                self._transport.abort()

    def leaving(self) -> None:
        self._last = self._engine.highest if self._last is None else self._last

    def retire(self) -> None:
        """Says GOAWAY, answers what is under way, and closes."""
        if self._last is None:
            self._goaway(self._engine.highest)
        self._flush()

    def _retire(self, stream: int, way: Goaway) -> None:
        self._retiring = True
        if way is Goaway.NOW:
            self._goaway(stream)
            return
        self._engine.goaway(LARGEST, Code.NO_ERROR, _REASON)
        self._loop.call_later(_GRACE, self.retire)

    def _goaway(self, last: int) -> None:
        self._last = last
        self._engine.goaway(last, Code.NO_ERROR, _REASON)

    def _flush(self) -> None:
        self._flushing = False
        if self._transport.is_closing():
            return
        data = self._engine.data_to_send()
        if data:
            self._transport.write(data)
        if self._last is not None and not self._leaving and not self._engine.busy:
            # Closing while the client still writes would make the kernel reset the connection and throw
            # away answers that the client has not read: so the client gets a moment to close first.
            self._leaving = True
            self._loop.call_later(_LINGER, self._transport.close)

    @property
    def done(self) -> bool:
        """Nothing is owed to the client any more."""
        return self._leaving

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


def tls_context(certificate: str, clients: str | None = None, *, http1: bool = False) -> ssl.SSLContext:
    """TLS 1.2 or newer; HTTP/2, and older HTTP where it may be; `certificate` is a PEM file with chain and key.

    With `clients`, the PEM of a root, a client may show a certificate of that root's. Python can refuse
    another root's only in the handshake; one that has expired is let in, for the session to refuse.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2", "http/1.1"] if http1 else ["h2"])
    if clients:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=clients)
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return context
