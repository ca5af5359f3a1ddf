"""The sans-IO half: header blocks that any decoder reads, and peers that send anything at all."""

from contextlib import suppress

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError
from hpack import Decoder
from hyperframe.frame import GoAwayFrame
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.providers.http2 import Session, header_block

NAMES = st.sampled_from([b":path", b":authority", b"authorization", b"content-type", b"apns-id", b"x-" + b"n" * 130])
FIELDS = st.lists(st.tuples(NAMES, st.binary(max_size=20_000)), max_size=8)


@given(FIELDS)
@example([(b":path", b"x" * 126), (b":path", b"x" * 127), (b":path", b"x" * 128), (b":path", b"x" * 16_511)])
@settings(max_examples=60, deadline=None)
def test_a_decoder_reads_what_we_write(fields: list[tuple[bytes, bytes]]) -> None:
    decoder = Decoder(max_header_list_size=10_000_000)
    assert [tuple(field) for field in decoder.decode(header_block(fields), raw=True)] == fields
    assert len(decoder.header_table.dynamic_entries) == 0


def pair() -> tuple[Session, H2Connection]:
    client, server = Session(), H2Connection(H2Configuration(client_side=False))
    server.initiate_connection()
    server.receive_data(client.data_to_send())
    list(client.feed(server.data_to_send()))
    server.receive_data(client.data_to_send())
    return client, server


def ask(client: Session, server: H2Connection) -> int:
    block = header_block(((b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"x"), (b":path", b"/")))
    stream = client.begin(block, end_stream=True)
    seen = server.receive_data(client.data_to_send())
    assert any(isinstance(event, RequestReceived) for event in seen)
    return stream


def test_streams_go_on_after_goaway() -> None:
    client, server = pair()
    first, second = ask(client, server), ask(client, server)
    server.send_headers(first, [(":status", "200")], end_stream=True)
    server.send_headers(second, [(":status", "200")], end_stream=True)
    answers = server.data_to_send()
    goaway = GoAwayFrame(0)
    goaway.last_stream_id = second
    seen = list(client.feed(goaway.serialize() + answers + goaway.serialize()))
    assert [e.stream_id for e in seen if isinstance(e, StreamEnded)] == [first, second]
    assert sum(isinstance(e, ConnectionTerminated) for e in seen) == 2


def test_what_waits_to_be_written_survives_goaway() -> None:
    client, server = pair()
    block = header_block(((b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"x"), (b":path", b"/")))
    client.begin(block, end_stream=True)
    list(client.feed(GoAwayFrame(0).serialize()))
    assert any(isinstance(event, RequestReceived) for event in server.receive_data(client.data_to_send()))


@given(st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_answers_may_come_in_pieces(size: int) -> None:
    client, server = pair()
    streams = [ask(client, server) for _ in range(5)]
    for stream in streams:
        server.send_headers(stream, [(":status", "410")])
        server.send_data(stream, b'{"reason":"Unregistered"}', end_stream=True)
    data = server.data_to_send()
    seen = [e for at in range(0, len(data), size) for e in client.feed(data[at : at + size])]
    assert [e.stream_id for e in seen if isinstance(e, StreamEnded)] == streams


def test_the_table_of_closed_streams_stays_small() -> None:
    client, server = pair()
    for _ in range(2_000):
        stream = ask(client, server)
        server.send_headers(stream, [(":status", "200")], end_stream=True)
        list(client.feed(server.data_to_send()))
        client.ended()
    assert len(client.streams) < 300
    assert client.open_outbound_streams == 0


def test_an_overlong_frame_is_refused_before_it_is_read() -> None:
    client, _ = pair()
    with pytest.raises(ProtocolError):
        list(client.feed(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"))


FRAMES = st.tuples(
    st.integers(0, 12), st.integers(0, 255), st.sampled_from([0, 1, 2, 3, 99]), st.binary(max_size=60)
).map(lambda f: len(f[3]).to_bytes(3, "big") + bytes(f[:2]) + f[2].to_bytes(4, "big") + f[3])


@given(st.lists(FRAMES, max_size=6))
@settings(max_examples=200, deadline=None)
def test_whatever_a_peer_sends_is_an_event_or_a_protocol_error(frames: list[bytes]) -> None:
    client, server = pair()
    ask(client, server)
    with suppress(ProtocolError):
        list(client.feed(b"".join(frames)))
