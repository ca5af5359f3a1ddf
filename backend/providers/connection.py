"""One HTTP/2 connection: many requests at once, one TLS write a loop turn."""

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from backend.providers.exchange import Call, Cut, Limits, NotSent, Parting, Unknown
from backend.providers.frames import ProtocolError
from backend.providers.header_block import Decoder
from backend.providers.http2 import Session

_OUR_WISH = frozenset({"closed", "idle", "unused"})
"""Reasons to close that say nothing about the peer."""
_MOST_UNREAD = 1_048_576
"""Bytes we keep for a peer that makes us speak (PING, SETTINGS) and does not listen."""


class Owner(Protocol):
    """Who hands out requests to connections."""

    def roomier(self, connection: "Connection") -> None:
        """The connection may have room for more requests."""

    def retired(self, connection: "Connection", *, hold: bool) -> None:
        """The connection takes no new requests; those it has go on. `hold` when the peer gave it up in
        a way that makes another one at once pointless."""

    def lost(self, connection: "Connection", failed: bool) -> None:
        """The connection is gone; `failed` when it left requests open or never answered one."""

    def refused(self, calls: Sequence[Call], reason: str, *, wait: bool) -> None:
        """The peer has not processed these; `wait` when offering them again at once would be rude."""


class Connection(asyncio.Protocol):
    """A client connection, from TLS to its last answer. Its owner opens no more than `free()`."""

    def __init__(self, owner: Owner, limits: Limits, decoder: Decoder, parting: Parting | None = None) -> None:
        self._owner, self._limits, self._parting = owner, limits, parting
        self._loop = asyncio.get_running_loop()
        self._session = Session(self, decoder, limits.answer_bytes)
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._flushing = self._full = self._retired = self._closing = False
        self._flushed_stream = 0
        self._heard = self._used = self._loop.time()
        self._pinged: float | None = None
        self._end_reason = "connection_lost"
        self.answers = 0
        self.ready: asyncio.Future[None] = self._loop.create_future()
        """Done when the peer's SETTINGS are here; fails with NotSent."""
        self.closed: asyncio.Future[None] = self._loop.create_future()

    # What the owner may ask

    @property
    def is_ready(self) -> bool:
        return self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None

    @property
    def busy(self) -> bool:
        return bool(self._session.calls)

    @property
    def oldest(self) -> float | None:
        """When the request that waits longest for its answer was opened; None without one."""
        return next((call.begun for call in self._session.calls.values()), None)

    def free(self) -> int:
        """How many requests may be opened now."""
        session = self._session
        if self._retired or self._full or session.window <= 0:
            return 0
        return min(session.max_streams, self._limits.streams) - len(session.calls)

    def open(self, call: Call) -> None:
        """Puts the request on a stream; it leaves with all others of this loop turn."""
        call.begun = self._used = self._loop.time()
        self._session.begin(call)
        if self._session.exhausted:
            self._retire()
        if not self._flushing:
            self._flush_soon()

    def abandon(self, call: Call) -> bool:
        """Resets the request's stream and lives on; False when the request is not on this connection."""
        if not self._session.forget(call):
            return False
        self._settle()
        return True

    def close(self, reason: str = "closed") -> None:
        """Says GOAWAY and hangs up; requests still open become unknown."""
        self._end_reason, self._closing = reason, True
        self._retire()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._session.goaway()
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
            self._session.feed(data)
        except ProtocolError as error:
            self._session.goaway(error.code)
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
        calls = list(self._session.calls.values())
        self._session.calls.clear()
        self._retired = self._closing = True
        self._not_ready(self._end_reason)
        if not self.closed.done():
            self.closed.set_result(None)
        unsent = [call for call in calls if call.stream > self._flushed_stream]
        for call in calls[: len(calls) - len(unsent)]:
            call.fail(Cut(self._end_reason))
        if unsent:
            self._owner.refused(unsent, self._end_reason, wait=False)
        useless = self.answers == 0 and self._end_reason not in _OUR_WISH
        self._owner.lost(self, failed=bool(calls) or useless)

    # What HTTP/2 tells (http2.Listener)

    def settled(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def answered(self, call: Call) -> None:
        self.answers += 1
        answer = call.succeed()
        if self._parting is not None and self._parting(answer):
            self._retire(hold=True)

    def broken(self, call: Call, reason: str, *, refused: bool) -> None:
        if refused:
            self._owner.refused([call], reason, wait=True)
        else:
            call.fail(Unknown(reason))

    def going(self, last: int, reason: str) -> None:
        spared = self._session.give_up_above(last)
        self._retire(hold=not self.answers and not self.busy)
        if spared:
            self._owner.refused(spared, reason, wait=False)

    # The connection as a whole

    def _retire(self, *, hold: bool = False) -> None:
        if not self._retired:
            self._retired = True
            self._owner.retired(self, hold=hold)

    def _settle(self) -> None:
        """After anything happened: write, and close or ask for more."""
        self._flush_soon()
        if not self._retired:
            self._owner.roomier(self)
        elif not self._session.calls and not self._closing:
            self.close("retired")

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        may_send = self._limits.may_send
        if may_send is not None and self._session.highest_stream > self._flushed_stream and not may_send():
            self.abort("stalled")
            return
        data = self._session.data_to_send()
        if not data:
            return
        self._flushed_stream = self._session.highest_stream
        transport.write(data)
        if self._full and transport.get_write_buffer_size() > _MOST_UNREAD:
            self.abort("unread")

    def _not_ready(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(NotSent(reason))
            self.ready.exception()  # says that somebody looked: behind a proxy nobody may be waiting yet

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
        patience = limits.silence if self._session.calls else limits.idle_ping
        if self._pinged is None and now - self._heard >= patience:
            self._pinged = now
            self._session.ping()
            self._flush()
        if not self._session.calls and now - self._used >= limits.idle_close:
            self.close("idle")
            return
        self._watch_later()
