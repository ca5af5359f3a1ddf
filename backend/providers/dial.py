"""From a host's name to an HTTP/2 connection: look-up, guard, TLS, the peer's SETTINGS."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from socket import SOCK_STREAM, gaierror

from backend.providers.connection import Connection
from backend.providers.exchange import AddressRefused, Limits, NotSent

Guard = Callable[[str, int, str], bool]
"""(host, port, IP address) -> whether we may connect there."""

_GOODBYE = 1.0
"""Seconds for TLS to say goodbye."""


@lru_cache(maxsize=64)
def tls_context(ca: tuple[str, ...]) -> ssl.SSLContext:
    """Trusts the system's roots and the given PEM bundles; offers HTTP/2 only."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    for pem in ca:
        context.load_verify_locations(cadata=pem)
    return context


@dataclass(frozen=True, slots=True)
class Dialer:
    """Connects; the name is looked up once for each connection and the connection goes to that address."""

    context: ssl.SSLContext
    limits: Limits
    guard: Guard | None = None

    async def connect(self, host: str, port: int, make: Callable[[], Connection]) -> Connection:
        """A connection whose peer has sent its SETTINGS. Raises `NotSent`."""
        try:
            async with asyncio.timeout(self.limits.connect_timeout):
                addresses = self._allowed(host, port, await _look_up(host, port))
                return await self._first(addresses, host, port, make)
        except TimeoutError:
            raise NotSent(f"connect_timeout {host}:{port}") from None

    def _allowed(self, host: str, port: int, addresses: Sequence[str]) -> list[str]:
        if self.guard is None:
            return list(addresses)
        allowed = [address for address in addresses if self.guard(host, port, address)]
        if not allowed:
            raise AddressRefused(f"address_not_allowed {host}")
        return allowed

    async def _first(
        self, addresses: Sequence[str], host: str, port: int, make: Callable[[], Connection]
    ) -> Connection:
        """The first address that answers; each but the last gets its share of the time."""
        share = self.limits.connect_timeout / len(addresses)
        failure = NotSent(f"no address {host}")
        for address in addresses:
            try:
                async with asyncio.timeout(share):
                    return await self._open(address, host, port, make)
            except NotSent as error:
                failure = error
            except TimeoutError:
                failure = NotSent(f"connect_timeout {address}")
        raise failure

    async def _open(self, address: str, host: str, port: int, make: Callable[[], Connection]) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                make,
                address,
                port,
                ssl=self.context,
                server_hostname=host,
                ssl_shutdown_timeout=_GOODBYE,
            )
        except ssl.SSLError as error:
            raise NotSent(f"tls {error.reason or error} {host}") from error
        except OSError as error:
            raise NotSent(f"connect {error.strerror or error} {address}:{port}") from error
        try:
            await connection.ready
        finally:
            if not connection.is_ready:
                connection.abort("no settings")
                await connection.closed
        return connection


async def _look_up(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=SOCK_STREAM)
    except (gaierror, UnicodeError) as error:
        raise NotSent(f"dns {host}: {error}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
