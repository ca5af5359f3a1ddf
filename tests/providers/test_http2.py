"""The client's half of HTTP/2 without a network: against `h2` as server, and against peers that send anything."""

from contextlib import suppress
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.settings import SettingCodes
from hpack import Decoder, Encoder
from hyperframe.frame import ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PushPromiseFrame
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.providers import frames
from backend.providers.exchange import Call
from backend.providers.frames import ErrorCode, ProtocolError
from backend.providers.header_block import DECODERS, HeaderError, header_block
from backend.providers.http2 import Session

NAMES = st.sampled_from([":path", ":authority", "authorization", "content-type", "apns-id", "x-" + "n" * 130])
FIELDS = st.lists(st.tuples(NAMES, st.text("abc é", max_size=20_000)), max_size=8)
BLOCK = header_block(((":method", "POST"), (":scheme", "https"), (":authority", "x"), (":path", "/")))
KEPT = 65_536
NOBODY: Any = None
"""Waits for the answer: the session has no need of it."""


@pytest.fixture(params=["jh2", "hpack"])
def decoder(request: pytest.FixtureRequest) -> str:
    if request.param not in DECODERS:
        pytest.skip("this machine's jh2 has no Rust module")
    return request.param


@given(FIELDS)
@example([(":path", "x" * 126), (":path", "x" * 127), (":path", "x" * 128), (":path", "x" * 16_511)])
@settings(max_examples=60, deadline=None)
def test_a_decoder_reads_what_we_write(fields: list[tuple[str, str]]) -> None:
    reader = Decoder(max_header_list_size=10_000_000)
    seen = [(name.decode(), value.decode()) for name, value in reader.decode(header_block(fields), raw=True)]
    assert seen == fields
    assert len(reader.header_table.dynamic_entries) == 0


class Book:
    """What the session tells."""

    def __init__(self) -> None:
        self.settlings = 0
        self.answers: list[tuple[int, int, bytes]] = []
        self.ends: list[tuple[int, str, bool]] = []
        self.goings: list[tuple[int, str]] = []

    def settled(self) -> None:
        self.settlings += 1

    def answered(self, call: Call) -> None:
        self.answers.append((call.stream, call.status, b"".join(call.chunks)))

    def broken(self, call: Call, reason: str, *, refused: bool) -> None:
        self.ends.append((call.stream, reason, refused))

    def going(self, last: int, reason: str) -> None:
        self.goings.append((last, reason))


class Pair:
    """A client of ours and a server of somebody else's, joined by bytes."""

    def __init__(self, decoder: str = "hpack", kept: int = KEPT) -> None:
        self.book = Book()
        self.client = Session(self.book, DECODERS[decoder](), kept)
        self.server = H2Connection(H2Configuration(client_side=False))
        self.server.initiate_connection()
        self.seen: list[object] = []
        self.exchange()

    def exchange(self) -> None:
        """Until neither has anything to say."""
        while True:
            out, back = self.client.data_to_send(), self.server.data_to_send()
            if not out and not back:
                return
            self.seen += self.server.receive_data(out)
            self.client.feed(back)

    def call(self, body: bytes = b"") -> Call:
        call = Call(BLOCK, body, NOBODY)
        self.client.begin(call)
        return call

    def ask(self, body: bytes = b"") -> int:
        stream = self.call(body).stream
        self.exchange()
        return stream

    def bodies(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for event in self.seen:
            if isinstance(event, DataReceived):
                found[event.stream_id] = found.get(event.stream_id, b"") + event.data
        return found


def test_an_answer(decoder: str) -> None:
    pair = Pair(decoder)
    call = pair.call(b"body")
    pair.exchange()
    pair.server.send_headers(1, [(":status", "410"), ("apns-id", "abc"), ("x-latin", "caf\xe9".encode("latin-1"))])
    pair.server.send_data(1, b'{"reason":', end_stream=False)
    pair.server.send_data(1, b'"Unregistered"}', end_stream=True)
    pair.exchange()
    assert pair.book.answers == [(1, 410, b'{"reason":"Unregistered"}')]
    assert call.headers == {"apns-id": "abc", "x-latin": "caf\xe9"}
    assert pair.bodies() == {1: b"body"}
    assert pair.client.calls == {}


def test_streams_go_on_after_goaway(decoder: str) -> None:
    pair = Pair(decoder)
    first, second = pair.ask(), pair.ask()
    pair.server.send_headers(first, [(":status", "200")], end_stream=True)
    pair.server.send_headers(second, [(":status", "200")], end_stream=True)
    answers = pair.server.data_to_send()
    goaway = GoAwayFrame(0, last_stream_id=second, additional_data=b'{"reason":"Shutdown"}')
    pair.client.feed(goaway.serialize() + answers + goaway.serialize())
    assert [stream for stream, _, _ in pair.book.answers] == [first, second]
    assert pair.book.goings == [(second, 'goaway NO_ERROR {"reason":"Shutdown"}')] * 2


def test_goaway_gives_back_what_the_peer_drops() -> None:
    pair = Pair()
    kept, dropped = pair.call(), pair.call(b"x" * 100_000)
    assert pair.client.give_up_above(kept.stream) == [dropped]
    assert list(pair.client.calls) == [kept.stream]


def test_interim_answers_and_trailers(decoder: str) -> None:
    pair = Pair(decoder)
    stream = pair.ask()
    pair.server.send_headers(stream, [(":status", "103"), ("link", "x")])
    pair.server.send_headers(stream, [(":status", "200"), ("apns-id", "abc")])
    pair.server.send_data(stream, b"ok")
    pair.server.send_headers(stream, [("checksum", "1")], end_stream=True)
    pair.exchange()
    assert pair.book.answers == [(stream, 200, b"ok")]


def test_padding_is_no_content_and_counts_for_the_window() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, [(":status", "200")])
    pair.server.send_data(stream, b"ok", end_stream=True, pad_length=200)
    pair.exchange()
    assert pair.book.answers == [(stream, 200, b"ok")]


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9, 10, 17, 40])
def test_answers_may_come_in_pieces(size: int, decoder: str) -> None:
    pair = Pair(decoder)
    streams = [pair.ask() for _ in range(5)]
    for stream in streams:
        pair.server.send_headers(stream, [(":status", "410")])
        pair.server.send_data(stream, b'{"reason":"Unregistered"}', end_stream=True)
    data = pair.server.data_to_send()
    for at in range(0, len(data), size):
        pair.client.feed(data[at : at + size])
    assert pair.book.answers == [(stream, 410, b'{"reason":"Unregistered"}') for stream in streams]


