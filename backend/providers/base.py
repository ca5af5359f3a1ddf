"""What every provider is: an encoder and a sender that gives back one Outcome for each message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from backend.domain.message import Address, Message
from backend.providers.exchange import Admission, HostReport

__all__ = [
    "Admission",
    "Credential",
    "HostReport",
    "Outcome",
    "OutcomeKind",
    "Pause",
    "Provider",
    "TooLarge",
    "TopicProvider",
]


class OutcomeKind(StrEnum):
    """What the sender must do about an answer."""

    ACCEPTED = "accepted"
    """The provider took it."""
    FAILED = "failed"
    """Final for this message; `prune` says whether the address is dead as well."""
    RETRY = "retry"
    """Certainly not taken; send again after `retry_after` seconds (None: the wait table decides)."""
    UNKNOWN = "unknown"
    """Nobody can know whether it was taken; the campaign's `on_unknown` decides."""
    BLOCKED = "blocked"
    """Our configuration or credential is wrong: not this message's fault, and the lane must stop."""


class Pause(StrEnum):
    """How far an answer other than success reaches: what must wait, or stop."""

    NOTHING = "nothing"
    """The message alone."""
    DEVICE = "device"
    """This address: it gets too much."""
    HOST = "host"
    """The peer that answered: it has too much to do, or is down."""
    SIGNING = "signing"
    """Provider tokens: they may not change for a while."""
    LANE = "lane"
    """All that goes by this credential: slower after RETRY, not at all after BLOCKED."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One message's fate.

    `status` is the HTTP status, 0 where there was none; `reason` is the provider's own word
    (`BadDeviceToken`, `UNREGISTERED`, `404`), or ours in lower case (`timeout`, `not_sent`).
    `raw` is the provider's reply, at most 2 000 characters. `gone_at` is the provider's own
    time stamp (epoch seconds) of a dead address, where it gives one. `retry_after` is in seconds.
    `pause` is how far the answer reaches. `clock_ahead` is the number of seconds by which our clock is
    ahead of the provider's (below 0: behind), where a BLOCKED outcome may come from that.
    """

    kind: OutcomeKind
    status: int = 0
    reason: str = ""
    raw: str = ""
    ref: str = ""
    prune: bool = False
    gone_at: float | None = None
    retry_after: float | None = None
    pause: Pause = Pause.NOTHING
    clock_ahead: float = 0.0


@dataclass(frozen=True, slots=True)
class Credential:
    """What a provider needs to act for an app, decrypted.

    `public` holds what may be shown (topic, key_id and team_id or certificate_subject and expires_at;
    project_id, client_email; public_key, subject), `secret` what may not (private_key, certificate,
    service_account). `endpoint` is a base URL such as `https://127.0.0.1:8443`; None means the
    provider's own. `ca` is a PEM bundle trusted beside the system's.
    """

    id: int
    environment: str = "production"
    endpoint: str | None = None
    ca: str | None = None
    public: Mapping[str, str] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)


class TooLarge(Exception):
    """The encoded message is over the provider's limit; `size` and `limit` are bytes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size} bytes, at most {limit} are allowed")
        self.size, self.limit = size, limit


class Provider(Protocol):
    """One lane: a provider acting with one credential."""

    def encode(self, message: Message, address: Address) -> bytes:
        """The exact body for this message and address; pure. Raises `TooLarge`.

        For Web Push these are the plaintext bytes that `send` encrypts.
        """

    async def send(self, body: bytes, message: Message, address: Address) -> Outcome:
        """Sends what `encode` gave; never raises for anything the network or the provider may do."""

    async def verify(self) -> str | None:
        """None when the provider believes our credential, else one sentence that says what is wrong."""

    def admit(self, address: Address | None, wanted: int) -> Admission:
        """How many of `wanted` requests to the host of `address` make sense now.

        None asks for the lane as a whole: the one origin of APNs and FCM; Web Push then admits all.
        """

    def hosts(self) -> Sequence[HostReport]:
        """The hosts that the lane has connections to, or rests from."""

    async def close(self) -> None:
        """Closes idle connections; messages under way become UNKNOWN."""


class TopicProvider(Protocol):
    """A lane whose provider keeps lists of devices under a name."""

    async def subscribe(self, address: Address, topic: str, wanted: bool) -> Outcome:
        """Puts the device on the list or takes it off; a repeat changes nothing and is ACCEPTED too."""
