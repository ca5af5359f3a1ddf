"""HTTP/1.1 for those hosts whose originals speak it too: Google's, push services, and the control routes."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import h11

from backend.simulator.wire import Ending, Reply, Request, Session

_CHUNK = 65_536
_BODY_KEPT = 65_536


class Http1Connection(asyncio.Protocol):
    """One client's connection: a request at a time. `gone` is called at its end."""

    def __init__(self, session: Session, gone: Callable[["Http1Connection"], None]) -> None:
        self._session, self._gone = session, gone
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=_CHUNK)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._gone(self)

    def data_received(self, data: bytes) -> None:
        self._h11.receive_data(data)
        self._read()

    def _read(self) -> None:
        try:
            while not self._closing and self._h11.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                event = self._h11.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                self._take(event)
        except h11.RemoteProtocolError as error:
            self._refuse(error)

    def _take(self, event: object) -> None:
        match event:
            case h11.Request():
                self._request = event
                self._body.clear()
                if self._h11.they_are_waiting_for_100_continue:
                    self._write(h11.InformationalResponse(status_code=100, headers=[]))
            case h11.Data() if len(self._body) <= _BODY_KEPT:
                self._body += event.data
            case h11.EndOfMessage():
                self._answer()
            case h11.ConnectionClosed():
                self._transport.close()
                self._closing = True

    def _answer(self) -> None:
        assert self._request is not None
        reply = self._session.answer(_request(self._request, bytes(self._body)))
        if reply.delay > 0:
            asyncio.get_running_loop().call_later(reply.delay, self._finish, reply)
        else:
            self._finish(reply)

    def _finish(self, reply: Reply) -> None:
        if self._closing:
            return
        if reply.ending is Ending.SILENCE:
            return
        if reply.ending is not Ending.ANSWER:
            self._transport.abort()
            return
        headers = [*reply.headers, ("date", self._session.date)]
        if all(name != "content-length" for name, _ in headers):
            headers.append(("content-length", str(len(reply.body))))
        if reply.goaway:
            headers.append(("connection", "close"))
        self._write(h11.Response(status_code=reply.status, headers=headers, reason=_phrase(reply.status)))
        if reply.body:
            self._write(h11.Data(data=reply.body))
        self._write(h11.EndOfMessage())
        if self._h11.our_state is h11.MUST_CLOSE:
            self.close()
        elif self._h11.our_state is h11.DONE:
            self._h11.start_next_cycle()
            self._read()

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        """What is no HTTP/1.1 is answered once and ends the connection."""
        if self._h11.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            headers = [("content-length", "0"), ("connection", "close")]
            status = error.error_status_hint
            self._write(h11.Response(status_code=status, headers=headers, reason=_phrase(status)))
            self._write(h11.EndOfMessage())
        self.close()

    def _write(self, event: h11.Event) -> None:
        data = self._h11.send(event)
        if data:
            self._transport.write(data)

    def retire(self) -> None:
        """Ends it after the answer that is due."""
        if self._h11.our_state is h11.IDLE:
            self.close()

    @property
    def done(self) -> bool:
        """Nothing is owed to the client any more."""
        return self._closing or self._h11.our_state is h11.IDLE

    def close(self) -> None:
        self._closing = True
        self._transport.close()

    def abort(self) -> None:
        self._closing = True
        self._transport.abort()


def _request(event: h11.Request, body: bytes) -> Request:
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    for raw_name, raw_value in event.headers:
        name = raw_name.decode("latin-1")
        if name in headers:
            repeated.add(name)
        headers[name] = raw_value.decode("latin-1")
    target = event.target.decode("latin-1")
    return Request(event.method.decode(), target, headers.get("host", ""), headers, frozenset(repeated), body)


def _phrase(status: int) -> bytes:
    return HTTPStatus(status).phrase.encode()
