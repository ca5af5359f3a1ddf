"""A long random conversation between our half of HTTP/2 and somebody else's server half.

The server (`h2`) raises where we break the protocol; of ours we ask that each request ends exactly once,
and as the server ended it.
"""

import random
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, SettingsAcknowledged, StreamEnded, StreamReset
from h2.settings import SettingCodes

from backend.providers.exchange import Call
from backend.providers.header_block import DECODERS, header_block
from backend.providers.http2 import Session

NOBODY: Any = None
BLOCK = header_block(((":method", "POST"), (":scheme", "https"), (":authority", "x"), (":path", "/device")))
SIZES = [0, 1, 300, 300, 4_000, 70_000]
CHANGES = [
    {SettingCodes.INITIAL_WINDOW_SIZE: 0},
    {SettingCodes.INITIAL_WINDOW_SIZE: 1_000},
    {SettingCodes.INITIAL_WINDOW_SIZE: 65_535},
    {SettingCodes.INITIAL_WINDOW_SIZE: 200_000},
    {SettingCodes.MAX_CONCURRENT_STREAMS: 1},
    {SettingCodes.MAX_CONCURRENT_STREAMS: 50},
    {SettingCodes.HEADER_TABLE_SIZE: 0},
    {SettingCodes.HEADER_TABLE_SIZE: 4_096},
]


class Talk:
    def __init__(self, seed: int, decoder: str) -> None:
        self.dice = random.Random(seed)
        self.client = Session(self, DECODERS[decoder](), 65_536)
        self.server = H2Connection(H2Configuration(client_side=False))
        self.server.initiate_connection()
        self.bodies: dict[int, bytearray] = {}
        self.sent: dict[int, bytes] = {}
        self.complete: set[int] = set()
        self.open: set[int] = set()
        self.begun: set[int] = set()
        self.expected: dict[int, str] = {}
        self.given_up: set[int] = set()
        self.ends: dict[int, str] = {}
        self.agreed = False
        self.up, self.down = bytearray(), bytearray()

    # What our half tells

    def settled(self) -> None:
        """No matter."""

    def answered(self, call: Call) -> None:
        self.end(call, f"{call.status} {sum(map(len, call.chunks))} {call.headers['x-stream']}")

    def broken(self, call: Call, reason: str, *, refused: bool) -> None:
        self.end(call, f"{reason} {refused}")

    def going(self, last: int, reason: str) -> None:
        raise AssertionError(reason)

    def end(self, call: Call, how: str) -> None:
        assert call.stream not in self.ends
        self.ends[call.stream] = how

    # What may happen next

    def ask(self) -> None:
        if len(self.client.calls) >= self.client.max_streams:
            return
        body = self.dice.randbytes(self.dice.choice(SIZES))
        call = Call(BLOCK, body, NOBODY)
        self.client.begin(call)
        self.sent[call.stream] = body
        self.begun.add(call.stream)

    def give_up(self) -> None:
        if self.client.calls:
            call = self.dice.choice(list(self.client.calls.values()))
            assert self.client.forget(call)
            self.given_up.add(call.stream)

    def answer(self) -> None:
        ready = sorted(self.open)
        if not ready:
            return
        stream, size = self.dice.choice(ready), self.dice.choice([0, 0, 20, 5_000, 60_000])
        if size > self.server.local_flow_control_window(stream):
            return
        self.open.discard(stream)
        if self.dice.random() < 0.1:
            self.server.send_headers(stream, [(":status", "103"), ("link", "x")])
        fields = [(":status", "200"), ("x-stream", str(stream)), ("date", f"day {self.dice.randrange(5)}")]
        trailers = bool(size) and self.dice.random() < 0.2
        self.server.send_headers(stream, fields, end_stream=not size)
        frame = self.server.max_outbound_frame_size
        for at in range(0, size, frame):
            piece = min(frame, size - at)
            self.server.send_data(stream, b"a" * piece, end_stream=at + piece == size and not trailers)
        if trailers:
            self.server.send_headers(stream, [("x-sum", "1")], end_stream=True)
        self.expected[stream] = f"200 {size} {stream}"

    def reset(self) -> None:
        if self.open:
            stream = self.dice.choice(sorted(self.open))
            self.open.discard(stream)
            code = self.dice.choice([ErrorCodes.REFUSED_STREAM, ErrorCodes.INTERNAL_ERROR])
            self.server.reset_stream(stream, code)
            refused = code is ErrorCodes.REFUSED_STREAM
            self.expected[stream] = "refused_stream True" if refused else "stream_reset INTERNAL_ERROR False"

    def change(self) -> None:
        # h2 takes the acknowledgement of one SETTINGS frame for that of all that are under way.
        if self.agreed:
            self.agreed = False
            self.server.update_settings(self.dice.choice(CHANGES))

    def widen(self) -> None:
        self.server.increment_flow_control_window(100_000)
        for stream in self.open - self.complete:
            self.server.increment_flow_control_window(30_000, stream)

    def ping(self) -> None:
        self.server.ping(self.dice.randbytes(8))

    def carry_up(self) -> None:
        self.up += self.client.data_to_send()
        size = self.dice.choice([1, 10, 1_000, 10**6])
        piece = bytes(self.up[:size])
        del self.up[:size]
        for event in self.server.receive_data(piece):
            self.notice(event)

    def notice(self, event: object) -> None:
        match event:
            case RequestReceived():
                self.open.add(event.stream_id)
                self.bodies[event.stream_id] = bytearray()
            case DataReceived():
                self.bodies[event.stream_id] += event.data
            case SettingsAcknowledged():
                self.agreed = True
            case StreamEnded():
                self.complete.add(event.stream_id)
            case StreamReset():
                self.open.discard(event.stream_id)

    def carry_down(self) -> None:
        self.down += self.server.data_to_send()
        size = self.dice.choice([1, 10, 1_000, 10**6])
        piece = bytes(self.down[:size])
        del self.down[:size]
        self.client.feed(piece)

    def run(self, steps: int) -> None:
        rest = [self.give_up, self.reset, self.change, self.widen, self.ping]
        often = [self.ask, self.ask, self.answer, self.carry_up, self.carry_up, self.carry_down, self.carry_down]
        for _ in range(steps):
            self.dice.choice([*often, *often, *rest])()
        for _ in range(2_000):
            for act in (self.carry_up, self.carry_down, self.answer, self.widen):
                act()
            if not (self.client.calls or self.up or self.down):
                break


@pytest.mark.parametrize("seed", range(25))
def test_a_long_conversation(seed: int) -> None:
    talk = Talk(seed, sorted(DECODERS)[seed % len(DECODERS)])
    talk.run(600)
    assert talk.client.calls == {}
    assert set(talk.ends) == talk.begun - talk.given_up
    assert len(talk.ends) > 20
    assert {stream: talk.expected[stream] for stream in talk.ends} == talk.ends
    for stream in talk.complete:
        assert bytes(talk.bodies[stream]) == talk.sent[stream]
