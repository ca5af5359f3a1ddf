"""What passes between the HTTP/2 servers and those who answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Host(StrEnum):
    """The servers that the simulator plays, in the order of their ports."""

    APNS = "apns"
    FCM = "fcm"
    WEBPUSH = "webpush"
    WEBPUSH2 = "webpush2"
    """A second push service, so that one host can be slow or down while the other one is not."""
    SANDBOX = "sandbox"
    """APNs for development."""
    CONTROL = "control"
    """The control routes alone, out of reach of every fault."""


class Ending(StrEnum):
    """How a request ends on the wire."""

    ANSWER = "answer"
    """With its reply."""
    REFUSE = "refuse"
    """RST_STREAM with REFUSED_STREAM: certainly not processed."""
    RESET = "reset"
    """RST_STREAM with INTERNAL_ERROR: nobody can know."""
    SILENCE = "silence"
    """Never."""
    HANG_UP = "hang_up"
    """The whole connection is cut, with everything on it."""


class Goaway(StrEnum):
    """How a connection is retired."""

    NOW = "now"
    """One GOAWAY that names the last request."""
    GRACEFUL = "graceful"
    """One that names none yet, and the final one a moment later (RFC 9113 6.8)."""


class Outage(StrEnum):
    """What a client meets at a host that is down."""

    REFUSED = "refused"
    """Nobody listens."""
    RESET = "reset"
    """Each connection is reset as soon as it is made."""
    SILENT = "silent"
    """Connections are made, and nothing is ever said."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, complete. `headers` has lower-case names; `repeated` names those that came twice."""

    method: str
    path: str
    authority: str
    headers: Mapping[str, str]
    repeated: frozenset[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `delay` is in seconds; `goaway` retires the connection after this request."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    ending: Ending = Ending.ANSWER
    delay: float = 0.0
    goaway: Goaway | None = None


class Session(Protocol):
    """One connection's other side."""

    @property
    def streams(self) -> int:
        """How many requests the client may have open now; it only ever grows."""

    @property
    def date(self) -> str:
        """Now, as the `date` header says it."""

    def answer(self, request: Request) -> Reply:
        """Never raises; called in the event loop, so it must be quick."""
