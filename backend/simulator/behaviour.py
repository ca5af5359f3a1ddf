"""How the simulated world misbehaves. By default it does not."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from backend.simulator.faults import Fault
from backend.simulator.wire import Host, Outage

OAUTH, TOPICS = "oauth", "topics"
SERVICES = ("apns", "sandbox", "fcm", TOPICS, OAUTH, "webpush", "webpush2")
"""What a mix may name: the hosts, and beside FCM's pushes its topic subscriptions and Google's token endpoint."""
PARENT: Mapping[str, str] = {Host.SANDBOX: Host.APNS, Host.WEBPUSH2: Host.WEBPUSH}
"""A host that has no knobs of its own takes its parent's."""
HOSTS = tuple(host for host in Host if host is not Host.CONTROL)
_DAY = 86_400.0
_YEAR = 365 * _DAY


@dataclass(frozen=True, slots=True)
class Knob:
    """A knob in words, and what it takes; `local` ones may differ by host."""

    says: str
    least: float = 0.0
    most: float = math.inf
    words: tuple[str, ...] = ()
    local: bool = False

    def check(self, name: str, value: object, default: object) -> None:
        """Raises `ValueError` that names the knob."""
        if isinstance(default, bool) or isinstance(value, bool):
            fits = isinstance(default, bool) and isinstance(value, bool)
        elif isinstance(default, str):
            fits = value in self.words
        else:
            wanted = int if isinstance(default, int) else (int, float)
            fits = isinstance(value, wanted) and self.least <= value <= self.most
        if not fits:
            raise ValueError(f"{name}: {value!r} is not {self._wanted(default)}")

    def _wanted(self, default: object) -> str:
        if isinstance(default, bool):
            return "true or false"
        if self.words:
            return f"one of {', '.join(self.words)}"
        kind = "a whole number" if isinstance(default, int) else "a number"
        return (
            f"{kind} between {self.least:g} and {self.most:g}"
            if self.most < math.inf
            else f"{kind} from {self.least:g} up"
        )


def _knob(default: Any, says: str, **limits: Any) -> Any:
    return field(default=default, metadata={"knob": Knob(says, **limits)})


def _share(says: str) -> Any:
    return _knob(0.0, f"Share of requests {says}", most=1.0, local=True)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The knobs. Shares are parts of one; what they hit is drawn by a generator seeded with `seed`."""

    latency_ms: float = _knob(0.0, "Milliseconds that each answer waits.", most=3_600_000.0, local=True)
    jitter_ms: float = _knob(0.0, "Up to so many milliseconds more, drawn.", most=3_600_000.0, local=True)
    mix: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Service → `STATUS/REASON[@RETRY_AFTER]` → share of otherwise good requests."""
    only: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Host → the local knobs that differ there."""
    goaway_every: int = _knob(0, "Each connection is retired after so many requests; 0: never.", local=True)
    goaway_graceful: bool = _knob(
        False, "A GOAWAY that names no last request first, the final one a moment later.", local=True
    )
    streams: int = _knob(
        0, "Requests open at once on a connection; 0: as the provider does it.", most=100_000, local=True
    )
    refuse: float = _share("refused with REFUSED_STREAM before anything is looked at.")
    reset_before_accept: float = _share("reset before anything is looked at.")
    reset_after_accept: float = _share("accepted, then reset: nobody can know.")
    hang_up_after_accept: float = _share("accepted, then the whole connection is cut.")
    silence_after_accept: float = _share("accepted and never answered.")
    down_seconds: float = _knob(0.0, "The host is down for so long from now on; 0: it is up.", most=_DAY, local=True)
    down_as: str = _knob(
        Outage.REFUSED.value,
        "What clients meet while it is down.",
        words=tuple(way.value for way in Outage),
        local=True,
    )
    clock_skew_seconds: float = _knob(
        0.0, "So far ahead is the host's clock, in the date header and in every check of a token.",
        least=-_YEAR, most=_YEAR, local=True,
    )  # fmt: skip
    device_per_minute: int = _knob(0, "Messages a minute to one device; 0: no limit.", local=True)
    retry_after_dates: bool = _knob(False, "Retry-After is a date instead of seconds.", local=True)
    receipt_slowness: float = _knob(1.0, "Factor on the time that people take.", most=1e6)
    token_updates: bool = _knob(True, "APNs refuses a second provider token on a connection within 20 minutes.")
    provider_token_seconds: float = _knob(3600.0, "How old an APNs provider token may be.", most=_YEAR)
    gone_seconds: float = _knob(0.0, "For how long a device has been gone when APNs says 410.", most=10 * _YEAR)
    fcm_per_minute: int = _knob(600_000, "Messages a minute to the FCM project, refilled all at once; 0: no limit.")
    access_token_seconds: int = _knob(3599, "How long an OAuth access token lives.")
    access_token_announced: int = _knob(0, "How long the token endpoint says it lives; 0: the truth.")
    seed: int = _knob(1, "Seeds chance and people.", least=-math.inf)

    def __post_init__(self) -> None:
        for name, knob in KNOBS.items():
            knob.check(name, getattr(self, name), _DEFAULTS[name])
        _check_mix(self.mix)
        for host, knobs in self.only.items():
            _check_only(host, knobs)

    @classmethod
    def parse(cls, data: Any) -> Self:
        """From JSON; what is not named keeps its default. Raises `ValueError` that names the wrong knob."""
        if not isinstance(data, dict):
            raise ValueError("a JSON object is needed")  # noqa: TRY004 - wrong input, not a wrong call
        unknown = data.keys() - KNOBS.keys() - {"mix", "only"}
        if unknown:
            raise ValueError(f"unknown knob {min(unknown)!r}")
        return cls(**data)

    def knobs(self) -> dict[str, Any]:
        """What `parse` reads back."""
        return asdict(self)

    def at(self, host: Host) -> Self:
        """As it is at one host: its parent's differences, then its own."""
        own = {**self.only.get(PARENT.get(host, host), {}), **self.only.get(host, {})}
        return replace(self, **own) if own else self

    def mix_of(self, service: str) -> Mapping[str, float]:
        return self.mix.get(service) or self.mix.get(PARENT.get(service, service), {})


KNOBS: Mapping[str, Knob] = {each.name: each.metadata["knob"] for each in fields(Behaviour) if "knob" in each.metadata}
_DEFAULTS: Mapping[str, Any] = {each.name: each.default for each in fields(Behaviour)}


def default(name: str) -> Any:
    """The value of a knob that nobody has turned."""
    return _DEFAULTS[name]


def _check_mix(mix: object) -> None:
    for service, faults in _object("mix", mix).items():
        if service not in SERVICES:
            raise ValueError(f"mix: unknown service {service!r}")
        total = 0.0
        for text, share in _object(f"mix.{service}", faults).items():
            Fault.parse(text)
            _SHARE.check(f"mix.{service}.{text}", share, 0.0)
            total += share
        if total > 1 + 1e-9:
            raise ValueError(f"mix.{service}: the shares come to {total:g}, more than 1")


def _check_only(host: str, knobs: object) -> None:
    if host not in HOSTS:
        raise ValueError(f"only: unknown host {host!r}")
    for name, value in _object(f"only.{host}", knobs).items():
        knob = KNOBS.get(name)
        if knob is None or not knob.local:
            raise ValueError(f"only.{host}: {name!r} is not a knob of one host")
        knob.check(f"only.{host}.{name}", value, _DEFAULTS[name])


def _object(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: {value!r} is not an object")  # noqa: TRY004 - wrong input, not a wrong call
    return value


_SHARE = Knob("", most=1.0)
