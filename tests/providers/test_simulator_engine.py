"""The simulator's half of HTTP/2 without a network: what a client may do, and what ends its connection.

Frames are written by `hyperframe` and header blocks by `hpack`, which the engine itself does not use.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from backend.simulator import frames
from backend.simulator.engine import Engine
from backend.simulator.frames import Broken, Code

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
REQUEST = [(":method", "POST"), (":scheme", "https"), (":path", "/x"), ("name", "value ü")]


@dataclass
class Heard:
    """Everything that a listener is told."""

    requests: list[tuple[int, list[tuple[bytes, bytes]], bytes]] = field(default_factory=list)
    left: bool = False

    def arrived(self, stream: int, fields: Any, body: bytes) -> None:
        self.requests.append((stream, list(fields), body))

    def leaving(self) -> None:
        self.left = True


@dataclass
class Talk:
    """A client and the engine."""

    heard: Heard
    engine: Engine
    encoder: Encoder = field(default_factory=Encoder)

    def say(self, *said: Frame) -> list[Frame]:
        """What the engine answers."""
        self.engine.feed(b"".join(each.serialize() for each in said))
        return read(self.engine.data_to_send())

    def headers(self, stream: int = 1, *flags: str, fields: Sequence[tuple[str, str]] = REQUEST) -> HeadersFrame:
        return flagged(HeadersFrame(stream, self.encoder.encode(list(fields))), *(flags or ("END_HEADERS",)))


def flagged(frame: Any, *flags: str) -> Any:
    for flag in flags:
        frame.flags.add(flag)
    return frame


def read(data: bytes) -> list[Frame]:
    found = []
    while data:
        frame, length = Frame.parse_frame_header(memoryview(data[:9]))
        frame.parse_body(memoryview(data[9 : 9 + length]))
        found.append(frame)
        data = data[9 + length :]
    return found


@pytest.fixture(params=sorted(frames.DECODERS))
def talk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """A connection on which both sides have said their SETTINGS, with each of the decoders."""
    monkeypatch.setattr(frames, "new_decoder", frames.DECODERS[request.param])
    heard = Heard()
    made = Talk(heard, Engine(heard, 2))
    (opening,) = read(made.engine.data_to_send())
    assert isinstance(opening, SettingsFrame)
    assert opening.settings[SettingsFrame.MAX_CONCURRENT_STREAMS] == 2
    made.engine.feed(PREFACE)
    (ack,) = made.say(SettingsFrame(0))
    assert "ACK" in ack.flags
    return made


def data(stream: int, body: bytes, *flags: str) -> DataFrame:
    return flagged(DataFrame(stream, body), *flags)


def test_both_decoders_are_here():
    assert set(frames.DECODERS) == {"hpack", "jh2"}


def test_a_request_in_pieces(talk: Talk):
    whole = b"".join(
        each.serialize() for each in (talk.headers(), data(1, b"ab"), PriorityFrame(1), data(1, b"c", "END_STREAM"))
    )
    for at in range(len(whole)):
        talk.engine.feed(whole[at : at + 1])
    ((stream, fields, body),) = talk.heard.requests
    assert (stream, body, talk.engine.is_open(1)) == (1, b"abc", True)
    assert fields == [(name.encode(), value.encode()) for name, value in REQUEST]


def test_padding_priority_continuation_and_trailers(talk: Talk):
    block = talk.encoder.encode(REQUEST)
    first = HeadersFrame(1, block[:3], pad_length=5, depends_on=0, stream_weight=10, exclusive=False)
    flagged(first, "PADDED", "PRIORITY")
    middle, last = ContinuationFrame(1, block[3:6]), ContinuationFrame(1, block[6:])
    last.flags.add("END_HEADERS")
    body = DataFrame(1, b"body", pad_length=9)
    body.flags.add("PADDED")
    trailers = talk.headers(1, "END_HEADERS", "END_STREAM", fields=[("trailer", "x")])
    talk.say(first, middle, last, body, trailers)
    ((_, fields, got),) = talk.heard.requests
    assert (fields[-1][1].decode(), got) == ("value ü", b"body")


def test_a_request_without_a_body(talk: Talk):
    talk.say(talk.headers(1, "END_HEADERS", "END_STREAM"))
    assert talk.heard.requests[0][2] == b""


def test_one_stream_too_many_is_refused(talk: Talk):
    ends = ("END_HEADERS", "END_STREAM")
    (reset,) = talk.say(talk.headers(1, *ends), talk.headers(3), talk.headers(5, *ends))
    assert (type(reset), reset.stream_id, reset.error_code) == (RstStreamFrame, 5, Code.REFUSED_STREAM)
    talk.engine.answer(1, 200, (), b"")
    talk.say(talk.headers(7, *ends))
    assert [stream for stream, *_ in talk.heard.requests] == [1, 7]
    talk.engine.allow(10)
    talk.say(talk.headers(9, *ends))
    assert len(talk.heard.requests) == 3


def test_silent_streams_count_as_open_until_the_client_gives_up(talk: Talk):
    ends = ("END_HEADERS", "END_STREAM")
    talk.say(talk.headers(1, *ends), talk.headers(3, *ends))
    talk.engine.keep_silent(1)
    assert not talk.engine.is_open(1)
    assert talk.say(talk.headers(5, *ends))[0].error_code == Code.REFUSED_STREAM
    talk.say(RstStreamFrame(1), talk.headers(7, *ends))
    assert talk.engine.is_open(7)


def test_windows_are_given_back_and_only_as_far_as_they_reach(talk: Talk):
    talk.say(talk.headers(1))
    updates = [frame for _ in range(4) for frame in talk.say(data(1, b"x" * 16_384))]
    assert {(type(each), each.stream_id) for each in updates} == {(WindowUpdateFrame, 0), (WindowUpdateFrame, 1)}
    given = sum(each.window_increment for each in updates if each.stream_id == 0)
    assert 32_768 <= given <= 65_536
    talk.say(data(1, b"", "END_STREAM"))
    assert len(talk.heard.requests[0][2]) == 65_536


def test_a_body_without_end_is_not_kept(talk: Talk):
    talk.say(talk.headers(1))
    for _ in range(20):
        talk.say(data(1, b"x" * 16_384))
    talk.say(data(1, b"", "END_STREAM"))
    assert 65_536 <= len(talk.heard.requests[0][2]) <= 65_536 + 16_384


def test_answers_keep_to_the_clients_windows_and_frames(talk: Talk):
    talk.say(SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 10}), talk.headers(1, "END_HEADERS", "END_STREAM"))
    talk.say(WindowUpdateFrame(1, window_increment=2))
    talk.engine.answer(1, 200, (("content-type", "text/plain"),), b"0123456789abcdefghij")
    head, first = read(talk.engine.data_to_send())
    assert isinstance(head, HeadersFrame)
    assert (first.data, talk.engine.is_open(1)) == (b"0123456789ab", True)
    (second,) = talk.say(WindowUpdateFrame(1, window_increment=3))
    assert second.data == b"cde"
    _, last = sorted(talk.say(SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 99})), key=lambda f: f.stream_id)
    assert (last.data, "END_STREAM" in last.flags, talk.engine.is_open(1)) == (b"fghij", True, False)


def test_the_connections_window_holds_answers_back_too(talk: Talk):
    talk.say(SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 200_000, SettingsFrame.MAX_FRAME_SIZE: 100_000}))
    talk.say(talk.headers(1, "END_HEADERS", "END_STREAM"))
    talk.engine.answer(1, 200, (), b"x" * 70_000)
    sent = [frame for frame in read(talk.engine.data_to_send()) if isinstance(frame, DataFrame)]
    assert [len(frame.data) for frame in sent] == [65_535]
    (rest,) = talk.say(WindowUpdateFrame(0, window_increment=100_000))
    assert len(rest.data) == 70_000 - 65_535


def test_headers_of_answers_read_back(talk: Talk):
    from hpack import Decoder

    headers = [("content-type", "application/json"), ("apns-id", "x" * 300), ("date", "now"), ("x", ""), ("y", "ü")]
    for status in (200, 201, 410, 500):
        block = frames.header_block(status, headers)
        decoded = [(name.decode(), value.decode("latin-1")) for name, value in Decoder().decode(block, raw=True)]
        assert decoded == [(":status", str(status)), *headers]


def test_pings_are_answered_and_strange_frames_overlooked(talk: Talk):
    (pong,) = talk.say(PingFrame(0, b"12345678"), PriorityFrame(9))
    assert ("ACK" in pong.flags, pong.opaque_data) == (True, b"12345678")
    talk.engine.feed(b"\0\0\x01\xee\0\0\0\0\0x")
    ack = PingFrame(0, b"12345678")
    ack.flags.add("ACK")
    assert talk.say(ack) == []


def test_what_comes_after_a_goaway_is_not_answered_but_read(talk: Talk):
    ends = ("END_HEADERS", "END_STREAM")
    talk.say(talk.headers(1, *ends), talk.headers(3))
    talk.engine.goaway(1, Code.NO_ERROR)
    talk.engine.data_to_send()
    assert talk.say(data(3, b"x", "END_STREAM"), talk.headers(5), data(5, b"x")) == []
    assert [stream for stream, *_ in talk.heard.requests] == [1]
    assert talk.engine.busy
    talk.engine.answer(1, 200, (), b"")
    assert not talk.engine.busy


def test_a_client_that_leaves_is_heard(talk: Talk):
    talk.say(GoAwayFrame(0))
    assert talk.heard.left


class Raw(Frame):
    """Bytes that `hyperframe` would not write."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(0)
        self.raw = raw

    def serialize(self) -> bytes:
        return self.raw


