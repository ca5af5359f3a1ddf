"""The client's half of one HTTP/2 connection (RFC 9113), without a network: bytes in, bytes out.

It is our own because a sender must not lose a message, and because it is the hot path: what the peer
accepted before a GOAWAY goes on, good frames before a bad one count, and a request costs a tenth of what
a state machine for both halves of the protocol takes.
"""

from collections.abc import Mapping
from typing import Protocol

from backend.providers import frames
from backend.providers.exchange import Call
from backend.providers.frames import ErrorCode, ProtocolError, Setting
from backend.providers.header_block import LONGEST, Decoder, Fields, HeaderError

_CONNECTION_WINDOW = 1_048_576
"""What all answers of one connection may have under way beyond the protocol's 64 KiB."""
_GIVE_BACK = _CONNECTION_WINDOW // 2
_LAST_STREAM = frames.LARGEST - 1_000
"""A connection that comes near the end of its stream ids is replaced."""
_MOST_CONTINUATIONS = 64


class Listener(Protocol):
    """Who hears what becomes of the requests."""

    def settled(self) -> None:
        """The peer's SETTINGS have changed, the first time or again."""

    def answered(self, call: Call) -> None:
        """The answer is complete."""

    def broken(self, call: Call, reason: str, *, refused: bool) -> None:
        """The stream ended without an answer; `refused` when the peer says that it did nothing."""

    def going(self, last: int, reason: str) -> None:
        """The peer takes no new streams, and none above `last` was or will be processed."""


