"""From a host's name to an HTTP/2 connection: look-up, guard, proxy, TLS, the peer's SETTINGS."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from socket import SOCK_STREAM, gaierror, inet_aton, inet_ntoa
from typing import cast
from weakref import WeakKeyDictionary

from backend.providers.connection import Connection
from backend.providers.exchange import AddressRefused, Limits, NotSent
from backend.providers.proxy import Proxy, is_own_machine, tunnel

Guard = Callable[[str, int, str], bool]
"""(host, port, IP address) -> whether we may connect there."""

Reach = Callable[[str], Awaitable[Connection]]
"""IP address -> a connection that has done its TLS handshake there."""

_GOODBYE = 1.0
"""Seconds for TLS to say goodbye."""


class Pace:
    """After a failure there is one new connection a `Limits.pace` to a host, whichever lanes want it.

    Connections to a host that works are not held back, nor those that replace one which the peer retired
    in good order (GOAWAY after answers): providers do that all the time.
    """

    def __init__(self) -> None:
        self._not_before: dict[tuple[str, int], float] = {}

    def failed(self, host: str, port: int, until: float) -> None:
        now = asyncio.get_running_loop().time()
        self._not_before = {key: at for key, at in self._not_before.items() if at > now}
        self._not_before[host, port] = max(until, self._not_before.get((host, port), until))

    def worked(self, host: str, port: int) -> None:
        self._not_before.pop((host, port), None)

    async def turn(self, host: str, port: int, pace: float) -> None:
        """Waits for its turn, and takes it."""
        loop, key = asyncio.get_running_loop(), (host, port)
        while (wait := self._not_before.get(key, 0.0) - loop.time()) > 0:
            await asyncio.sleep(min(wait, pace))
        if key in self._not_before:
            self._not_before[key] = loop.time() + pace


_paces: WeakKeyDictionary[asyncio.AbstractEventLoop, Pace] = WeakKeyDictionary()


def pace_of_this_loop() -> Pace:
    """The lanes of one process live in one event loop, and share it."""
    return _paces.setdefault(asyncio.get_running_loop(), Pace())


@dataclass(frozen=True, slots=True)
class Dialer:
    """Connects; the name is looked up once for each connection and the connection goes to that address.

    With a proxy it is the proxy that looks the name up, and the guard hears only of names that are
    addresses. Our own machine is never reached by proxy.
    """

    context: ssl.SSLContext
    limits: Limits
    guard: Guard | None = None
    proxy: Proxy | None = None

    async def connect(self, host: str, port: int, make: Callable[[], Connection]) -> Connection:
        """A connection whose peer has sent its SETTINGS. Raises `NotSent`."""
        try:
            async with asyncio.timeout(self.limits.connect_timeout):
                if self.proxy is None or is_own_machine(host):
                    return await self._directly(host, port, make)
                return await self._by_proxy(self.proxy, host, port, make)
        except TimeoutError:
            raise NotSent(f"connect_timeout {host}:{port}") from None

    async def _directly(self, host: str, port: int, make: Callable[[], Connection]) -> Connection:
        addresses = self._allowed(host, port, await look_up(host, port))

        async def reach(address: str) -> Connection:
            _, connection = await asyncio.get_running_loop().create_connection(
                make, address, port, ssl=self.context, server_hostname=host, ssl_shutdown_timeout=_GOODBYE
            )
            return connection

        return await self._first(addresses, host, port, reach)

    async def _by_proxy(self, proxy: Proxy, host: str, port: int, make: Callable[[], Connection]) -> Connection:
        literal = _literal(host)
        if literal is not None:
            self._allowed(host, port, [literal])

        async def reach(address: str) -> Connection:
            raw, connection = await tunnel(proxy, address, host, port), make()
            transport = await asyncio.get_running_loop().start_tls(
                raw, connection, self.context, server_hostname=host, ssl_shutdown_timeout=_GOODBYE
            )
            connection.connection_made(cast(asyncio.Transport, transport))
            return connection

        addresses = await look_up(proxy.host, proxy.port)
        return await self._first(addresses, proxy.host, proxy.port, reach)

    def _allowed(self, host: str, port: int, addresses: Sequence[str]) -> list[str]:
        if self.guard is None:
            return list(addresses)
        allowed = [address for address in addresses if self.guard(host, port, address)]
        if not allowed:
            raise AddressRefused(f"address_not_allowed {host}")
        return allowed

    async def _first(self, addresses: Sequence[str], host: str, port: int, reach: Reach) -> Connection:
        """The first address that answers; each has its share of the time."""
        share = self.limits.connect_timeout / len(addresses)
        failure = NotSent(f"no address {host}")
        for address in addresses:
            try:
                async with asyncio.timeout(share):
                    return await _settled(await reach(address))
            except NotSent as error:
                failure = error
            except TimeoutError:
                failure = NotSent(f"connect_timeout {address}")
            except ssl.SSLError as error:
                failure = NotSent(f"tls {error.reason or error} {host}")
            except OSError as error:
                failure = NotSent(f"connect {error.strerror or error} {address}:{port}")
        raise failure


async def _settled(connection: Connection) -> Connection:
    """The connection when its peer's SETTINGS are here. Raises `NotSent`."""
    try:
        await connection.ready
    finally:
        if not connection.is_ready:
            connection.abort("no settings")
            await asyncio.wait([connection.closed], timeout=_GOODBYE)
    return connection


async def look_up(host: str, port: int) -> list[str]:
    """The IP addresses of a host, each once. Raises `NotSent`."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=SOCK_STREAM)
    except (gaierror, UnicodeError) as error:
        raise NotSent(f"dns {host}: {error}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _literal(host: str) -> str | None:
    """The address that a name spells out, in any of the forms that resolvers take (`127.1`, `0x7f000001`)."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return inet_ntoa(inet_aton(host))
    except OSError:
        return None
