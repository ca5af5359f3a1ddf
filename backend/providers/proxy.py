"""The HTTP proxy between us and the providers, where the operator has one (RFC 9110 9.3.6, CONNECT)."""

import asyncio
import base64
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from backend.providers.exchange import NotSent

_LONGEST = 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r\n)")
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it listens, and the value of its `Proxy-Authorization`, if it wants one."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "Proxy":
        """From `http://[user:password@]host:port`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.port is None or parts.path not in {"", "/"}:
            raise ValueError("a proxy is http://[user:password@]host:port")
        if parts.username is None:
            return cls(parts.hostname, parts.port)
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        return cls(parts.hostname, parts.port, "Basic " + base64.b64encode(pair).decode())

    def request(self, host: str, port: int) -> bytes:
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode()


def through(url: str | None, host: str) -> str | None:
    """The proxy for this host: none for our own machine, which no proxy elsewhere can reach."""
    return None if url is None or is_own_machine(host) else url


def is_own_machine(host: str) -> bool:
    if host.rstrip(".").rpartition(".")[2] == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def tunnel(proxy: Proxy, address: str, host: str, port: int) -> asyncio.Transport:
    """A transport that ends at `host`, through the proxy at `address`. Raises `NotSent` and OSError."""
    loop = asyncio.get_running_loop()
    transport, opening = await loop.create_connection(_Opening, address, proxy.port)
    opened = False
    try:
        transport.write(proxy.request(host, port))
        status = await opening.status
        if not 200 <= status < 300:
            raise NotSent(f"proxy_refused {status} {host}")
        opened = True
        return transport
    finally:
        if not opened:
            transport.abort()


class _Opening(asyncio.Protocol):
    """Reads the proxy's answer, and not a byte beyond: what follows belongs to TLS."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._read = b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        if _END in self._read:
            self._answer(self._read)
        elif len(self._read) > _LONGEST:
            self._fail("proxy_answer endless")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("proxy_answer connection lost")

    def _answer(self, head: bytes) -> None:
        found = _STATUS.match(head)
        if found is None or (found[1].startswith(b"2") and not head.endswith(_END)):
            self._fail("proxy_answer not HTTP")
        elif not self.status.done():
            self.status.set_result(int(found[1]))

    def _fail(self, reason: str) -> None:
        if not self.status.done():
            self.status.set_exception(NotSent(reason))
