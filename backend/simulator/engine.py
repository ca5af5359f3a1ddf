"""The server's half of one HTTP/2 connection (RFC 9113), without a network: bytes in, bytes out.

Windows stay at HTTP/2's defaults (65 535 bytes) on purpose: a client that forgets flow control should
find out here. One that breaks the protocol in another way finds out too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from backend.simulator import frames
from backend.simulator.frames import Broken, Code, Fields, Setting

_GIVE_BACK = frames.WINDOW // 2
_MOST_CONTINUATIONS = 64
_BODY_KEPT = 65_536


@dataclass(slots=True)
class _Arriving:
    """A request of which more is to come; `taken` are the bytes of its body not yet given back to its window."""

    fields: Fields
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0
    taken: int = 0

    def add(self, piece: bytes) -> None:
        """A body that no provider would take is not kept beyond what shows that."""
        if self.size <= _BODY_KEPT:
            self.pieces.append(piece)
        self.size += len(piece)


@dataclass(slots=True)
class _Block:
    """A header block of which more is to come."""

    stream: int
    ends_stream: bool
    pieces: list[bytes]


class Listener(Protocol):
    """Who hears what the client does."""

    def arrived(self, stream: int, fields: Fields, body: bytes) -> None:
        """A request is complete; it is `open` until it is answered, reset or cancelled."""

    def leaving(self) -> None:
        """The client says that it will ask nothing more."""


class Engine:
    """`feed` reads the client's frames and tells the listener; what is to be sent gathers in `data_to_send`.

    A request beyond `streams` open ones is refused.
    """

    def __init__(self, listener: Listener, streams: int) -> None:
        self._listener = listener
        self.streams = streams
        self.highest = 0
        """The last stream that the client has opened."""
        self._last = frames.LARGEST
        self._decoder = frames.new_decoder()
        self._arriving: dict[int, _Arriving] = {}
        self._long: set[int] = set()
        self._open: set[int] = set()
        self._silent: set[int] = set()
        self._bodies: dict[int, memoryview] = {}
        self._taken = 0
        self._window, self._stream_window, self._largest_frame = frames.WINDOW, frames.WINDOW, frames.FRAME
        self._credits: dict[int, int] = {}
        self._rest = b""
        self._preface, self._settled = False, False
        self._block: _Block | None = None
        opening = [(Setting.MAX_CONCURRENT_STREAMS, streams), (Setting.MAX_HEADER_LIST_SIZE, frames.LONGEST_HEADERS)]
        self._out = [frames.settings(opening)]

    def data_to_send(self) -> bytes:
        data = b"".join(self._out)
        self._out.clear()
        return data

    @property
    def busy(self) -> bool:
        """Whether anything is still owed to the client."""
        return bool(self._arriving or self._open)

    def is_open(self, stream: int) -> bool:
        return stream in self._open

    # What we say

    def allow(self, streams: int) -> None:
        """From now on so many requests may be open."""
        self.streams = streams
        self._out.append(frames.settings([(Setting.MAX_CONCURRENT_STREAMS, streams)]))

    def answer(self, stream: int, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        flags = frames.END_HEADERS if body else frames.END_HEADERS | frames.END_STREAM
        self._out.append(frames.frame(frames.HEADERS, flags, stream, frames.header_block(status, headers)))
        if body:
            self._bodies[stream] = memoryview(body)
            self._pump(stream)
        else:
            self._close(stream)

    def reset(self, stream: int, code: Code) -> None:
        self._out.append(frames.rst_stream(stream, code))
        self._arriving.pop(stream, None)
        self._close(stream)

    def keep_silent(self, stream: int) -> None:
        """Never answers it; the stream still counts as open for the client."""
        self._close(stream)
        self._silent.add(stream)

    def goaway(self, last: int, code: Code, reason: bytes = b"") -> None:
        """Answers nothing above `last` any more."""
        self._last = last
        self._out.append(frames.goaway(last, code, reason))
        for stream in [stream for stream in self._arriving if stream > last]:
            del self._arriving[stream]

    def _close(self, stream: int) -> None:
        self._open.discard(stream)
        self._silent.discard(stream)
        self._bodies.pop(stream, None)
        self._credits.pop(stream, None)

    def _pump(self, stream: int) -> None:
        """Sends as much of a body as the client's windows allow."""
        body, credit = self._bodies[stream], self._credits.get(stream, 0)
        while body:
            room = min(self._window, self._stream_window + credit, self._largest_frame)
            if room <= 0:
                self._bodies[stream], self._credits[stream] = body, credit
                return
            piece, body = bytes(body[:room]), body[room:]
            self._window -= len(piece)
            credit -= len(piece)
            self._out.append(frames.frame(frames.DATA, 0 if body else frames.END_STREAM, stream, piece))
        self._close(stream)

    # What the client says

    def feed(self, data: bytes) -> None:
        """Frame by frame, so that what came before a bad one counts. Raises `Broken`."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        if not self._preface:
            at = self._greet(data)
        while size - at >= frames.HEAD:
            length, kind, flags, stream = frames.read_head(data, at)
            if length > frames.FRAME:
                raise Broken(f"a frame of {length} bytes", Code.FRAME_SIZE_ERROR)
            end = at + frames.HEAD + length
            if end > size:
                break
            payload, at = data[at + frames.HEAD : end], end
            self._take(kind, flags, stream, payload)
        self._rest = data[at:]
        self._give_back()

    def _greet(self, data: bytes) -> int:
        """How many bytes the preface has taken."""
        size = len(frames.PREFACE)
        if not frames.PREFACE.startswith(data[:size]):
            raise Broken("no HTTP/2 preface")
        self._preface = len(data) >= size
        return size if self._preface else 0

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if not self._settled and kind != frames.SETTINGS:
            raise Broken("the first frame is not SETTINGS")
        if self._block is not None and kind != frames.CONTINUATION:
            raise Broken("a frame amid a header block")
        taker = _TAKERS.get(kind)
        if taker is not None:
            taker(self, flags, stream, payload)

    def _known(self, stream: int, kind: str) -> None:
        if stream > self.highest or not stream % 2:
            raise Broken(f"{kind} on a stream that nobody opened")

    def _take_headers(self, flags: int, stream: int, payload: bytes) -> None:
        payload = frames.unpadded(flags, payload)
        if flags & frames.PRIORITISED:
            payload = payload[5:]
        ends = bool(flags & frames.END_STREAM)
        if flags & frames.END_HEADERS:
            self._take_block(stream, ends, payload)
        else:
            self._block = _Block(stream, ends, [payload])

    def _take_continuation(self, flags: int, stream: int, payload: bytes) -> None:
        block = self._block
        if block is None or block.stream != stream or len(block.pieces) > _MOST_CONTINUATIONS:
            raise Broken("CONTINUATION out of place")
        block.pieces.append(payload)
        if flags & frames.END_HEADERS:
            self._block = None
            self._take_block(stream, block.ends_stream, b"".join(block.pieces))

    def _take_block(self, stream: int, ends: bool, block: bytes) -> None:
        fields = self._decoder.decode(block)
        if stream <= self.highest:
            self._take_trailers(stream, ends)
            return
        if not stream % 2:
            raise Broken("a stream that only a server may open")
        self.highest = stream
        if stream > self._last:
            return
        if len(self._arriving) + len(self._open) + len(self._silent) >= self.streams:
            self._out.append(frames.rst_stream(stream, Code.REFUSED_STREAM))
        elif ends:
            self._arrive(stream, fields, b"")
        else:
            self._arriving[stream] = _Arriving(fields)

    def _take_trailers(self, stream: int, ends: bool) -> None:
        """Trailers are read and thrown away."""
        request = self._arriving.pop(stream, None)
        if stream in self._open or not ends:
            raise Broken("HEADERS on a stream that has had its headers", Code.STREAM_CLOSED)
        if request is not None:
            self._arrive(stream, request.fields, b"".join(request.pieces))

    def _arrive(self, stream: int, fields: Fields, body: bytes) -> None:
        self._open.add(stream)
        self._listener.arrived(stream, fields, body)

    def _take_data(self, flags: int, stream: int, payload: bytes) -> None:
        self._known(stream, "DATA")
        self._taken += len(payload)
        if self._taken > frames.WINDOW:
            raise Broken("more DATA than the connection's window", Code.FLOW_CONTROL_ERROR)
        request = self._arriving.get(stream)
        if request is None:
            if stream in self._open:
                raise Broken("DATA after the end of a request", Code.STREAM_CLOSED)
            return
        request.add(frames.unpadded(flags, payload))
        if flags & frames.END_STREAM:
            del self._arriving[stream]
            self._arrive(stream, request.fields, b"".join(request.pieces))
            return
        request.taken += len(payload)
        if request.taken > frames.WINDOW:
            raise Broken("more DATA than the stream's window", Code.FLOW_CONTROL_ERROR)
        if request.taken > _GIVE_BACK:
            self._long.add(stream)

    def _give_back(self) -> None:
        """Opens the windows again in large pieces, only after all that came: nobody may have counted on it before."""
        if self._taken > _GIVE_BACK:
            self._out.append(frames.window_update(0, self._taken))
            self._taken = 0
        for stream in self._long:
            request = self._arriving.get(stream)
            if request is not None:
                self._out.append(frames.window_update(stream, request.taken))
                request.taken = 0
        self._long.clear()

    def _take_settings(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or (flags & frames.ACK and payload):
            raise Broken("SETTINGS out of place")
        if flags & frames.ACK:
            return
        self._settled = True
        for name, value in frames.read_settings(payload):
            self._set(name, value)
        self._out.append(frames.frame(frames.SETTINGS, frames.ACK, 0, b""))
        for blocked in list(self._bodies):
            self._pump(blocked)

    def _set(self, name: int, value: int) -> None:
        if name == Setting.INITIAL_WINDOW_SIZE:
            if value > frames.LARGEST:
                raise Broken("a window of more than 31 bits", Code.FLOW_CONTROL_ERROR)
            self._stream_window = value
        elif name == Setting.MAX_FRAME_SIZE:
            if not frames.FRAME <= value < 2**24:
                raise Broken(f"frames of {value} bytes")
            self._largest_frame = value
        elif name == Setting.ENABLE_PUSH and value > 1:
            raise Broken("ENABLE_PUSH is neither 0 nor 1")

    def _take_window(self, flags: int, stream: int, payload: bytes) -> None:
        size = frames.number(payload)
        if not size:
            raise Broken("WINDOW_UPDATE of nothing")
        if not stream:
            self._window += size
            self._check_window(self._window)
            for blocked in list(self._bodies):
                self._pump(blocked)
            return
        self._known(stream, "WINDOW_UPDATE")
        if stream in self._open or stream in self._arriving:
            credit = self._credits[stream] = self._credits.get(stream, 0) + size
            self._check_window(self._stream_window + credit)
            if stream in self._bodies:
                self._pump(stream)

    def _check_window(self, size: int) -> None:
        if size > frames.LARGEST:
            raise Broken("a window of more than 31 bits", Code.FLOW_CONTROL_ERROR)

    def _take_reset(self, flags: int, stream: int, payload: bytes) -> None:
        frames.number(payload)
        self._known(stream, "RST_STREAM")
        self._arriving.pop(stream, None)
        self._close(stream)

    def _take_ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) != 8:
            raise Broken("PING out of place", Code.FRAME_SIZE_ERROR)
        if not flags & frames.ACK:
            self._out.append(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _take_goaway(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) < 8:
            raise Broken("GOAWAY out of place", Code.FRAME_SIZE_ERROR)
        self._listener.leaving()

    def _take_push(self, flags: int, stream: int, payload: bytes) -> None:
        raise Broken("PUSH_PROMISE from a client")


_TAKERS: dict[int, Callable[[Engine, int, int, bytes], None]] = {
    frames.DATA: Engine._take_data,
    frames.HEADERS: Engine._take_headers,
    frames.RST_STREAM: Engine._take_reset,
    frames.SETTINGS: Engine._take_settings,
    frames.PUSH_PROMISE: Engine._take_push,
    frames.PING: Engine._take_ping,
    frames.GOAWAY: Engine._take_goaway,
    frames.WINDOW_UPDATE: Engine._take_window,
    frames.CONTINUATION: Engine._take_continuation,
}
