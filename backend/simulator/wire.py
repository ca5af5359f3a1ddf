"""What passes between the HTTP/2 servers and those who answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


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
    goaway: bool = False


class Session(Protocol):
    """One connection's other side."""

    @property
    def streams(self) -> int:
        """How many requests the client may have open now; it only ever grows."""

    def answer(self, request: Request) -> Reply:
        """Never raises; called in the event loop, so it must be quick."""