def _again(talk: Talk) -> Frame:
    talk.say(talk.headers(1, "END_HEADERS", "END_STREAM"))
    return talk.headers(1, "END_HEADERS", "END_STREAM")


def _late_data(talk: Talk) -> Frame:
    talk.say(talk.headers(1, "END_HEADERS", "END_STREAM"))
    return data(1, b"x")


def _burst(stream: int, count: int) -> Frame:
    """So much at once: windows open again only when all of it has been read."""
    return Raw(b"".join(data(stream, b"x" * 16_000).serialize() for _ in range(count)))


def _too_much(talk: Talk) -> Frame:
    talk.say(talk.headers(1))
    return _burst(1, 5)


def _too_much_on_one_stream(talk: Talk) -> Frame:
    """The connection's window is open again, the stream's is not."""
    talk.say(talk.headers(1), talk.headers(3), _burst(1, 2))
    (opened,) = talk.say(_burst(3, 1))
    assert opened.stream_id == 0
    return _burst(1, 3)


def _amid(talk: Talk) -> Frame:
    block = HeadersFrame(1, talk.encoder.encode(REQUEST))
    talk.say(block)
    return PingFrame(0, b"12345678")


def _garbage(talk: Talk) -> Frame:
    made = HeadersFrame(1, b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x0f")
    made.flags.add("END_HEADERS")
    return made


def _cut(talk: Talk) -> Frame:
    made = HeadersFrame(1, b"\x40\x0aab")
    made.flags.add("END_HEADERS")
    return made


def _settings(**values: int) -> Callable[[Talk], Frame]:
    return lambda _: SettingsFrame(0, {getattr(SettingsFrame, name): value for name, value in values.items()})


BROKEN: list[tuple[Callable[[Talk], Frame], Code]] = [
    (_again, Code.STREAM_CLOSED),
    (_late_data, Code.STREAM_CLOSED),
    (_too_much, Code.FLOW_CONTROL_ERROR),
    (_too_much_on_one_stream, Code.FLOW_CONTROL_ERROR),
    (_amid, Code.PROTOCOL_ERROR),
    (_garbage, Code.COMPRESSION_ERROR),
    (_cut, Code.COMPRESSION_ERROR),
    (lambda talk: talk.headers(2), Code.PROTOCOL_ERROR),
    (lambda _: data(1, b"x"), Code.PROTOCOL_ERROR),
    (lambda _: RstStreamFrame(7), Code.PROTOCOL_ERROR),
    (lambda _: WindowUpdateFrame(7, window_increment=1), Code.PROTOCOL_ERROR),
    (lambda _: WindowUpdateFrame(0, window_increment=2**31 - 1), Code.FLOW_CONTROL_ERROR),
    (lambda _: ContinuationFrame(1, b""), Code.PROTOCOL_ERROR),
    (lambda _: PushPromiseFrame(1, promised_stream_id=2), Code.PROTOCOL_ERROR),
    (_settings(MAX_FRAME_SIZE=1), Code.PROTOCOL_ERROR),
    (_settings(ENABLE_PUSH=2), Code.PROTOCOL_ERROR),
    (_settings(INITIAL_WINDOW_SIZE=2**31), Code.FLOW_CONTROL_ERROR),
    (lambda _: Raw(b"\x00\x40\x01\x00\x00\x00\x00\x00\x01" + b"x" * 16_385), Code.FRAME_SIZE_ERROR),
    (lambda _: Raw(b"\x00\x00\x01\x06\x00\x00\x00\x00\x00x"), Code.FRAME_SIZE_ERROR),
    (lambda _: Raw(b"\x00\x00\x05\x04\x00\x00\x00\x00\x00xxxxx"), Code.FRAME_SIZE_ERROR),
    (lambda _: Raw(b"\x00\x00\x03\x08\x00\x00\x00\x00\x00xxx"), Code.FRAME_SIZE_ERROR),
    (lambda _: Raw(b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\0\0\0\0"), Code.PROTOCOL_ERROR),
    (lambda _: Raw(b"\x00\x00\x01\x07\x00\x00\x00\x00\x00x"), Code.FRAME_SIZE_ERROR),
    (lambda _: Raw(b"\x00\x00\x01\x01\x0c\x00\x00\x00\x01\x05"), Code.PROTOCOL_ERROR),
]


@pytest.mark.parametrize(("fault", "code"), BROKEN)
def test_ends_the_connection_of_a_client_that(talk: Talk, fault: Callable[[Talk], Frame], code: Code):
    broken = fault(talk)
    with pytest.raises(Broken) as caught:
        talk.say(broken)
    assert caught.value.code == code


@pytest.mark.parametrize("greeting", [b"GET / HTTP/1.1\r\n\r\n", PREFACE + PingFrame(0, b"12345678").serialize()])
def test_wants_a_preface_and_settings_first(greeting: bytes):
    with pytest.raises(Broken):
        Engine(Heard(), 1).feed(greeting)
