"""The HTTP/2 client of the hot path: many requests to few origins, and an honest word on each one's end.

`Transport.request` gives an `Answer` or raises one of two errors. `NotSent`: the peer certainly did not
process the request. `Unknown`: it may have. The difference is what keeps a push from being lost or sent
twice when a provider retires a connection (GOAWAY), which they do all the time.
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from backend.providers.dial import Dialer, Guard, tls_context
from backend.providers.exchange import AddressRefused, Answer, Call, Limits, NotSent, Unknown
from backend.providers.http2 import header_block
from backend.providers.pool import Pool

__all__ = ["AddressRefused", "Answer", "Guard", "Limits", "NotSent", "Transport", "Unknown", "split_url"]


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
    authority = origin.removeprefix("https://").encode()
    return header_block(((b":method", method.encode()), (b":scheme", b"https"), (b":authority", authority)))


class Transport:
    """The connections of one lane. Use it in one event loop; close it there.

    `ca` are PEM bundles trusted beside the system's. `guard` is asked about each address before we
    connect to it.
    """

    def __init__(self, ca: Sequence[str] = (), *, guard: Guard | None = None, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._dialer = Dialer(tls_context(tuple(ca)), self._limits, guard)
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
        Raises `NotSent` or `Unknown`. Cancelling resets the request's stream.
        """
        loop = asyncio.get_running_loop()
        pool = self._pools.get(origin) or self._new_pool(origin)
        fields = [(b":path", path.encode())]
        fields += [(name.encode(), value.encode()) for name, value in headers]
        fields.append((b"content-length", b"%d" % len(body)))
        call = Call(_start(method, origin) + header_block(fields), body, loop.create_future())
        timer = loop.call_later(timeout, pool.expire, call)
        try:
            pool.submit(call)
            return await call.future
        except asyncio.CancelledError:
            pool.abandon(call)
            raise
        finally:
            timer.cancel()

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
        pool = Pool(parts.hostname, parts.port or 443, self._dialer, self._limits)
        self._pools[origin] = pool
        return pool

    def _make_room(self) -> None:
        """Web Push endpoints come from browsers: whoever makes up host names must not use up our sockets."""
        self._parting = [pool for pool in self._parting if not pool.gone]
        for origin, pool in list(self._pools.items()):
            if pool.quiet:
                pool.part()
                self._parting.append(self._pools.pop(origin))