class Session:
    """Requests become frames in `data_to_send`; `feed` reads the peer's and tells the listener.

    `answer_bytes` is how much of an answer is kept; a longer one is cut and its stream reset.
    """

    def __init__(self, listener: Listener, decoder: Decoder, answer_bytes: int) -> None:
        self._listener, self._decoder, self._answer_bytes = listener, decoder, answer_bytes
        self.calls: dict[int, Call] = {}
        """Open streams, oldest first."""
        self.highest_stream = -1
        self.max_streams = frames.LARGEST
        self.window = frames.WINDOW
        """Bytes of request bodies that the peer takes now, over all streams."""
        self._stream_window, self._largest_frame = frames.WINDOW, frames.FRAME
        self._blocked: dict[int, Call] = {}
        self._announce = b""
        self._received = 0
        self._rest = b""
        self._block: _Block | None = None
        self._settled = False
        self._out = [frames.PREFACE, frames.settings(self._own_settings())]
        self._out.append(frames.window_update(0, _CONNECTION_WINDOW))

    def _own_settings(self) -> Mapping[Setting, int]:
        # A stream's window that an answer cannot fill before it is cut needs no giving back.
        window = max(self._answer_bytes + 1, frames.WINDOW)
        return {
            Setting.ENABLE_PUSH: 0,
            Setting.INITIAL_WINDOW_SIZE: window,
            Setting.MAX_HEADER_LIST_SIZE: LONGEST,
        }

    @property
    def exhausted(self) -> bool:
        """Whether the connection is near the end of its stream ids."""
        return self.highest_stream >= _LAST_STREAM

    def data_to_send(self) -> bytes:
        data = b"".join(self._out)
        self._out.clear()
        return data

    # Requests

    def begin(self, call: Call) -> None:
        """Opens a stream; the caller has checked that the peer allows one more."""
        self.highest_stream += 2
        stream = call.stream = self.highest_stream
        self.calls[stream] = call
        call.window = self._stream_window
        size = len(call.body)
        block = call.block
        if self._announce:
            block, self._announce = self._announce + block, b""
        self._out.append(frames.header_frames(stream, block, size == 0, self._largest_frame))
        if size:
            self._send_body(call)

    def forget(self, call: Call) -> bool:
        """Gives the stream up and tells the peer so; False when the request has none here."""
        if self.calls.get(call.stream) is not call:
            return False
        self._reset(call, ErrorCode.CANCEL)
        return True

    def give_up_above(self, last: int) -> list[Call]:
        """Takes the requests on streams above `last` out: the peer has said that it drops them."""
        spared = [call for stream, call in self.calls.items() if stream > last]
        for call in spared:
            self._drop(call.stream)
        return spared

    def ping(self) -> None:
        self._out.append(frames.ping(b"tocsin\0\0"))

    def goaway(self, code: ErrorCode = ErrorCode.NO_ERROR) -> None:
        self._out.append(frames.goaway(code))

    def _send_body(self, call: Call) -> None:
        """As much as the windows allow; the rest waits in `_blocked` for them to open."""
        size = len(call.body)
        while call.sent < size:
            room = min(self.window, call.window, self._largest_frame)
            if room <= 0:
                self._blocked[call.stream] = call
                return
            piece = call.body[call.sent : call.sent + room]
            room = len(piece)
            call.sent += room
            call.window -= room
            self.window -= room
            flags = frames.END_STREAM if call.sent == size else 0
            self._out += (frames.head(room, frames.DATA, flags, call.stream), piece)
        self._blocked.pop(call.stream, None)

    def _unblock(self) -> None:
        for call in list(self._blocked.values()):
            self._send_body(call)

    def _drop(self, stream: int) -> None:
        self.calls.pop(stream, None)
        self._blocked.pop(stream, None)

    def _reset(self, call: Call, code: ErrorCode) -> None:
        self._drop(call.stream)
        self._out.append(frames.rst_stream(call.stream, code))

    # What the peer says

    def feed(self, data: bytes) -> None:
        """Reads frame by frame, so that what came before a bad frame counts. Raises `ProtocolError`."""
        if self._rest:
            data = self._rest + data
        at, size = 0, len(data)
        try:
            while size - at >= frames.HEAD:
                length, kind, flags, stream = frames.parse_head(data, at)
                if length > frames.FRAME:
                    raise ProtocolError(f"a frame of {length} bytes", ErrorCode.FRAME_SIZE_ERROR)
                end = at + frames.HEAD + length
                if end > size:
                    break
                payload, at = data[at + frames.HEAD : end], end
                self._take(kind, flags, stream, payload)
        finally:
            self._rest = data[at:]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if not self._settled and kind != frames.SETTINGS:
            raise ProtocolError("the first frame is not SETTINGS")
        if self._block is not None and kind != frames.CONTINUATION:
            raise ProtocolError("a frame amid a header block")
        if kind < len(_TAKE):
            _TAKE[kind](self, flags, stream, payload)

    def _call(self, stream: int, kind: str) -> Call | None:
        """The open request on the stream, None when it is over. Raises `ProtocolError` when there was none."""
        call = self.calls.get(stream)
        if call is None and (stream % 2 == 0 or stream > self.highest_stream):
            raise ProtocolError(f"{kind} on stream {stream}, which nobody opened")
        return call

    def _take_data(self, flags: int, stream: int, payload: bytes) -> None:
        call = self._call(stream, "DATA")
        self._count(len(payload))
        if call is None:
            return
        end_stream = bool(flags & frames.END_STREAM)
        if not call.status:
            self._malformed(call, "DATA before HEADERS", end_stream)
            return
        call.size += len(payload)
        body, excess = frames.unpadded(flags, payload), call.size - self._answer_bytes
        call.chunks.append(body if excess <= 0 else body[: max(len(body) - excess, 0)])
        if end_stream or excess > 0:
            self._finish(call, end_stream)

    def _count(self, length: int) -> None:
        """Gives the connection's window back in large pieces."""
        self._received += length
        if self._received >= _GIVE_BACK:
            self._out.append(frames.window_update(0, self._received))
            self._received = 0

    def _take_headers(self, flags: int, stream: int, payload: bytes) -> None:
        self._call(stream, "HEADERS")
        payload = frames.unpadded(flags, payload)
        if flags & frames.PRIORITISED:
            payload = payload[5:]
        end_stream = bool(flags & frames.END_STREAM)
        if flags & frames.END_HEADERS:
            self._take_block(stream, payload, end_stream)
        else:
            self._block = _Block(stream, payload, end_stream)

    def _take_continuation(self, flags: int, stream: int, payload: bytes) -> None:
        block = self._block
        if block is None or block.stream != stream:
            raise ProtocolError("CONTINUATION out of place")
        block.add(payload)
        if flags & frames.END_HEADERS:
            self._block = None
            self._take_block(stream, b"".join(block.pieces), block.end_stream)

    def _take_block(self, stream: int, block: bytes, end_stream: bool) -> None:
        try:
            fields = self._decoder.decode(block)
        except HeaderError as error:
            raise ProtocolError(f"header block: {error}", ErrorCode.COMPRESSION_ERROR) from error
        call = self.calls.get(stream)
        if call is None:
            return
        if call.status:
            if not end_stream:
                self._malformed(call, "a second answer", end_stream)
                return
        elif not self._take_answer(call, fields, end_stream):
            return
        if end_stream:
            self._finish(call, end_stream)

    def _take_answer(self, call: Call, fields: Fields, end_stream: bool) -> bool:
        """Whether these are the answer's headers; they may be an interim answer's."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}
        status = headers.pop(":status", "")
        if len(status) != 3 or not status.isdecimal() or (status < "200" and end_stream):
            self._malformed(call, f"status {status[:20]!r}", end_stream)
            return False
        if status < "200":
            return False
        call.status, call.headers = int(status), headers
        return True

    def _finish(self, call: Call, end_stream: bool) -> None:
        self._close(call, ErrorCode.CANCEL, end_stream)
        self._listener.answered(call)

    def _malformed(self, call: Call, what: str, end_stream: bool) -> None:
        """Ends one stream; the others are fine (RFC 9113 8.1.1)."""
        self._close(call, ErrorCode.PROTOCOL_ERROR, end_stream)
        self._listener.broken(call, f"malformed_answer {what}", refused=False)

    def _close(self, call: Call, code: ErrorCode, end_stream: bool) -> None:
        """Ends the stream, by a reset unless both sides have said all they had to say."""
        if end_stream and call.sent == len(call.body):
            self._drop(call.stream)
        else:
            self._reset(call, code)

    def _take_priority(self, flags: int, stream: int, payload: bytes) -> None:
        """Nothing to a client."""

    def _take_reset(self, flags: int, stream: int, payload: bytes) -> None:
        code = frames.number(payload, "RST_STREAM")
        call = self._call(stream, "RST_STREAM")
        if call is None:
            return
        self._drop(stream)
        refused = code == ErrorCode.REFUSED_STREAM
        reason = "refused_stream" if refused else f"stream_reset {frames.code_name(code)}"
        self._listener.broken(call, reason, refused=refused)

    def _take_settings(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or (flags & frames.ACK and payload):
            raise ProtocolError("a SETTINGS frame out of shape", ErrorCode.FRAME_SIZE_ERROR)
        if flags & frames.ACK:
            return
        for name, value in frames.parse_settings(payload):
            self._apply(name, value)
        self._settled = True
        self._out.append(frames.head(0, frames.SETTINGS, frames.ACK, 0))
        self._unblock()
        self._listener.settled()

    def _apply(self, name: int, value: int) -> None:
        if name == Setting.MAX_CONCURRENT_STREAMS:
            self.max_streams = value
        elif name == Setting.HEADER_TABLE_SIZE:
            # We keep no table, and say so where the peer may think that we use the one it allows.
            self._announce = b"\x20"
        elif name == Setting.INITIAL_WINDOW_SIZE:
            self._resize(value)
        elif name == Setting.MAX_FRAME_SIZE:
            if not frames.FRAME <= value < 2**24:
                raise ProtocolError(f"frames of {value} bytes")
            self._largest_frame = value
        elif name == Setting.ENABLE_PUSH and value:
            raise ProtocolError("a server that asks for pushes")

    def _resize(self, window: int) -> None:
        """What streams may send at first; it also changes what the open ones may (RFC 9113 6.9.2)."""
        grown, self._stream_window = window - self._stream_window, window
        for call in self._blocked.values():
            call.window += grown
        if max([window, *(call.window for call in self._blocked.values())]) > frames.LARGEST:
            raise ProtocolError("too large a window", ErrorCode.FLOW_CONTROL_ERROR)

    def _take_push(self, flags: int, stream: int, payload: bytes) -> None:
        raise ProtocolError("PUSH_PROMISE, which our SETTINGS forbid")

    def _take_ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) != 8:
            raise ProtocolError("a PING frame out of shape", ErrorCode.FRAME_SIZE_ERROR)
        if not flags & frames.ACK:
            self._out.append(frames.ping(payload, frames.ACK))

    def _take_goaway(self, flags: int, stream: int, payload: bytes) -> None:
        last, code, text = frames.parse_goaway(payload)
        self._listener.going(last, f"goaway {frames.code_name(code)} {text}".rstrip())

    def _take_window(self, flags: int, stream: int, payload: bytes) -> None:
        increment = frames.number(payload, "WINDOW_UPDATE") & frames.LARGEST
        if stream == 0:
            self.window += increment
            if increment == 0 or self.window > frames.LARGEST:
                raise ProtocolError("a window out of range", ErrorCode.FLOW_CONTROL_ERROR)
            self._unblock()
            return
        call = self._call(stream, "WINDOW_UPDATE")
        if call is None:
            return
        call.window += increment
        if increment == 0 or call.window > frames.LARGEST:
            self._reset(call, ErrorCode.FLOW_CONTROL_ERROR)
            self._listener.broken(call, "stream_window out of range", refused=False)
        elif stream in self._blocked:
            self._send_body(call)


class _Block:
    """A header block that comes in several frames."""

    __slots__ = ("end_stream", "pieces", "size", "stream")

    def __init__(self, stream: int, piece: bytes, end_stream: bool) -> None:
        self.stream, self.pieces, self.size, self.end_stream = stream, [piece], len(piece), end_stream

    def add(self, piece: bytes) -> None:
        """Raises `ProtocolError` when there is no end to it."""
        self.pieces.append(piece)
        self.size += len(piece)
        if self.size > LONGEST or len(self.pieces) > _MOST_CONTINUATIONS:
            raise ProtocolError("an endless header block", ErrorCode.ENHANCE_YOUR_CALM)


_TAKE = (
    Session._take_data,
    Session._take_headers,
    Session._take_priority,
    Session._take_reset,
    Session._take_settings,
    Session._take_push,
    Session._take_ping,
    Session._take_goaway,
    Session._take_window,
    Session._take_continuation,
)
"""By the frame's kind; kinds beyond these are ignored (RFC 9113 4.1)."""
