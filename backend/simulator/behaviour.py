"""How the simulated world misbehaves. By default it does not."""

import random
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from backend.domain.vocabulary import ProviderName
from backend.simulator.wire import Ending

OAUTH = "oauth"
_SERVICES = {*ProviderName, OAUTH}
_FAULT = re.compile(r"([45]\d\d)/([A-Za-z_]*)(?:@(\d+))?")
_SHARES = ("refuse", "reset_after_accept", "hang_up_after_accept", "silence_after_accept")


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that the provider gives for no reason of ours. `retry_after` is in seconds."""

    status: int
    reason: str
    retry_after: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `STATUS/REASON` or `STATUS/REASON@RETRY_AFTER`; REASON may be empty."""
        match = _FAULT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not STATUS/REASON or STATUS/REASON@SECONDS")
        return cls(int(match[1]), match[2], int(match[3]) if match[3] else None)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The knobs. Shares are parts of one; what they hit is drawn by a generator seeded with `seed`."""

    latency_ms: float = 0.0
    """Each answer waits so long."""
    mix: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Service (apns, fcm, webpush, oauth) → `STATUS/REASON[@RETRY_AFTER]` → share of otherwise good requests."""
    goaway_every: int = 0
    """Each connection is retired after so many requests; 0: never."""
    refuse: float = 0.0
    """REFUSED_STREAM before anything is looked at."""
    reset_after_accept: float = 0.0
    """Accepted, then RST_STREAM: the ambiguous case."""
    hang_up_after_accept: float = 0.0
    """Accepted, then the whole connection is cut."""
    silence_after_accept: float = 0.0
    """Accepted, never answered."""
    receipt_slowness: float = 1.0
    """Factor on the time that people take."""
    token_updates: bool = True
    """APNs refuses a second provider token on a connection within 20 minutes."""
    fcm_per_minute: int = 600_000
    """Messages a minute to the project, refilled all at once; 0: no limit."""
    device_per_minute: int = 0
    """Messages a minute to one device (APNs and FCM); 0: no limit."""
    access_token_seconds: int = 3599
    """How long an OAuth access token lives."""
    seed: int = 1

    def __post_init__(self) -> None:
        for name in _SHARES:
            _share(name, getattr(self, name))
        for service, faults in self.mix.items():
            if service not in _SERVICES:
                raise ValueError(f"mix: unknown service {service!r}")
            for text, share in faults.items():
                Fault.parse(text)
                _share(f"mix.{service}.{text}", share)

    @classmethod
    def parse(cls, data: Any) -> Self:
        """From JSON; what is not named keeps its default. Raises `ValueError` that names the wrong knob."""
        if not isinstance(data, dict):
            raise ValueError("a JSON object is needed")  # noqa: TRY004 - wrong input, not a wrong call
        known = {each.name: each for each in fields(cls)}
        for name, value in data.items():
            if name not in known:
                raise ValueError(f"unknown knob {name!r}")
            if not isinstance(value, _KINDS[name]) or (isinstance(value, bool) and name != "token_updates"):
                raise ValueError(f"{name}: {value!r} has the wrong type")
        return cls(**data)

    def knobs(self) -> dict[str, Any]:
        """What `parse` reads back."""
        return asdict(self)


_KINDS: dict[str, type | tuple[type, ...]] = {
    "latency_ms": (int, float),
    "mix": Mapping,
    "goaway_every": int,
    "receipt_slowness": (int, float),
    "token_updates": bool,
    "fcm_per_minute": int,
    "device_per_minute": int,
    "access_token_seconds": int,
    "seed": int,
    **dict.fromkeys(_SHARES, (int, float)),
}


def _share(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"{name}: {value!r} is not a share between 0 and 1")


class Dice:
    """Draws faults as a behaviour asks; the same seed draws the same row."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._random = random.Random(behaviour.seed)  # noqa: S311 - chance, not a secret
        self._refuse = behaviour.refuse
        self._mix = {
            service: [(Fault.parse(text), share) for text, share in faults.items()]
            for service, faults in behaviour.mix.items()
        }
        self._endings = [
            (Ending.RESET, behaviour.reset_after_accept),
            (Ending.HANG_UP, behaviour.hang_up_after_accept),
            (Ending.SILENCE, behaviour.silence_after_accept),
        ]
        self._always_answers = not any(share for _, share in self._endings)

    def refuses(self) -> bool:
        return self._refuse > 0 and self._random.random() < self._refuse

    def fault(self, service: str) -> Fault | None:
        faults = self._mix.get(service)
        if not faults:
            return None
        drawn = self._random.random()
        for fault, share in faults:
            if drawn < share:
                return fault
            drawn -= share
        return None

    def ending(self) -> Ending:
        if self._always_answers:
            return Ending.ANSWER
        drawn = self._random.random()
        for ending, share in self._endings:
            if drawn < share:
                return ending
            drawn -= share
        return Ending.ANSWER