def test_header_blocks_over_several_frames(decoder: str) -> None:
    pair = Pair(decoder)
    call = pair.call()
    pair.exchange()
    pair.server.send_headers(1, [(":status", "200"), ("x-long", "x" * 40_000)], end_stream=True)
    pair.exchange()
    assert call.headers == {"x-long": "x" * 40_000}


def test_long_header_blocks_of_ours_are_split() -> None:
    pair = Pair()
    pair.client.begin(Call(BLOCK + header_block([("x-long", "y" * 50_000)]), b"", NOBODY))
    pair.exchange()
    (request,) = [event for event in pair.seen if isinstance(event, RequestReceived)]
    assert dict(request.headers)[b"x-long"] == b"y" * 50_000


def test_the_window_for_answers_never_runs_dry() -> None:
    pair = Pair()
    for _ in range(60):
        stream = pair.ask()
        pair.server.send_headers(stream, [(":status", "200")])
        body = b"x" * 65_000
        for at in range(0, len(body), 16_000):
            pair.server.send_data(stream, body[at : at + 16_000], end_stream=at + 16_000 >= len(body))
        pair.exchange()
    assert len(pair.book.answers) == 60
    assert sum(isinstance(event, WindowUpdated) for event in pair.seen) > 2


def test_a_long_answer_is_cut_and_its_stream_reset() -> None:
    pair = Pair(kept=1_000)
    stream = pair.ask()
    pair.server.send_headers(stream, [(":status", "500")])
    for _ in range(4):
        pair.server.send_data(stream, b"x" * 300)
    pair.exchange()
    assert pair.book.answers == [(stream, 500, b"x" * 1_000)]
    assert [e.error_code for e in pair.seen if isinstance(e, StreamReset)] == [ErrorCodes.CANCEL]
    pair.exchange()


def test_bodies_obey_windows_and_frame_sizes() -> None:
    pair = Pair()
    body = bytes(range(256)) * 1_000
    stream = pair.ask(body)
    assert len(pair.bodies()[stream]) == frames.WINDOW
    while len(pair.bodies()[stream]) < len(body):
        # What the server reads it gives back; h2 does so when told.
        pair.server.acknowledge_received_data(len(pair.bodies()[stream]) - acknowledged(pair), stream)
        pair.exchange()
    assert pair.bodies()[stream] == body
    sizes = [len(event.data) for event in pair.seen if isinstance(event, DataReceived)]
    assert max(sizes) <= frames.FRAME
    assert any(isinstance(event, StreamEnded) for event in pair.seen)


def acknowledged(pair: Pair) -> int:
    done = getattr(pair, "acknowledged", 0)
    pair.acknowledged = sum(map(len, pair.bodies().values()))
    return done


