"""One HTTP/2 connection: many requests at once, one TLS write a loop turn."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from backend.providers.exchange import Call, Limits, NotSent, Unknown
from backend.providers.http2 import Session


class Owner(Protocol):
    """Who hands out requests to connections."""

    def roomier(self, connection: "Connection") -> None:
        """The connection may have room for more requests."""

    def retired(self, connection: "Connection") -> None:
        """The connection takes no new requests; those it has go on."""

    def lost(self, connection: "Connection", failed: bool) -> None:
        """The connection is gone; `failed` when that was no orderly end."""

    def refused(self, calls: Sequence[Call], reason: str, *, wait: bool) -> None:
        """The peer has not processed these; `wait` when offering them again at once would be rude."""


class Connection(asyncio.Protocol):
    """A client connection, from TLS to its last answer. Its owner opens no more than `free()`."""

    def __init__(self, owner: Owner, limits: Limits) -> None:
        self._owner, self._limits = owner, limits
        self._loop = asyncio.get_running_loop()
        self._session = Session()
        self._calls: dict[int, Call] = {}
        self._blocked: dict[int, Call] = {}
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._flushing = self._full = self._retired = self._closing = False
        self._flushed_stream = 0
        self._heard = self._used = self._loop.time()
        self._pinged: float | None = None
        self._end_reason = "connection_lost"
        self.answered = 0
        self.ready: asyncio.Future[None] = self._loop.create_future()
        """Done when the peer's SETTINGS are here; fails with NotSent."""
        self.closed: asyncio.Future[None] = self._loop.create_future()

    # What the owner may ask

    @property
    def is_ready(self) -> bool:
        return self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None

    @property
    def busy(self) -> bool:
        return bool(self._calls)

    def free(self) -> int:
        """How many requests may be opened now."""
        if self._retired or self._full or self._session.outbound_flow_control_window <= 0:
            return 0
        offered = min(self._session.remote_settings.max_concurrent_streams, self._limits.streams)
        return offered - len(self._calls)

    def open(self, call: Call) -> None:
        """Puts the request on a stream; it leaves with all others of this loop turn."""
        stream = self._session.begin(call.block, end_stream=not call.body)
        call.stream, self._calls[stream] = stream, call
        self._used = self._loop.time()
        if call.body:
            self._send_body(stream, call)
        if self._session.exhausted:
            self._retire()
        self._flush_soon()

    def abandon(self, call: Call) -> bool:
        """Resets the request's stream and lives on; False when the request is not on this connection."""
        if self._calls.get(call.stream) is not call:
            return False
        self._reset(call.stream)
        self._forget(call.stream)
        self._settle()
        return True

    def close(self, reason: str = "closed") -> None:
        """Says GOAWAY and hangs up; requests still open become unknown."""
        self._end_reason, self._closing = reason, True
        self._retire()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._session.close_connection()
        self._flush()
        transport.close()

    def abort(self, reason: str) -> None:
        """Hangs up at once."""
        self._end_reason, self._closing = reason, True
        self._retire()
        if self._transport is not None:
            self._transport.abort()

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is None or tls.selected_alpn_protocol() != "h2":
            self.abort("the peer does not speak HTTP/2 over TLS")
            return
        self._heard = self._loop.time()
        self._flush()
        self._watch_later()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        self._heard, self._pinged = self._loop.time(), None
        try:
            for event in self._session.feed(data):
                handle = _HANDLERS.get(type(event))
                if handle is not None:
                    handle(self, event)
        except ProtocolError as error:
            self._flush()
            self.abort(f"protocol_error: {error}")
            return
        self._settle()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._owner.roomier(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        failed = bool(self._calls) or self.answered == 0
        unsent = [c for s, c in self._calls.items() if s > self._flushed_stream]
        for stream, call in self._calls.items():
            if stream <= self._flushed_stream:
                call.fail(Unknown(self._end_reason))
        self._calls.clear()
        self._blocked.clear()
        self._retired = True
        self._not_ready(self._end_reason)
        if not self.closed.done():
            self.closed.set_result(None)
        if unsent:
            self._owner.refused(unsent, self._end_reason, wait=False)
        self._owner.lost(self, failed)

    # What HTTP/2 tells

    def _on_settings(self, event: events.RemoteSettingsChanged) -> None:
        if not self.ready.done():
            self.ready.set_result(None)
        self._unblock()

    def _on_window(self, event: events.WindowUpdated) -> None:
        self._unblock()

    def _on_headers(self, event: events.ResponseReceived) -> None:
        call = self._calls.get(event.stream_id)
        if call is None:
            return
        for name, value in event.headers:
            call.answer[name.decode("latin-1")] = value.decode("latin-1")
        status = call.answer.pop(":status", "")
        call.status = int(status) if status.isdecimal() else 0

    def _on_data(self, event: events.DataReceived) -> None:
        stream = event.stream_id
        self._session.acknowledge_received_data(event.flow_controlled_length, stream)
        call = self._calls.get(stream)
        if call is None:
            return
        room = self._limits.answer_bytes - call.size
        call.chunks.append(event.data[:room])
        call.size += len(event.data)
        if len(event.data) > room:
            self._reset(stream)
            self._finish(stream)

    def _on_end(self, event: events.StreamEnded) -> None:
        if event.stream_id in self._blocked:
            self._reset(event.stream_id)
        self._finish(event.stream_id)

    def _on_reset(self, event: events.StreamReset) -> None:
        call = self._forget(event.stream_id)
        if call is None:
            return
        if event.remote_reset and event.error_code == ErrorCodes.REFUSED_STREAM:
            self._owner.refused([call], "refused_stream", wait=True)
        else:
            call.fail(Unknown(f"stream_reset {_code(event.error_code)}"))

    def _on_goaway(self, event: events.ConnectionTerminated) -> None:
        last = event.last_stream_id or 0
        spared = [stream for stream in self._calls if stream > last]
        calls = [call for call in map(self._forget, spared) if call is not None]
        reason = (event.additional_data or b"").decode("utf-8", "replace")[:200]
        self._retire()
        if calls:
            reason = f"goaway {_code(event.error_code)} {reason}".rstrip()
            self._owner.refused(calls, reason, wait=False)

    # Streams

    def _finish(self, stream: int) -> None:
        call = self._forget(stream)
        if call is not None:
            self.answered += 1
            call.succeed()

    def _forget(self, stream: int) -> Call | None:
        call = self._calls.pop(stream, None)
        if call is not None:
            self._blocked.pop(stream, None)
            self._session.ended()
        return call

    def _reset(self, stream: int) -> None:
        if not self._closing:
            self._session.reset_stream(stream, ErrorCodes.CANCEL)

    def _send_body(self, stream: int, call: Call) -> None:
        """As much as the windows allow; the rest waits in `_blocked` for them to open."""
        session, size = self._session, len(call.body)
        while call.sent < size:
            window = min(session.local_flow_control_window(stream), session.max_outbound_frame_size)
            if window <= 0:
                self._blocked[stream] = call
                return
            piece = call.body[call.sent : call.sent + window]
            call.sent += len(piece)
            session.send_data(stream, piece, end_stream=call.sent == size)
        self._blocked.pop(stream, None)

    def _unblock(self) -> None:
        for stream, call in list(self._blocked.items()):
            self._send_body(stream, call)

    # The connection as a whole

    def _retire(self) -> None:
        if not self._retired:
            self._retired = True
            self._owner.retired(self)

    def _settle(self) -> None:
        """After anything happened: write, and close or ask for more."""
        self._flush_soon()
        if not self._retired:
            self._owner.roomier(self)
        elif not self._calls and not self._closing:
            self.close()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        data = self._session.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._flushed_stream = self._session.highest_outbound_stream_id
            self._transport.write(data)

    def _not_ready(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(NotSent(reason))

    # The watchdog

    def _watch_later(self) -> None:
        step = min(self._limits.silence, self._limits.pong) / 2
        self._watch = self._loop.call_later(step, self._look)

    def _look(self) -> None:
        if self._closing:
            return
        now, limits = self._loop.time(), self._limits
        if self._pinged is not None and now - self._pinged >= limits.pong:
            self.abort("silent")
            return
        patience = limits.silence if self._calls else limits.idle_ping
        if self._pinged is None and now - self._heard >= patience:
            self._pinged = now
            self._session.ping(b"tocsin\x00\x00")
            self._flush()
        if not self._calls and now - self._used >= limits.idle_close:
            self.close("idle")
            return
        self._watch_later()


def _code(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else str(code)


_HANDLERS: dict[type[events.Event], Callable[..., None]] = {
    events.RemoteSettingsChanged: Connection._on_settings,
    events.WindowUpdated: Connection._on_window,
    events.ResponseReceived: Connection._on_headers,
    events.DataReceived: Connection._on_data,
    events.StreamEnded: Connection._on_end,
    events.StreamReset: Connection._on_reset,
    events.ConnectionTerminated: Connection._on_goaway,
}
