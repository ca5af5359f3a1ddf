"""One request and its three possible ends: answered, certainly not sent, or nobody can know."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer said. Header names are lower case; `body` is cut at `Limits.answer_bytes`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Parting = Callable[[Answer], bool]
"""Whether a peer says by this answer that its connection should take no more requests."""


class NotSent(Exception):
    """The peer has certainly not processed the request: sending it again cannot repeat it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AddressRefused(NotSent):
    """The guard allows none of the addresses that the host's name resolves to."""


class Unknown(Exception):
    """The request left us and no answer came: it may or may not have been processed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cut(Unknown):
    """The connection ended under the request, and under all others that it carried."""


@dataclass(frozen=True, slots=True)
class Admission:
    """How many requests to an origin make sense now, of those that somebody wanted to make."""

    count: int
    wait: float = 0.0
    """Seconds until asking again makes sense, where `count` is less than was wanted."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """One origin as this transport sees it."""

    host: str
    """Name, with the port where it is not 443."""
    state: str
    """`closed` (works), `open` (rests after failures) or `half_open` (one request tries it)."""
    open_for: float
    """Seconds until the next try; 0 unless open."""
    failures: int
    """In the last 60 seconds."""
    in_flight: int
    connections: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one transport goes. All times are seconds."""

    connections: int = 4
    """At most so many to one origin."""
    origins: int = 64
    """With so many, the connections of those that have nothing to do are closed before there is one more."""
    streams: int = 1_000
    """At most so many open requests a connection, whatever the peer offers."""
    slow_streams: int | None = None
    """At most so many open requests to an origin whose answers take longer than `slow`, or that has not
    answered yet; None for no such cap."""
    slow: float = 1.0
    answer_bytes: int = 65_536
    connect_timeout: float = 10.0
    """From the name look-up to the peer's first SETTINGS."""
    pace: float = 1.0
    """After a failure, and while growing: at least so long between two connections to one host."""
    rest: float = 5.0
    """A host that fails is left alone so long, twice as long after each try that failed too."""
    longest_rest: float = 30.0
    resends: int = 64
    """How often a request that the peer refused unprocessed is offered again."""
    silence: float = 10.0
    """A peer that owes us answers and says nothing so long is asked by PING."""
    idle_ping: float = 300.0
    """The same for a connection without open requests, so that a dead one is found before its use."""
    pong: float = 10.0
    """A PING without an answer for so long means the connection is dead."""
    idle_close: float = 3_600.0
    may_send: Callable[[], bool] | None = None
    """Asked before requests go on the wire. False: this process stood still for so long that what it was about
    to send may be another's by now, and none of it goes."""


class Call:
    """A request on its way, from the queue through a stream (or several, where peers refuse it).

    `block` is its header block, ready for the wire.
    """

    __slots__ = (
        "begun", "block", "body", "chunks", "future", "headers", "refusals", "sent", "size", "slot", "status",
        "stream", "window",
    )  # fmt: skip

    def __init__(self, block: bytes, body: bytes, future: asyncio.Future[Answer]) -> None:
        self.block, self.body, self.future = block, body, future
        self.refusals = self.slot = 0
        self.restart()

    def restart(self) -> None:
        """Forgets the stream that was refused."""
        self.stream = self.sent = self.size = self.status = self.window = 0
        self.begun = 0.0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []

    @property
    def done(self) -> bool:
        return self.future.done()

    def succeed(self) -> Answer:
        answer = Answer(self.status, self.headers, b"".join(self.chunks))
        if not self.future.done():
            self.future.set_result(answer)
        return answer

    def fail(self, error: NotSent | Unknown) -> None:
        if not self.future.done():
            self.future.set_exception(error)
