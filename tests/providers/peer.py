"""An HTTP/2 server over TLS on loopback that keeps a book of what it accepted and misbehaves on demand."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

Reply = tuple[int, Mapping[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Request:
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.headers[":path"]


def _ok(request: Request) -> Reply:
    return 200, {}, b""


@dataclass(slots=True)
class Faults:
    """What goes wrong; counts are per connection unless they say otherwise."""

    goaway_every: int = 0
    """GOAWAY after so many requests; later ones are dropped unread."""
    goaway_warning: bool = False
    """The graceful opening: a first GOAWAY that names the highest stream id."""
    hang_up_at_once: bool = False
    """After TLS, without a word."""
    goaway_at_once: bool = False
    """Right after SETTINGS, and nothing is ever served."""
    refuse_every: int = 0
    reset_after_accept: int = 0
    hang_up_after_accept: int = 0
    one_stream_first: bool = False
    streams: int = 100
    window: int = 65_535
    frame: int = 16_384
    table: int = 4_096
    delay: float = 0.0
    deaf_after: int = 0
    """Stops reading and answering after so many requests; the socket stays open."""
    no_settings: bool = False
    withhold_window: bool = False
    """Gives connection window back only when all of it is used up."""
    no_window: bool = False
    """Never gives connection window back."""
    answer_early: bool = False
    """Answers when the headers are there, and never opens a stream's window."""
    split_headers: bool = False
    break_protocol_after: int = 0
    """After so many answers (0: never) garbage follows."""


@dataclass(slots=True)
class Peer:
    faults: Faults = field(default_factory=Faults)
    reply: Callable[[Request], Reply] = _ok
    accepted: Counter[str] = field(default_factory=Counter)
    requests: list[Request] = field(default_factory=list)
    connected: list[float] = field(default_factory=list)
    resets: list[int] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    raw_headers: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    open: set["_Wire"] = field(default_factory=set)
    origin: str = ""
    server: asyncio.Server | None = None

    async def start(self, context: ssl.SSLContext, port: int = 0) -> "Peer":
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: _Wire(self), "127.0.0.1", port, ssl=context, ssl_shutdown_timeout=0.2
        )
        self.origin = f"https://localhost:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            for wire in list(self.open):
                wire.transport.abort()
            while self.open:
                await asyncio.sleep(0.005)
            await self.server.wait_closed()


