"""One request and its three possible ends: answered, certainly not sent, or nobody can know."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer said. Header names are lower case; `body` is cut at `Limits.answer_bytes`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one transport goes. All times are seconds."""

    connections: int = 4
    """At most so many to one origin."""
    origins: int = 64
    """With so many, the connections of those that have nothing to do are closed before there is one more."""
    streams: int = 1_000
    """At most so many open requests a connection, whatever the peer offers."""
    answer_bytes: int = 65_536
    connect_timeout: float = 10.0
    """From the name look-up to the peer's first SETTINGS."""
    pace: float = 1.0
    """After a failure, and while growing: at least so long between two connections."""
    resends: int = 64
    """How often a request that the peer refused unprocessed is offered again."""
    silence: float = 10.0
    """A peer that owes us answers and says nothing so long is asked by PING."""
    idle_ping: float = 300.0
    """The same for a connection without open requests, so that a dead one is found before its use."""
    pong: float = 10.0
    """A PING without an answer for so long means the connection is dead."""
    idle_close: float = 3_600.0


class Call:
    """A request on its way, from the queue through a stream (or several, where peers refuse it).

    `block` is its header block, ready for the wire.
    """

    __slots__ = (
        "answer", "block", "body", "chunks", "future", "refusals", "sent", "size", "status", "stream",
    )  # fmt: skip

    def __init__(
        self,
        block: bytes,
        body: bytes,
        future: asyncio.Future[Answer],
    ) -> None:
        self.block, self.body, self.future = block, body, future
        self.refusals = 0
        self.restart()

    def restart(self) -> None:
        """Forgets the stream that was refused."""
        self.stream = self.sent = self.size = self.status = 0
        self.answer: dict[str, str] = {}
        self.chunks: list[bytes] = []

    @property
    def done(self) -> bool:
        return self.future.done()

    def succeed(self) -> None:
        if not self.future.done():
            self.future.set_result(Answer(self.status, self.answer, b"".join(self.chunks)))

    def fail(self, error: NotSent | Unknown) -> None:
        if not self.future.done():
            self.future.set_exception(error)
