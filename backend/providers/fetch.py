"""Reads what lies at an address that somebody typed: https only, no redirects, no private networks, no more than asked.

A name is looked up once, and the connection goes to the very address that the guard has seen.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import httpcore

from backend.providers.dial import look_up
from backend.providers.exchange import NotSent

Allows = Callable[[str], bool]
"""IP address → whether we may connect to it."""

PRIVATE = "points into a private network, from where no phone can load it"
_REDIRECTS = range(300, 400)
_OK = 200
_BROKEN_OFF = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, httpcore.TimeoutException)
_ASKED: dict[bytes | str, bytes | str] = {"User-Agent": "Tocsin", "Accept": "image/*", "Accept-Encoding": "identity"}


class NotFetched(Exception):
    """There is nothing to show; `reason` goes on from the address: `does not exist`, `redirects to …`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was there, and what the server calls it."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Fetcher:
    """`ca` are PEM bundles that are trusted beside the system's; a proxy looks names up itself."""

    allows: Allows
    most: int
    seconds: float
    ca: tuple[str, ...] = ()
    proxy: str | None = field(default=None, repr=False)

    async def get(self, url: str) -> Fetched:
        """Raises `NotFetched`."""
        try:
            async with asyncio.timeout(self.seconds), self._pool() as pool:
                return await self._read(pool, url)
        except TimeoutError:
            raise NotFetched(f"takes longer than {self.seconds:g} seconds") from None
        except httpcore.ConnectError as error:
            raise NotFetched(f"cannot be reached: {_plain(error)}") from error
        except (*_BROKEN_OFF, ssl.SSLError) as error:  # the latter over what is no TLS any more
            raise NotFetched(f"broke off: {_plain(error)}") from error
        except httpcore.UnsupportedProtocol as error:
            raise NotFetched("must begin with https://") from error

    def _pool(self) -> httpcore.AsyncConnectionPool:
        context = _context(self.ca)
        if self.proxy is None:
            return httpcore.AsyncConnectionPool(ssl_context=context, network_backend=_Pinned(self.allows))
        parts = urlsplit(self.proxy)
        pair = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        bare = f"{parts.scheme}://{parts.hostname}:{parts.port}"
        return httpcore.AsyncHTTPProxy(bare, proxy_auth=pair, ssl_context=context)

    async def _read(self, pool: httpcore.AsyncConnectionPool, url: str) -> Fetched:
        if not url.lower().startswith("https://"):
            raise NotFetched("must begin with https://")
        async with pool.stream("GET", url, headers=_ASKED) as response:
            told = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            _check(response.status, told)
            body = bytearray()
            async for piece in response.aiter_stream():
                body += piece
                if len(body) > self.most:
                    raise NotFetched(f"has more than {self.most // 1_000_000} MB")
        return Fetched(bytes(body), told.get(b"content-type", "")[:200])


class _Unreached(httpcore.ConnectError):
    """No connection, in words of our own."""


class _Pinned(httpcore.AsyncNetworkBackend):
    """Looks a name up once, asks about each address, and connects to that very address."""

    def __init__(self, allows: Allows) -> None:
        self._allows = allows
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            found = await look_up(host, port)
        except NotSent:
            raise _Unreached(f"there is no host {host}") from None
        allowed = [address for address in found if self._allows(address)]
        if not allowed:
            raise NotFetched(PRIVATE)
        failure = _Unreached(f"{host} has no address")
        for address in allowed:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = _Unreached(_plain(error))
        raise failure


def _check(status: int, told: dict[bytes, str]) -> None:
    """Only a plain 200 is read."""
    if status in _REDIRECTS:
        target = told.get(b"location", "")[:300]
        raise NotFetched(f"redirects to {target}; use that address" if target else "redirects to nowhere")
    if status != _OK:
        raise NotFetched(f"answers with status {status}")


def _plain(error: BaseException) -> str:
    """The innermost words of a failure; those around it only wrap it."""
    while not isinstance(error, _Unreached) and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "no answer"


@lru_cache(maxsize=4)
def _context(ca: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for pem in ca:
        context.load_verify_locations(cadata=pem)
    return context