class _Wire(asyncio.Protocol):
    def __init__(self, peer: Peer) -> None:
        self.peer, self.faults = peer, peer.faults
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.open: dict[int, tuple[dict[str, str], bytearray]] = {}
        self.pending: set[int] = set()
        self.bodies: dict[int, bytes] = {}
        self.served = self.answered = 0
        self.deaf = self.gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self.peer.open.add(self)
        self.peer.connected.append(self.loop.time())
        if self.faults.hang_up_at_once:
            self.transport.abort()
            return
        if self.faults.no_settings:
            self.deaf = True
            return
        faults = self.faults
        self.h2.local_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = 1 if faults.one_stream_first else faults.streams
        self.h2.local_settings[SettingCodes.INITIAL_WINDOW_SIZE] = faults.window
        self.h2.local_settings[SettingCodes.MAX_FRAME_SIZE] = faults.frame
        self.h2.local_settings[SettingCodes.HEADER_TABLE_SIZE] = faults.table
        # What a SETTINGS frame offers holds at once for our own book-keeping.
        self.h2.local_settings.acknowledge()
        self.h2.decoder.max_allowed_table_size = faults.table
        self.h2.initiate_connection()
        self.flush()
        if faults.goaway_at_once:
            self.goaway(0)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self.peer.open.discard(self)

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            return
        for event in self.h2.receive_data(data):
            self.handle(event)
        self.flush()

    def handle(self, event: events.Event) -> None:
        if isinstance(event, events.RequestReceived):
            if self.faults.one_stream_first and not self.served and len(self.open) + len(self.pending) >= 1:
                self.peer.violations.append("more than one stream before the first answer")
            self.peer.raw_headers.append(list(event.headers))
            self.open[event.stream_id] = (dict(event.headers), bytearray())
            if self.faults.answer_early:
                self.pending.add(event.stream_id)
                self.answer(event.stream_id, Request(self.open.pop(event.stream_id)[0], b""))
        elif isinstance(event, events.DataReceived):
            if event.stream_id in self.open:
                self.open[event.stream_id][1].extend(event.data)
            self.give_back(event)
        elif isinstance(event, events.StreamEnded):
            self.complete(event.stream_id)
        elif isinstance(event, events.WindowUpdated):
            self.send_bodies()
        elif isinstance(event, events.StreamReset):
            self.bodies.pop(event.stream_id, None)
            self.peer.resets.append(event.stream_id)
            self.open.pop(event.stream_id, None)
            self.pending.discard(event.stream_id)

    def give_back(self, event: events.DataReceived) -> None:
        if self.faults.no_window or self.faults.answer_early:
            return
        if not self.faults.withhold_window:
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            return
        if event.flow_controlled_length:
            self.h2.increment_flow_control_window(event.flow_controlled_length, event.stream_id)
        if self.h2.inbound_flow_control_window == 0:
            self.h2.increment_flow_control_window(65_535)

    def complete(self, stream: int) -> None:
        headers, body = self.open.pop(stream)
        faults = self.faults
        if faults.goaway_every and self.served >= faults.goaway_every:
            return
        self.served += 1
        if faults.refuse_every and self.served % faults.refuse_every == 0:
            self.h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
            return
        request = Request(headers, bytes(body))
        self.peer.accepted[headers[":path"]] += 1
        self.peer.requests.append(request)
        if faults.goaway_every and self.served == faults.goaway_every:
            if faults.goaway_warning:
                self.goaway(2**31 - 1)
            self.goaway(stream)
        if faults.deaf_after and self.served >= faults.deaf_after:
            self.deaf = True
            return
        if faults.hang_up_after_accept and self.served % faults.hang_up_after_accept == 0:
            self.transport.abort()
            return
        if faults.reset_after_accept and self.served % faults.reset_after_accept == 0:
            self.h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
            return
        self.pending.add(stream)
        if faults.delay:
            self.loop.call_later(faults.delay, self.answer, stream, request)
        else:
            self.answer(stream, request)

    def goaway(self, last: int) -> None:
        self.flush()
        frame = GoAwayFrame(0)
        frame.last_stream_id = last
        frame.additional_data = b'{"reason":"Shutdown"}'
        self.transport.write(frame.serialize())

    def answer(self, stream: int, request: Request) -> None:
        if self.gone or stream not in self.pending:
            return
        self.pending.discard(stream)
        status, headers, body = self.peer.reply(request)
        fields = [(":status", str(status)), *headers.items()]
        if self.faults.split_headers:
            fields.append(("x-padding", "x" * 40_000))
        self.h2.send_headers(stream, fields, end_stream=not body)
        self.answered += 1
        if body:
            self.bodies[stream] = body
            self.send_bodies()
        if self.faults.one_stream_first and self.served == 1:
            self.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1_000})
        self.flush()
        if self.faults.break_protocol_after and self.answered >= self.faults.break_protocol_after:
            self.transport.write(b"\x00\x00\x01\x05\x00\x00\x00\x00\x00garbage!")

    def send_bodies(self) -> None:
        for stream in list(self.bodies):
            while stream in self.bodies:
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
                if room <= 0:
                    break
                body = self.bodies.pop(stream)
                self.h2.send_data(stream, body[:room], end_stream=len(body) <= room)
                if len(body) > room:
                    self.bodies[stream] = body[room:]

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data and not self.gone:
            self.transport.write(data)


def certificate(folder: Path, *also: str) -> tuple[str, ssl.SSLContext]:
    """A root of our own for `localhost` and other names: its PEM, and a server context that offers HTTP/2.

    `peer.pem` in the folder holds it with its key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName(
        [*map(x509.DNSName, ("localhost", *also)), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "peer.pem").write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "peer.pem")
    context.set_alpn_protocols(["h2"])
    return pem.decode(), context