def test_a_window_that_shrinks_while_a_body_waits() -> None:
    pair = Pair()
    stream = pair.ask(b"x" * 70_000)
    pair.server.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    pair.exchange()
    pair.server.increment_flow_control_window(100_000)
    pair.server.increment_flow_control_window(60_000, stream)
    pair.exchange()
    assert len(pair.bodies()[stream]) == frames.WINDOW
    pair.server.increment_flow_control_window(60_000, stream)
    pair.exchange()
    assert len(pair.bodies()[stream]) == 70_000


def test_a_smaller_header_table_is_acknowledged() -> None:
    pair = Pair()
    pair.server.update_settings({SettingCodes.HEADER_TABLE_SIZE: 0})
    pair.exchange()
    pair.ask()
    assert sum(isinstance(event, RequestReceived) for event in pair.seen) == 1


def test_pings_are_answered() -> None:
    pair = Pair()
    pair.server.ping(b"12345678")
    pair.exchange()
    assert any(type(event).__name__ == "PingAckReceived" for event in pair.seen)


def head(kind: int, payload: bytes, flags: int = 0, stream: int = 0) -> bytes:
    return frames.head(len(payload), kind, flags, stream) + payload


OK_BLOCK = Encoder().encode([(":status", "200")])

BROKEN = {
    "an overlong frame": b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
    "SETTINGS of odd length": head(frames.SETTINGS, b"12345"),
    "SETTINGS on a stream": head(frames.SETTINGS, b"", stream=1),
    "an acknowledgement that says something": head(frames.SETTINGS, b"123456", frames.ACK),
    "a window beyond all bounds": head(frames.SETTINGS, b"\x00\x04\x80\x00\x00\x00"),
    "frames too small": head(frames.SETTINGS, b"\x00\x05\x00\x00\x00\x01"),
    "pushes": head(frames.SETTINGS, b"\x00\x02\x00\x00\x00\x01"),
    "DATA nobody asked for": head(frames.DATA, b"x", stream=3),
    "DATA on stream 0": head(frames.DATA, b"x"),
    "HEADERS nobody asked for": head(frames.HEADERS, OK_BLOCK, frames.END_HEADERS, 5),
    "HEADERS of an even stream": head(frames.HEADERS, OK_BLOCK, frames.END_HEADERS, 2),
    "RST_STREAM nobody asked for": head(frames.RST_STREAM, b"\0\0\0\0", stream=7),
    "RST_STREAM too short": head(frames.RST_STREAM, b"\0", stream=1),
    "PUSH_PROMISE": PushPromiseFrame(1, promised_stream_id=2, data=OK_BLOCK, flags=["END_HEADERS"]).serialize(),
    "PING too short": head(frames.PING, b"1234567"),
    "GOAWAY too short": head(frames.GOAWAY, b"1234"),
    "WINDOW_UPDATE of nothing": head(frames.WINDOW_UPDATE, b"\0\0\0\0"),
    "WINDOW_UPDATE of too much": head(frames.WINDOW_UPDATE, b"\x7f\xff\xff\xff"),
    "WINDOW_UPDATE too long": head(frames.WINDOW_UPDATE, b"12345"),
    "WINDOW_UPDATE nobody asked for": head(frames.WINDOW_UPDATE, b"\0\0\0\1", stream=9),
    "CONTINUATION of nothing": head(frames.CONTINUATION, OK_BLOCK, frames.END_HEADERS, 1),
    "a frame amid a header block": HeadersFrame(1, OK_BLOCK).serialize() + head(frames.PING, b"12345678"),
    "CONTINUATION of another": HeadersFrame(1, b"").serialize() + ContinuationFrame(3, OK_BLOCK).serialize(),
    "more padding than frame": head(frames.DATA, b"\x09123", frames.PADDED, 1),
    "no header block": head(frames.HEADERS, b"\xff\xff\xff\xff\xff\xff\xff\xff", frames.END_HEADERS, 1),
    "a header block that ends too early": head(frames.HEADERS, b"\x40\x0aab", frames.END_HEADERS, 1),
    "an endless header block": HeadersFrame(1, b"").serialize() + ContinuationFrame(1, b"").serialize() * 65,
    "a huge header block": HeadersFrame(1, b"").serialize() + ContinuationFrame(1, b"\0" * 16_000).serialize() * 5,
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_the_protocol_is_named(what: str, decoder: str) -> None:
    pair = Pair(decoder)
    pair.ask()
    if "padding" in what:
        pair.server.send_headers(1, [(":status", "200")])
        pair.exchange()
    with pytest.raises(ProtocolError):
        pair.client.feed(BROKEN[what])


def test_the_first_frame_must_be_settings() -> None:
    client = Session(Book(), DECODERS["hpack"](), KEPT)
    with pytest.raises(ProtocolError):
        client.feed(head(frames.PING, b"12345678"))


MALFORMED = {
    "no status": [(b"x", b"y")],
    "status in words": [(b":status", b"okay")],
    "a long status": [(b":status", b"2000")],
    "an interim answer that ends": [(b":status", b"100")],
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_answer_ends_its_stream_alone(what: str, decoder: str) -> None:
    pair = Pair(decoder)
    first, second = pair.ask(), pair.ask()
    flags = frames.END_HEADERS | frames.END_STREAM
    encoder = Encoder()
    pair.client.feed(head(frames.HEADERS, encoder.encode(MALFORMED[what]), flags, first))
    pair.client.feed(head(frames.HEADERS, encoder.encode([(":status", "200")]), flags, second))
    assert [(stream, refused) for stream, _, refused in pair.book.ends] == [(first, False)]
    assert pair.book.ends[0][1].startswith("malformed_answer")
    assert pair.book.answers == [(second, 200, b"")]


def test_data_before_headers_is_malformed() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.client.feed(DataFrame(stream, b"x").serialize())
    assert pair.book.ends == [(stream, "malformed_answer DATA before HEADERS", False)]


def test_late_frames_of_a_stream_we_gave_up_are_read_and_forgotten(decoder: str) -> None:
    pair = Pair(decoder)
    call, other = pair.call(b"x"), pair.call()
    assert pair.client.forget(call)
    assert not pair.client.forget(call)
    encoder = Encoder()
    late = head(frames.HEADERS, encoder.encode([(":status", "200"), ("x-new", "1")]), frames.END_HEADERS, call.stream)
    late += DataFrame(call.stream, b"late", flags=["END_STREAM"]).serialize()
    # The second block refers to what the first one put into the table.
    late += head(
        frames.HEADERS,
        encoder.encode([(":status", "200"), ("x-new", "1")]),
        frames.END_HEADERS | frames.END_STREAM,
        other.stream,
    )
    pair.client.feed(pair.server.data_to_send() + late)
    assert pair.book.answers == [(other.stream, 200, b"")]
    assert other.headers == {"x-new": "1"}


def test_a_request_of_another_connection_is_not_ours_to_give_up() -> None:
    one, other = Pair(), Pair()
    call, namesake = one.call(), other.call()
    assert call.stream == namesake.stream
    assert not other.client.forget(call)
    assert other.client.calls == {1: namesake}


def test_refused_and_reset_are_told_apart() -> None:
    pair = Pair()
    refused, reset = pair.ask(), pair.ask()
    pair.server.reset_stream(refused, ErrorCodes.REFUSED_STREAM)
    pair.server.reset_stream(reset, ErrorCodes.INTERNAL_ERROR)
    pair.exchange()
    assert pair.book.ends == [(refused, "refused_stream", True), (reset, "stream_reset INTERNAL_ERROR", False)]


def test_unknown_error_codes_and_frames_are_no_matter() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.client.feed(head(0x42, b"whatever") + head(frames.RST_STREAM, b"\0\0\x12\x34", stream=stream))
    assert pair.book.ends == [(stream, "stream_reset 4660", False)]


def test_stream_ids_end() -> None:
    pair = Pair()
    pair.client.highest_stream = frames.LARGEST - 1_000
    assert pair.client.exhausted


def test_our_goaway_names_no_stream() -> None:
    pair = Pair()
    pair.client.goaway(ErrorCode.ENHANCE_YOUR_CALM)
    pair.exchange()
    assert pair.seen[-1].last_stream_id == 0


FRAMES = st.tuples(
    st.integers(0, 12), st.integers(0, 255), st.sampled_from([0, 1, 2, 3, 5, 99]), st.binary(max_size=60)
).map(lambda f: head(f[0], f[3], f[1], f[2]))


@given(st.lists(FRAMES, max_size=8), st.sampled_from(sorted(DECODERS)))
@settings(max_examples=200, deadline=None)
def test_whatever_a_peer_sends_is_news_or_a_protocol_error(pieces: list[bytes], decoder: str) -> None:
    pair = Pair(decoder)
    calls = [pair.call(), pair.call(b"x" * 80_000)]
    pair.exchange()
    with suppress(ProtocolError):
        pair.client.feed(b"".join(pieces))
    book = pair.book
    told = [stream for stream, *_ in (*book.answers, *book.ends)]
    assert len(told) == len(set(told))
    assert {call.stream for call in calls} == set(told) | set(pair.client.calls)


@given(st.binary(max_size=80), st.sampled_from(sorted(DECODERS)))
@settings(max_examples=200, deadline=None)
def test_any_header_block_is_read_or_refused(block: bytes, decoder: str) -> None:
    try:
        fields = DECODERS[decoder]().decode(block)
    except HeaderError:
        return
    assert all(isinstance(name, bytes) and isinstance(value, bytes) for name, value in fields)
