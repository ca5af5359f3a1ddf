"""Where a Web Push may go. An endpoint comes from a browser, so it may name any machine we can reach.

Three walls: a list of hosts, https only, and, for hosts that the operator has not named, public addresses
only, asked at the very connection and for the very address it goes to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

PUSH_SERVICES = (
    "fcm.googleapis.com",
    "android.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
_LONGEST = 2_048
_HTTPS = 443
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class PushHosts:
    """The hosts that one lane may post to. `named` are `host[:port]` of the operator; `*.` stands for any label."""

    named: tuple[str, ...] = ()
    allow_private: bool = False
    _named: frozenset[tuple[str, int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_named", frozenset(map(_host_and_port, self.named)))

    def problem(self, url: str) -> str | None:
        """Why we do not post to this endpoint, in words; None when we do."""
        if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
            return "is not a URL of at most 2 048 visible ASCII characters"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _HTTPS
        except ValueError:
            return "is not a URL"
        if parts.scheme != "https" or not host:
            return "must begin with https://"
        if "@" in parts.netloc or parts.fragment:
            return "must not hold a user name or a fragment"
        if self._is_named(host, port) or (port == _HTTPS and _matches(host, PUSH_SERVICES)):
            return None
        return f"{parts.netloc} is not a push service that this installation knows"

    def guard(self, host: str, port: int, address: str) -> bool:
        """Whether a connection to `host` may go to `address`."""
        return self.allow_private or self._is_named(host, port) or is_public(address)

    def _is_named(self, host: str, port: int) -> bool:
        return any(port == p and _matches(host, (pattern,)) for pattern, p in self._named)


def endpoint_problem(url: str, extra_hosts: Iterable[str] = ()) -> str | None:
    """Why a subscription's endpoint is not taken, in words; None when it is. Looks nothing up."""
    return _hosts(tuple(extra_hosts)).problem(url)


@lru_cache(maxsize=64)
def _hosts(named: tuple[str, ...]) -> PushHosts:
    return PushHosts(named)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open Internet, whatever form it hides in."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _inner(ip)
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _inner(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside a mapped, translated or tunnelled IPv6 address."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def _host_and_port(name: str) -> tuple[str, int]:
    parts = urlsplit(f"//{name.strip().lower()}")
    return parts.hostname or "", parts.port or _HTTPS


def _matches(host: str, patterns: Iterable[str]) -> bool:
    return any(host.endswith(p[1:]) if p.startswith("*.") else host == p for p in patterns)
