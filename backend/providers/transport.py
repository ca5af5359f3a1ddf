"""The HTTP/2 client of the hot path: many requests to few origins, and an honest word on each one's end.

`Transport.request` gives an `Answer` or raises one of two errors. `NotSent`: the peer certainly did not
process the request. `Unknown`: it may have. The difference is what keeps a push from being lost or sent
twice when a provider retires a connection (GOAWAY), which they do all the time.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from backend.providers.connection import Connection, Owner
from backend.providers.dial import Dialer, Guard
from backend.providers.exchange import (
    AddressRefused,
    Admission,
    Answer,
    Call,
    HostReport,
    Limits,
    NotSent,
    Parting,
    Unknown,
)
from backend.providers.header_block import Decoder, header_block, new_decoder
from backend.providers.pool import ASK_AGAIN, Pool
from backend.providers.proxy import Proxy
from backend.providers.tls import tls_context

__all__ = [
    "AddressRefused",
    "Admission",
    "Answer",
    "Guard",
    "HostReport",
    "Limits",
    "NotSent",
    "Transport",
    "Unknown",
    "split_url",
]


def split_url(url: str) -> tuple[str, str]:
    """(origin, rest) of an https URL: `https://host[:port]` in lower case, and the rest as it stands.

    Raises ValueError for anything else, and for user names in the URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise ValueError(f"not an https URL: {url!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, 443} else f":{parts.port}"
    return f"https://{host}{port}", parts.path + (f"?{parts.query}" if parts.query else "")


@lru_cache(maxsize=256)
def _start(method: str, origin: str) -> bytes:
    """The header fields that all requests of a kind to one origin begin with."""
    authority = origin.removeprefix("https://")
    return header_block(((":method", method), (":scheme", "https"), (":authority", authority)))


class Transport:
    """The connections of one lane. Use it in one event loop; close it there.

    `ca` are PEM bundles trusted beside the system's. `guard` is asked about each address before we
    connect to it. `proxy_url` is `http://[user:password@]host:port`. `client_certificate` is PEM: a
    certificate with its chain and its key. `parting` tells the answers by which a peer says goodbye: the
    connection of such a one takes no more requests. Raises ValueError and `ssl.SSLError` for those that are none.
    """

    def __init__(
        self,
        ca: Sequence[str] = (),
        *,
        guard: Guard | None = None,
        limits: Limits | None = None,
        proxy_url: str | None = None,
        client_certificate: str | None = None,
        parting: Parting | None = None,
        decoder: Callable[[], Decoder] = new_decoder,
    ) -> None:
        self._limits = limits or Limits()
        context = tls_context(tuple(ca), client_certificate)
        self._dialer = Dialer(context, self._limits, guard, Proxy.parse(proxy_url) if proxy_url else None)
        self._decoder, self._says_goodbye = decoder, parting
        self._pools: dict[str, Pool] = {}
        self._parting: list[Pool] = []
        self._closed = False

    async def request(
        self,
        origin: str,
        path: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        *,
        timeout: float,
        method: str = "POST",
    ) -> Answer:
        """Sends one request to `origin` (`https://host[:port]`) and waits for its whole answer.

        Header names are lower case. `timeout` is in seconds and counts the wait for a connection too.
        Raises `NotSent` or `Unknown`; `NotSent("breaker_open")` at once while the host rests after
        failures. Cancelling resets the request's stream.
        """
        pool = self._pools.get(origin) or self._new_pool(origin)
        fields = ((":path", path), *headers, ("content-length", str(len(body))))
        block = _start(method, origin) + header_block(fields)
        return await pool.request(Call(block, body, asyncio.get_running_loop().create_future()), timeout)

    def admit(self, origin: str, wanted: int) -> Admission:
        """How many of `wanted` requests to the origin make sense now: none while it rests, few while it is slow."""
        pool = self._pools.get(origin)
        if pool is not None:
            return pool.admit(wanted)
        cap = self._limits.slow_streams
        return Admission(wanted) if cap is None or wanted <= cap else Admission(cap, ASK_AGAIN)

    def hosts(self) -> list[HostReport]:
        """The origins that this transport speaks with."""
        return [pool.report() for pool in self._pools.values()]

    async def close(self) -> None:
        """Ends all connections; requests under way raise `Unknown`, waiting ones `NotSent`."""
        self._closed = True
        await asyncio.gather(*(pool.close() for pool in (*self._pools.values(), *self._parting)))

    def _new_pool(self, origin: str) -> Pool:
        if self._closed:
            raise NotSent("closed")
        if len(self._pools) >= self._limits.origins:
            self._make_room()
        parts = urlsplit(origin)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"an origin is https://host[:port], not {origin!r}")
        pool = Pool(parts.hostname, parts.port or 443, self._dialer, self._connection)
        self._pools[origin] = pool
        return pool

    def _connection(self, owner: Owner) -> Connection:
        return Connection(owner, self._limits, self._decoder(), self._says_goodbye)

    def _make_room(self) -> None:
        """Web Push endpoints come from browsers: whoever makes up host names must not use up our sockets."""
        self._parting = [pool for pool in self._parting if not pool.gone]
        for origin, pool in list(self._pools.items()):
            if pool.quiet:
                pool.part()
                self._parting.append(self._pools.pop(origin))
